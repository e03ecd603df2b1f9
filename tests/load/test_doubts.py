"""What is told of deliveries that break nothing: months without rows, and rows that are the same (R38)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType
from tulosvahti.core.period import Grain
from tulosvahti.core.text import Text
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

FIELDS = (Field("booked", FieldType.DATE), Field("account"), Field("euros", FieldType.NUMBER))


def taken(root: Path, lines: list[str], **changes: Any) -> Delivery:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / "bookings.csv").write_text("booked,account,euros\n" + "\n".join(lines) + "\n", encoding="utf-8")
    base: dict[str, Any] = {"period": "booked", "frequency": Grain.MONTH, "grace": timedelta(30)}
    contract = Contract("bookings", Text(), "bookings.csv", FIELDS, Place("inputs/bookings.yaml"), **(base | changes))
    return take(contract, root, date(2026, 3, 9)).delivery


def months(*left_out: str) -> list[str]:
    every = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)][:-1]
    return [f"{month}-15,4300,10.00" for month in every if month not in left_out]


def test_r38_over_its_own_figures(tmp_path: Path) -> None:
    report = json.loads((Path(__file__).parent / "sheets" / "data" / "R38.json").read_text(encoding="utf-8"))["report"]
    run, latest = date.fromisoformat(report["run"]), date.fromisoformat(report["latest_period"])
    assert (run - latest).days == report["freshness_days"]
    rows, copies = (report[name] // 10_000 for name in ("rows", "duplicate_fingerprints"))
    every = [line for line in months() if line < latest.isoformat()[:7] + "~"]
    lines = [line for at, line in enumerate(every) if at not in {5, 17}]
    lines += [f"{latest:%Y-%m}-01,{at},1" for at in range(rows - copies - len(lines))] + [lines[0]] * copies
    delivery = taken(tmp_path, lines)
    assert delivery.state is DeliveryState.LATE
    assert "it was due to reach 2026-01-31" in delivery.explanation
    notices = "\n".join(notice.message for notice in delivery.notices)
    assert f"{report['missing_months']} of 35 periods have no row" in notices
    assert f"{copies} of {rows} rows are exact copies" in notices
    assert delivery.rows == rows


def test_r38_late_content_names_its_limit_missing_months_are_named_and_copies_counted(tmp_path: Path) -> None:
    lines = months("2023-08", "2024-02")
    delivery = taken(tmp_path, [*lines, lines[0], lines[0], lines[5]])
    assert delivery.state is DeliveryState.LATE
    assert delivery.explanation == "content reaches 2025-11-30; it was due to reach 2026-01-31 (one delivery a month, 30 days of grace)"
    notices = [notice.message for notice in delivery.notices]
    assert "2 of 35 periods have no row: 2023-08, 2024-02" in notices
    assert any(notice.startswith("3 of 36 rows are exact copies of another row; all are counted") for notice in notices)
    assert delivery.rows == 36
    assert not delivery.rejects


def test_with_a_key_copies_are_one_row_as_before(tmp_path: Path) -> None:
    lines = months()
    delivery = taken(tmp_path, [*lines, lines[0]], primary_key=("booked", "account"))
    assert delivery.rows == len(lines)
    assert [notice.message for notice in delivery.notices] == ["1 rows are exact copies of earlier rows and are counted once"]


@pytest.mark.parametrize("changes", [{"frequency": None, "grace": None}, {"frequency": Grain.DAY}, {"frequency": Grain.YEAR}, {"no_rows_means_none": True}])
def test_where_no_gap_can_be_told_none_is(tmp_path: Path, changes: dict[str, Any]) -> None:
    delivery = taken(tmp_path, months("2023-08"), **changes)
    assert not any("have no row" in notice.message for notice in delivery.notices)


def test_many_gaps_are_counted_and_the_first_named(tmp_path: Path) -> None:
    days = [f"{year}-{month:02}-15,1,{year}{month}" for year in range(2005, 2026) for month in range(1, 13) if month < 10 or year > 2009]
    delivery = taken(tmp_path, days)
    (notice,) = [notice.message for notice in delivery.notices if "have no row" in notice.message]
    assert notice.startswith("15 of 252 periods have no row: 2005-10, 2005-11")
    assert notice.endswith("and 3 more")


def test_where_most_periods_are_empty_that_is_how_it_is(tmp_path: Path) -> None:
    delivery = taken(tmp_path, ["2020-01-31,1,1", "2025-12-31,1,1"])
    assert not any("have no row" in notice.message for notice in delivery.notices)


def test_a_date_that_is_centuries_off_makes_no_list_of_gaps(tmp_path: Path) -> None:
    delivery = taken(tmp_path, ["0203-01-31,1,1", "2025-12-31,1,1"])
    assert not any("have no row" in notice.message for notice in delivery.notices)
