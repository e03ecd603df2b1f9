"""The sums and counts that each kind of measure needs, as SQL over ``__value``, ``__scope`` and ``__rejected``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from tulosvahti.core.expression import AGGREGATES
from tulosvahti.core.measure import leaf_name
from tulosvahti.core.rule import MeasureKind

if TYPE_CHECKING:
    from tulosvahti.core.expression import Expression
    from tulosvahti.core.rule import Measure

SOUND = "NOT __rejected AND __scope"
COUNTS = ("rows", "taken", "yes", "no", "unsure", "scope_yes", "scope_no", "scope_unsure", "rejected")


def quoted(name: str) -> str:
    """Write a name so that nothing in it is read as SQL."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def has_row_value(measure: Measure) -> bool:
    """Tell whether the measure has an expression of single rows."""
    return measure.expression is not None and measure.kind not in {MeasureKind.RATIO, MeasureKind.VALUE}


def columns_of(measure: Measure) -> list[tuple[str, str]]:
    """Give name and SQL of every part, for one group of rows."""
    logical = measure.kind in {MeasureKind.COUNT, MeasureKind.SHARE}
    yes = "__value" if logical else "__value IS NOT NULL"
    no = "NOT __value" if logical else "FALSE"
    unsure = "__value IS NULL" if has_row_value(measure) else "FALSE"
    open_scope = "NOT __rejected AND __scope IS NULL"
    result = [
        ("rows", "count(*)"),
        ("taken", _count(SOUND)),
        ("yes", _count(f"{SOUND} AND {yes}")),
        ("no", _count(f"{SOUND} AND {no}")),
        ("unsure", _count(f"{SOUND} AND {unsure}")),
        ("scope_yes", _count(f"{open_scope} AND {yes}")),
        ("scope_no", _count(f"{open_scope} AND {no}")),
        ("scope_unsure", _count(f"{open_scope} AND {unsure}")),
        ("rejected", _count("__rejected AND __scope IS NOT FALSE")),
    ]
    value = f"CASE WHEN {SOUND} THEN __value END"
    if measure.kind in {MeasureKind.SUM, MeasureKind.MEAN}:
        result.append(("sum", f"sum({value})"))
    if measure.kind is MeasureKind.DISTINCT:
        result.append(("distinct", f"count(DISTINCT {value})"))
    if measure.kind is MeasureKind.LATEST:
        newest = f"CASE WHEN {SOUND} AND __rank = 1 THEN __value END"
        result += [("latest", f"max({newest})"), ("latest_values", f"count(DISTINCT {newest})")]
    if measure.expression is not None and not has_row_value(measure):
        result += _leaves(measure.expression)
    return result


def _count(condition: str) -> str:
    return f"count(CASE WHEN {condition} THEN 1 END)"


def _leaves(expression: Expression) -> list[tuple[str, str]]:
    """Give the aggregates between which the core calculates; an average is its sum and its count."""
    result: dict[str, str] = {}
    for node in expression.tree.find_all(*AGGREGATES):
        name, argument = leaf_name(node), node.this
        if argument is None or isinstance(argument, exp.Star):
            result[name] = _count(SOUND)
            continue
        distinct = isinstance(argument, exp.Distinct)
        inner = argument.expressions[0] if distinct else argument
        sql = inner.copy().transform(_with_quotes).sql(dialect="duckdb")
        taken = f"CASE WHEN {SOUND} THEN {sql} END"
        if isinstance(node, exp.Count):
            result[name] = f"count({'DISTINCT ' if distinct else ''}{taken})"
            continue
        if isinstance(node, exp.Avg):
            result[f"total: {name}"] = f"sum({taken})"
            result[f"number: {name}"] = f"count({taken})"
        else:
            result[name] = f"{node.key!s}({taken})"
        result[f"missing: {name}"] = _count(f"{SOUND} AND ({sql}) IS NULL")
    return list(result.items())


def _with_quotes(node: exp.Expression) -> exp.Expression:
    return exp.column(node.name, quoted=True) if isinstance(node, exp.Column) else node
