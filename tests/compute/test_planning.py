"""Planned and unplanned measuring give the same numbers: a rule's own query is the oracle of the plan."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measurements import (
    AS_OF,
    CENTRES,
    ROW,
    conditions,
    contract_of,
    found,
    frame_of,
    other_rows,
    rows_of,
    share,
    targets,
)

from tulosvahti.compute import folding, planning
from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.core import expression
from tulosvahti.core.contract import Contract
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, RowsSpec, TargetSpec


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fold the conditions of a few rows, too."""
    monkeypatch.setattr("tulosvahti.compute.engine.FOLDED", 0)


def agree(frame: pl.DataFrame, contract: Contract, specs: list[TargetSpec | RowsSpec], other: pl.DataFrame | None = None) -> DuckEngine:
    """Measure with a plan and without; give the engine that planned, closed."""
    tables = {"data": frame} | ({} if other is None else {"other": other})
    contracts = {name: replace(contract, name=name) for name in tables}
    with closing(DuckEngine(tables, contracts, AS_OF)) as plain:
        expected = [found(plain, spec) for spec in specs]
    with closing(DuckEngine(tables, contracts, AS_OF)) as engine:
        engine.prepare(specs)
        for spec, wanted in zip(specs, expected, strict=True):
            assert found(engine, spec) == wanted, engine.query_of(spec)
    return engine


@pytest.mark.parametrize("limits", [
    {}, {"planning.MOST_PARTS": 4}, {"planning.MOST_VALUES": 2, "planning.MOST_CELLS": 12, "planning.FEW_COMPARED": 1},
    {"folding.MOST_GROUPS": 0}, {"folding.MOST_GROUPS": 30, "planning.FEW_COMPARED": 1},
], ids=["as is", "few parts", "few cells", "nothing folded", "some folded"])  # fmt: skip
def test_a_plan_gives_what_the_rules_own_queries_give(limits: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(f"tulosvahti.compute.{name}", value)
    planned = 0

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(ROW, max_size=40),
        st.lists(targets() | conditions(), min_size=6, max_size=14),
        st.sampled_from(["", "seen"]),
    )
    def same(rows: list[dict[str, object]], specs: list[TargetSpec | RowsSpec], known_on: str) -> None:
        nonlocal planned
        engine = agree(frame_of(rows), contract_of(known_on), specs, frame_of(other_rows(rows)))
        planned += sum(len(run.done.read) for run in engine.passes)

    same()
    assert planned > 50


@pytest.mark.parametrize("by", [(), ("grade",)])
def test_what_is_hidden_and_how_many_cases_rows_stand_for_are_planned(by: tuple[str, ...]) -> None:
    rows = [{**row, "fee": None, "n": at % 5} for at, row in enumerate(rows_of(60))]
    made = [
        (MeasureKind.MEAN, expression.parse_number("fee", contract_of().kinds)),
        (MeasureKind.VALUE, expression.parse_aggregate("sum(fee) / count(*)", contract_of().kinds)),
        (MeasureKind.LATEST, expression.parse("fee", contract_of().kinds)),
    ]
    engine = agree(frame_of(rows), contract_of(), [TargetSpec(Measure("data", kind, read, None, "done", by, cases="n"), Grain.YEAR) for kind, read in made])
    assert sum(len(run.done.read) for run in engine.passes) == len(made)
    assert all({"cases", "cases_missing", "hidden"} <= {name for name, *_ in recipe.values} for run in engine.passes for _, recipe in run.done.read.values())


def test_a_thousand_rules_are_one_query_of_few_parts() -> None:
    values = [f"n >= {at}" for at in range(5)]
    specs: list[TargetSpec | RowsSpec] = [share(text, f"centre = '{name}'") for text in values for name in CENTRES[:5]]
    engine = agree(frame_of(rows_of(200)), contract_of(), specs)
    (run,) = engine.passes
    assert len(run.done.read) == len({engine.query_of(spec) for spec in specs}) == 25
    # One count of all rows, and a count of true and one of false for each predicate.
    assert len(run.done.parts) - run.done.sql.splitlines()[-1].count("k") == 1 + 2 * len(values)
    assert "FILTER" not in run.done.sql


def test_conditions_are_told_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = contract_of().kinds
    rows = [row | {"done": date(2022 + at % 3, 1 + at % 12, 1), "centre": None if at % 11 == 3 else row["centre"]} for at, row in enumerate(rows_of(400))]
    texts = ["n >= 2", "ok", "centre IN ('Häme', 'Kainuu', 'x')", "length(centre) > 4", "length(centre) > 5 OR ok", "year(done) <> 2023", "year(done) = 2022 OR centre = 'Åland'", "done < seen"]
    wheres = [None, "centre = 'Häme'", "year(done) = 2023", "ok AND n < 7", "fee > 1"]
    specs: list[TargetSpec | RowsSpec] = [
        RowsSpec("data", expression.parse_condition(text, kinds), expression.parse_condition(where, kinds) if where else None, missing, ("n", "done"))
        for text in texts for where in wheres for missing in ("unknown", "fail")
    ]  # fmt: skip
    specs += [share(text, f"centre = '{name}'") for text in texts for name in CENTRES[:5]]
    monkeypatch.setattr(planning, "MOST_PARTS", 1_000)
    (run,) = agree(frame_of(rows), contract_of(), specs).passes
    of_groups, of_rows = (run.done.sql.index(text) for text in ("SELECT *", "__row,"))
    # Those of keys are asked of the groups, the others once of each row.
    for text in ('LENGTH("centre") > 4', 'YEAR("done") <> 2023', "'x'", 'YEAR("done") = 2022 OR "centre"'):
        assert of_groups < run.done.sql.index(text) < of_rows, text
    assert run.done.sql.count('"n" >= 2') == 2, "once for each strategy for missing operands"
    monkeypatch.setattr(folding, "MOST_GROUPS", 60)
    (run,) = agree(frame_of(rows), contract_of(), specs).passes
    assert "count(CASE" in run.done.sql, "some are counted row by row"


def test_a_rule_that_fails_is_unknown_alone() -> None:
    kinds = contract_of().kinds
    huge = Measure("data", MeasureKind.SUM, expression.parse_number("n * 9223372036854775807", kinds), None, "done")
    specs: list[TargetSpec | RowsSpec] = [share("ok"), TargetSpec(huge, Grain.YEAR), share("n > 2"), share("n > 3")]
    frame = frame_of(rows_of(50))
    with closing(DuckEngine({"data": frame}, {"data": contract_of()}, AS_OF)) as engine:
        engine.prepare(specs)
        assert found(engine, specs[1]) == "not computed"
        assert [spec for spec in specs if any(engine.query_of(spec) in run.done.read for run in engine.passes)] == [
            specs[0], specs[2], specs[3],
        ]  # fmt: skip
    agree(frame, contract_of(), specs)


def test_subjects_of_many_values_do_not_multiply_the_cells_of_the_others() -> None:
    rows = [row | {"fee": Decimal(at)} for at, row in enumerate(rows_of(1500))]
    specs: list[TargetSpec | RowsSpec] = [share("ok", by=("centre",)), share("ok", by=("fee",)), share("n > 2", by=("grade",))]
    engine = agree(frame_of(rows), contract_of(), specs)
    assert sorted(len(run.done.read) for run in engine.passes) == [1, 2]


def test_sums_of_cells_are_exact_beyond_the_digits_of_a_process() -> None:
    kinds = contract_of().kinds
    rows = [row | {"fee": Decimal("123456789012345678901234567890.01"), "centre": CENTRES[at % 2]} for at, row in enumerate(rows_of(10))]
    total = Measure("data", MeasureKind.SUM, expression.parse_number("fee", kinds), None, "")
    specs: list[TargetSpec | RowsSpec] = [TargetSpec(total, Grain.YEAR), share("ok", by=("centre",))]
    with closing(DuckEngine({"data": frame_of(rows)}, {"data": contract_of()}, AS_OF)) as engine:
        engine.prepare(specs)
        assert len(engine.passes) == 1
        parts = engine.measure(specs[0]).groups[0][2]
    assert parts.values["sum"] == Fraction(10 * 12345678901234567890123456789001, 100)


def test_different_values_and_newest_rows_share_passes_of_their_own() -> None:
    kinds = contract_of().kinds

    def spec(kind: MeasureKind, name: str, grain: Grain, where: str = "", by: tuple[str, ...] = ()) -> TargetSpec:
        scope = expression.parse_condition(where, kinds) if where else None
        return TargetSpec(Measure("data", kind, expression.parse(name, kinds), scope, "done", by), grain)

    specs: list[TargetSpec | RowsSpec] = [
        spec(MeasureKind.DISTINCT, "n", Grain.YEAR), spec(MeasureKind.DISTINCT, "grade", Grain.YEAR, "ok"),
        spec(MeasureKind.DISTINCT, "n", Grain.MONTH, by=("centre",)),
        spec(MeasureKind.LATEST, "n", Grain.YEAR), spec(MeasureKind.LATEST, "fee", Grain.MONTH, "ok"),
        spec(MeasureKind.LATEST, "n", Grain.YEAR, "done < period_end", ("centre",)),
        share("done >= period_start"), share("ok", "done < period_end"),
    ]  # fmt: skip
    engine = agree(frame_of(rows_of(300)), contract_of("seen"), specs)
    assert sorted(len(run.done.read) for run in engine.passes) == [1, 2, 2, 3]
    # As many days as rows: sorting is the better way, and the rules' own queries do it.
    rows = [row | {"n": at, "done": date(1990, 1, 1) + timedelta(days=at)} for at, row in enumerate(rows_of(1500))]
    engine = agree(frame_of(rows), contract_of(), [spec(MeasureKind.LATEST, "fee", Grain.YEAR, by=("n",)), *specs[:2]])
    assert [len(run.done.read) for run in engine.passes] == [2]
