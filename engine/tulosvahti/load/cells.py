"""Cells: the text of one column becomes typed values; a text that does not fit its field is a fault with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import DATED, Field, FieldType
from tulosvahti.core.kept_rows import hidden_column, words_of
from tulosvahti.core.period_codes import EXAMPLES, period_of_code
from tulosvahti.core.quantity import APOSTROPHES, MINUS, SPACES, NumberTextError, plain, plain_decimal, read_number
from tulosvahti.core.worded import limit_of, range_of, stated_of
from tulosvahti.load.records import Odd, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIGITS = 38
"""Most digits that an exact column holds."""
_LARGEST = 2**63 - 1
_LONGEST_DATE = 60
_TIMED = re.compile(r"(?P<day>\S+)(?:\s+|(?<=\d)T)(?P<time>\d{1,2}[:.]\d\d(?:[:.]\d\d(?:[.,]\d+)?)?)(?:Z|[+-]\d\d:?\d\d)?")
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})


class CellError(ValueError):
    """A text that is not a value of its field; the message says why and what is allowed."""


@dataclass(frozen=True)
class Column:
    """A typed column and its faults: positions in the column with their reasons."""

    values: pl.Series
    faults: tuple[tuple[int, str], ...]
    unusual: tuple[int, ...] = ()
    """What is clear but not written as declared: ``,2`` for 0,2, ``20, 342`` for 20,342, the code ``20`` for 020."""
    words: pl.Series | None = None
    """Of a field that allows it: what stands in place of numbers, as ``core.worded`` writes it."""


def read_column(field: Field, texts: Sequence[Value]) -> Column:
    """Type a column; each distinct text is read once. A missing value or a fault leaves null."""
    missing = {item.strip() for item in field.missing_values}
    reader = _READERS[field.type]
    known: dict[Value, Any] = {}
    reasons: dict[Value, str] = {}
    words: dict[Value, str] = {}
    for text in set(texts):
        if not isinstance(text, str):
            known[text] = None if isinstance(text, Odd) else text
            if isinstance(text, Odd):
                reasons[text] = text.reason
            continue
        if text.strip() in missing:
            known[text] = None
            continue
        try:
            if field.worded and (found := words_in(field, text)):
                known[text], words[text] = None, found
            else:
                known[text] = reader(field, text)
        except CellError as error:
            known[text] = None
            reasons[text] = str(error)
    kind, too_long = _dtype(field, known)
    for text in too_long:
        known[text] = None
        reasons[text] = f"number has more digits than can be kept exactly; allowed: at most {DIGITS} digits"
    values = pl.Series(field.name, [known[text] for text in texts], dtype=kind)
    faults = [(at, reasons[text]) for at, text in enumerate(texts) if text in reasons] if reasons else []
    odd: set[Value] = set()
    if field.type in _NUMBERS or field.code_length:
        odd = {
            text for text, value in known.items() if value is not None and isinstance(text, str) and is_unusual(field, text)
        }
    unusual = [at for at, text in enumerate(texts) if text in odd] if odd else []
    beside = pl.Series(words_of(field.name), [words.get(text) for text in texts], dtype=pl.String) if field.worded else None
    return Column(values, tuple(faults), tuple(unusual), beside)


def words_in(field: Field, text: str) -> str:
    """Read what stands in place of a number, as ``core.worded`` writes it; empty where nothing does that the field allows.

    Raises:
        CellError: no value that the field can have lies there.

    """
    if found := stated_of(text, field.stated):
        return found
    limit = _limit(field, text) if field.censored else ""
    if limit and range_of(limit).within(field.possible).is_empty:
        msg = f"no value that the field can have lies there; allowed: {field.possible.text}"
        raise CellError(msg)
    return limit


def _limit(field: Field, text: str) -> str:
    try:
        return limit_of(_bare(text), partial(_decimal, field))
    except CellError:
        return ""


def read_text(field: Field, text: str) -> Any:  # noqa: ANN401 (a value of the field's type)
    """Read the text of a cell that is not missing.

    Raises:
        CellError: it is no value of the field.

    """
    return _READERS[field.type](field, text)


def hidden_marks(field: Field, texts: pl.Series) -> pl.Series:
    """Tell where the source hides the values of a field; null is a cell without text."""
    marks = texts.cast(pl.String).str.strip_chars().is_in(list(field.hidden_values)) if texts.dtype == pl.String else texts.is_null() & False
    return marks.fill_null(value=False).alias(hidden_column(field.name))


def is_unusual(field: Field, text: str) -> bool:
    """Tell a number or a code that is clear but not written as declared."""
    if field.type is FieldType.STRING:
        return _filled(field, text) != text
    body = text.strip(SPACES + "\t+-(" + MINUS)
    return body.startswith(field.decimal_char) or body[:1] in tuple(APOSTROPHES) or _closed_up(field, text) != text


def unusual_notice(field: Field, count: int, where: str, text: str, value: Any) -> str:  # noqa: ANN401 (a value of the field's type)
    """Say how many values are written unusually; ``text`` and ``value`` are those of the first, at ``where``."""
    if field.type is FieldType.STRING:
        more = f" and {count - 1} more" if count > 1 else ""
        return f"column {field.column!r}: codes that lost their leading zeros are filled up to {field.code_length} digits: {where}{more}"
    read = plain(plain_decimal(Decimal(value)))
    return f"column {field.column!r}: {count} numbers are written unusually; the first: {where}, {text!r} read as {read}"


def _closed_up(field: Field, text: str) -> str:
    """Take the space out that stands after a thousands separator: the groups show whether it is one number."""
    mark = field.group_char
    if not mark or mark in SPACES:
        return text
    return re.sub(rf"(?<=\d{re.escape(mark)})[{SPACES}](?=\d{{3}})", "", text)


def _dtype(field: Field, known: dict[Value, Any]) -> tuple[Any, list[Value]]:
    if field.type is not FieldType.NUMBER:
        return DTYPES[field.type], []
    scale = whole = 0
    sizes: dict[Value, tuple[int, int]] = {}
    for text, value in known.items():
        if value is not None:
            _, digits, exponent = value.as_tuple()
            places = max(-exponent, 0)
            sizes[text] = (max(len(digits) + exponent, 1), places)
    long = [text for text, (size, places) in sizes.items() if size + places > DIGITS]
    for text, (size, places) in sizes.items():
        if text not in long:
            whole, scale = max(whole, size), max(scale, places)
    if whole + scale > DIGITS:
        long += [text for text, (size, _) in sizes.items() if text not in long and size + scale > DIGITS]
    return pl.Decimal(DIGITS, scale), long


def _string(field: Field, text: str) -> str:
    return _filled(field, text) if field.pattern else text


def _filled(field: Field, text: str) -> str:
    """Fill up a code of so many digits that lost its leading zeros."""
    short = field.short_code
    return text.zfill(field.code_length) if short and re.fullmatch(short, text) else text


def _number(field: Field, text: str) -> Decimal:
    try:
        return _decimal(field, text)
    except CellError:
        _refuse_limit(field, text)
        raise


def _decimal(field: Field, text: str) -> Decimal:
    body = _bare(text.strip().removesuffix("%").rstrip() if field.percent else text)
    try:
        return read_number(_closed_up(field, body), decimal_char=field.decimal_char, group_char=field.group_char)
    except NumberTextError as error:
        msg = f"not a number: {error}; allowed: {_form(field)}"
        raise CellError(msg) from None


def _refuse_limit(field: Field, text: str) -> None:
    """Say of a limit that the contract can allow it."""
    if not field.censored and _limit(field, text):
        msg = f"a limit and no number; allowed: {_form(field)}; `censored: true` of the field in the contract allows limits"
        raise CellError(msg)


def _bare(text: str) -> str:
    """Take away the apostrophe by which spreadsheet programs mark a number that is kept as text."""
    body = text.strip()
    return body[1:] if body[:1] and body[0] in APOSTROPHES else text


def _form(field: Field) -> str:
    parts = [f"digits, decimal mark {field.decimal_char!r}"]
    parts.append(f"thousands separated by {field.group_char!r}" if field.group_char else "no thousands separator")
    if field.percent:
        parts.append("'%' at the end")
    return ", ".join(parts)


def _integer(field: Field, text: str) -> int:
    try:
        value = read_number(_closed_up(field, _bare(text)), decimal_char=field.decimal_char, group_char=field.group_char)
    except NumberTextError as error:
        _refuse_limit(field, text)
        grouped = f"thousands separated by {field.group_char!r}" if field.group_char else "no thousands separator"
        msg = f"not a whole number: {error}; allowed: digits only, {grouped}"
        raise CellError(msg) from None
    if value != value.to_integral_value():
        msg = "not a whole number; allowed: digits only, no decimals"
        raise CellError(msg)
    if abs(value) > _LARGEST:
        msg = f"whole number is too large; allowed: at most {_LARGEST}"
        raise CellError(msg)
    return int(value)


def _boolean(field: Field, text: str) -> bool:
    body = text.strip()
    if body in field.true_values:
        return True
    if body in field.false_values:
        return False
    msg = f"not true or false; allowed: {', '.join(field.true_values + field.false_values)}"
    raise CellError(msg)


def _date(field: Field, text: str) -> date:
    body = text.strip()
    form = field.date_format
    allowed = f"allowed: {form}, such as {_EXAMPLE.strftime(form)}"
    if (day := _day(body, form)) is not None:
        return day
    timed = _TIMED.fullmatch(body[:_LONGEST_DATE])
    if timed and (day := _day(timed["day"], form)) is not None:
        if not timed["time"].strip("0:.Z"):
            return day  # the midnight that programs add to a day
        msg = f"has a time of day; {allowed}"
        raise CellError(msg)
    msg = f"not a date or no such day; {allowed}"
    raise CellError(msg)


def _day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date() if text.isascii() else None  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _year(_: Field, text: str) -> int:
    body = text.strip()
    if re.fullmatch(r"[0-9]{4}", body) and body != "0000":
        return int(body)
    msg = "not a year; allowed: four digits, such as 2023"
    raise CellError(msg)


def _yearmonth(_: Field, text: str) -> date:
    found = re.fullmatch(r"([0-9]{4})(?:-|M)(0[1-9]|1[0-2])", text.strip())
    if found and found[1] != "0000":
        return date(int(found[1]), int(found[2]), 1)
    msg = "not a month; allowed: year and month, such as 2023-03 or 2023M03"
    raise CellError(msg)


def _coded(field: Field, text: str) -> date:
    """Give the first day of a period as statistics code it."""
    grain = DATED[field.type]
    period = period_of_code(text)
    if period is None or period.grain is not grain:
        msg = f"not a {field.type}; allowed: such as {EXAMPLES[grain]}"
        raise CellError(msg)
    return period.start


_EXAMPLE = date(2023, 3, 31)
_READERS: dict[FieldType, Callable[[Field, str], Any]] = {
    FieldType.STRING: _string,
    FieldType.NUMBER: _number,
    FieldType.INTEGER: _integer,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.YEAR: _year,
    FieldType.YEARMONTH: _yearmonth,
    FieldType.QUARTER: _coded,
    FieldType.HALF_YEAR: _coded,
    FieldType.WEEK: _coded,
}
DTYPES: dict[FieldType, Any] = {
    FieldType.STRING: pl.String,
    FieldType.INTEGER: pl.Int64,
    FieldType.BOOLEAN: pl.Boolean,
    FieldType.DATE: pl.Date,
    FieldType.YEAR: pl.Int32,
    FieldType.YEARMONTH: pl.Date,
    FieldType.QUARTER: pl.Date,
    FieldType.HALF_YEAR: pl.Date,
    FieldType.WEEK: pl.Date,
}
