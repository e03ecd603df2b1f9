"""Relations down the columns: which rows are sums of which, and the reading that they demand of a row still open.

Convention: a footing counts only by the columns in which it holds and is not 0; one column may break it, as a wrong
figure does, while a wrong grouping always breaks two. ``unit`` is what figures were rounded to, 0 if sums are exact.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tulosvahti.core.regroup_graph import Budget, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOTAL_WORDS = re.compile(
    r"\b(?:yhteensä|yht\.|(?:väli|loppu|koko)?summa|kaikki(?:aan)?|koko\s|(?:sub|grand )?total(?:t|en)?|sammanlagt)",
    re.IGNORECASE,
)
LEAST_DIGITS = 3.0
"""Digits that agree, over all columns and less what was tried, before one row is taken for the sum of others."""
MOST_ITEMS = 400


class Find(Protocol):
    """Finds the reading of an open row that columns demand."""

    def possible(self, row: int, column: int, value: int) -> bool:
        """Tell quickly whether that cell can have that value in any reading of the row."""

    def __call__(self, row: int, need: tuple[int, ...], digits: float) -> Reading | None:
        """Give the one reading with those cells; ``digits`` of evidence are asked of it."""


@dataclass(frozen=True)
class Footing:
    """A row that is the sum of others, in every column: ``items`` are rows with their weights."""

    total: int
    items: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> tuple[tuple[int, int], ...]:
        """Give every row with the weight at which the whole makes 0."""
        return (*self.items, (self.total, -1))

    def slack(self, unit: int) -> int:
        """Give how far rounding can move its sums."""
        return (len(self.items) + 1) // 2 * unit


@dataclass(frozen=True)
class Held:
    """A footing with the columns where it holds and is not trivial, and those where it is broken."""

    footing: Footing
    columns: frozenset[int]
    broken: frozenset[int]


def compare(stated: Sequence[int], expected: Sequence[int], slack: int = 0) -> tuple[frozenset[int], frozenset[int]]:
    """Give the columns in which two rows agree on something that is not 0, and those in which they do not agree."""
    same, broken = set(), set()
    for c, (one, other) in enumerate(zip(stated, expected, strict=True)):
        if abs(one - other) > slack:
            broken.add(c)
        elif one:
            same.add(c)
    return frozenset(same), frozenset(broken)


def digits_of(values: Sequence[int], columns: frozenset[int], slack: int = 0) -> float:
    """Give the digits of evidence in columns that agree."""
    return sum(math.log10(abs(values[c]) / (2 * slack + 1) + 1) for c in columns)


def judge(footing: Footing, rows: Sequence[Reading | None], unit: int) -> Held:
    """Compare a footing's total with its items; every row of it must be read."""
    values = {r: reading.values for r, _ in footing.rows if (reading := rows[r]) is not None}
    expected = [sum(w * values[r][c] for r, w in footing.items) for c in range(len(values[footing.total]))]
    return Held(footing, *compare(values[footing.total], expected, footing.slack(unit)))


def _holds(held: Held, digits: float, tried: int) -> bool:
    """Tell whether the row is the sum of the others: most columns say so, and chance does not."""
    same, broken = len(held.columns), len(held.broken)
    if not same or same < 0.6 * (same + broken) or (same == 1 and broken):
        return False
    return digits >= LEAST_DIGITS + math.log10(max(tried, 1))


class _Above:
    """The rows that no total has taken yet, with the running sums of their columns; an open row counts as 0."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[int] = []
        self.sums: list[tuple[int, ...]] = [(0,) * width]
        self.open: list[int] = [0]

    def add(self, row: int, values: tuple[int, ...] | None) -> None:
        self.rows.append(row)
        last = self.sums[-1]
        self.sums.append(last if values is None else tuple(a + b for a, b in zip(last, values, strict=True)))
        self.open.append(self.open[-1] + (values is None))

    def drop(self, count: int) -> None:
        del self.rows[-count:], self.sums[-count:], self.open[-count:]

    def sum_since(self, start: int) -> tuple[int, ...]:
        return tuple(a - b for a, b in zip(self.sums[-1], self.sums[start], strict=True))


_Closed = tuple[Held, "tuple[int, Reading] | None"]


@dataclass
class Scan:
    """One pass over the rows for totals below their items, or above them where the rows come from the bottom up."""

    rows: list[Reading | None]
    width: int
    find: Find
    budget: Budget
    unit: int

    def run(self, *, upward: bool) -> tuple[list[Held], list[Reading | None]]:
        """Find the footings; give also the rows, those read that a footing demanded.

        A row that became an item of a total is left out of the totals further on: these are sums of subtotals.
        """
        found: list[Held] = []
        above = _Above(self.width)
        for total in range(len(self.rows) - 1, -1, -1) if upward else range(len(self.rows)):
            closed = self._closes(above, total)
            if closed is not None:
                held, opened = closed
                found.append(held)
                if opened is not None:
                    self.rows[opened[0]] = opened[1]
                above.drop(len(held.footing.items))
            reading = self.rows[total]
            above.add(total, reading.values if reading else None)
        return found, self.rows

    def _closes(self, above: _Above, total: int) -> _Closed | None:
        """Tell whether a row is the sum of the last rows above it, with at most one of all of them open."""
        reading = self.rows[total]
        count = len(above.rows)
        self.budget.spend(1 + count // 4)
        tried = len(self.rows) * max(1, count)
        probes = [] if reading is None else sorted(range(self.width), key=lambda c: -abs(reading.values[c]))[:2]
        for start in range(count - 2, max(-1, count - MOST_ITEMS), -1):
            opened = above.open[-1] - above.open[start] + (reading is None)
            if opened > 1:
                return None
            items = tuple((r, 1) for r in above.rows[start:])
            if opened:
                closed = self._demands(above, start, total, items, tried)
            else:
                closed = self._plain(above, start, total, items, probes, tried)
            if closed is not None:
                return closed
        return None

    def _plain(
        self, above: _Above, start: int, total: int, items: tuple[tuple[int, int], ...], probes: list[int], tried: int
    ) -> _Closed | None:
        reading = self.rows[total]
        if reading is None:
            return None
        footing = Footing(total, items)
        slack = footing.slack(self.unit)
        top, base = above.sums[-1], above.sums[start]
        # Of two columns one holds, if any footing is here: only one may be broken.
        near = any(abs(top[c] - base[c] - reading.values[c]) <= slack for c in probes)
        for one in [footing] if near else []:
            held = judge(one, self.rows, self.unit)
            if _holds(held, digits_of(reading.values, held.columns, slack), tried):
                return held, None
        if len(items) == 2:
            rest = Footing(total, (items[0], (items[1][0], -1)))
            held = judge(rest, self.rows, self.unit)
            if _holds(held, digits_of(reading.values, held.columns, slack), tried):
                return held, None
        return None

    def _demands(
        self, above: _Above, start: int, total: int, items: tuple[tuple[int, int], ...], tried: int
    ) -> _Closed | None:
        """Ask whether the one open row can be what the others demand."""
        stated = self.rows[total]
        row = total if stated is None else next(r for r, _ in items if self.rows[r] is None)

        def needed(c: int) -> int:
            expected = above.sums[-1][c] - above.sums[start][c]
            return expected if stated is None else stated.values[c] - expected

        ends = {0, self.width - 1}
        if not any(self.find.possible(row, c, needed(c)) for c in ends):
            return None
        need = tuple(needed(c) for c in range(self.width))
        found = self.find(row, need, LEAST_DIGITS + math.log10(max(tried, 1)))
        if found is None:
            return None
        return Held(Footing(total, items), *compare(found.values, need)), (row, found)


def guesses(labels: Sequence[str]) -> list[list[Footing]]:
    """Give the footings to try where nothing is known yet, in sets: by the labels' words, the last row, the first."""
    count = len(labels)
    result: list[list[Footing]] = []
    totals = [r for r, label in enumerate(labels) if TOTAL_WORDS.search(label)]
    if totals:
        result.extend(_labelled(count, totals))
    if count >= 3:
        result.append([Footing(count - 1, tuple((r, 1) for r in range(count - 1)))])
        result.append([Footing(0, tuple((r, 1) for r in range(1, count)))])
    unique: list[list[Footing]] = []
    for one in result:
        if one not in unique:
            unique.append(one)
    return unique


def _labelled(count: int, totals: Sequence[int]) -> Iterator[list[Footing]]:
    """Give subtotals over the rows since the last one, and a grand total at the end over the subtotals or all items."""
    below: list[Footing] = []
    start = 0
    for total in totals:
        if total - start >= 2:
            below.append(Footing(total, tuple((r, 1) for r in range(start, total))))
        start = total + 1
    last = totals[-1]
    if len(totals) >= 3 and last == totals[-2] + 1:
        yield [*below, Footing(last, tuple((f.total, 1) for f in below))]
    parts = [f for f in below if f.total != last]
    if parts:
        loose = tuple((r, 1) for r in range(parts[-1].total + 1, last))
        yield [*parts, Footing(last, (*((f.total, 1) for f in parts), *loose))]
    if below:
        yield below
    above = [
        Footing(top, tuple((r, 1) for r in range(top + 1, end)))
        for top, end in zip(totals, [*totals[1:], count], strict=True)
        if end - top > 2
    ]
    if above:
        yield above
