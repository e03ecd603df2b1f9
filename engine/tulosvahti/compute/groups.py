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
from tulosvahti.core.expression import leaf_name
from tulosvahti.core.measure import Parts, Subject
from tulosvahti.core.period import Grain, Period, containing
from tulosvahti.core.rule import MeasureKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Measure

Group = tuple[tuple[str | None, ...], Period | None, Parts]


def group_of(
    grain: Grain, bounds: Mapping[str, Ends], start: date | None, by: Sequence[Any], numbers: Mapping[str, Any]
) -> Group:
    """Give the parts of one group; ``numbers`` holds what ``columns_of`` names, ``bounds`` is of ``bounds_of``.

    Raises:
        NotComputedError: a number is not exact.

    """
    counted = {name: int(numbers[name]) for name in COUNTS}
    numbers = {name: value for name, value in numbers.items() if name not in counted}
    missing = {name[9:]: int(value) for name, value in numbers.items() if name.startswith("missing: ")}
    values = _values(numbers)
    parts = Parts(
        **counted,
        values=values,
        missing=missing,
        bounds=bounds,
        ambiguous=int(numbers.get("latest_values") or 0) > 1,
    )
    subject = tuple(None if value is None else text_of(value) for value in by)
    return subject, containing(start, grain) if start is not None else None, parts


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
    item = contract.field(tree.name)
    low, high = (Fraction(end) if isinstance(end, Decimal) else None for end in (item.minimum, item.maximum))
    return low, high


def with_floating(measure: Measure, groups: Sequence[Group]) -> tuple[tuple[Subject, Period | None, Parts], ...]:
    """Add rows whose period or subject is unknown to every group they may belong to, as unknown rows."""
    floating: list[tuple[tuple[str | None, ...], Period | None, int]] = []
    settled: list[Group] = []
    for by, period, parts in groups:
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
            replace(parts, rejected=parts.rejected + extra[index]),
        )
        for index, (by, period, parts) in enumerate(settled)
    )
