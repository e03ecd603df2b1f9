"""One grid of texts, numbers, truths and blanks as a file of every format: for what must be read the same from all."""

from __future__ import annotations

import csv
import html
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from delivered import binary_workbook, workbook

Grid = Sequence[Sequence[Any]]
TEXTUAL = ("csv", "html")
RECORDS = ("json", "ndjson", "parquet")
SHEETS = ("xlsx", "xlsm", "xlsb", "ods", "fods")
EVERY = (*TEXTUAL, *SHEETS, *RECORDS)
SPACES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
) + ' xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"'


def as_file(ending: str, rows: Grid) -> bytes:
    """Write a grid, its first row being the header where the format has names of columns."""
    if ending in {"json", "ndjson"}:
        records = [{name: _json(value) for name, value in zip(rows[0], row, strict=False)} for row in rows[1:]]
        if ending == "json":
            return _dumped(records)
        return b"".join(_dumped(record) + b"\n" for record in records)
    return {
        "csv": _csv, "html": _html, "xlsx": workbook, "xlsm": workbook, "xlsb": binary_workbook, "ods": ods, "fods": fods,
        "parquet": _parquet,
    }[ending](rows)  # fmt: skip


def _json(value: object) -> object:
    return f"@{value}@" if isinstance(value, Decimal) else value


def _dumped(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).replace('"@', "").replace('@"', "").encode()


def _csv(rows: Grid) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([_shown(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(".", ",") if isinstance(value, Decimal) else str(value)


def _html(rows: Grid) -> bytes:
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(_shown(value))}</td>' for value in row)}</tr>" for row in rows)
    return f'<html><meta charset="utf-8"><table>{body}</table></html>'.encode()


def _parquet(rows: Grid) -> bytes:
    names = list(rows[0])
    columns = [pa.array([row[at] if at < len(row) else None for row in rows[1:]]) for at in range(len(names))]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=names), out)
    return out.getvalue()


def cell(value: object) -> str:
    """Write a cell of OpenDocument."""
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
    if isinstance(value, int | Decimal):
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    shown = "".join(f"<text:p>{html.escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell office:value-type="string">{shown.replace("  ", " <text:s/>")}</table:table-cell>'


def fods(rows: Grid) -> bytes:
    """Write a flat OpenDocument spreadsheet."""
    return opendocument("".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows))


def opendocument(rows: str, styles: str = "", settings: str = "") -> bytes:
    """Write a flat OpenDocument spreadsheet of the XML of its rows."""
    return (
        f'<?xml version="1.0"?><office:document{SPACES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>'
        f'<office:spreadsheet>{settings}<table:table table:name="S1">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document>"
    ).encode()


def ods(rows: Grid) -> bytes:
    """Write an OpenDocument spreadsheet."""
    return packed(fods(rows))


def packed(content: bytes) -> bytes:
    """Pack a flat document as ODS."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", content)
    return out.getvalue()


OFFICE = shutil.which("soffice")


def converted(content: bytes, ending: str, folder: Path, source: str = "xlsx") -> bytes:
    """Write a workbook again as another format with LibreOffice."""
    assert OFFICE
    (folder / f"made.{source}").write_bytes(content)
    home = f"-env:UserInstallation=file://{folder}/profile"
    order = [OFFICE, home, "--headless", "--convert-to", ending, "--outdir", str(folder / "out"), str(folder / f"made.{source}")]
    subprocess.run(order, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own order
    return (folder / "out" / f"made.{ending}").read_bytes()
