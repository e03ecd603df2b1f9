"""What stands in place of numbers, in measuring: it is counted beside the sums, and never read as missing.

Before any SQL is made of a rule over fields that allow words, the rule is put so that a condition or a calculation on such a
cell is unknown, whatever SQL makes of the null there. How many rows have which words is a measurement of its own, which
runs beside the rule's: a count by subject and words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlglot import exp

from tulosvahti.compute.keys_sql import MISSING
from tulosvahti.compute.parts_sql import has_row_value
from tulosvahti.core.expression import AGGREGATES, leaf_name
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.ranges import ANYWHERE, Range
from tulosvahti.core.rule import MeasureKind, RowsSpec, TargetSpec
from tulosvahti.core.worded import NO_WORDS, UNREADABLE, Worded, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.compute.groups import Group
    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.measure import Parts
    from tulosvahti.core.rule import Measure

_S = TypeVar("_S", TargetSpec, RowsSpec, "TargetSpec | RowsSpec")


@dataclass(frozen=True)
class Beside:
    """A count of rows by the words that stand in place of a field's numbers.

    ``operands``: the operands, by their names in ``Parts``, that the words belong to; True: they are the field itself.
    """

    spec: TargetSpec
    operands: tuple[tuple[str, bool], ...]
    bounds: Range


@dataclass(frozen=True)
class Asked(Generic[_S]):
    """A rule as it is asked of the database, and what is asked beside it."""

    spec: _S
    beside: tuple[Beside, ...] = ()
    bounds: Range = ANYWHERE
    """Where a value of the field lies whose newest is asked for."""


class Words:
    """Puts the rules over inputs of these contracts."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        """Take the contracts."""
        self._fields = {
            name: {item.name: item for item in contract.fields if item.worded} for name, contract in contracts.items()
        }
        # By the identity of a specification, which is kept so that no other takes its place.
        self._made: dict[int, tuple[object, Asked[Any]]] = {}

    def asked(self, spec: _S) -> Asked[_S]:
        """Put a rule; one over no such field is asked as it is."""
        if id(spec) not in self._made:
            measure = spec.measure if isinstance(spec, TargetSpec) else spec
            fields = self._fields.get(measure.input, {})
            made: Asked[Any] = Asked(spec)
            if fields:
                made = _target(spec, fields) if isinstance(spec, TargetSpec) else Asked(_rows(spec, fields))
            self._made[id(spec)] = spec, made
        return self._made[id(spec)][1]


def _target(spec: TargetSpec, fields: Mapping[str, Field]) -> Asked[TargetSpec]:
    measure = replace(spec.measure, where=_condition(spec.measure.where, fields))
    expression = measure.expression
    used = sorted(expression.columns & fields.keys()) if expression is not None else []
    if expression is None or not used:
        return Asked(replace(spec, measure=measure))
    operands: dict[str, list[tuple[str, bool]]] = {name: [] for name in used}
    if has_row_value(measure):
        if measure.skip_missing:
            measure = replace(measure, where=_there(measure, expression, used), skip_missing=False)
        name, is_plain = "sum" if measure.kind is MeasureKind.MEAN else str(measure.kind), isinstance(expression.tree.unnest(), exp.Column)
        if measure.kind is MeasureKind.LATEST:
            value = exp.Coalesce(this=exp.cast(exp.column(used[0]), "text"), expressions=[exp.column(words_of(used[0]))])
            measure = replace(measure, expression=_written(expression, value))
            return Asked(replace(spec, measure=measure), bounds=fields[used[0]].possible)
        if not is_plain:
            measure = replace(measure, expression=_written(expression, _seen(expression.tree, fields)))
        for field in used:
            operands[field].append((name, is_plain))
    else:
        for node in expression.tree.find_all(*AGGREGATES):
            for field in {column.name for column in node.find_all(exp.Column)} & fields.keys():
                operands[field].append((leaf_name(node), isinstance(node.this, exp.Column)))
    beside = tuple(Beside(_counted(spec, measure, name), tuple(operands[name]), fields[name].possible) for name in used)
    return Asked(replace(spec, measure=measure), beside)


def _counted(spec: TargetSpec, measure: Measure, name: str) -> TargetSpec:
    counted = replace(
        measure, kind=MeasureKind.COUNT, expression=None, by=(*measure.by, words_of(name)), accumulates=False, path=(), min_rows=0, cases="",
    )  # fmt: skip
    return replace(spec, measure=counted, targets=(), warn=None)


def _rows(spec: RowsSpec, fields: Mapping[str, Field]) -> RowsSpec:
    spec = replace(spec, where=_condition(spec.where, fields))
    require = spec.require
    if require is None or not require.columns & fields.keys():
        return spec
    seen = _seen(require.tree, fields)
    if spec.missing != "unknown":
        # Of a row that lacks a value the strategy says what it is; of one that has words in its place nobody does.
        whole = exp.Coalesce(this=seen, expressions=[exp.Boolean(this=MISSING[spec.missing] == "TRUE")])
        seen = exp.Case(ifs=[exp.If(this=_no_words(require.columns & fields.keys()), true=whole)], default=seen.copy())
    return replace(spec, require=_written(require, seen), missing="unknown")


def _there(measure: Measure, expression: Expression, used: Sequence[str]) -> Expression:
    """Put a scope of rows that have a value, or words in its place."""
    there = exp.or_(_has(exp.paren(_seen(expression.tree, dict.fromkeys(used)))), *(_has(exp.column(words_of(name))) for name in used))
    scope = exp.and_(measure.where.tree, there) if measure.where is not None else there
    return _written(measure.where or expression, scope)


def _condition(where: Expression | None, fields: Mapping[str, Field]) -> Expression | None:
    return _written(where, _seen(where.tree, fields)) if where is not None and where.columns & fields.keys() else where


def _seen(node: exp.Expression, fields: Mapping[str, Any]) -> exp.Expression:
    """Make unknown what a row with words in place of a number cannot tell; a cell with words is no missing one."""
    used = {column.name for column in node.find_all(exp.Column)} & fields.keys()
    if not used or isinstance(node, exp.Column):
        return node.copy()
    if isinstance(node, exp.And | exp.Or):
        return type(node)(this=_seen(node.this, fields), expression=_seen(node.expression, fields))
    if isinstance(node, exp.Not | exp.Paren):
        return type(node)(this=_seen(node.this, fields))
    if isinstance(node, exp.Is) and isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Null):
        return exp.paren(exp.and_(node, exp.Is(this=exp.column(words_of(node.this.name)), expression=exp.Null())))
    return exp.Case(ifs=[exp.If(this=_no_words(used), true=exp.paren(node))])


def _no_words(names: Iterable[str]) -> exp.Expr:
    return exp.and_(*(exp.Is(this=exp.column(words_of(name)), expression=exp.Null()) for name in sorted(names)))


def _has(node: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Is(this=node, expression=exp.Null()))


def _written(expression: Expression, tree: exp.Expr) -> Expression:
    return replace(expression, written=tree.sql(dialect="duckdb"))


def joined(asked: Asked[TargetSpec], groups: Iterable[Group], found: Iterable[Iterable[Group]]) -> list[Group]:
    """Put the words that were counted beside a rule, in the order of ``Asked``, into the groups that they belong to."""
    told: dict[Any, dict[str, Worded]] = {}
    for of, counted in zip(asked.beside, found, strict=True):
        for by, period, parts in sorted(counted, key=lambda group: group[0][-1] or ""):
            if by[-1] is None or not parts.taken:
                continue
            mine = told.setdefault((by[:-1], period), {})
            for name, is_field in of.operands:
                words = worded([(by[-1], parts.taken)]).within(of.bounds) if is_field else worded([(UNREADABLE, parts.taken)])
                mine[name] = mine.get(name, NO_WORDS) + words
    return [(by, period, _with(parts, told.get((by, period), {}), asked.bounds)) for by, period, parts in groups]


def _with(parts: Parts, words: dict[str, Worded], bounds: Range) -> Parts:
    words |= {name: found.within(bounds) for name, found in parts.worded.items()}
    if not words:
        return parts
    values, missing, unsure = dict(parts.values), dict(parts.missing), parts.unsure
    for name, found in words.items():
        if name.startswith("count(") and not found.is_boundless:
            # A limit is a value, and only SQL sees none.
            values[name] = (values[name] or Fraction(0)) + found.count
        if name in missing:
            missing[name] = max(missing[name] - found.count, 0)
        if name == "sum":
            unsure = max(unsure - found.count, 0)
    return replace(parts, values=values, missing=missing, unsure=unsure, worded=words)
