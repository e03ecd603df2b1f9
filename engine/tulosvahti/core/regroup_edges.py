"""Where the columns stand: cells of rows that are too short or too long, placed by their right edges.

Convention: characters count from 0. Only a page that keeps its layout is trusted: columns whose rows end at the same
character, or at least stand clear of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_graph import FREE, Budget, Reading, graph_of, solutions
from tulosvahti.core.regroup_words import Row, absorb, figure, is_year

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.regroup_settle import Settled

Span = tuple[int, int]
Cells = tuple[Span | None, ...]
"""A row's cells as words from and to; None is a column that has nothing in this row."""
MOST_TRIED = 200
_ALIGNED = 0.8


@dataclass(frozen=True)
class Columns:
    """For every column the character it ends at if it is right-aligned, else None, and all it covers."""

    edges: tuple[int | None, ...]
    covers: tuple[Span, ...]

    def of(self, start: int, end: int) -> int | None:
        """Give the column of a cell; None if there is no such, or several."""
        for column, edge in enumerate(self.edges):
            if edge is not None and abs(edge - end) <= 1:
                # A cell that reaches over the end of another column is two.
                return None if any(e is not None and start < e < end - 1 for e in self.edges) else column
        over = [c for c, (left, right) in enumerate(self.covers) if start < right and end > left]
        return over[0] if len(over) == 1 and self.edges[over[0]] is None else None


def spans(reading: Reading) -> tuple[Span, ...]:
    """Give a reading's cells."""
    return tuple(zip(reading.cuts, reading.cuts[1:], strict=False))


def columns_of(rows: Sequence[Row], readings: Sequence[Reading | None]) -> Columns | None:
    """Learn where the columns stand from the rows that are settled; None where the page kept no layout."""
    full = [(row, spans(r)) for row, r in zip(rows, readings, strict=True) if r is not None]
    if len(full) < 2:
        return None
    edges: list[int | None] = []
    covers: list[Span] = []
    for c in range(len(full[0][1])):
        starts = [row.words[cells[c][0]].start for row, cells in full]
        ends = [row.words[cells[c][1] - 1].end for row, cells in full]
        usual = max(set(ends), key=lambda e: (sum(abs(e - x) <= 1 for x in ends), e))
        aligned = sum(abs(usual - x) <= 1 for x in ends) >= _ALIGNED * len(ends)
        edges.append(usual if aligned else None)
        covers.append((min(starts), max(ends)))
    clear = all(a[1] <= b[0] for a, b in pairwise(covers))
    return Columns(tuple(edges), tuple(covers)) if clear or all(e is not None for e in edges) else None


def laid_out(rows: Sequence[Row]) -> bool:
    """Tell whether a page kept its layout: most rows are parted by more than one space."""
    return 2 * sum(any(w.gap == "wide" for w in row.words) for row in rows) > len(rows)


def place_rows(rows: Sequence[Row], settled: Settled, places: int) -> dict[int, Cells]:
    """Place the cells of the open rows in the columns of the others, where their positions allow only one way."""
    columns = columns_of(rows, settled.readings) if laid_out(rows) else None
    result: dict[int, Cells] = {}
    for r, row in enumerate(rows):
        if settled.readings[r] is not None:
            continue
        cells = _placed(row, columns, settled.width, places) if columns else None
        cells = cells or _label_ends_in_number(row, settled.width, places)
        if cells is not None:
            result[r] = cells
    return result


def _placed(row: Row, columns: Columns, width: int, places: int) -> Cells | None:
    for absorbed in range(min(2, len(row.words) - 1) + 1):
        if absorbed and row.words[absorbed - 1].gap == "wide":
            break
        part = absorb(row, absorbed)
        graph = graph_of(part, FREE, places)
        if sum(graph.count(w) for w in graph.widths) > MOST_TRIED:
            return None
        found: set[Cells] = set()
        for size in graph.widths:
            for reading in solutions(graph, size, (), Budget(10**6)) if size <= width else ():
                where = [columns.of(part.words[a].start, part.words[b - 1].end) for a, b in spans(reading)]
                known = [c for c in where if c is not None]
                if len(known) == len(where) and all(a < b for a, b in pairwise(known)):
                    cells: list[Span | None] = [None] * width
                    for column, (a, b) in zip(known, spans(reading), strict=True):
                        cells[column] = (a + absorbed, b + absorbed)
                    found.add(tuple(cells))
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _label_ends_in_number(row: Row, width: int, places: int) -> Cells | None:
    """Leave to the label what can be no cell of a row that has one too many: a year, a code with a point in it."""
    if len(row.words) < 2 or not row.label:
        return None
    first = row.words[0]
    code = figure(first.text)
    rest = absorb(row, 1)
    whole = all(f.decimals == 0 for w in rest.words if (f := figure(w.text)))
    if not (is_year(first.text) or (code and code.decimals and whole) or row.words[1].gap == "wide" != first.gap):
        return None
    graph = graph_of(rest, FREE, places)
    if graph.widths != (width,) or graph.count(width) != 1:
        return None
    return tuple((a + 1, b + 1) for a, b in spans(solutions(graph, width, (), Budget(10**6))[0]))
