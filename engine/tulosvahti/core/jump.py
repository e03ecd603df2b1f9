"""A value that jumps from the ones before it: held implausible until somebody says why it is right.

A jump is how many times as much, or as little, a value is as the one before; from or to nothing, or over zero, it is
without bound. Where a field declares no factor, ten times is allowed, and what the series itself did before.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL = Decimal(10)
_BOUNDLESS = Decimal("Infinity")


@dataclass(frozen=True)
class Jump:
    """From what a value jumps, and how many times as much or as little is allowed."""

    before: Decimal
    allowed: Decimal


def jump_of(value: Decimal, before: Sequence[Decimal], declared: Decimal | None = None) -> Jump | None:
    """Tell whether a value jumps from those ``before`` it, oldest first; None: it does not, or there are none."""
    if not before:
        return None
    allowed = declared if declared is not None else max((USUAL, *(times(*pair) for pair in pairwise(before))))
    return Jump(before[-1], allowed) if times(before[-1], value) > allowed else None


def times(one: Decimal, other: Decimal) -> Decimal:
    """Give how many times as much, or as little, one value is as the other: 1 at least."""
    if one == other:
        return Decimal(1)
    if one * other <= 0:
        return _BOUNDLESS
    return max(one / other, other / one)
