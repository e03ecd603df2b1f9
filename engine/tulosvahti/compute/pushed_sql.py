"""A table of PostgreSQL as an input that is measured where it lies: the contract as a SELECT in the database's own words.

The SELECT gives what a file of the row store has (``core.kept_rows``): the contract's fields, typed, with what breaks the
contract as null; ``__rejected``; and ``__row``, null, as rows of a table have no numbers.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlglot import exp

from tulosvahti.compute.parts_sql import quoted
from tulosvahti.core.contract import FieldType
from tulosvahti.core.kept_rows import hidden_column, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from tulosvahti.core.contract import Contract, Field

FILLED = "__filled"
"""Of a row: whether a code in it had lost its leading zeros."""
_INTEGERS = frozenset({"int2", "int4", "int8"})
_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
TYPES: Mapping[FieldType, frozenset[str]] = {
    FieldType.STRING: _TEXTS,
    FieldType.INTEGER: _INTEGERS,
    FieldType.NUMBER: _INTEGERS | {"numeric"},
    FieldType.BOOLEAN: frozenset({"bool"}),
    FieldType.DATE: frozenset({"date"}),
    FieldType.YEAR: _INTEGERS,
    FieldType.YEARMONTH: frozenset({"date"}),
}
"""The types of columns that give a field exactly."""
_CASTS = {
    FieldType.STRING: "text", FieldType.INTEGER: "bigint", FieldType.NUMBER: "numeric", FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date", FieldType.YEAR: "integer", FieldType.YEARMONTH: "date",
}  # fmt: skip


def mismatches(contract: Contract, columns: Mapping[str, str]) -> list[str]:
    """Say which fields have no column, or one of a type that does not give them exactly; ``columns``: name to type."""
    found = []
    for item in contract.fields:
        kind = columns.get(item.column)
        if kind is None:
            found.append(f"column {item.column!r} is missing")
        elif kind not in TYPES[item.type]:
            found.append(f"column {item.column!r} is {kind}; allowed for {item.type}: {', '.join(sorted(TYPES[item.type]))}")
    return found


def select_of(contract: Contract, relation: str) -> str:
    """Write the SELECT over ``relation``, a SELECT that reads."""
    hidden = [item for item in contract.fields if item.hidden_values]
    values = ", ".join(
        [f"{_value(item)} AS {_name(item.name)}" for item in contract.fields]
        + [f"{_hidden(item)} AS {_name(hidden_column(item.name))}" for item in hidden]
    )
    faults = " OR ".join(f"({fault})" for item in contract.fields for fault in _faults(item)) or "FALSE"
    # A column of numbers has no words in their place.
    words = [f"CAST(NULL AS text) AS {_name(words_of(item.name))}" for item in contract.fields if item.worded]
    checked = ", ".join([*map(_checked, contract.fields), *words, *(_name(hidden_column(item.name)) for item in hidden)])
    short = " OR ".join(f"({_is_short(item)})" for item in contract.fields if item.short_code) or "FALSE"
    return (
        f"SELECT {checked}, CAST(NULL AS bigint) AS __row, coalesce({faults}, FALSE) AS __rejected, {FILLED} "
        f"FROM (SELECT {values}, coalesce({short}, FALSE) AS {FILLED} FROM ({relation}) AS source) AS typed"
    )


def counts(contract: Contract, as_of: date) -> str:
    """Count rows, rejects and rows with filled codes, and give the newest day known on ``as_of``; in the generator's dialect."""
    today, newest = f"DATE '{as_of.isoformat()}'", "CAST(NULL AS DATE)"
    if contract.period:
        name = quoted(contract.period)
        day = f"make_date({name}, 1, 1)" if contract.field(contract.period).type is FieldType.YEAR else name
        known = f" AND {quoted(contract.known_on)} <= {today}" if contract.known_on else ""
        newest = f"max(CASE WHEN {day} <= {today}{known} THEN {day} END)"
    marked = ", ".join(f"count(CASE WHEN {mark} THEN 1 END)" for mark in ("__rejected", FILLED))
    return f"SELECT count(*), {marked}, {newest} FROM {quoted('input_' + contract.name)}"


def doubles(contract: Contract) -> Iterator[tuple[str, str]]:
    """Give keys that may stand once only, with the query that counts those that stand more often."""
    keys = [contract.primary_key] if contract.primary_key else []
    keys += [(item.name,) for item in contract.fields if item.unique and (item.name,) != contract.primary_key]
    for key in keys:
        columns = ", ".join(map(quoted, key))
        there = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
        yield ", ".join(key), (
            f"SELECT count(*) FROM (SELECT 1 AS one FROM {quoted('input_' + contract.name)} WHERE {there}"
            f" GROUP BY {columns} HAVING count(*) > 1)"
        )


def _name(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="postgres")


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="postgres")


def _value(item: Field) -> str:
    value = f"CAST({_name(item.column)} AS {_CASTS[item.type]})"
    if item.type is FieldType.STRING:
        # Bytes are compared, as everywhere; what the contract calls missing is null.
        value = f'{value} COLLATE "C"'
        whens = f"WHEN {value} IN ({', '.join(map(_text, item.missing_values))}) THEN NULL " if item.missing_values else ""
        if item.short_code:
            # As in files: a code that a program took for a number.
            whens += f"WHEN {_is_short(item)} THEN lpad({value}, {item.code_length}, '0') "
        if whens:
            value = f"CASE {whens}ELSE {value} END"
    return f"CAST(date_trunc('month', {value}) AS date)" if item.type is FieldType.YEARMONTH else value


def _hidden(item: Field) -> str:
    """Tell where the source hides a value: only a column of texts can hold the symbol that says so."""
    if item.type is not FieldType.STRING:
        return "FALSE"
    return f"coalesce(CAST({_name(item.column)} AS text) IN ({', '.join(map(_text, item.hidden_values))}), FALSE)"


def _is_short(item: Field) -> str:
    return f"CAST({_name(item.column)} AS text) ~ {_text(item.short_code)}"


def _checked(item: Field) -> str:
    faults = [fault for fault in _faults(item) if not fault.endswith(" IS NULL")]
    name = _name(item.name)
    return f"CASE WHEN {' OR '.join(f'({fault})' for fault in faults)} THEN NULL ELSE {name} END AS {name}" if faults else name


def _faults(item: Field) -> Iterator[str]:
    """Give conditions that are true of a value which breaks the contract."""
    name = _name(item.name)
    if item.required:
        yield f"{name} IS NULL"
    if item.type is FieldType.NUMBER:
        yield f"{name} IN ('NaN', 'Infinity', '-Infinity')"
    for sign, limit in (("<", item.minimum), (">", item.maximum)):
        if limit is not None:
            yield f"{name} {sign} {_limit(limit)}"
    if item.enum:
        yield f"CAST({name} AS text) NOT IN ({', '.join(map(_text, item.enum))})"
    if item.pattern:
        yield f"{name} !~ {_text(f'^(?:{item.pattern})$')}"
    if item.min_length is not None:
        yield f"length({name}) < {item.min_length}"
    if item.max_length is not None:
        yield f"length({name}) > {item.max_length}"


def _limit(limit: Decimal | date) -> str:
    return f"DATE '{limit.isoformat()}'" if isinstance(limit, date) else f"{limit:f}"
