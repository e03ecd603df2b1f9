"""From patterns to relations: a table's numbers searched along both axes, and what each line makes of each pattern.

A figure's id is ``row:column`` of the sheet, counted from 0.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.audit.cumulative import running_totals
from tulosvahti.audit.gaps import with_left_out
from tulosvahti.audit.labelled import labelled_totals
from tulosvahti.audit.labelled_ratios import labelled_ratios
from tulosvahti.audit.long_form import is_long, long_sums
from tulosvahti.audit.meant import lacking_lines, meant_lines
from tulosvahti.core.discovery.discover import discover
from tulosvahti.core.discovery.lines import Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tulosvahti.core.audited import Position
    from tulosvahti.core.discovery.discover import Discovery
    from tulosvahti.core.discovery.lines import Axis
    from tulosvahti.core.discovery.pattern import Function, Pattern
    from tulosvahti.core.table import Table

DIFFERENCE_WORDS = re.compile(
    r"\bnet\b|netto|erotus|jäämä|differen|\bgross (profit|margin)|margin|skillnad|muutos|change|increase|decrease|surplus|deficit|balance",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Stated:
    """One relation to be judged, in positions of the sheet."""

    function: Function
    axis: Axis
    total: Position
    items: tuple[Position, ...]
    weights: tuple[int, ...]
    pattern: str
    percent: bool = False
    label: str = ""
    support: int = 1
    reversed: bool = False


@dataclass(frozen=True)
class Related:
    """What was discovered in a table; ``searches`` one an axis."""

    relations: tuple[Stated, ...]
    searches: tuple[Discovery, ...]
    units: Mapping[Position, Decimal]
    """What the last digit of each figure stands for: printed, or the larger step of its row or column."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Functions that were not looked for."""
        return tuple(dict.fromkeys(name for search in self.searches for name in search.left_out))


def numbers_of(table: Table) -> Numbers:
    """Take a table's figures from its first row below the header, blank columns included."""
    rows = range(table.body, table.height)
    columns = range(table.width)
    cells = [[_pair(table, r, c) for c in columns] for r in rows]
    percent = [[bool((n := table.numbers.get((r, c))) and n.percent) for c in columns] for r in rows]
    filled = [[table.filled(r, c) for c in columns] for r in rows]
    return Numbers.of(cells, percent, filled)


def _pair(table: Table, row: int, column: int) -> tuple | None:  # type: ignore[type-arg]
    number = table.numbers.get((row, column))
    return None if number is None else (number.value, number.unit)


def related(table: Table) -> Related:
    """Search a table along its rows and its columns."""
    numbers = numbers_of(table)
    row_labels = [table.row_label(r) for r in range(table.body, table.height)]
    column_labels = list(table.column_labels)
    searches = (discover(numbers, "row", column_labels), discover(numbers, "column", row_labels))
    names: dict[Axis, list[str]] = {"row": row_labels, "column": column_labels}
    relations: list[Stated] = []
    for search, across in zip(searches, reversed(searches), strict=True):
        ratios = {"average", "share", "relative_change"}
        results = frozenset(p.total for p in across.patterns if p.function in ratios)
        by_total: dict[int, list[Pattern]] = defaultdict(list)
        for pattern in search.patterns:
            by_total[pattern.total].append(pattern)
        wider = with_left_out(search.lines, search.patterns)
        for pattern in search.patterns:
            if pattern in wider:
                whole = wider[pattern]
                lines = sorted({*whole.holds, *whole.idle, *pattern.holds})
                relations += _stated(table, search, whole, lines, names[search.axis])
                continue
            siblings = [p for p in by_total[pattern.total] if p is not pattern]
            meant = meant_lines(search.lines, pattern, names[search.axis], results, siblings)
            relations += _stated(table, search, pattern, sorted({*pattern.holds, *pattern.idle, *meant, *lacking_lines(search.lines, pattern)}), names[search.axis])
        for found in labelled_totals(search.lines, search.patterns, names[search.axis]):
            p = found.pattern
            lines = sorted({*p.holds, *p.idle, *found.broken})
            relations += _stated(table, search, p, lines, names[search.axis], reversed_sign=found.reversed)
        for ratio in labelled_ratios(search.lines, search.patterns):
            lines = sorted({*ratio.pattern.holds, *ratio.pattern.idle, *ratio.broken})
            relations += _stated(table, search, ratio.pattern, lines, names[search.axis])
        relations += _running(table, search, names[search.axis])
    if is_long(table):
        relations = [one for one in relations if one.axis == "row"]
    relations += _long(table, {(one.total, one.items) for one in relations})
    return Related(tuple(relations), searches, _units(table, numbers))


def _running(table: Table, search: Discovery, names: list[str]) -> Iterator[Stated]:
    """Relate running totals that no sum of the same line explains."""
    explained = {p.total for p in search.patterns if p.function == "sum"}
    for running, added, steps in running_totals(search.lines, names):
        if running in explained:
            continue
        name = f"running:{search.axis}:{running}={added}"
        axis: Axis = "column" if search.axis == "row" else "row"
        for before, line in steps:
            total = _position(table, search.axis, line, running)
            items = (_position(table, search.axis, before, running), _position(table, search.axis, line, added))
            yield Stated("sum", axis, total, items, (1, 1), name, label=names[line], support=len(steps))


def _long(table: Table, known: set[tuple[Position, tuple[Position, ...]]]) -> Iterator[Stated]:
    """Relate the rows of a table in long form; a figure and its parts lie in one column there."""
    for pattern, grouped, groups in long_sums(table):
        name = f"long:{grouped.column}:{grouped.value}:{pattern.total}=" + ",".join(map(str, pattern.items))
        for group in groups:
            total = grouped.cells.get((group, pattern.total))
            there = [
                (grouped.cells[group, q], w)
                for q, w in zip(pattern.items, pattern.weights, strict=True)
                if (group, q) in grouped.cells
            ]
            items = tuple(position for position, _ in there)
            if total is None or len(items) < 2 or (total, items) in known:
                continue
            weights = tuple(w for _, w in there)
            yield Stated("sum", "column", total, items, weights, name, label=grouped.groups[group], support=len(pattern.holds))


def _units(table: Table, numbers: Numbers) -> dict[Position, Decimal]:
    return {(r, c): Decimal(repr(float(numbers.units[r - table.body, c]))) for r, c in table.numbers}


def _stated(  # noqa: PLR0913 (a line of a pattern in its place)
    table: Table, search: Discovery, pattern: Pattern, lines: list[int], names: list[str], *, reversed_sign: bool = False
) -> Iterator[Stated]:
    function, total, items, weights = _presented(search, pattern)
    name = f"{search.axis}:{function}:{total}=" + ",".join(map(str, items))
    for line in lines:
        there = [
            (q, w)
            for q, w in zip(items, weights, strict=True)
            if search.lines.filled[line, q] or q in pattern.items or function in {"share", "relative_change", "difference"}
        ]
        yield Stated(
            function,
            search.axis,
            _position(table, search.axis, line, total),
            tuple(_position(table, search.axis, line, q) for q, _ in there),
            tuple(w for _, w in there),
            name,
            pattern.percent,
            names[line],
            len(pattern.holds),
            reversed_sign,
        )


def _presented(search: Discovery, pattern: Pattern) -> tuple[Function, int, tuple[int, ...], tuple[int, ...]]:
    """Write a sum of two as the difference that its words speak of; fill a whole run's blank places."""
    total, items, weights = pattern.total, pattern.items, pattern.weights
    if pattern.function == "sum" and len(items) == 2 and weights == (1, 1):
        labels = search.lines.labels
        for net, rest in ((items[0], items[1]), (items[1], items[0])):
            if DIFFERENCE_WORDS.search(labels[net]) and not DIFFERENCE_WORDS.search(labels[total]) and total < net and rest < net:
                return "difference", net, (total, rest), (1, -1)
    if pattern.function in {"sum", "average"} and len(items) > 2 and set(weights) == {1}:
        whole = range(items[0], items[-1] + 1)
        if total not in whole and all(q in items or not search.lines.there[:, q].any() for q in whole):
            items, weights = tuple(whole), (1,) * len(whole)
    return pattern.function, total, items, weights


def _position(table: Table, axis: Axis, line: int, place: int) -> Position:
    return (table.body + line, place) if axis == "row" else (table.body + place, line)
