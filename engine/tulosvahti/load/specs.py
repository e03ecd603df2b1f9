"""The kinds of rules, each from its shape to its meaning: expressions parsed, targets read, names resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import DATED, Contract, FieldType
from tulosvahti.core.dated import REPORT_FIELDS
from tulosvahti.core.expression import (
    Expression,
    ExpressionError,
    Kind,
    parse,
    parse_aggregate,
    parse_condition,
    parse_number,
)
from tulosvahti.core.period import PERIOD_FORMS, Grain, Period, read_days, read_period, year
from tulosvahti.core.quantity import NumberTextError, read_agreed_number
from tulosvahti.core.rule import (
    Agreement,
    CrossfootSpec,
    ExpectationSpec,
    FigureRef,
    Measure,
    MeasureKind,
    MilestoneSpec,
    NarrativeSpec,
    RowsSpec,
    Spec,
    TargetSpec,
    Tie,
    named_columns,
)
from tulosvahti.core.target import TARGET_FORMS, Target, TargetTextError, read_target
from tulosvahti.load.mapped import mapped_by
from tulosvahti.load.source import NumberText
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tulosvahti.load.models import CrossfootShape, FigureShape, RuleShape
    from tulosvahti.load.source import Source

KINDS = ("measure", "crossfoot", "milestone", "narrative", "rows", "expectation")


@dataclass
class Reading:
    """One rule being read: where it stands and what it may name."""

    source: Source
    at: tuple[str | int, ...]
    rule: RuleShape
    agreement: Agreement
    contracts: Mapping[str, Contract]
    broken: set[str]

    def say(self, path: tuple[str | int, ...], message: str, allowed: str = "", next_step: str = "", offset: int = 0) -> None:
        """Report a problem of this rule."""
        place = self.source.place((*self.at, *path), offset)
        self.source.problems.append(Problem(place, message, allowed, next_step, self.rule.id))

    def contract(self, path: tuple[str | int, ...], name: str) -> Contract | None:
        """Give the contract of an input, or report it."""
        if name in self.contracts:
            return self.contracts[name]
        if name in self.broken:
            self.say(path, f"input {name!r} has problems in its own file", "", f"mend inputs/{name}.yaml")
        else:
            self.say(path, f"no input {name!r}", ", ".join(self.contracts), f"write its contract to inputs/{name}.yaml")
        return None

    def has_field(self, path: tuple[str | int, ...], contract: Contract, name: str) -> bool:
        """Tell whether an input has a field, or report it."""
        if name in contract.kinds:
            return True
        self.say(path, f"input {contract.name!r} has no field {name!r}", ", ".join(contract.kinds))
        return False

    def expression(
        self, path: tuple[str | int, ...], text: str, read: Callable[[str, Mapping[str, Kind]], Expression], contract: Contract
    ) -> Expression | None:
        """Parse an expression, or report where it is wrong."""
        try:
            return read(text, contract.kinds)
        except ExpressionError as error:
            self.say(path, f"{path[-1]}: {error}", error.allowed, error.next_step, error.offset)
            return None


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
        "crossfoot": _crossfoot,
        "milestone": _milestone,
        "narrative": _narrative,
        "rows": _rows,
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
    if shape.accumulates and not shape.period:
        reading.say(("measure", "accumulates"), "accumulates needs a period: the field that dates a row")
    path, mapping = _path(reading), mapped_by(reading, contract)
    if len(reading.source.problems) > before:
        return None
    return Measure(
        shape.input, kind, expression, where, shape.period, tuple(shape.by), shape.accumulates, path, shape.min_rows,
        shape.missing == "skip", mapping,
    )  # fmt: skip


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
        return replace(field, text=name) if field is not None else None
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


def _rows(reading: Reading) -> Spec | None:
    shape = reading.rule.rows
    contract = reading.contract(("rows", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    path: tuple[str | int, ...] = ("rows", "require")
    if isinstance(shape.require, str):
        text = shape.require
    else:
        both, never = shape.require.both_or_neither, shape.require.never_both
        named = "both_or_neither" if both else "never_both"
        if not all([reading.has_field((*path, named, at), contract, name) for at, name in enumerate(both or never or [])]):  # noqa: C419 (all of them)
            return None
        text = _pair_text(both, never)
    require = reading.expression(path, text, parse_condition, contract)
    where = reading.expression(("rows", "where"), shape.where, parse_condition, contract) if shape.where else None
    key = shape.key if shape.key is not None else list(contract.primary_key)
    known = [reading.has_field(("rows", "key"), contract, name) for name in key]
    if not all(known) or require is None:
        return None
    return RowsSpec(shape.input, require, where, shape.missing, tuple(key))


def _pair_text(both: list[str] | None, never: list[str] | None) -> str:
    if both:
        one, two = both
        return f"({one} IS NULL AND {two} IS NULL) OR ({one} IS NOT NULL AND {two} IS NOT NULL)"
    one, two = never or ["", ""]
    return f"NOT ({one} IS NOT NULL AND {two} IS NOT NULL)"


def _expectation(reading: Reading) -> Spec | None:
    shape = reading.rule.expectation
    contract = reading.contract(("expectation", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    columns = named_columns(shape.kwargs)
    for key, name in columns:
        reading.has_field(("expectation", "kwargs", key), contract, name)
    names = tuple(dict.fromkeys(name for _, name in columns))
    return ExpectationSpec(shape.input, shape.type, _with_numbers(shape.kwargs), names)


def _with_numbers(value: Any) -> Any:  # noqa: ANN401 (an expectation's arguments are anything)
    """Give fractions as the floats that Great Expectations takes."""
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    return float(value) if isinstance(value, NumberText) else value


def _crossfoot(reading: Reading) -> Spec | None:
    shape = reading.rule.crossfoot
    if shape is None:
        return None
    before = len(reading.source.problems)
    columns = _table_columns(reading, shape)
    ties = tuple(
        Tie(
            _figure(reading, tie.total, ("crossfoot", "ties", index, "total")),
            tuple(_figure(reading, item, ("crossfoot", "ties", index, "items", at)) for at, item in enumerate(tie.items)),
        )
        for index, tie in enumerate(shape.ties)
    )
    units: list[Decimal | None] = []
    for key, text, allowed in (("rounded_to", shape.rounded_to, "1, 1000, 0.1; 0 is exact"), ("noise", shape.noise, "8: the most by which a figure may be off")):
        try:
            units.append(None if text is None else read_agreed_number(text))
        except NumberTextError as error:
            reading.say(("crossfoot", key), f"{key}: {text!r}: {error}", allowed)
    if len(reading.source.problems) > before:
        return None
    return CrossfootSpec(
        shape.input, shape.label, tuple(columns), shape.total_row, shape.total_column, frozenset(shape.subtracted),
        tuple((parent, tuple(children)) for parent, children in shape.subtotals.items()), units[0], units[1], ties,
    )  # fmt: skip


def _table_columns(reading: Reading, shape: CrossfootShape) -> list[str]:
    """Give the item columns of a table: those named, or every number field but the total."""
    if not shape.input:
        if not shape.ties:
            reading.say(("crossfoot",), "a crossfoot needs an input or ties")
        return []
    contract = reading.contract(("crossfoot", "input"), shape.input)
    if contract is None:
        return []
    if not shape.label:
        reading.say(("crossfoot",), "label is missing: the field that names a row", ", ".join(contract.kinds))
    named = [("label", shape.label), ("total_column", shape.total_column)]
    named += [("columns", name) for name in shape.columns] + [("subtracted", name) for name in shape.subtracted]
    for key, name in named:
        if name and reading.has_field(("crossfoot", key), contract, name) and key != "label":
            item = contract.field(name)
            if item.kind is not Kind.NUMBER:
                message = f"{key}: field {name!r} has type {item.type} and cannot be summed"
                reading.say(("crossfoot", key), message, "integer, number")
    numbers = [item.name for item in contract.fields if item.kind is Kind.NUMBER]
    return shape.columns or [name for name in numbers if name not in {shape.label, shape.total_column}]


def _figure(reading: Reading, shape: FigureShape, path: tuple[str | int, ...]) -> FigureRef:
    forms = "{input, row, column}, {target_of, period} or {observed_of, period}"
    if sum(bool(name) for name in (shape.input, shape.target_of, shape.observed_of)) != 1:
        reading.say(path, "a figure is a cell, a target or an observed value", forms)
    period = None
    if shape.period is not None:
        try:
            period = read_period(shape.period)
        except ValueError as error:
            reading.say((*path, "period"), f"period: {error}", PERIOD_FORMS)
    if shape.input:
        contract = reading.contract((*path, "input"), shape.input)
        if contract is not None:
            reading.has_field((*path, "column"), contract, shape.column)
    return FigureRef(shape.input, shape.row, shape.column, shape.target_of, shape.observed_of, period)
