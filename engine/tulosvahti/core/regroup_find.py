"""One row that the rest of its table demands: the reading whose cells are those that columns need.

Convention: a reading is given only if it is the one that agrees best, in all cells but one at most (the wrong figure),
and with more digits than there were ways to choose. A number torn apart, or one that belongs to the label, is
considered only where nothing else agrees, and then every cell must.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_columns import compare, digits_of
from tulosvahti.core.regroup_graph import FREE, Budget, Graph, Reading, fits, graph_of
from tulosvahti.core.regroup_words import absorb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.regroup_rows import Filtered
    from tulosvahti.core.regroup_words import Row

MOST_ABSORBED = 2
"""Numbers at a label's end that may belong to it."""
ONLY_READING = 3.0
"""Digits that a row needs which cannot be read otherwise."""


@dataclass(frozen=True)
class Block:
    """The rows of one table with their graphs; ``places``: decimals of the unit; ``unit``: what they are rounded to."""

    rows: tuple[Row, ...]
    graphs: tuple[Graph, ...]
    places: int
    unit: int = 1

    @property
    def labels(self) -> list[str]:
        """Give the rows' labels."""
        return [r.label for r in self.rows]


@dataclass(frozen=True)
class Match:
    """The readings of a row that agree best with cells that are needed: how many cells differ; at most two readings."""

    wrong: int
    readings: tuple[Reading, ...]


def best_match(graph: Graph, width: int, need: Sequence[int], most_wrong: int, budget: Budget) -> Match | None:
    """Find the readings that differ from the needed cells least, in at most so many of them."""
    if not graph.ahead[0] >> width & 1:
        return None
    start: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((0,), ())]
    layer = {(0, 0): start}
    for level in range(width):
        following: dict[tuple[int, int], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for (node, wrong), parts in layer.items():
            for end, value in graph.steps(width, level, node):
                now = wrong + (value != need[level])
                if now > most_wrong:
                    continue
                budget.spend(1)
                kept = following.setdefault((end, now), [])
                kept.extend(((*c, end), (*v, value)) for c, v in parts[: 2 - len(kept)])
        layer = following
    for wrong in range(most_wrong + 1):
        parts = layer.get((graph.size, wrong), [])
        if parts:
            return Match(wrong, tuple(Reading(c, v) for c, v in parts))
    return None


@dataclass(frozen=True)
class Finder:
    """Finds the reading of an open row that columns demand, for one width and its row relation."""

    block: Block
    width: int
    relation: Filtered | None
    budget: Budget
    torn: dict[int, tuple[Graph, ...]] = field(default_factory=dict)
    cells: dict[tuple[int, int], frozenset[int]] = field(default_factory=dict)

    def possible(self, row: int, column: int, value: int) -> bool:
        """Tell quickly whether that cell, the first or the last, can have that value in any reading of the row."""
        known = self.cells.get((row, column))
        if known is None:
            graphs = (self.block.graphs[row], *self._torn_graphs(row))
            known = self.cells[row, column] = frozenset(v for g in graphs for v in _cell_values(g, self.width, column))
        return value in known

    def __call__(self, row: int, need: tuple[int, ...], digits: float) -> Reading | None:
        """Give the only reading that agrees, first of those the row's relation left, then of all, then of torn ones."""
        kept = self.relation.readings[row] if self.relation else ()
        if kept:
            return self._best(kept, need, digits, 0 if self.block.rows[row].doubtful else 1)
        graph = self.block.graphs[row]
        match = best_match(graph, self.width, need, 1, self.budget)
        if match is None:
            return self._torn(row, need, digits)
        most_wrong = 1 if sum(map(bool, need)) >= 3 and not self.block.rows[row].doubtful else 0
        chosen = match.readings[0]
        alone = len(match.readings) == 1 and match.wrong <= most_wrong
        return chosen if alone and _speaks(chosen, need, graph.count(self.width), digits) else None

    def _best(
        self, kept: Sequence[Reading], need: tuple[int, ...], digits: float, most_wrong: int
    ) -> Reading | None:
        wrong = [sum(v != n for v, n in zip(k.values, need, strict=True)) for k in kept]
        least = min(wrong)
        chosen = kept[wrong.index(least)]
        clear = least <= most_wrong and wrong.count(least) == 1
        return chosen if clear and _speaks(chosen, need, len(kept), digits) else None

    def _torn(self, row: int, need: tuple[int, ...], digits: float) -> Reading | None:
        """Read a row with digits torn apart, or with a label that ends in numbers: only if every column demands it."""
        found: list[Reading] = []
        ways = 0
        for absorbed, graph in enumerate(self._torn_graphs(row)):
            ways += graph.count(self.width)
            match = best_match(graph, self.width, need, 0, self.budget)
            found += [
                Reading(tuple(c + absorbed for c in reading.cuts), reading.values)
                for reading in (match.readings if match else ())
                if self.relation is None or fits(self.relation.patterns, reading.values, self.relation.unit or 1)
            ]
        if len(found) != 1:
            return None
        only = self.block.graphs[row].count(self.width) == 0
        return found[0] if _speaks(found[0], need, ways, ONLY_READING if only else digits) else None

    def _torn_graphs(self, row: int) -> tuple[Graph, ...]:
        if row not in self.torn:
            words = self.block.rows[row]
            most = min(MOST_ABSORBED, len(words.words) - 1)
            self.torn[row] = tuple(
                graph_of(absorb(words, n), FREE, self.block.places, loose=n == 0) for n in range(most + 1)
            )
        return self.torn[row]


def _cell_values(graph: Graph, width: int, column: int) -> list[int]:
    return [v for node in range(graph.size) for _, v in graph.steps(width, column, node)]


def _speaks(chosen: Reading, need: Sequence[int], ways: int, digits: float) -> bool:
    same, _ = compare(chosen.values, need)
    return digits_of(chosen.values, same) - math.log10(max(ways, 1)) >= digits
