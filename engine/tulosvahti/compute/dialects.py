"""The generator's SQL in the words of other databases, through sqlglot's tree, with the same meaning.

The generator writes DuckDB's dialect. What the others read differently is put right here: which characters an escape, a
trim and a capital letter concern, how a sum of whole numbers grows, what a condition without a type is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACES = " \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
"""What DuckDB's trim takes away: Unicode's space separators. Others take away the plain space alone."""
_NO_ESCAPE = "\u0001"
"""Stands in no data: DuckDB's LIKE has no escape, where others take the backslash for one."""


@lru_cache(4096)
def translated(sql: str, dialect: str, places: tuple[tuple[str, str], ...] = ()) -> str:
    """Give a query of the generator in another dialect: ``postgres`` or ``spark``, or another that sqlglot writes.

    ``places``: tables' names, and the SELECT in that dialect which stands for each.
    """
    tree, change = sqlglot.parse_one(sql, read="duckdb"), _CHANGES.get(dialect, _general)
    # From the leaves up: what stands inside a changed node is changed as well.
    for node in reversed(list(tree.walk())):
        changed = change(node)
        if changed is not node:
            node.replace(changed)
    selects = dict(places)
    for table in [table for table in tree.find_all(exp.Table) if table.name in selects]:
        inner = exp.Subquery(this=sqlglot.parse_one(selects[table.name], read=dialect))
        table.replace(exp.alias_(inner, table.name, table=True, quoted=True))
    return tree.sql(dialect=dialect)


def _general(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Like) and not isinstance(node.parent, exp.Escape):
        return exp.Escape(this=node.copy(), expression=exp.Literal.string(_NO_ESCAPE))
    if isinstance(node, exp.Trim) and not node.expression:
        return exp.Trim(this=node.this.copy(), expression=exp.Literal.string(_SPACES), position="BOTH")
    if isinstance(node, exp.Subquery) and not node.alias:
        # Not every database takes a derived table without a name.
        return exp.alias_(node.copy(), "derived", table=True) if isinstance(node.parent, exp.From) else node
    return node


def _postgres(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.DateFromParts):
        parts = [exp.cast(node.args[name], "int") for name in ("year", "month", "day")]
        return exp.Anonymous(this="make_date", expressions=parts)
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        # Of a plain date the server would make a moment of its own time zone.
        node.set("this", exp.cast(node.this, "timestamp"))
    if isinstance(node, exp.Upper | exp.Lower) and not isinstance(node.parent, exp.Collate):
        # The collation that compares byte by byte knows the capitals of ASCII alone.
        inner = type(node)(this=_collated(node.this.copy(), "und-x-icu"))
        return exp.Paren(this=_collated(exp.Paren(this=inner), "C"))
    return _general(node)


def _collated(node: exp.Expr, collation: str) -> exp.Expr:
    return exp.Collate(this=node, expression=exp.to_identifier(collation, quoted=True))


def _spark(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Sum):
        # A sum of whole numbers would end at 64 bits.
        node.set("this", exp.Add(this=exp.Paren(this=node.this), expression=exp.cast(exp.Literal.number(0), "decimal(1, 0)")))
    if isinstance(node, exp.Min) and (count := node.args.get("count")):
        return exp.Anonymous(this="min_by", expressions=[node.this, node.this.copy(), count])
    return _general(node)


_CHANGES: dict[str, Callable[[exp.Expr], exp.Expr]] = {"postgres": _postgres, "spark": _spark}
