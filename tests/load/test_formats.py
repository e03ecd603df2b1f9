"""Deliveries of every format: the same content gives the same rows, the same rejects and the same digits."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from delivered import delivered, workbook

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

AS_OF = date(2023, 12, 31)
DATA = Path(__file__).parent / "sheets" / "data"
FIELDS = (
    Field("code", required=True, pattern="[0-9]{3}"),
    Field("euro", FieldType.NUMBER, header="Euro", decimal_char=",", group_char=" ", minimum=Decimal(0)),
    Field("day", FieldType.DATE, date_format="%d.%m.%Y"),
    Field("fine", FieldType.BOOLEAN, true_values=("kyllä",), false_values=("ei",)),
)
NUMBER = Field("n", FieldType.NUMBER, decimal_char=",", group_char=" ")
FORMATS = ["csv", "xlsx", "xlsm", "xls", "ods", "fods", "html", "json", "ndjson", "parquet"]


def take_in(root: Path, name: str, content: bytes, fields: tuple[Field, ...] = FIELDS, **changes: Any) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / name).write_bytes(content)
    base: dict[str, Any] = {"delimiter": ";", "deliverer": "tem", "max_rejects_percent": Decimal(100)}
    return take(Contract("leads", Text(), name, fields, Place("inputs/leads.yaml"), **(base | changes)), root, AS_OF)


def values(taken: Taken) -> list[tuple[Any, ...]]:
    assert taken.frame is not None, taken.delivery.explanation
    return taken.frame.drop("__row", "__rejected").rows()


def said(taken: Taken) -> list[str]:
    return [notice.message for notice in taken.delivery.notices]


@pytest.mark.parametrize("ending", FORMATS)
def test_same_content_same_verdicts(tmp_path: Path, ending: str) -> None:
    fields = FIELDS
    if ending in {"json", "ndjson"}:  # a day is a text there, in the form that the contract declares
        fields = (*FIELDS[:2], Field("day", FieldType.DATE), FIELDS[3])
    taken = take_in(tmp_path, f"leads.{ending}", delivered(ending), fields, primary_key=("code",))
    assert values(taken) == [
        ("007", Decimal("1234.50"), date(2023, 2, 1), True),
        ("008", Decimal("0.10"), date(2023, 2, 2), False),
        ("009", None, None, None),
        ("010", None, date(2023, 2, 3), True),
        ("011", Decimal("99999999999.99"), date(2023, 12, 31), True),
        (None, Decimal("5.00"), date(2023, 1, 1), True),
    ]
    assert taken.frame is not None
    if ending not in {"xlsx", "xlsm", "xls", "ods", "fods"}:  # a workbook's 1234.50 is 1234.5
        assert taken.frame.schema["euro"] == pl.Decimal(38, 2)
    assert [(item.row, item.column, item.value, item.reason) for item in taken.delivery.rejects] == [
        (5, "Euro", "-1.00" if ending == "parquet" else "-1", "below the minimum; allowed: at least 0"),
        (7, "code", "xyz", "does not match the pattern; allowed: [0-9]{3}"),
    ]
    named = {"xlsx": "S1", "xlsm": "S1", "xls": "S1", "ods": "S1", "fods": "S1"}.get(ending)
    assert [item.cell for item in taken.delivery.rejects] == ([f"{named}!B5", f"{named}!A7"] if named else ["", ""])


@pytest.mark.parametrize(
    ("shown", "ending", "opened"),
    [("xlsx", "csv", "XLSX"), ("xlsx", "xls", "XLSX"), ("html", "xls", "HTML"), ("parquet", "csv", "PARQUET"), ("ods", "xlsx", "ODS"), ("csv", "xlsx", "")],
)  # fmt: skip
def test_content_that_does_not_match_its_name(tmp_path: Path, shown: str, ending: str, opened: str) -> None:
    taken = take_in(tmp_path, f"leads.{ending}", delivered(shown))
    assert len(values(taken)) == 6
    word = f"leads.{ending} is {opened or 'text'} by its content, and was opened as such"
    assert said(taken)[0] == word


@pytest.mark.parametrize(
    ("cell", "number_format", "value", "reason"),
    [
        (0.57, "0 %", Decimal(57), None),
        (0.0049, "0.00%", Decimal("0.49"), None),
        (57, "General", Decimal(57), None),
        (1234.5, "#,##0", Decimal("1234.5"), None),
        (0.1 + 0.2, "General", Decimal("0.3"), None),
        (5, '0" %"', Decimal(5), None),
        ("1 234,50", "@", Decimal("1234.50"), None),
        ("'200", "General", Decimal(200), None),
        ("−5", "General", Decimal(-5), None),
        ("1.2,3", "General", None, "not a number: unexpected character '.'"),
        ("=1+1", "General", None, "not calculated: the formula has no stored result"),
        ("#DIV/0!", "General", None, "an error of the workbook, not a value"),
        (True, "General", None, "true or false, where the contract has a number"),
        (datetime(2023, 5, 1), "dd.mm.yyyy", None, "a date cell, where the contract has a number"),  # noqa: DTZ001
    ],
)
def test_number_cells(tmp_path: Path, cell: Any, number_format: str, value: Decimal | None, reason: str | None) -> None:
    def shape(book: Any) -> None:
        book["S1"]["B2"].number_format = number_format
        if cell == "#DIV/0!":
            book["S1"]["B2"].data_type = "e"

    fields = (Field("code"), NUMBER)
    taken = take_in(tmp_path, "n.xlsx", workbook([["code", "n"], ["a", cell], ["b", 1]], change=shape), fields)
    assert [row[1] for row in values(taken)] == [value, 1]
    found = [(item.cell, item.reason[: len(reason or "")]) for item in taken.delivery.rejects]
    assert found == ([("S1!B2", reason)] if reason else [])


@pytest.mark.parametrize(
    ("kind", "cell", "number_format", "epoch", "value"),
    [
        (FieldType.DATE, 45000, "General", 1900, date(2023, 3, 15)),
        (FieldType.DATE, 45000, "dd.mm.yyyy", 1900, date(2023, 3, 15)),
        (FieldType.DATE, 45000, "General", 1904, date(2027, 3, 16)),
        (FieldType.DATE, 45000, "dd.mm.yyyy", 1904, date(2027, 3, 16)),
        (FieldType.DATE, "15.03.2023", "@", 1900, date(2023, 3, 15)),
        (FieldType.DATE, 2023, "General", 1900, None),
        (FieldType.DATE, 45000.5, "dd.mm.yyyy hh:mm", 1900, None),
        (FieldType.DATE, "2023-02-30", "@", 1900, None),
        (FieldType.YEAR, 2023, "General", 1900, 2023),
        (FieldType.YEAR, 45000, "yyyy", 1900, 2023),
        (FieldType.YEARMONTH, 45000, "mm/yyyy", 1900, date(2023, 3, 1)),
        (FieldType.YEARMONTH, "2023-03", "@", 1900, date(2023, 3, 1)),
        (FieldType.STRING, 20, "000", 1900, "020"),
        (FieldType.STRING, "020", "@", 1900, "020"),
        (FieldType.STRING, 20, "General", 1900, "20"),
        (FieldType.STRING, 1234, "#,##0", 1900, "1234"),
        (FieldType.INTEGER, 7, "0.00", 1900, 7),
        (FieldType.INTEGER, 7.5, "0", 1900, None),
    ],
)
def test_cells_of_other_fields(
    tmp_path: Path, kind: FieldType, cell: Any, number_format: str, epoch: int, value: Any
) -> None:
    def shape(book: Any) -> None:
        book["S1"]["A2"].number_format = number_format
        if epoch == 1904:
            book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - as openpyxl has it

    form = {FieldType.YEAR: "%Y", FieldType.YEARMONTH: "%Y-%m"}.get(kind, "%d.%m.%Y")
    taken = take_in(tmp_path, "n.xlsx", workbook([["v"], [cell]], change=shape), (Field("v", kind, date_format=form),))
    assert values(taken) == [(value,)]
    assert [item.cell for item in taken.delivery.rejects] == ([] if value is not None else ["S1!A2"])


def test_an_old_workbook_tells_its_percents(tmp_path: Path) -> None:
    fields = (FIELDS[0], Field("euro", FieldType.NUMBER, header="Euro", percent=True))
    taken = take_in(tmp_path, "leads.xls", delivered("xls"), fields)
    assert [row[1] for row in values(taken)][:2] == [Decimal("1234.50"), Decimal("0.10")]


def test_mixed_percents_are_said(tmp_path: Path) -> None:
    taken = take_in(tmp_path, "B08.xlsx", (DATA / "B08.xlsx").read_bytes(), (Field("mittari"), Field("toteuma", FieldType.NUMBER)))  # fmt: skip
    assert [row[1] for row in values(taken)] == [57, 57, Decimal("0.49")]
    assert said(taken)[0] == (
        "column 'toteuma': percent cells are read as percentages, 0.57 shown as 57 % as 57: C2, C4; "
        "1 cells beside them are plain numbers and stay as they are"
    )


@pytest.mark.parametrize(
    ("changes", "rows", "notice"),
    [
        ({}, 1, "the table was found on sheet 'S2', header on row 3"),
        ({"sheet": "S2"}, 1, "the table was found on sheet 'S2', header on row 3"),
        ({"sheet": "S2", "header_row": 3}, 1, ""),
    ],
)
def test_table_is_found(tmp_path: Path, changes: dict[str, Any], rows: int, notice: str) -> None:
    content = workbook([["a note"]], [["Title"], [], ["code", " n "], ["007", 5], [], [None, None]])
    taken = take_in(tmp_path, "n.xlsx", content, (Field("code"), NUMBER), **changes)
    assert len(values(taken)) == rows
    assert taken.frame is not None
    assert taken.frame["__row"].to_list() == [4]
    assert said(taken) == ([notice] if notice else [])


@pytest.mark.parametrize(
    ("sheets", "changes", "explanation", "step"),
    [
        (([["code", "n"]], [["code", "n"]]), {}, "several sheets have the columns of the contract: 'S1', 'S2'", "name the one to read with `sheet` in inputs/leads.yaml"),
        (([["code", "n"]],), {"sheet": "T"}, "there is no sheet 'T'; found: S1", "name the sheet with `sheet` in inputs/leads.yaml"),
        (([["x", "y"]],), {}, "no row has a column of the contract; wanted: code, n", "name the table with `sheet` and `header_row` in inputs/leads.yaml"),
        (([["code", "m"]],), {}, "column 'n' is missing; found: code, m", "ask tem for the column, or name it with `header` in inputs/leads.yaml"),
        (([["code", "n", "n"]],), {}, "column 'n' stands 2 times in the header", "give every column its own name in the file"),
        (([["code", "n"], ["a", 1]],), {"header_row": 2}, "column 'code' is missing, column 'n' is missing; found: a, 1", "ask tem for the column, or name it with `header` in inputs/leads.yaml"),
    ],
)  # fmt: skip
def test_table_is_not_found(tmp_path: Path, sheets: Any, changes: dict[str, Any], explanation: str, step: str) -> None:
    taken = take_in(tmp_path, "n.xlsx", workbook(*sheets), (Field("code"), NUMBER), **changes)
    assert taken.delivery.state is DeliveryState.QUARANTINED
    assert (taken.delivery.explanation, taken.delivery.next_step) == (explanation, step)


def test_merged_cells_fill_only_their_range_and_hidden_rows_count(tmp_path: Path) -> None:
    def shape(book: Any) -> None:
        book["S1"].merge_cells("A2:A3")
        book["S1"].row_dimensions[4].hidden = True

    rows = [["code", "n"], ["007", 1], [None, 2], [None, 3], ["008", 4]]
    taken = take_in(tmp_path, "n.xlsx", workbook(rows, change=shape), (Field("code"), NUMBER))
    assert values(taken) == [("007", 1), ("007", 2), (None, 3), ("008", 4)]
    assert said(taken) == ["merged cells hold one value for all their rows: A2:A3", "1 hidden rows are counted as any other"]


@pytest.mark.parametrize("ending", ["xlsx", "ods", "json", "parquet", "csv"])
def test_a_column_of_nothing_fails_in_every_format(tmp_path: Path, ending: str) -> None:
    fields = (FIELDS[0], Field("gone", header="fine", required=True))
    content = {"csv": b"code;fine\n007;\n008;\n", "json": b'[{"code": "007", "fine": null}, {"code": "008", "fine": null}]'}
    made = content.get(ending) or workbook([["code", "fine"], ["007", None], ["008", None]])
    taken = take_in(tmp_path, f"n.{ending}", made, fields)
    assert [item.reason for item in taken.delivery.rejects] == ["required value is missing"] * 2


@pytest.mark.parametrize(
    ("name", "content", "explanation"),
    [
        ("a.pdf", b"%PDF-1.4 and no more", "PDF cannot be opened"),
        ("a.parquet", b"PAR1" + b"x" * 50 + b"PAR1", "file is a damaged Parquet file"),
        ("a.json", b"[{", "file is not JSON"),
        ("a.xlsx", b"PK\x03\x04 and no more", "file is a damaged or unfinished zip archive"),
        ("a.csv", b"\x1f\x8b\x08\0\0", "file is a compressed file"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "file is an OLE file without a workbook"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: bytes, explanation: str) -> None:
    taken = take_in(tmp_path, name, content)
    assert taken.delivery.state is DeliveryState.QUARANTINED
    assert taken.delivery.explanation.startswith(explanation)
    assert taken.delivery.next_step
