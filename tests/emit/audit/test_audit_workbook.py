"""Marked copies of workbooks, and new ones of other sources."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from tulosvahti.core.sheet import Cell
from tulosvahti.emit.audit_listing import link_to, sheet_name
from tulosvahti.emit.audit_notes import with_notes
from tulosvahti.emit.audit_sheetxml import map_sheet, marked_sheet
from tulosvahti.emit.audit_workbook import marked_workbook
from tulosvahti.emit.audit_xml import UnpatchableError, edited, escaped, tree, utf8, with_attribute

NAME = "Määrä & 'muut' 24"
ROWS = [("ELY", "2023", "2024", "Yht"), ("Kainuu", 100, 20, 120), ("Häme", 7, 8, 16), ("Yhteensä", 107, 28, 136)]


def workbook(path: Path, *, notes: bool = True, taken: bool = False) -> Path:
    """Write a workbook with what must survive: a chart, notes, rules, merged cells, a hidden row, white on blue."""
    with xlsxwriter.Workbook(str(path)) as book:
        first = book.add_worksheet("Etusivu")
        first.write("A1", "Lue tämä")
        sheet = book.add_worksheet(NAME)
        dark = book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3864", "num_format": "#,##0.00"})
        for r, row in enumerate(ROWS):
            for c, value in enumerate(row):
                sheet.write(r, c, value, dark if r == 3 else None)
        sheet.write_formula("D2", "=B2+C2", None, 120)
        sheet.merge_range("F1:G2", "yhdessä")
        sheet.set_row(7, None, None, {"hidden": True})
        sheet.set_column("C:C", 20, book.add_format({"italic": True}))
        sheet.conditional_format("B2:B4", {"type": "data_bar"})
        sheet.data_validation("F5", {"validate": "list", "source": ["a", "b"]})
        sheet.autofilter("A1:D4")
        if notes:
            sheet.write_comment("D3", "Vanha huomautus", {"author": "Maija"})
            sheet.write_comment("A1", "Otsikko")
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": ["Etusivu", 0, 0, 3, 0]})
        sheet.insert_chart("H2", chart)
        if taken:
            book.add_worksheet("TULOSVAHTI")
    return path


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path: Path, change: dict[str, bytes]) -> Path:
    """Write a workbook anew with parts changed or added."""
    content = {**parts(path), **change}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def audited(make):
    """The table of the workbook, with a certain cell, suspects and a remark."""
    text = "\n".join(";".join(str(value) for value in row) for row in ROWS)
    made = make(text, f"kirja.xlsx!{NAME}").foot("B2", "C3", 4, "D")
    made.find("D3", "15", "digit_replaced", relations=("1",))
    made.find(cause=None, remedies=(made.remedy("D4", "135"), made.remedy("B4", "108")), relations=("2",))
    return made.find("C4", "28", "rounding", explained=True, relations=("4",)).done()


@pytest.mark.parametrize("notes", [True, False])
def test_a_copy_keeps_everything_else(tmp_path: Path, audited, *, notes: bool) -> None:
    source, out = workbook(tmp_path / "kirja.xlsx", notes=notes), tmp_path / "merkitty.xlsx"
    before = source.read_bytes()
    assert marked_workbook(source, [audited], out, "fi") is True
    assert source.read_bytes() == before
    old, new = parts(source), parts(out)
    changed = {name for name in old if old[name] != new[name]}
    assert set(old) <= set(new)
    assert changed <= {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/worksheets/sheet2.xml",
        "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml", "xl/worksheets/_rels/sheet2.xml.rels",
    }  # fmt: skip
    assert "xl/charts/chart1.xml" in new
    assert b"<conditionalFormatting" in new["xl/worksheets/sheet2.xml"]
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Etusivu", NAME, "Tulosvahti"]
    sheet = book[NAME]
    assert {cell: sheet[cell].fill.fgColor.rgb for cell in ("D3", "D4", "B4", "C4")} == {
        "D3": "FFFFC0C0", "D4": "FFFFEB9C", "B4": "FFFFEB9C", "C4": "FFCFE4F7",
    }  # fmt: skip
    assert sheet["D4"].font.b is True
    assert (sheet["D4"].font.color.rgb, sheet["A4"].font.color.rgb) == ("FF1D232B", "FFFFFFFF")
    assert sheet["D4"].number_format == "#,##0.00"
    assert (sheet["D2"].value, sheet["D3"].value) == ("=B2+C2", 16)
    said = sheet["D3"].comment.text
    assert "Solussa D3 (Häme / Yht) on 16, mutta siinä pitäisi olla 15: yksi numero on väärä." in said
    assert "Nyt: 16\nPitäisi olla: 15\nSyy: väärä numero" in said
    assert "Jos väärin, pitäisi olla: 135" in sheet["D4"].comment.text
    if notes:
        assert said.startswith("Vanha huomautus")
        assert sheet["A1"].comment.text == "Otsikko"
    assert sheet.row_dimensions[8].hidden is True


def test_the_sheet_of_findings_leads_to_the_cells(tmp_path: Path, audited) -> None:
    source, out = workbook(tmp_path / "kirja.xlsx", taken=True), tmp_path / "merkitty.xlsx"
    assert marked_workbook(source, [audited], out, "en") is True
    book = openpyxl.load_workbook(out)
    listing = book["Tulosvahti 2"]
    assert [cell.value for cell in listing[1]] == ["Kind", "Table", "Cell", "Row", "Column", "Stated", "Should be", "Cause", "Explanation"]
    assert [listing.cell(row, 1).value for row in (2, 3, 4)] == ["wrong", "perhaps wrong", "remark"]
    assert listing["C2"].hyperlink.location == "'Määrä & ''muut'' 24'!D3"
    assert (listing["F2"].value, listing["G2"].value, listing["H2"].value) == (16, 15, "wrong digit")
    assert listing["C3"].value == "B4 and D4"
    assert listing["A2"].fill.fgColor.rgb == "FFFFC0C0"
    assert "should say 15" in listing["I2"].value
    assert listing.freeze_panes == "A2"
    assert book.active.title == "Etusivu"


def test_macros_are_kept_and_endings_must_fit(tmp_path: Path, audited) -> None:
    source = workbook(tmp_path / "kirja.xlsm")
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    types = parts(source)["[Content_Types].xml"].replace(kind, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    types = types.replace(b"</Types>", b'<Override PartName="/_xmlsignatures/sig1.xml" ContentType="x/y"/></Types>')
    repacked(source, {"[Content_Types].xml": types, "xl/vbaProject.bin": b"\0macro", "_xmlsignatures/sig1.xml": b"<a/>"})
    with pytest.raises(ValueError, match=r"must end in \.xlsm"):
        marked_workbook(source, [audited], tmp_path / "ulos.xlsx", "fi")
    assert marked_workbook(source, [audited], tmp_path / "ulos.xlsm", "fi") is True
    new = parts(tmp_path / "ulos.xlsm")
    assert new["xl/vbaProject.bin"] == b"\0macro"
    assert not any("_xmlsignatures" in name for name in new)
    assert b"_xmlsignatures" not in new["[Content_Types].xml"]
    plain = workbook(tmp_path / "kirja.xlsx")
    with pytest.raises(ValueError, match=r"must end in \.xlsx"):
        marked_workbook(plain, [audited], tmp_path / "toinen.xlsm", "fi")
    with pytest.raises(ValueError, match=r"an \.xlsx file"):
        marked_workbook(plain, [audited], tmp_path / "toinen.ods", "fi")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".tulosvahti")]


def test_the_source_is_never_overwritten(tmp_path: Path, audited) -> None:
    source = workbook(tmp_path / "kirja.xlsx")
    link = tmp_path / "linkki.xlsx"
    link.symlink_to(source)
    hard = tmp_path / "kova.xlsx"
    hard.hardlink_to(source)
    before = source.read_bytes()
    for out in (source, tmp_path / "x" / ".." / "kirja.xlsx", link, hard):
        with pytest.raises(ValueError, match="is the file that was audited"):
            marked_workbook(source, [audited], out, "fi")
    assert source.read_bytes() == before


def test_what_cannot_be_patched_gives_a_new_workbook(tmp_path: Path, audited) -> None:
    out = tmp_path / "ulos.xlsx"
    for number, change in enumerate(
        (
            {"xl/styles.xml": b"<styleSheet/>"},
            {"xl/worksheets/sheet2.xml": b"<worksheet><sheetData>"},
            {"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><workbook/>'},
            {"xl/drawings/vmlDrawing1.vml": b"<xml>"},
        )
    ):
        source = repacked(workbook(tmp_path / "kirja.xlsx"), change)
        assert marked_workbook(source, [audited], out, "fi") is False, number
        book = openpyxl.load_workbook(out)
        assert book[NAME]["D3"].fill.fgColor.rgb == "FFFFC0C0"


def test_parts_in_other_forms(tmp_path: Path, audited) -> None:
    source, out = workbook(tmp_path / "kirja.xlsx", notes=False), tmp_path / "ulos.xlsx"
    text = parts(source)["xl/worksheets/sheet2.xml"].decode()
    prefixed = re.sub(r"<(/?)(?!\?)", r"<\1x:", text).replace("xmlns=", "xmlns:x=", 1)
    utf16 = text.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    bare = re.sub(r'(<(?:row|c)) r="[A-Z]*\d+"', r"\1", text)
    for form in (prefixed.encode(), utf16, bare.encode(), b"\xef\xbb\xbf" + text.encode()):
        repacked(source, {"xl/worksheets/sheet2.xml": form})
        assert marked_workbook(source, [audited], out, "sv") is True
        marked = parts(out)["xl/worksheets/sheet2.xml"]
        tree(marked)
        assert len(re.findall(rb"legacyDrawing ", marked)) == 1
        if form is not bare.encode():
            assert openpyxl.load_workbook(out)[NAME]["D3"].fill.fgColor.rgb == "FFFFC0C0"


SHEET = b'<worksheet xmlns="m"><cols><col min="3" max="9" style="7" width="10"/></cols><sheetData>%b</sheetData><pageMargins left="1"/></worksheet>'


@pytest.mark.parametrize(
    ("rows", "cells", "expected"),
    [
        (b'<row r="2" spans="1:2"><c r="A2" s="3"><v>1</v></c></row>', {(1, 0): "wrong"}, b'<row r="2" spans="1:2"><c r="A2" s="103"><v>1</v></c></row>'),
        (b'<row r="2" spans="1:2"><c r="A2"/></row>', {(1, 1): "wrong"}, b'<row r="2"><c r="A2"/><c r="B2" s="100"/></row>'),
        (b'<row r="2" s="5" customFormat="1"/>', {(1, 1): "wrong"}, b'<row r="2" s="5" customFormat="1"><c r="B2" s="105"/></row>'),
        (b'<row r="2"><c r="D2"/></row>', {(1, 2): "wrong"}, b'<row r="2"><c r="C2" s="107"/><c r="D2"/></row>'),
        (b'<row r="2"/><row r="4"/>', {(2, 0): "wrong", (6, 0): "wrong"}, b'<row r="2"/><row r="3"><c r="A3" s="100"/></row><row r="4"/><row r="7"><c r="A7" s="100"/></row>'),
        (b"<row r='4'><c r='A4' s = '9'/></row>", {(2, 0): "wrong", (3, 0): "wrong"}, b'<row r="3"><c r="A3" s="100"/></row><row r=\'4\'><c r=\'A4\' s = "109"/></row>'),
    ],
)
def test_cells_are_marked_where_they_stand_or_put_in(rows: bytes, cells: dict, expected: bytes) -> None:
    data = SHEET % rows
    found = map_sheet(data, {row for row, _ in cells})
    marked = marked_sheet(data, found, cells, lambda style, _: style + 100, ("rId9", "r-space"))
    legacy = b'<legacyDrawing xmlns:r="r-space" r:id="rId9"/>'
    assert marked == (SHEET % expected).replace(b"</worksheet>", legacy + b"</worksheet>")


def test_an_empty_sheet_and_a_drawing_after_the_place_of_notes() -> None:
    data = b'<worksheet><sheetData/><pageMargins/><drawing a="1"/><tableParts/></worksheet>'
    marked = marked_sheet(data, map_sheet(data, {0}), {(0, 0): "wrong"}, lambda *_: 4, ("r1", "s"))
    assert marked == (
        b'<worksheet><sheetData><row r="1"><c r="A1" s="4"/></row></sheetData><pageMargins/><drawing a="1"/>'
        b'<legacyDrawing xmlns:r="s" r:id="r1"/><tableParts/></worksheet>'
    )
    with pytest.raises(UnpatchableError):
        map_sheet(b"<chartsheet/>", set())


def test_notes_are_put_below_what_is_there() -> None:
    sheet = map_sheet(b"<worksheet><sheetData/></worksheet>", set())
    comments = b'<comments><authors/><commentList><comment ref="A1" authorId="0"><text><t>old</t></text></comment></commentList></comments>'
    notes = with_notes({(0, 0): "new <&>", (1, 1): "b"}, sheet, comments, b'<xml xmlns:v="v" xmlns:o="o" xmlns:x="x"><br></xml>\n')
    assert b"<r><t>old</t></r><r><t" in notes.comments
    assert b"Tulosvahti: new &lt;&amp;&gt;" in notes.comments
    assert b"<authors><author>Tulosvahti</author></authors>" in notes.comments
    assert notes.drawing.count(b"<v:shape ") == 1
    assert b"<x:Anchor>2, 15, 0, 10, 7, 25, 2, 2</x:Anchor>" in notes.drawing
    with pytest.raises(UnpatchableError):
        with_notes({}, sheet, None, b"<xml>")


def test_a_csv_becomes_a_workbook_that_does_nothing_by_itself(tmp_path: Path, make) -> None:
    text = 'Laji;2023;Osuus\n=HYPERLINK("http://x";"y");1 234,50;45,5 %\n@komento;-2,25;54,5 %\nhttp://x;12345678901234567;\nYhteensä;1 232,25;100 %\n'
    text = text.replace('"http://x";"y"', "1")
    made = make(text, "menot.csv").relation("B5", "B2:B3").find("B5", "1 232.25".replace(" ", ""), "rounding", explained=True, relations=("0",))
    made.find("B3", "-2.52", "digits_swapped", relations=("0",))
    out, again = tmp_path / "ulos.xlsx", tmp_path / "toinen.xlsx"
    source = tmp_path / "menot.csv"
    source.write_text(text, encoding="utf-8")
    assert marked_workbook(source, [made.done()], out, "fi") is False
    marked_workbook(source, [made.done()], again, "fi")
    assert out.read_bytes() == again.read_bytes()
    content = parts(out)
    sheet_xml = content["xl/worksheets/sheet2.xml"]
    assert b"<f>" not in sheet_xml
    assert b"<hyperlink" not in sheet_xml
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Tulosvahti", "menot"]
    sheet = book["menot"]
    assert (sheet["B2"].value, sheet["B2"].number_format) == (1234.5, "#,##0.00")
    assert (sheet["C2"].value, sheet["C2"].number_format) == (45.5, '#,##0.0"%"')
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=HYPERLINK(1)", "s")
    assert (sheet["B4"].value, sheet["B4"].data_type) == ("12345678901234567", "s")
    assert sheet["B3"].fill.fgColor.rgb == "FFFFC0C0"
    assert "−2,25" in sheet["B3"].comment.text
    assert book["Tulosvahti"]["C2"].hyperlink.location == "'menot'!B5"


def test_tables_of_text_and_many_tables(tmp_path: Path, printed, right_budget) -> None:
    out = tmp_path / "ulos.xlsx"
    source = tmp_path / "kirja.pdf"
    assert marked_workbook(source, [printed, *[right_budget] * 70], out, "sv") is False
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Tulosvahti", "page 12"]
    assert book["page 12"]["C4"].fill.fgColor.rgb == "FFFFEB9C"
    assert book["Tulosvahti"]["C2"].value == "11:25, 12:25 och 13:25"


def test_a_sheet_that_is_not_in_the_workbook_is_only_listed(tmp_path: Path, audited) -> None:
    source, out = workbook(tmp_path / "kirja.xlsx"), tmp_path / "ulos.xlsx"
    other = replace(audited, table=replace(audited.table, sheet=replace(audited.table.sheet, source="kirja.xlsx!Muu")))
    assert marked_workbook(source, [other], out, "fi") is True
    assert openpyxl.load_workbook(out)["Tulosvahti"]["C2"].hyperlink is None


def test_marks_on_blank_cells(tmp_path: Path, make) -> None:
    source, out = workbook(tmp_path / "kirja.xlsx"), tmp_path / "ulos.xlsx"
    made = make("A;B\nx;1\n", f"kirja.xlsx!{NAME}", cells={"B2": Cell("", None)}).find("B2 B9 Z40", "1 2 3", relations=())
    assert marked_workbook(source, [made.done()], out, "fi") is True
    sheet = openpyxl.load_workbook(out)[NAME]
    assert [sheet[cell].fill.fgColor.rgb for cell in ("B2", "B9", "Z40")] == ["FFFFC0C0"] * 3


def test_small_pieces() -> None:
    assert sheet_name("a/b:c*d?e[f]" + "x" * 40, []) == "a_b_c_d_e_f_xxxxxxxxxxxxxxxxxxx"
    assert sheet_name("History", ["history_"]) == "History_ 2"
    assert link_to("it's", "B2") == "'it''s'!B2"
    assert escaped("a_x0041_\x01<\n&") == "a_x005F_x0041_&lt;\n&amp;"
    assert with_attribute(b'<c r="A1" />', "s", "4") == b'<c r="A1" s="4"/>'
    assert with_attribute(b"<c>", "s", "4") == b'<c s="4">'
    assert utf8("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16")) == b"<?xml version='1.0'?><a/>"
    assert edited(b"abc", [(1, 2, b"X"), (1, 1, b"_")]) == b"a_Xc"
    with pytest.raises(UnpatchableError):
        edited(b"abc", [(0, 2, b""), (1, 3, b"")])
