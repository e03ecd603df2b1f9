"""Where the header of a table is, how many rows it has, and what its columns are called.

Convention: rows count from 0. The names of several rows are joined with a space; a blank cell of an upper row takes the
name to its left, inside the merged range where the file tells merged cells, else as far as the next name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

MOST_ROWS = 3
LOOK = 200
_PATIENCE = 2_000_000
"""Cells that are looked at: a file of a hundred thousand columns has its header at the top."""

if TYPE_CHECKING:
    Left = Callable[[int, int], int]
    """Give the column whose name a blank cell of a header takes, by row and column; the column itself: none."""


@dataclass(frozen=True)
class Header:
    """A header: its first row, how many it has, the columns' names, and how many of those wanted are among them."""

    at: int
    rows: int
    names: tuple[str, ...]
    known: int

    @property
    def where(self) -> str:
        """Name its rows, counted from 1."""
        return f"row {self.at + 1}" if self.rows == 1 else f"rows {self.at + 1} to {self.at + self.rows}"


def name_of(text: str) -> str:
    """Give a column's name without its padding: spaces and line ends of any kind inside it are one space."""
    return " ".join(text.replace("\ufeff", "").split())


def found_header(
    rows: Sequence[Sequence[str]], wanted: Collection[str], *, at: int | None = None, depth: int = 0, left: Left | None = None
) -> Header | None:
    """Find the header: where most of the wanted columns stand, with as few rows and as far up as may be.

    ``rows``: the first rows of the file; ``at`` and ``depth`` where the contract says them. None: no wanted column.
    """
    starts = [at] if at is not None else list(range(min(len(rows), LOOK)))
    best: Header | None = None
    names: dict[int, list[str]] = {}
    patience = _PATIENCE
    for count in [depth] if depth else range(1, MOST_ROWS + 1):
        for start in starts:
            if start + count > len(rows) or patience < 0:
                continue
            for row in range(start, start + count):
                patience -= len(rows[row])
                if row not in names:
                    names[row] = [name_of(text) for text in rows[row]]
            found = _header([names[row] for row in range(start, start + count)], start, wanted, left)
            if best is None or found.known > best.known:
                best = found
        if best is not None and best.known >= len(wanted):
            break
    return best if best is not None and (best.known or at is not None) else None


def _header(rows: Sequence[Sequence[str]], start: int, wanted: Collection[str], left: Left | None) -> Header:
    if len(rows) == 1:
        return _counted(start, 1, rows[0], wanted)
    columns = range(max(map(len, rows)))
    bare = [_joined([_cell(row, column) for row in rows]) for column in columns]
    # A name that stands there itself is not made a second time by filling.
    open_names = set(wanted).difference(bare)
    names = []
    for column in columns:
        upper = [_filled(row, start + at, column, left) for at, row in enumerate(rows[:-1])]
        filled = _joined([*upper, _cell(rows[-1], column)])
        names.append(filled if filled in open_names else bare[column])
    return _counted(start, len(rows), names, wanted)


def _counted(start: int, count: int, names: Sequence[str], wanted: Collection[str]) -> Header:
    return Header(start, count, tuple(names), len({name for name in names if name in wanted}))


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _filled(row: Sequence[str], at: int, column: int, left: Left | None) -> str:
    if left is not None:
        return _cell(row, left(at, column))
    return next((row[place] for place in range(min(column, len(row) - 1), -1, -1) if row[place]), "")
