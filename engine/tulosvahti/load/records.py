"""What a reader gives of a delivery: named columns of values, and where each value stands in its file.

Convention: a value is the text of a cell, which the field's own form reads; or, from a file whose cells have types, the
exact value itself, or ``Odd`` where the cell has none that the field can take. A format is one module of
``load.sheets`` and one line in its list; text with a dialect is read by ``csv_records``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from tulosvahti.core.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.fetched import Mark


class UnreadableError(Exception):
    """A delivery that cannot be read; the message is a sentence and ``next_step`` another."""

    def __init__(self, message: str, next_step: str) -> None:
        """Keep both sentences."""
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True)
class Odd:
    """A typed cell that is no value of its field: what stands in it, and why it is none."""

    text: str
    reason: str


Value = str | Decimal | int | date | Odd


def text_of_value(value: Value) -> str:
    """Write a value as a reject shows it."""
    if isinstance(value, Odd):
        return value.text
    return plain(value) if isinstance(value, Decimal) else str(value)


class Keys(Protocol):
    """What each row is about, in the words of its source, made only for the rows that are asked for."""

    def __getitem__(self, at: int, /) -> str:
        """Name the row at a position."""


@dataclass(frozen=True)
class Records:
    """The header and the columns of a file, each as long as ``numbers``.

    ``numbers``: the record number of each row, the header of a text being 1, or its row on the sheet; ``lines``: the
    physical line each row starts on; ``ragged``: rows that have not as many cells as the header, with their number of
    cells and what stands in them; ``sheet``: of a workbook, for the addresses of cells; ``keys``: of a table whose rows
    have codes and no numbers that its readers know; ``marks``: what the file itself says of its figures.
    """

    header: Sequence[str]
    columns: Sequence[Sequence[Value]]
    numbers: Sequence[int]
    lines: Sequence[int]
    ragged: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    sheet: str = ""
    notices: tuple[str, ...] = ()
    keys: Keys | None = None
    marks: tuple[Mark, ...] = ()

    def place(self, at: int) -> tuple[int, int]:
        """Give record number and line of the row at a position."""
        return self.numbers[at], self.lines[at]

    def address(self, at: int, column: int) -> str:
        """Name a cell as its readers will look for it: ``Sheet1!C7``, ``Alue KU091, Vuosi 2025``; empty where it has a line."""
        if self.keys is not None:
            return self.keys[at]
        if not self.sheet:
            return ""
        plain_name = self.sheet.replace("_", "a").isalnum()
        name = self.sheet if plain_name else "'" + self.sheet.replace("'", "''") + "'"
        from tulosvahti.core.sheet import a1  # noqa: PLC0415 (a run that reads nothing anew names no cell)

        return f"{name}!{a1(self.numbers[at] - 1, column)}"
