"""Relations along the rows: which weights of its cells sum to 0 in nearly every row, for a given number of cells.

Convention: a relation is never given. Patterns are tried from the commonest on, and a pattern counts only by the rows
in which it shows: three cells at least that are not 0 and do not cancel each other. ``unit`` is what figures were
rounded to, 0 if sums are exact.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_graph import Budget, Graph, Pattern, Reading, fits, slack_of, solutions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEAST_SHARE = 0.75
"""Of the rows that can show a relation, in how many it must hold."""
SURE = 4.0
"""Digits of surprise at which a coincidence is out of the question: one in 10,000, over all that was tried."""
SAMPLE = 4
MOST_SAMPLE = 8
MOST_SAMPLE_READINGS = 1_500
MOST_ROUNDED_READINGS = 300
MOST_LIKELY = 100
MOST_DISCOVERED = 12
MOST_REFINED = 60
REFINING = 12
MOST_RANKED = 3
MOST_SHARES = 5
WIDEST_PAIRS = 10
_MOSTLY = 0.5

PatternSet = tuple[Pattern, ...]


@dataclass(frozen=True)
class Filtered:
    """What a set of patterns leaves of each row.

    ``readings``: those in which all of them hold, none where they cannot; ``shown``: rows where the first shows;
    ``able``: how many rows could have shown it; ``surprise``: digits of evidence in all rows together; ``weight``: rows
    that are explained, each by the share of its words that are in cells of a pattern that shows.
    """

    patterns: PatternSet
    readings: tuple[tuple[Reading, ...], ...]
    shown: frozenset[int]
    able: int
    surprise: float
    unit: int = 0
    weight: float = 0.0

    @property
    def holds(self) -> bool:
        """Tell whether the patterns are this table's."""
        enough = len(self.shown) >= 2 and len(self.shown) >= LEAST_SHARE * self.able
        return enough and self.surprise >= SURE


def direct_patterns(width: int) -> Iterator[PatternSet]:
    """Give the patterns tried without a hint: the last or the first is the sum of the others, in one or more ranks."""
    if width < 3:
        return
    ones = (1,) * (width - 1)
    yield ((*ones, -1),)
    yield ((-1, *ones),)
    for ranks in (2, 3, 4):
        if width % ranks == 0 and width // ranks >= 3:
            for total in (width // ranks - 1, 0):
                yield tuple(_rank(width, ranks, rank, total) for rank in range(ranks))


def _rank(width: int, ranks: int, rank: int, total: int) -> Pattern:
    return tuple((0 if c % ranks != rank else -1 if c // ranks == total else 1) for c in range(width))


def patterns_in(values: Sequence[int], unit: int = 0) -> set[Pattern]:
    """Give the patterns that a row's cells fit: a sum of neighbours, of all others, of two, or with signs."""
    width = len(values)
    where: dict[int, list[int]] = {}
    for place, value in enumerate(values):
        if value:
            where.setdefault(value, []).append(place)
    known = sorted(where)
    found: set[Pattern] = set()
    for start in range(width - 1):
        total = values[start]
        for end in range(start + 1, width):
            total += values[end]
            if total in where or (unit and _near(known, total, (end - start + 2) // 2 * unit)):
                found |= _with_total(where, total, range(start, end + 1), width, unit)
    for one in range(width if width <= WIDEST_PAIRS else 0):
        for two in range(one + 2, width):
            total = values[one] + values[two]
            if total in where or (unit and _near(known, total, unit)):
                found |= _with_total(where, total, (one, two), width, unit)
    found |= _halves(values, unit)
    return {p for p in found if shows(p, values)}


def _halves(values: Sequence[int], unit: int) -> set[Pattern]:
    """Give the patterns of all cells: one is the sum of the others, or the last is what the first leave of the next."""
    width = len(values)
    whole, slack = sum(values), width // 2 * unit
    found = {
        _sum(width, [c for c in range(width) if c != place], place)
        for place, value in enumerate(values)
        if abs(2 * value - whole) <= slack
    }
    before, rest = values[0], whole - values[-1]
    for cut in range(2, width - 1):
        before += values[cut - 1]
        if abs(2 * before - rest - values[-1]) <= slack:
            found.add((*(1 if c < cut else -1 for c in range(width - 1)), -1))
    return found


def _near(known: Sequence[int], value: int, slack: int) -> bool:
    place = bisect_left(known, value - slack)
    return place < len(known) and known[place] <= value + slack


def _with_total(
    where: Mapping[int, Sequence[int]], expected: int, items: Sequence[int], width: int, unit: int
) -> set[Pattern]:
    slack = (len(items) + 1) // 2 if unit else 0
    near = [expected + off * unit for off in range(-slack, slack + 1)]
    return {_sum(width, items, place) for v in near for place in where.get(v, ()) if place not in items}


def _sum(width: int, items: Sequence[int], total: int) -> Pattern:
    return tuple(-1 if c == total else int(c in items) for c in range(width))


def live(pattern: Pattern, values: Sequence[int]) -> set[int]:
    """Give the cells of a pattern that make its sum: not 0, and not cancelled by another one of them."""
    waiting: dict[int, list[int]] = {}
    for c, (w, v) in enumerate(zip(pattern, values, strict=True)):
        if w and v:
            others = waiting.get(-w * v)
            if others:
                others.pop()
            else:
                waiting.setdefault(w * v, []).append(c)
    return {c for left in waiting.values() for c in left}


def shows(pattern: Pattern, values: Sequence[int]) -> bool:
    """Tell whether a row can show a pattern at all: three terms, or more, make its sum."""
    return len(live(pattern, values)) >= 3


def surprise_of(
    patterns: PatternSet, readings: Sequence[Reading], ways: int, *, unit: int = 0, grain: int = 0
) -> float:
    """Give the digits of evidence in one row: those of the figures that agree, less those of the choice there was.

    Digits that all figures share, the noughts of round ones, are no evidence: ``grain``, or else the row's own.
    """
    digits = 0.0
    for pattern in patterns:
        top = min((_reach(pattern, r.values, grain) for r in readings), default=0.0)
        digits += max(0.0, math.log10(top + 1) - (math.log10(2 * slack_of(pattern) + 1) if unit else 0))
    return digits - math.log10(max(ways, 1))


def _reach(pattern: Pattern, values: Sequence[int], grain: int) -> float:
    terms = [abs(v) for w, v in zip(pattern, values, strict=True) if w]
    return max(terms) / (grain or math.gcd(*terms) or 1)


def grain_of(rows: Sequence[Sequence[int]]) -> int:
    """Give the power of ten that nearly all of a table's figures are multiples of."""
    values = [v for row in rows for v in row if v]
    grain = 1
    while grain < 10**6 and sum(v % (10 * grain) == 0 for v in values) > 0.9 * len(values):
        grain *= 10
    return grain


def filter_rows(
    patterns: PatternSet, graphs: Sequence[Graph], width: int, budget: Budget, *, unit: int = 0, tried: int = 1
) -> Filtered | None:
    """Keep the readings in which the patterns hold; None as soon as it is plain that they are not this table's.

    ``tried``: how many patterns these were chosen from.
    """
    kept: dict[int, tuple[Reading, ...]] = {}
    ways = [g.count(width) for g in graphs]
    order = sorted((r for r, n in enumerate(ways) if n), key=lambda r: ways[r])
    shown: set[int] = set()
    alike: set[tuple[int, ...]] = set()
    able, surprise = 0, -math.log10(tried)
    for r in order:
        found = solutions(graphs[r], width, patterns, budget, unit=unit)
        kept[r] = tuple(found)
        if not found:
            able += 1
        elif all(shows(p, v.values) for p in patterns for v in found):
            able += 1
            shown.add(r)
            shape = _shape(found[0].values)
            if shape not in alike:
                # A row that repeats another, or is a multiple of it, says nothing new.
                surprise += max(0.0, surprise_of(patterns, found, ways[r], unit=unit))
            alike.add(shape)
        if able - len(shown) > (1 - LEAST_SHARE) * len(order):
            return None
    if any(_reducible(p, [kept[r] for r in shown]) for p in patterns):
        return None
    readings = tuple(kept.get(r, ()) for r in range(len(graphs)))
    return Filtered(patterns, readings, frozenset(shown), able, surprise, unit, _explained(patterns, readings))


def _explained(patterns: PatternSet, rows: Sequence[Sequence[Reading]]) -> float:
    """Add up the shares of the rows that patterns explain: a finer parting explains no more than a coarser one."""
    return sum(min((_share(patterns, r) for r in readings[:MOST_SHARES]), default=0.0) for readings in rows)


def _share(patterns: PatternSet, reading: Reading) -> float:
    covered: set[int] = set()
    for pattern in patterns:
        cells = live(pattern, reading.values)
        covered |= cells if len(cells) >= 3 else set()
    cuts = reading.cuts
    return sum(cuts[c + 1] - cuts[c] for c in covered) / (cuts[-1] - cuts[0])


def _reducible(pattern: Pattern, rows: Sequence[Sequence[Reading]]) -> bool:
    """Tell whether the same two cells cancel each other in most rows: then they are no part of the relation."""
    members = [c for c, w in enumerate(pattern) if w]
    for k, one in enumerate(members):
        for two in members[k + 1 :]:
            told = [readings for readings in rows if any(v.values[one] or v.values[two] for v in readings)]
            same = sum(
                any(pattern[one] * v.values[one] + pattern[two] * v.values[two] == 0 for v in readings)
                for readings in told
            )
            if told and same > _MOSTLY * len(told):
                return True
    return False


def _shape(values: Sequence[int]) -> tuple[int, ...]:
    common = math.gcd(*values) or 1
    return tuple(v // common for v in values)


def discover(samples: Sequence[Sequence[Reading]], most: int = MOST_DISCOVERED, unit: int = 0) -> list[PatternSet]:
    """Find the patterns that some reading of nearly every row that can show them fits, the best borne out first."""
    votes: Counter[Pattern] = Counter()
    for readings in samples:
        here: set[Pattern] = set()
        for reading in readings:
            here |= patterns_in(reading.values, unit)
        votes.update(here)
    likely = sorted((p for p, n in votes.items() if n >= 2), key=lambda p: (-votes[p], -sum(map(bool, p)), p))
    result: list[PatternSet] = []
    for pattern in likely[:MOST_LIKELY]:
        # A row that cannot show a pattern, for its noughts, does not speak against it.
        against = sum(not any(fits((pattern,), r.values, unit) for r in readings) for readings in samples)
        if against <= (1 - LEAST_SHARE) * (votes[pattern] + against):
            result.append((pattern,))
    return result[:most]


def sample_rows(graphs: Sequence[Graph], width: int, budget: Budget, most: int) -> list[list[Reading]]:
    """List the readings of the rows that have few; rows of noughts, which show nothing, come on top."""
    counted = sorted((n, r) for r, g in enumerate(graphs) if (n := g.count(width)))
    result: list[list[Reading]] = []
    telling = 0
    for ways, r in counted:
        if ways > most or telling == SAMPLE or len(result) == MOST_SAMPLE:
            break
        budget.spend(ways * width * width // 8)
        found = solutions(graphs[r], width, (), budget)
        result.append(found)
        telling += sum(v == 0 for v in found[0].values) <= width // 4
    return result


def direct_relations(graphs: Sequence[Graph], width: int, budget: Budget, unit: int = 0) -> list[Filtered]:
    """Give the relations that hold in a table of that width among those tried without a hint, the best first."""
    return _ranked([filter_rows(p, graphs, width, budget, unit=unit) for p in direct_patterns(width)])


def discovered_relations(graphs: Sequence[Graph], width: int, budget: Budget, unit: int = 0) -> list[Filtered]:
    """Give the relations that the rows with few readings show and the others bear out, the best first."""
    if width < 3:
        return []
    most = MOST_ROUNDED_READINGS if unit else MOST_SAMPLE_READINGS
    found = discover(sample_rows(graphs, width, budget, most), unit=unit)
    tried = [filter_rows(p, graphs, width, budget, unit=unit, tried=width**3) for p in found]
    # What rounding allows is soon found in a few rows.
    return _ranked([f for f in tried if f is not None and (not unit or len(f.shown) >= 4)])


def _ranked(tried: Sequence[Filtered | None]) -> list[Filtered]:
    holding = sorted((f for f in tried if f is not None and f.holds), key=lambda f: (-f.weight, -f.surprise))
    refined = [_refine(f) for f in holding[:MOST_RANKED]]
    refined.sort(key=lambda f: (-f.weight, -f.surprise))
    return refined


def _refine(found: Filtered) -> Filtered:
    """Add the patterns that nearly all rows also fit, and let them choose where the first left several readings."""
    if any(len(r) > MOST_SAMPLE_READINGS for r in found.readings):
        return found
    few = sorted((r for r in found.readings if r), key=len)[:REFINING]
    for (pattern,) in discover(few, MOST_REFINED, found.unit):
        if pattern in found.patterns:
            continue
        kept = [tuple(v for v in r if fits((pattern,), v.values, found.unit)) for r in found.readings]
        able = [k for k, r in enumerate(found.readings) if r]
        shown = [k for k in able if kept[k] and all(shows(pattern, v.values) for v in kept[k])]
        failed = [k for k in able if not kept[k]]
        if len(shown) < max(3, 9 * len(failed)) or _reducible(pattern, [kept[k] for k in shown]):
            continue
        found = replace(found, patterns=(*found.patterns, pattern), readings=tuple(kept))
    return replace(found, weight=_explained(found.patterns, found.readings))
