"""Values entered by hand: held against their contract one by one, and written as the file that is judged.

Convention: a value is the text that the contract's form of its field gives it, without blanks around it. Fields named
``entered_by``, ``approved_by`` and ``approved_on`` are not entered: they are filled in with what their names say.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from tulosvahti.core.contract import FieldType
from tulosvahti.core.entry import EntryRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.entry import Entry, Key

_BLANK, _LONGEST = 32, 20_000
FILLED = ("entered_by", "approved_by", "approved_on")


def entered_fields(contract: Contract) -> tuple[Field, ...]:
    """Give the fields that people enter."""
    return tuple(item for item in contract.fields if item.name not in FILLED)


def read_entry(contract: Contract, given: Mapping[str, str]) -> tuple[Key, dict[str, str]]:
    """Take what somebody entered, by field name or column header: give the row's key and its values.

    Raises:
        EntryRefusedError: a field is not known or is filled in by itself, or the key is not whole.

    """
    fields = entered_fields(contract)
    by_name = {item.column: item.name for item in fields} | {item.name: item.name for item in fields}
    strangers = [name for name in given if name not in by_name]
    if strangers:
        allowed = ", ".join(item.name for item in fields)
        own = [name for name in strangers if name in FILLED]
        if own:
            raise EntryRefusedError(f"field {own[0]!r} is filled in by itself; allowed: {allowed}")
        raise EntryRefusedError(f"there is no field {strangers[0]!r}; allowed: {allowed}")
    values = {item.name: "" for item in fields} | {by_name[name]: _clean(name, text) for name, text in given.items()}
    missing = [name for name in contract.primary_key if values[name] in {"", *contract.field(name).missing_values}]
    if missing:
        raise EntryRefusedError(f"the row has no {', '.join(missing)}, which tells it from others; enter it")
    return tuple(_canonical(contract.field(name), values[name]) for name in contract.primary_key), values


def faults_of(contract: Contract, values: Mapping[str, str]) -> dict[str, str]:
    """Give what the contract says against a row, by field: nothing where it may be approved."""
    return faults_of_rows(contract, [values])[0]


def faults_of_rows(contract: Contract, rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Give what the contract says against each of several rows, in one pass."""
    import polars as pl  # noqa: PLC0415 - heavy, and only here

    from tulosvahti.load.cells import read_column  # noqa: PLC0415 - as above
    from tulosvahti.load.pandera_schema import KEY, breaks, compile_schema  # noqa: PLC0415 - imports Pandera

    asked = replace(contract, fields=entered_fields(contract))
    read = [read_column(item, [values.get(item.name, "") for values in rows]) for item in asked.fields]
    found: list[dict[str, str]] = [{} for _ in rows]
    for item, column in zip(asked.fields, read, strict=True):
        for at, reason in column.faults:
            found[at][item.name] = reason
    for broken in breaks(compile_schema(asked), pl.DataFrame([typed for column in read for typed in (column.values, column.words) if typed is not None])):
        if broken.reason != KEY:
            found[broken.at].setdefault(broken.column, broken.reason)
    return found


def approved_file(contract: Contract, entries: Iterable[Entry], zone: ZoneInfo) -> bytes:
    """Write the approved values as the contract's file, in order of their keys: same values, same bytes.

    ``entries``: the versions that count. Days are those of ``zone``.
    """
    text = io.StringIO()
    # A cell in quotes is never taken for a comment, nor a row of blanks for no row.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([item.column for item in contract.fields])
    for entry in sorted(entries, key=lambda item: item.key):
        writer.writerow([_value(item, entry, zone) for item in contract.fields])
    return text.getvalue().encode()


def written(field: Field, value: object) -> str:
    """Write a typed value as the contract's form of its field has it: what ``read_column`` reads back."""
    if value is None:
        return "" if "" in field.missing_values or not field.missing_values else field.missing_values[0]
    if isinstance(value, bool):
        return (field.true_values if value else field.false_values)[0]
    if isinstance(value, date):
        return value.strftime("%Y-%m" if field.type is FieldType.YEARMONTH else field.date_format)
    if field.type is FieldType.NUMBER:
        return format(value, "f").replace(".", field.decimal_char)
    return str(value)


def _clean(name: str, text: str) -> str:
    text = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    if odd := next((mark for mark in text if ord(mark) < _BLANK and mark not in "\n\t"), ""):
        raise EntryRefusedError(f"field {name!r} has a control character ({odd!r}); enter the value anew")
    if len(text) > _LONGEST:
        raise EntryRefusedError(f"field {name!r} has {len(text)} characters; allowed: at most {_LONGEST}")
    return text


def _canonical(field: Field, text: str) -> str:
    """Write a key in one way: 2024-01 and 01/2024 of one form are one key, where the form reads both."""
    from tulosvahti.load.cells import read_column  # noqa: PLC0415 (as above)

    column = read_column(field, [text])
    return text if column.faults else written(field, column.values[0])


def _value(field: Field, entry: Entry, zone: ZoneInfo) -> str:
    step = entry.approved
    if field.name not in FILLED or step is None:
        return entry.values.get(field.name, "")
    if field.name == "approved_on":
        return written(field, step.at.astimezone(zone).date())
    return entry.by if field.name == "entered_by" else step.by
