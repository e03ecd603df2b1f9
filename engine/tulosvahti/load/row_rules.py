"""Rules of kind ``rows``: what every row of an input must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.expression import parse_condition
from tulosvahti.core.rule import Reference, RowsSpec

if TYPE_CHECKING:
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Expression
    from tulosvahti.load.models import PairShape, ReferenceShape
    from tulosvahti.load.reading import Reading


def rows_spec(reading: Reading) -> RowsSpec | None:
    """Read the rule; None where the source got problems instead."""
    shape = reading.rule.rows
    contract = reading.contract(("rows", "input"), shape.input) if shape else None
    if shape is None or contract is None:
        return None
    require, reference = None, None
    if shape.require is not None:
        require = _required(reading, contract, shape.require)
    sound = all([reading.has_field(("rows", "unique"), contract, name) for name in shape.unique or ()])  # noqa: C419 (all of them)
    sound = reading.only_numbers(("rows", "unique"), contract, shape.unique or ()) and sound
    if shape.references is not None:
        reference = _reference(reading, contract, shape.references)
    where = reading.expression(("rows", "where"), shape.where, parse_condition, contract) if shape.where else None
    key = shape.key if shape.key is not None else list(contract.primary_key)
    known = [reading.has_field(("rows", "key"), contract, name) for name in key]
    if not all(known) or not sound or (require is None and reference is None and not shape.unique):
        return None
    return RowsSpec(shape.input, require, where, shape.missing, tuple(key), tuple(shape.unique or ()), reference)


def _reference(reading: Reading, contract: Contract, shape: ReferenceShape) -> Reference | None:
    path: tuple[str | int, ...] = ("rows", "references")
    other = reading.contract((*path, "input"), shape.input)
    sound = [reading.has_field((*path, "fields"), contract, name) for name in shape.fields]
    if other is None:
        return None
    found = Reference(tuple(shape.fields), shape.input, tuple(shape.to or other.primary_key))
    sound += [reading.has_field((*path, "to"), other, name) for name in found.to]
    sound += [reading.only_numbers(path, contract, found.fields), reading.only_numbers(path, other, found.to)]
    faults = reference_faults(found, contract, other) if all(sound) else []
    for message, allowed in faults:
        reading.say(path, f"references: {message}", allowed)
    return found if all(sound) and not faults else None


def reference_faults(found: Reference, contract: Contract, other: Contract) -> list[tuple[str, str]]:
    """Say why rows of one input cannot refer to those of another, each with what is allowed; all fields are there."""
    if not found.to:
        return [(f"input {other.name!r} has no primaryKey", "to: the fields that are referred to")]
    if len(found.fields) != len(found.to):
        return [(f"{len(found.fields)} fields refer to {len(found.to)}", "as many fields on both sides")]
    unlike = [pair for pair in zip(found.fields, found.to, strict=True) if contract.kinds[pair[0]] is not other.kinds[pair[1]]]
    result = [
        (f"{one!r} is of type {contract.field(one).type}, and {two!r} of type {other.field(two).type}", "fields of the same type")
        for one, two in unlike
    ]
    if found.input != contract.name and (contract.pushed or other.pushed):
        result.append(("an input that is measured in its database cannot be joined with another", "inputs without push"))
    return result


def _required(reading: Reading, contract: Contract, given: str | PairShape) -> Expression | None:
    path: tuple[str | int, ...] = ("rows", "require")
    if isinstance(given, str):
        text = given
    else:
        both, never = given.both_or_neither, given.never_both
        named = "both_or_neither" if both else "never_both"
        if not all([reading.has_field((*path, named, at), contract, name) for at, name in enumerate(both or never or [])]):  # noqa: C419 (all of them)
            return None
        text = _pair_text(both, never)
    return reading.expression(path, text, parse_condition, contract)


def _pair_text(both: list[str] | None, never: list[str] | None) -> str:
    if both:
        one, two = both
        return f"({one} IS NULL AND {two} IS NULL) OR ({one} IS NOT NULL AND {two} IS NOT NULL)"
    one, two = never or ["", ""]
    return f"NOT ({one} IS NOT NULL AND {two} IS NOT NULL)"
