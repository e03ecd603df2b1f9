"""Values entered by hand held against the values of the periods before: which of them jump."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import FieldType
from tulosvahti.core.entry import OPEN
from tulosvahti.core.jump import jump_of
from tulosvahti.core.quantity import plain, plain_decimal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.entry import Key, Row


@dataclass(frozen=True)
class _Read:
    """A row as far as it is compared: the series that it belongs to, when, and the numbers of its fields."""

    series: Key
    when: Any
    period: str
    numbers: Mapping[str, Decimal]


def jumps_of_rows(contract: Contract, rows: Sequence[Row], every: Iterable[Row]) -> list[dict[str, str]]:
    """Give, for the newest version of each of ``rows``, the fields that jump, with what is to be said of each.

    Rows of one series differ by the contract's ``period`` alone. They are held against ``every`` row as it counts, or, where
    none does yet, as it is under way.
    """
    fields = [item for item in contract.fields if item.type in {FieldType.NUMBER, FieldType.INTEGER} and item.name not in contract.primary_key]
    if contract.period not in contract.primary_key or not fields:
        return [{} for _ in rows]
    standing = [(row.key, row.counting or row.newest) for row in every if row.counting is not None or row.newest.state in OPEN]
    read = _read(contract, fields, [row.newest.values for row in rows] + [entry.values for _, entry in standing])
    series: dict[Key, list[_Read]] = {}
    for item in read[len(rows) :]:
        if item is not None:
            series.setdefault(item.series, []).append(item)
    return [_jumps(fields, item, series.get(item.series, [])) if item is not None else {} for item in read[: len(rows)]]


def _read(contract: Contract, fields: Sequence[Field], rows: Sequence[Mapping[str, str]]) -> list[_Read | None]:
    from tulosvahti.load.cells import read_column  # noqa: PLC0415 - heavy, and only here

    def column(field: Field) -> Sequence[Any]:
        found = read_column(field, [values.get(field.name, "") for values in rows])
        faulty = {at for at, _ in found.faults}
        return [None if at in faulty else value for at, value in enumerate(found.values)]

    when = column(contract.field(contract.period))
    numbers = {field.name: column(field) for field in fields}
    others = [name for name in contract.primary_key if name != contract.period]
    return [
        None
        if when[at] is None
        else _Read(
            tuple(values.get(name, "") for name in others), when[at], values.get(contract.period, ""),
            {name: Decimal(of[at]) for name, of in numbers.items() if of[at] is not None},
        )
        for at, values in enumerate(rows)
    ]  # fmt: skip


def _jumps(fields: Sequence[Field], item: _Read, series: Sequence[_Read]) -> dict[str, str]:
    before = sorted((other for other in series if other.when < item.when), key=lambda other: other.when)
    found = {}
    for field in fields:
        known = [other for other in before if field.name in other.numbers]
        if field.jump_any or field.name not in item.numbers or not known:
            continue
        jump = jump_of(item.numbers[field.name], [other.numbers[field.name] for other in known], field.jump)
        if jump is not None:
            value, was, most = (plain(plain_decimal(number)) for number in (item.numbers[field.name], jump.before, jump.allowed))
            found[field.name] = f"{value} is a jump from {was}, the value of {known[-1].period}: more than {most} times as much or as little"
    return found
