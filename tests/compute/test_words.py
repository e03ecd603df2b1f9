"""Limits in place of numbers: whatever numbers they stand for, the measurement lies in the range that is given for it."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from measurements import AS_OF

from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.compute.remembering import found_of, plain_of
from tulosvahti.core import expression
from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.measure import CENSORED, measured
from tulosvahti.core.period import Grain
from tulosvahti.core.ranges import Range
from tulosvahti.core.rule import Measure, MeasureKind, RowsSpec, TargetSpec
from tulosvahti.core.text import Text
from tulosvahti.core.worded import range_of
from tulosvahti.load.frames import frame_of_values
from tulosvahti.problem import Place

FIELDS = (
    Field("centre"),
    Field("x", FieldType.NUMBER, censored=True, minimum=Decimal(-2), maximum=Decimal(9)),
    Field("y", FieldType.NUMBER, censored=True),
    Field("n", FieldType.INTEGER),
    Field("done", FieldType.DATE),
)
CONTRACT = Contract("data", Text("Data"), "data.csv", FIELDS, Place("inputs/data.yaml", 1, 1), period="done")
CONTRACTS = {"data": CONTRACT}
KINDS = CONTRACT.kinds
NUMBERS = st.integers(-2, 9).map(Decimal)
LIMITS = st.builds(lambda sign, end: f"{sign} {end}", st.sampled_from([">", ">=", "<", "<="]), st.integers(0, 6))
CELLS = st.one_of(NUMBERS, LIMITS, st.none())
ROWS = st.lists(
    st.fixed_dictionaries({
        "centre": st.sampled_from(["Häme", "Kainuu"]), "x": CELLS, "y": CELLS, "n": st.one_of(st.integers(0, 3), st.none()),
        "done": st.sampled_from([date(2023, 1, 1), date(2023, 5, 1), date(2023, 5, 2)]),
    }),
    min_size=1, max_size=6,
)  # fmt: skip


def target(kind: MeasureKind, text: str, where: str = "", *, skip: bool = False, by: tuple[str, ...] = ("centre",)) -> TargetSpec:
    readers = {
        MeasureKind.SHARE: expression.parse_condition, MeasureKind.COUNT: expression.parse_condition, MeasureKind.LATEST: expression.parse,
        MeasureKind.DISTINCT: expression.parse, MeasureKind.RATIO: expression.parse_aggregate, MeasureKind.VALUE: expression.parse_aggregate,
    }  # fmt: skip
    read = readers.get(kind, expression.parse_number)(text, KINDS)
    scope = expression.parse_condition(where, KINDS) if where else None
    return TargetSpec(Measure("data", kind, read, scope, "done", by, skip_missing=skip), Grain.YEAR)


SPECS = [
    target(MeasureKind.SUM, "x"), target(MeasureKind.SUM, "y"), target(MeasureKind.MEAN, "x"), target(MeasureKind.MEAN, "y", skip=True),
    target(MeasureKind.LATEST, "x"), target(MeasureKind.LATEST, "y", "n > 0"), target(MeasureKind.COUNT, '"x" IS NOT NULL'),
    target(MeasureKind.COUNT, "x > 3"), target(MeasureKind.SHARE, "y >= 3"), target(MeasureKind.SHARE, "y >= 3", skip=True),
    target(MeasureKind.SUM, "x + y"), target(MeasureKind.SUM, "coalesce(x, 0)"), target(MeasureKind.MEAN, "n", "x > 2 AND n >= 0"),
    target(MeasureKind.SUM, "n", "x IS NULL"), target(MeasureKind.SUM, "x", "y > 1 OR n = 1"), target(MeasureKind.VALUE, "sum(x)"),
    target(MeasureKind.VALUE, "avg(x)"), target(MeasureKind.VALUE, "min(x)"), target(MeasureKind.VALUE, "max(y)", "n > 0"),
    target(MeasureKind.RATIO, "sum(x) / count(y)"), target(MeasureKind.VALUE, "sum(x) * 2 - sum(y)"), target(MeasureKind.VALUE, "sum(CASE WHEN x > 3 THEN 1 ELSE 0 END)"),
    target(MeasureKind.RATIO, "sum(y) / sum(n)"), target(MeasureKind.DISTINCT, "x"), target(MeasureKind.SUM, "x", by=()), target(MeasureKind.VALUE, "count(x)"),
    target(MeasureKind.SUM, "CASE WHEN y > 3 THEN 1 ELSE 0 END"), target(MeasureKind.SUM, "y", "NOT (x BETWEEN 1 AND 4)"),
]  # fmt: skip
CONDITIONS = [
    RowsSpec("data", expression.parse_condition(text, KINDS), expression.parse_condition(where, KINDS) if where else None, missing)
    for text, where in (("x >= 3", ""), ("x >= 3 AND y < 5", "n > 0"), ("x IS NOT NULL", ""), ("coalesce(x, 0) < 5", "y > 2"))
    for missing in ("unknown", "fail", "pass")
]


def cells(row: dict[str, object]) -> dict[str, object]:
    words = {name: row[name] for name in ("x", "y") if isinstance(row[name], str)}
    return row | dict.fromkeys(words) | {words_of(name): text for name, text in words.items()}


def numbers_for(data: st.DataObject, row: dict[str, object]) -> dict[str, object]:
    made = dict(row)
    for name in ("x", "y"):
        if isinstance(row[name], str):
            found = range_of(row[name]).within(CONTRACT.field(name).possible)
            near = [Decimal(at) + part for at in range(-12, 20) for part in (Decimal(0), Decimal("0.01"), Decimal("0.99"))]
            made[name] = data.draw(st.sampled_from([item for item in near if found.holds(Fraction(item))]))
    return made


def engine_of(rows: list[dict[str, object]]) -> DuckEngine:
    return DuckEngine({"data": frame_of_values(CONTRACT, [cells(row) for row in rows])}, CONTRACTS, AS_OF)


def groups(engine: DuckEngine, spec: TargetSpec):
    return {(subject, period): parts for subject, period, parts in engine.measure(spec).groups}


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.data())
def test_whatever_numbers_the_limits_stand_for(rows, data):
    with closing(engine_of(rows)) as planned, closing(engine_of(rows)) as own, closing(engine_of([numbers_for(data, row) for row in rows])) as known:
        planned.prepare([*SPECS, *CONDITIONS])
        for spec in SPECS:
            found = groups(planned, spec)
            assert found == groups(own, spec), spec.measure
            assert found_of(plain_of(planned.measure(spec)), "").groups == planned.measure(spec).groups
            for key, parts in groups(known, spec).items():
                kind, text = spec.measure.kind, spec.measure.expression
                value, *_ = measured(kind, text, parts, none_is_zero=False)
                limited, spread, reason, _ = measured(kind, text, found[key], none_is_zero=False)
                is_open = limited is None and (reason is None or reason.code != CENSORED)
                assert value is None or is_open or spread.holds(value), (spec.measure, value, spread)
                assert limited is None or limited == value or not spread.is_exact, "an exact value is that of all numbers"
        for rule in CONDITIONS:
            one, two = planned.rows(rule), known.rows(rule)
            assert (one.met, one.failed, one.unknown) == ((again := own.rows(rule)).met, again.failed, again.unknown)
            assert one.met <= two.met
            assert one.failed <= two.failed


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.lists(st.sampled_from([None, "met: Toteutui", "partly_met: osin"]), min_size=6, max_size=6))
def test_verdicts_in_words_by_a_plan_and_without(rows, words):
    rows = [row if said is None else row | {"x": said} for row, said in zip(rows, words, strict=False)]
    with closing(engine_of(rows)) as planned, closing(engine_of(rows)) as own:
        planned.prepare([*SPECS, *CONDITIONS])
        for spec in SPECS:
            assert groups(planned, spec) == groups(own, spec)
            assert found_of(plain_of(planned.measure(spec)), "").groups == planned.measure(spec).groups


@pytest.mark.parametrize(
    ("cells_", "text", "code"),
    [
        (["met: Toteutui"], "sum(x)", "stated"),
        (["partly_met: osin", "partly_met: osittain"], "avg(x)", "stated_partly_met"),
        (["met: Toteutui", "missed: Ei"], "sum(x)", "stated_mixed"),
        (["met: Toteutui", Decimal(4)], "sum(x)", "stated_mixed"),
        (["met: Toteutui", None], "max(x)", "stated_mixed"),
        (["met: Toteutui"], "sum(x) / count(y)", "stated_mixed"),
        (["met: Toteutui"], "sum(x * 2)", CENSORED),
        (["met: Toteutui"], "count(x)", None),
    ],
)  # fmt: skip
def test_verdicts_in_words_alone_and_beside_numbers(cells_, text, code):
    rows = [{"centre": "Häme", "x": cell, "y": Decimal(1), "n": 1, "done": date(2023, 5, 1)} for cell in cells_]
    spec = target(MeasureKind.VALUE, text)
    with closing(engine_of(rows)) as engine:
        ((_, _, parts),) = engine.measure(spec).groups
        value, _, reason, _ = measured(MeasureKind.VALUE, spec.measure.expression, parts, none_is_zero=False)
    assert (reason.code if reason else None) == code
    assert value == (None if code else 1)


@pytest.mark.parametrize(
    ("cells_", "kind", "text", "spread"),
    [
        (["< 4"], MeasureKind.SUM, "y", Range(None, Fraction(4), high_open=True)),
        (["< 4"], MeasureKind.SUM, "x", Range(Fraction(-2), Fraction(4), high_open=True)),
        (["< 4", Decimal(3)], MeasureKind.SUM, "y", Range(None, Fraction(7), high_open=True)),
        (["<= 4", Decimal(2)], MeasureKind.MEAN, "y", Range(None, Fraction(3))),
        ([">= 4", Decimal(2)], MeasureKind.VALUE, "max(y)", Range(Fraction(4), None)),
        (["> 4", "<= 9"], MeasureKind.VALUE, "avg(y)", Range(None, None)),
        (["> 4"], MeasureKind.LATEST, "y", Range(Fraction(4), None, low_open=True)),
        (["> 4"], MeasureKind.RATIO, "sum(y) / count(y)", Range(Fraction(4), None, low_open=True)),
    ],
)  # fmt: skip
def test_ranges_of_measures(cells_, kind, text, spread):
    rows = [{"centre": "Häme", "x": cell, "y": cell, "n": 1, "done": date(2023, 5, 1)} for cell in cells_]
    with closing(engine_of(rows)) as engine:
        ((_, _, parts),) = engine.measure(target(kind, text)).groups
        value, found, reason, _ = measured(kind, target(kind, text).measure.expression, parts, none_is_zero=False)
    assert (value, found) == (None, spread)
    assert reason is not None
    assert (reason.code, dict(reason.details)["bounds"]) == (CENSORED, spread.text)
    assert parts.unknown_rows == 0
