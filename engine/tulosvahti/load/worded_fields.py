"""What a contract says of words in place of numbers: which fields may have them, and which may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.load.contract_models import ContractShape
    from tulosvahti.load.source import Source


def worded_problems(shape: ContractShape, source: Source) -> Iterator[Problem]:
    """Give what is wrong with fields that allow words in place of numbers."""
    keys = {*shape.primaryKey, *(name for key in shape.foreignKeys for name in key.fields)}
    for at, item in enumerate(shape.fields):
        if not item.censored:
            continue
        place = source.place(("fields", at, "censored"))
        if item.type not in {"number", "integer"}:
            yield Problem(place, f"censored: field {item.name!r} has type {item.type} and no limits", "a field of type number or integer")
        elif item.name in keys:
            yield Problem(place, f"censored: field {item.name!r} is part of a key, which tells rows apart", "a field that is in no key")
