"""Sums with columns taken off: spending less refunds. Searched once the plain sums are known, and only clear ones.

A sum of ``a + b - c`` has no plain form, as none of its figures is the sum of the others; ``a - c`` has (``a``). Numbers
alone do not tell it from two sums of one total that is not shown, so words or the place must speak for it too.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.core.discovery.lines import part_of
from tulosvahti.core.discovery.pattern import summed
from tulosvahti.core.discovery.structure import Basis, equals, place_cost, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tulosvahti.core.discovery.lines import Lines
    from tulosvahti.core.discovery.pattern import Pattern

TOTAL = re.compile(
    r"\btotal|\bsum\b|summa|yhteen|gesamt|insgesamt|samman|\bnet\b|netto|jäämä|margin|skillnad|result|tulos|surplus|disposable|käytettävissä|ylijäämä",
    re.IGNORECASE,
)
TAKEN_OFF = re.compile(
    r"refund|return|\bless\b|minus|deduct|discount|rebate|reduction|credit|paid|loss|expens|cost|outlay|vähenn|palautu|hyvity|alennu|"
    r"menot|kulut|maksetut|avgår|avdrag|återbetal|rabatt|kostnad|utgift|betald|^\s*[-−–]\s*\w",
    re.IGNORECASE,
)
RATE = re.compile(r"%|percent|pros|osuus|andel|share|average|keskiarvo|medel", re.IGNORECASE)
LEAST_LINES = 3
LEAST_SHARE = 0.6
"""So many of the lines that can be judged must show a sum with a column taken off."""
LEAST_SCORE = 14.0
MOST_PLACE = 15.0
"""Bits to say where the items lie, at most."""
MOST_POSITIONS = 80
Candidate = tuple[int, tuple[int, ...]]
Signed = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Total, items, weights."""


def with_signed(lines: Lines, sums: Sequence[Pattern]) -> list[Pattern]:
    """Give the plain sums, and those of three items or more of which some are taken off.

    A plain sum of the same figures that holds in fewer lines (where what is taken off is 0) makes way.
    """
    if len(lines.numeric) > MOST_POSITIONS or len(lines.numeric) < 4 or lines.count < LEAST_LINES:
        return list(sums)
    totals = frozenset(q for q in lines.numeric if TOTAL.search(lines.labels[q]) and not RATE.search(lines.labels[q]))
    if not totals:
        return list(sums)
    families = {p.total: frozenset(p.items) for p in sums}
    below = {q for p in sums for q in p.items}
    found: dict[Candidate, Pattern] = {}
    for positions in (lines.numeric, [q for q in lines.numeric if q not in below], [q for q in lines.numeric if q not in families]):
        for total, items, weights in (*_flipped(lines, positions, totals), *_solved(lines, positions, totals)):
            if (total, items) in found or not _spoken_for(lines, total, items, weights):
                continue
            pattern = summed(lines, total, items, weights)
            shown, failing = len(pattern.holds), len(pattern.fails)
            if shown < LEAST_LINES or shown < LEAST_SHARE * (shown + failing) or not _each_shows(lines, pattern):
                continue
            place = place_cost(lines, pattern, families) + math.log2(len(items)) * weights.count(-1)
            score = pattern.bits - pattern.split - lines.bits - place
            if score >= LEAST_SCORE and place <= MOST_PLACE:
                found[total, items] = replace(pattern, place=place, score=score)
    if not found:
        return list(sums)
    ordered = sorted(found.values(), key=lambda p: (p.weights.count(-1), p.place, -p.score, p.total))
    plain = [q for q in sums if not any(_makes_way(q, p) for p in ordered)]
    basis = Basis()
    for relation in (*equals(lines), *map(terms, plain)):
        basis.add(relation)
    taken = {q.total for q in plain}
    return [*plain, *(p for p in ordered if p.total not in taken and basis.add(terms(p)))]


def _makes_way(plain: Pattern, signed: Pattern) -> bool:
    return {plain.total, *plain.items} <= {signed.total, *signed.items} and len(plain.holds) < len(signed.holds)


def _spoken_for(lines: Lines, total: int, items: tuple[int, ...], weights: tuple[int, ...]) -> bool:
    """Tell whether labels, or the last place before the total, speak for what is taken off."""
    taken = [q for q, w in zip(items, weights, strict=True) if w < 0]
    return taken == [total - 1] or all(TAKEN_OFF.search(lines.labels[q]) for q in taken)


def _each_shows(lines: Lines, pattern: Pattern) -> bool:
    return bool((part_of(lines.zeroed, pattern.holds, pattern.items) != 0).any(0).all())


def _blocks(positions: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """Give runs of positions beside a total, of three or more, from the longest on."""
    before = [q for q in positions if q < total]
    after = [q for q in positions if q > total]
    for k in range(max(0, len(before) - 2)):
        yield tuple(before[k:])
    for k in range(len(after), 2, -1):
        yield tuple(after[:k])


def _flipped(lines: Lines, positions: Sequence[int], totals: frozenset[int]) -> Iterator[Signed]:
    """Give runs beside their total of which one is taken off: it is half of what the whole run has too much."""
    for total in totals.intersection(positions):
        judged = lines.there[:, total] & (lines.zeroed[:, total] != 0)
        if judged.sum() < LEAST_LINES:
            continue
        rows = np.flatnonzero(judged)
        for items in _blocks(positions, total):
            block = part_of(lines.zeroed, rows, items)
            twice = block.sum(1) - lines.zeroed[rows, total]
            slack = part_of(lines.halves, rows, items).sum(1) + lines.halves[rows, total] + 1e-9 * np.abs(twice)
            fits = (np.abs(2 * block - twice[:, None]) <= slack[:, None]) & (block != 0)
            counts = fits.sum(0)
            for k in np.flatnonzero(counts >= max(LEAST_LINES, LEAST_SHARE * len(rows) / 2)):
                yield total, items, tuple(-1 if i == k else 1 for i in range(len(items)))


def _solved(lines: Lines, positions: Sequence[int], totals: frozenset[int]) -> Iterable[Signed]:
    """Give totals by least squares, where there are more lines than positions and every weight is 1, 0 or -1."""
    kept = [q for q in positions if (lines.zeroed[:, q] != 0).sum() >= LEAST_LINES]
    for total in totals.intersection(kept):
        others = [q for q in kept if q != total]
        rows = np.flatnonzero(lines.there[:, total] & (lines.zeroed[:, total] != 0))
        if len(others) < 3 or len(rows) < len(others) + 3:
            continue
        rows = rows[:: max(1, len(rows) // (8 * len(others)))]
        scaled = part_of(lines.zeroed, rows, others) / lines.zeroed[rows, total][:, None]
        weights = np.linalg.lstsq(scaled, np.ones(len(scaled)), rcond=None)[0]
        off = np.abs(scaled @ weights - 1)
        good = off <= max(1e-6, 5 * float(np.median(off)))
        if good.sum() >= len(others) + 3:
            weights = np.linalg.lstsq(scaled[good], np.ones(int(good.sum())), rcond=None)[0]
        whole = np.rint(weights)
        chosen = [(q, int(w)) for q, w in zip(others, whole, strict=True) if w]
        if (np.abs(weights - whole) < 0.02).all() and {w for _, w in chosen} == {1, -1} and len(chosen) >= 3:
            yield total, tuple(q for q, _ in chosen), tuple(w for _, w in chosen)
