"""Tables of statistical offices through a contract: one row a figure, missing ones null with their symbol, exact periods."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType
from tulosvahti.core.fetched import Mark, MarkKind
from tulosvahti.core.text import Text
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

CASES = Path(__file__).parents[1] / "sheets" / "data"
Row = tuple[Any, ...]


def taken(root: Path, content: bytes, *fields: Field, **changes: Any) -> tuple[list[Row], Delivery]:
    (root / "inputs").mkdir()
    (root / "inputs" / "table.json").write_bytes(content)
    contract = Contract("table", Text(), "table.json", fields, Place("inputs/table.yaml"), **({"max_rejects_percent": Decimal(100)} | changes))
    found = take(contract, root, date(2026, 6, 30))
    return ([] if found.frame is None else found.frame.drop("__row", "__rejected").rows()), found.delivery


def table(codes: list[str], values: list[Any], **changes: Any) -> bytes:
    base = {
        "version": "2.0", "class": "dataset", "label": "Hinnat", "source": "Tilastokeskus", "updated": "2026-04-01T05:00:00Z",
        "id": ["Aika", "Tiedot"], "size": [len(codes), 1], "role": {"time": ["Aika"], "metric": ["Tiedot"]},
        "dimension": {"Aika": {"label": "Neljännes", "category": {"index": codes}}, "Tiedot": {"label": "Tiedot", "category": {"label": {"i": "Indeksi"}}}},
        "value": values,
    }  # fmt: skip
    return json.dumps(base | changes).encode()


VALUE = Field("value", FieldType.NUMBER)


def test_r32_through_a_contract(tmp_path: Path) -> None:
    fields = (Field("quarter", FieldType.QUARTER, header="Vuosineljännes"), Field("area", header="Alue"), VALUE, Field("symbol"), Field("preliminary", FieldType.BOOLEAN, header="provisional"))
    rows, delivery = taken(tmp_path, (CASES / "R32.json").read_bytes(), *fields, period="quarter")
    assert rows == [
        (date(2023, 10, 1), "pks", Decimal("94.8"), None, False),
        (date(2024, 1, 1), "pks", None, ".", False),
        (date(2024, 4, 1), "pks", Decimal("93.7"), None, True),
    ]
    assert delivery.rejects == ()
    assert delivery.covered_through == date(2024, 6, 30)
    assert delivery.marks == (Mark(MarkKind.PROVISIONAL, "* ennakkotieto", "2024-Q2"),)
    notices = [notice.message for notice in delivery.notices]
    assert "'x', source Tilastokeskus, updated 2024-07-26T05:00:00+00:00" in notices
    assert "1 of 3 figures are missing, '.': not applicable, or no figure is given" in notices
    assert "1 of 3 figures are preliminary: what rests on them is provisional" in notices


def test_r34_through_a_contract(tmp_path: Path) -> None:
    fields = (Field("area", header="alue_23_20260101"), Field("sex", header="sukupuoli_9_20180101"), Field("year", FieldType.YEAR, header="timeperiod_y"), Field("value", FieldType.INTEGER))
    rows, _ = taken(tmp_path, (CASES / "R34.json").read_bytes(), *fields, period="year", primary_key=("area", "sex", "year"))
    assert ("KU091", "SSS", 2025, 694_392) in rows
    assert sum(row[3] for row in rows if row[0] == "SSS" and row[1] != "SSS") == 5_652_881


@pytest.mark.parametrize(
    ("kind", "codes", "days"),
    [
        (FieldType.YEAR, ["2024", "2025*"], [2024, 2025]),
        (FieldType.HALF_YEAR, ["2024H2", "2025H1"], [date(2024, 7, 1), date(2025, 1, 1)]),
        (FieldType.QUARTER, ["2024Q4", "2025K1"], [date(2024, 10, 1), date(2025, 1, 1)]),
        (FieldType.YEARMONTH, ["2024M12", "2025M01"], [date(2024, 12, 1), date(2025, 1, 1)]),
        (FieldType.WEEK, ["2024W52", "2025V01"], [date(2024, 12, 23), date(2024, 12, 30)]),
        (FieldType.DATE, ["2024-12-31", "2025-01-01"], [date(2024, 12, 31), date(2025, 1, 1)]),
    ],
)
def test_codes_become_periods_exactly(tmp_path: Path, kind: FieldType, codes: list[str], days: list[Any]) -> None:
    rows, delivery = taken(tmp_path, table(codes, [1, 2]), Field("time", kind, header="Aika"), VALUE, period="time")
    assert [row[0] for row in rows] == days
    assert not delivery.rejects


def test_a_code_of_another_kind_of_period_is_a_reject_that_names_its_codes(tmp_path: Path) -> None:
    _, delivery = taken(tmp_path, table(["2024Q4", "2024"], [1, 2]), Field("time", FieldType.QUARTER, header="Aika"), VALUE)
    (reject,) = delivery.rejects
    assert reject.reason == "not a quarter; allowed: such as 2024Q1 or 2024K1"
    assert reject.where == "Aika 2024, Tiedot i"


def test_columns_by_code_by_name_and_with_names(tmp_path: Path) -> None:
    rows, _ = taken(
        tmp_path, table(["2024"], ["1.50"]), Field("code", header="Aika"), Field("name", header="Neljännes"),
        Field("what", header="Tiedot.text"), Field("raw", header="value"), Field("meaning"),
    )  # fmt: skip
    assert rows == [("2024", "2024", "Indeksi", "1.50", None)]


def test_symbols_are_null_with_their_meaning_unless_the_contract_says_that_one_is_zero(tmp_path: Path) -> None:
    content = table(["2021", "2022", "2023", "2024"], [None, None, None, 4], status={"0": "-", "1": "..", "2": "x"})
    fields = (VALUE, Field("symbol"), Field("meaning"))
    rows, _ = taken(tmp_path, content, *fields)
    assert [row[:2] for row in rows] == [(None, "-"), (None, ".."), (None, "x"), (4, None)]
    assert [row[2] for row in rows] == ["nil: nothing occurred", "not available", "a symbol that the office does not explain here", None]
    (tmp_path / "zero").mkdir()
    rows, _ = taken(tmp_path / "zero", content, *fields, zero_symbols=("-",))
    assert [row[:2] for row in rows] == [(0, "-"), (None, ".."), (None, "x"), (4, None)]


def test_a_figure_with_decimals_is_no_whole_number(tmp_path: Path) -> None:
    rows, delivery = taken(tmp_path, table(["2023", "2024"], [12, 12.5]), Field("value", FieldType.INTEGER))
    assert rows == [(12,), (None,)]
    assert delivery.rejects[0].where == "Aika 2024, Tiedot i"
    assert delivery.rejects[0].value == "12.5"


def test_decimals_are_the_wires_whatever_the_contract_says_of_texts(tmp_path: Path) -> None:
    field = Field("value", FieldType.NUMBER, decimal_char=",", group_char=".")
    rows, _ = taken(tmp_path, table(["2023"], ["1.234"]), field)
    assert rows == [(Decimal("1.234"),)]


def test_a_table_that_is_not_whole_is_quarantined(tmp_path: Path) -> None:
    _, delivery = taken(tmp_path, table(["2023", "2024"], [1]), VALUE)
    assert delivery.state is DeliveryState.QUARANTINED
    assert "the product of its sizes is 2: the answer was cut" in delivery.explanation


def test_notes_are_kept_on_the_delivery(tmp_path: Path) -> None:
    note = "Cell Key Method: parts need not make their total"
    _, delivery = taken(tmp_path, table(["2024"], [1], note=[note, "Basåret är 2020"], extension={"px": {"aggregallowed": False}}), VALUE)
    notices = [notice.message for notice in delivery.notices]
    assert f"the source is not additive: {note}" in notices
    assert "note of the source: Basåret är 2020" in notices
    assert delivery.marks == (Mark(MarkKind.NOT_ADDITIVE, note),)


def test_marks_are_read_again_from_the_row_store(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "table.json").write_bytes(table(["2024"], [1], extension={"px": {"aggregallowed": False}}))
    contract = Contract("table", Text(), "table.json", (VALUE,), Place("inputs/table.yaml"))
    first, second = (take(contract, tmp_path, date(2026, 6, 30)).delivery for _ in range(2))
    assert first == second
    assert second.marks[0].kind is MarkKind.NOT_ADDITIVE


def test_contents_as_columns_make_one_row_for_all_of_them(tmp_path: Path) -> None:
    content = {
        "columns": [{"code": "Alue"}, {"code": "Kk", "type": "t"}, {"code": "n", "text": "Määrä", "type": "c"}, {"code": "osuus", "text": "Osuus, %", "type": "c"}],
        "comments": [{"variable": "Kk", "value": "2024M02", "comment": "Ennakkotieto\r\n"}],
        "data": [{"key": ["a", "2024M01"], "values": ["1", "0.50"]}, {"key": ["a", "2024M02"], "values": ["..", "7.25"]}, {"key": ["b", "2024M01"], "values": ["3", "-"]}, {"key": ["b", "2024M02"], "values": ["4", "9"]}],
    }  # fmt: skip
    rows, delivery = taken(
        tmp_path, json.dumps(content).encode(), Field("area", header="Alue"), Field("month", FieldType.YEARMONTH, header="Kk"),
        Field("count", FieldType.INTEGER, header="n"), Field("why", header="n.symbol"), Field("share", FieldType.NUMBER, header="Osuus, %"),
        Field("preliminary", FieldType.BOOLEAN, header="provisional"),
    )  # fmt: skip
    assert not delivery.rejects
    assert rows == [
        ("a", date(2024, 1, 1), 1, None, Decimal("0.5"), False),
        ("a", date(2024, 2, 1), None, "..", Decimal("7.25"), True),
        ("b", date(2024, 1, 1), 3, None, None, False),
        ("b", date(2024, 2, 1), 4, None, 9, True),
    ]


def test_a_variable_that_no_field_reads_is_told(tmp_path: Path) -> None:
    fields = (Field("area", header="alue_23_20260101"), Field("value", FieldType.INTEGER))
    _, delivery = taken(tmp_path, (CASES / "R34.json").read_bytes(), *fields)
    notices = [notice.message for notice in delivery.notices]
    assert (
        "variable 'sukupuoli_9_20180101' has 3 values and no field reads it: rows that it tells apart look the same, and "
        "sums count all of them"
    ) in notices
    assert not any("is ignored" in notice or "timeperiod_y" in notice for notice in notices)


def test_a_column_that_the_table_does_not_have_is_told_with_those_it_has(tmp_path: Path) -> None:
    _, delivery = taken(tmp_path, table(["2024"], [1]), Field("time", header="Aikka"), VALUE)
    assert delivery.explanation.startswith("column 'Aikka' is missing (renamed to 'Aika'?)")


def test_a_dataset_of_a_bundle_is_named_by_sheet(tmp_path: Path) -> None:
    both = json.dumps({"a": json.loads(table(["2024"], [1])), "b": json.loads(table(["2024"], [2]))}).encode()
    rows, _ = taken(tmp_path, both, VALUE, sheet="b")
    assert rows == [(2,)]
    (tmp_path / "none").mkdir()
    _, delivery = taken(tmp_path / "none", both, VALUE)
    assert "several datasets: a, b" in delivery.explanation
