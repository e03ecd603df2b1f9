"""What cells of workbooks hold beside texts: percents, days, errors, formulas, merged and hidden rows, in each kind of workbook."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from delivered import binary_workbook, workbook
from grids import OFFICE, converted, opendocument, packed

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

ID = Field("id")
NUMBER = Field("v", FieldType.NUMBER, decimal_char=",")
DAY = Field("d", FieldType.DATE, date_format="%d.%m.%Y")


def taken(root: Path, ending: str, content: bytes, *fields: Field) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / f"w.{ending}").write_bytes(content)
    contract = Contract("w", Text(), f"w.{ending}", fields, Place("inputs/w.yaml"), max_rejects_percent=Decimal(100))
    return take(contract, root, date(2026, 6, 30))


def values(found: Taken) -> list[tuple[Any, ...]]:
    assert found.frame is not None, found.delivery.explanation
    return found.frame.drop("__row", "__rejected").rows()


def said(found: Taken) -> str:
    return "; ".join(item.message for item in found.delivery.notices)


def row(*cells: str, repeated: int = 1, hidden: bool = False) -> str:
    marks = f' table:number-rows-repeated="{repeated}"' * (repeated > 1) + ' table:visibility="collapse"' * hidden
    return f"<table:table-row{marks}>{''.join(cells)}</table:table-row>"


def text(value: str, marks: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{marks}><text:p>{value}</text:p></table:table-cell>'


def typed(kind: str, value: str, shown: str, marks: str = "") -> str:
    name = {"date": "date-value"}.get(kind, "value")
    return f'<table:table-cell office:value-type="{kind}" office:{name}="{value}"{marks}><text:p>{shown}</text:p></table:table-cell>'


COVERED = "<table:covered-table-cell/>"
FORMULA = ' table:formula="of:=SUM([.B1:.B2])"'


@pytest.mark.parametrize("ending", ["ods", "fods"])
@pytest.mark.parametrize(
    ("body", "fields", "wanted", "reasons", "notice"),
    [
        pytest.param([row(text("a"), typed("percentage", "0.57", "57 %")), row(text("b"), typed("percentage", "0.0049", "0,49 %"))], (ID, NUMBER), [("a", 57), ("b", Decimal("0.49"))], [], "percent cells are read as percentages", id="percent"),
        pytest.param([row(text("a"), typed("date", "2023-03-15", "15.3.23"))], (ID, DAY), [("a", date(2023, 3, 15))], [], "", id="day"),
        pytest.param([row(text("a"), typed("date", "2023-03-15T10:15:00", "15.3.23"))], (ID, DAY), [("a", None)], ["has a time of day"], "", id="day-with-time"),
        pytest.param([row(text("a"), typed("float", "1234.5", "1 234,50"))], (ID, NUMBER), [("a", Decimal("1234.5"))], [], "", id="number"),
        pytest.param([row(text("a"), text("1234,50"))], (ID, NUMBER), [("a", Decimal("1234.50"))], [], "number stored as text: B2", id="number-as-text"),
        pytest.param([row(text("a"), typed("float", "5", "5"), repeated=3), row(text("b"), typed("float", "6", "6")), row("<table:table-cell/>", repeated=1_000_000)], (ID, NUMBER), [("a", 5)] * 3 + [("b", 6)], [], "", id="repeated-rows"),
        pytest.param([row(text("a", ' table:number-rows-spanned="2"'), typed("float", "1", "1")), row(COVERED, typed("float", "2", "2")), row("<table:table-cell/>", typed("float", "3", "3"))], (ID, NUMBER), [("a", 1), ("a", 2), (None, 3)], [], "merged cells hold one value for all their rows: A2:A3", id="merged"),
        pytest.param([row(text("a"), typed("float", "1", "1"), hidden=True), row(text("b"), typed("float", "2", "2"))], (ID, NUMBER), [("a", 1), ("b", 2)], [], "1 hidden rows are counted as any other", id="hidden"),
        pytest.param([row(text("a"), f"<table:table-cell{FORMULA}/>")], (ID, NUMBER), [("a", None)], ["not calculated"], "", id="formula-without-result"),
        pytest.param([row(text("a"), typed("float", "7", "7", FORMULA))], (ID, NUMBER), [("a", 7)], [], "", id="formula-with-result"),
        pytest.param([row(text("a"), text("#N/A", ' calcext:value-type="error" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"' + FORMULA))], (ID, NUMBER), [("a", None)], ["an error of the workbook"], "", id="error"),
    ],
)  # fmt: skip
def test_opendocument(tmp_path: Path, ending: str, body: list[str], fields: tuple[Field, ...], wanted: Any, reasons: list[str], notice: str) -> None:  # noqa: PLR0913 - a row of the table
    content = opendocument(row(*(text(item.column) for item in fields)) + "".join(body))
    found = taken(tmp_path, ending, packed(content) if ending == "ods" else content, *fields)
    assert values(found) == wanted
    assert [item.reason[: len(reason)] for item, reason in zip(found.delivery.rejects, reasons, strict=True)] == reasons
    assert notice in said(found)


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?"])
@pytest.mark.parametrize("ending", ["xlsx", "xlsm"])
def test_an_error_is_a_reject_with_its_text(tmp_path: Path, ending: str, error: str) -> None:
    def change(book: Any) -> None:
        book["S1"]["B2"].data_type = "e"

    found = taken(tmp_path, ending, workbook([["id", "v"], ["a", error], ["b", 1]], change=change), ID, NUMBER)
    (reject,) = found.delivery.rejects
    assert (reject.cell, reject.value) == ("S1!B2", error)
    assert reject.reason.startswith("an error of the workbook, not a value")


def _rich(book: Any) -> None:
    sheet = book["S1"]
    sheet["C2"].number_format = "0 %"
    sheet["D2"].number_format = sheet["D3"].number_format = "dd.mm.yyyy"
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[4].hidden = True
    sheet["B4"].data_type = "e"


@pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice, which writes the other kinds of workbook")
@pytest.mark.parametrize("ending", ["xls", "ods", "fods"])
def test_what_an_office_program_writes(tmp_path: Path, ending: str) -> None:
    """The same workbook as XLSX and as LibreOffice converts it: the same values."""
    rows = [["id", "v", "osuus", "d"], ["020", 1.5, 0.57, datetime(2023, 3, 15)], [None, -2, 3, datetime(2023, 3, 16)], ["b", "#N/A", 1, None]]  # noqa: DTZ001
    content = workbook(rows, change=_rich)
    fields = (ID, NUMBER, Field("osuus", FieldType.NUMBER), DAY)
    want = values(taken(tmp_path, "xlsx", content, *fields))
    assert want == [("020", Decimal("1.5"), 57, date(2023, 3, 15)), ("020", -2, 3, date(2023, 3, 16)), ("b", None, 1, None)]
    found = taken(tmp_path, ending, converted(content, ending, tmp_path), *fields)
    got = values(found)
    assert got == want
    assert [item.value for item in found.delivery.rejects] == ["#N/A"]


def test_errors_of_a_binary_workbook(tmp_path: Path) -> None:
    found = taken(tmp_path, "xlsb", binary_workbook([["id", "v"], ["a", ArithmeticError("#DIV/0!")], ["b", 2]]), ID, NUMBER)
    (reject,) = found.delivery.rejects
    assert (reject.cell, reject.value) == ("S1!B2", "#DIV/0!")


def test_binary_workbook_keeps_numbers_exact(tmp_path: Path) -> None:
    content = binary_workbook([["id", "v"], ["a", 0.1], ["b", 1234567.25], ["c", "1,5"]])
    assert [item[1] for item in values(taken(tmp_path, "xlsb", content, ID, NUMBER))] == [Decimal("0.1"), Decimal("1234567.25"), Decimal("1.5")]
