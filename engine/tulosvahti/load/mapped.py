"""What contracts and rules say of codes that stand for other organisations from a day on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.contract import FieldType
from tulosvahti.core.mapping import MappedBy, MappingFields, Step, shares_of
from tulosvahti.core.quantity import plain_decimal
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import polars as pl

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.load.contract_models import ContractShape
    from tulosvahti.load.reading import Reading
    from tulosvahti.load.source import Source


def mapping_fields(shape: ContractShape, fields: Sequence[Field], source: Source) -> MappingFields | None:
    """Read which fields of an input say the changes; None where it says none."""
    found = shape.mapping
    if found is None:
        return None
    types = {item.name: item.type for item in fields}
    wanted_types = {"code": FieldType.STRING, "successor": FieldType.STRING, "valid_from": FieldType.DATE, "share": FieldType.NUMBER}
    for key, wanted in wanted_types.items():
        name = getattr(found, key)
        if name and types.get(name) is not wanted:
            message = f"mapping: {key}: {name!r} is no field of type {wanted}"
            allowed = ", ".join(item for item, kind in types.items() if kind is wanted)
            source.problems.append(Problem(source.place(("mapping", key)), message, allowed))
    return MappingFields(found.code, found.successor, found.valid_from, found.lists == "all", found.share)


def unshared(fields: MappingFields, frame: pl.DataFrame) -> Iterator[tuple[int, str]]:
    """Give the rows of divisions whose shares do not add up to 1, by position, each with a sentence."""
    together: dict[tuple[str, date | None], list[tuple[int, Step]]] = {}
    names = (fields.code, fields.successor, fields.valid_from, fields.share)
    for at, (code, successor, day, share) in enumerate(frame.select(names).iter_rows()):
        if code and successor:
            together.setdefault((code, day), []).append((at, Step(code, successor, day, share)))
    for (code, day), found in together.items():
        if shares_of([step for _, step in found]) is None:
            total = plain_decimal(sum((step.share for _, step in found if step.share is not None), Decimal(0)))
            since = f" from {day.isoformat()}" if day else ""
            for at, _ in found:
                yield at, f"the shares of {code!r}{since} add up to {total:f}; allowed: one above 0 for each successor, together 1"


def mapped_by(reading: Reading, contract: Contract) -> MappedBy | None:
    """Read by which organisations a rule counts; None where it counts by the codes as they are."""
    shape = reading.rule.measure
    if shape is None or shape.mapping is None:
        return None
    found, path = shape.mapping, ("measure", "mapping")
    if found.field not in shape.by:
        reading.say((*path, "field"), f"mapping: field: {found.field!r} is not in by", ", ".join(shape.by))
    elif reading.has_field((*path, "field"), contract, found.field) and contract.field(found.field).type is not FieldType.STRING:
        reading.say((*path, "field"), f"mapping: field: {found.field!r} is no text", "a field of type string: codes keep their zeros")
    changes = reading.contract((*path, "input"), found.input)
    if changes is not None and changes.mapping is None:
        allowed = ", ".join(name for name, item in reading.contracts.items() if item.mapping is not None)
        reading.say((*path, "input"), f"mapping: input: {found.input!r} says no changes of organisations", allowed or "an input with mapping in its contract")
    return MappedBy(found.field, found.input, found.at)
