"""A large text in blocks of whole records, each proven to be so regular that any reader parts it alike.

The strict reader (``csv_records``) says what a record is. A block is taken here only where nothing in it could be read in
two ways: every quote opens after a delimiter or a line end and closes before one, no line end stands inside quotes, no
carriage return stands alone, no field is as long as the reader's limit. Lines that are no rows (comments, blank ones) and
lines of another width are set apart by their own. Whatever is not proven is ``IrregularError``: the strict reader's.
"""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]

BLOCK = 16 << 20
_WINDOW = 1 << 16
_PIECE = 4 * _WINDOW
_NEWLINE, _RETURN = 10, 13
_SPACE = 32
"""What comes before it are control characters; some of them Python strips as spaces, and Polars does not."""


class IrregularError(Exception):
    """The text is one for the strict reader."""


@dataclass(frozen=True)
class Form:
    """How a text is parted, and how many columns it has, of which those in ``wanted`` are read."""

    delimiter: str
    quote: str
    comment: str
    width: int
    wanted: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """Rows of a text: their wanted columns as texts (null: nothing), record numbers and lines. Of a file with types: as values.

    ``ragged``: rows of another width: record number, line, how many cells, and what stands there.
    """

    texts: list[pl.Series]
    numbers: Positions
    lines: Positions
    ragged: list[tuple[int, int, int, str]] = field(default_factory=list)
    line_ends: int = 0


def blocks(stream: IO[bytes], form: Form, number: int, line: int, size: int = BLOCK) -> Iterator[Block]:
    """Give the blocks of a text from where the stream stands; ``number`` and ``line`` are those of the first record.

    Raises:
        IrregularError: it is one for the strict reader.

    """
    most = csv.field_size_limit() * form.width
    while content := _whole_lines(stream, size, most):
        found = _block(content, form, number, line)
        number += len(found.numbers) + len(found.ragged)
        line += found.line_ends
        yield found


def _whole_lines(stream: IO[bytes], size: int, most: int) -> bytes:
    """Read about ``size`` bytes that end with a line, which may be ``most`` bytes longer; the text's last gets a line end."""
    start = stream.tell()
    stream.seek(start + size - 1)
    beyond = len(stream.readline(most + 1))
    if beyond > most:
        raise IrregularError
    stream.seek(start)
    # At once, without a copy: of large texts copies take as long as looking at them.
    content = stream.read(size - 1 + beyond if beyond else size)
    return content if content.endswith(b"\n") or not content else content + b"\n"


@dataclass(frozen=True)
class _Counted:
    """What stands in a block: its line ends, its delimiters, and control characters besides line ends."""

    ends: int
    delimiters: int
    controls: int


def _counted(data: npt.NDArray[np.uint8], delimiter: str) -> _Counted:
    """Count in one pass, window by window, so that what is looked at stays in the processor's cache.

    Raises:
        IrregularError: there may be too long a field.

    """
    room = np.empty(_PIECE, bool)
    ends = delimiters = controls = 0
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE]
        found = room[: len(piece)]
        np.less(piece, _SPACE, out=found)
        controls += int(np.count_nonzero(found))
        np.equal(piece, ord(delimiter), out=found)
        delimiters += int(np.count_nonzero(found))
        np.equal(piece, _NEWLINE, out=found)
        ends += int(np.count_nonzero(found))
        whole = len(piece) // _WINDOW * _WINDOW
        # A line is shorter than two windows where each has a line end.
        if not found[:whole].reshape(-1, _WINDOW).any(axis=1).all():
            raise IrregularError
    return _Counted(ends, delimiters, controls - ends)


def _block(content: bytes, form: Form, number: int, line: int) -> Block:
    data = np.frombuffer(content, np.uint8)
    counted = _counted(data, form.delimiter)
    rows, count = counted.ends, counted.delimiters
    _refuse_odd(content, counted.controls)
    delimiters = None
    if form.quote and form.quote.encode() in content:
        delimiters = (data == ord(form.delimiter)) & ~_inside(data, data == _NEWLINE, form)
        count = int(np.count_nonzero(delimiters))
    comments = bool(form.comment) and (content.startswith(form.comment.encode()) or b"\n" + form.comment.encode() in content)
    if not comments and count == rows * (form.width - 1):
        # Where one is too many here and one too few there, it does not part.
        with suppress(IrregularError):
            return Block(_parted(content, form, rows), np.arange(number, number + rows), np.arange(line, line + rows), line_ends=rows)
    _refuse_other(content)
    if delimiters is None:
        delimiters = data == ord(form.delimiter)
    return _careful(content, np.flatnonzero(delimiters), form, number, line)


def _careful(content: bytes, marks: Positions, form: Form, number: int, line: int) -> Block:
    """Look at every line: those that are no rows leave the block, those of another width are set apart."""
    data = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    widths = np.bincount(np.searchsorted(ends, marks), minlength=len(ends)) + 1
    odd = widths != form.width
    if form.comment:
        odd |= data[starts] == ord(form.comment[0])
    numbers = np.zeros(len(ends), np.int64)
    is_row = ~odd
    ragged: list[tuple[int, int, int, str]] = []
    removed = np.flatnonzero(odd)
    if len(removed) > len(ends) // 4 + 100:
        raise IrregularError
    for at in removed.tolist():
        text = content[starts[at] : ends[at]].decode().removesuffix("\r")
        if (form.comment and text.startswith(form.comment)) or (widths[at] == 1 and not _unquoted(text, form).strip()):
            continue
        if form.quote and form.quote in text:
            raise IrregularError
        if widths[at] == form.width:
            is_row[at] = True
            continue
        numbers[at] = 1
        ragged.append((at, line + at, int(widths[at]), text))
    numbers[is_row] = 1
    numbers = number + np.cumsum(numbers) - 1
    ragged = [(int(numbers[at]), *rest) for at, *rest in ragged]  # type: ignore[misc]
    if len(removed):
        keep = np.ones(len(data), bool)
        for at in np.flatnonzero(~is_row).tolist():
            keep[starts[at] : ends[at] + 1] = False
        content = data[keep].tobytes()
    rows = int(np.count_nonzero(is_row))
    texts = _parted(content, form, rows) if rows else [pl.Series("", [], dtype=pl.String) for _ in form.wanted]
    return Block(texts, numbers[is_row], line + np.flatnonzero(is_row), ragged, len(ends))


def _unquoted(text: str, form: Form) -> str:
    return text.replace(form.quote, "") if form.quote else text


def _parted(content: bytes, form: Form, rows: int) -> list[pl.Series]:
    """Part whole rows; of columns that are read Polars refuses what is no UTF-8."""
    if len(form.wanted) < form.width:
        _refuse_other(content)
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            separator=form.delimiter,
            quote_char=form.quote or None,
            infer_schema=False,
            columns=list(form.wanted),
        )
    except pl.exceptions.PolarsError as error:
        raise IrregularError from error
    if frame.height != rows or frame.width != len(form.wanted):
        raise IrregularError
    # The columns come in the order of the file.
    order = sorted(form.wanted)
    return [frame.to_series(order.index(place)) for place in form.wanted]


def _refuse_odd(content: bytes, controls: int) -> None:
    """Refuse control characters; ``controls``: how many it has besides line ends."""
    if controls and controls != content.count(b"\t") + content.count(b"\r\n"):
        raise IrregularError


def _refuse_other(content: bytes) -> None:
    """Refuse what is no UTF-8."""
    try:
        content.isascii() or content.decode()
    except UnicodeDecodeError as error:
        raise IrregularError from error


def _inside(data: npt.NDArray[np.uint8], ends: npt.NDArray[np.bool_], form: Form) -> npt.NDArray[np.bool_]:
    """Tell what stands inside quotes, each of which has to open and to close where a cell does."""
    marks = data == ord(form.quote)
    places = np.flatnonzero(marks)
    if len(places) % 2:
        raise IrregularError
    opens, closes = places[::2], places[1::2]
    # A quote that is doubled inside quotes closes and opens at once.
    doubled = closes[:-1] + 1 == opens[1:]
    before = data[np.maximum(opens - 1, 0)]
    after = data[np.minimum(closes + 1, len(data) - 1)]
    delimiter = ord(form.delimiter)
    fine_before = (opens == 0) | (before == delimiter) | (before == _NEWLINE)
    fine_before[1:] |= doubled
    fine_after = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN)
    fine_after[:-1] |= doubled
    inside: npt.NDArray[np.bool_] = (np.cumsum(marks, dtype=np.uint8) & 1).astype(bool)
    if not (fine_before.all() and fine_after.all()) or (inside & ends).any():
        raise IrregularError
    return inside
