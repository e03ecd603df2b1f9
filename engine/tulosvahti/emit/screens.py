"""What a run is printed on: a terminal with its colours, or a plain stream, which gets the same letters.

Rich draws on terminals. Drawing a thousand rows takes it seconds, and loading it as long as a small run: what goes into a file or
a pipe is laid out here, in Rich's own way.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    Parts = Sequence[tuple[str, str]]
    """Texts with their styles."""

WIDTH = 100
"""Cells of a line."""
WHOLE = 110
"""Cells of a line on a plain stream that may be as long as it is wide."""
COLUMNS = (0, 12, 12, 15, 12, 12)
"""Cells of the table's columns; the first has what is left."""
RIGHT = frozenset({1, 2})
"""Columns of numbers."""
_BETWEEN = 3
_WORD = re.compile(r"\s*\S+\s*")
_NARROW = re.compile(r"[\n -~\xa0-\xac\xae-\u02ff–—‘’“”•…‰€−≥≤≠→✓✗▲○]*")
"""Texts whose letters all take one cell."""


class Screen(Protocol):
    """Where lines and tables go."""

    def text(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """Print a text, wrapped at words."""

    def line(self, parts: Parts, *, whole: bool = False) -> None:
        """Print texts one after the other; ``whole``: as wide as the screen is."""

    def table(self, heads: Sequence[str], rows: Iterable[Parts]) -> None:
        """Print a table of the ``COLUMNS``."""


class Terminal:
    """A terminal, drawn on by Rich."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self._console = console
        self._width = min(console.width, WIDTH)

    def text(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """Print a text, wrapped at words."""
        from rich.padding import Padding  # noqa: PLC0415 (heavy, as all of Rich)
        from rich.text import Text  # noqa: PLC0415

        told = Text(text, style=style)
        self._console.print(Padding(told, (0, 0, 0, indent)) if indent else told, width=self._width)

    def line(self, parts: Parts, *, whole: bool = False) -> None:
        """Print texts one after the other."""
        from rich.text import Text  # noqa: PLC0415

        told = Text()
        for text, style in parts:
            told.append(text, style=style)
        self._console.print(told, width=None if whole else self._width)

    def table(self, heads: Sequence[str], rows: Iterable[Parts]) -> None:
        """Print a table of the ``COLUMNS``."""
        from rich import box  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1), show_edge=False)
        for at, (head, width) in enumerate(zip(heads, COLUMNS, strict=True)):
            table.add_column(
                Text(head), ratio=None if width else 1, width=width or None, justify="right" if at in RIGHT else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*(Text(text, style=style) for text, style in row))
        self._console.print(table, width=self._width)


class Plain:
    """A stream without colours."""

    def __init__(self, out: TextIO) -> None:
        """Write to a stream."""
        self._out = out

    def text(self, text: str, style: str = "", *, indent: int = 0) -> None:  # noqa: ARG002 (as the terminal's)
        """Print a text, wrapped at words."""
        for line in wrapped(text, WIDTH - indent):
            self._out.write((" " * indent + _filled(line, WIDTH - indent) if indent else line) + "\n")

    def line(self, parts: Parts, *, whole: bool = False) -> None:
        """Print texts one after the other."""
        for line in wrapped("".join(text for text, _ in parts), WHOLE if whole else WIDTH):
            self._out.write(line + "\n")

    def table(self, heads: Sequence[str], rows: Iterable[Parts]) -> None:
        """Print a table of the ``COLUMNS``."""
        first = WIDTH - sum(COLUMNS) - _BETWEEN * (len(COLUMNS) - 1)
        widths = (first, *COLUMNS[1:])
        self._row(heads, widths, low=True)
        self._out.write("─" * WIDTH + "\n")
        for row in rows:
            self._row([text for text, _ in row], widths)

    def _row(self, cells: Sequence[str], widths: Sequence[int], *, low: bool = False) -> None:
        columns = [
            [_filled(line, width, right=at in RIGHT) for line in wrapped(cell, width)]
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        height = max(map(len, columns))
        for column, width in zip(columns, widths, strict=True):
            blank = [" " * width] * (height - len(column))
            column[:] = blank + column if low else column + blank
        for line in zip(*columns, strict=True):
            self._out.write((" " * _BETWEEN).join(line) + "\n")


def screen_of(out: TextIO, *, coloured: bool) -> Screen:
    """Give what to print on."""
    if not coloured:
        return Plain(out)
    from rich.console import Console  # noqa: PLC0415

    return Terminal(Console(file=out) if out.isatty() else Console(file=out, width=WHOLE))


def wrapped(text: str, width: int) -> list[str]:
    """Part a text into lines of so many cells, at words where it can be."""
    if not _NARROW.fullmatch(text):
        return _wrapped_by_rich(text, width)
    return [part for line in text.split("\n") for part in _parted(line, width)]


def _parted(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    breaks: list[int] = []
    at = 0
    """Where the next word begins in its line."""
    for found in _WORD.finditer(line):
        start, word = found.start(), found[0]
        bare = len(word.rstrip())
        if bare <= width - at:
            at += len(word)
        elif bare > width:
            breaks += range(start or width, found.end(), width)
            at = len(word) % width or width
        elif at and start:
            breaks.append(start)
            at = len(word)
    ends = [*breaks, len(line)]
    return [_cut(line[begin:end], width) for begin, end in zip([0, *breaks], ends, strict=True)]


def _cut(line: str, width: int) -> str:
    """Take blanks off the end of a line that is too long, and then what is left over."""
    kept = len(line.rstrip())
    return line[: max(width, kept)][:width] if len(line) > width else line


def _wrapped_by_rich(text: str, width: int) -> list[str]:
    from rich.console import Console  # noqa: PLC0415 (letters of other widths are rare)
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=sys.stderr, width=width)
    return [line.plain for line in Text(text).wrap(console, width, overflow="fold")]


def _filled(line: str, width: int, *, right: bool = False) -> str:
    if right:
        line = line.rstrip()
    if not _NARROW.fullmatch(line):
        from rich.cells import cell_len  # noqa: PLC0415

        blanks = " " * (width - cell_len(line))
    else:
        blanks = " " * (width - len(line))
    return blanks + line if right else line + blanks
