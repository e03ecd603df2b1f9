"""Measurements over one input with every type, and rows for it: drawn, and made."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
from hypothesis import strategies as st

from tulosvahti.compute.engine import Engine
from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.parts_sql import has_row_value
from tulosvahti.core import expression
from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.kept_rows import hidden_column
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, Reference, RowsSpec, TargetSpec
from tulosvahti.core.text import Text
from tulosvahti.load.frames import column_of_values
from tulosvahti.problem import Place

AS_OF = date(2024, 2, 15)
FIELDS = (
    Field("centre"),
    Field("grade"),
    Field("n", FieldType.INTEGER, minimum=Decimal(-3), maximum=Decimal(9)),
    Field("fee", FieldType.NUMBER, missing_values=("", ".."), hidden_values=("..",)),
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

KEYS = (("n",), ("centre", "n"), ("fee",), ("done",), ("grade", "ok", "year"), ("centre", "seen"), ("year",))
REFERENCES = (
    Reference(("n",), "other", ("n",)), Reference(("centre",), "other", ("centre",)), Reference(("grade", "n"), "other", ("grade", "n")),
    Reference(("n",), "data", ("year",)), Reference(("done", "ok"), "data", ("seen", "ok")), Reference(("fee",), "other", ("n",)),
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
    measure = Measure("data", kind, read, scope, day, by, skip_missing=skip, cases=draw(st.sampled_from(["", "", "n"])))
    return TargetSpec(measure, Grain.YEAR if day in {"", "year"} else draw(st.sampled_from(Grain)))


@st.composite
def conditions(draw: st.DrawFn) -> RowsSpec:
    kinds = contract_of().kinds
    require = draw(st.sampled_from([text for text in CONDITIONS if "period" not in text]))
    where = draw(st.sampled_from([text for text in FILTERS if not text or "period" not in text]))
    kind = draw(st.sampled_from(["require", "require", "unique", "references"]))
    return RowsSpec(
        "data",
        expression.parse_condition(require, kinds) if kind == "require" else None,
        expression.parse_condition(where, kinds) if where else None,
        draw(st.sampled_from(["unknown", "fail", "pass"])),
        draw(st.sampled_from([(), ("centre",), ("n", "done")])),
        draw(st.sampled_from(KEYS)) if kind == "unique" else (),
        draw(st.sampled_from(REFERENCES)) if kind == "references" else None,
    )


def other_rows(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give rows of an input that the others refer to: some of theirs, and one of its own."""
    return [*rows[::3], dict.fromkeys(rows[0]) | {"n": 5, "grade": "D", "centre": "Åland", "rejected": False}] if rows else []


def hides(row: dict[str, object]) -> bool | None:
    """Tell whether the source hides a row's fee; null is false."""
    return True if row["fee"] is None and row["n"] in {1, 2, 3, 5} else None


def frame_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    columns = [column_of_values(item, [row[item.name] for row in rows]) for item in FIELDS]
    places = pl.Series("__row", range(2, len(rows) + 2), dtype=pl.Int64)
    hidden = pl.Series(hidden_column("fee"), [hides(row) for row in rows], dtype=pl.Boolean)
    return pl.DataFrame([*columns, hidden, places, pl.Series("__rejected", [row["rejected"] for row in rows], dtype=pl.Boolean)])


def found(engine: Engine, spec: TargetSpec | RowsSpec) -> object:
    try:
        if isinstance(spec, RowsSpec):
            return engine.rows(spec)
        measured = engine.measure(spec)
    except NotComputedError:
        return "not computed"
    groups = {(subject, period): (parts, tuple(parts.values)) for subject, period, parts in measured.groups}
    assert len(groups) == len(measured.groups)
    return groups, measured.sql


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
