"""Cells, rows and columns of an audited table by the names that its readers look for, and figures in their form.

Convention: positions are (row, column) of the sheet, counted from 0. Everything given back is free of control
characters; it still has to be escaped where it is put into HTML, XML or YAML.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import Notice, a1, column_letters
from tulosvahti.emit.words import clean, listed, number, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.core.audited import AuditedRelation, AuditedTable, AuditFinding, Position
    from tulosvahti.core.table import Table

LONGEST = 44
"""Characters of a label that a sentence repeats."""
STORED_DIGITS = 15
"""Digits that a spreadsheet keeps of a number; what it stores beyond them is the noise of binary floats."""
_PAGED = re.compile(r"page (\d+)(?:, (.+))?")
_SHEET_PAGE = re.compile(r", page (\d+)$")


def short(text: str, most: int = LONGEST) -> str:
    """Cut a text at a word where it is long."""
    said = " ".join(clean(text).split())
    if len(said) <= most:
        return said
    head = said[: most - 1]
    cut = head.rpartition(" ")[0] if " " in head[most // 2 :] else head
    return f"{cut.rstrip(' ,;:(–-')}…"


def has_grid(table: Table, position: Position) -> bool:
    """Tell whether a cell has an A1 name; one in text has a line and a column."""
    return not table.sheet.at(*position).place


def place_text(place: str, language: str) -> str:
    """Give a place (``B4``, ``12:34``, ``page 3, 12:34``) in the reader's words."""
    found = _PAGED.fullmatch(place)
    if not found:
        return clean(place)
    page = word("audit.page", language, page=found[1], place=found[2] or "")
    return page if found[2] else page.rstrip(", ")


def source_text(source: str, language: str) -> str:
    """Name a source as it is shown."""
    found = _SHEET_PAGE.search(source)
    if not found:
        return clean(source)
    return f"{clean(source[: found.start()])}, {word('audit.page', language, page=found[1], place='').rstrip(', ')}"


def name(table: Table, position: Position, language: str) -> str:
    """Name a cell: in A1 form, or by line and column where its source is text."""
    return place_text(table.sheet.place(*position), language)


def row_label(table: Table, row: int, most: int = LONGEST) -> str:
    """Give a row's label, empty where it has none."""
    return short(table.row_label(row), most) if 0 <= row < table.height else ""


def column_label(table: Table, position: Position, most: int = LONGEST) -> str:
    """Give the label of a cell's column, empty where no header names it."""
    if not 0 <= position[1] < table.width:
        return ""
    label = table.column_label(*position)
    return "" if label == column_letters(position[1]) else short(label, most)


def is_hidden(table: Table, position: Position) -> bool:
    """Tell whether a cell lies in a hidden row or column."""
    return position[0] in table.sheet.hidden_rows or position[1] in table.sheet.hidden_columns


def cell_text(table: Table, position: Position, language: str, extra: str = "") -> str:
    """Name a cell with its labels: ``B4 (Kainuu / 2022)``, with what else belongs into the brackets."""
    labels = " / ".join(label for label in (row_label(table, position[0]), column_label(table, position)) if label)
    if is_hidden(table, position):
        labels = f"{labels}; {word('audit.hidden', language)}" if labels else word("audit.hidden", language)
    inside = f"{labels}: {extra}" if labels and extra else labels or extra
    named = name(table, position, language)
    return f"{named} ({inside})" if inside else named


def at_text(table: Table, position: Position, language: str) -> str:
    """Say where, as the beginning of a sentence: ``solussa B4 (Kainuu / 2022)``."""
    kind = "cell" if has_grid(table, position) else "place"
    return word(f"audit.at.{kind}", language, cell=cell_text(table, position, language))


def shown(table: Table, position: Position, value: Decimal) -> Decimal:
    """Give a figure without what a spreadsheet stores beyond the digits it keeps."""
    cell = table.sheet.at(*position)
    if (cell.value is None and not cell.formula) or len(value.as_tuple().digits) <= STORED_DIGITS:
        return value
    rounded = value.normalize(Context(prec=STORED_DIGITS))
    return rounded.quantize(Decimal(1)) if int(rounded.as_tuple().exponent) > 0 else rounded


def figure_text(table: Table, position: Position, value: Decimal | None, language: str) -> str:
    """Write the figure of a cell in the reader's form, with its percent sign where it is printed with one."""
    if value is None:
        return "–"
    text = number(shown(table, position, value), language)
    found = table.numbers.get(position)
    if found is None or not found.percent:
        return text
    return f"{text}%" if language == "en" else f"{text}\u00a0%"


def what_stands(table: Table, position: Position, value: Decimal | None, language: str) -> str:
    """Say what stands in a cell: its figure, its text in quotes, or that there is nothing."""
    if value is not None:
        return figure_text(table, position, value, language)
    text = short(table.sheet.at(*position).text)
    return word("audit.quoted", language, text=text) if text else word("audit.blank", language)


def blocks(table: Table, positions: Iterable[Position], language: str) -> list[str]:
    """Name cells, those side by side or one below the other as a block: ``B3:D3``."""
    wanted = sorted(set(positions))
    if any(not has_grid(table, position) for position in wanted):
        return [name(table, position, language) for position in wanted]
    runs = _runs(wanted)
    if len(runs) > 1:
        turned = _runs(sorted((c, r) for r, c in wanted))
        if len(turned) < len(runs):
            runs = sorted([(r, c) for c, r in run] for run in turned)
    return [a1(*run[0]) if len(run) == 1 else f"{a1(*run[0])}:{a1(*run[-1])}" for run in runs]


def _runs(wanted: Sequence[Position]) -> list[list[Position]]:
    runs = [[wanted[0]]] if wanted else []
    for before, after in pairwise(wanted):
        if after == (before[0], before[1] + 1):
            runs[-1].append(after)
        else:
            runs.append([after])
    return runs


def lines_text(table: Table, positions: Sequence[Position], language: str, *, by_row: bool) -> str:
    """Name the rows (or the columns) that cells lie in: ``rivi ”Kuopio” (B7:D7)``."""
    if not positions:
        return ""
    lines: dict[int, list[Position]] = {}
    for position in positions:
        lines.setdefault(position[0 if by_row else 1], []).append(position)
    texts = []
    for line, cells in lines.items():
        label = row_label(table, line) if by_row else column_label(table, cells[0])
        named = listed(blocks(table, cells, language), language, most=4)
        kind = "row" if by_row else "column"
        texts.append(word(f"audit.{kind}", language, label=label, cells=named) if label else named)
    return listed(texts, language, most=3)


def notices_of(audited: AuditedTable) -> tuple[Notice, ...]:
    """Give all that readers and the table noticed, and what is hidden among what was audited."""
    sheet = audited.table.sheet
    found = list(dict.fromkeys((*sheet.notices, *audited.notices)))
    known = {notice.code for notice in found}
    rows = sorted({r for r, _ in audited.table.numbers if r in sheet.hidden_rows})
    columns = sorted({c for _, c in audited.table.numbers if c in sheet.hidden_columns})
    hidden = [
        ("hidden_sheet", sheet.hidden, ()),
        ("hidden_rows", bool(rows), tuple(str(r + 1) for r in rows)),
        ("hidden_columns", bool(columns), tuple(column_letters(c) for c in columns)),
    ]
    found += [Notice(code, where) for code, there, where in hidden if there and code not in known]
    return tuple(found)


class _Same:
    """A table as a key: itself, whatever it holds."""

    __slots__ = ("audited",)

    def __init__(self, audited: AuditedTable) -> None:
        self.audited = audited

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.audited is other.audited

    def __hash__(self) -> int:
        return id(self.audited)


def relations_of(audited: AuditedTable) -> Mapping[str, AuditedRelation]:
    """Give a table's relations by their ids."""
    return _relations(_Same(audited))


def marks(audited: AuditedTable) -> Mapping[Position, tuple[str, tuple[int, ...]]]:
    """Give each marked cell: its mark (``wrong``, ``doubt``, ``remark``) and its findings' numbers (from 1)."""
    return _marks(_Same(audited))


@lru_cache(maxsize=4)
def _relations(key: _Same) -> Mapping[str, AuditedRelation]:
    return {relation.id: relation for relation in key.audited.relations}


@lru_cache(maxsize=4)
def _marks(key: _Same) -> Mapping[Position, tuple[str, tuple[int, ...]]]:
    rank = ("remark", "doubt", "wrong")
    result: dict[Position, tuple[str, tuple[int, ...]]] = {}
    for count, finding in enumerate(key.audited.findings, 1):
        for position, mark in _marked(key.audited, finding).items():
            old, numbers = result.get(position, ("remark", ()))
            result[position] = (max(old, mark, key=rank.index), (*numbers, count))
    return result


def _marked(audited: AuditedTable, finding: AuditFinding) -> dict[Position, str]:
    """Give the cells that one finding marks."""
    relations = relations_of(audited)
    totals = tuple(relations[name].total for name in finding.relations if name in relations)
    if finding.explained:
        return dict.fromkeys(finding.suspects or totals, "remark")
    cells = dict.fromkeys(finding.suspects, "doubt")
    if finding.cause is None and len(finding.remedies) == 1:
        cells |= dict.fromkeys(finding.because, "doubt")
    if not cells:
        cells = dict.fromkeys((*finding.because, *totals), "doubt")
    return {**cells, **dict.fromkeys(finding.cells, "wrong")}
