"""Rules of kind ``rows``: what every row of an input must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.expression import parse_condition
from tulosvahti.core.rule import RowsSpec

if TYPE_CHECKING:
    from tulosvahti.load.reading import Reading


def rows_spec(reading: Reading) -> RowsSpec | None:
    """Read the rule; None where the source got problems instead."""
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
