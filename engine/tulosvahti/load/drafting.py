"""A contract drafted from a file: what its columns show, with a comment wherever a person has to decide.

Nothing is guessed that the values do not show: where two forms fit a whole column with different meanings, the column
stays a string and both forms are named.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DATED
from tulosvahti.load.column_forms import MISSING, Form, form_of
from tulosvahti.load.headers import name_of
from tulosvahti.load.sheets import read_sheets
from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.dialect import chosen
from tulosvahti.load.sheets.formats import is_text
from tulosvahti.load.total_rows import says_total

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tulosvahti.core.sheet import Cell, Sheet

_LOOK = 50
_FEW = 12
_EXAMPLES = 3
_KEY_ROWS = 2
_LEAST = 2
_NEARLY = 20


class UndraftableError(Exception):
    """The file gives no contract; the text says why and what to do."""


@dataclass(frozen=True)
class _Column:
    """One column: its name in the file and in the contract, its cells, and what they are."""

    header: str
    name: str
    texts: tuple[str, ...]
    form: Form
    missing: frozenset[str] = frozenset()
    comments: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Tell whether every row has a value."""
        return not self.missing

    @property
    def unique(self) -> bool:
        """Tell whether no value stands twice."""
        return self.full and len(set(self.texts)) == len(self.texts)


@dataclass
class _Draft:
    """The lines of the contract so far, and what is said above it."""

    lines: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)


def drafted(path: Path) -> str:
    """Draft the contract of a file, as YAML.

    Raises:
        UndraftableError: it cannot be read or has no table.

    """
    reading = read_sheets(path)
    if reading.problems:
        raise UndraftableError("\n".join(map(str, reading.problems)))
    sheets = [sheet for sheet in reading.sheets if not sheet.hidden] or list(reading.sheets)
    if not sheets:
        msg = f"{path}: there is no table with columns in it; allowed: CSV, a workbook, JSON or Parquet"
        raise UndraftableError(msg)
    sheet = max(sheets, key=lambda item: sum(len(row) for row in item.rows))
    comment = "#" if is_comment(sheet) else ""
    at = _header(sheet, comment)
    rows = [row for row in sheet.rows[at + 1 :] if not all(cell.blank for cell in row) and not _comment(row, comment)]
    total = _total(rows)
    rows = rows[:-1] if total else rows
    titles, depth = _titles(sheet, at, comment)
    columns = _columns(titles, rows)
    if not columns:
        msg = f"{path}: no row names the columns; write their names in one row above the values"
        raise UndraftableError(msg)
    draft = _Draft()
    _top(draft, path, sheet, at - depth + 1, comment)
    if depth > 1:
        if not any(line.startswith("header_row:") for line in draft.lines):
            draft.lines.append(f"header_row: {at - depth + 2}")
        draft.lines.append(f"header_rows: {depth}  # the names of both rows are joined")
    if total:
        draft.lines.append(f"total_row: {_text(total)}  # the last row is no row itself; keep counts it as one")
    if len(sheets) > 1:
        named = ", ".join(item.source.partition("!")[2] for item in sheets)
        draft.above.append(f"The file has several sheets ({named}); this is the largest.")
    _whole(draft, columns, len(rows))
    for column in columns:
        _field(draft, column)
    told = [f"# {line}" for line in ("Drafted from the values of one file: every line is for a person to confirm.", *draft.above)]
    return _printable("\n".join((*told, *draft.lines))) + "\n"


def is_comment(sheet: Sheet) -> bool:
    """Tell whether a text has comment lines above its table."""
    return bool(sheet.rows) and not sheet.source.partition("!")[2] and _comment(sheet.rows[0], "#")


def _comment(row: Sequence[Cell], mark: str) -> bool:
    return bool(mark and row and row[0].text.startswith(mark))


def _header(sheet: Sheet, comment: str) -> int:
    """Find the row that names the columns: the first that is as wide as most rows are and has texts only."""
    rows = [(at, row) for at, row in enumerate(sheet.rows[:_LOOK]) if not _comment(row, comment)]
    widths = Counter(sum(not cell.blank for cell in row) for _, row in rows)
    widths.pop(0, None)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    for at, row in rows:
        if sum(not cell.blank for cell in row) >= usual > 0:
            return at
    return 0


def _titles(sheet: Sheet, at: int, comment: str) -> tuple[list[str], int]:
    """Give the columns' names and how many rows they stand in: two where the lower row's names repeat and the upper's tell them apart."""
    names = [name_of(cell.text) for cell in sheet.rows[at]]
    above = sheet.rows[at - 1] if at else ()
    upper = [name_of(cell.text) for cell in above]
    if len({name for name in names if name}) == sum(map(bool, names)) or sum(map(bool, upper)) < _LEAST or _comment(above, comment):
        return names, 1
    filled, last = [], ""
    for place in range(len(names)):
        last = (upper[place] if place < len(upper) else "") or last
        filled.append(" ".join(part for part in (last, names[place]) if part))
    return (filled, 2) if len(set(filled)) == len(filled) else (names, 1)


def _total(rows: Sequence[Sequence[Cell]]) -> str:
    """Give what the last row says of itself, where it says that it is a total and no other does."""
    first = [name_of(row[0].text) for row in rows if row]
    return first[-1] if len(first) > _LEAST and says_total(first[-1]) and first.count(first[-1]) == 1 else ""


def _columns(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[_Column]:
    columns: list[_Column] = []
    names: Counter[str] = Counter()
    for place, title in enumerate(header):
        if not title:
            continue
        cells = [row[place] for row in rows if place < len(row)]
        short = len(rows) - len(cells)
        found = [item for item in cells if item.text.strip() not in MISSING]
        missing = {item.text.strip() for item in cells if item.text.strip() in MISSING} | ({""} if short else set())
        name = re.sub(r"\W+", "_", title.lower()).strip("_") or "column"
        name = f"c_{name}" if name[0].isdigit() or name[0] == "_" else name
        names[name] += 1
        comments = []
        if names[name] > 1:
            comments.append(f"the name {title!r} stands {names[name]} times: a delivery needs names that differ")
            name = f"{name}_{names[name]}"
        form = form_of(found)
        texts = tuple(item.text.strip() for item in found)
        columns.append(_Column(title, name, texts, form, frozenset(missing), (*comments, *form.comments)))
    return columns


def _top(draft: _Draft, path: Path, sheet: Sheet, header: int, comment: str) -> None:
    lines = draft.lines
    lines += [f"title: {_text(path.stem)}  # what the data is: {{fi: …, sv: …, en: …}}", f"path: {_text(path.name)}"]
    content = path.read_bytes()
    if is_text(content):
        read = decoded(content)
        if read is not None and read.encoding not in {"utf-8", "utf-16-le", "utf-16-be"}:
            lines.append(f"encoding: {read.encoding}  # it is not UTF-8; ask whether this is right: look at å, ä and ö")
        dialect = chosen(read.text, table=True) if read else None
        parts = [f"delimiter: {_text(dialect.delimiter)}"] if dialect and dialect.delimiter not in {"", ","} else []
        parts += ['commentChar: "#"'] if comment else []
        if parts:
            lines.append(f"dialect: {{{', '.join(parts)}}}")
    elif name := sheet.source.partition("!")[2]:
        lines += [f"sheet: {_text(name)}", f"header_row: {header + 1}"]
    lines += ["# deliverer: …      # a party of the agreement: who is told of rejects", "# source: …         # where the data comes from, in words"]
    lines.append("# frequency: month  # with grace (10 d) and period: when the data is late")


def _whole(draft: _Draft, columns: Sequence[_Column], rows: int) -> None:
    dated = [column.name for column in columns if column.form.type in DATED and column.full]
    if dated:
        others = f"; or {', '.join(dated[1:])}" if dated[1:] else ""
        draft.lines.append(f"# period: {dated[0]}  # the field that dates the content{others}")
    key = _key(columns) if rows >= _KEY_ROWS else ()
    if key:
        draft.lines.append(f"primaryKey: [{', '.join(key)}]  # no two of {rows} rows have the same: is that so by its meaning?")
    else:
        nearly = [(len(item.texts) - len(set(item.texts)), item.name) for item in columns if item.form.pattern]
        again, name = min(nearly, default=(rows, "…"))
        told = f"{again} rows repeat its value" if again * _NEARLY < rows else "no column, and no two together, tell the rows apart"
        draft.lines.append(f"# primaryKey: [{name if again * _NEARLY < rows else '…'}]  # {told}")
    missing = sorted({text for column in columns for text in column.missing} | {""})
    if len(missing) > 1:
        draft.lines.append(f"missingValues: [{', '.join(map(_text, missing))}]")
    draft.lines.append("fields:")


def _key(columns: Sequence[_Column]) -> tuple[str, ...]:
    """Give the first column that tells the rows apart, else the first two that do; a figure is no key."""
    able = [column for column in columns if column.full and column.form.type != "number"]
    texts = [column for column in able if column.form.type == "string"]
    for column in (*texts, *(item for item in able if item.form.type == "integer")):
        if column.unique:
            return (column.name,)
    for one, other in combinations(sorted(able, key=lambda item: item.form.type == "integer"), 2):
        pairs = list(zip(one.texts, other.texts, strict=True))
        if len(set(pairs)) == len(pairs):
            return (one.name, other.name)
    return ()


def _field(draft: _Draft, column: _Column) -> None:
    parts = [f"name: {_text(column.name)}"]
    if column.header != column.name:
        parts.append(f"header: {_text(column.header)}")
    parts.append(f"type: {column.form.type}")
    parts += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in column.form.options]
    limits = ["required: true"] if column.full and column.texts else []
    values = sorted(set(column.texts))
    if column.form.type == "string" and 1 < len(values) <= _FEW and len(column.texts) >= 3 * len(values):
        limits.append(f"enum: [{', '.join(map(_text, values))}]")
    elif column.form.pattern:
        limits.append(f"pattern: {_text(column.form.pattern)}")
    if limits:
        parts.append(f"constraints: {{{', '.join(limits)}}}")
    draft.lines += [f"  # {line}" for line in column.comments]
    shown = ", ".join(list(dict.fromkeys(column.texts))[:_EXAMPLES]) or "no value at all"
    draft.lines.append(f"  - {{{', '.join(parts)}}}  # {' '.join(shown[:60].split())}")


def _text(value: str) -> str:
    """Write a text as a YAML scalar: bare where it is a plain word."""
    return value if re.fullmatch(r"[^\W\d]\w*", value) and value not in _WORDS else json.dumps(value, ensure_ascii=False)


def _printable(text: str) -> str:
    """Leave out what a comment cannot hold; in the values themselves it is escaped."""
    return "".join(mark for mark in text if mark == "\n" or mark.isprintable())


_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "True", "False", "Null", "Yes", "No", "On", "Off", "Y", "N", "TRUE", "FALSE", "NULL", "YES", "NO", "ON", "OFF"})
