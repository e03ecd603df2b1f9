"""Which lines a pattern is meant for: those where it does not hold and yet should.

A wrong accusation costs an auditor more than a missed relation: a line is meant only if it is of the same kind as the
lines where the pattern holds, and if those are many, or the line is so close that a slip explains it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.core.cause import change_cause
from tulosvahti.core.discovery.lines import part_of
from tulosvahti.core.discovery.ratios import AVERAGE_WORDS, CHANGE_WORDS, SHARE_WORDS
from tulosvahti.core.discovery.sums import TOTAL_WORDS
from tulosvahti.core.quantity import shortest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tulosvahti.core.discovery.lines import Lines
    from tulosvahti.core.discovery.pattern import Pattern

OTHER_KIND = re.compile(r"%|percent|pros\.?\b|prosent|osuus|andel|share|muutos|change|förändring|/|\bper\b|index|indeksi|lkm|kpl|htv", re.IGNORECASE)
WORDS = {"average": AVERAGE_WORDS, "share": SHARE_WORDS, "relative_change": CHANGE_WORDS}
"""Without such a word for its result, a line off the pattern is none of it."""
CLEAR_BITS = 18.0
ALLOWED = 0.25
"""Fails for each line that holds, at most, to be taken for faults as they are."""
RARE = 0.05
"""The same where the items do not lie in one run beside their total."""
PLAIN_PLACE = 4.0
NEAR = 0.02
FARTHEST = 20.0
LEAST_SURE = 100.0
"""A difference is what another cell holds if they differ by a hundredth of it at most, and by rounding."""
SLIPS = frozenset({"digits_swapped", "sign", "factor_10", "factor_100", "factor_1000", "digit_omitted", "digit_added"})


def meant_lines(
    lines: Lines, pattern: Pattern, line_labels: Sequence[str], results: frozenset[int], siblings: Iterable[Pattern]
) -> tuple[int, ...]:
    """Give the failing lines that the pattern is meant for.

    ``line_labels``: names of the lines; ``results``: lines that are shares or means computed across; ``siblings``: the
    other patterns with the same total.
    """
    if len(pattern.holds) < 2 or pattern.bits < CLEAR_BITS or not pattern.fails:
        return ()
    words = WORDS.get(pattern.function)
    if words is not None and not words.search(lines.labels[pattern.total]) and not lines.percent[:, pattern.total].any():
        return ()
    alike = [line for line in pattern.fails if _alike(lines, pattern, line, line_labels) and line not in results]
    alike = [line for line in alike if not any(line in other.holds or line in other.idle for other in siblings)]
    plain = pattern.place <= PLAIN_PLACE and (len(pattern.items) > 2 or bool(TOTAL_WORDS.search(lines.labels[pattern.total])))
    few = len(alike) <= max(1.0, (ALLOWED if plain else RARE) * len(pattern.holds))
    most = 2 * len(alike) <= max(2, len(pattern.holds))
    kept = []
    exchanged = plain and _exchanged(lines, pattern, alike)
    for line in alike:
        stated, expected = stated_expected(lines, pattern, line)
        if _carried(lines, pattern, line) or _explained_beside(lines, pattern, line, stated - expected):
            continue
        close = plain and most and (_near(stated, expected) or _slip(stated, expected, lines, pattern, line))
        if close or exchanged or (few and _comparable(stated, expected)):
            kept.append(line)
    return tuple(kept)


def lacking_lines(lines: Lines, pattern: Pattern) -> tuple[int, ...]:
    """Give the failing lines in which an item is blank that elsewhere is not: they cannot be judged."""
    words = lines.labels[pattern.total]
    if pattern.function != "sum" or pattern.place > PLAIN_PLACE or not TOTAL_WORDS.search(words):
        return ()
    if len(pattern.fails) > len(pattern.holds):
        return ()
    items = list(pattern.items)
    usual = part_of(lines.filled, pattern.holds, items).all(0)
    return tuple(
        line
        for line in pattern.fails
        if (lacking := usual & ~lines.filled[line, items]).any() and lacking.sum() < lines.there[line, items].sum() + 1
    )


def stated_expected(lines: Lines, pattern: Pattern, line: int) -> tuple[float, float]:
    """Give what stands and what the pattern makes of the line (for a comparison only)."""
    row = lines.zeroed[line]
    stated = float(row[pattern.total])
    values = row[list(pattern.items)]
    if pattern.function in {"sum", "difference"}:
        return stated, float((values * np.array(pattern.weights)).sum())
    if pattern.function == "average":
        count = int(lines.there[line, list(pattern.items)].sum())
        return stated, float(values.sum()) / max(count, 1)
    scale = 100.0 if pattern.percent else 1.0
    first, second = float(values[0]), float(values[1])
    if pattern.function == "share":
        return stated, first / second * scale if second else 0.0
    return stated, (second - first) / first * scale if first else 0.0


def _alike(lines: Lines, pattern: Pattern, line: int, line_labels: Sequence[str]) -> bool:
    """Tell whether a line is of the kind of those where the pattern holds."""
    items = list(pattern.items)
    typical = float(np.median(part_of(lines.there, pattern.holds, items).sum(1)))
    if lines.there[line, items].sum() < max(1.0, 0.6 * typical):
        return False
    members = [pattern.total, *items]
    usual = part_of(lines.percent, pattern.holds, members).mean() > 0.5
    if (lines.percent[line, members].mean() > 0.5) != usual:
        return False
    words = line_labels[line]
    for kind in (OTHER_KIND, AVERAGE_WORDS):
        if kind.search(words) and not any(kind.search(line_labels[k]) for k in pattern.holds):
            return False
    return True


def _carried(lines: Lines, pattern: Pattern, line: int) -> bool:
    """Tell whether the total is its first or last item: a balance carried on, not a flow added up."""
    if pattern.function != "sum" or len(pattern.items) < 3:
        return False
    stated = lines.zeroed[line, pattern.total]
    return bool(stated) and stated in {lines.zeroed[line, pattern.items[0]], lines.zeroed[line, pattern.items[-1]]}


def _explained_beside(lines: Lines, pattern: Pattern, line: int, residual: float) -> bool:
    """Tell whether the difference is what another cell of the line holds, or an item that is 0 wherever the sum holds.

    Then the line is put together otherwise than the pattern says.
    """
    if pattern.function not in {"sum", "difference"}:
        return False
    holds = list(pattern.holds)
    idle = [q for q in pattern.items if not lines.zeroed[holds, q].any()]
    others = [q for q in lines.numeric if q != pattern.total and q not in pattern.items]
    values = np.abs(lines.zeroed[line, [*others, *idle]])
    members = [pattern.total, *pattern.items]
    slack = float(lines.units[line, members][lines.there[line, members]].sum()) / 2 + 1e-9 * max(1.0, abs(residual))
    return bool(((np.abs(values - abs(residual)) <= min(slack, abs(residual) / LEAST_SURE)) & (values > 0)).any())


def _near(stated: float, expected: float) -> bool:
    return abs(stated - expected) <= NEAR * max(abs(stated), abs(expected))


def _exchanged(lines: Lines, pattern: Pattern, failing: Sequence[int]) -> bool:
    """Tell whether two lines are off by the same amount either way, as when figures of theirs changed places."""
    if len(failing) != 2 or len(pattern.holds) < 2 or pattern.function != "sum":
        return False
    (one, other) = (stated - expected for stated, expected in (stated_expected(lines, pattern, line) for line in failing))
    members = [pattern.total, *pattern.items]
    slack = float((lines.units[list(failing)][:, members] * lines.there[list(failing)][:, members]).sum()) / 2
    return abs(one + other) <= slack + 1e-9 * abs(one) and abs(one) > 2 * slack


def _comparable(stated: float, expected: float) -> bool:
    if not stated or not expected:
        return True
    return 1 / FARTHEST <= abs(stated / expected) <= FARTHEST


def _slip(stated: float, expected: float, lines: Lines, pattern: Pattern, line: int) -> bool:
    """Tell whether one slip, in the total or in an item, explains the line."""
    if pattern.function not in {"sum", "difference"}:
        return False
    if change_cause(shortest(stated), shortest(expected)) in SLIPS:
        return True
    by = stated - expected
    for q, weight in zip(pattern.items, pattern.weights, strict=True):
        value = float(lines.zeroed[line, q])
        if value and change_cause(shortest(value), shortest(value + weight * by)) in SLIPS:
            return True
    return False

