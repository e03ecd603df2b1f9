"""The readings of one row: its words as a graph of legal numbers, counted and searched without listing them all.

Convention: an edge leads from the word that a number starts at to the word after it. A reading's ``cuts`` are those
words in order, the first cell's start and the last one's end among them; a blank cell has the value 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from tulosvahti.core.regroup_words import (
    BLANK_MARKS,
    LONGEST_NUMBER,
    Figure,
    Gap,
    Row,
    Word,
    dash_before,
    figure,
    glued,
    split_by_kerning,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Rule = Literal["join", "break", "either", "legal"]
"""What a kind of gap does; ``legal``: it joins wherever the number stays one."""
FREE: Mapping[Gap, Rule] = {"none": "either", "plain": "either", "narrow": "either", "wide": "break"}
Pattern = tuple[int, ...]
"""Weights of a row's cells whose sum is 0 where the relation holds."""
_BASE = 10**40
"""Parts the sums of several patterns inside one integer; no sum of a table comes near it."""


class ExhaustedError(Exception):
    """The steps allowed for a search are used up."""


class Budget:
    """Steps that a search may still take."""

    def __init__(self, steps: int) -> None:
        """Start with so many."""
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps.

        Raises:
            ExhaustedError: not so many are left.

        """
        self.left -= steps
        if self.left < 0:
            raise ExhaustedError


class Reading(NamedTuple):
    """One way to part a row's words into cells."""

    cuts: tuple[int, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """``edges`` from each word; bit c of ``ahead``: c cells lead from there to the end, of ``behind``: from the start.

    ``grain``: what every group of three digits is a multiple of, for a coincidence is likelier among round figures.
    """

    edges: tuple[tuple[tuple[int, int], ...], ...]
    ahead: tuple[int, ...]
    behind: tuple[int, ...]
    grain: int = 1

    @property
    def size(self) -> int:
        """Count the words."""
        return len(self.edges)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Give every number of cells that the words can make."""
        return tuple(c for c in range(1, self.size + 1) if self.ahead[0] >> c & 1)

    @property
    def fixed(self) -> bool:
        """Tell whether there is only one reading at all."""
        return len(self.widths) == 1 and self.count(self.widths[0]) == 1

    def steps(self, width: int, level: int, node: int) -> list[tuple[int, int]]:
        """Give the edges that can be that cell of a row of that width."""
        rest = width - level - 1
        if rest < 0 or not self.behind[node] >> level & 1:
            return []
        return [edge for edge in self.edges[node] if self.ahead[edge[0]] >> rest & 1]

    def count(self, width: int) -> int:
        """Count the readings with that many cells."""
        return self._paths[0][self.size].get(width, 0)

    @cached_property
    def _paths(self) -> tuple[list[dict[int, int]], list[dict[int, int]]]:
        """Count, for each word, the ways there from the start and on to the end, by their number of cells."""
        there: list[dict[int, int]] = [{0: 1}, *({} for _ in self.edges)]
        for node, edges in enumerate(self.edges):
            for end, _ in edges:
                for cells, ways in there[node].items():
                    there[end][cells + 1] = there[end].get(cells + 1, 0) + ways
        on: list[dict[int, int]] = [*({} for _ in self.edges), {0: 1}]
        for node in range(self.size - 1, -1, -1):
            for end, _ in self.edges[node]:
                for cells, ways in on[end].items():
                    on[node][cells + 1] = on[node].get(cells + 1, 0) + ways
        return there, on

    def middle(self, width: int) -> tuple[int, int]:
        """Give the level at which a search from both ends has least to do, and how many parts it then makes."""
        known = self._middles.get(width)
        if known is not None:
            return known
        there, on = self._paths
        best = (width, self.count(width) + 1)
        for level in range(width):
            effort = 0
            for node in range(self.size + 1):
                before, after = there[node].get(level, 0), on[node].get(width - level, 0)
                if before and after:
                    effort += before + after
            if effort < best[1]:
                best = (level, effort)
        self._middles[width] = best
        return best

    @cached_property
    def _middles(self) -> dict[int, tuple[int, int]]:
        return {}


def graph_of(row: Row, rules: Mapping[Gap, Rule], places: int, *, loose: bool = False) -> Graph:
    """Build a row's graph; ``places``: decimals of the unit; ``loose``: torn numbers, a minus that stands apart."""
    words = row.words
    size = len(words)
    greedy = "legal" in rules.values()
    edges: list[tuple[tuple[int, int], ...]] = []
    for start in range(size):
        found: list[tuple[int, int]] = []
        for end in range(start + 1, min(size, start + LONGEST_NUMBER) + 1):
            if end - start > 1 and rules[words[end - 1].gap] == "break" and not glued(words[end - 1].text):
                break
            if end < size and (rules[words[end].gap] == "join" or glued(words[end].text)):
                continue
            value = _figure(words[start:end], loose=loose)
            if value is not None and value.decimals <= places:
                found.append((end, value.digits * 10 ** (places - value.decimals)))
        edges.append(tuple(found[-1:] if greedy else found))
    ahead = [0] * size + [1]
    for start in range(size - 1, -1, -1):
        for end, _ in edges[start]:
            ahead[start] |= ahead[end] << 1
    behind = [1] + [0] * size
    for start in range(size):
        for end, _ in edges[start]:
            behind[end] |= behind[start] << 1
    return Graph(tuple(edges), tuple(ahead), tuple(behind), _grain(words))


def _figure(words: tuple[Word, ...], *, loose: bool) -> Figure | None:
    if len(words) == 1 and words[0].text in BLANK_MARKS:
        return Figure(0, 0)
    whole = figure(" ".join(w.text for w in words))
    if whole is None and loose:
        whole = split_by_kerning(words) or dash_before(words)
    return whole


def _grain(words: Sequence[Word]) -> int:
    grain = 0
    for word in words:
        if len(word.text) == 3 and word.text.isdecimal():
            grain = math.gcd(grain, int(word.text))
    return grain or 1


_Part = tuple[int, "_Link | None"]
_Link = tuple["_Link | None", int, int]
"""A chain of cells: the chain so far, the word the cell ends at (going back: starts at) and its value."""


def solutions(
    graph: Graph, width: int, patterns: Sequence[Pattern], budget: Budget, *, unit: int = 0
) -> list[Reading]:
    """Give the readings of that width in which every pattern's sum is 0, meeting in the middle; no pattern: all.

    ``unit``: what the figures were rounded to; 0: they are exact, and so must the sums be.

    Raises:
        ExhaustedError: the search or its results take more than the budget.

    """
    total = graph.count(width)
    level, effort = graph.middle(width)
    if not total:
        return []
    budget.spend(graph.size * width + 2 * effort + (total if not patterns else 0))
    # Rounded sums are met on the first pattern, the others are looked at afterwards.
    used = patterns[:1] if unit else patterns
    weights = [sum(p[c] * _BASE**k for k, p in enumerate(used)) for c in range(width)]
    left = _forward(graph, width, level, weights)
    right = _backward(graph, width, level, weights)
    slack = slack_of(patterns[0]) if unit and patterns else 0
    span = [off * unit for off in range(-slack, slack + 1)]
    result: list[Reading] = []
    for node, parts in left.items():
        ends: dict[int, list[_Link | None]] = defaultdict(list)
        for key, link in right.get(node, ()):
            ends[key].append(link)
        for key, link in parts:
            for off in span:
                for rest in ends.get(off - key, ()):
                    budget.spend(1)
                    result.append(_reading(link, rest))
    return [r for r in result if fits(patterns, r.values, unit)] if unit else result


def fits(patterns: Iterable[Pattern], values: Sequence[int], unit: int) -> bool:
    """Tell whether every pattern's sum is 0, as far as rounding to ``unit`` allows."""
    return all(abs(dot(p, values)) <= slack_of(p) * unit for p in patterns)


def _forward(graph: Graph, width: int, level: int, weights: Sequence[int]) -> dict[int, list[_Part]]:
    layer: dict[int, list[_Part]] = {0: [(0, None)]}
    for c in range(level):
        following: dict[int, list[_Part]] = defaultdict(list)
        for node, parts in layer.items():
            for end, value in graph.steps(width, c, node):
                add = weights[c] * value
                following[end] += [(key + add, (link, end, value)) for key, link in parts]
        layer = following
    return layer


def _backward(graph: Graph, width: int, level: int, weights: Sequence[int]) -> dict[int, list[_Part]]:
    layer: dict[int, list[_Part]] = {graph.size: [(0, None)]}
    for c in range(width - 1, level - 1, -1):
        before: dict[int, list[_Part]] = {}
        for node in range(graph.size):
            parts: list[_Part] = []
            for end, value in graph.steps(width, c, node):
                add = weights[c] * value
                parts += [(key + add, (link, end, value)) for key, link in layer.get(end, ())]
            if parts:
                before[node] = parts
        layer = before
    return layer


def _reading(left: _Link | None, right: _Link | None) -> Reading:
    cuts: list[int] = []
    values: list[int] = []
    while left is not None:
        left, end, value = left
        cuts.append(end)
        values.append(value)
    cuts.append(0)
    cuts.reverse()
    values.reverse()
    while right is not None:
        right, end, value = right
        cuts.append(end)
        values.append(value)
    return Reading(tuple(cuts), tuple(values))


def dot(pattern: Pattern, values: Sequence[int]) -> int:
    """Give the weighted sum of a row's cells."""
    return sum(w * v for w, v in zip(pattern, values, strict=True) if w)


def slack_of(pattern: Pattern) -> int:
    """Give how far rounding can move a sum, in units: half a unit for the total and for every item."""
    return sum(map(bool, pattern)) // 2
