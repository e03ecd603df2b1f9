"""How naturally a pattern's items lie, given the others already accepted, and which patterns follow from others.

Convention: costs are in bits; a run next to its total costs least, anything is worth naming one by one at most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.core.discovery.candidates import MOST_STRIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.core.discovery.lines import Lines
    from tulosvahti.core.discovery.pattern import Pattern

PRIME = (1 << 61) - 1
LEAST_ALIKE = 0.85
EDGE_COST = 2.0
"""A run that ends where the numbers do."""


def place_cost(lines: Lines, pattern: Pattern, accepted: Mapping[int, frozenset[int]]) -> float:
    """Give the bits it takes to say where the items lie.

    ``accepted``: totals with their items; what is an item of another total is passed over, so that subtotals lie side
    by side.
    """
    total, items = pattern.total, pattern.items
    below = frozenset[int]().union(*(its for t, its in accepted.items() if t != total)) if accepted else frozenset[int]()
    shown = pattern.holds or pattern.idle
    here = lines.there[list(shown)].any(0) if shown else lines.there.any(0)
    every: list[int] = np.flatnonzero(here).tolist()
    best = max(2, len(items)) * lines.bits
    found = [(0.0, _run_cost(lines, [q for q in every if q == total or q not in below], 1, total, items))]
    found.append((1.5, _run_cost(lines, every, 1, total, items)))
    stride = _stride(items, total)
    widest = min(MOST_STRIDE + 1, lines.width // 2)
    if 1 < stride <= widest:
        step = [q for q in every if (q - total) % stride == 0]
        cost = 2 + math.log2(stride)
        found.append((cost, _run_cost(lines, [q for q in step if q == total or q not in below], stride, total, items)))
        found.append((cost + 1, _run_cost(lines, step, stride, total, items)))
    if len(items) > 1:
        stride = items[1] - items[0]
        if 1 < stride <= widest and items == tuple(range(items[0], items[-1] + 1, stride)):
            found.append((0.0, lines.bits + 2 + math.log2(stride) + 2 * math.log2(len(items))))
    return min([best, *(base + cost for base, cost in found if cost is not None)])


def _stride(items: tuple[int, ...], total: int) -> int:
    """Give the greatest step by which all items lie away from the total."""
    stride = 0
    for q in items:
        stride = math.gcd(stride, q - total)
        if stride == 1:
            return 1
    return stride


def _run_cost(lines: Lines, positions: Sequence[int], gap: int, total: int, items: tuple[int, ...]) -> float | None:
    """Give the cost of the items as a run of these positions; None where they are none."""
    if items[0] not in positions:
        return None
    first = positions.index(items[0])
    last = first + len(items) - 1
    if tuple(positions[first : last + 1]) != items:
        return None
    after = first > 0 and positions[first - 1] == total
    before = last + 1 < len(positions) and positions[last + 1] == total
    if after:
        edge = last == len(positions) - 1 or positions[last + 1] - positions[last] > gap
    else:
        edge = first == 0 or positions[first] - positions[first - 1] > gap
    cost = min(2 * math.log2(len(items)) + 1, lines.bits, EDGE_COST if edge else math.inf)
    return cost if after or before else cost + lines.bits


class Basis:
    """Accepted relations, modulo a prime, to tell whether another one follows from them."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, int]] = {}

    def reduced(self, terms: Mapping[int, int]) -> dict[int, int]:
        """Take away what follows; nothing left means that all of it does."""
        left = {q: w % PRIME for q, w in terms.items() if w % PRIME}
        # Rows are kept reduced against each other, so one pass over the pivots present at the start is enough.
        for pivot in sorted(q for q in left if q in self._rows):
            factor = left.get(pivot, 0)
            if factor:
                _subtract(left, self._rows[pivot], factor)
        return left

    def add(self, terms: Mapping[int, int]) -> bool:
        """Accept a relation (its weighted terms add up to nothing); False where it followed already."""
        left = self.reduced(terms)
        if not left:
            return False
        pivot = min(left)
        inverse = pow(left[pivot], -1, PRIME)
        row = {q: w * inverse % PRIME for q, w in left.items()}
        for other in self._rows.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        self._rows[pivot] = row
        return True


def _subtract(row: dict[int, int], other: Mapping[int, int], factor: int) -> None:
    for q, w in other.items():
        value = (row.get(q, 0) - factor * w) % PRIME
        if value:
            row[q] = value
        else:
            row.pop(q, None)


def terms(pattern: Pattern) -> dict[int, int]:
    """Give a sum's terms: the total, and its items the other way."""
    result = {pattern.total: 1}
    for q, w in zip(pattern.items, pattern.weights, strict=True):
        result[q] = result.get(q, 0) - w
    return result


def equals(lines: Lines) -> Iterable[dict[int, int]]:
    """Give pairs of positions that say the same in nearly every line, as relations; with opposite signs too."""
    positions = lines.numeric
    values, there = lines.zeroed[:, positions], lines.there[:, positions]
    filled = there.sum(0)
    for i, a in enumerate(positions[:-1]):
        rows = there[:, i] & (values[:, i] != 0)
        one, rest = values[rows, i : i + 1], values[rows, i + 1 :]
        both = there[rows, i + 1 :]
        count = both.sum(0)
        enough = (count >= 2) & (2.5 * count >= np.maximum(filled[i], filled[i + 1 :]))
        alike = enough & (((rest == one) & both).sum(0) >= LEAST_ALIKE * count)
        opposite = enough & ~alike & (((rest == -one) & both).sum(0) >= LEAST_ALIKE * count)
        for k in np.flatnonzero(alike | opposite).tolist():
            yield {a: 1, positions[i + 1 + k]: -1 if alike[k] else 1}


def same(lines: Lines) -> Iterable[dict[int, int]]:
    """Give pairs of positions that say exactly the same, as ``equals`` does, for many positions."""
    first: dict[bytes, int] = {}
    for q in lines.numeric:
        key = lines.values[:, q].tobytes()
        if key in first:
            yield {first[key]: 1, q: -1}
        else:
            first[key] = q
