"""Groups of one measurement: named sums and counts become exact parts, whichever query gave them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.parts_sql import COUNTS, has_row_value
from tulosvahti.core.expression import AGGREGATES, leaf_name
from tulosvahti.core.measure import SHARED, Parts, Subject
from tulosvahti.core.period import Grain, Period, containing
from tulosvahti.core.rule import MeasureKind
from tulosvahti.core.worded import Worded, worded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Measure

_PERHAPS = ("hidden", "cases_missing")
"""Counts that a rule's query has only where they are asked for."""
Group = tuple[tuple[str | None, ...], Period | None, Parts]


def group_of(
    grain: Grain, bounds: Mapping[str, Ends], start: date | None, by: Sequence[Any], numbers: Mapping[str, Any]
) -> Group:
    """Give the parts of one group; ``numbers`` holds what ``columns_of`` names, ``bounds`` is of ``bounds_of``.

    Raises:
        NotComputedError: a number is not exact.

    """
    counted = {name: int(numbers[name]) for name in COUNTS} | {name: int(numbers.get(name) or 0) for name in _PERHAPS}
    cases = exact(numbers.get("cases"))
    numbers = {name: value for name, value in numbers.items() if name not in counted and name != "cases"}
    missing = {name[9:]: int(value) for name, value in numbers.items() if name.startswith("missing: ")}
    words = _newest(numbers.get("latest"))
    values = _values({**numbers, "latest": None} if words else numbers)
    parts = Parts(
        **counted,
        values=values,
        missing=missing,
        bounds=bounds,
        cases=cases,
        ambiguous=int(numbers.get("latest_values") or 0) > 1,
        worded=words,
    )
    subject = tuple(None if value is None else text_of(value) for value in by)
    return subject, containing(start, grain) if start is not None else None, parts


def _newest(value: object) -> dict[str, Worded]:
    """Give the words that stand in place of the newest number; a number is a text there too."""
    return {"latest": worded([(value, 1)])} if isinstance(value, str) and value[0] not in "-0123456789" else {}


def text_of(value: object) -> str:
    """Give a value as the name of a subject or a row: a decimal without zeros that only other rows ask for."""
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _values(numbers: Mapping[str, Any]) -> dict[str, Fraction | None]:
    values: dict[str, Fraction | None] = {}
    for name, value in numbers.items():
        if name.startswith(("missing: ", "number: ")) or name == "latest_values":
            continue
        number = exact(value)
        if name.startswith("total: "):
            average = name[7:]
            count = int(numbers[f"number: {average}"])
            values[average] = number / count if number is not None and count else None
        else:
            values[name] = number
    return values


def exact(value: object) -> Fraction | None:
    """Give a number of the database as a fraction.

    Raises:
        NotComputedError: it is binary, or no number.

    """
    if value is None:
        return None
    if isinstance(value, str):
        value = Decimal(value)
    if isinstance(value, int | Fraction) or (isinstance(value, Decimal) and value.is_finite()):
        return Fraction(value)
    msg = f"{value!r} is not an exact number"
    raise NotComputedError(msg)


Ends = tuple[Fraction | None, Fraction | None]


def bounds_of(measure: Measure, contract: Contract) -> dict[str, Ends]:
    """Give the least and greatest value that a missing operand of each sum can have."""
    if measure.expression is None:
        return {}
    if measure.kind in {MeasureKind.SUM, MeasureKind.MEAN}:
        return {"sum": _field_bounds(measure.expression.tree, contract)}
    if has_row_value(measure):
        return {}
    return {leaf_name(node): _field_bounds(node.this, contract) for node in measure.expression.tree.find_all(exp.Sum)}


def _field_bounds(tree: exp.Expression, contract: Contract) -> Ends:
    if not isinstance(tree, exp.Column):
        return None, None
    possible = contract.field(tree.name).possible
    return possible.low, possible.high


def with_floating(measure: Measure, groups: Sequence[Group]) -> tuple[tuple[Subject, Period | None, Parts], ...]:
    """Add rows whose period or subject is unknown to every group they may belong to, as unknown rows."""
    floating: list[tuple[tuple[str | None, ...], Period | None, int]] = []
    settled: list[Group] = []
    for by, period, parts in shared_out(measure, groups):
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
            replace(parts, rejected=parts.rejected + extra[index]) if index in extra else parts,
        )
        for index, (by, period, parts) in enumerate(settled)
    )


def is_shareable(measure: Measure) -> bool:
    """Tell a measure that is added up, so that a share of it can be given: a count, a sum, an arithmetic of both."""
    if measure.kind in {MeasureKind.COUNT, MeasureKind.SUM}:
        return True
    if measure.kind not in {MeasureKind.RATIO, MeasureKind.VALUE} or measure.expression is None:
        return False
    leaves = list(measure.expression.tree.find_all(*AGGREGATES))
    return all(isinstance(leaf, exp.Sum | exp.Count) and not isinstance(leaf.this, exp.Distinct) for leaf in leaves)


def shared_out(measure: Measure, groups: Sequence[Group]) -> list[Group]:
    """Share the groups of codes that were divided out among the subjects that have a part of them.

    Rows are counted whole where they only say how sure a value is: a part of a missing operand is bounded by the whole, or 0.
    """
    if measure.moved is None or not measure.moved.shared:
        return list(groups)
    at, shared = measure.by.index(measure.moved.field), dict(measure.moved.shared)
    found: dict[tuple[tuple[str | None, ...], Period | None], Parts] = {}
    for by, period, parts in groups:
        for name, share in shared.get(by[at] or "", ((by[at], None),)):
            key = (*by[:at], name, *by[at + 1 :]), period
            part = parts if share is None else _part(measure, parts, share)
            found[key] = _together(found[key], part) if key in found else part
    return [(*key, parts) for key, parts in found.items()]


def _part(measure: Measure, parts: Parts, share: Fraction) -> Parts:
    values = {name: None if value is None else value * share for name, value in parts.values.items()}
    counted = {SHARED: parts.yes * share} if measure.kind is MeasureKind.COUNT else {}
    zero = Fraction(0)
    bounds = {
        name: (None if low is None else min(low, zero), None if high is None else max(high, zero))
        for name, (low, high) in parts.bounds.items()
    }
    cases = None if parts.cases is None else parts.cases * share
    words = {name: found.shared(share) for name, found in parts.worded.items()}
    return replace(parts, yes=0 if counted else parts.yes, values=values | counted, bounds=bounds, cases=cases, worded=words)


def _together(one: Parts, other: Parts) -> Parts:
    def total(*values: Fraction | None) -> Fraction | None:
        there = [value for value in values if value is not None]
        return sum(there, Fraction(0)) if there else None

    bounds = {
        name: (_end(min, one.bounds[name][0], other.bounds[name][0]), _end(max, one.bounds[name][1], other.bounds[name][1]))
        for name in one.bounds
    }
    return Parts(
        **{name: getattr(one, name) + getattr(other, name) for name in (*COUNTS, *_PERHAPS)},
        values={name: total(one.values.get(name), other.values.get(name)) for name in {**one.values, **other.values}},
        cases=total(one.cases, other.cases),
        missing={name: count + other.missing[name] for name, count in one.missing.items()},
        bounds=bounds,
        worded={name: one.words(name) + other.words(name) for name in {**one.worded, **other.worded}},
    )


def _end(choose: Callable[[Fraction, Fraction], Fraction], one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else choose(one, other)
