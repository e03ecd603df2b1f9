"""One table in every format that a delivery may have."""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

NAMES = ("code", "Euro", "day", "fine")
ROWS: tuple[tuple[Any, ...], ...] = (
    ("007", Decimal("1234.50"), date(2023, 2, 1), True),
    ("008", Decimal("0.1"), date(2023, 2, 2), False),
    ("009", None, None, None),
    ("010", Decimal(-1), date(2023, 2, 3), True),
    ("011", Decimal("99999999999.99"), date(2023, 12, 31), True),
    ("xyz", Decimal(5), date(2023, 1, 1), True),
)
_XLS = Path(__file__).parents[1] / "load" / "data" / "delivered.xls"


def delivered(ending: str) -> bytes:
    """Give the bytes of the table as a file of this ending."""
    return {
        "csv": _csv, "xlsx": _workbook, "xlsm": _workbook, "xls": _XLS.read_bytes, "xlsb": _xlsb, "ods": _ods, "fods": _fods,
        "html": _html, "json": _json, "ndjson": _lines, "parquet": _parquet,
    }[ending]()  # fmt: skip


def _csv() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(NAMES)
    writer.writerows([_written(value) for value in row] for row in ROWS)
    return out.getvalue().encode()


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "kyllä" if value else "ei"
    if isinstance(value, date):
        return value.strftime("%d.%m.%Y")
    return f"{value:f}".replace(".", ",") if isinstance(value, Decimal) else str(value)


def _workbook() -> bytes:
    return workbook([NAMES, *ROWS])


def workbook(*sheets: Any, change: Any = None) -> bytes:
    """Write rows as the sheets ``S1``, ``S2`` of a workbook; ``change`` takes the book before it is saved."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for at, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"S{at}")
        for row in rows:
            sheet.append(list(row))
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(value: object) -> Any:
    return str(value) if isinstance(value, date) else value


def _records() -> list[dict[str, Any]]:
    return [dict(zip(NAMES, map(_plain, row), strict=True)) for row in ROWS]


def _dumped(content: object) -> str:
    return json.dumps(content, default=lambda value: f"@{value:f}@").replace('"@', "").replace('@"', "")


def _json() -> bytes:
    return _dumped(_records()).encode()


def _lines() -> bytes:
    return "".join(f"{_dumped(record)}\n" for record in _records()).encode()


def _parquet() -> bytes:
    types = (pa.string(), pa.decimal128(20, 2), pa.date32(), pa.bool_())
    columns = [pa.array([row[at] for row in ROWS], kind) for at, kind in enumerate(types)]
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(NAMES, columns, strict=True))), out)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
    if isinstance(value, date):
        return (
            f'<table:table-cell office:value-type="date" office:date-value="{value}">'
            f"<text:p>{value.strftime('%d.%m.%y')}</text:p></table:table-cell>"
        )
    if isinstance(value, Decimal):
        return (
            f'<table:table-cell office:value-type="float" office:value="{value:f}"><text:p>{value:.0f}</text:p>'
            "</table:table-cell>"
        )
    return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'


def _fods() -> bytes:
    spaces = "".join(f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    rows = "".join(f"<table:table-row>{''.join(map(_cell, row))}</table:table-row>" for row in (NAMES, *ROWS))
    return (
        f'<?xml version="1.0"?><office:document{spaces}><office:body><office:spreadsheet><table:table table:name="S1">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document>"
    ).encode()


def _ods() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", _fods())
    return out.getvalue()


def _xlsb() -> bytes:
    return binary_workbook([NAMES, *(tuple(map(_binary, row)) for row in ROWS)])


def _binary(value: object) -> object:
    return value.strftime("%d.%m.%Y") if isinstance(value, date) else value


def binary_workbook(rows: Sequence[Sequence[object]], name: str = "S1") -> bytes:
    """Write rows of texts, numbers and truths as an XLSB file of one sheet, record by record."""
    cells = [_record(129), _record(148, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, 20)), _record(145)]
    for at, row in enumerate(rows):
        cells.append(_record(0, struct.pack("<I", at) + bytes(13)))
        cells += [_binary_cell(column, value) for column, value in enumerate(row) if value is not None]
    cells += [_record(146), _record(130)]
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    sheets = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide(name))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/workbook.bin", _record(131) + _record(143) + sheets + _record(144) + _record(132))
        made.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships><Relationship Id="rId1" Type="{link}" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        made.writestr("xl/worksheets/sheet1.bin", b"".join(cells))
    return out.getvalue()


def _binary_cell(column: int, value: object) -> bytes:
    place = struct.pack("<II", column, 0)
    if isinstance(value, bool):
        return _record(4, place + bytes([value]))
    if isinstance(value, ArithmeticError):
        return _record(3, place + bytes([{"#DIV/0!": 0x07, "#N/A": 0x2A}[str(value)]]))
    if isinstance(value, str):
        return _record(6, place + _wide(value))
    return _record(5, place + struct.pack("<d", float(str(value))))


def _record(kind: int, content: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return number + length + bytes([size]) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _html() -> bytes:
    rows = "".join(f"<tr>{''.join(f'<td>{_written(value)}</td>' for value in row)}</tr>" for row in (NAMES, *ROWS))
    return f"<html><table>{rows}</table></html>".encode()
