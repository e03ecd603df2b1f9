"""The SQL of rows rules about keys: values that no other row has, and values that a row of another input has.

What is written here is true, false or null of each row, the rule's strategy for missing operands within: a row whose partner
may be a reject is unknown under every strategy.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tulosvahti.compute.parts_sql import SOUND, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.rule import Reference

MISSING = {"unknown": "NULL", "fail": "FALSE", "pass": "TRUE"}
"""What a row with a missing operand is, by a rows rule's strategy."""


def complete(fields: Sequence[str]) -> str:
    """Give the condition on rows that have a value in every field."""
    return " AND ".join(f"{quoted(name)} IS NOT NULL" for name in fields)


def has_key(fields: Sequence[str], missing: str) -> str:
    """Tell of a row whether it has its key: true, or what the strategy says."""
    return "TRUE" if missing == "pass" else f"CASE WHEN {complete(fields)} THEN TRUE ELSE {MISSING[missing]} END"


def partners(found: Reference) -> tuple[str, str]:
    """Give the keys of the input that is referred to, as a join, and the name that the join has.

    The name is made of the reference, so that rules which refer alike share the join. ``__reject`` is 1 where all rows with
    the key are rejects.
    """
    keys = [quoted(name) for name in found.to]
    named = ", ".join(f"{key} AS __k{at}" for at, key in enumerate(keys))
    table = (
        f"(SELECT {named}, min(CASE WHEN __rejected THEN 1 ELSE 0 END) AS __reject FROM {quoted('input_' + found.input)}"
        f" WHERE {complete(found.to)} GROUP BY {', '.join(keys)})"
    )
    text = repr((found.fields, found.input, found.to))
    name = f"__partner_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    on = " AND ".join(f"{quoted(field)} = {name}.__k{at}" for at, field in enumerate(found.fields))
    return f"LEFT JOIN {table} AS {name} ON {on}", name


def has_partner(found: Reference, missing: str) -> str:
    """Tell of a row beside its join whether a sound row has the key; unknown where a reject has it, or may have it."""
    _, name = partners(found)
    no_key = " OR ".join(f"{quoted(field)} IS NULL" for field in found.to)
    unreadable = f"(SELECT count(*) FROM {quoted('input_' + found.input)} WHERE __rejected AND ({no_key}))"
    return (
        f"CASE WHEN NOT ({complete(found.fields)}) THEN {MISSING[missing]} WHEN {name}.__reject = 0 THEN TRUE"
        f" WHEN {name}.__reject = 1 OR {unreadable} > 0 THEN NULL ELSE FALSE END"
    )


def is_among_keys(found: Reference, missing: str, ends: tuple[int, int]) -> str:
    """Tell of a row whether it has a partner, where all partners are sound and their keys whole numbers between these ends."""
    field, key, low = quoted(found.fields[0]), quoted(found.to[0]), ends[0]
    keys = f"(SELECT bitstring_agg({key}, {low}, {ends[1]}) FROM {quoted('input_' + found.input)})"
    return (
        f"CASE WHEN {field} IS NULL THEN {MISSING[missing]} WHEN {field} BETWEEN {low} AND {ends[1]}"
        f" THEN get_bit({keys}, CAST({field} - ({low}) AS INTEGER)) = 1 ELSE FALSE END"
    )


def without_doubles(fields: Sequence[str], missing: str, scoped: str) -> str:
    """Give the rows of ``scoped``, a SELECT with ``__scope``, and as ``__met`` whether no other row in scope has the key."""
    keys = [quoted(name) for name in fields]
    named = ", ".join(f"{key} AS __k{at}" for at, key in enumerate(keys))
    twice = (
        f"SELECT {named}, count(*) AS __times FROM ({scoped}) AS every WHERE {SOUND} AND {complete(fields)}"
        f" GROUP BY {', '.join(keys)} HAVING count(*) > 1"
    )
    on = " AND ".join(f"{key} = twice.__k{at}" for at, key in enumerate(keys))
    met = f"CASE WHEN NOT ({complete(fields)}) THEN {MISSING[missing]} ELSE twice.__times IS NULL END"
    return f"SELECT every.*, {met} AS __met FROM ({scoped}) AS every LEFT JOIN ({twice}) AS twice ON {on}"
