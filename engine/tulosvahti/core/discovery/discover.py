"""Everything that a table's numbers say about how they are computed: patterns along rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.discovery.ratios import find_averages, find_ratios
from tulosvahti.core.discovery.signed import with_signed
from tulosvahti.core.discovery.sums import find_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.discovery.lines import Axis, Lines, Numbers
    from tulosvahti.core.discovery.pattern import Pattern

SURE_TOTAL = 10.0
MOST_TRIPLES = 4e9
"""Numbers compared for shares: a larger table is not searched for them."""


@dataclass(frozen=True)
class Discovery:
    """The patterns along one axis; ``left_out``: functions that were not looked for, the table being too large."""

    axis: Axis
    lines: Lines
    patterns: tuple[Pattern, ...]
    left_out: tuple[str, ...] = ()


def discover(numbers: Numbers, axis: Axis, labels: Sequence[str]) -> Discovery:
    """Search one axis; ``labels`` name its positions (columns along rows, rows along columns)."""
    lines = numbers.along(axis, labels)
    sums = with_signed(lines, find_sums(lines))
    sure = frozenset(p.total for p in sums if p.score > SURE_TOTAL)
    means = [p for p in find_averages(lines, sure, sums) if p.total not in sure]
    if lines.count * len(lines.numeric) ** 3 > MOST_TRIPLES:
        return Discovery(axis, lines, (*sums, *means), ("share", "relative_change"))
    ratios = find_ratios(lines, sure, sure | {p.total for p in means})
    return Discovery(axis, lines, (*sums, *means, *ratios))
