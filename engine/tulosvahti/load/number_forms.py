"""How the numbers of a column are written, where the contract names no decimal mark: told by all of them, or refused.

``1.234`` alone is 1.234 or 1234: a column of nothing else is refused with both readings, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from tulosvahti.core.comparators import sign_of
from tulosvahti.core.contract import FieldType
from tulosvahti.core.quantity import APOSTROPHES, SPACES, NumberTextError, plain, read_number
from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tulosvahti.core.contract import Field

_FORMS = ((".", ""), (",", ""), (".", " "), (",", " "), (".", ","), (",", "."), (".", "'"), (",", "'"))
"""Decimal mark and thousands separator: the standard's first, the fewer marks the earlier."""
MOST_TEXTS = 20_000
"""Different texts of a column that are looked at."""
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
_ZERO_GROUP = re.compile(r"\D*0\d{0,2}[ \u00a0\u2007\u2009\u202f\u205f.,'\u2019\u02bc]\d{3}(?:\D|$)")


@dataclass(frozen=True)
class Settled:
    """A field with the form of its numbers, and what is to be said of it."""

    field: Field
    notice: str = ""


def settled(field: Field, texts: Iterable[object], file: str) -> Settled:
    """Give a field its decimal mark and thousands separator from the texts of its column; other values tell nothing.

    ``file`` is the contract's, for what to do.

    Raises:
        UnreadableError: two forms read the column differently, and nothing in it tells which is meant.

    """
    if not field.form_open or field.type not in _NUMBERS:
        return Settled(field)
    missing = {item.strip() for item in field.missing_values}
    marked = dict.fromkeys(text for text in texts if isinstance(text, str) and not text.strip().isdecimal())
    distinct = [text for text in islice(marked, MOST_TEXTS) if text.strip() not in missing]
    if field.censored:
        distinct = [sign_of(text.strip())[1] for text in distinct]
    group = " " if field.group_char and field.group_char in SPACES else field.group_char
    forms = [form for form in _FORMS if not group or form[1] == group]
    forms = forms or [("," if field.group_char == "." else ".", field.group_char)]
    read = {form: {text: value for text in distinct if (value := _read(text, *form)) is not None} for form in forms}
    most = max(len(values) for values in read.values())
    best = [form for form in forms if len(read[form]) == most]
    first = best[0]
    for other in best[1:]:
        differing = next((text for text in {**read[first], **read[other]} if read[first].get(text) != read[other].get(text)), None)
        if differing is not None:
            both = " or ".join(_reading(read[form].get(differing), form) for form in (first, other))
            msg = f"column {field.column!r}: no decimal mark is declared, and {differing.strip()!r} is {both}"
            step = f"declare `decimalChar` (and `groupChar`) of {field.name} in {file}"
            raise UnreadableError(msg, step)
    notice = ""
    if first[0] != "." or (first[1] and not group):
        grouped = f", thousands separated by {first[1]!r}" if first[1] else ""
        notice = f"column {field.column!r}: the form of its numbers is not declared and was told from them: decimal mark {first[0]!r}{grouped}"
    return Settled(replace(field, decimal_char=first[0], group_char=first[1], form_open=False), notice)


def _reading(value: Decimal | None, form: tuple[str, str]) -> str:
    told = f"decimal mark {form[0]!r}" + (f" and thousands {form[1]!r}" if form[1] else "")
    return f"no number with {told}" if value is None else f"{plain(value)} with {told}"


def _read(text: str, decimal_char: str, group_char: str) -> Decimal | None:
    body = text.strip().removesuffix("%").rstrip()
    if body[:1] in APOSTROPHES:
        body = body[1:]
    try:
        value = read_number(body, decimal_char=decimal_char, group_char=group_char)
    except NumberTextError:
        return None
    # No program writes 0.125 for a hundred and twenty-five.
    return None if group_char and group_char in body and _ZERO_GROUP.match(body) else value
