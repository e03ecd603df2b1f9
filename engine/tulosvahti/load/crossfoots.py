"""Rules of kind ``crossfoot``: the arithmetic of a table, and ties between figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.expressed import Kind
from tulosvahti.core.period import PERIOD_FORMS, read_period
from tulosvahti.core.quantity import NumberTextError, read_agreed_number
from tulosvahti.core.rule import CrossfootSpec, FigureRef, Tie

if TYPE_CHECKING:
    from decimal import Decimal

    from tulosvahti.load.models import CrossfootShape, FigureShape
    from tulosvahti.load.reading import Reading


def crossfoot_spec(reading: Reading) -> CrossfootSpec | None:
    """Read the rule; None where the source got problems instead."""
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
    columns = shape.columns or [name for name in numbers if name not in {shape.label, shape.total_column}]
    reading.only_numbers(("crossfoot",), contract, [*columns, shape.total_column])
    return columns


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
