"""What stands in place of a number: a limit that it lies beyond (``Alle 90``), as statistics calls it a censored value.

The row store keeps it as one text beside the empty cell (``core.kept_rows.words_of``): the sign and the number, ``< 90``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.comparators import sign_of
from tulosvahti.core.quantity import SPACES, plain, plain_decimal
from tulosvahti.core.ranges import ANYWHERE, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

UNREADABLE = "?"
"""In place of a text of ``limit_of``: a value of which nothing is known, as it was calculated from one."""


@dataclass(frozen=True)
class Worded:
    """What stands in place of the numbers of one operand, in one group: ranges, and how many rows have each."""

    limits: tuple[tuple[Range, int], ...] = ()

    @property
    def count(self) -> int:
        """How many rows have no number but words."""
        return sum(count for _, count in self.limits)

    @property
    def total(self) -> Range:
        """Where the sum of them lies."""
        total = Range.exact(0)
        for item, count in self.limits:
            total += item.times(Fraction(count))
        return total

    @property
    def is_boundless(self) -> bool:
        """Tell whether nothing is known of one of them."""
        return any(item == ANYWHERE for item, _ in self.limits)

    def __add__(self, other: Worded) -> Worded:
        """Put the rows of two together."""
        return Worded((*self.limits, *other.limits))

    def within(self, bounds: Range) -> Worded:
        """Narrow each to what the field can have at all."""
        return Worded(tuple((item.within(bounds), count) for item, count in self.limits))

    def shared(self, share: Fraction) -> Worded:
        """Give a share of each."""
        return Worded(tuple((item.times(share), count) for item, count in self.limits))


NO_WORDS = Worded()


def limit_of(text: str, read: Callable[[str], Decimal]) -> str:
    """Write a limit in one way, ``< 90``; empty where the text is none. ``read`` reads the number as its field has it.

    Raises:
        what ``read`` raises: behind the sign stands no number.

    """
    sign, rest = sign_of(" ".join(text.translate({ord(mark): " " for mark in SPACES}).split()))
    return f"{sign} {plain(plain_decimal(read(rest)))}" if sign in {"<", "<=", ">", ">="} else ""


def range_of(limit: str) -> Range:
    """Read what ``limit_of`` gives."""
    if limit == UNREADABLE:
        return ANYWHERE
    sign, _, number = limit.partition(" ")
    end, is_open = Fraction(number), len(sign) == 1
    return Range(end, None, low_open=is_open) if sign[0] == ">" else Range(None, end, high_open=is_open)


def worded(found: Iterable[tuple[str, int]]) -> Worded:
    """Read the texts of rows, with how many have each."""
    return Worded(tuple((range_of(text), count) for text, count in found if count))
