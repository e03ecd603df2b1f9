"""The sums and counts that each kind of measure needs, as SQL over ``__value``, ``__scope`` and ``__rejected``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from tulosvahti.core.expression import AGGREGATES, leaf_name
from tulosvahti.core.rule import MeasureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.rule import Measure

    Written = Callable[[exp.Expression], str]

SOUND = "NOT __rejected AND __scope"
COUNTS = ("rows", "taken", "yes", "no", "unsure", "scope_yes", "scope_no", "scope_unsure", "rejected")


@lru_cache(4096)
def quoted(name: str) -> str:
    """Write a name so that nothing in it is read as SQL."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def literal(text: str) -> str:
    """Write a text so that nothing in it is read as SQL."""
    return exp.Literal.string(text).sql(dialect="duckdb")


def has_row_value(measure: Measure) -> bool:
    """Tell whether the measure has an expression of single rows."""
    return measure.expression is not None and measure.kind not in {MeasureKind.RATIO, MeasureKind.VALUE}


def _with_quotes(tree: exp.Expression) -> str:
    def named(node: exp.Expression) -> exp.Expression:
        return exp.column(node.name, quoted=True) if isinstance(node, exp.Column) else node

    return tree.transform(named).sql(dialect="duckdb", copy=False)


def columns_of(measure: Measure, written: Written = _with_quotes, hidden: str = "") -> list[tuple[str, str]]:
    """Give name and SQL of every part, for one group of rows; ``written`` writes the operands of aggregates.

    ``hidden``: the condition on rows in which the source hides what is measured, where it may.
    """
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
        result += _leaves(measure.expression, written)
    counted = f"{SOUND} AND __rank = 1" if measure.kind is MeasureKind.LATEST else SOUND
    if measure.cases:
        name = quoted(measure.cases)
        result += [("cases", f"sum(CASE WHEN {counted} THEN {name} END)"), ("cases_missing", _count(f"{counted} AND {name} IS NULL"))]
    if hidden:
        lacks = " AND __value IS NULL" if has_row_value(measure) else ""
        if measure.skip_missing:  # what is hidden is out of scope then, and still the reason why nothing is left
            counted = "NOT __rejected" + (f" AND ({written(measure.where.tree)})" if measure.where else "")
        result.append(("hidden", _count(f"{counted}{lacks} AND ({hidden})")))
    return result


def _count(condition: str) -> str:
    return f"count(CASE WHEN {condition} THEN 1 END)"


@dataclass(frozen=True)
class Leaf:
    """One aggregate of an arithmetic: its name, its function and its argument's SQL; no argument: all rows count."""

    name: str
    function: str
    argument: str
    distinct: bool = False


def leaves_of(expression: Expression, written: Written) -> list[Leaf]:
    """Give the aggregates between which the core calculates."""
    result: dict[str, Leaf] = {}
    for node in expression.tree.find_all(*AGGREGATES):
        name, argument = leaf_name(node), node.this
        if argument is None or isinstance(argument, exp.Star):
            result[name] = Leaf(name, "count", "")
            continue
        distinct = isinstance(argument, exp.Distinct)
        inner = argument.expressions[0] if distinct else argument
        result[name] = Leaf(name, str(node.key), written(inner), distinct)
    return list(result.values())


def _leaves(expression: Expression, written: Written) -> list[tuple[str, str]]:
    """Give the columns of the aggregates; an average is its sum and its count."""
    result: list[tuple[str, str]] = []
    for leaf in leaves_of(expression, written):
        if not leaf.argument:
            result.append((leaf.name, _count(SOUND)))
            continue
        taken = f"CASE WHEN {SOUND} THEN {leaf.argument} END"
        if leaf.function == "count":
            result.append((leaf.name, f"count({'DISTINCT ' if leaf.distinct else ''}{taken})"))
            continue
        if leaf.function == "avg":
            result += [(f"total: {leaf.name}", f"sum({taken})"), (f"number: {leaf.name}", f"count({taken})")]
        else:
            result.append((leaf.name, f"{leaf.function}({taken})"))
        result.append((f"missing: {leaf.name}", _count(f"{SOUND} AND ({leaf.argument}) IS NULL")))
    return result
