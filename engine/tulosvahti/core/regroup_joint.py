"""What column sums leave of many rows at once: every row's cells narrowed together until nothing more falls away.

Convention: sound for the sums it is given. A cell falls away only where no choice of all the other rows' cells makes
the column's sum; so a row left with one reading has no other, as far as those sums hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_graph import Budget, Graph, Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tulosvahti.core.regroup_columns import Footing

MOST_SUMS = 20_000
"""Partial sums held on one side of the middle; beyond that a column is only narrowed by its bounds."""
_Level = dict[int, tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Options:
    """What a row can still be: edges for each cell, and the readings themselves where they are few."""

    levels: tuple[_Level, ...]
    readings: tuple[Reading, ...] | None = None

    def values(self, column: int) -> list[int]:
        """Give what may stand in a column."""
        return sorted({value for edges in self.levels[column].values() for _, value in edges})

    def keep(self, column: int, allowed: Collection[int]) -> Options | None:
        """Drop what has another value in a column; None if nothing is left."""
        if self.readings is not None:
            left = tuple(r for r in self.readings if r.values[column] in allowed)
            return of_readings(left) if left else None
        levels = list(self.levels)
        levels[column] = {
            node: kept
            for node, edges in levels[column].items()
            if (kept := tuple(edge for edge in edges if edge[1] in allowed))
        }
        return _connected(levels)

    def only(self) -> Reading | None:
        """Give the one reading that is left; None where there are more."""
        if self.readings is not None:
            return self.readings[0] if len(self.readings) == 1 else None
        cuts, values = [0], []
        for level in self.levels:
            edges = level.get(cuts[-1], ())
            if len(edges) != 1 or len(level) != 1:
                return None
            cuts.append(edges[0][0])
            values.append(edges[0][1])
        return Reading(tuple(cuts), tuple(values))


def of_readings(readings: Sequence[Reading]) -> Options:
    """Make options of readings that were listed."""
    width = len(readings[0].values)
    levels: list[dict[int, set[tuple[int, int]]]] = [{} for _ in range(width)]
    for reading in readings:
        for c, value in enumerate(reading.values):
            levels[c].setdefault(reading.cuts[c], set()).add((reading.cuts[c + 1], value))
    return Options(tuple({n: tuple(sorted(e)) for n, e in level.items()} for level in levels), tuple(readings))


def of_graph(graph: Graph, width: int) -> Options:
    """Make options of every reading of that width."""
    return Options(
        tuple(
            {node: edges for node in range(graph.size) if (edges := tuple(graph.steps(width, level, node)))}
            for level in range(width)
        )
    )


def _connected(levels: Sequence[_Level]) -> Options | None:
    """Drop the edges that no longer lead from the first word to the last."""
    reached = {0}
    forward: list[_Level] = []
    for level in levels:
        kept = {node: edges for node, edges in level.items() if node in reached}
        reached = {end for edges in kept.values() for end, _ in edges}
        forward.append(kept)
    # In a row's last level every edge ends at the last word.
    result: list[_Level] = []
    needed: set[int] | None = None
    for level in reversed(forward):
        kept = {
            node: left
            for node, edges in level.items()
            if (left := tuple(e for e in edges if needed is None or e[0] in needed))
        }
        needed = set(kept)
        result.append(kept)
        if not kept:
            return None
    return Options(tuple(reversed(result)))


def narrow(
    options: Sequence[Options | None], footings: Sequence[Footing], width: int, budget: Budget, unit: int = 0
) -> list[Options | None] | None:
    """Narrow the rows of the footings column by column to a fixpoint; None where the sums cannot hold at all."""
    left = list(options)
    if any(left[r] is None for f in footings for r, _ in f.rows):
        return None
    work = {(f, c) for f in range(len(footings)) for c in range(width)}
    while work:
        f, c = min(work, key=lambda place: (_size(left, footings[place[0]], place[1]), place))
        work.discard((f, c))
        changed = _narrow_column(left, footings[f], c, budget, unit)
        if changed is None:
            return None
        if changed:
            work |= {
                (g, d) for g, other in enumerate(footings) if changed & {r for r, _ in other.rows} for d in range(width)
            }
            work.discard((f, c))
    return left


def _narrow_column(
    left: list[Options | None], footing: Footing, column: int, budget: Budget, unit: int
) -> set[int] | None:
    """Drop what one column's sum excludes; give the rows that changed, None if nothing is left."""
    members = [(r, weight, option) for r, weight in footing.rows if (option := left[r]) is not None]
    choices = [[weight * v for v in option.values(column)] for _, weight, option in members]
    allowed = _together(choices, footing.slack(unit), unit or 1, budget)
    if allowed is None:
        return None
    changed = set()
    for (r, weight, option), before, kept in zip(members, choices, allowed, strict=True):
        if len(kept) < len(before):
            left[r] = option.keep(column, {weight * v for v in kept})
            if left[r] is None:
                return None
            changed.add(r)
    return changed


def _size(options: Sequence[Options | None], footing: Footing, column: int) -> float:
    return sum(math.log(max(1, len(o.values(column)))) for r, _ in footing.rows if (o := options[r]) is not None)


def _together(choices: list[list[int]], slack: int, step: int, budget: Budget) -> list[set[int]] | None:
    """Give which of each row's values take part in a choice that sums to 0; None if no choice does."""
    bounded = _bounded(choices, slack)
    if bounded is None:
        return None
    many = sorted((k for k, values in enumerate(bounded) if len(values) > 1), key=lambda k: -len(bounded[k]))
    fixed = sum(values[0] for values in bounded if len(values) == 1)
    halves: tuple[list[int], list[int]] = ([], [])
    sizes = [1, 1]
    for k in many:
        side = int(sizes[1] < sizes[0])
        halves[side].append(k)
        sizes[side] *= len(bounded[k])
    budget.spend(len(choices) * 4)
    if max(sizes) > MOST_SUMS:
        return [set(values) for values in bounded]
    budget.spend(sum(sizes))
    bits: dict[int, tuple[int, int]] = {}
    left, right = (_sums(half, bounded, bits) for half in halves)
    seen = 0
    possible = False
    for key, mask in left.items():
        for off in range(-slack, slack + 1, step):
            other = right.get(off - key - fixed)
            if other is not None:
                possible = True
                seen |= mask | other
    if not possible:
        return None
    result = [set(values) for values in bounded]
    for k in many:
        result[k] = set()
    for bit, (k, value) in bits.items():
        if seen >> bit & 1:
            result[k].add(value)
    return result


def _sums(rows: Sequence[int], choices: Sequence[Sequence[int]], bits: dict[int, tuple[int, int]]) -> dict[int, int]:
    """Give every sum of one value a row, with the set of values that make it."""
    sums = {0: 0}
    for k in rows:
        marks = []
        for value in choices[k]:
            marks.append((value, 1 << len(bits)))
            bits[len(bits)] = (k, value)
        following: dict[int, int] = {}
        for key, mask in sums.items():
            for value, mark in marks:
                following[key + value] = following.get(key + value, 0) | mask | mark
        sums = following
    return sums


def _bounded(choices: list[list[int]], slack: int) -> list[list[int]] | None:
    """Drop the values that are too large or too small whatever the others are."""
    left = [sorted(values) for values in choices]
    while True:
        low, high = sum(v[0] for v in left), sum(v[-1] for v in left)
        following = [
            [x for x in v if low - v[0] + x <= slack and high - v[-1] + x >= -slack] if len(v) > 1 else v for v in left
        ]
        if any(not v for v in following) or low > slack or high < -slack:
            return None
        if following == left:
            return left
        left = following
