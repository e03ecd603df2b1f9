"""Cells recovered from text whose thousands and columns are both parted by spaces.

Convention: nothing is guessed. A row's cells are given only where spacing, or relations that hold in the table, leave
one reading; any other row keeps its whole text in the label's cell, blanks beside it, and all its readings aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_blocks import Run, parts_of, runs_of
from tulosvahti.core.regroup_edges import Cells, columns_of, laid_out, place_rows, spans
from tulosvahti.core.regroup_header import names_row, place_of, text_row
from tulosvahti.core.regroup_settle import Settled, decimals_of, settle
from tulosvahti.core.regroup_words import figure, split_by_kerning
from tulosvahti.core.sheet import BLANK, Cell, Notice, Sheet, column_letters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.core.page import TextPage
    from tulosvahti.core.regroup_graph import Pattern
    from tulosvahti.core.regroup_words import Row

STEPS = 1_500_000
"""Steps that one table may take, one or two seconds."""


@dataclass(frozen=True)
class AmbiguousRow:
    """A row that nothing decides: the sheet's row (from 0), its place, its text, and each reading's cell texts.

    ``complete`` False: there are more readings than these.
    """

    row: int
    place: str
    text: str
    readings: tuple[tuple[str, ...], ...]
    complete: bool = True


@dataclass(frozen=True)
class TextTable:
    """A table found in text: its ``sheet`` has the labels first, then a column for each column of numbers."""

    sheet: Sheet
    ambiguous: tuple[AmbiguousRow, ...] = ()


def text_sheets(page: TextPage, *, steps: int = STEPS) -> tuple[TextTable, ...]:
    """Find the tables of a page and recover their cells, in the page's order.

    ``steps`` bounds the search in one table; a table that needs more has the notice ``not_searched``. Notices:
    ``regrouped`` (detail: what decided), ``ambiguous_row`` (where: the row; detail: its readings, cells parted by
    `` | ``), ``torn_number`` (where: the cell; detail: as printed, as read), ``not_searched``.
    """
    return tuple(
        _table(page, part, settled) for run in runs_of(page.lines) for part, settled in _settled(run, page, steps)
    )


def _settled(run: Run, page: TextPage, steps: int) -> list[tuple[Run, Settled]]:
    """Settle a run as one table, or as the several that stand close together if that leaves fewer rows open."""
    whole = settle(run.rows, steps, run.width)
    if not whole.open_rows:
        return [(run, whole)]
    parts = parts_of(run, page.lines)
    if len(parts) < 2:
        return [(run, whole)]
    several = [(part, settle(part.rows, steps, part.width)) for part in parts]
    lost = len(run.rows) - sum(len(p.rows) for p in parts)  # rows that stand alone are kept as text
    # A heading between rows begins another table, unless reading them as one settles more.
    headed = any(p.headings for p in parts[1:])
    return several if sum(s.open_rows for _, s in several) + lost < whole.open_rows + headed else [(run, whole)]


def _table(page: TextPage, run: Run, settled: Settled) -> TextTable:
    cells: dict[int, Cells] = {r: spans(reading) for r, reading in enumerate(settled.readings) if reading is not None}
    if settled.width and settled.open_rows:
        cells |= place_rows(run.rows, settled, decimals_of(run.rows))
    columns = columns_of(run.rows, settled.readings) if laid_out(run.rows) else None
    headings = {h.line: h for h in run.headings}
    by_line = {row.line: r for r, row in enumerate(run.rows)}
    names = names_row(page, run.header, settled.width)
    rows: list[tuple[Cell, ...]] = [] if names is None else [names]
    open_rows: list[AmbiguousRow] = []
    notices: list[Notice] = []
    where: dict[int, int] = {}
    for line in sorted({*(() if names else run.header), *run.texts, *headings, *by_line}):
        if line not in by_line:
            rows.append(text_row(page, line, settled.width, headings.get(line), columns))
            continue
        r = by_line[line]
        where[r] = len(rows)
        if r in cells:
            rows.append(_number_row(page, run.rows[r], cells[r], notices))
        else:
            one = _ambiguous(page, run.rows[r], settled, r, len(rows))
            open_rows.append(one)
            notices.append(Notice("ambiguous_row", (one.place,), tuple(" | ".join(x) for x in one.readings)))
            rows.append((Cell(one.text, place=one.place), *[BLANK] * settled.width))
    if not settled.searched:
        notices.insert(0, Notice("not_searched", (place_of(page, run.rows[0].line),)))
    if cells:
        notices.insert(0, Notice("regrouped", (), tuple(_why(settled, where))))
    return TextTable(Sheet(page.source, tuple(rows), notices=tuple(notices)), tuple(open_rows))


def _ambiguous(page: TextPage, row: Row, settled: Settled, r: int, at: int) -> AmbiguousRow:
    text = f"{row.label} {row.cell(0, len(row.words))}".strip()
    readings = tuple(tuple(row.cell(a, b) for a, b in spans(x)) for x in settled.left[r])
    return AmbiguousRow(at, place_of(page, row.line), text, readings, complete=r not in settled.more)


def _number_row(page: TextPage, row: Row, cells: Cells, notices: list[Notice]) -> tuple[Cell, ...]:
    first = next((span[0] for span in cells if span is not None), 0)
    absorbed = row.cell(0, first) if first else ""
    label_line = row.carried[0] if row.carried and row.carried[0] < row.line else row.line
    result = [Cell(f"{row.label} {absorbed}".strip(), place=place_of(page, label_line))]
    for span in cells:
        if span is None:
            result.append(BLANK)
            continue
        words = row.words[span[0] : span[1]]
        text = row.cell(*span)
        place = place_of(page, row.line, words[0].start)
        if len(words) > 1 and figure(" ".join(w.text for w in words)) is None:
            # Digits that letter-spacing tore apart, or a minus that stands apart, are closed up to be read again.
            torn, text = text, "".join(w.text for w in words) if split_by_kerning(words) else text.replace(" ", "", 1)
            notices.append(Notice("torn_number", (place,), (torn, text)))
        result.append(Cell(text, place=place))
    return tuple(result)


def _why(settled: Settled, where: dict[int, int]) -> Iterator[str]:
    """Say what decided: the layout, or relations in the sheet's own names, with how often each holds."""
    one = settled.hypothesis
    if one is None or not one.evident:
        yield settled.why
        return
    if one.relation is not None:
        for pattern in one.relation.patterns:
            yield f"{_in_letters(pattern)} {len(one.relation.shown)}/{one.relation.able}"
    for held in one.held:
        items = "".join(f" {'-' if w < 0 else '+'}{where[r] + 1}" for r, w in held.footing.items)
        count = len(held.columns)
        yield f"{where[held.footing.total] + 1} ={items} {count}/{count + len(held.broken)}"


def _in_letters(pattern: Pattern) -> str:
    """Name a pattern's columns as the sheet does: ``D = +B +C``."""
    alone = [sign for sign in (-1, 1) if pattern.count(sign) == 1]
    total = pattern.index(alone[0]) if alone else len(pattern) - 1
    signs = ["" if not w else "-" if w == pattern[total] else "+" for w in pattern]
    items = "".join(f" {sign}{column_letters(c + 1)}" for c, sign in enumerate(signs) if sign and c != total)
    return f"{column_letters(total + 1)} ={items}"
