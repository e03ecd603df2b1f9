"""Totals that only their words give away: too few lines, or too few digits, for the numbers to show them alone.

A labelled total is related to the block it closes (or opens): if that holds, the relation is known; if it nearly does,
or one slip explains it, it is broken. Otherwise nothing is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.audit.meant import NEAR, OTHER_KIND, SLIPS
from tulosvahti.core.cause import change_cause, difference_cause
from tulosvahti.core.discovery.lines import part_of
from tulosvahti.core.discovery.pattern import Pattern, summed
from tulosvahti.core.quantity import shortest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.discovery.lines import Lines

TOTAL = re.compile(
    r"\b(grand total|sub-?total|total|totals|totalt|summa|sum|yhteens[äa]|yht\.?|kaikkiaan|välisumma|loppusumma|kokonaissumma|"
    r"delsumma|summa summarum|gesamt|insgesamt|zwischensumme|celkem|all)\b",
    re.IGNORECASE,
)
PART = re.compile(r"^\s*[-–—•]?\s*(josta|joista|siitä|niistä|varav|därav|of which|thereof|davon|darunter|including)\b", re.IGNORECASE)
LONGEST_LABEL = 80


@dataclass(frozen=True)
class Labelled:
    """A labelled total's relation; ``broken``: lines in which it should hold and does not."""

    pattern: Pattern
    broken: tuple[int, ...]
    reversed: bool = False


def is_total(label: str) -> bool:
    """Tell whether a label names a total of amounts."""
    words = label.replace("_", " ")
    return len(label) <= LONGEST_LABEL and bool(TOTAL.search(words)) and not OTHER_KIND.search(words)


def labelled_totals(lines: Lines, known: Sequence[Pattern], line_labels: Sequence[str]) -> list[Labelled]:
    """Relate labelled totals that no known pattern explains; ``known`` are the discovered sums."""
    explained = {p.total for p in known if p.function == "sum"}
    totals = {q for q in lines.numeric if is_total(lines.labels[q])}
    amounts = frozenset(line for line in range(lines.count) if not OTHER_KIND.search(line_labels[line]))
    found = (_best(lines, total, totals | explained, amounts) for total in sorted(totals - explained))
    return [labelled for labelled in found if labelled is not None]


def _blocks(lines: Lines, total: int, totals: set[int]) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Give what a total may add up, and whether a near miss of it counts.

    The block before it, everything before without subtotals, the subtotals, subtotals with what stands loose, the block
    after it; each with and without its "of which" parts.
    """
    parts = {q for q in lines.numeric if PART.match(lines.labels[q])}
    before = [q for q in lines.numeric if q < total]
    after = [q for q in lines.numeric if q > total]
    last = max((q for q in before if q in totals), default=-1)
    following = min((q for q in after if q in totals), default=lines.width)
    for without in ((), parts) if parts else ((),):
        yield tuple(q for q in before if q > last and q not in without), True
        yield tuple(q for q in before if q not in totals and q not in without), True
        yield tuple(q for q in before if (q in totals or q > last) and q not in without), False
        yield tuple(q for q in after if q < following and q not in without), False
        yield tuple(q for q in after if q not in totals and q not in without), False
    yield tuple(q for q in before if q in totals), False


def _best(lines: Lines, total: int, totals: set[int], amounts: frozenset[int]) -> Labelled | None:
    near: list[tuple[float, Labelled]] = []
    blocks: dict[tuple[int, ...], bool] = {}
    for block, counts in _blocks(lines, total, totals):
        if len(block) >= 2:
            blocks[block] = blocks.get(block, False) or counts
    for items in blocks:
        for weights in _signs(lines, total, items, amounts):
            pattern = summed(lines, total, items, weights)
            held = [line for line in (*pattern.holds, *pattern.idle) if line in amounts and lines.zeroed[line, total]]
            if held and not amounts.intersection(pattern.fails):
                return Labelled(pattern, (), reversed=set(weights) == {-1})
    for items in (items for items, counts in blocks.items() if counts):
        pattern = summed(lines, total, items)
        if _counted_twice(lines, pattern, amounts):
            return Labelled(pattern, tuple(line for line in pattern.fails if line in amounts))
        broken = tuple(line for line in pattern.fails if line in amounts)
        held = [line for line in (*pattern.holds, *pattern.idle) if line in amounts]
        off = [_off(lines, total, items, line) for line in broken]
        if broken and all(share <= NEAR or slip for share, slip in off) and (len(items) >= 3 or held or all(s for _, s in off)):
            near.append((sum(share for share, _ in off) / len(off) - len(held), Labelled(pattern, broken)))
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _signs(lines: Lines, total: int, items: tuple[int, ...], amounts: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Give the signs to try: all added, the total's reversed, and one item taken off where that fits the difference."""
    yield (1,) * len(items)
    yield (-1,) * len(items)
    rows = [line for line in amounts if lines.there[line, total] and lines.there[line, list(items)].any()]
    if len(items) < 3 or not rows:
        return
    block = part_of(lines.zeroed, rows, items)
    twice = block.sum(1) - lines.zeroed[rows, total]
    slack = 2 * part_of(lines.halves, rows, items).sum(1) + 1e-9 * np.abs(twice)
    for k in range(len(items)):
        if block[:, k].any() and (np.abs(2 * block[:, k] - twice) <= slack).all():
            yield tuple(-1 if i == k else 1 for i in range(len(items)))


def _counted_twice(lines: Lines, pattern: Pattern, amounts: frozenset[int]) -> bool:
    """Tell whether the total has one of its items too much in every line, and that shows in two lines or more."""
    items = list(pattern.items)
    rows = [line for line in amounts if lines.there[line, pattern.total] and lines.there[line, items].any()]
    if len(items) < 3 or len(rows) < 2:
        return False
    block = part_of(lines.zeroed, rows, items)
    over = lines.zeroed[rows, pattern.total] - block.sum(1)
    slack = part_of(lines.halves, rows, [pattern.total, *items]).sum(1) + 1e-9 * np.abs(over)
    fits = (np.abs(block - over[:, None]) <= slack[:, None]).all(0)
    shows = (np.abs(block) > 2 * slack[:, None]).sum(0) >= 2
    return bool((fits & shows).any())


def _off(lines: Lines, total: int, items: Sequence[int], line: int) -> tuple[float, bool]:
    """Give how far a line is off, as a share of its total, and whether one slip explains it."""
    stated = float(lines.zeroed[line, total])
    terms = lines.zeroed[line, list(items)]
    expected = float(terms.sum())
    share = abs(stated - expected) / max(abs(stated), abs(expected), 1e-12)
    if change_cause(shortest(stated), shortest(expected)) in SLIPS:
        return share, True
    scale = 1 / max(float(np.min(lines.units[line, [total, *items]][lines.there[line, [total, *items]]])), 1e-6)
    whole = [round(float(t) * scale) for t in terms]
    return share, difference_cause(round(stated * scale), whole) is not None
