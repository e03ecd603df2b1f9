"""Large workbooks, read in pieces: the same rows, rejects, addresses and notices as cell by cell."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from delivered import workbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_ways import Came, agreed

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load import rows_read
from tulosvahti.load.block_rows import rows_of
from tulosvahti.load.files import File
from tulosvahti.load.grid_blocks import GridSource
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets import archive, bulk_sheet
from tulosvahti.load.sheets.bulk_rows import cells_of
from tulosvahti.problem import Place

FIELDS = (
    Field("id", required=True, pattern="[A-Z]-[0-9]{2}"),
    Field("euro", FieldType.NUMBER, decimal_char=",", group_char=" ", minimum=Decimal(0), missing_values=("", "-", "-9"), hidden_values=("-",)),
    Field("day", FieldType.DATE, header="päivä", date_format="%d.%m.%Y", maximum=date(2023, 12, 31)),
    Field("n", FieldType.INTEGER, minimum=Decimal(-5), maximum=Decimal(90), missing_values=("x",), hidden_values=("x",)),
    Field("code", pattern="[0-9]{3}"),
    Field("on", FieldType.BOOLEAN, true_values=("k",), false_values=("e",)),
    Field("year", FieldType.YEAR),
    Field("month", FieldType.YEARMONTH),
    Field("open", FieldType.NUMBER, form_open=True),
)
HEAD = ["id", "extra", "euro", "päivä", "n", "code", "on", "year", "month", "open"]
LETTERS = "ABCDEFGHIJ"
STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>
<numFmt numFmtId="170" formatCode="000"/><numFmt numFmtId="171" formatCode="yyyy\\-mm"/><numFmt numFmtId="172" formatCode="yyyy"/>
</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="4"/><xf numFmtId="170"/><xf numFmtId="171"/>
<xf numFmtId="172"/><xf numFmtId="22"/></cellXfs></styleSheet>"""
SHARED = ["A-01", "A-02", "B-10", "bad", " ", "", "12,5", "-", "k", "2023", "1 234", "x &amp; y", "1.2.2023", "_x0041_-77", "007", "'5", "yhteens\u00e4 "]


def contract(**changes: object) -> Contract:
    return replace(Contract("leads", Text(), "leads.xlsx", FIELDS, Place("inputs/leads.yaml"), primary_key=("id",)), **changes)  # type: ignore[arg-type]


def packed(sheet: str, *others: str, start: str = "", from_1904: bool = False, stale: bool = False) -> bytes:
    """Pack sheets as a workbook, the XML of the first as it is given."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheets = [start or sheet, *others]
    names = "".join(f'<sheet name="S {at}" sheetId="{at}" r:id="r{at}"/>' for at in range(1, len(sheets) + 1))
    links = "".join(f'<Relationship Id="r{at}" Type="{kinds}/worksheet" Target="worksheets/sheet{at}.xml"/>' for at in range(1, len(sheets) + 1))
    links += f'<Relationship Id="t" Type="{kinds}/sharedStrings" Target="shared.xml"/><Relationship Id="u" Type="{kinds}/styles" Target="styles.xml"/>'
    shared = "".join(f"<si><t xml:space='preserve'>{text}</t></si>" for text in SHARED)
    parts = {
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{kinds}"><workbookPr date1904="{int(from_1904)}"/><sheets>{names}</sheets><calcPr fullCalcOnLoad="{int(stale)}"/></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
        "xl/shared.xml": f"<sst {main}>{shared}</sst>",
        "xl/styles.xml": STYLES,
    }
    for at, text in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{at}.xml"] = text
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packing:
        for name, text in parts.items():
            packing.writestr(name, text)
    return out.getvalue()


def sheet(rows: str, tail: str = "") -> str:
    heads = "".join(f'<c r="{letter}1" t="inlineStr"><is><t>{name}</t></is></c>' for letter, name in zip(LETTERS, HEAD, strict=True))
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet {main}><cols><col min="1" max="2"/></cols><sheetData><row r="1" spans="1:9">{heads}</row>{rows}</sheetData>{tail}</worksheet>'


def read(of: Contract, content: bytes, folder: Path, *, rows: int | None) -> Came:
    """Read in pieces of ``rows`` rows, or cell by cell; a refusal as its sentence."""
    held, place = folder / "held", folder / "rows.parquet"
    held.write_bytes(content)
    try:
        if rows is None:
            summary = rows_read.read_into(of, [File("leads.xlsx", held, "0" * 64, len(content))], place, least=1 << 60)
        else:
            summary = rows_of(of, GridSource(of, "leads.xlsx", held, folder, rows), place, rows_read.MOST_LISTED)
    except UnreadableError as error:
        return str(error), None
    return summary, pl.read_parquet(place)


def agree(of: Contract, content: bytes, rows: int = 3) -> bool:
    """Hold one way against the other; False: it is read cell by cell."""
    return agreed(lambda folder: read(of, content, folder, rows=rows), lambda folder: read(of, content, folder, rows=None))


NUMBERS = st.sampled_from(["1", "0", "-0", "-9", "12.5", "12.50", "0.56999999999999995", "0.57", "45000", "45000.5", "20230331", "2023", "202303", "7", "1E-3", "1e20", "123456789012345678", "0.1234567890123456", "-3", "99999.999999999", "007", "", " 5 ", "abc"])
TEXTS = st.sampled_from(["A-01", "C-33", "", " ", "12,5", "1 000", "-", "a &lt;b&gt; &amp;amp; &quot;", "rivi\nkaksi", "_x0041_-55", "&#65;-66", "k", "1.2.2023", "31.2.2023", "2023M03", "id", "'7", "1,5", "n"])
STYLED = st.sampled_from(["", "", "", ' s="1"', ' s="2"', ' s="3"', ' s="4"', ' s="5"', ' s="6"', ' s="7"', ' s="99"'])


@st.composite
def cells(draw: st.DrawFn, place: str) -> str:
    """Write a cell, plainly most times."""
    style = draw(STYLED)
    head = f'<c r="{place}"{style}'
    kind = draw(st.integers(0, 19))
    if kind < 7:
        return f"{head}><v>{draw(NUMBERS)}</v></c>"
    if kind < 11:
        return f'{head} t="s"><v>{draw(st.integers(0, len(SHARED) - 1))}</v></c>'
    if kind < 13:
        return f'{head} t="inlineStr"><is><t>{draw(TEXTS)}</t></is></c>'
    return {
        13: f'{head} t="inlineStr"><is><t xml:space="preserve">{draw(TEXTS)}</t></is></c>',
        14: f'{head} t="str"><v>{draw(TEXTS)}</v></c>',
        15: f'{head} t="b"><v>{draw(st.sampled_from("01"))}</v></c>',
        16: f'{head} t="e"><v>#N/A</v></c>',
        17: f'{head} t="d"><v>2023-02-01</v></c>',
        18: f"{head}/>",
        19: draw(st.sampled_from([f"{head}><f>A1+1</f><v>{draw(NUMBERS)}</v></c>", f"{head}><f>A1+1</f></c>", f'{head} t="str"><f>A1&amp;B1</f><v>{draw(TEXTS)}</v></c>', f'{head}><f t="shared" ref="A1:Z99" si="0">A1</f><v>3</v></c>', f'{head}><f t="shared" si="0"/><v>{draw(NUMBERS)}</v></c>', f'{head}><f t="shared" si="0"/></c>', f'{head} t="n"><v>4</v></c>', f"<c s='1' r='{place}'><v>5</v></c>", ""])),
    }[kind]  # fmt: skip


@st.composite
def sheets(draw: st.DrawFn) -> str:
    """Write the rows of a sheet."""
    rows, number = [], 1
    for at in range(draw(st.integers(0, 12))):
        number += draw(st.sampled_from([1, 1, 1, 1, 3]))
        letters = draw(st.sampled_from([LETTERS, LETTERS, LETTERS[:4], "", "B"]))
        inside = "".join(draw(cells(f"{letter}{number}")) for letter in letters if letter != "A")
        if "A" in letters:
            inside = f'<c r="A{number}" t="inlineStr"><is><t>D-{at % draw(st.sampled_from([3, 50])):02}</t></is></c>{inside}'
        marks = draw(st.sampled_from(["", "", ' spans="1:9"', ' hidden="1"', ' ht="15" customHeight="1"', ' ht="0"', " x='1'"]))
        rows.append(f'<row r="{number}"{marks}>{inside}</row>' if inside or draw(st.booleans()) else f'<row r="{number}"{marks}/>')
    rows.insert(draw(st.integers(0, len(rows))), draw(st.sampled_from(["", "", "", "\n", "<!-- </row> -->"])))
    return "".join(rows)


@given(sheets(), st.booleans(), st.sampled_from([200, 600, 1 << 16]))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree(rows: str, from_1904: bool, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_CHUNK", size)
        patch.setattr(bulk_sheet, "_CHUNKS", 1)
        agree(contract(), packed(sheet(rows), from_1904=from_1904))
        agree(contract(primary_key=()), packed(sheet(rows)), 5)


def row(number: int, *values: str) -> str:
    inside = "".join(f'<c r="{letter}{number}"{value}</c>' for letter, value in zip(LETTERS, values, strict=False) if value)
    return f'<row r="{number}">{inside}</row>'


def text(value: str) -> str:
    return f' t="inlineStr"><is><t>{value}</t></is>'


def number(value: str, style: int = 0) -> str:
    return f' s="{style}"><v>{value}</v>'


SOUND = [row(at, text(f"A-{at:02}"), "", number(f"{at}.5"), number("44927", 1), number(str(at)), number(str(at), 4), ' t="b"><v>1</v>', number("2023"), number("44927", 5), number("0.5", 2)) for at in range(2, 60)]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows,
        lambda rows: [*rows[:20], row(22, text("A-22"), "", text("12,5"), text("1.2.2023"), text("3"), text("020"), text("k")), *rows[21:]],
        lambda rows: [*rows[:20], row(22, text("bad"), "", text("oops"), text("no day"), number("99"), text("7"), text("?")), *rows[21:]],
        lambda rows: [*rows, row(60, text("A-05")), row(61, text("A-07"), "", number("1"))],                                            # keys again
        lambda rows: [*rows, row(60, text("A-60"), "", number("0.12345678901234567"), number("44927.5", 1), number("1.5"), number("7"))],  # more decimals later
        lambda rows: [*rows, row(60, text("A-60"), "", text(",5"), "", "", "", "", "", "", text("1,5"))],                               # unusual, form told by texts
        lambda rows: [*rows, row(60, text("A-60"), "", "><f>1+1</f><v>2</v>", "><f>A1</f>")],                                           # formulas
        lambda rows: [*rows, row(60, text("A-60"), "", text("x" * 70_000))],
    ],
)  # fmt: skip
def test_these_are_read_in_pieces(change) -> None:
    assert agree(contract(), packed(sheet("".join(change(list(SOUND))))), 25)


def test_rows_as_programs_write_them_are_never_the_xml_parsers() -> None:
    assert cells_of("".join(SOUND).encode(), 0) is not None
    results = cells_of(b'<row r="2"><c r="A2"><f>B2*2</f><v>4</v></c><c r="B2"><f t="shared" si="0"/><v>0</v></c></row>', 0)
    assert results is not None
    assert (results.formulas, results.zeros, results.cells["text"].to_list()) == (2, 1, ["4", "0"])


@pytest.mark.parametrize(
    ("tail", "start"),
    [
        ('<mergeCells><mergeCell ref="C3:C5"/></mergeCells>', ""),
        ("", '<row r="62"><c r="A62" t="inlineStr"><is><t>yhteensä</t></is></c><c r="C62"><v>5</v></c></row>'),
    ],
)  # fmt: skip
def test_these_are_read_cell_by_cell(tail: str, start: str) -> None:
    assert not agree(contract(), packed(sheet("".join(SOUND) + start, tail)))


def test_a_blank_cell_between_a_number_and_a_fault_is_a_fault_where_nothing_is_none() -> None:
    rows = (
        '<row r="3"><c r="E3"><v>1</v></c></row><row r="15" ht="0"><c r="B15" t="s"><v>3</v></c></row>'
        '<row r="16" ht="0"><c r="A16" t="inlineStr"><is><t>D-10</t></is></c><c r="E16" s="99"><v>99999.999999999</v></c></row>'
    )
    assert agree(contract(), packed(sheet(rows)), 5)


def test_zeros_that_may_be_no_results_are_looked_at_cell_by_cell() -> None:
    rows = [row(at, text(f"A-{at:02}"), "", f"><f>E{at}*2</f><v>0</v>", "", number("3")) for at in range(2, 20)]
    assert agree(contract(), packed(sheet("".join(rows))))
    assert not agree(contract(), packed(sheet("".join(rows)), stale=True))


def test_a_title_with_merged_cells_above_and_other_sheets_beside_change_nothing() -> None:
    title = '<row r="1"><c r="A1" t="inlineStr"><is><t>Title</t></is></c><c r="B1"><v>3</v></c></row>'
    heads = "".join(f'<c r="{letter}3" t="inlineStr"><is><t>{name}</t></is></c>' for letter, name in zip(LETTERS, HEAD, strict=True))
    rows = "".join(SOUND[2:])
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    whole = f'<worksheet {main}><sheetData>{title}<row r="3">{heads}</row>{rows}</sheetData><mergeCells><mergeCell ref="A1:I1"/></mergeCells></worksheet>'
    other = f'<worksheet {main}><sheetData><row><c t="inlineStr"><is><t>id</t></is></c></row></sheetData></worksheet>'
    assert agree(contract(), packed("", other, start=whole), 25)


@pytest.mark.parametrize("damage", ["<row r='1'><c r='A1'><v>1</v></c></row>", '<row r="80"><c r="A80"><v>1</v></c>', "&nosuch;"])
def test_a_broken_sheet_is_refused_with_its_name(damage: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        said, frame = read(contract(), packed(sheet("".join(SOUND) + damage)), Path(name), rows=25)
    assert frame is None
    assert str(said).startswith("sheet 'S 1' cannot be read: ")


def test_a_missing_column_is_said_as_ever() -> None:
    assert agree(contract(), workbook([["id", "euro"], *[[f"A-{at:02}", at] for at in range(50)]]))


def test_a_row_of_cells_without_a_value_is_blank() -> None:
    full = row(2, ' t="inlineStr"><is><t>A-01</t></is>', "><v>1</v>")
    for nothing in ("><v></v>", "><v> </v>", ' s="1"><v></v>', ' t="str"><v></v>', ' t="inlineStr"><is><t> </t></is>'):
        assert agree(contract(), packed(sheet(full + row(3, "", nothing) + row(4, ' t="inlineStr"><is><t>A-02</t></is>', "><v>2</v>") + row(5, "", nothing))))
