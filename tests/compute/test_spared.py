"""Doubles and footers: what is found without reading, or without a table of all keys, is what the rule's own query finds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measurements import (
    AS_OF,
    KEYS,
    REFERENCES,
    ROW,
    conditions,
    contract_of,
    found,
    frame_of,
    other_rows,
    rows_of,
    targets,
)

from tulosvahti.compute import footer_answers, sampling, spared, uniqueness
from tulosvahti.compute.engine import Engine
from tulosvahti.compute.measuring import DuckDatabase, DuckEngine
from tulosvahti.core import expression
from tulosvahti.core.kept_rows import KeptRows
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, Reference, RowsSpec, TargetSpec

KINDS = contract_of().kinds


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every input for a large one, of small row groups and short bit strings."""
    monkeypatch.setattr(spared, "LARGE", 0)
    monkeypatch.setattr("tulosvahti.compute.engine.FOLDED", 0)
    monkeypatch.setattr(uniqueness, "_BITS", 4)
    monkeypatch.setattr(sampling, "SAMPLED", 20)


def numbered(rows: list[dict[str, object]], gap: int) -> pl.DataFrame:
    """Make a frame of rows, of which some numbers are left out from a place on."""
    frame = frame_of(rows)
    return frame.with_columns(pl.when(pl.int_range(pl.len()) >= gap).then(pl.col("__row") + 3).otherwise("__row").alias("__row")) if gap else frame


def engine_of(folder: Path, tables: dict[str, list[dict[str, object]]], gap: int = 0) -> Engine:
    """Open rows as files of many row groups."""
    kept = {}
    for name, rows in tables.items():
        numbered(rows, gap).write_parquet(folder / f"{name}.parquet", row_group_size=5)
        kept[name] = KeptRows(folder / f"{name}.parquet", len(rows))
    contracts = {name: replace(contract_of(), name=name) for name in tables}
    return Engine(DuckDatabase(kept), contracts, AS_OF, {name: len(rows) for name, rows in tables.items()})


def agree(folder: Path, specs: list[TargetSpec | RowsSpec], rows: list[dict[str, object]], gap: int = 0) -> Engine:
    """Hold the plan over files against one query a rule over frames."""
    tables = {"data": rows, "other": other_rows(rows)}
    contracts = {name: replace(contract_of(), name=name) for name in tables}
    with closing(DuckEngine({name: numbered(some, gap) for name, some in tables.items()}, contracts, AS_OF)) as plain:
        expected = [found(plain, spec) for spec in specs]
    with closing(engine_of(folder, tables, gap)) as engine:
        engine.prepare(specs)
        for spec, wanted in zip(specs, expected, strict=True):
            assert found(engine, spec) == wanted, engine.query_of(spec)
    return engine


def unique(*fields: str, where: str = "", missing: str = "unknown") -> RowsSpec:
    return RowsSpec("data", None, expression.parse_condition(where, KINDS) if where else None, missing, ("n",), unique=fields)


def test_drawn_measurements_are_the_same_over_files(tmp_path: Path) -> None:
    hows: set[str] = set()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ROW, min_size=1, max_size=40), st.lists(conditions() | targets(), min_size=3, max_size=9), st.booleans())
    def same(rows: list[dict[str, object]], specs: list[TargetSpec | RowsSpec], ordered: bool) -> None:
        if ordered:
            rows = sorted(rows, key=lambda row: (row["n"] is None, row["n"] or 0))
        hows.update(step.how for step in agree(tmp_path, specs, rows).steps)

    same()
    for how in ("neighbours", "hashes", "one query"):
        assert any(how in item for item in hows), hows


@pytest.mark.parametrize(("order", "hows"), [
    ("ascending", ["neighbours in the order of the file"]), ("shuffled", ["bit strings"]),
    ("nearly", ["neighbours in the order of the file", "bit strings"]), ("sparse", ["hashes, sorted"]),
])  # fmt: skip
@pytest.mark.parametrize("doubles", [0, 1, 3])
def test_the_cheapest_test_that_can_tell_is_taken(tmp_path: Path, order: str, hows: list[str], doubles: int) -> None:
    numbers = list(range(-20, 60))
    numbers[10 : 10 + doubles] = [numbers[9]] * doubles
    if order in {"shuffled", "sparse"}:
        numbers = numbers[::2] + numbers[1::2][::-1]
    if order == "nearly":
        numbers[1:4] = numbers[3:0:-1]
    if order == "sparse":
        numbers = [number * 10**6 for number in numbers]
    rows = [rows_of(1)[0] | {"n": number, "ok": at % 2 > 0, "rejected": at == 50} for at, number in enumerate(numbers)]
    specs: list[TargetSpec | RowsSpec] = [unique("n"), unique("n", where="ok"), unique("n", where="n > 0", missing="fail")]
    engine = agree(tmp_path, specs, rows)
    assert [step.how.removeprefix("for unique (n) by ") for step in engine.steps if "unique" in step.how] == hows
    if not doubles:
        assert not engine._answers, "no rule asked by itself"
    assert engine.query_of(specs[0]) not in engine._answers, "the table of all keys was spared"


def test_many_doubles_are_left_to_the_rules_own_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniqueness, "MOST_DOUBLES", 3)
    rows = [rows_of(1)[0] | {"n": at // 2, "fee": Decimal(at // 2)} for at in range(40)]
    specs: list[TargetSpec | RowsSpec] = [unique("n"), unique("fee"), unique("fee", "n")]
    engine = agree(tmp_path, specs, rows)
    assert {engine.query_of(spec) for spec in specs} <= engine._answers.keys()


@pytest.mark.parametrize(("gap", "whole"), [(0, True), (10, False), (12, False), (39, False)])
def test_failing_rows_are_read_by_their_places_where_their_numbers_tell_them(tmp_path: Path, gap: int, whole: bool) -> None:
    specs: list[TargetSpec | RowsSpec] = [RowsSpec("data", expression.parse_condition(text, KINDS), key=("n", "done")) for text in ("n < 6", "fee < 0.20")]
    engine = agree(tmp_path, specs, rows_of(40), gap)
    assert (engine._spared.first_row("data") == 2) is whole
    assert len(engine.passes) == 1


@pytest.mark.parametrize("most", [0, 3, 100])
def test_rows_that_may_be_doubles_are_looked_at_where_they_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(spared, "MOST_ROWS", most)
    rows = [rows_of(1)[0] | {"n": None if at % 7 == 3 else at if at % 5 else 20, "ok": at % 3 > 0, "rejected": at == 8} for at in range(60)]
    specs: list[TargetSpec | RowsSpec] = [unique("n", where=where, missing=missing) for where in ("", "ok", "n < 30", "NOT ok") for missing in ("unknown", "fail")]
    engine = agree(tmp_path, specs, rows)
    assert bool({engine.query_of(spec) for spec in specs} & engine._answers.keys()) is (most < 10)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("reference", REFERENCES)
def test_bits_tell_which_whole_numbers_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: Reference, wide: bool) -> None:
    rows = [row | {"n": None if at % 9 == 0 else 10**15 if at % 12 == 1 else at % 14 - 3, "fee": Decimal(at)} for at, row in enumerate(rows_of(40))]
    specs: list[TargetSpec | RowsSpec] = [
        RowsSpec("data", None, expression.parse_condition(where, KINDS), missing, ("n",), references=reference)
        for where in ("ok", "TRUE") for missing in ("unknown", "fail", "pass")
    ]  # fmt: skip
    if wide:
        monkeypatch.setattr(footer_answers, "_MOST_BITS", 1)
    told = reference in {REFERENCES[0], REFERENCES[3]} and not (wide and reference.input == "other")
    (run,) = agree(tmp_path, specs, rows).passes
    assert ("get_bit" in run.done.sql) is told
    # A partner that may be a reject is another matter.
    (run,) = agree(tmp_path, specs, [rows[0] | {"rejected": True}, *rows]).passes
    assert "get_bit" not in run.done.sql


@pytest.mark.parametrize("fields", KEYS)
def test_rows_without_their_key_are_what_the_strategy_says(tmp_path: Path, fields: tuple[str, ...]) -> None:
    rows = [row | {name: None for name in fields if at % 4 == 0} for at, row in enumerate(rows_of(30))]
    specs: list[TargetSpec | RowsSpec] = [unique(*fields, missing=missing) for missing in ("unknown", "fail", "pass")]
    agree(tmp_path, specs, rows)


@pytest.mark.parametrize(("text", "told"), [
    ("n IS NOT NULL", True), ("n BETWEEN -1 AND 8", True), ("n BETWEEN 0 AND 8", False), ("n >= -1 AND fee < 0.30", True), ("fee < 0.29", False),
    ("done >= DATE '2023-01-01'", True), ("done > DATE '2023-01-01'", False), ("year <= 2023 AND NOT (done IS NULL)", True),
    ("grade IS NOT NULL", True), ("grade >= 'A'", False), ("ok IS NOT NULL", True), ("n >= -1 OR ok", False), ("n = n", False), ("seen IS NULL", False),
])  # fmt: skip
def test_a_footer_tells_what_all_rows_meet(tmp_path: Path, text: str, told: bool) -> None:
    spec = RowsSpec("data", expression.parse_condition(text, KINDS), key=("n",))
    engine = agree(tmp_path, [spec], rows_of(30))
    assert [step.how for step in engine.steps] == (["told by the footer of the file"] if told else [])
    assert bool(engine._answers) is not told
    # A reject, a null, or a scope: the rows are read.
    for change in ({"rejected": True}, {"n": None, "fee": None, "done": None, "year": None, "grade": None, "ok": None}):
        assert not agree(tmp_path, [spec], [*rows_of(30), rows_of(1)[0] | change]).steps
    assert not agree(tmp_path, [replace(spec, where=expression.parse_condition("ok", KINDS))], rows_of(30)).steps


@pytest.mark.parametrize(("grain", "told"), [(Grain.YEAR, True), (Grain.QUARTER, True), (Grain.WEEK, False)])
def test_all_rows_of_a_period_are_counted_in_the_footer(tmp_path: Path, grain: Grain, told: bool) -> None:
    rows = [row | {"done": date(2022, 12, 25) + timedelta(days=at * 2), "rejected": False} for at, row in enumerate(rows_of(260))]
    spec = TargetSpec(Measure("data", MeasureKind.COUNT, None, None, "done"), grain)
    every = TargetSpec(Measure("data", MeasureKind.COUNT, None), Grain.YEAR)
    engine = agree(tmp_path, [spec, every], rows)
    assert [step.how for step in engine.steps].count("told by the footer of the file") == 1 + told or not told
    if told:
        assert all("BETWEEN" in sql for sql in engine._answers), "only the row groups of two periods are read"
    agree(tmp_path, [spec, every], [*rows, rows[0] | {"done": None}, rows[0] | {"rejected": True}])
