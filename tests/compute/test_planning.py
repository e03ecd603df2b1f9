"""Planned and unplanned measuring give the same numbers: a rule's own query is the oracle of the plan."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.compute import planning
from tulosvahti.compute.measuring import DuckEngine, NotComputedError
from tulosvahti.compute.parts_sql import has_row_value
from tulosvahti.core import expression
from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, RowsSpec, TargetSpec
from tulosvahti.core.text import Text
from tulosvahti.load.frames import column_of_values
from tulosvahti.problem import Place

AS_OF = date(2024, 2, 15)
FIELDS = (
    Field("centre"),
    Field("grade"),
    Field("n", FieldType.INTEGER, minimum=Decimal(-3), maximum=Decimal(9)),
    Field("fee", FieldType.NUMBER),
    Field("ok", FieldType.BOOLEAN),
    Field("done", FieldType.DATE),
    Field("seen", FieldType.DATE),
    Field("year", FieldType.YEAR),
)


def contract_of(known_on: str = "") -> Contract:
    return Contract("data", Text("data"), "data.csv", FIELDS, Place("inputs/data.yaml"), known_on=known_on)


CENTRES = ("Häme", "Åland", "Kainuu", "Ha\u0308me", "häme", "O'Neill", "")
DAYS = st.sampled_from(
    [date(2022, 12, 31), date(2023, 1, 1), date(2023, 1, 2), date(2023, 6, 30), date(2023, 7, 1), date(2024, 2, 15), date(2024, 2, 16)]
)
VALUES = {
    "centre": st.sampled_from(CENTRES),
    "grade": st.sampled_from("ABCD"),
    "n": st.integers(-3, 9),
    "fee": st.decimals(-(10**15), 10**15, places=3) | st.sampled_from([Decimal("0.1"), Decimal("0.2"), Decimal("0.005")]),
    "ok": st.booleans(),
    "done": DAYS,
    "seen": DAYS,
    "year": st.integers(2022, 2024),
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()} | {"rejected": st.integers(0, 6).map(lambda n: n == 0)})

NUMBERS = ("n", "fee", "fee - n", "n * 2", "CASE WHEN ok THEN fee END", "coalesce(n, 0)", "length(centre)", "abs(fee)")
CONDITIONS = (
    "ok", "NOT ok", "n >= 4", "grade IN ('A', 'B')", "centre = 'Häme'", "done <= seen", "done < as_of", "fee > 0 OR ok",
    "year = 2023", "upper(centre) = 'HÄME'", "TRUE", "NULL", "done >= period_start", "centre LIKE 'H%'", "grade IS NULL",
)  # fmt: skip
FILTERS = (
    None, "ok", "n > 2", "year = 2023", "year IN (2022, 2024)", "centre IN ('Häme', 'Åland') AND ok", "grade = 'A' AND (n >= 0 AND ok)",
    "centre = 'Häme' OR grade = 'A'", "NOT centre = 'Häme'", "n = 3", "done <= period_end", "'Åland' = centre AND n < 5 AND grade = 'B'",
    *(f"centre = '{name.replace(chr(39), chr(39) * 2)}'" for name in CENTRES),
)  # fmt: skip
AGGREGATES = (
    "sum(fee)", "avg(fee)", "sum(fee) / count(*)", "sum(n) / sum(fee)", "max(fee) - min(n)", "count(ok) / count(*)",
    "avg(n) * 2 + count(DISTINCT centre)", "sum(CASE WHEN done < as_of THEN 1 ELSE 0 END) / count(n)", "sum(n * 1e1)", "min(fee)", "count(DISTINCT grade)",
)  # fmt: skip


@st.composite
def targets(draw: st.DrawFn) -> TargetSpec:
    kinds = contract_of().kinds
    kind = draw(st.sampled_from(MeasureKind))
    day = draw(st.sampled_from(["done", "done", "seen", "year"] + ([] if kind is MeasureKind.LATEST else [""])))
    if kind is MeasureKind.COUNT:
        text = draw(st.sampled_from(["", "centre IS NOT NULL", '"fee" IS NOT NULL']))
        read = expression.parse_condition(text, kinds) if text else None
    elif kind in {MeasureKind.DISTINCT, MeasureKind.LATEST}:
        read = expression.parse(draw(st.sampled_from(["n", "fee"])), kinds)
    elif kind is MeasureKind.SHARE:
        read = expression.parse_condition(draw(st.sampled_from(CONDITIONS)), kinds)
    elif kind in {MeasureKind.RATIO, MeasureKind.VALUE}:
        read = expression.parse_aggregate(draw(st.sampled_from(AGGREGATES)), kinds)
    else:
        read = expression.parse_number(draw(st.sampled_from(NUMBERS)), kinds)
    where = draw(st.sampled_from(FILTERS))
    by = draw(st.sampled_from([(), (), ("centre",), ("grade", "centre"), ("n",), ("fee",), ("ok", "done")]))
    skip = read is not None and has_row_value(Measure("data", kind, read)) and draw(st.booleans())
    scope = expression.parse_condition(where, kinds) if where else None
    measure = Measure("data", kind, read, scope, day, by, skip_missing=skip)
    return TargetSpec(measure, Grain.YEAR if day in {"", "year"} else draw(st.sampled_from(Grain)))


@st.composite
def conditions(draw: st.DrawFn) -> RowsSpec:
    kinds = contract_of().kinds
    require = draw(st.sampled_from([text for text in CONDITIONS if "period" not in text]))
    where = draw(st.sampled_from([text for text in FILTERS if not text or "period" not in text]))
    return RowsSpec(
        "data",
        expression.parse_condition(require, kinds),
        expression.parse_condition(where, kinds) if where else None,
        draw(st.sampled_from(["unknown", "fail", "pass"])),
        draw(st.sampled_from([(), ("centre",), ("n", "done")])),
    )


def frame_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    columns = [column_of_values(item, [row[item.name] for row in rows]) for item in FIELDS]
    places = pl.Series("__row", range(2, len(rows) + 2), dtype=pl.Int64)
    return pl.DataFrame([*columns, places, pl.Series("__rejected", [row["rejected"] for row in rows], dtype=pl.Boolean)])


def found(engine: DuckEngine, spec: TargetSpec | RowsSpec) -> object:
    try:
        if isinstance(spec, RowsSpec):
            return engine.rows(spec)
        measured = engine.measure(spec)
    except NotComputedError:
        return "not computed"
    groups = {(subject, period): (parts, tuple(parts.values)) for subject, period, parts in measured.groups}
    assert len(groups) == len(measured.groups)
    return groups, measured.sql


def agree(frame: pl.DataFrame, contract: Contract, specs: list[TargetSpec | RowsSpec]) -> DuckEngine:
    """Measure with a plan and without; give the engine that planned, closed."""
    with closing(DuckEngine({"data": frame}, {"data": contract}, AS_OF)) as plain:
        expected = [found(plain, spec) for spec in specs]
    with closing(DuckEngine({"data": frame}, {"data": contract}, AS_OF)) as engine:
        engine.prepare(specs)
        for spec, wanted in zip(specs, expected, strict=True):
            assert found(engine, spec) == wanted, engine.query_of(spec)
    return engine


@pytest.mark.parametrize("limits", [{}, {"MOST_PARTS": 4}, {"MOST_VALUES": 2, "MOST_CELLS": 12, "FEW_FILTERS": 1}], ids=["as is", "few parts", "few cells"])
def test_a_plan_gives_what_the_rules_own_queries_give(limits: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(planning, name, value)
    planned = 0

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(ROW, max_size=40),
        st.lists(targets() | conditions(), min_size=6, max_size=14),
        st.sampled_from(["", "seen"]),
    )
    def same(rows: list[dict[str, object]], specs: list[TargetSpec | RowsSpec], known_on: str) -> None:
        nonlocal planned
        engine = agree(frame_of(rows), contract_of(known_on), specs)
        planned += sum(len(run.done.read) for run in engine.passes)

    same()
    assert planned > 50


def share(text: str, where: str = "", by: tuple[str, ...] = ()) -> TargetSpec:
    kinds = contract_of().kinds
    scope = expression.parse_condition(where, kinds) if where else None
    measure = Measure("data", MeasureKind.SHARE, expression.parse_condition(text, kinds), scope, "done", by)
    return TargetSpec(measure, Grain.YEAR)


def rows_of(count: int) -> list[dict[str, object]]:
    return [
        {
            "centre": CENTRES[at % 5], "grade": "ABCD"[at % 4], "n": at % 10 - 1, "fee": Decimal(at) / 100, "ok": at % 3 > 0,
            "done": date(2023, at % 12 + 1, 1), "seen": date(2023, 1, 1), "year": 2023, "rejected": False,
        }
        for at in range(count)
    ]  # fmt: skip


def test_a_thousand_rules_are_one_query_of_few_parts() -> None:
    values = [f"n >= {at}" for at in range(5)]
    specs: list[TargetSpec | RowsSpec] = [share(text, f"centre = '{name}'") for text in values for name in CENTRES[:5]]
    engine = agree(frame_of(rows_of(200)), contract_of(), specs)
    (run,) = engine.passes
    assert len(run.done.read) == len({engine.query_of(spec) for spec in specs}) == 25
    # One count of all rows, and a count of true and one of false for each predicate.
    assert len(run.done.parts) - run.done.sql.splitlines()[-1].count("k") == 1 + 2 * len(values)
    assert "FILTER" not in run.done.sql


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
