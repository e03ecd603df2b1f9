"""Excel workbooks: values, formulas, formats, what is merged and hidden, and sheets that are broken."""

from __future__ import annotations

import math
import random
import struct
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import openpyxl
import pytest
import xlsxwriter
from openpyxl.formula.translate import Translator

from tulosvahti.core.sheet import Area, Cell, Notice
from tulosvahti.load.sheets import Limits, read_sheets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tulosvahti.core.sheet import Sheet
    from tulosvahti.load.sheets import Reading

    Case = Callable[[str], Reading]
    Workbook = Callable[..., Path]


def _number(text: str, value: str | None = None, code: str = "General", formula: str = "") -> Cell:
    return Cell(text, Decimal(value or text), "number", code, formula)


def _only(path: Path) -> Sheet:
    reading = read_sheets(path)
    assert not reading.problems
    (sheet,) = reading.sheets
    return sheet


def test_a_formula_without_result(case: Case) -> None:
    (sheet,) = case("B06.xlsx").sheets
    assert sheet.source == "B06.xlsx!Sheet"
    total = sheet.at(3, 1)
    assert (total.text, total.value, total.formula, total.calculated) == ("", None, "=SUM(B2:B3)", False)
    assert not total.blank
    assert sheet.at(1, 1) == _number("100")
    assert sheet.at(0, 1) == Cell("2026")
    assert not sheet.notices


def test_percent_cells(case: Case) -> None:
    (sheet,) = case("B08.xlsx").sheets
    assert sheet.at(1, 2) == _number("57 %", "0.57", "0 %")
    assert sheet.at(2, 2) == _number("57")
    assert sheet.at(3, 2) == _number("0 %", "0.0049", "0 %")


def test_nothing_is_filled_downward(case: Case) -> None:
    (sheet,) = case("B10.xlsx").sheets
    assert [sheet.at(row, 1).text for row in (1, 2, 3)] == ["", "1", ""]
    assert sheet.merged == ()


def test_numbers_stored_as_text(case: Case) -> None:
    (sheet,) = case("B44.xlsx").sheets
    assert sheet.notices == (Notice("number_as_text", ("B2", "B4")),)
    assert sheet.at(1, 1) == Cell("1 234,50")
    assert sheet.at(3, 1).value is None


def test_the_content_decides_and_not_the_name(case: Case) -> None:
    reading = case("B48.xls")
    assert reading.notices == (Notice("opened_by_content", (), ("xls", "xlsx")),)
    assert [[cell.text for cell in row] for row in reading.sheets[0].rows] == [["a", "b"], ["1", "2"]]


def test_what_openpyxl_writes(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Määrärahat"
    page["A1"], page["C1"] = "otsikko", "x"
    page.merge_cells("A1:B2")
    page["A3"], page["B3"], page["C3"], page["D3"] = True, date(2024, 2, 29), datetime(2024, 2, 29, 12, 30), 0.1 + 0.2  # noqa: DTZ001
    page["A4"], page["B4"], page["C4"] = -1234.5, 0.125, 123456789012345
    page["A4"].number_format, page["B4"].number_format = "#,##0.00;(#,##0.00)", "0.0%"
    page["E4"] = "=A4*2"
    page["B6"] = " a  b\nc "
    page.row_dimensions[4].hidden = True
    page.column_dimensions["C"].hidden = True
    secret = book.create_sheet("piilo")
    secret.sheet_state = "veryHidden"
    secret["A1"] = 1
    book.create_chartsheet("kaavio")
    path = tmp_path / "book.xlsx"
    book.save(path)
    reading = read_sheets(path)
    assert not reading.problems
    first, second = reading.sheets
    assert (first.source, second.source) == ("book.xlsx!Määrärahat", "book.xlsx!piilo")
    assert (first.hidden, second.hidden) == (False, True)
    assert first.merged == (Area(0, 0, 1, 1),)
    assert [cell.text for cell in first.rows[0]] == ["otsikko", "", "x"]
    assert first.rows[1] == ()
    assert first.at(2, 0) == Cell("TRUE", None, "truth")
    assert first.at(2, 1) == Cell("2024-02-29", None, "date", "yyyy-mm-dd")
    assert first.at(2, 2) == Cell("2024-02-29 12:30:00", None, "date", "yyyy-mm-dd h:mm:ss")
    assert first.at(2, 3) == _number("0.3")
    assert first.at(3, 0) == _number("(1,234.50)", "-1234.5", "#,##0.00;(#,##0.00)")
    assert first.at(3, 1) == _number("12.5%", "0.125", "0.0%")
    assert first.at(3, 2).value == Decimal(123456789012345)
    assert first.at(3, 4).formula == "=A4*2"
    assert first.at(5, 1) == Cell(" a  b\nc ")
    assert (first.hidden_rows, first.hidden_columns) == (frozenset({3}), frozenset({2}))


def test_errors_and_results_of_formulas(workbook: Workbook) -> None:
    sheet = _only(workbook(
        '<sheetData><row r="1">'
        '<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B1" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>'
        '<c r="C1" t="b"><f>TRUE()</f><v>1</v></c><c r="D1"><f>_xlfn.IFNA(A1,2)</f><v>2</v></c>'
        '<c r="E1" t="str"><f>""</f><v></v></c><c r="F1" t="str"><f>A1</f></c><c r="G1"><f>B1</f><v/></c>'
        '<c r="H1" t="d"><v>2024-02-29T00:00:00</v></c><c r="I1"><v>x</v></c><c r="J1" t="e"><v>#N/A</v></c>'
        "</row></sheetData>"
    ))  # fmt: skip
    assert sheet.rows[0] == (
        Cell("#DIV/0!", None, "error", "", "=1/0"),
        Cell("ab", None, "text", "", '="a"&"b"'),
        Cell("TRUE", None, "truth", "", "=TRUE()"),
        _number("2", formula="=IFNA(A1,2)"),
        Cell("", None, "text", "", '=""'),
        Cell("", None, "text", "General", "=A1", calculated=False),
        Cell("", None, "text", "General", "=B1", calculated=False),
        Cell("2024-02-29", None, "date"),
        Cell("x"),
        Cell("#N/A", None, "error"),
    )


def test_shared_formulas_stand_in_each_cell(workbook: Workbook) -> None:
    sheet = _only(workbook(
        '<sheetData><row r="1"><c r="C1"><f t="shared" ref="C1:C3" si="0">SUM(A1:B1)*$D$1</f><v>1</v></c></row>'
        '<row r="2"><c r="C2"><f t="shared" si="0"/><v>2</v></c></row>'
        '<row r="3"><c r="C3"><f t="shared" si="0"/><v>3</v></c><c r="D3"><f t="shared" si="7"/><v>4</v></c></row></sheetData>'
    ))  # fmt: skip
    assert [sheet.at(row, 2).formula for row in range(3)] == [
        "=SUM(A1:B1)*$D$1",
        "=SUM(A2:B2)*$D$1",
        "=SUM(A3:B3)*$D$1",
    ]
    assert sheet.notices == (Notice("formula_lost", ("D3",)),)
    assert sheet.at(2, 3).value == Decimal(4)


def test_places_need_not_be_named_nor_in_order(workbook: Workbook) -> None:
    sheet = _only(workbook(
        "<sheetData><row><c><v>1</v></c><c><v>2</v></c></row>"
        '<row r="4"><c r="C4"><v>3</v></c><c r="A4"><v>4</v></c><c r="F4" s="9"/></row></sheetData>'
    ))  # fmt: skip
    assert [[cell.text for cell in row] for row in sheet.rows] == [["1", "2"], [], [], ["4", "", "3"]]


def test_prefixes_and_escaped_characters(workbook: Workbook) -> None:
    sheet = _only(workbook(
        '<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData><x:row r="1">'
        '<x:c r="A1" t="inlineStr"><x:is><x:r><x:t>a_x000D_</x:t></x:r><x:r><x:t>b</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:is>'
        '</x:c><x:c r="B1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    ))  # fmt: skip
    assert [cell.text for cell in sheet.rows[0]] == ["a\rb", "1"]


def test_formats_come_from_the_styles(workbook: Workbook) -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="0.0&quot; M€&quot;"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="14"/><xf numFmtId="999"/></cellXfs>'
    )
    rows = '<sheetData><row r="1"><c s="1"><v>1.25</v></c><c s="2"><v>45351</v></c><c s="3"><v>1</v></c><c s="77"><v>1</v></c></row></sheetData>'
    sheet = _only(workbook(rows, styles=styles))
    assert sheet.rows[0] == (
        _number("1.3 M€", "1.25", '0.0" M€"'),
        Cell("2024-02-29", None, "date", "mm-dd-yy"),
        _number("1"),
        _number("1"),
    )
    sheet = _only(workbook(rows, styles=styles, workbook='<workbookPr date1904="1"/>'))
    assert sheet.at(0, 1).text == "2028-03-01"


def test_hidden_values_under_a_merged_range(workbook: Workbook) -> None:
    sheet = _only(workbook(
        '<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row></sheetData>'
        '<mergeCells><mergeCell ref="A1:C9"/><mergeCell ref="E1:XFD1048576"/></mergeCells>'
    ))  # fmt: skip
    assert sheet.notices == (Notice("value_under_merge", ("B1",)),)
    assert [area.name for area in sheet.merged] == ["A1:C9", "E1:XFD1048576"]


def test_years_and_column_numbers_in_a_header_are_no_numbers_as_text(workbook: Workbook) -> None:
    def row(number: int, *cells: str) -> str:
        made = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in cells)
        return f'<row r="{number}">{made}</row>'

    rows = (
        row(1, "erä", "2023", " 2024 ")
        + row(2, "", "(1)", "(2)")
        + row(3, "palkat", "100", "2000")
        + row(4, "020", "1)", "5 kpl")
    )
    sheet = _only(workbook(f"<sheetData>{rows}</sheetData>"))
    assert sheet.notices == (Notice("number_as_text", ("B3", "C3")),)


def test_zeros_that_nobody_calculated(tmp_path: Path) -> None:
    def write(name: str, number: int) -> Sheet:
        book = xlsxwriter.Workbook(tmp_path / name)
        page = book.add_worksheet()
        page.write_column(0, 0, [number, number])
        page.write_formula(2, 0, "=SUM(A1:A2)")
        book.close()
        return _only(tmp_path / name)

    sheet = write("a.xlsx", 5)
    assert (sheet.at(2, 0).calculated, sheet.at(2, 0).value) == (False, None)
    assert sheet.notices == (Notice("zeros_not_results"),)
    sheet = write("b.xlsx", 0)  # a form that is not filled in
    assert (sheet.at(2, 0).calculated, sheet.at(2, 0).value) == (True, Decimal(0))


def test_a_broken_sheet_takes_no_other_with_it(workbook: Workbook) -> None:
    good = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
    swapped = '<sheetData><row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><worksheet><sheetData><row><c><v>&b;</v></c></row></sheetData></worksheet>'
    far = '<sheetData><row r="1"><c r="ZZZZ1"><v>1</v></c></row></sheetData>'
    reading = read_sheets(workbook(good, good + "<", swapped, bomb, far, '<?xml version="1.0"?><chart/>', good))
    assert [sheet.source for sheet in reading.sheets] == ["book.xlsx!S1", "book.xlsx!S7"]
    first, *others = [item.message.partition(": ")[2] for item in reading.problems]
    assert first.startswith("not well-formed (invalid token): line 1, column ")
    assert others == [
        "row 1 comes after row 2",
        "it declares a document type, which no spreadsheet program writes",
        "there is no cell ZZZZ1",
        "it is a chart, not a sheet",
    ]
    assert all(item.next_step and item.place.file.endswith("book.xlsx") for item in reading.problems)


def test_a_missing_part(workbook: Workbook) -> None:
    sheet = '<sheetData><row r="1"><c r="A1" t="s"><v>3</v></c><c r="B1"><v>1</v></c></row></sheetData>'
    assert _only(workbook(sheet)).notices == (Notice("text_lost", ("A1",)),)
    links = {
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="rId1" Type="a/worksheet" Target="x.xml"/></Relationships>'
    }
    (problem,) = read_sheets(workbook(sheet, parts=links)).problems
    assert problem.message == "sheet 'S1' cannot be read: the part xl/x.xml is missing"
    (problem,) = read_sheets(workbook(sheet, parts={"xl/_rels/workbook.xml.rels": "<"})).problems
    assert problem.message.startswith("the list of sheets cannot be read: ")


@pytest.mark.parametrize(
    ("limits", "rows", "message"),
    [
        (Limits(cells=100), '<row r="1"><c r="XFD1"><v>1</v></c></row>', "file has more than 100 cells"),
        (Limits(unpacked=5000), '<row r="1"/>' * 1000, "file unfolds to more than 4.88 kB"),
        (
            Limits(cells=10),
            f'<row r="1"><c t="str"><v>{"a" * 2000}</v></c></row>',
            "the cells of the file hold more than 1.25 kB of text",
        ),
    ],
)
def test_limits(workbook: Workbook, limits: Limits, rows: str, message: str) -> None:
    reading = read_sheets(workbook(f"<sheetData>{rows}</sheetData>"), limits=limits)
    assert reading.sheets == ()
    assert [item.message for item in reading.problems] == [message]
    assert all(item.allowed and item.next_step for item in reading.problems)


def test_a_cell_at_the_far_end_costs_little(workbook: Workbook) -> None:
    sheet = _only(workbook('<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'))
    assert (len(sheet.rows), len(sheet.rows[-1])) == (1_048_576, 16_384)


def test_progress(workbook: Workbook) -> None:
    seen: list[tuple[str, int, int]] = []
    good = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
    read_sheets(workbook(good, "<", good), progress=lambda *step: seen.append(step))
    assert seen == [("S1", 1, 3), ("S2", 2, 3), ("S3", 3, 3)]


def test_the_same_as_openpyxl(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a test's
    codes = ["General", "0.00", "#,##0", "0.0%", "yyyy-mm-dd", "h:mm", "@"]
    book = openpyxl.Workbook()
    page = book.active
    for row in range(1, 60):
        for column in range(1, 12):
            kind = chance.randrange(6)
            cell = page.cell(row, column)
            if kind < 3:
                cell.value = round(chance.uniform(0, 10 ** chance.randrange(6)), chance.randrange(15))
                cell.number_format = chance.choice(codes)
            elif kind == 3:
                cell.value = Translator("=SUM(A1:$B2)", "A1").translate_formula(cell.coordinate)
            elif kind == 4:
                cell.value = chance.choice(["ä", "<&>", "2024", "", "a\nb"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    sheet = _only(path)
    for row in openpyxl.load_workbook(path).active.iter_rows():
        for cell in row:
            found = sheet.at(cell.row - 1, cell.column - 1)
            if cell.data_type == "f":
                assert (found.formula, found.calculated) == (cell.value, False)
            elif isinstance(cell.value, str) or cell.value is None:
                assert found.text == (cell.value or "")
            elif isinstance(cell.value, int | float):
                assert found.value == Decimal(format(cell.value, ".15g"))
                assert math.isclose(float(found.value), cell.value, rel_tol=1e-14)
            else:
                assert found.kind == "date"


def test_an_old_workbook(case: Case) -> None:
    reading = case("budjetti.xls")
    assert reading.notices == (Notice("formulas_unread", (), ("formats",)),)
    first, second = reading.sheets
    assert (first.source, second.source, second.hidden) == ("budjetti.xls!Budjetti", "budjetti.xls!piilo", True)
    assert first.merged == (Area(1, 1, 1, 3),)
    assert [cell.text for cell in first.rows[2]] == ["", "erä", "2024", "2025"]
    assert first.at(3, 2) == Cell("0.3", Decimal("0.3"), "number")
    assert first.at(6, 1) == Cell("2024-02-29", None, "date")
    assert first.at(6, 2).kind == "truth"
    assert first.notices == (Notice("number_as_text", ("C5",)),)


def _record(kind: int, content: bytes = b"") -> bytes:
    name = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return name + bytes([len(content)]) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def test_a_binary_workbook(tmp_path: Path) -> None:
    sheets = _record(156, struct.pack("<II", 1, 1) + _wide("rId1") + _wide("Lehti"))
    cells = [
        _record(0, struct.pack("<I", 1) + bytes(13)),
        _record(6, struct.pack("<II", 1, 0) + _wide("palkat")),
        _record(5, struct.pack("<IId", 2, 0, 0.1 + 0.2)),
        _record(6, struct.pack("<II", 3, 0) + _wide("12,5")),
    ]
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    path = tmp_path / "book.xlsb"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", _record(131) + _record(143) + sheets + _record(144) + _record(132))
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships><Relationship Id="rId1" Type="{link}" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        whole = [
            _record(129),
            _record(148, struct.pack("<IIII", 1, 1, 1, 3)),
            _record(145),
            *cells,
            _record(146),
            _record(130),
        ]
        archive.writestr("xl/worksheets/sheet1.bin", b"".join(whole))
    reading = read_sheets(path)
    assert not reading.problems
    (sheet,) = reading.sheets
    assert (sheet.source, sheet.hidden) == ("book.xlsb!Lehti", True)
    assert sheet.rows == ((), (Cell(""), Cell("palkat"), Cell("0.3", Decimal("0.3"), "number"), Cell("12,5")))
    assert sheet.notices == (Notice("number_as_text", ("D2",)),)
