"""From the database's sums and counts to a measurement: an exact value and the range it can still lie in.

Ranges are inclusive; None is an end that nothing bounds. A part is a sum or a count over the rows of one group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.rule import MeasureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.expressed import Arithmetic, Expression
    from tulosvahti.core.period import Period

Subject = tuple[tuple[str, str], ...]
ALL_NULL, SUPPRESSED, TOO_FEW = "all_null", "suppressed", "too_few_rows"
"""Reasons that are told apart by others than the reader."""


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is: a code and what the sentence about it needs."""

    code: str
    details: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(code: str, **details: object) -> Reason:
        """Make a reason with its details as texts."""
        return Reason(code, tuple((name, str(value)) for name, value in details.items()))


@dataclass(frozen=True)
class Range:
    """Where a value can lie; a known value has both ends equal."""

    low: Fraction | None
    high: Fraction | None

    @staticmethod
    def exact(value: Fraction | int) -> Range:
        """Make the range of a known value."""
        return Range(Fraction(value), Fraction(value))

    @property
    def is_exact(self) -> bool:
        """Tell whether the value is known."""
        return self.low is not None and self.low == self.high

    def __add__(self, other: Range) -> Range:
        """Add ranges."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(low, high)

    def __neg__(self) -> Range:
        """Change the sign: ends swap."""
        return Range(None if self.high is None else -self.high, None if self.low is None else -self.low)

    def __mul__(self, other: Range) -> Range:
        """Multiply ranges; an open end stays open unless the other factor is a known number."""
        for one, two in ((self, other), (other, self)):
            if one.is_exact and one.low is not None:
                factor = one.low
                ends = [None if end is None else end * factor for end in (two.low, two.high)]
                if factor == 0:
                    return Range.exact(0)
                return Range(*ends) if factor > 0 else Range(ends[1], ends[0])
        ends_all = [self.low, self.high, other.low, other.high]
        if None in ends_all:
            return Range(None, None)
        products = [a * b for a in (self.low, self.high) for b in (other.low, other.high) if a is not None and b is not None]
        return Range(min(products), max(products))

    def reciprocal(self) -> Range:
        """Divide 1 by the range.

        Raises:
            ZeroDivisionError: the range is zero.

        """
        if self.is_exact and self.low == 0:
            raise ZeroDivisionError
        if self.low is not None and self.low > 0:
            return Range(Fraction(0) if self.high is None else 1 / self.high, 1 / self.low)
        if self.high is not None and self.high < 0:
            return -((-self).reciprocal())
        return Range(None, None)


@dataclass(frozen=True)
class Parts:
    """What the database counted and summed for one group; every number is exact.

    ``rows``: all rows of the group. ``taken``: sound rows in scope. ``yes``/``no``: the condition's outcome on them.
    ``unsure``: sound rows in scope with a missing operand. ``scope_*``: sound rows whose scope is unknown.
    ``rejected``: rejects that may be in scope. ``values``: sums and counts by name. ``bounds``: the least and greatest
    value that a missing operand can have.
    """

    rows: int = 0
    taken: int = 0
    yes: int = 0
    no: int = 0
    unsure: int = 0
    scope_yes: int = 0
    scope_no: int = 0
    scope_unsure: int = 0
    rejected: int = 0
    values: Mapping[str, Fraction | None] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    bounds: Mapping[str, tuple[Fraction | None, Fraction | None]] = field(default_factory=dict)
    ambiguous: bool = False
    hidden: int = 0
    """Sound rows in scope whose value is missing because the source hides it."""
    cases: Fraction | None = None
    """For how many cases the rows taken stand, where they say so; ``cases_missing`` of them do not."""
    cases_missing: int = 0

    @property
    def unknown_rows(self) -> int:
        """Rows that may or may not change the value."""
        return self.unsure + self.scope_yes + self.scope_no + self.scope_unsure + self.rejected


@dataclass(frozen=True)
class Measurement:
    """The value of one indicator for one subject and period, and how sure it is."""

    rule: str
    subject: Subject
    period: Period | None
    value: Fraction | None
    range: Range = Range(None, None)
    rows: int = 0
    unknown_rows: int = 0
    reason: Reason | None = None
    workings: tuple[tuple[str, str], ...] = ()
    """The numbers behind the value, as texts, in the order of the formula."""
    monotone: bool = False
    """True where the value cannot fall while the period is open."""
    cases: Fraction | None = None
    """For how many cases the rows stand, as in ``Parts``."""
    cases_missing: int = 0


def measured(kind: MeasureKind, expression: Expression | None, parts: Parts, *, none_is_zero: bool) -> tuple[
    Fraction | None, Range, Reason | None, tuple[tuple[str, str], ...]
]:
    """Give value, range, reason (where there is no value) and workings of one group."""
    if parts.rows == 0 and not (none_is_zero and kind in {MeasureKind.COUNT, MeasureKind.DISTINCT, MeasureKind.SUM}):
        return None, Range(None, None), Reason("no_rows"), ()
    value, spread, reason, workings = _WORK[kind](parts, expression, none_is_zero)
    if reason is not None and reason.code == ALL_NULL and _is_hidden(kind, parts):
        reason = Reason(SUPPRESSED)
    return value, spread, reason, workings


def _is_hidden(kind: MeasureKind, parts: Parts) -> bool:
    """Tell whether whatever is missing is hidden by the source; of the latest value, only its own rows count."""
    lacking = 1 if kind is MeasureKind.LATEST else max([parts.unsure, *parts.missing.values()])
    return parts.hidden > 0 and parts.hidden >= lacking and parts.unknown_rows == parts.unsure


_Worked = tuple[Fraction | None, Range, Reason | None, tuple[tuple[str, str], ...]]


SHARED = "shared out"
"""In ``values`` of a count: what the rows come to that are shared out among subjects; ``yes`` has the others."""


def _count(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value = parts.yes + (parts.values.get(SHARED) or Fraction(0))
    # A row without a value in the counted field is known not to count.
    high = value + parts.scope_yes + parts.rejected
    return value, Range(value, high), None, (("rows counted", _text(value)),)


def _distinct(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value = parts.values.get("distinct") or Fraction(0)
    high = value + parts.scope_yes + parts.rejected
    return value, Range(value, high), None, (("different values", str(value)),)


def _share(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    known = parts.yes + parts.no
    every = known + parts.unsure
    against = parts.scope_no + parts.scope_unsure + parts.rejected
    favour = parts.scope_yes + parts.scope_unsure + parts.rejected
    workings = (("rows that meet the condition", str(parts.yes)), ("rows known", str(known)), ("rows in scope", str(every)))
    if every + against == 0 and every + favour == 0:
        return None, Range(None, None), Reason("no_rows_in_scope"), workings
    low = Fraction(100 * parts.yes, every + against) if every + against else Fraction(0)
    high = Fraction(100 * (parts.yes + parts.unsure + favour), every + favour) if every + favour else Fraction(100)
    if known == 0:
        return None, Range(low, high), Reason(ALL_NULL), workings
    return Fraction(100 * parts.yes, known), Range(low, high), None, workings


def _sum(parts: Parts, _: Expression | None, none_is_zero: bool) -> _Worked:  # noqa: FBT001
    total = parts.values.get("sum")
    known = parts.taken - parts.unsure
    workings = (("sum", _text(total)), ("rows summed", str(known)))
    if total is None:
        if parts.unknown_rows == 0 and none_is_zero:
            return Fraction(0), Range.exact(0), None, workings
        code = ALL_NULL if parts.unsure else "no_rows_in_scope"
        return None, Range(None, None), Reason(code), workings
    spread = _spread(parts, "sum", parts.unsure, parts.scope_yes + parts.scope_no + parts.scope_unsure + parts.rejected)
    return total, Range.exact(total) + spread, None, workings


def _spread(parts: Parts, name: str, surely: int, perhaps: int) -> Range:
    """Give what ``surely`` present and ``perhaps`` present rows without a value can add to a sum."""
    low, high = parts.bounds.get(name, (None, None))
    zero = Fraction(0)
    least: Fraction | None = zero
    most: Fraction | None = zero
    if surely:
        least = None if low is None else surely * low
        most = None if high is None else surely * high
    if perhaps:
        least = None if least is None or low is None else least + min(zero, perhaps * low)
        most = None if most is None or high is None else most + max(zero, perhaps * high)
    return Range(least, most)


def _mean(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    total = parts.values.get("sum")
    known = parts.taken - parts.unsure
    workings = (("sum", _text(total)), ("rows", str(known)))
    if not known or total is None:
        return None, Range(None, None), Reason(ALL_NULL if parts.unsure else "no_rows_in_scope"), workings
    value = total / known
    others = parts.unknown_rows
    if not others:
        return value, Range.exact(value), None, workings
    low, high = parts.bounds.get("sum", (None, None))
    # Rows that are in scope for sure are all counted; the others only where they pull the mean further.
    least = None if low is None else (total + others * min(low, value)) / (known + others)
    most = None if high is None else (total + others * max(high, value)) / (known + others)
    return value, Range(least, most), None, workings


def _latest(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value = parts.values.get("latest")
    workings = (("latest", _text(value)),)
    if parts.ambiguous:
        return None, Range(None, None), Reason("ambiguous_latest"), workings
    if value is None:
        return None, Range(None, None), Reason(ALL_NULL if parts.taken else "no_rows_in_scope"), workings
    sure = not (parts.rejected or parts.scope_yes or parts.scope_no or parts.scope_unsure)
    return value, Range.exact(value) if sure else Range(None, None), None, workings


def _value(parts: Parts, expression: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    if expression is None or expression.arithmetic is None:
        return None, Range(None, None), Reason("no_rows"), ()
    workings = tuple((name, _text(value)) for name, value in parts.values.items())
    try:
        point = _arithmetic(expression.arithmetic, {name: _point(parts, name) for name in parts.values})
        spread = _arithmetic(expression.arithmetic, {name: _possible(parts, name) for name in parts.values})
    except ZeroDivisionError:
        return None, Range(None, None), Reason("division_by_zero"), workings
    if point is None:
        return None, Range(None, None), Reason(ALL_NULL if any(parts.missing.values()) else "no_rows_in_scope"), workings
    return point.low, spread or Range(None, None), None, workings


def _point(parts: Parts, name: str) -> Range | None:
    value = parts.values[name]
    return None if value is None else Range.exact(value)


def _possible(parts: Parts, name: str) -> Range | None:
    value = parts.values[name]
    if value is None:
        return None
    perhaps = parts.scope_yes + parts.scope_no + parts.scope_unsure + parts.rejected
    if name.lower().startswith("count("):
        return Range(value, value + perhaps)
    if not parts.missing.get(name, 0) and not perhaps:
        return Range.exact(value)
    if name.lower().startswith("sum("):
        return Range.exact(value) + _spread(parts, name, parts.missing.get(name, 0), perhaps)
    return Range(None, None)


def _arithmetic(node: Arithmetic, leaves: Mapping[str, Range | None]) -> Range | None:
    """Evaluate an arithmetic of aggregates over ranges; None where a leaf has no value."""
    if isinstance(node, str):
        return leaves[node]
    sign, *operands = node
    if sign == "number":
        return Range.exact(Fraction(str(operands[0])))
    known = [_arithmetic(operand, leaves) for operand in operands]
    found = [item for item in known if item is not None]
    if len(found) < len(known):
        return None
    if len(found) == 1:
        return -found[0]
    left, right = found
    if sign in {"+", "-"}:
        return left + (right if sign == "+" else -right)
    return left * (right if sign == "*" else right.reciprocal())


def _text(value: Fraction | None) -> str:
    if value is None:
        return "null"
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


_WORK = {
    MeasureKind.COUNT: _count,
    MeasureKind.DISTINCT: _distinct,
    MeasureKind.SHARE: _share,
    MeasureKind.SUM: _sum,
    MeasureKind.MEAN: _mean,
    MeasureKind.LATEST: _latest,
    MeasureKind.RATIO: _value,
    MeasureKind.VALUE: _value,
}
