"""The start of a large text: how it is parted, its header, and where its first row stands."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.load.block_columns import Scale
from tulosvahti.load.dialects import SAMPLE, Told, told
from tulosvahti.load.encodings import marked
from tulosvahti.load.headers import LOOK, MOST_ROWS, found_header
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.text_blocks import BLOCK, Block, Form, IrregularError, blocks
from tulosvahti.load.typed_rows import places_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from tulosvahti.core.contract import Contract, Field

_HEAD = 1 << 20
_PIECE = 1 << 20
_UTF8 = "utf-8"
_SINGLE = frozenset({"cp1252", "iso8859-1", "iso8859-15", "cp850", "cp437", "mac-roman", "iso8859-4", "iso8859-10", "cp1257"})
"""Encodings of one byte a character, as Python calls them: a piece of such a text is a text."""
_STRICT = 64 << 20
"""Up to so many bytes the strict reader reads what is refused, for its sentence."""


@dataclass(frozen=True)
class Head:
    """A start; ``offset`` is where the rows begin, in bytes, ``line`` on which line."""

    form: Form
    header: tuple[str, ...]
    notices: tuple[str, ...]
    offset: int
    line: int


class TextSource:
    """A text in UTF-8 as ``block_rows`` reads it; ``size``: bytes of a block."""

    def __init__(self, contract: Contract, path: Path, size: int = BLOCK) -> None:
        """Look at its start; errors as of ``head_of``."""
        head = head_of(contract, path)
        self._path, self._head, self._size = path, head, size
        self.header, self.notices = head.header, head.notices
        self.width, self.delimiter = head.form.width, head.form.delimiter

    def scale(self, _item: Field, _values: pl.Series) -> Scale:
        """Know nothing yet of the digits of a column."""
        return Scale()

    def address(self, _number: int, _item: Field) -> str:
        """Give none: a record has its line."""
        return ""

    def blocks(self) -> Iterator[Block]:
        """Give the rows; errors as of ``text_blocks.blocks``."""
        with self._path.open("rb") as stream:
            stream.seek(self._head.offset)
            yield from blocks(stream, self._head.form, 2, self._head.line, self._size)


def as_utf8(contract: Contract, path: Path, place: Path) -> Path:
    """Give the text in UTF-8: as it is, or written anew to ``place``.

    Raises:
        IrregularError: it is one for the strict reader.

    """
    with path.open("rb") as stream:
        mark = marked(stream.read(4))
    if mark is not None:
        if mark.name != _UTF8:
            raise IrregularError
        return path
    try:
        name = codecs.lookup(contract.encoding).name
    except LookupError as error:
        raise IrregularError from error
    if name == _UTF8:
        return path
    if name not in _SINGLE:
        raise IrregularError
    try:
        with path.open("rb") as stream, place.open("wb") as out:
            while piece := stream.read(_PIECE):
                out.write(piece.decode(name).encode())
    except UnicodeError as error:
        raise IrregularError from error
    return place


def head_of(contract: Contract, path: Path) -> Head:
    """Look at the start of a text in UTF-8: its header has to be its first record, on one line.

    Raises:
        IrregularError: it is one for the strict reader.
        UnreadableError: a column is missing.

    """
    with path.open("rb") as stream:
        start = stream.read(_HEAD)
    mark = marked(start)
    skip = mark.mark if mark else 0
    body = start[skip : start.rfind(b"\n") + 1]
    if not body or b"\0" in body or body.count(b"\r") != body.count(b"\r\n"):
        raise IrregularError
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise IrregularError from error
    dialect = _dialect(contract, text)
    rows, after, line = _records(text, dialect, contract.comment_char)
    header = found_header(rows, {item.column for item in contract.fields}, depth=contract.header_rows)
    if contract.header_row or header is None or header.at or header.rows != 1 or len(header.names) <= 1:
        raise IrregularError
    places = _places(contract, header.names, path)
    form = Form(dialect.delimiter, dialect.quote, contract.comment_char, len(header.names), places)
    return Head(form, header.names, tuple(filter(None, [dialect.notice])), skip + len(text[:after].encode()), line)


def _dialect(contract: Contract, text: str) -> Told:
    dialect = told(contract, text[: SAMPLE + 1])
    marks = dialect.delimiter + dialect.quote + contract.comment_char
    if dialect.skip or len(dialect.delimiter) != 1 or len(contract.comment_char) > 1 or not marks.isascii():
        raise IrregularError
    return dialect


def _records(text: str, dialect: Told, comment: str) -> tuple[list[list[str]], int, int]:
    """Give the first records, and where the second begins: its place in the text and its line."""
    lines = io.StringIO(text, newline="")
    reader = dialect.records(lines)
    rows: list[list[str]] = []
    after, line, skipped = 0, 1, 0
    try:
        while len(rows) < LOOK + MOST_ROWS:
            if comment and text.startswith(comment, lines.tell()):
                lines.readline()
                skipped += 1
                continue
            row = next(reader)
            if row:
                rows.append(row)
            if row and len(rows) == 1:
                after, line = lines.tell(), reader.line_num + skipped + 1
    except StopIteration:
        pass
    except csv.Error as error:
        raise IrregularError from error
    return rows, after, line


def _places(contract: Contract, header: tuple[str, ...], path: Path) -> tuple[int, ...]:
    try:
        places = places_of(contract, header)
    except UnreadableError as error:
        if path.stat().st_size > _STRICT:
            raise
        # What is wrong further down may say more.
        raise IrregularError from error
    if len(set(places)) < len(places):
        raise IrregularError
    return tuple(places)
