"""Measurements on DuckDB: one grouped query a rule, exact sums and counts out, nothing judged here.

Rows dated or known after ``as_of`` are not read. A reject keeps what is sound of it: it counts as an unknown row
unless its scope is known to be outside. Every name in the SQL is quoted through sqlglot's tree.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from tulosvahti.compute.parts_sql import COUNTS, SOUND, columns_of, has_row_value, quoted
from tulosvahti.core.contract import FieldType
from tulosvahti.core.measure import Parts, Subject, leaf_name
from tulosvahti.core.period import Grain, Period, containing
from tulosvahti.core.rule import MeasureKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import polars as pl

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expression import Expression
    from tulosvahti.core.rule import Measure, RowsSpec, TargetSpec

EXAMPLES = 20
"""Failing rows listed in evidence; counts are always exact."""
_STEPS = {
    Grain.YEAR: "1 YEAR",
    Grain.HALF_YEAR: "6 MONTH",
    Grain.QUARTER: "3 MONTH",
    Grain.MONTH: "1 MONTH",
    Grain.WEEK: "7 DAY",
    Grain.DAY: "1 DAY",
}
_Group = tuple[tuple[str | None, ...], "Period | None", Parts]


class NotComputedError(Exception):
    """The database refused or failed; the text says why."""


@dataclass(frozen=True)
class Measured:
    """The parts of each group, and the query that gave them."""

    groups: tuple[tuple[Subject, Period | None, Parts], ...]
    sql: str


@dataclass(frozen=True)
class RowsMeasured:
    """How many rows met a condition, failed it, or could not be told; the first failing rows by key."""

    met: int
    failed: int
    unknown: int
    examples: tuple[Mapping[str, str], ...]
    sql: str


class DuckEngine:
    """Runs queries over the frames of the inputs, in memory, with no access to anything else."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], contracts: Mapping[str, Contract], as_of: date) -> None:
        """Register the frames."""
        self._contracts = contracts
        self._as_of = as_of
        self._connection = duckdb.connect(":memory:")
        for name, frame in frames.items():
            self._connection.register(f"input_{name}", frame)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure every subject and period of an indicator that is known.

        Raises:
            NotComputedError: the database refused the query.

        """
        measure = spec.measure
        contract = self._contracts[measure.input]
        columns = columns_of(measure)
        keys = ", ".join(["__period", *map(quoted, measure.by)])
        selected = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns)
        sql = (
            f"WITH base AS (\n{self._base(spec, contract)}\n)\n"
            f"SELECT {keys}, {selected}\nFROM base\nGROUP BY {keys}\nORDER BY {keys}"
        )
        names = [name for name, _ in columns]
        groups = [_group(spec, contract, row, names) for row in self._run(sql)]
        return Measured(_with_floating(measure, groups), sql)

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition row by row.

        Raises:
            NotComputedError: the database refused the query.

        """
        scope = self._compiled(spec.where, None) if spec.where else "TRUE"
        condition = self._compiled(spec.require, None)
        base = f"SELECT *, ({scope}) AS __scope, ({condition}) AS __met FROM {quoted('input_' + spec.input)}"
        missing = {"unknown": "NULL", "fail": "FALSE", "pass": "TRUE"}[spec.missing]
        outcome = f"coalesce(__met, {missing})"
        unknown = (
            f"(__rejected AND __scope IS NOT FALSE)"
            f" OR (NOT __rejected AND (__scope IS NULL OR (__scope AND {outcome} IS NULL)))"
        )
        sql = (
            f"WITH base AS ({base})\nSELECT count(CASE WHEN {SOUND} AND {outcome} THEN 1 END),"
            f" count(CASE WHEN {SOUND} AND NOT {outcome} THEN 1 END),\n count(CASE WHEN {unknown} THEN 1 END)\nFROM base"
        )
        met, failed, unsure = self._run(sql)[0]
        key = ", ".join(["__row", *map(quoted, spec.key)])
        listed = f"WITH base AS ({base}) SELECT {key} FROM base WHERE {SOUND} AND NOT {outcome} ORDER BY __row"
        found = self._run(f"{listed} LIMIT {EXAMPLES}") if failed else []
        examples = tuple(dict(zip(("row", *spec.key), map(str, row), strict=True)) for row in found)
        return RowsMeasured(met, failed, unsure, examples, sql)

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise NotComputedError(str(error).splitlines()[0]) from None

    def _base(self, spec: TargetSpec, contract: Contract) -> str:
        measure = spec.measure
        today = f"DATE '{self._as_of.isoformat()}'"
        day = _day_sql(measure, contract)
        known = [f"({day} <= {today} OR {day} IS NULL)"] if measure.period else []
        if contract.known_on:
            published = quoted(contract.known_on)
            known.append(f"({published} <= {today} OR {published} IS NULL)")
        start = _period_start(day, spec.grain) if measure.period else "CAST(NULL AS DATE)"
        scope = self._compiled(measure.where, spec.grain) if measure.where else "TRUE"
        value = self._compiled(measure.expression, spec.grain) if has_row_value(measure) else "TRUE"
        if measure.skip_missing:
            scope = f"({scope}) AND ({value}) IS NOT NULL"
        inner = f"SELECT *, {start} AS __period FROM {quoted('input_' + measure.input)}"
        if known:
            inner += f" WHERE {' AND '.join(known)}"
        middle = f"SELECT *, ({scope}) AS __scope, ({value}) AS __value FROM ({inner})"
        if measure.kind is not MeasureKind.LATEST:
            return middle
        newest = f"{day} DESC NULLS LAST"
        if contract.known_on:
            newest += f", {quoted(contract.known_on)} DESC NULLS LAST"
        partition = ", ".join(["__period", *map(quoted, measure.by), f"({SOUND})"])
        return f"SELECT *, rank() OVER (PARTITION BY {partition} ORDER BY {newest}) AS __rank FROM ({middle})"

    def _compiled(self, expression: Expression | None, grain: Grain | None) -> str:
        if expression is None:
            return "TRUE"

        def named(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
                return node
            if node.name == "as_of":
                return exp.cast(exp.Literal.string(self._as_of.isoformat()), "date")
            if node.name == "period_start":
                return exp.column("__period", quoted=True)
            if node.name == "period_end":
                step = _STEPS[grain] if grain else "1 DAY"
                text = f"CAST(__period + INTERVAL '{step}' - INTERVAL '1 DAY' AS DATE)"
                return exp.maybe_parse(text, dialect="duckdb")
            return exp.column(node.name, quoted=True)

        return expression.tree.copy().transform(named).sql(dialect="duckdb")


def _day_sql(measure: Measure, contract: Contract) -> str:
    if not measure.period:
        return "CAST(NULL AS DATE)"
    name = quoted(measure.period)
    is_year = contract.field(measure.period).type is FieldType.YEAR
    return f"make_date({name}, 1, 1)" if is_year else f"CAST({name} AS DATE)"


def _period_start(day: str, grain: Grain) -> str:
    if grain is Grain.HALF_YEAR:
        return f"make_date(year({day}), CASE WHEN month({day}) <= 6 THEN 1 ELSE 7 END, 1)"
    return f"CAST(date_trunc('{grain}', {day}) AS DATE)"


def _group(spec: TargetSpec, contract: Contract, row: tuple[Any, ...], names: Sequence[str]) -> _Group:
    measure = spec.measure
    by = tuple(None if value is None else str(value) for value in row[1 : 1 + len(measure.by)])
    numbers = dict(zip(names, row[1 + len(measure.by) :], strict=True))
    counted = {name: int(numbers.pop(name)) for name in COUNTS}
    missing = {name[9:]: int(value) for name, value in numbers.items() if name.startswith("missing: ")}
    values = _values(numbers)
    parts = Parts(
        **counted,
        values=values,
        missing=missing,
        bounds=_bounds(measure, contract, values),
        ambiguous=int(numbers.get("latest_values") or 0) > 1,
    )
    return by, containing(row[0], spec.grain) if row[0] is not None else None, parts


def _values(numbers: Mapping[str, Any]) -> dict[str, Fraction | None]:
    values: dict[str, Fraction | None] = {}
    for name, value in numbers.items():
        if name.startswith(("missing: ", "number: ")) or name == "latest_values":
            continue
        exact = _exact(value)
        if name.startswith("total: "):
            average = name[7:]
            number = int(numbers[f"number: {average}"])
            values[average] = exact / number if exact is not None and number else None
        else:
            values[name] = exact
    return values


def _exact(value: object) -> Fraction | None:
    if value is None:
        return None
    if isinstance(value, int | Decimal):
        return Fraction(value)
    msg = f"{value!r} is not an exact number"
    raise NotComputedError(msg)


_Ends = tuple[Fraction | None, Fraction | None]


def _bounds(measure: Measure, contract: Contract, values: Mapping[str, Fraction | None]) -> dict[str, _Ends]:
    if measure.expression is None:
        return {}
    if measure.kind in {MeasureKind.SUM, MeasureKind.MEAN}:
        return {"sum": _field_bounds(measure.expression.tree, contract)}
    sums = {leaf_name(node): node.this for node in measure.expression.tree.find_all(exp.Sum)}
    return {name: _field_bounds(sums[name], contract) for name in values if name in sums}


def _field_bounds(tree: exp.Expression, contract: Contract) -> _Ends:
    if not isinstance(tree, exp.Column):
        return None, None
    item = contract.field(tree.name)
    low, high = (Fraction(end) if isinstance(end, Decimal) else None for end in (item.minimum, item.maximum))
    return low, high


def _with_floating(measure: Measure, groups: Sequence[_Group]) -> tuple[tuple[Subject, Period | None, Parts], ...]:
    """Add rows whose period or subject is unknown to every group they may belong to, as unknown rows."""
    floating: list[tuple[tuple[str | None, ...], Period | None, int]] = []
    settled: list[_Group] = []
    for by, period, parts in groups:
        undated = bool(measure.period) and period is None
        if undated:
            # A sound row without a date has not happened: only a reject may belong to any period.
            floating.append((by, None, parts.rejected))
        elif None in by:
            floating.append((by, period, parts.taken + parts.unknown_rows - parts.unsure))
        else:
            settled.append((by, period, parts))
    extra: dict[int, int] = defaultdict(int)
    for index, (by, period, _) in enumerate(settled):
        for loose_by, loose_period, count in floating:
            same = all(mine in {None, theirs} for mine, theirs in zip(loose_by, by, strict=True))
            if same and loose_period in {None, period}:
                extra[index] += count
    return tuple(
        (
            tuple(zip(measure.by, (value or "" for value in by), strict=True)),
            period,
            replace(parts, rejected=parts.rejected + extra[index]),
        )
        for index, (by, period, parts) in enumerate(settled)
    )
