"""Sums of a table along one axis: candidates, judged, and of those that say the same the most natural ones."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from tulosvahti.core.discovery.candidates import MOST_FREE, MOST_STRIDE, fitted, holed, pairs, progressions, runs
from tulosvahti.core.discovery.lines import part_of
from tulosvahti.core.discovery.pattern import Pattern, summed
from tulosvahti.core.discovery.structure import Basis, equals, place_cost, same, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tulosvahti.core.discovery.candidates import Candidate
    from tulosvahti.core.discovery.lines import Lines

TOTAL_WORDS = re.compile(
    r"total|\bsum\b|summa|yhteen|gesamt|insgesamt|\ball\b|\btot\b|balance|\bnet\b|gross|grand|totalt|samman|kaikki|celkem|kokonais",
    re.IGNORECASE,
)
WORD_BITS = 4.0
LEAST_SCORE = 7.0
CLEAR_SCORE = 10.0
SECOND_SCORE = 40.0
"""What a second sum for the same total needs where its items lie anywhere (assets = liabilities + equity)."""
DOMINANCE = 6.0
"""Bits by which another candidate with some of the same items must fit better to rule one out."""
IDLE_PLACE = 4.6
"""A sum that shows in no line (zeros beside one figure) must lie in a run beside its total."""
RARE_BITS = 100.0
"""What a sum without a word needs that fails in more lines than it holds in."""
MOST_FAILS = 6
"""A long sum that fails in more lines than so many for each that holds is none."""
MOST_ROUNDS = 5
MOST_SINGLE = 4
MOST_TRIED = 14
"""Items are left out one by one, to see whether they belong, in sums of at most this many."""
MOST_FITTED = 80
MOST_EQUALLED = 250


def find_sums(lines: Lines) -> list[Pattern]:
    """Give the sums of a table's lines, the strongest first where they depend on each other."""
    if len(lines.numeric) < 3:
        return []
    pool = _Pool(lines)
    positions = lines.numeric
    small = len(positions) <= MOST_FREE
    strides = [
        [q for q in range(offset, lines.width, stride) if lines.there[:, q].any()]
        for stride in range(2, min(MOST_STRIDE + 1, lines.width // 2) + 1)
        for offset in range(stride)
    ]
    pool.add_runs(positions, free=small)
    for step in strides:
        pool.add_runs(step, free=len(positions) <= 40)
    pool.add(pairs(lines, positions))
    if len(positions) <= 40:
        pool.add(progressions(lines))
    alike = tuple(equals(lines) if len(positions) <= MOST_EQUALLED else same(lines))
    accepted = chosen(lines, pool.patterns.values(), alike)
    seen: frozenset[Candidate] | None = None
    for _ in range(MOST_ROUNDS):
        now = frozenset((p.total, p.items) for p in accepted)
        if now == seen:
            break
        seen = now
        below = {q for p in accepted for q in p.items}
        totals = {p.total for p in accepted}
        top = [q for q in positions if q not in below]
        leaves = [q for q in positions if q not in totals]
        pool.add_runs(top, free=len(top) <= MOST_FREE)
        pool.add_runs(leaves)
        for step in strides:
            pool.add_runs([q for q in step if q not in below])
        if len(positions) <= MOST_FITTED:
            pool.add(fitted(lines, top))
            pool.add(fitted(lines, leaves))
            pool.add(holed(lines, top))
            pool.add(holed(lines, leaves))
        pool.add(_contracted(accepted, list(pool.patterns)))
        accepted = chosen(lines, pool.patterns.values(), alike)
    return accepted


class _Pool:
    """Candidates judged so far, by total and items."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.patterns: dict[Candidate, Pattern] = {}
        self._passed: set[Candidate] = set()
        self._run: set[tuple[int, ...]] = set()

    def add_runs(self, positions: Sequence[int], *, free: bool = False) -> None:
        """Judge the runs of these positions, once."""
        key = tuple(positions)
        if key not in self._run:
            self._run.add(key)
            self.add(runs(self.lines, positions, free=free))

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Judge new candidates; items absent wherever the sum shows are dropped."""
        for key in candidates:
            if key in self.patterns or key in self._passed or key[0] in key[1]:
                continue
            self._passed.add(key)
            pattern = summed(self.lines, *key)
            if not pattern.holds and not pattern.equal:
                continue
            there = part_of(self.lines.there, pattern.holds or pattern.idle, key[1])
            kept = key[1] if there.all() else tuple(q for k, q in enumerate(key[1]) if there[:, k].any())
            if len(kept) < 2:
                continue
            if kept != key[1]:
                key = (key[0], kept)  # noqa: PLW2901 (the same candidate, trimmed)
                if key in self.patterns:
                    continue
                pattern = summed(self.lines, *key)
            self.patterns[key] = pattern


def _contracted(accepted: Sequence[Pattern], keys: Iterable[Candidate]) -> Iterable[Candidate]:
    """Put accepted totals in place of their items: all at once, and one by one where they are few."""
    families = [(p.total, frozenset(p.items)) for p in accepted]
    by_item: dict[int, list[int]] = defaultdict(list)
    for k, (_, children) in enumerate(families):
        by_item[min(children)].append(k)
    for total, items in keys:
        if len(items) < 3:
            continue
        own = frozenset(items)
        inside = [
            families[k]
            for q in items
            for k in by_item.get(q, ())
            if families[k][0] != total and families[k][0] not in own and total not in families[k][1] and families[k][1] < own
        ]
        whole = own
        for parent, children in inside:
            if children <= whole:
                whole = whole - children | {parent}
        if whole != own:
            yield total, tuple(sorted(whole))
        for parent, children in inside if len(inside) <= MOST_SINGLE else ():
            yield total, tuple(sorted(own - children | {parent}))


def chosen(lines: Lines, candidates: Iterable[Pattern], alike: Sequence[Mapping[int, int]]) -> list[Pattern]:
    """Choose among judged sums: strong, supported by each item, not following from others, lying naturally.

    ``alike``: positions that say the same, as relations.
    """
    pool = _supported(lines, candidates)
    families: dict[int, frozenset[int]] = {}
    accepted: list[Pattern] = []
    for _ in range(4):
        placed = [_placed(lines, p, families) for p in pool]
        placed = [p for p in _by_shape(lines, placed) if p.score >= LEAST_SCORE]
        accepted = _picked(lines, placed, alike)
        new = {p.total: frozenset(p.items) for p in reversed(accepted)}
        if new == families:
            break
        families = new
    return accepted


def _word(lines: Lines, pattern: Pattern) -> bool:
    return bool(TOTAL_WORDS.search(lines.labels[pattern.total]))


def _supported(lines: Lines, candidates: Iterable[Pattern]) -> list[Pattern]:
    by_total: dict[int, list[Pattern]] = defaultdict(list)
    for pattern in candidates:
        p = pattern
        if not p.fails:
            p = replace(p, bits=p.bits + (p.equal if _word(lines, p) else min(p.equal, 6.0)))
        word = _word(lines, p)
        score = p.bits - p.split - lines.bits + WORD_BITS * word
        rare = len(p.fails) > len(p.holds) + len(p.idle) and not word and p.bits < RARE_BITS and len(p.items) < 3
        sparse = len(p.fails) > MOST_FAILS * (len(p.holds) + len(p.idle)) and len(p.items) > 2  # noqa: PLR2004
        if score >= LEAST_SCORE and not rare and not sparse:
            by_total[p.total].append(replace(p, score=score))
    return [p for rivals in by_total.values() for p in _unbeaten(rivals) if _each_belongs(lines, p)]


def _unbeaten(rivals: Sequence[Pattern]) -> Iterator[Pattern]:
    """Leave out what another sum of the same total, with some of the same items, fits or shows far better."""
    fittest = sorted(rivals, key=lambda p: -p.fit)
    strongest = sorted(rivals, key=lambda p: -p.bits)
    for p in rivals:
        items = set(p.items)
        better = takewhile(partial(_fits_better, p), fittest)
        stronger = takewhile(partial(_shows_more, p), strongest)
        if any(q.score > 0.6 * p.score and items.intersection(q.items) for q in better):
            continue
        if any(len(q.holds) >= 2 * len(p.holds) and items.intersection(q.items) for q in stronger):
            continue
        yield p


def _fits_better(one: Pattern, other: Pattern) -> bool:
    return other.fit > one.fit + DOMINANCE


def _shows_more(one: Pattern, other: Pattern) -> bool:
    return other.bits > 2 * one.bits


def _each_belongs(lines: Lines, pattern: Pattern) -> bool:
    """Tell whether no item can be left out for the better (of long sums, whether it can be told)."""
    items = pattern.items
    if len(items) > MOST_TRIED:
        return True
    natural = len(items) == 2 or place_cost(lines, pattern, {}) <= lines.bits + 2
    rows = list(pattern.holds)
    for q in items:
        if not lines.zeroed[rows, q].any():
            continue
        without = summed(lines, pattern.total, [i for i in items if i != q])
        if natural:
            if without.fit > pattern.fit + 3 and without.bits > 0.5 * pattern.bits and 5 * len(without.holds) >= 4 * len(rows):
                return False
        elif without.bits >= pattern.bits - 1:
            return False
    return True


def _placed(lines: Lines, pattern: Pattern, families: dict[int, frozenset[int]]) -> Pattern:
    place = place_cost(lines, pattern, families)
    return replace(pattern, place=place, score=pattern.score - place)


def _way(pattern: Pattern) -> int:
    """1 where the items follow their total, -1 where they precede it, 0 where it stands among them."""
    return (pattern.items[0] > pattern.total) - (pattern.items[-1] < pattern.total)


def _by_shape(lines: Lines, patterns: Sequence[Pattern]) -> list[Pattern]:
    """Let what is clear in one block speak for the same in another: its shape, and the side its items lie on."""
    clear = [p for p in patterns if p.score > 12]
    shapes = Counter(p.shape for p in clear)
    ways = Counter(_way(p) for p in clear if p.place < lines.bits)
    tilt = max(-4, min(4, 2 * (ways[1] - ways[-1])))
    result = []
    for p in patterns:
        if not p.holds and (p.place > IDLE_PLACE or tilt * _way(p) <= -4):
            continue
        known = shapes[p.shape] >= 3 and p.place < 2 * lines.bits
        lean = tilt * _way(p) * (1 if p.holds else 4)
        result.append(replace(p, score=p.score + lean + (max(0.0, p.place + lines.bits - 5) if known else 0.0)))
    return result


def _picked(lines: Lines, patterns: Sequence[Pattern], alike: Sequence[Mapping[int, int]]) -> list[Pattern]:
    basis = Basis()
    for equal in alike:
        basis.add(equal)
    ordered = sorted(patterns, key=lambda p: _order(lines, p))
    by_total: dict[int, list[Pattern]] = defaultdict(list)
    for p in ordered:
        by_total[p.total].append(p)
    accepted: list[Pattern] = []
    taken: dict[int, list[Pattern]] = defaultdict(list)
    covered: set[Candidate] = set()
    for p in ordered:
        if (p.total, p.items) in covered:
            continue
        wider = [q for q in by_total[p.total] if q.bits >= p.bits - 3 and set(q.items) > set(p.items) and _more_zeros(lines, p, q)]
        covered.update((q.total, q.items) for q in wider)
        best = max(wider, key=lambda q: (len(q.items), q.score)) if wider else p
        if _welcome(lines, best, taken[best.total], accepted, basis):
            accepted.append(best)
            taken[best.total].append(best)
    return accepted


def _order(lines: Lines, p: Pattern) -> tuple[float, int, tuple[int, ...]]:
    """Clear ones by how simply they are said, then the doubtful ones by their score."""
    if p.score < CLEAR_SCORE:
        return 1000 - p.score, p.total, p.items
    return p.place + 0.5 * len(p.items) ** 0.5 + 0.5 * p.split - 3 * _word(lines, p), p.total, p.items


def _more_zeros(lines: Lines, narrow: Pattern, wide: Pattern) -> bool:
    """Tell whether a wider sum differs by items alone that are zero wherever the narrow one shows."""
    more = [q for q in wide.items if q not in narrow.items]
    there = part_of(lines.there, narrow.holds, more)
    return not part_of(lines.zeroed, narrow.holds, more).any() and bool(there.any(0).all())


def _welcome(lines: Lines, p: Pattern, same: Sequence[Pattern], accepted: Sequence[Pattern], basis: Basis) -> bool:
    items = set(p.items)
    if any(items.intersection(q.items) for q in same):
        return False
    natural = p.place < 1.2 * lines.bits + 3
    if same and (not p.holds or not (natural or p.score > SECOND_SCORE)):
        return False
    if basis.add(terms(p)):
        return True
    # It follows from others: welcome only where it is a grouping of its own (by sex, and by age).
    if not natural:
        return False
    for q in accepted:
        if q.total != p.total and q.total not in items and len(q.items) < len(items) and items.issuperset(q.items):
            return False
        if {*q.items, q.total} == {*items, p.total}:
            return False
    return True
