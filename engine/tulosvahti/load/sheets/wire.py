"""What the child sends to its parent: JSON lines, made by ``Writer`` and read by ``Assembler``.

Convention: a cell is 0 (blank), a text, or a list ``[text, kind, value, format, formula, calculated]`` of which the
end may be missing; ``kind`` is a place in ``KINDS``, ``value`` decimal text, or a date in ISO 8601 where its text is another, ``format`` a place in the list of formats
sent before. A row is ``[count, cells]``. Nothing that the child sends is trusted: a line that is not as it should be
is a fault of the reader, and never more than that.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tulosvahti.core.page import TextPage
from tulosvahti.core.sheet import BLANK, Area, Cell, Notice, Sheet, a1
from tulosvahti.load.amounts import amount, humane
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError
from tulosvahti.load.sheets.unstored import without_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tulosvahti.core.sheet import Kind
    from tulosvahti.load.sheets.reading import Limits, Progress

WireCell = str | int | list[Any]

TEXT, NUMBER, DATE, TRUTH, ERROR = range(5)
KINDS: tuple[Kind, ...] = ("text", "number", "date", "truth", "error")
_BLOCK = 20_000
_BYTES_A_CELL = 128
_MOST_ROWS = 1_048_576
_MOST_NAMED = 10_000
_MOST_DIGITS = 400
_SHARED, _MOST_SHARED = 4, 50_000
"""Parts of a cell without a formula; different ones that are kept to be given again."""
_HEADING = re.compile(r"\s*(?:(?:18|19|20)\d\d|\(\d{1,2}\))\s*")


class Writer:
    """The child's side: sheets row by row, in blocks, within the limits."""

    def __init__(self, send: Callable[[bytes], object], limits: Limits) -> None:
        """Send lines with ``send``."""
        self._send = send
        self._limits = limits
        self._cells = limits.cells
        self._bytes = min(limits.unpacked, limits.cells * _BYTES_A_CELL)
        self._formats: dict[str, int] = {}
        self._block: list[list[Any]] = []
        self._filled = self._rows = 0
        self._numerals: list[str] = []

    @property
    def limits(self) -> Limits:
        """What the file may cost."""
        return self._limits

    @property
    def rows(self) -> int:
        """How many rows the sheet has so far."""
        return self._rows

    def total(self, parts: int) -> None:
        """Say how many sheets or pages there are."""
        self._say("total", parts)

    def format(self, code: str) -> int:
        """Give the place of a number format."""
        place = self._formats.get(code)
        if place is None:
            place = self._formats[code] = len(self._formats)
            self._say("format", code)
        return place

    def sheet(self, suffix: str, *, hidden: bool = False) -> None:
        """Begin a sheet; its rows follow. ``suffix``: what its source has after the file's name: ``!2024``, ``#2``."""
        self._block, self._filled, self._rows, self._numerals = [], 0, 0, []
        self._say("sheet", suffix, hidden)

    def row(self, cells: list[WireCell], count: int = 1, numerals: Sequence[tuple[int, str]] = ()) -> None:
        """Add equal rows; ``numerals``: columns and texts of the text cells that are numbers.

        Raises:
            BrokenSheetError: the sheet has more rows than any spreadsheet program has.
            RefusedError: the file has more cells than is allowed.

        """
        while cells and not cells[-1]:
            cells.pop()
        # A row of years or of column numbers is a header, whatever the type of its cells.
        if not all(_HEADING.fullmatch(text) for _, text in numerals) and len(self._numerals) < _MOST_NAMED:
            self._numerals += [a1(self._rows + at, column) for at in range(min(count, 1000)) for column, _ in numerals]
        self.count(count, len(cells) * count + count // 16)
        self._block.append([count, cells])
        self._filled += len(cells) + 1
        if self._filled > _BLOCK:
            self._flush()

    def count(self, rows: int, cells: int) -> None:
        """Count rows and cells towards the limits; errors as of ``row``."""
        if self._rows + rows > _MOST_ROWS:
            msg = f"it has more than {_MOST_ROWS} rows"
            raise BrokenSheetError(msg)
        self._cells -= cells
        if self._cells < 0:
            msg = f"file has more than {self._limits.cells} cells"
            raise RefusedError(msg, f"at most {self._limits.cells} cells", "split the file, or delete what is unused")
        self._rows += rows

    def end(
        self,
        *,
        merged: Iterable[Area] = (),
        hidden_rows: Iterable[tuple[int, int]] = (),
        hidden_columns: Iterable[tuple[int, int]] = (),
        stale: bool = False,
        notices: Iterable[Notice] = (),
    ) -> None:
        """End the sheet; hidden rows and columns as first and last, from 0; ``stale``: its zeros may be no results."""
        self._flush()
        said = [[item.code, list(item.where), list(item.detail)] for item in notices]
        if self._numerals:
            said.append(["number_as_text", self._numerals[:_MOST_NAMED], []])
        areas = [[area.top, area.left, area.bottom, area.right] for area in merged]
        self._say("end", areas, list(hidden_rows), list(hidden_columns), stale, said)

    def drop(self) -> None:
        """Forget the sheet that was begun."""
        self._block = []
        self._say("drop")

    def page(self, number: int, lines: Sequence[str]) -> None:
        """Give a page of text."""
        self._say("page", number, list(lines))

    def notice(self, code: str, *detail: str) -> None:
        """Say something about the whole file."""
        self._say("notice", code, detail)

    def problem(self, message: str, allowed: str = "", next_step: str = "") -> None:
        """Say what is wrong with the file or a part of it."""
        self._say("problem", humane(message), allowed, next_step)

    def done(self) -> None:
        """Say that all is said; without this the child has crashed."""
        self._say("done")

    def _flush(self) -> None:
        if self._block:
            self._say("rows", self._block)
        self._block, self._filled = [], 0

    def _say(self, *words: object) -> None:
        line = json.dumps(words, separators=(",", ":")).encode("ascii") + b"\n"
        self._bytes -= len(line)
        if self._bytes < 0 and words[0] in ("rows", "page"):
            most = amount(min(self._limits.unpacked, self._limits.cells * _BYTES_A_CELL))
            msg = f"the cells of the file hold more than {most} of text"
            raise RefusedError(msg, f"at most {most}", "split the file")
        self._send(line)


class Assembler:
    """The parent's side: lines become sheets and pages.

    ``problems``: message, what is allowed and what to do of each; ``finished``: the child said that all is said.
    """

    def __init__(self, name: str, progress: Progress | None = None) -> None:
        """Name the file as it is shown."""
        self._name = name
        self._progress = progress
        self._total = self._number = 0
        self._formats: list[str] = []
        self._texts: dict[str, Cell] = {"": BLANK}
        self._shared: dict[tuple[Any, ...], Cell] = {}
        self._suffix, self._hidden = "", False
        self._rows: list[tuple[Cell, ...]] = []
        self.sheets: list[Sheet] = []
        self.pages: list[TextPage] = []
        self.notices: list[Notice] = []
        self.problems: list[tuple[str, str, str]] = []
        self.finished = False

    def feed(self, line: bytes) -> None:
        """Take one line.

        Raises:
            ValueError, TypeError, LookupError, ArithmeticError: it is not as it should be.

        """
        word, *rest = json.loads(line)
        getattr(self, f"_take_{word}")(*rest)

    def _take_total(self, parts: int) -> None:
        self._total = int(parts)

    def _take_format(self, code: str) -> None:
        self._formats.append(str(code))

    def _take_sheet(self, suffix: str, hidden: object) -> None:
        self._suffix, self._hidden, self._rows = str(suffix), bool(hidden), []

    def _take_rows(self, block: list[tuple[int, list[WireCell]]]) -> None:
        for count, cells in block:
            made = tuple([self.cell(item) for item in cells])
            self._rows.extend([made] * count)

    def cell(self, item: WireCell) -> Cell:
        """Give a cell as it came."""
        if isinstance(item, list):
            if len(item) > _SHARED:
                return self._typed(*item)
            # Dates, codes and scores stand in a column again and again.
            key = tuple(item)
            made = self._shared.get(key)
            if made is None:
                made = self._typed(*item)
                if len(self._shared) < _MOST_SHARED:
                    self._shared[key] = made
            return made
        if isinstance(item, int):
            return BLANK
        known = self._texts.get(item)
        if known is None:
            known = self._texts[item] = Cell(item)
        return known

    def _typed(  # noqa: PLR0913 - as the cells come
        self, text: str, kind: int, value: str = "", code: int = -1, formula: str = "", calculated: int = 1
    ) -> Cell:
        name = KINDS[kind]
        day = str(value) if kind == DATE else ""
        number = _decimal(value) if value and not day else None
        if name == "number" and number is None:
            name = "text"
        shown = self._formats[code] if code >= 0 else ""
        return Cell(text, number, name, shown, formula, bool(calculated), day=day)

    def _take_end(
        self,
        merged: list[list[int]],
        hidden_rows: list[tuple[int, int]],
        hidden_columns: list[tuple[int, int]],
        stale: object,
        notices: list[tuple[str, list[str], list[str]]],
    ) -> None:
        rows = without_results(self._rows) if stale else None
        areas = tuple(sorted((Area(*map(int, four)) for four in merged), key=lambda area: (area.top, area.left)))
        said = [Notice(code, tuple(where), tuple(detail)) for code, where, detail in notices]
        if rows is None:
            rows = self._rows
        else:
            said.append(Notice("zeros_not_results"))
        under = covered(areas, rows)
        if under:
            said.append(Notice("value_under_merge", tuple(under)))
        sheet = Sheet(
            f"{self._name}{self._suffix}",
            tuple(rows),
            areas,
            _numbers(hidden_rows, len(rows)),
            _numbers(hidden_columns, max(map(len, rows), default=0)),
            self._hidden,
            tuple(said),
        )
        self.sheets.append(sheet)
        self._rows = []
        self._step(self._suffix[1:])

    def _take_drop(self) -> None:
        self._rows = []
        self._step(self._suffix[1:])

    def _take_page(self, number: int, lines: list[str]) -> None:
        self.pages.append(TextPage(f"{self._name}, page {number}", tuple(lines), page=number))
        self._step(f"page {number}")

    def _take_notice(self, code: str, detail: list[str]) -> None:
        self.notices.append(Notice(code, (), tuple(detail)))

    def _take_problem(self, message: str, allowed: str, next_step: str) -> None:
        self.problems.append((str(message), str(allowed), str(next_step)))

    def _take_done(self) -> None:
        self.finished = True

    def _step(self, what: str) -> None:
        self._number += 1
        if self._progress is not None:
            self._progress(what, self._number, self._total)


def _decimal(text: str) -> Decimal | None:
    """Read a number; one so great or small that arithmetic on it would not end is none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS else None


def _numbers(spans: Iterable[Sequence[int]], end: int) -> frozenset[int]:
    """Give all the numbers of first and last that lie before the end."""
    return frozenset(number for first, last in spans for number in range(int(first), min(int(last) + 1, end)))


def covered(areas: tuple[Area, ...], rows: Sequence[tuple[Cell, ...]]) -> list[str]:
    """Name the cells that have a value though a merged range hides them: sums count them, people do not see them."""
    names: list[str] = []
    patience = _MOST_ROWS
    for area in areas:
        for row in range(area.top, min(area.bottom + 1, len(rows))):
            cells = rows[row][area.left : area.right + 1]
            patience -= len(cells) + 1
            if patience < 0 or len(names) >= _MOST_NAMED:
                return names
            names += [
                a1(row, area.left + at)
                for at, cell in enumerate(cells)
                if not cell.blank and (row, at) != (area.top, 0)
            ]
    return names
