"""The kinds of rules, each from its shape to its meaning: expressions parsed, targets read, names resolved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import DATED, Contract, FieldType
from tulosvahti.core.dated import REPORT_FIELDS
from tulosvahti.core.expressed import Expression, Kind
from tulosvahti.core.expression import parse, parse_aggregate, parse_condition, parse_number
from tulosvahti.core.period import PERIOD_FORMS, Grain, Period, read_days, read_period, year
from tulosvahti.core.quantity import NumberTextError, read_agreed_number
from tulosvahti.core.rule import (
    ExpectationSpec,
    Measure,
    MeasureKind,
    MilestoneSpec,
    NarrativeSpec,
    Spec,
    TargetSpec,
    named_columns,
)
from tulosvahti.core.target import TARGET_FORMS, Target, TargetTextError, read_target
from tulosvahti.load.crossfoots import crossfoot_spec
from tulosvahti.load.mapped import mapped_by
from tulosvahti.load.quick_yaml import NumberText
from tulosvahti.load.row_rules import rows_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.load.reading import Reading

KINDS = ("measure", "crossfoot", "milestone", "narrative", "rows", "expectation")


def read_spec(reading: Reading) -> Spec | None:
    """Read the rule's kind; None where the source got problems instead."""
    rule = reading.rule
    given = [kind for kind in KINDS if getattr(rule, kind) is not None]
    if len(given) != 1:
        message = "a rule has exactly one kind; this has " + (" and ".join(given) if given else "none")
        reading.say((given[1],) if given else (), message, ", ".join(KINDS))
        return None
    if rule.measure is None:
        for key in ("target", "warn", "tolerance", "grain"):
            if getattr(rule, key) is not None:
                reading.say((key,), f"{key} goes with measure, not with {given[0]}")
    readers: dict[str, Callable[[Reading], Spec | None]] = {
        "measure": _indicator,
        "crossfoot": crossfoot_spec,
        "milestone": _milestone,
        "narrative": _narrative,
        "rows": rows_spec,
        "expectation": _expectation,
    }
    return readers[given[0]](reading)


def _indicator(reading: Reading) -> Spec | None:
    rule = reading.rule
    targets, grain = _targets(reading)
    measure = _measure(reading, grain)
    warn = _target(reading, ("warn",), rule.warn) if rule.warn is not None else None
    if measure is None:
        return None
    grace = read_days(rule.grace) if rule.grace is not None else None
    return TargetSpec(measure, grain, tuple(targets), warn, grace)


def _targets(reading: Reading) -> tuple[list[tuple[Period, Target]], Grain]:
    rule = reading.rule
    found: list[tuple[Period, Target]] = []
    grains: list[Grain] = []
    for written, text in (rule.target or {}).items():
        key = written if isinstance(written, int) else str(written)
        try:
            period = read_period(str(key))
        except ValueError as error:
            reading.say(("target", key), f"target: {error}", PERIOD_FORMS)
            continue
        if any(period == earlier for earlier, _ in found):
            reading.say(("target", key), f"target: {period.key} is there twice")
            continue
        grains.append(period.grain)
        target = _target(reading, ("target", key), text)
        if target is not None:
            found.append((period, target))
    if len(set(grains)) > 1:
        reading.say(("target",), "target: periods of different lengths in one rule", "", "write a rule for each length")
    if grains and rule.grain is not None and Grain(rule.grain) is not grains[0]:
        reading.say(("grain",), f"grain: {rule.grain} does not fit the target's periods ({grains[0]})")
    grain = grains[0] if grains else Grain(rule.grain or "year")
    return sorted(found, key=lambda item: item[0]), grain


def _target(reading: Reading, path: tuple[str | int, ...], text: str) -> Target | None:
    try:
        return read_target(text, direction=reading.rule.direction, tolerance=reading.rule.tolerance)
    except TargetTextError as error:
        reading.say(path, f"{path[0]}: {error}", TARGET_FORMS)
        return None


def _measure(reading: Reading, grain: Grain) -> Measure | None:
    shape = reading.rule.measure
    if shape is None:
        return None
    contract = reading.contract(("measure", "input"), shape.input)
    given = [kind for kind in MeasureKind if getattr(shape, kind) is not None]
    if len(given) != 1:
        message = "measure: exactly one of " + ", ".join(MeasureKind) + (f" is needed; this has {' and '.join(given) or 'none'}")
        reading.say(("measure",), message)
        return None
    if contract is None:
        return None
    kind, before = given[0], len(reading.source.problems)
    expression = _measured(reading, kind, contract)
    where = reading.expression(("measure", "where"), shape.where, parse_condition, contract) if shape.where else None
    if shape.period and reading.has_field(("measure", "period"), contract, shape.period):
        item = contract.field(shape.period)
        if item.type not in DATED:
            reading.say(("measure", "period"), f"period: field {item.name!r} has type {item.type} and cannot date a row", ", ".join(sorted(DATED)))
        elif (lengths := list(Grain)).index(grain) > lengths.index(DATED[item.type]):
            reading.say(("measure", "period"), f"period: field {item.name!r} is a {DATED[item.type]}; the rule's periods are shorter ({grain})")
    for name in shape.by:
        reading.has_field(("measure", "by"), contract, name)
    least, cases = _least(reading, contract)
    if shape.accumulates and not shape.period:
        reading.say(("measure", "accumulates"), "accumulates needs a period: the field that dates a row")
    path, mapping = _path(reading), mapped_by(reading, contract)
    if len(reading.source.problems) > before:
        return None
    return Measure(
        shape.input, kind, expression, where, shape.period, tuple(shape.by), shape.accumulates, path, least, cases,
        shape.missing == "skip", mapping,
    )  # fmt: skip


def _least(reading: Reading, contract: Contract) -> tuple[int, str]:
    """Give how many rows, or cases that a field counts, judging needs."""
    asked = reading.rule.measure.min_rows if reading.rule.measure else 0
    if isinstance(asked, int):
        return asked, ""
    at = ("measure", "min_rows", "field")
    if reading.has_field(at, contract, asked.field) and contract.kinds[asked.field] is not Kind.NUMBER:
        reading.say(at, f"min_rows: field {asked.field!r} counts nothing: it has type {contract.field(asked.field).type}", "integer, number")
    return asked.least, asked.field


def _measured(reading: Reading, kind: MeasureKind, contract: Contract) -> Expression | None:
    shape = reading.rule.measure
    path: tuple[str | int, ...] = ("measure", str(kind))
    if shape is None:
        return None
    if kind is MeasureKind.COUNT:
        name = str(shape.count)
        if name == "*" or not reading.has_field(path, contract, name):
            return None
        return reading.expression(path, f'"{name}" IS NOT NULL', parse_condition, contract)
    if kind in {MeasureKind.DISTINCT, MeasureKind.LATEST}:
        name = str(getattr(shape, kind))
        if kind is MeasureKind.LATEST and not shape.period:
            reading.say(path, "latest needs a period: the field that dates a row", "", "add period: to the measure")
        if not reading.has_field(path, contract, name):
            return None
        field = reading.expression(path, f'"{name}"', parse, contract)
        return replace(field, text=name, written=field.text) if field is not None else None
    if kind is MeasureKind.RATIO and shape.ratio is not None:
        top = reading.expression((*path, "numerator"), shape.ratio.numerator, parse_aggregate, contract)
        bottom = reading.expression((*path, "denominator"), shape.ratio.denominator, parse_aggregate, contract)
        if top is None or bottom is None:
            return None
        end = "\n" if "--" in shape.ratio.numerator + shape.ratio.denominator else ""  # a comment ends with its line
        both = f"({shape.ratio.numerator}{end}) / ({shape.ratio.denominator}{end})"
        return reading.expression(path, both, parse_aggregate, contract)
    read = {MeasureKind.SHARE: parse_condition, MeasureKind.VALUE: parse_aggregate}.get(kind, parse_number)
    return reading.expression(path, str(getattr(shape, kind)), read, contract)


def _path(reading: Reading) -> tuple[tuple[int, int, Decimal], ...]:
    shape = reading.rule.measure
    if shape is None or isinstance(shape.path, str):
        return ()
    result = []
    for key, share in shape.path.items():
        try:
            day = date.fromisoformat(f"2024-{key}")
            result.append((day.month, day.day, read_agreed_number(str(share))))
        except (ValueError, NumberTextError):
            reading.say(("measure", "path", key), f"path: {key!r}: {share!r}", 'month-day and a share, e.g. "06-30": 0.4')
    return tuple(sorted(result))


def _milestone(reading: Reading) -> Spec | None:
    shape = reading.rule.milestone
    contract = reading.contract(("milestone", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    named = {"key_field": shape.key_field, "done_field": shape.done_field}
    sound = [reading.has_field(("milestone", key), contract, name) for key, name in named.items()]
    if not all(sound):
        return None
    if contract.field(shape.done_field).type is not FieldType.DATE:
        reading.say(("milestone", "done_field"), f"done_field: {shape.done_field!r} is not a date")
        return None
    return MilestoneSpec(shape.input, shape.key, shape.due, read_days(shape.lead), shape.key_field, shape.done_field)


def _narrative(reading: Reading) -> Spec | None:
    shape = reading.rule.narrative
    contract = reading.contract(("narrative", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    sound = [reading.has_field(("narrative",), contract, name) for name in (shape.key_field, *REPORT_FIELDS)]
    if not contract.period:
        reading.say(("narrative", "input"), f"input {shape.input!r} names no period field in its contract")
        return None
    if not all(sound):
        return None
    agreement = reading.agreement
    if isinstance(shape.due, date):
        years = [number for number, binding in agreement.years if binding] or [shape.due.year]
        due = [(year(years[0]), shape.due)]
    else:
        due = [(year(number), day) for number, day in agreement.annual_report]
        if not due:
            reading.say(("narrative", "due"), f"due: {agreement.key} has no annual_report dates", "", "add annual_report to rules/agreements.yaml")
            return None
    return NarrativeSpec(shape.input, shape.key, tuple(due), read_days(shape.lead), shape.key_field)


def _expectation(reading: Reading) -> Spec | None:
    shape = reading.rule.expectation
    contract = reading.contract(("expectation", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    columns = named_columns(shape.kwargs)
    for key, name in columns:
        reading.has_field(("expectation", "kwargs", key), contract, name)
    names = tuple(dict.fromkeys(name for _, name in columns))
    reading.only_numbers(("expectation",), contract, names)
    return ExpectationSpec(shape.input, shape.type, _with_numbers(shape.kwargs), names)


def _with_numbers(value: Any) -> Any:  # noqa: ANN401 (an expectation's arguments are anything)
    """Give fractions as the floats that Great Expectations takes."""
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    return float(value) if isinstance(value, NumberText) else value
