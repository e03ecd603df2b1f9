"""What a file's footer answers by itself: rules of rows that every row meets by its ends and nulls, and counts of all rows.

A footer can show that all rows meet a condition, never which rows fail it: those are read. Of a count by period, the row groups
that lie within one period are counted in the footer, and the others alone are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tulosvahti.compute.footer import WHOLE
from tulosvahti.core.contract import FieldType
from tulosvahti.core.period import containing
from tulosvahti.core.rule import MeasureKind, RowsSpec, TargetSpec

if TYPE_CHECKING:
    from tulosvahti.compute.footer import Block, Footer
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Measure, Reference

_MOST_BITS = 1 << 23
"""Keys of which a string of bits tells which are there."""
_NOT_BELOW, _NOT_ABOVE = exp.GTE | exp.GT, exp.LTE | exp.LT


def each_row_meets(spec: RowsSpec, footer: Footer) -> bool:
    """Tell whether the footer shows that every row, in scope or not, meets what a rule asks of it alone: of a key, that it is there."""
    if spec.require is None:
        return bool(spec.unique) and all(footer.nulls(name) == 0 for name in spec.unique)
    tree = spec.require.tree
    return all(_met(tree, block, missing_passes=spec.missing == "pass") for block in footer.blocks)


def all_known(measure: Measure, footer: Footer, contract: Contract, as_of: date) -> bool:
    """Tell whether the footer shows that every row is known and has happened."""
    dates = [(name, footer.ends(name)) for name in (measure.period, contract.known_on) if name]
    days = [_day(ends[1], contract.field(name).type) if ends else None for name, ends in dates]
    return all(day is not None and day <= as_of for day in days)


def range_of_keys(found: Reference, footer: Footer, contract: Contract) -> tuple[int, int] | None:
    """Give the ends of the keys that rows refer to, where they are whole numbers of sound rows that lie so close that bits tell them."""
    if len(found.to) > 1 or contract.field(found.to[0]).type not in WHOLE or not footer.is_sound:
        return None
    ends = footer.ends(found.to[0])
    return ends if ends is not None and ends[1] - ends[0] < _MOST_BITS else None


def _met(node: exp.Expr, block: Block, *, missing_passes: bool) -> bool:
    node = node.unnest()
    if isinstance(node, exp.And):
        return all(_met(side, block, missing_passes=missing_passes) for side in (node.this, node.expression))
    if isinstance(node, exp.Not) and isinstance(node.this.unnest(), exp.Is):
        inner = node.this.unnest()
        span = _span(inner.this, block)
        return span is not None and isinstance(inner.expression, exp.Null) and span.nulls == 0
    if isinstance(node, exp.Between):
        sides = [(node.this, exp.GTE, node.args["low"]), (node.this, exp.LTE, node.args["high"])]
    elif isinstance(node, _NOT_BELOW | _NOT_ABOVE) and isinstance(node.this, exp.Column):
        sides = [(node.this, type(node), node.expression)]
    else:
        return False
    return all(_holds(*side, block, missing_passes=missing_passes) for side in sides)


def _holds(column: exp.Expr, kind: type[exp.Expr], limit: exp.Expr, block: Block, *, missing_passes: bool) -> bool:
    span, end = _span(column, block), _value(limit)
    if span is None or end is None or span.low is None or span.high is None or not (span.nulls == 0 or missing_passes):
        return False
    if isinstance(end, date) is not isinstance(span.low, date) or isinstance(span.low, str | bool):
        return False
    strict = issubclass(kind, exp.GT | exp.LT)
    least, most = (span.low, end) if issubclass(kind, _NOT_BELOW) else (end, span.high)
    return bool(least > most if strict else least >= most)


def _span(node: exp.Expr, block: Block) -> Any:  # noqa: ANN401 (a Span, or None)
    return block.columns.get(node.name) if isinstance(node, exp.Column) else None


def _value(node: exp.Expr) -> Any:  # noqa: ANN401 (a number, a day, or None)
    """Read a plain number or day."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        inner = _value(node.this)
        return -inner if isinstance(inner, Decimal) else None
    if isinstance(node, exp.Literal) and not node.is_string:
        return Decimal(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.is_type("date"):
        try:
            return date.fromisoformat(node.this.name)
        except ValueError:
            return None
    return None


@dataclass(frozen=True)
class Counted:
    """Rows by the first day of their period, of the row groups that lie within one; and the rest, as ranges of ``__row``."""

    rows: dict[date | None, int]
    rest: tuple[tuple[int, int], ...]

    @property
    def among(self) -> str:
        """The condition on the rows of the rest; empty: there are none."""
        return " OR ".join(f"__row BETWEEN {low} AND {high}" for low, high in self.rest)


def counted(spec: TargetSpec, footer: Footer, contract: Contract, as_of: date) -> Counted | None:
    """Count all rows by period; None where the rule is about something else, or the footer spares little."""
    if not counts_all(spec, contract) or not footer.is_sound:
        return None
    measure, found, rest = spec.measure, dict[date | None, int](), list[tuple[int, int]]()
    for block in footer.blocks:
        if not measure.period:
            found[None] = found.get(None, 0) + block.rows
            continue
        span, places = block.columns[measure.period], block.columns["__row"]
        low, high = (_day(end, contract.field(measure.period).type) for end in (span.low, span.high))
        if places.low is None or places.high is None:
            return None
        if span.nulls == 0 and low is not None and high is not None and (low > as_of or high <= as_of):
            start = containing(low, spec.grain).start
            if low > as_of:
                continue
            if start == containing(high, spec.grain).start:
                found[start] = found.get(start, 0) + block.rows
                continue
        rest.append((places.low, places.high))
    return Counted(found, tuple(rest)) if len(rest) * 2 <= len(footer.blocks) else None


def counts_all(spec: TargetSpec | RowsSpec, contract: Contract) -> bool:
    """Tell whether a rule counts all rows of each period, and nothing else."""
    if isinstance(spec, RowsSpec):
        return False
    measure = spec.measure
    plain = measure.kind is MeasureKind.COUNT and measure.expression is None and measure.where is None
    plain = plain and not measure.cases
    return plain and not measure.by and not measure.skip_missing and measure.mapping is None and not contract.known_on


def _day(end: Any, kind: FieldType) -> date | None:  # noqa: ANN401 (a value of the column)
    if kind is FieldType.YEAR:
        return date(end, 1, 1) if isinstance(end, int) and date.min.year <= end <= date.max.year else None
    return end if isinstance(end, date) else None
