"""OpenDocument sheets: repeats, printed texts, formulas, and what is hidden or aside."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.sheet import Area, Cell, Notice
from tulosvahti.load.sheets import Limits, read_sheets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tulosvahti.core.sheet import Sheet
    from tulosvahti.load.sheets import Reading

    Document = Callable[..., Path]
    Read = Callable[..., Reading]


def _only(path: Path) -> Sheet:
    reading = read_sheets(path)
    assert not reading.problems
    (sheet,) = reading.sheets
    return sheet


def _table(rows: str, marks: str = "") -> str:
    return f'<table:table table:name="T" {marks}>{rows}</table:table>'


def test_repeated_rows_and_cells(case: Callable[[str], Reading]) -> None:
    (sheet,) = case("B38.ods").sheets
    assert sheet.source == "B38.ods!T"
    assert [[cell.text for cell in row] for row in sheet.rows] == [
        ["alue", "2024", "2025", "osuus"],
        ["A", "5", "5", "90 %"],
        ["A", "5", "5", "90 %"],
        ["A", "5", "5", "90 %"],
        ["Yhteensä", "15", "15"],
    ]
    assert sheet.at(1, 1) == Cell("5", Decimal(5), "number")
    assert sheet.at(1, 3) == Cell("90 %", Decimal("0.9"), "number", "0%")
    assert sheet.notices == ()


def test_values_of_all_types(document: Document) -> None:
    cells = (
        '<table:table-cell table:formula="of:=SUM([.B2:.B4])" office:value-type="float" office:value="0.30000000000000004">'
        "<text:p>0,30</text:p></table:table-cell>"
        '<table:table-cell office:value-type="currency" office:value="1234.5"><text:p>1 234,50 €</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2024-02-29"><text:p>29.2.2024</text:p></table:table-cell>'
        '<table:table-cell office:value-type="boolean" office:boolean-value="true"/>'
        '<table:table-cell office:value-type="float" office:value="7"/>'
        '<table:table-cell office:value-type="string" calcext:value-type="error" table:formula="of:=1/0"><text:p>#DIV/0!</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="0" table:formula="of:=1/0"><text:p>Err:502</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=[.A1]"/>'
        '<table:table-cell office:value-type="string" table:formula="of:=&quot;a&quot;"><text:p>a</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>a<text:s text:c="2"/>b<text:line-break/>c</text:p><text:p>d</text:p>'
        "<office:annotation><text:p>huomautus</text:p></office:annotation></table:table-cell>"
        '<table:table-cell office:value-type="string" office:string-value="e"/>'
    )
    sheet = _only(document(_table(f"<table:table-row>{cells}</table:table-row>")))
    assert sheet.rows[0] == (
        Cell("0,30", Decimal("0.3"), "number", "", "=SUM(B2:B4)"),
        Cell("1 234,50 €", Decimal("1234.5"), "number", "#,##0.00"),
        Cell("29.2.2024", None, "date"),
        Cell("TRUE", None, "truth"),
        Cell("7", Decimal(7), "number"),
        Cell("#DIV/0!", None, "error", "", "=1/0"),
        Cell("Err:502", None, "error", "", "=1/0"),
        Cell("", None, "text", "", "=A1", calculated=False),
        Cell("a", None, "text", "", '="a"'),
        Cell("a  b\nc\nd"),
        Cell("e"),
    )


def test_merged_hidden_and_nested(document: Document) -> None:
    rows = (
        '<table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/>'
        '<table:table-header-rows><table:table-row><table:table-cell table:number-columns-spanned="2" table:number-rows-spanned="2">'
        '<text:p>x</text:p></table:table-cell><table:covered-table-cell/><table:table-cell><text:p>y</text:p></table:table-cell>'
        "</table:table-row></table:table-header-rows>"
        '<table:table-row table:visibility="filter" table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="3"/>'
        "</table:table-row>"
        "<table:table-row><table:table-cell><text:p>z</text:p><draw:frame><table:table><table:table-row><table:table-cell>"
        "<text:p>kuva</text:p></table:table-cell></table:table-row></table:table></draw:frame></table:table-cell></table:table-row>"
    )  # fmt: skip
    styles = (
        '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style>'
        '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
    )
    sheet = _only(document(_table(rows, 'table:style-name="ta2"'), styles=styles))
    assert [[cell.text for cell in row] for row in sheet.rows] == [["x", "", "y"], [], [], ["z"]]
    assert sheet.merged == (Area(0, 0, 1, 1),)
    assert (sheet.hidden, sheet.hidden_rows, sheet.hidden_columns) == (True, frozenset({1, 2}), frozenset({2}))


def test_numbers_as_text(document: Document) -> None:
    row = '<table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>12,5</text:p></table:table-cell></table:table-row>'
    assert _only(document(_table(row))).notices == (Notice("number_as_text", ("A1", "B1")),)


def test_one_file_of_xml(read: Read) -> None:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    table = _table("<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>")
    content = f'<?xml version="1.0"?><office:document {spaces}><office:body><office:spreadsheet>{table}</office:spreadsheet></office:body></office:document>'
    (sheet,) = read("a.fods", content).sheets
    assert [[cell.text for cell in row] for row in sheet.rows] == [["a"]]


def test_a_broken_sheet_takes_no_other_with_it(document: Document) -> None:
    good = _table("<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>")
    full = '<table:table-row table:number-rows-repeated="1048577"><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>'
    wide = '<table:table-row><table:table-cell table:number-columns-repeated="99999"><text:p>a</text:p></table:table-cell></table:table-row>'
    reading = read_sheets(document(good + _table(full) + _table(wide) + good))
    assert len(reading.sheets) == 2
    assert [item.message for item in reading.problems] == [
        "sheet 'T' cannot be read: it has more than 1048576 rows",
        "sheet 'T' cannot be read: a row has more than 16384 cells",
    ]
    reading = read_sheets(document(good + "<table:table>" + "<"))
    assert len(reading.sheets) == 1
    assert reading.problems[0].message.startswith("document cannot be read to its end: ")


def test_a_million_full_rows_are_too_many(document: Document) -> None:
    row = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>'
    reading = read_sheets(document(_table(row)), limits=Limits(cells=1000))
    assert [item.message for item in reading.problems] == ["file has more than 1000 cells"]


@pytest.mark.parametrize("kind", ["manifest:encryption-data", "encryption-data"])
def test_a_password(document: Document, kind: str) -> None:
    space = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    parts = {"META-INF/manifest.xml": f"<manifest {space}><file-entry><{kind}/></file-entry></manifest>"}
    (problem,) = read_sheets(document("", parts=parts)).problems
    assert (problem.message, problem.next_step) == ("file is a workbook with a password", "save it without a password")
