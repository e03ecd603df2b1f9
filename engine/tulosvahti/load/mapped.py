"""What contracts and rules say of codes that stand for other organisations from a day on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.contract import FieldType
from tulosvahti.core.mapping import MappedBy, MappingFields
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.load.models import ContractShape
    from tulosvahti.load.reading import Reading
    from tulosvahti.load.source import Source


def mapping_fields(shape: ContractShape, fields: Sequence[Field], source: Source) -> MappingFields | None:
    """Read which fields of an input say the changes; None where it says none."""
    found = shape.mapping
    if found is None:
        return None
    types = {item.name: item.type for item in fields}
    for key, wanted in (("code", FieldType.STRING), ("successor", FieldType.STRING), ("valid_from", FieldType.DATE)):
        name = getattr(found, key)
        if types.get(name) is not wanted:
            message = f"mapping: {key}: {name!r} is no field of type {wanted}"
            allowed = ", ".join(item for item, kind in types.items() if kind is wanted)
            source.problems.append(Problem(source.place(("mapping", key)), message, allowed))
    return MappingFields(found.code, found.successor, found.valid_from, found.lists == "all")


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
