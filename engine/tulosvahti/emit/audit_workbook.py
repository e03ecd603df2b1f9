"""An audit as a workbook: a marked copy of an XLSX or XLSM file, or a new one of the tables of any other source.

Wrong cells are red, suspects yellow, remarks blue; each has a note with what stands, what would have to, and why. A
sheet "Tulosvahti" lists the findings with links to their cells. The copy is made in the archive itself: nothing of the
original is lost (``audit_package`` says what is changed, and what a reader should know).

A new workbook shows what was read: figures as numbers, all else as text, never as a formula or a link. Cells keep their
A1 names; lines of a text begin on row 1.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.core.quantity import plain_decimal
from tulosvahti.core.sheet import a1
from tulosvahti.emit.audit_cells import STORED_DIGITS, shown
from tulosvahti.emit.audit_listing import HEADS, SHEET, WIDTHS, headings, link_to, notes_of, rows_of, sheet_name
from tulosvahti.emit.audit_package import UNMARKABLE, Package, has_macros, mark_package, sheet_names
from tulosvahti.emit.audit_view import has_something
from tulosvahti.emit.words import clean, known, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.audited import AuditedTable, Position
    from tulosvahti.emit.audit_listing import Row

COLOURS = {"wrong": "#FFC0C0", "doubt": "#FFEB9C", "remark": "#CFE4F7"}
INKS = {"wrong": "#8A1015", "doubt": "#5F4200", "remark": "#0B4A86"}
MOST_SHEETS = 60
"""Of more tables only those with something to say get a sheet."""
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""Of every new workbook, so that the same audit gives the same bytes."""
LONGEST_CELL = 32_000
WIDEST = 60


def marked_workbook(source: Path, audits: Sequence[AuditedTable], out: Path, language: str) -> bool:
    """Write the workbook; tells whether it is a copy that keeps the original's look.

    ``audits`` are the tables of this file. A workbook whose parts are not as they must be for a safe change gives a new
    one, like any other source.

    Raises:
        ValueError: ``out`` is the source itself, or its ending does not fit a workbook (with macros).
        OSError: it cannot be written.

    """
    if _same(source, out):
        msg = f"{out} is the file that was audited: name another one for the marked copy"
        raise ValueError(msg)
    if out.suffix.lower() not in {".xlsx", ".xlsm"}:
        msg = f"{out}: a marked workbook is an .xlsx file (.xlsm of one with macros)"
        raise ValueError(msg)
    spoken = known(language)
    handle, name = tempfile.mkstemp(prefix=".tulosvahti-", suffix=out.suffix, dir=out.parent)
    os.close(handle)
    try:
        copied = _copied(source, audits, Path(name), out, spoken)
        if not copied:
            if out.suffix.lower() == ".xlsm":
                msg = f"{out}: {source.name} has no macros: let the name of its copy end in .xlsx"
                raise ValueError(msg)
            _new(source, audits, Path(name), spoken)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(out)
    finally:
        Path(name).unlink(missing_ok=True)
    return copied


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (other.exists() and one.exists() and one.samefile(other))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _copied(source: Path, audits: Sequence[AuditedTable], target: Path, out: Path, language: str) -> bool:
    """Write the marked copy of a workbook; False where the source is none, or not as it must be."""
    if not zipfile.is_zipfile(source):
        return False
    try:
        with zipfile.ZipFile(source) as archive:
            package = Package(archive)
            names = sheet_names(package)
            macros = has_macros(package)
            if macros == (out.suffix.lower() == ".xlsm"):
                sheet_of = {t.table.source: name for t in audits if (name := _sheet_of(source, t.table.source, names))}
                sheets: dict[str, dict[Position, tuple[str, str]]] = {}
                for audited in audits:
                    if audited.table.source in sheet_of:
                        sheets.setdefault(sheet_of[audited.table.source], {}).update(notes_of(audited, language))
                rows = [row for audited in audits for row in rows_of(audited, language)]
                mark_package(package, sheets, rows, sheet_of, language)
                package.save(target)
                return True
    except UNMARKABLE:
        return False
    ending = ".xlsm" if macros else ".xlsx"
    msg = f"{out}: the copy of {source.name} must end in {ending}, or spreadsheet programs refuse it"
    raise ValueError(msg)


def _sheet_of(source: Path, name: str, names: Sequence[str]) -> str:
    """Give the workbook's sheet that a table's source names after its ``!``."""
    own = f"{source.name}!"
    wanted = name[len(own) :] if name.startswith(own) else name.rpartition("!")[2]
    folded = {item.casefold().strip(): item for item in names}
    return wanted if wanted in names else folded.get(wanted.casefold().strip(), "")


# a new workbook


def _new(source: Path, audits: Sequence[AuditedTable], target: Path, language: str) -> None:
    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 (only where a workbook is written)

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    told = audits if len(audits) <= MOST_SHEETS else [audited for audited in audits if has_something(audited)]
    with xlsxwriter.Workbook(str(target), options) as book:
        book.set_properties({"title": word("audit.listing", language), "created": _CREATED})
        formats = _Formats(book)
        listing = book.add_worksheet(SHEET)
        taken = [SHEET]
        links: dict[str, str] = {}
        for audited in told:
            name = sheet_name(_wanted_name(source, audited.table.source), taken)
            taken.append(name)
            _table(book.add_worksheet(name), audited, formats, language)
            links[audited.table.source] = name
        rows = [row for audited in audits for row in rows_of(audited, language)]
        _list(listing, rows, links, formats, language)


def _wanted_name(source: Path, name: str) -> str:
    rest = name.removeprefix(source.name).lstrip("!#, ")
    return rest or source.stem


class _Formats:
    """Formats of a new workbook, each made once."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401 (XlsxWriter ships no types)
        self._book = book
        self._known: dict[tuple[str, str, bool], Any] = {}

    def of(self, number: str = "", kind: str = "", *, head: bool = False, hidden: bool = False) -> Any:  # noqa: ANN401
        key = number, f"{kind}{'-hidden' if hidden else ''}", head
        if key not in self._known:
            look: dict[str, object] = {"font_name": "Arial", "font_size": 10, "valign": "top"}
            if number:
                look["num_format"] = number
            if kind == "link":
                look |= {"font_color": "#0B5394", "underline": 1}
            elif kind == "text":
                look |= {"text_wrap": True}
            elif kind:
                look |= {
                    "bg_color": COLOURS[kind],
                    "font_color": INKS[kind],
                    "bold": kind == "wrong",
                    "border": 1,
                    "border_color": INKS[kind],
                }
            if head:
                look |= {"bold": True, "bg_color": "#E9EEF4", "text_wrap": True}
            if hidden:
                look |= {"italic": True, "font_color": "#4E5864"}
            self._known[key] = self._book.add_format(look)
        return self._known[key]


def _table(sheet: Any, audited: AuditedTable, formats: _Formats, language: str) -> None:  # noqa: ANN401
    """Write a table as it was read, each cell at its place."""
    table = audited.table
    notes = notes_of(audited, language)
    widths: dict[int, int] = {}
    totals = {r.total[0] for r in audited.relations if r.axis == "column"}
    for r, row in enumerate(table.sheet.rows):
        for c, cell in enumerate(row):
            position = (r, c)
            kind = notes[position][0] if position in notes else ""
            head = r < table.body or r in table.headers or r in totals
            hidden = r in table.sheet.hidden_rows or c in table.sheet.hidden_columns
            number = table.numbers.get(position)
            value = shown(table, position, number.value) if number else None
            if number is not None and value is not None and _fits(value):
                code = _number_format(value, number.unit, percent=number.percent)
                sheet.write_number(r, c, value, formats.of(code, kind, head=head and not kind, hidden=hidden))
                widths[c] = max(widths.get(c, 0), len(f"{value:,f}") + 1)
            elif not cell.blank or kind:
                text = clean(cell.text)[:LONGEST_CELL]
                look = formats.of("", kind, head=head and not kind, hidden=hidden)
                if text:
                    sheet.write_string(r, c, text, look)
                else:
                    sheet.write_blank(r, c, None, look)
                widths[c] = max(widths.get(c, 0), min(len(text), 24 if r < table.body else WIDEST))
    for c, width in widths.items():
        sheet.set_column(c, c, min(max(width + 2, 8), WIDEST))
    for (r, c), (_, text) in notes.items():
        if not text:
            continue
        lines = sum(1 + len(line) // 48 for line in text.split("\n"))
        sheet.write_comment(
            r, c, _safe(text), {"author": SHEET, "x_scale": 2.6, "y_scale": max(1.0, lines / 4.2), "font_size": 9}
        )
    if 0 < table.body <= 8:
        sheet.freeze_panes(table.body, 0)
    if any(kind == "wrong" for kind, _ in notes.values()):
        sheet.set_tab_color("#A3161C")


def _fits(value: Decimal) -> bool:
    """Tell whether a spreadsheet can keep a figure exactly as it is printed."""
    return len(value.as_tuple().digits) <= STORED_DIGITS and abs(value.adjusted()) < 300


def _number_format(value: Decimal, unit: Decimal, *, percent: bool) -> str:
    places = max(0, -int(plain_decimal(value).as_tuple().exponent), -int(unit.as_tuple().exponent) if unit < 1 else 0)
    code = "#,##0" + ("." + "0" * places if places else "")
    return f'{code}"%"' if percent else code


def _safe(text: str) -> str:
    return "\n".join(clean(line) for line in text.split("\n"))


def _list(sheet: Any, rows: Sequence[Row], links: Mapping[str, str], formats: _Formats, language: str) -> None:  # noqa: ANN401
    """Write the sheet of findings."""
    sheet.set_tab_color("#A3161C")
    for column, (text, width) in enumerate(zip(headings(language), WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, text, formats.of(head=True))
    for number, row in enumerate(rows, 1):
        for column, (head, text) in enumerate(zip(HEADS, row.texts, strict=True)):
            value = {"stated": row.stated, "implied": row.implied}.get(head)
            if head == "kind":
                sheet.write_string(number, column, text, formats.of("", row.kind))
            elif value is not None:
                sheet.write_number(number, column, value, formats.of(_number_format(value, Decimal(1), percent=False)))
            elif head == "cell" and row.place is not None and row.source in links:
                target = link_to(links[row.source], a1(*row.place))
                sheet.write_url(number, column, f"internal:{target}", formats.of("", "link"), text[:255])
            else:
                sheet.write_string(number, column, text, formats.of("", "text"))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
