"""From the database's sums and counts to a measurement: an exact value and the range it can still lie in.

A part is a sum or a count over the rows of one group. A measurement that has limits in place of numbers (``core.worded``)
has a range and no value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from tulosvahti.core.ranges import ANYWHERE, Range
from tulosvahti.core.rule import MeasureKind
from tulosvahti.core.worded import NO_WORDS, Worded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tulosvahti.core.expressed import Arithmetic, Expression
    from tulosvahti.core.period import Period

Subject = tuple[tuple[str, str], ...]
ALL_NULL, NONE_IN_SCOPE, SUPPRESSED, TOO_FEW = "all_null", "no_rows_in_scope", "suppressed", "too_few_rows"
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
class Parts:
    """What the database counted and summed for one group; every number is exact.

    ``rows``: all rows of the group. ``taken``: sound rows in scope. ``yes``/``no``: the condition's outcome on them.
    ``unsure``: sound rows in scope with a missing operand. ``scope_*``: sound rows whose scope is unknown.
    ``rejected``: rejects that may be in scope. ``values``: sums and counts by name. ``bounds``: the least and greatest
    value that a missing operand can have. ``worded``: by the same names, what stands in place of numbers: no operand is
    missing there.
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
    """Sound rows whose value is missing because the source hides it, in scope but for that."""
    cases: Fraction | None = None
    """For how many cases the rows taken stand, where they say so; ``cases_missing`` of them do not."""
    cases_missing: int = 0
    worded: Mapping[str, Worded] = field(default_factory=dict)

    @property
    def perhaps(self) -> int:
        """Rows that may or may not be in scope."""
        return self.scope_yes + self.scope_no + self.scope_unsure + self.rejected

    @property
    def unknown_rows(self) -> int:
        """Rows that may or may not change the value."""
        return self.unsure + self.perhaps

    def words(self, name: str) -> Worded:
        """Give what stands in place of the numbers of an operand."""
        return self.worded.get(name, NO_WORDS)


@dataclass(frozen=True)
class Measurement:
    """The value of one indicator for one subject and period, and how sure it is."""

    rule: str
    subject: Subject
    period: Period | None
    value: Fraction | None
    range: Range = ANYWHERE
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

    @property
    def is_censored(self) -> bool:
        """Tell whether limits stand in place of numbers, so that it has a range and no value."""
        return self.reason is not None and self.reason.code == CENSORED

    @property
    def stated(self) -> str:
        """What words state in place of a number: ``met``, ``partly_met`` or ``missed``; empty where they do not."""
        return dict(self.reason.details).get("said", "") if self.reason is not None and self.reason.code in STATED.values() else ""


def measured(kind: MeasureKind, expression: Expression | None, parts: Parts, *, none_is_zero: bool) -> tuple[
    Fraction | None, Range, Reason | None, tuple[tuple[str, str], ...]
]:
    """Give value, range, reason (where there is no value) and workings of one group."""
    if parts.rows == 0 and not (none_is_zero and kind in {MeasureKind.COUNT, MeasureKind.DISTINCT, MeasureKind.SUM}):
        return None, ANYWHERE, Reason("no_rows"), ()
    value, spread, reason, workings = _WORK[kind](parts, expression, none_is_zero)
    if reason is not None and reason.code in {ALL_NULL, NONE_IN_SCOPE} and _is_hidden(kind, parts):
        reason = Reason(SUPPRESSED)
    return value, spread, reason, workings


def _is_hidden(kind: MeasureKind, parts: Parts) -> bool:
    """Tell whether whatever is missing is hidden by the source; of the latest value, only its own rows count."""
    lacking = 1 if kind is MeasureKind.LATEST else max([parts.unsure, *parts.missing.values()])
    return parts.hidden > 0 and parts.hidden >= lacking and parts.unknown_rows == parts.unsure


_Worked = tuple[Fraction | None, Range, Reason | None, tuple[tuple[str, str], ...]]
CENSORED = "censored"
"""The reason of a measurement that has no value but a range, as limits stand in place of numbers."""


STATED = {"met": "stated", "partly_met": "stated_partly_met", "missed": "stated"}
"""The reason of a measurement that words have stated, in place of any number, by what they mean."""


def _stated(parts: Parts, words: Worded, rows: int) -> _Worked:
    """Take the verdict that words state, where nothing else is there among ``rows``."""
    meant = {said for said, *_ in words.stated}
    if len(meant) > 1 or words.count_stated < rows or parts.unknown_rows:
        return None, ANYWHERE, Reason.of("stated_mixed", words=words.words), ()
    (said,) = meant
    return None, ANYWHERE, Reason.of(STATED[said], words=words.words, said=said), ()


def _limited(found: Range, workings: tuple[tuple[str, str], ...], count: int) -> _Worked:
    return None, found, Reason.of(CENSORED, bounds=found.text), (*workings, ("rows with a limit", str(count)))


SHARED = "shared out"
"""In ``values`` of a count: what the rows come to that are shared out among subjects; ``yes`` has the others."""


def _count(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value = parts.yes + (parts.values.get(SHARED) or Fraction(0))
    # A row without a value in the counted field is known not to count; one with a limit may.
    high = value + parts.scope_yes + parts.rejected + min(parts.unsure, parts.words("count").count)
    return value, Range(value, high), None, (("rows counted", _text(value)),)


def _distinct(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value = parts.values.get("distinct") or Fraction(0)
    high = value + parts.scope_yes + parts.rejected + parts.words("distinct").count
    return value, Range(value, high), None, (("different values", str(value)),)


def _share(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    known = parts.yes + parts.no
    every = known + parts.unsure
    against = parts.scope_no + parts.scope_unsure + parts.rejected
    favour = parts.scope_yes + parts.scope_unsure + parts.rejected
    workings = (("rows that meet the condition", str(parts.yes)), ("rows known", str(known)), ("rows in scope", str(every)))
    if every + against == 0 and every + favour == 0:
        return None, ANYWHERE, Reason(NONE_IN_SCOPE), workings
    low = Fraction(100 * parts.yes, every + against) if every + against else Fraction(0)
    high = Fraction(100 * (parts.yes + parts.unsure + favour), every + favour) if every + favour else Fraction(100)
    if known == 0:
        return None, Range(low, high), Reason(ALL_NULL), workings
    return Fraction(100 * parts.yes, known), Range(low, high), None, workings


def _sum(parts: Parts, _: Expression | None, none_is_zero: bool) -> _Worked:  # noqa: FBT001
    total, words = parts.values.get("sum"), parts.words("sum")
    if words.stated:
        return _stated(parts, words, parts.taken)
    known = max(parts.taken - parts.unsure - words.count, 0)
    workings = (("sum", _text(total)), ("rows summed", str(known)))
    if total is None and not words.count:
        if not parts.unknown_rows and not parts.hidden and none_is_zero:
            return Fraction(0), Range.exact(0), None, workings
        code = ALL_NULL if parts.unsure else NONE_IN_SCOPE
        return None, ANYWHERE, Reason(code), workings
    spread = Range.exact(total or 0) + words.total + _spread(parts, "sum", parts.unsure, parts.perhaps)
    return _limited(spread, workings, words.count) if words.count else (total, spread, None, workings)


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
    total, words = parts.values.get("sum"), parts.words("sum")
    if words.stated:
        return _stated(parts, words, parts.taken)
    known = max(parts.taken - parts.unsure - words.count, 0)
    workings = (("sum", _text(total)), ("rows", str(known)))
    if not words.count and (not known or total is None):
        return None, ANYWHERE, Reason(ALL_NULL if parts.unsure else NONE_IN_SCOPE), workings
    mean = _mean_of(total, known, words)
    others = parts.unknown_rows
    spread = _pulled(parts, mean, known + words.count, others) if others else mean
    return _limited(spread, workings, words.count) if words.count else (mean.low, spread, None, workings)


def _mean_of(total: Fraction | None, known: int, words: Worded) -> Range:
    return (Range.exact(total or 0) + words.total).times(Fraction(1, known + words.count))


def _pulled(parts: Parts, mean: Range, known: int, others: int) -> Range:
    """Widen a mean by rows without a value.

    Rows that are in scope for sure are all counted; the others only where they pull the mean further.
    """
    low, high = parts.bounds.get("sum", (None, None))

    def end(choose: Callable[[Fraction, Fraction], Fraction], bound: Fraction | None, own: Fraction | None) -> Fraction | None:
        return None if bound is None or own is None else (own * known + others * choose(bound, own)) / (known + others)

    return Range(end(min, low, mean.low), end(max, high, mean.high), mean.low_open, mean.high_open)


def _latest(parts: Parts, _: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    value, words = parts.values.get("latest"), parts.words("latest")
    workings = (("latest", words.total.text if words.count else _text(value)),)
    if parts.ambiguous:
        return None, ANYWHERE, Reason("ambiguous_latest"), workings
    if words.stated:
        return _stated(replace(parts, unsure=0), words, words.count)
    if value is None and not words.count:
        return None, ANYWHERE, Reason(ALL_NULL if parts.taken else NONE_IN_SCOPE), workings
    found = words.total if value is None else Range.exact(value)
    spread = ANYWHERE if parts.perhaps else found
    return _limited(spread, workings, words.count) if words.count else (value, spread, None, workings)


def _value(parts: Parts, expression: Expression | None, _zero: bool) -> _Worked:  # noqa: FBT001
    if expression is None or expression.arithmetic is None:
        return None, ANYWHERE, Reason("no_rows"), ()
    workings = tuple((name, _text(value)) for name, value in parts.values.items())
    words = sum((parts.words(name) for name in parts.values if not _counts(name)), NO_WORDS)
    if words.stated:
        # What words say of one operand is no verdict on an arithmetic of several.
        return _stated(parts, words, parts.taken if isinstance(expression.arithmetic, str) else words.count + 1)
    limits = words.count
    try:
        point = None if limits else _arithmetic(expression.arithmetic, {name: _point(parts, name) for name in parts.values})
        spread = _arithmetic(expression.arithmetic, {name: _possible(parts, name) for name in parts.values})
    except ZeroDivisionError:
        return None, ANYWHERE, Reason("division_by_zero"), workings
    if limits and spread is not None:
        return _limited(spread, workings, limits)
    if point is None:
        return None, ANYWHERE, Reason(ALL_NULL if any(parts.missing.values()) else NONE_IN_SCOPE), workings
    return point.low, spread or ANYWHERE, None, workings


def _counts(name: str) -> bool:
    return name.lower().startswith("count(")


def _point(parts: Parts, name: str) -> Range | None:
    value = parts.values[name]
    return None if value is None else Range.exact(value)


def _possible(parts: Parts, name: str) -> Range | None:
    value, words, missing = parts.values[name], parts.words(name), parts.missing.get(name, 0)
    if words.is_boundless:
        return ANYWHERE
    if _counts(name):
        return None if value is None else Range(value, value + parts.perhaps)
    if value is None and not words.count:
        return None
    if name.lower().startswith("sum("):
        found = Range.exact(value or 0) + words.total
        return found if not missing and not parts.perhaps else found + _spread(parts, name, missing, parts.perhaps)
    if missing or parts.perhaps:
        return ANYWHERE
    if not words.count:
        return None if value is None else Range.exact(value)
    if name.lower().startswith("avg("):
        known = parts.taken - words.count
        return _mean_of((value or Fraction(0)) * known, known, words)
    chosen = Range.or_less if name.lower().startswith("min(") else Range.or_more
    ranges = [item for item, _ in words.limits] + ([] if value is None else [Range.exact(value)])
    return reduce(chosen, ranges)


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
