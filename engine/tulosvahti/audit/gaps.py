"""A line that a total should count and does not, anywhere: every neighbour of it is counted, and nothing else counts it.

The sum without the line holds, so the numbers alone accuse nothing: the total's word and the line's place do. Lines
whose own words set them apart (parts, shares, totals) are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.audit.labelled import PART, is_total
from tulosvahti.audit.meant import OTHER_KIND
from tulosvahti.core.discovery.lines import part_of
from tulosvahti.core.discovery.pattern import summed
from tulosvahti.core.discovery.sums import TOTAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.discovery.lines import Lines
    from tulosvahti.core.discovery.pattern import Pattern

LEAST_ITEMS = 3
LEAST_LINES = 2


def with_left_out(lines: Lines, patterns: Sequence[Pattern]) -> dict[Pattern, Pattern]:
    """Give, by the discovered sum that leaves a line out, the sum that counts it."""
    related = {q for p in patterns for q in (p.total, *(p.items if p.function != "sum" else ()))}
    counted = {q for p in patterns for q in p.items if p.function in {"sum", "difference"}}
    result = {}
    for pattern in patterns:
        if pattern.function != "sum" or len(pattern.items) < LEAST_ITEMS or len(pattern.holds) < LEAST_LINES:
            continue
        if set(pattern.weights) != {1} or not is_total(lines.labels[pattern.total]):
            continue
        missing = [q for q in _block(lines, pattern) if q not in pattern.items and _shows(lines, pattern, q)]
        if len(missing) == 1 and missing[0] not in counted | related and _ordinary(lines.labels[missing[0]]):
            result[pattern] = summed(lines, pattern.total, sorted((*pattern.items, *missing)))
    return result


def _block(lines: Lines, pattern: Pattern) -> list[int]:
    """Give what lies between the total and its farthest item."""
    low, high = (pattern.items[0], pattern.total) if pattern.items[-1] < pattern.total else (pattern.total, pattern.items[-1])
    inside = pattern.items[-1] < pattern.total or pattern.items[0] > pattern.total
    return [q for q in lines.numeric if low <= q <= high and q != pattern.total] if inside else []


def _shows(lines: Lines, pattern: Pattern, position: int) -> bool:
    return bool((part_of(lines.zeroed, pattern.holds, [position]) != 0).sum() >= LEAST_LINES)


def _ordinary(label: str) -> bool:
    return bool(label) and not (PART.match(label) or OTHER_KIND.search(label) or TOTAL_WORDS.search(label))
