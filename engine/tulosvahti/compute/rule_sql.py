"""The readable SQL of one rule: what an auditor repeats, what runs where no plan covers a rule, and the plan's oracle.

Rows dated or known after ``as_of`` are not read. A reject keeps what is sound of it: it counts as an unknown row
unless its scope is known to be outside. Every name in the SQL is quoted through sqlglot's tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlglot import exp

from tulosvahti.compute.keys_sql import MISSING, has_partner, partners, without_doubles
from tulosvahti.compute.parts_sql import SOUND, columns_of, has_row_value, literal, quoted
from tulosvahti.core.contract import FieldType
from tulosvahti.core.kept_rows import hidden_column
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import MeasureKind, RowsSpec, TargetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from datetime import date

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.rule import Measure

Made = TypeVar("Made")
_STEPS = {
    Grain.YEAR: "1 YEAR",
    Grain.HALF_YEAR: "6 MONTH",
    Grain.QUARTER: "3 MONTH",
    Grain.MONTH: "1 MONTH",
    Grain.WEEK: "7 DAY",
    Grain.DAY: "1 DAY",
}

_PERIOD = '"__period"'
_MOST_DIGITS = 38


@dataclass(frozen=True)
class RuleSql:
    """Writes the queries of rules over inputs of these contracts, as known on ``as_of``."""

    contracts: Mapping[str, Contract]
    as_of: date
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _queries: dict[int, tuple[TargetSpec | RowsSpec, str]] = field(default_factory=dict, repr=False)
    """By the identity of a specification, which is kept so that no other takes its place."""

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Make what many rules have in common once; ``what`` names all that it depends on."""
        if what not in self._made:
            self._made[what] = make()
        made: Made = self._made[what]
        return made

    def query(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query, by which passes name their measurements."""
        if id(spec) not in self._queries:
            self._queries[id(spec)] = spec, self.measure(spec) if isinstance(spec, TargetSpec) else self.rows(spec)
        return self._queries[id(spec)][1]

    def measure(self, spec: TargetSpec, among: str = "") -> str:
        """Give one row of parts for each period and subject: ``__period``, the subject's fields, ``columns_of``.

        ``among``: a condition on the rows that are read.
        """
        subjects = [(self.subject(spec.measure, name), quoted(name)) for name in spec.measure.by]
        keys = ", ".join(["__period", *(sql for sql, _ in subjects)])
        chosen = ", ".join(["__period", *(sql if sql == name else f"{sql} AS {name}" for sql, name in subjects)])
        if spec.measure.moved is not None:  # by place: a name would stand for the field, or for what it is counted as
            keys = ", ".join(str(at + 1) for at in range(len(subjects) + 1))
        what = spec.measure.kind, spec.measure.cases, spec.measure.input, spec.grain, *sql_of(spec.measure.expression)
        if spec.measure.skip_missing:
            what = *what, "", *sql_of(spec.measure.where)
        selected = self.once(("selected", *what), lambda: self._selected(spec))
        return (
            f"WITH base AS (\n{self._base(spec, among)}\n)\n"
            f"SELECT {chosen}, {selected}\nFROM base\nGROUP BY {keys}\nORDER BY {keys}"
        )

    def _selected(self, spec: TargetSpec) -> str:
        columns = columns_of(spec.measure, partial(self.written, grain=spec.grain), self.hidden(spec.measure))
        return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns)

    def hidden(self, measure: Measure) -> str:
        """Give the condition on rows in which the source hides what is measured; empty: it hides nothing."""
        if measure.expression is None or measure.kind is MeasureKind.COUNT:
            return ""
        if measure.skip_missing and measure.kind is MeasureKind.LATEST:
            return ""
        names = {column.name for column in measure.expression.tree.find_all(exp.Column)}
        found = [item.name for item in self.contracts[measure.input].fields if item.hidden_values and item.name in names]
        return " OR ".join(f"coalesce({quoted(hidden_column(name))}, FALSE)" for name in found)

    def subject(self, measure: Measure, name: str) -> str:
        """Give the value of a subject's field: of a mapped one the organisation that has its code on the chosen day."""
        found = measure.moved
        if found is None or found.field != name:
            return quoted(name)
        by_target: dict[str | None, list[str]] = {}
        for code, target in found.codes:
            by_target.setdefault(target, []).append(code)
        cases = "".join(
            f" WHEN {quoted(name)} IN ({', '.join(map(literal, codes))}) THEN {'NULL' if target is None else literal(target)}"
            for target, codes in sorted(by_target.items(), key=lambda item: item[1])
        )
        rest = quoted(name) if found.keeps else "NULL"
        return f"(CASE{cases} ELSE {rest} END)" if cases else rest

    def rows(self, spec: RowsSpec) -> str:
        """Count the rows that met a condition, failed it, or cannot be told."""
        outcome = _outcome(spec)
        unknown = (
            f"(__rejected AND __scope IS NOT FALSE)"
            f" OR (NOT __rejected AND (__scope IS NULL OR (__scope AND {outcome} IS NULL)))"
        )
        return (
            f"WITH base AS ({self._rows_base(spec)})\nSELECT count(CASE WHEN {SOUND} AND {outcome} THEN 1 END),"
            f" count(CASE WHEN {SOUND} AND NOT {outcome} THEN 1 END),\n count(CASE WHEN {unknown} THEN 1 END)\nFROM base"
        )

    def failing(self, spec: RowsSpec) -> str:
        """List the failing rows by key, in the order of the file."""
        key = ", ".join(["__row", *map(quoted, spec.key)])
        base = self._rows_base(spec)
        return f"WITH base AS ({base}) SELECT {key} FROM base WHERE {SOUND} AND NOT {_outcome(spec)} ORDER BY {key}"

    def known(self, measure: Measure) -> str:
        """Give the condition on rows that are known and have happened; empty: all are."""
        contract, today = self.contracts[measure.input], f"DATE '{self.as_of.isoformat()}'"
        day = self.day(measure)
        known = [f"({day} <= {today} OR {day} IS NULL)"] if measure.period else []
        if contract.known_on:
            published = quoted(contract.known_on)
            known.append(f"({published} <= {today} OR {published} IS NULL)")
        return " AND ".join(known)

    def day(self, measure: Measure) -> str:
        """Give the day of a row."""
        if not measure.period:
            return "CAST(NULL AS DATE)"
        name = quoted(measure.period)
        is_year = self.contracts[measure.input].field(measure.period).type is FieldType.YEAR
        return f"make_date({name}, 1, 1)" if is_year else f"CAST({name} AS DATE)"

    def compiled(self, expression: Expression | None, grain: Grain | None, period: str = _PERIOD) -> str:
        """Give an expression of rows; None is true of every row. ``period``: the first day of its period, as SQL."""
        if expression is None:
            return "TRUE"
        return self.once(("compiled", grain, period, *sql_of(expression)), lambda: self.written(expression.tree, grain, period))

    def written(self, tree: exp.Expression, grain: Grain | None = None, period: str = _PERIOD) -> str:
        """Give a part of an expression of rows, with its names quoted and dates put in."""
        if isinstance(tree.unnest(), exp.Null):
            return "CAST(NULL AS BOOLEAN)"

        def named(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Literal):
                return _plain(node)
            if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
                return node
            if node.name == "as_of":
                return exp.cast(exp.Literal.string(self.as_of.isoformat()), "date")
            if node.name == "period_start":
                return exp.maybe_parse(period, dialect="duckdb")
            if node.name == "period_end":
                step = _STEPS[grain] if grain else "1 DAY"
                text = f"CAST({period} + INTERVAL '{step}' - INTERVAL '1 DAY' AS DATE)"
                return exp.maybe_parse(text, dialect="duckdb")
            return exp.column(node.name, quoted=True)

        return tree.transform(named).sql(dialect="duckdb", copy=False)

    def _rows_base(self, spec: RowsSpec) -> str:
        source, scope = quoted("input_" + spec.input), self.compiled(spec.where, None)
        if spec.references is not None:
            join, _ = partners(spec.references)
            met = has_partner(spec.references, spec.missing)
            return f"SELECT {source}.*, ({scope}) AS __scope, ({met}) AS __met FROM {source} {join}"
        if spec.unique:
            return without_doubles(spec.unique, spec.missing, f"SELECT *, ({scope}) AS __scope FROM {source}")
        return f"SELECT *, ({scope}) AS __scope, ({self.compiled(spec.require, None)}) AS __met FROM {source}"

    def _base(self, spec: TargetSpec, among: str = "") -> str:
        measure = spec.measure
        contract, day = self.contracts[measure.input], self.day(measure)
        start = period_start(day, spec.grain) if measure.period else "CAST(NULL AS DATE)"
        scope = self.compiled(measure.where, spec.grain)
        value = self.compiled(measure.expression, spec.grain) if has_row_value(measure) else "TRUE"
        if measure.skip_missing:
            scope = f"({scope}) AND ({value}) IS NOT NULL"
        inner = f"SELECT *, {start} AS __period FROM {quoted('input_' + measure.input)}"
        if read := " AND ".join(filter(None, [self.known(measure), among and f"({among})"])):
            inner += f" WHERE {read}"
        middle = f"SELECT *, ({scope}) AS __scope, ({value}) AS __value FROM ({inner})"
        if measure.kind is not MeasureKind.LATEST:
            return middle
        newest = f"{day} DESC NULLS LAST"
        if contract.known_on:
            newest += f", {quoted(contract.known_on)} DESC NULLS LAST"
        partition = ", ".join(["__period", *(self.subject(measure, name) for name in measure.by), f"({SOUND})"])
        return f"SELECT *, rank() OVER (PARTITION BY {partition} ORDER BY {newest}) AS __rank FROM ({middle})"


def sql_of(expression: Expression | None) -> tuple[str, ...]:
    """Give what tells apart expressions of one input, as far as SQL is concerned."""
    return () if expression is None else (expression.written or expression.text,)


def _outcome(spec: RowsSpec) -> str:
    return f"coalesce(__met, {MISSING[spec.missing]})" if spec.require is not None else "__met"


def _plain(node: exp.Literal) -> exp.Expression:
    """Write a number without an exponent: with one it would be binary."""
    if node.is_string or "e" not in node.this.lower():
        return node
    value = Decimal(node.this)
    return exp.Literal.number(f"{value:f}") if abs(value.adjusted()) < _MOST_DIGITS else node


def period_start(day: str, grain: Grain) -> str:
    """Give the first day of the period that a day lies in."""
    if grain is Grain.DAY:
        return f"CAST({day} AS DATE)"
    if grain is Grain.HALF_YEAR:
        return f"make_date(year({day}), CASE WHEN month({day}) <= 6 THEN 1 ELSE 7 END, 1)"
    return f"CAST(date_trunc('{grain}', {day}) AS DATE)"
