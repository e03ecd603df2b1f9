"""Typed cells of workbooks, JSON and Parquet: what a cell is to its field, exact, or why it is nothing to it.

Convention: a percent cell, which its number format tells, is the percentage that people see: 0.57 shown as 57 % is 57.
A whole number in a date field is the workbook's serial day where it lies in 1954-2119 and so is no year or month.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.contract import Field, FieldType
from tulosvahti.core.quantity import APOSTROPHES, NumberTextError, plain, read_number
from tulosvahti.load.records import Odd, Value
from tulosvahti.load.sheets.numerals import is_numeral

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.sheet import Cell

_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
PERCENT = re.compile(r'%(?=(?:[^"]*"[^"]*")*[^"]*\Z)')
_SERIAL = range(20_000, 80_000)
_NOT_CALCULATED = (
    "not calculated: the formula has no stored result; open the workbook in a spreadsheet program and save it"
)


@dataclass
class Said:
    """What was noticed of the cells of one column, by address: percents, numbers as text, serial days, codes."""

    percent: list[str] = field(default_factory=list)
    bare: int = 0
    as_text: list[str] = field(default_factory=list)
    serial: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Book:
    """What is known of the whole file; ``formats``: whether its number formats are known."""

    formats: bool = True
    from_1904: bool = False


def value_of(item: Field, cell: Cell, book: Book, said: Said, address: Callable[[], str]) -> Value:
    """Give the value of a cell for its field; what should be known of it goes into ``said``."""
    if not cell.calculated:
        return Odd(cell.formula, _NOT_CALCULATED)
    if cell.kind == "error":
        return Odd(cell.text, "an error of the workbook, not a value; mend the formula and save it again")
    if cell.kind == "truth":
        return _truth(item, cell)
    if cell.kind == "date":
        return _moment(item, cell)
    if cell.kind == "number" and cell.value is not None:
        return _number(item, cell, cell.value, book, said, address)
    return _text(item, cell.text, said, address)


def _text(item: Field, text: str, said: Said, address: Callable[[], str]) -> str:
    """Take a text as it is; in a number's place it is read as the contract says, and that it was a text is said."""
    if item.type not in _NUMBERS or not text.strip():
        return text
    body = text.strip()
    if body[:1] in APOSTROPHES:
        body = body[1:]
    if item.form_open:
        if not is_numeral(body):
            return text
    else:
        try:
            read_number(body.removesuffix("%"), decimal_char=item.decimal_char, group_char=item.group_char)
        except NumberTextError:
            return text
    said.as_text.append(address())
    return body


def _truth(item: Field, cell: Cell) -> Value:
    true = cell.text == "TRUE"
    if item.type is FieldType.BOOLEAN:
        return true
    if item.type is FieldType.STRING:
        return "true" if true else "false"
    return Odd(cell.text, f"true or false, where the contract has a {item.type}")


def _moment(item: Field, cell: Cell) -> Value:
    """Take a day, month or year cell; one with a time of day is read only by a format that has one."""
    text = (cell.day or cell.text).replace("T", " ")
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?: 00:00:00)?", text)
    if item.type is FieldType.DATE and not found and "%H" in item.date_format:
        with suppress(ValueError):
            return datetime.fromisoformat(text).date()
    if item.type is FieldType.DATE and (timed := re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d.*)", text)) and not found:
        return Odd(text, f"has a time of day ({timed[2]}), where the contract has a day")
    if item.type is FieldType.STRING or not found:
        return text if item.type in {FieldType.STRING, FieldType.DATE} else _unlike(item, text, "a date or a time")
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        if item.type is FieldType.DATE and month and day:
            return date(int(year or 0), month, day)
        if item.type is FieldType.YEARMONTH and month:
            return date(int(year or 0), month, 1)
    except ValueError:
        return _unlike(item, text, "no such day")
    if item.type is FieldType.YEAR and month is None:
        return int(year or 0)
    return _unlike(item, text, "a date cell")


def _number(  # noqa: PLR0913 - one call a cell
    item: Field, cell: Cell, value: Decimal, book: Book, said: Said, address: Callable[[], str]
) -> Value:
    whole = value == value.to_integral_value()
    if item.type in _NUMBERS:
        if not book.formats and item.percent:
            reason = "the number format of the cell is not known in this kind of workbook; save it as XLSX"
            return Odd(cell.text, f"57 % or 0.57 cannot be told apart: {reason}")
        if PERCENT.search(cell.format):
            said.percent.append(address())
            value = value.scaleb(2 * cell.format.count("%"))
        else:
            said.bare += 1
        if item.type is FieldType.INTEGER:
            if value != value.to_integral_value():
                return Odd(plain(value), "not a whole number; allowed: digits only, no decimals")
            return int(value) if abs(value) < 2**63 else plain(value)
        return value
    if item.type is FieldType.STRING:
        # A code that the format fills with zeros is what people see: 020.
        text = cell.text if cell.text.strip().isdigit() else plain(value)
        size = item.code_length
        if len(text) < size and text.isdigit():
            said.filled.append(address())
            return text.zfill(size)
        return text
    if item.type is FieldType.DATE and whole and int(value) in _SERIAL:
        said.serial.append(address())
        start = date(1904, 1, 1) if book.from_1904 else date(1899, 12, 30)
        return start + timedelta(int(value))
    # 20230331 is a date where the contract's own form says so.
    return plain(value)


def _unlike(item: Field, text: str, what: str) -> Odd:
    return Odd(text, f"{what}, where the contract has a {item.type}")
