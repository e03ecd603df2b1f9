"""Records of delimited text with quotes as in RFC 4180, and with quotes that nothing closes.

Convention: lines come with their ends; a blank line is a record without cells.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_REPAIRS = 50


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text are parted; ``delimiter`` empty: one cell a record."""

    delimiter: str
    skip_spaces: bool = False


def records(lines: list[str], dialect: Dialect, literal: list[int]) -> Iterator[list[str]]:
    """Give the records; where a quote is never closed, its line is read as it stands."""
    delimiter = dialect.delimiter or _unused(lines)
    at = 0
    while at < len(lines):
        quoted = len(literal) < _MOST_REPAIRS
        reader = csv.reader(
            lines[at:],
            delimiter=delimiter,
            skipinitialspace=dialect.skip_spaces,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        )
        done = width = 0
        while (record := _next(reader)) is not None:
            began, done = done, reader.line_num
            if not record and done == began:
                return
            spanned = lines[at + began : at + done]
            if len(spanned) > 1 and _unclosed(record, width, spanned, delimiter):
                done = began
                break
            width = len(record)
            yield record
        literal.append(at + done + 1)
        yield lines[at + done].rstrip("\r\n").split(delimiter)
        at += done + 1


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """Give the next record, an empty one at the end; None for a cell so long that the quote before it is none."""
    try:
        return next(reader, [])
    except csv.Error:
        return None


def _unused(lines: list[str]) -> str:
    return next(mark for mark in map(chr, range(0xE000, 0xF900)) if not any(mark in line for line in lines))


def _unclosed(record: list[str], width: int, spanned: list[str], delimiter: str) -> bool:
    """Tell whether a record of several lines is several records, swallowed by a quote that nothing closes.

    Either its quotes are wrong; or it is not as wide as the record before it, and a line inside it is.
    """
    try:
        list(csv.reader(["".join(spanned)], delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return width > 1 and len(record) != width and any(line.count(delimiter) == width - 1 for line in spanned[1:])
