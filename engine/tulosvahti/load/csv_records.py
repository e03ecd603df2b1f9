"""Bytes to records: encoding, comment lines, quoted newlines; every record keeps its number and its line."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from tulosvahti.load.dialects import told
from tulosvahti.load.encodings import Encoding, marked
from tulosvahti.load.encodings import told as told_encoding
from tulosvahti.load.headers import LOOK, MOST_ROWS, Header, found_header, name_of
from tulosvahti.load.records import Records, UnreadableError, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.contract import Contract

_UTF8_STEP = "save the file as {encoding}, or declare its real encoding with `encoding` in {file}"


def read_records(contract: Contract, content: bytes) -> Records:
    """Read the records of a delivery; comment lines and blank lines are no records.

    What the contract leaves open is told from the file, and said.

    Raises:
        UnreadableError: with what is wrong and what to do.

    """
    encoding = _encoding(contract, content)
    text = _decoded(contract, content, encoding)
    dialect = told(contract, text)
    lines = _Lines(text, contract.comment_char, dialect.skip)
    reader = dialect.records(lines)
    rows: list[list[str]] = []
    starts: list[int] = []
    blanks: list[int] = []
    try:
        for record in reader:
            lines.at_start = True
            if record:
                rows.append(record)
                starts.append(lines.first)
            else:
                blanks.append(lines.first)
    except csv.Error as error:
        msg = f"record that starts on line {lines.first} cannot be read: {error}"
        step = f"mend the quotes on line {lines.first}, or `dialect` in {contract.place.file}"
        raise UnreadableError(msg, step) from error
    header = _header(contract, rows, starts)
    if len(header.names) == 1 and len(rows) == header.at + header.rows:
        # The blank lines of a file of one column are its empty values, where it has nothing else.
        starts = [line for line in blanks if line > starts[header.at]]
        rows = [[""] for _ in starts]
    else:
        rows, starts = rows[header.at + header.rows :], starts[header.at + header.rows :]
    notices = [encoding.notice, dialect.notice, _said_of(contract, header)]
    found = _in_columns(contract, header.names, rows, starts, dialect.delimiter)
    return replace(found, notices=tuple(notice for notice in notices if notice))


def _header(contract: Contract, rows: list[list[str]], starts: list[int]) -> Header:
    """Give the header: the first record, or where the contract's columns stand."""
    at = None
    if contract.header_row:
        at = next((at for at, line in enumerate(starts) if line >= contract.header_row), None)
        if at is None:
            msg = f"there is no header on line {contract.header_row}; the file has {len(rows)} records"
            raise UnreadableError(msg, f"mend `header_row` in {contract.place.file}, or deliver the file again")
    first = next((at for at, row in enumerate(rows) if any(cell.strip() for cell in row)), None)
    if first is None:
        msg = "file has no header"
        raise UnreadableError(msg, "deliver the file with a header and rows")
    found = found_header(rows[: LOOK + MOST_ROWS], {item.column for item in contract.fields}, at=at, depth=contract.header_rows)
    return found or Header(first, 1, tuple(name_of(name) for name in rows[first]), 0)


def _said_of(contract: Contract, header: Header) -> str:
    rows = f"; its names are joined from {header.rows} rows" if header.rows > 1 and not contract.header_rows else ""
    if header.at and not contract.header_row:
        return f"the header was found below {header.at} other records, which are no rows{rows}"
    return f"the header has {header.rows} rows, whose names are joined" if rows else ""


def _in_columns(
    contract: Contract, header: Sequence[str], rows: list[list[str]], starts: list[int], delimiter: str
) -> Records:
    """Turn rows into columns; the cells of a ragged row are blank, and what it was is kept aside."""
    width = len(header)
    if width > 1:
        # A line of nothing but a pair of quotes is a row in a table of one column only.
        whole = [at for at, row in enumerate(rows) if len(row) > 1 or row[0].strip()]
        rows, starts = [rows[at] for at in whole], [starts[at] for at in whole]
    ragged = {at: (len(row), delimiter.join(row)) for at, row in enumerate(rows) if len(row) != width}
    blank = [""] * width
    filled = [blank if at in ragged else row for at, row in enumerate(rows)] if ragged else rows
    wanted = {item.column for item in contract.fields}
    columns: list[list[Value]] = [
        [row[at] for row in filled] if name in wanted else [] for at, name in enumerate(header)
    ]
    return Records(header, columns, range(2, len(rows) + 2), starts, ragged)


class _Lines:
    """Physical lines for the csv reader; comment lines are left out where a record may start."""

    def __init__(self, text: str, comment: str, skip: int = 0) -> None:
        self._source = io.StringIO(text, newline="")
        self._source.seek(skip)
        self._comment = comment
        self._number = 1 if skip else 0
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


def _decoded(contract: Contract, content: bytes, encoding: Encoding) -> str:
    name = encoding.name
    step = _UTF8_STEP.format(encoding=contract.encoding, file=contract.place.file)
    try:
        text = content[encoding.mark :].decode(name)
    except UnicodeDecodeError as error:
        at = error.start + encoding.mark
        if b"\0" in content and "16" not in name and "32" not in name:
            msg = "file has NUL bytes and is not text"
            raise UnreadableError(msg, "save the table as CSV and deliver again") from error
        line = content.count(b"\n", 0, at) + 1
        byte = f"byte {at} on line {line} (0x{content[at]:02x})"
        msg = f"{byte} is not {name}, the declared encoding"
        if encoding.mark:
            msg = f"{byte} is not {name}, which the file's own mark says it is"
        raise UnreadableError(msg, step) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"file has a NUL byte on line {line} and is not text"
        raise UnreadableError(msg, step)
    return text


def _encoding(contract: Contract, content: bytes) -> Encoding:
    """Give the encoding that a byte order mark shows, else the declared one, else the one that the bytes tell."""
    if not content:
        msg = "file is empty (0 bytes)"
        raise UnreadableError(msg, "deliver the file again")
    if "encoding" in contract.open:
        return told_encoding(content, contract.place.file)
    try:
        codecs.lookup(contract.encoding)
    except LookupError as error:
        msg = f"encoding {contract.encoding!r} is not known"
        raise UnreadableError(msg, f"declare a known encoding in {contract.place.file}, such as utf-8") from error
    return marked(content) or Encoding(contract.encoding)
