"""Bytes to records: encoding, comment lines, quoted newlines; every record keeps its number and its line."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from tulosvahti.load.records import Records, UnreadableError, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.core.contract import Contract

_UTF8_STEP = "save the file as {encoding}, or declare its real encoding with `encoding` in {file}"


def read_records(contract: Contract, content: bytes) -> Records:
    """Read the records of a delivery; comment lines and blank lines are no records.

    Raises:
        UnreadableError: with what is wrong and what to do.

    """
    text = _decoded(contract, content)
    lines = _Lines(text, contract.comment_char)
    quote = contract.quote_char or None
    reader = csv.reader(
        lines,
        delimiter=contract.delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=True,
    )
    header: list[str] | None = None
    rows: list[list[str]] = []
    starts: list[int] = []
    blanks: list[int] = []
    try:
        for record in reader:
            lines.at_start = True
            if not record or (len(record) == 1 and not record[0].strip() and _blank_is_no_row(header)):
                if header is not None:
                    blanks.append(lines.first)
                continue
            if header is None:
                header = [name.strip() for name in record]
                continue
            rows.append(record)
            starts.append(lines.first)
    except csv.Error as error:
        msg = f"record that starts on line {lines.first} cannot be read: {error}"
        step = f"mend the quotes on line {lines.first}, or `dialect` in {contract.place.file}"
        raise UnreadableError(msg, step) from error
    if header is None:
        msg = "file has no header"
        raise UnreadableError(msg, "deliver the file with a header and rows")
    if not rows and len(header) == 1:
        # The blank lines of a file of one column are its empty values, where it has nothing else.
        rows, starts = [[""] for _ in blanks], blanks
    return _in_columns(contract, header, rows, starts)


def _in_columns(contract: Contract, header: list[str], rows: list[list[str]], starts: list[int]) -> Records:
    """Turn rows into columns; the cells of a ragged row are blank, and what it was is kept aside."""
    width = len(header)
    ragged = {at: (len(row), contract.delimiter.join(row)) for at, row in enumerate(rows) if len(row) != width}
    blank = [""] * width
    whole = [blank if at in ragged else row for at, row in enumerate(rows)] if ragged else rows
    wanted = {item.column for item in contract.fields}
    columns: list[list[Value]] = [
        [row[at] for row in whole] if name in wanted else [] for at, name in enumerate(header)
    ]
    return Records(header, columns, range(2, len(rows) + 2), starts, ragged)


def _blank_is_no_row(header: list[str] | None) -> bool:
    """Tell a blank line from a quoted empty cell: the latter is a row only in a table of one column."""
    return header is None or len(header) > 1


class _Lines:
    """Physical lines for the csv reader; comment lines are left out where a record may start."""

    def __init__(self, text: str, comment: str) -> None:
        self._source = io.StringIO(text, newline="")
        self._comment = comment
        self._number = 0
        self.first = 0
        self.at_start = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._source)
            self._number += 1
            if self.at_start:
                if self._comment and line.startswith(self._comment):
                    continue
                self.first = self._number
                self.at_start = False
            return line


def _decoded(contract: Contract, content: bytes) -> str:
    if not content:
        msg = "file is empty (0 bytes)"
        raise UnreadableError(msg, "deliver the file again")
    encoding = _encoding(contract, content)
    step = _UTF8_STEP.format(encoding=contract.encoding, file=contract.place.file)
    try:
        text = content.decode(encoding)
    except LookupError as error:
        msg = f"encoding {contract.encoding!r} is not known"
        raise UnreadableError(msg, f"declare a known encoding in {contract.place.file}, such as utf-8") from error
    except UnicodeDecodeError as error:
        if b"\0" in content and "16" not in encoding and "32" not in encoding:
            msg = "file has NUL bytes and is not text"
            raise UnreadableError(msg, "save the table as CSV and deliver again") from error
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte {error.start} on line {line} (0x{content[error.start]:02x})"
        msg = f"{byte} is not {encoding}, the declared encoding"
        raise UnreadableError(msg, step) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"file has a NUL byte on line {line} and is not text"
        raise UnreadableError(msg, step)
    return text.removeprefix("\ufeff")


def _encoding(contract: Contract, content: bytes) -> str:
    """Give the encoding that a byte order mark shows, else the declared one."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return contract.encoding
