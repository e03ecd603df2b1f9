"""Changes and shares that their words give away: a column "change, %" beside two years, a row "recovery, %" below totals.

Only a printed percentage that (nearly) follows from figures of its own line is related; nothing is guessed from words
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.audit.labelled import is_total
from tulosvahti.core.discovery.pattern import Pattern, divided
from tulosvahti.core.discovery.ratios import CHANGE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.discovery.lines import Lines

NEAR_POINTS = 1.5
"""A share this near, in points, to that of two totals is meant to be it."""
MOST_TOTALS = 12


@dataclass(frozen=True)
class LabelledRatio:
    """A ratio that words name; ``broken``: lines in which it should hold and does not."""

    pattern: Pattern
    broken: tuple[int, ...]


def labelled_ratios(lines: Lines, known: Sequence[Pattern]) -> list[LabelledRatio]:
    """Relate percentages that no known pattern explains."""
    explained = {p.total for p in known}
    found: list[LabelledRatio] = []
    for total in lines.numeric:
        label = lines.labels[total]
        percent = "%" in label or bool(lines.percent[:, total].any())
        if total in explained or not percent:
            continue
        changes = CHANGE_WORDS.search(label.replace("%", ""))
        one = _change(lines, total) if changes else _share(lines, total)
        found += [one] if one else []
    return found


def _change(lines: Lines, total: int) -> LabelledRatio | None:
    """Relate a change to the two figures just before it: old and new, or new and old."""
    before = [q for q in lines.numeric if q < total][-2:]
    if len(before) < 2:
        return None
    for old, new in (before, before[::-1]):
        pattern = divided(lines, total, new, old, change=True, percent=True)
        good = len(pattern.holds) + len(pattern.idle)
        if len(pattern.holds) >= 2 and good >= 2 * len(pattern.fails):
            return LabelledRatio(pattern, pattern.fails)
    return None


def _share(lines: Lines, total: int) -> LabelledRatio | None:
    """Relate a share to two totals of its line, where only one pair comes near it."""
    totals = [q for q in lines.numeric if q != total and is_total(lines.labels[q])]
    if not 2 <= len(totals) <= MOST_TOTALS:
        return None
    near = list(_near_pairs(lines, total, totals))
    if len(near) != 1:
        return None
    pattern = divided(lines, total, *near[0], change=False, percent=True)
    return LabelledRatio(pattern, pattern.fails)


def _near_pairs(lines: Lines, total: int, totals: Sequence[int]) -> Iterator[tuple[int, int]]:
    for over in totals:
        for under in totals:
            rows = np.flatnonzero(lines.there[:, total] & lines.there[:, over] & (lines.zeroed[:, under] != 0))
            if over == under or not len(rows):
                continue
            expected = lines.zeroed[rows, over] / lines.zeroed[rows, under] * 100
            if (np.abs(expected - lines.zeroed[rows, total]) <= NEAR_POINTS).all():
                yield over, under
