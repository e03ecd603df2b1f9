"""Cases of reading met in published files and bug reports: a small delivery, its contract, the right answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import Contract, Delivery, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

DATA = Path(__file__).parent / "sheets" / "data"


def number(name: str, **changes: Any) -> Field:
    return Field(name, FieldType.NUMBER, **({"decimal_char": ",", "group_char": " "} | changes))


def result(root: Path, file: str, *fields: Field, **changes: Any) -> tuple[list[tuple[Any, ...]], Delivery]:
    (root / "inputs").mkdir()
    (root / "inputs" / file).write_bytes((DATA / file).read_bytes())
    base: dict[str, Any] = {"delimiter": ";", "max_rejects_percent": Decimal(100)}
    contract = Contract("case", Text(), file, fields, Place("inputs/case.yaml"), **(base | changes))
    taken = take(contract, root, date(2026, 6, 30))
    return ([] if taken.frame is None else taken.frame.drop("__row", "__rejected").rows()), taken.delivery


@pytest.mark.parametrize(
    ("file", "fields", "changes", "rows"),
    [
        pytest.param("B02.csv", [number("Amount", decimal_char=".", group_char=",")], {"delimiter": ","}, [Decimal(-5), 2000, -1200, -50], id="trailing-minus-and-parentheses"),
        pytest.param("B04.csv", [number("v", group_char=".")], {}, [Decimal("1234.56"), None, None, None, Decimal("0.2")], id="misplaced-separators-are-errors"),
        pytest.param("B06.xlsx", [number("2026x", header="2026")], {}, [100, 50, None], id="formula-without-result-is-not-0"),
        pytest.param("B08.xlsx", [number("toteuma")], {}, [57, 57, Decimal("0.49")], id="percent-by-number-format"),
        pytest.param("B10.xlsx", [number("luokka")], {}, [None, 1, None], id="nothing-is-filled-where-nothing-is-merged"),
        pytest.param("B14.csv", [number("arvo")], {}, [1], id="utf-16-by-its-mark"),
        pytest.param("B16.csv", [number("Count")], {}, [Decimal("97100.7")], id="quoted-semicolons"),
        pytest.param("B16.csv", [Field("Date", FieldType.DATE)], {}, [None], id="no-guess-at-a-date"),
        pytest.param("B16.csv", [Field("Date", FieldType.DATE, date_format="%d/%m/%y")], {}, [date(2020, 7, 4)], id="date-as-declared"),
        pytest.param("B18.csv", [Field("kunta")], {}, ["020", "005"], id="leading-zeros"),
        pytest.param("B18.csv", [Field("kunta", pattern="[0-9]{4}"), Field("maakunta", pattern="\\d{2}")], {}, ["0020", "0005"], id="codes-filled-up"),
        pytest.param("B26.csv", [Field("sarake", required=True)], {}, [None, None, None], id="all-null"),
        pytest.param("B38.ods", [number("a", header="2024")], {}, [5, 5, 5, 15], id="repeated-rows"),
        pytest.param("B38.ods", [number("osuus")], {}, [90, 90, 90, None], id="percent-of-ods"),
        pytest.param("B44.xlsx", [number("menot", missing_values=("", "n/a"))], {}, [Decimal("1234.50"), 100, 200, None, Decimal("1534.5")], id="numbers-stored-as-text"),
        pytest.param("B48.xls", [number("b")], {}, [2], id="opened-by-content"),
        pytest.param("R30.csv", [number("result", decimal_char=".", group_char=",")], {"delimiter": ","}, [4800, 20342], id="stray-space"),
        pytest.param("B04.csv", [number("v", decimal_char=".", missing_values=(",2", "1a.2,3"))], {}, [None] * 5, id="missing-values-are-not-read"),
        pytest.param("R30.csv", [number("revised target", missing_values=("N/A",))], {"delimiter": ","}, [None, None], id="not-available"),
    ],
)  # fmt: skip
def test_values(tmp_path: Path, file: str, fields: list[Field], changes: dict[str, Any], rows: list[Any]) -> None:
    found, delivery = result(tmp_path, file, *fields, **changes)
    assert [row[0] for row in found] == rows, delivery.explanation


@pytest.mark.parametrize(
    ("file", "field", "changes", "notice"),
    [
        ("B04.csv", number("v", group_char="."), {}, "column 'v': 1 numbers are written unusually; the first: record 6, ',2' read as 0.2"),
        ("R30.csv", number("result", decimal_char=".", group_char=","), {"delimiter": ","}, "column 'result': 1 numbers are written unusually; the first: record 3, '20, 342' read as 20342"),
        ("B44.xlsx", number("menot", missing_values=("", "n/a")), {}, "column 'menot': number stored as text: B2, B4"),
        ("B18.csv", Field("kunta", pattern="[0-9]{4}"), {}, "column 'kunta': codes that lost their leading zeros are filled up to 4 digits: record 2 and 1 more"),
        ("B48.xls", number("a"), {}, "B48.xls is XLSX by its content, and was opened as such"),
    ],
)  # fmt: skip
def test_notice(tmp_path: Path, file: str, field: Field, changes: dict[str, Any], notice: str) -> None:
    _, delivery = result(tmp_path, file, field, **changes)
    assert notice in [item.message for item in delivery.notices]


def test_empty_file(tmp_path: Path) -> None:
    _, delivery = result(tmp_path, "B24.csv", Field("a"))
    assert delivery.explanation == "file is empty (0 bytes)"


def test_not_calculated_names_its_cell(tmp_path: Path) -> None:
    _, delivery = result(tmp_path, "B06.xlsx", number("n", header="2026"))
    (reject,) = delivery.rejects
    assert (reject.cell, reject.value, reject.reason.partition(":")[0]) == ("Sheet!B4", "=SUM(B2:B3)", "not calculated")


def test_same_key_with_another_day_is_shown_and_counted_once(tmp_path: Path) -> None:
    rows, delivery = result(tmp_path, "B34.csv", Field("näyte"), Field("pvm", FieldType.DATE), primary_key=("näyte",))
    assert rows == [("17", date(2022, 10, 24))]
    assert [item.reason for item in delivery.rejects] == ["same key as record 2 with other values"]
