"""Rule expressions: a small, safe part of SQL, parsed by sqlglot and allowed node by node.

An expression is a tree of that part or it is refused with its column (from 1) in the text. It is compiled through the
tree, per dialect, never pasted. Row-level division is refused: it would be binary. Quotients of aggregates are taken
apart: the database computes sums and counts, and the core divides exactly.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, cast

import sqlglot
from sqlglot import exp

from tulosvahti.core.expressed import PARAMETERS, Arithmetic, Expression, Kind
from tulosvahti.problem import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST = 2000
DEEPEST = 60


class ExpressionError(ValueError):
    """An expression that is not allowed; ``offset`` is the column in its text, from 1 (0: not known)."""

    def __init__(self, message: str, *, offset: int = 0, allowed: str = "", next_step: str = "") -> None:
        """Keep the parts of a problem; the caller knows the file and the line."""
        super().__init__(message)
        self.offset = offset
        self.allowed = allowed
        self.next_step = next_step


AGGREGATES: tuple[type[exp.Expression], ...] = (exp.Sum, exp.Count, exp.Avg, exp.Min, exp.Max)
_LOGIC = (exp.And, exp.Or, exp.Not)
_COMPARISON = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
_SIGNS: dict[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_TEXT_TO_TEXT = (exp.Lower, exp.Upper, exp.Trim)
_DATE_PARTS = (exp.Year, exp.Month)
_STRUCTURE = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.In, exp.Between, exp.Like,
    exp.Is, exp.Case, exp.If, exp.Coalesce, exp.Abs, exp.Length, exp.Distinct, exp.Star, exp.Div, exp.Cast,
    exp.DataType, exp.TsOrDsToDate,
)  # fmt: skip
_ALLOWED: tuple[type[exp.Expression], ...] = (
    *_LOGIC, *_COMPARISON, *_ARITHMETIC, *_TEXT_TO_TEXT, *_DATE_PARTS, *_STRUCTURE, *AGGREGATES,
)  # fmt: skip
ALLOWED_TEXT = (
    "comparisons, AND OR NOT, IN (…), BETWEEN, LIKE, IS NULL, + - *, CASE, coalesce, abs, lower, upper, trim, length, "
    "year, month, DATE '…', and the aggregates sum count avg min max"
)


def _once(read: Callable[[str, Mapping[str, Kind]], Expression]) -> Callable[[str, Mapping[str, Kind]], Expression]:
    """Read the same text over the same fields once: many rules share their conditions, and no tree is ever changed."""

    @lru_cache(maxsize=4096)
    def known(text: str, fields: tuple[tuple[str, Kind], ...]) -> Expression:
        return read(text, dict(fields))

    @wraps(read)
    def once(text: str, fields: Mapping[str, Kind]) -> Expression:
        return known(text, tuple(fields.items()))

    return once


@_once
def parse(text: str, fields: Mapping[str, Kind]) -> Expression:
    """Parse an expression over the given fields.

    Raises:
        ExpressionError: not SQL, a node that is not allowed, an unknown field, or kinds that cannot be compared.

    """
    if len(text) > LONGEST:
        msg = f"the expression is longer than {LONGEST} characters"
        raise ExpressionError(msg)
    try:
        trees = sqlglot.parse(text, read="duckdb")
    except sqlglot.errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        what = str(first.get("description") or "not readable as SQL").rstrip(".")
        if "<class" in what:
            what = "something is missing here"
        raise ExpressionError(f"not an expression: {what}", offset=int(first.get("col") or 0)) from None
    except (sqlglot.errors.TokenError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "a quote or bracket is not closed"
        raise ExpressionError(f"not an expression: {reason}") from None
    if len(trees) != 1 or trees[0] is None:
        msg = "one expression is expected, not " + ("several" if len(trees) > 1 else "an empty text")
        raise ExpressionError(msg)
    tree = cast("exp.Expression", trees[0])
    _refuse_strangers(tree)
    scope = {**dict.fromkeys(PARAMETERS, Kind.DATE), **fields}
    columns = frozenset(_columns(tree, scope))
    _refuse_nested_aggregates(tree)
    aggregate = tree.find(*AGGREGATES) is not None
    found = Expression(text, columns - set(PARAMETERS), _kind_of(tree, scope), aggregate, "as_of" in columns)
    found.__dict__["tree"] = tree  # it is read already
    return found


@_once
def parse_condition(text: str, fields: Mapping[str, Kind]) -> Expression:
    """Parse a condition on one row.

    Raises:
        ExpressionError: as ``parse``, or not a condition, or with an aggregate.

    """
    expression = _row_level(text, fields)
    if expression.kind not in {Kind.BOOLEAN, Kind.NULL}:
        msg = f"a condition is expected; this gives a {expression.kind}"
        raise ExpressionError(msg, offset=1, next_step="write a comparison, e.g. \"result = 'A'\" or \"score >= 4\"")
    return expression


@_once
def parse_number(text: str, fields: Mapping[str, Kind]) -> Expression:
    """Parse a number of one row.

    Raises:
        ExpressionError: as ``parse``, or not a number, or with an aggregate.

    """
    expression = _row_level(text, fields)
    if expression.kind is not Kind.NUMBER:
        msg = f"a number is expected; this gives a {expression.kind}"
        raise ExpressionError(msg, offset=1)
    return expression


def _row_level(text: str, fields: Mapping[str, Kind]) -> Expression:
    expression = parse(text, fields)
    found = expression.tree.find(*AGGREGATES)
    if found is not None:
        msg = f"{_name(found)}() has no place here: this is read row by row"
        raise ExpressionError(msg, offset=_offset(found), next_step="use it in measure: value or ratio")
    if division := expression.tree.find(exp.Div):
        msg = "division of row values is not exact"
        raise ExpressionError(
            msg, offset=_offset(division), next_step='multiply instead, e.g. "done >= 0.9 * planned", or use ratio'
        )
    return expression


@_once
def parse_aggregate(text: str, fields: Mapping[str, Kind]) -> Expression:
    """Parse an arithmetic of aggregates (``sum(a) / count(b)``).

    Raises:
        ExpressionError: as ``parse``, or not an aggregate, or with a field outside an aggregate.

    """
    expression = parse(text, fields)
    if not expression.aggregate:
        msg = "an aggregate is expected; this gives one value for each row"
        raise ExpressionError(
            msg, offset=1, allowed="sum(…), count(…), avg(…), min(…), max(…)", next_step="wrap the field in an aggregate"
        )
    if expression.kind is not Kind.NUMBER:
        msg = f"a number is expected; this gives a {expression.kind}"
        raise ExpressionError(msg, offset=1)
    _refuse_loose_parts(expression.tree)
    found = replace(expression, arithmetic=_arithmetic(expression.tree))
    found.__dict__["tree"] = expression.tree
    return found


def _arithmetic(node: exp.Expression) -> Arithmetic:
    if isinstance(node, AGGREGATES):
        return leaf_name(node)
    if isinstance(node, exp.Literal):
        return ("number", node.this)
    if isinstance(node, exp.Paren):
        return _arithmetic(node.this)
    if isinstance(node, exp.Neg):
        return ("-", _arithmetic(node.this))
    return (_SIGNS[type(node)], _arithmetic(node.this), _arithmetic(node.expression))


def leaf_name(node: exp.Expression) -> str:
    """Name an aggregate of an expression, as parts are keyed."""
    name: str | None = node.meta.get("leaf")
    if name is None:
        name = node.meta["leaf"] = node.sql(dialect="duckdb", normalize_functions="lower")
    return name


def _refuse_loose_parts(node: exp.Expression) -> None:
    if isinstance(node, AGGREGATES):
        if division := node.find(exp.Div):
            msg = "division inside an aggregate is not exact"
            raise ExpressionError(msg, offset=_offset(division), next_step="divide one aggregate by another")
        return
    if isinstance(node, exp.Column):
        msg = f"field {node.name!r} stands outside an aggregate"
        raise ExpressionError(msg, offset=_offset(node), next_step=f"write sum({node.name}) or another aggregate")
    if isinstance(node, exp.Literal) and not node.is_string:
        return
    if not isinstance(node, (*_ARITHMETIC, exp.Div, exp.Paren, exp.Neg)):
        msg = f"{_name(node)} has no place between aggregates"
        raise ExpressionError(msg, offset=_offset(node), allowed="+ - * / and numbers between aggregates")
    for child in node.iter_expressions():
        _refuse_loose_parts(child)


def _refuse_strangers(tree: exp.Expression) -> None:
    for node, depth in _walk(tree):
        if depth > DEEPEST:
            msg = "the expression is nested too deeply"
            raise ExpressionError(msg)
        if not isinstance(node, _ALLOWED) or isinstance(node, exp.Subquery | exp.Query):
            msg = f"{_name(node)} is not allowed"
            raise ExpressionError(msg, offset=_offset(node), allowed=ALLOWED_TEXT)
        if isinstance(node, exp.Cast) and not _is_date_literal(node):
            msg = "CAST is not allowed"
            raise ExpressionError(msg, offset=_offset(node), next_step="declare the type in the contract of the input")
        if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest") or node.args.get("field")):
            msg = "IN takes a list of values"
            raise ExpressionError(msg, offset=_offset(node), allowed="IN ('A', 'B')")
        if isinstance(node, exp.Column) and node.table:
            msg = f"{node.sql()} is not a field of the input"
            raise ExpressionError(msg, offset=_offset(node), allowed="a field's name alone")
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            msg = "* is allowed in count(*) only"
            raise ExpressionError(msg, offset=_offset(node))


def _is_date_literal(node: exp.Cast) -> bool:
    inner = node.this
    return node.is_type("date") and isinstance(inner, exp.Literal) and inner.is_string


def _walk(tree: exp.Expression, depth: int = 0) -> Iterator[tuple[exp.Expression, int]]:
    stack = [(tree, depth)]
    while stack:
        node, level = stack.pop()
        yield node, level
        if level <= DEEPEST:
            stack.extend((child, level + 1) for child in node.iter_expressions(reverse=True))


def _columns(tree: exp.Expression, scope: Mapping[str, Kind]) -> Iterator[str]:
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Star):
            continue
        if column.name not in scope:
            msg = f"unknown field {column.name!r}"
            fields = ", ".join(name for name in scope if name not in PARAMETERS)
            raise ExpressionError(msg, offset=_offset(column), allowed=fields, next_step=nearest(column.name, scope))
        yield column.name


def _refuse_nested_aggregates(tree: exp.Expression) -> None:
    for node in tree.find_all(*AGGREGATES):
        if node.find_ancestor(*AGGREGATES):
            msg = f"{_name(node)}() stands inside another aggregate"
            raise ExpressionError(msg, offset=_offset(node))


def _kind_of(node: exp.Expression, scope: Mapping[str, Kind]) -> Kind:  # noqa: PLR0911, C901, PLR0912 (one case a node)
    if isinstance(node, exp.Column):
        return scope[node.name]
    if isinstance(node, exp.Literal):
        return Kind.TEXT if node.is_string else Kind.NUMBER
    if isinstance(node, exp.Boolean):
        return Kind.BOOLEAN
    if isinstance(node, exp.Null):
        return Kind.NULL
    if isinstance(node, exp.Cast | exp.TsOrDsToDate):
        return Kind.DATE
    if isinstance(node, exp.Paren | exp.Distinct):
        inner = node.this if isinstance(node, exp.Paren) else node.expressions[0]
        return _kind_of(inner, scope)
    if isinstance(node, _LOGIC):
        for child in node.iter_expressions():
            _expect(child, scope, Kind.BOOLEAN)
        return Kind.BOOLEAN
    if isinstance(node, exp.In):
        _same_kind([node.this, *node.expressions], scope)
        return Kind.BOOLEAN
    if isinstance(node, exp.Between):
        _same_kind([node.this, node.args["low"], node.args["high"]], scope)
        return Kind.BOOLEAN
    if isinstance(node, exp.Like):
        _expect(node.this, scope, Kind.TEXT)
        return Kind.BOOLEAN
    if isinstance(node, exp.Is):
        _kind_of(node.this, scope)
        return Kind.BOOLEAN
    if isinstance(node, _COMPARISON):
        _same_kind([node.this, node.expression], scope)
        return Kind.BOOLEAN
    if isinstance(node, exp.Case):
        for branch in node.args["ifs"]:
            _expect(branch.this, scope, Kind.BOOLEAN)
        results = [branch.args["true"] for branch in node.args["ifs"]]
        return _same_kind([*results, *([node.args["default"]] if node.args.get("default") else [])], scope)
    if isinstance(node, exp.Coalesce):
        return _same_kind([node.this, *node.expressions], scope)
    if isinstance(node, exp.Count):
        return Kind.NUMBER
    if isinstance(node, exp.Min | exp.Max):
        return _kind_of(node.this, scope)
    if isinstance(node, _TEXT_TO_TEXT):
        _expect(node.this, scope, Kind.TEXT)
        return Kind.TEXT
    if isinstance(node, exp.Length):
        _expect(node.this, scope, Kind.TEXT)
        return Kind.NUMBER
    if isinstance(node, _DATE_PARTS):
        _expect(node.find(exp.Column) or node.this, scope, Kind.DATE)
        return Kind.NUMBER
    for operand in node.iter_expressions():
        _expect(operand, scope, Kind.NUMBER)
    return Kind.NUMBER


def _expect(node: exp.Expression, scope: Mapping[str, Kind], kind: Kind) -> None:
    found = _kind_of(node, scope)
    if found not in {kind, Kind.NULL}:
        msg = f"a {kind} is expected where {node.sql(dialect='duckdb')} is a {found}"
        raise ExpressionError(msg, offset=_offset(node))


def _same_kind(nodes: list[exp.Expression], scope: Mapping[str, Kind]) -> Kind:
    kinds = [_kind_of(node, scope) for node in nodes]
    known = [(node, kind) for node, kind in zip(nodes, kinds, strict=True) if kind is not Kind.NULL]
    for node, kind in known[1:]:
        if kind is not known[0][1]:
            first = known[0]
            msg = (
                f"{first[0].sql(dialect='duckdb')} is a {first[1]} and {node.sql(dialect='duckdb')} is a {kind}: "
                "they cannot be compared"
            )
            raise ExpressionError(msg, offset=_offset(node) or _offset(first[0]))
    return known[0][1] if known else Kind.NULL


def _name(node: exp.Expression) -> str:
    if isinstance(node, exp.Anonymous):
        return f"{node.name}()"
    if isinstance(node, exp.Func):
        return node.sql_name().lower()
    return type(node).__name__


def _offset(node: exp.Expression) -> int:
    """Give the column (from 1) where a node's first token with a known place starts."""
    best = 0
    for part in node.walk():
        col, start = part.meta.get("col"), part.meta.get("start")
        if isinstance(start, int) and isinstance(col, int):
            best = min(best or start + 1, start + 1)
    return best
