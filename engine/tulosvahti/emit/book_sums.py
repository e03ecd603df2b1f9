"""A table of sums in the workbook: each cell as it was delivered, and beside and below it every sum computed again."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.sheet import a1, column_index
from tulosvahti.core.verdict import Word
from tulosvahti.emit.book_cells import Formula, height
from tulosvahti.emit.stored import word_or_name
from tulosvahti.emit.words import SIGNS, changed_cells, verdict_word, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.emit.book_cells import Book, Link

_TOP = 3
"""The row of the headings."""


def sums_sheet(book: Book, sheet: Any, verdict: Mapping[str, Any], back: Link) -> None:  # noqa: ANN401
    """Write one table with its sums, what breaks them, and what would mend them."""
    table = _Table(book, sheet, verdict)
    kind = Word(verdict["verdict"])
    title = verdict["title"].get(book.language) or verdict["rule"]
    book.put(sheet, 0, 0, title, "title")
    book.put(sheet, 1, 0, back)
    book.put(sheet, 1, 1, f"{SIGNS[kind]} {verdict_word(kind, book.language)}", str(kind))
    row = table.write()
    _told(book, sheet, row + 1, verdict)


class _Table:
    """The table while it is laid out. Formulas need ``sums``, which runs of before it was stored do not have."""

    def __init__(self, book: Book, sheet: Any, verdict: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.book, self.sheet = book, sheet
        table = verdict["evidence"]["table"]
        self.columns: Sequence[str] = table["columns"]
        self.labels: Sequence[str] = [row["label"] for row in table["rows"]]
        self.cells = [[None if cell is None else Decimal(cell) for cell in row["cells"]] for row in table["rows"]]
        self.marks: Mapping[str, str] = verdict["evidence"].get("marks") or {}
        sums = verdict.get("sums") or {"items": {}, "total_column": "", "total_row": "", "subtotals": {}}
        self.weights: Mapping[str, int] = sums["items"]
        self.total = self.columns.index(sums["total_column"]) if sums["total_column"] in self.columns else None
        families: Mapping[str, Sequence[str]] = sums["subtotals"]
        below = {_folded(child) for children in families.values() for child in children}
        last = _folded(sums["total_row"])
        self.families = [(parent, [_folded(child) for child in children]) for parent, children in families.items()]
        if last:
            top = [folded for label in self.labels if (folded := _folded(label)) not in below and folded != last]
            self.families.append((sums["total_row"], top))
        self.totals = {_folded(parent) for parent, _ in self.families}

    def write(self) -> int:
        say, put, width = self._say, self.book.put, len(self.columns)
        across = self.total is not None and bool(self.weights)
        heads = ["", *(name.replace("_", " ") for name in self.columns), *([say("again"), say("off")] if across else [])]
        for column, head in enumerate(heads):
            put(self.sheet, _TOP, column, head or say("row"), "head")
        self.sheet.set_row(0, 26)
        self.sheet.set_row(_TOP, height([(f"{head}  ", 16) for head in heads]))
        self.sheet.set_column(0, 0, 30)
        self.sheet.set_column(1, len(heads) - 1, 16)
        for r, (label, cells) in enumerate(zip(self.labels, self.cells, strict=True)):
            is_total = _folded(label) in self.totals
            put(self.sheet, _TOP + 1 + r, 0, label, "total" if is_total else "label")
            for c, cell in enumerate(cells):
                self._cell(r, c, cell, "total" if is_total else "sum" if c == self.total else "plain")
            if across:
                self._across(r, width)
        row = _TOP + 1 + len(self.cells)
        for parent, children in self.families:
            row = self._down(row, parent, children)
        self.sheet.freeze_panes(_TOP + 1, 1)
        self.sheet.autofilter(_TOP, 0, _TOP + len(self.cells), len(heads) - 1)
        self.sheet.repeat_rows(_TOP)
        self.sheet.repeat_columns(0)
        return row

    def _say(self, key: str, **details: object) -> str:
        return word(f"book.{key}", self.book.language, **details)

    def _cell(self, r: int, c: int, cell: Decimal | None, kind: str) -> None:
        mark = self.marks.get(f"r{r + 1}c{c + 1}")
        self.book.put(self.sheet, _TOP + 1 + r, c + 1, cell, "missed" if mark else kind)

    def _across(self, r: int, width: int) -> None:
        """Add the columns of a row again. Nothing adds a blank cell: it is reported, not nought."""
        assert self.total is not None  # noqa: S101 (told to mypy; the caller looked)
        cells = self.cells[r]
        items = [(c, self.weights[name]) for c, name in enumerate(self.columns) if name in self.weights]
        known = [(c, weight) for c, weight in items if cells[c] is not None]
        stated = cells[self.total]
        if not known:
            return
        again = sum((weight * (cells[c] or Decimal(0)) for c, weight in known), Decimal(0))
        row = _TOP + 1 + r
        self.book.put(self.sheet, row, width + 1, Formula(_sum([(a1(row, c + 1), weight) for c, weight in items]), again), "again")
        if stated is not None:
            formula = f"={a1(row, self.total + 1)}-{a1(row, width + 1)}"
            self.book.put(self.sheet, row, width + 2, Formula(formula, stated - again), "again" if stated == again else "missed")

    def _down(self, row: int, parent: str, children: Sequence[str]) -> int:
        """Add the rows of a total or subtotal again, below the table."""
        found = [r for r, label in enumerate(self.labels) if _folded(label) == _folded(parent)]
        below = [r for r, label in enumerate(self.labels) if _folded(label) in set(children)]
        if len(found) != 1 or not below:
            return row
        self.book.put(self.sheet, row, 0, f"{parent}: {self._say('again')}", "label")
        self.book.put(self.sheet, row + 1, 0, f"{parent}: {self._say('off')}", "label")
        for c, name in enumerate(self.columns):
            values = [value for r in below if (value := self.cells[r][c]) is not None]
            if not values or (name not in self.weights and c != self.total):
                continue
            again, stated = sum(values, Decimal(0)), self.cells[found[0]][c]
            formula = _sum([(a1(_TOP + 1 + r, c + 1), 1) for r in below])
            self.book.put(self.sheet, row, c + 1, Formula(formula, again), "again")
            if stated is not None:
                difference = f"={a1(_TOP + 1 + found[0], c + 1)}-{a1(row, c + 1)}"
                kind = "again" if stated == again else "missed"
                self.book.put(self.sheet, row + 1, c + 1, Formula(difference, stated - again), kind)
        return row + 2


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def _sum(cells: Sequence[tuple[str, int]]) -> str:
    """Write a sum of cells, of which runs are ranges; what is subtracted stands after it. ``SUM`` passes blanks over."""

    def ranged(names: Sequence[str]) -> str:
        return f"SUM({','.join(_ranges(names))})"

    added, taken = ([name for name, weight in cells if weight == sign] for sign in (1, -1))
    return "=" + (ranged(added) if added else "0") + (f"-{ranged(taken)}" if taken else "")


def _ranges(names: Sequence[str]) -> list[str]:
    """Join neighbours in one row or column."""
    spans: list[list[tuple[int, int]]] = []
    for name in names:
        place = _place(name)
        if spans:
            (row, column), lead = spans[-1][-1], spans[-1][0]
            step = place[0] - row, place[1] - column
            if step in {(0, 1), (1, 0)} and (len(spans[-1]) == 1 or place[0] == lead[0] or place[1] == lead[1]):
                spans[-1].append(place)
                continue
        spans.append([place])
    return [a1(*span[0]) if len(span) == 1 else f"{a1(*span[0])}:{a1(*span[-1])}" for span in spans]


def _place(name: str) -> tuple[int, int]:
    letters = name.rstrip("0123456789")
    return int(name[len(letters) :]) - 1, column_index(letters)


def _told(book: Book, sheet: Any, row: int, verdict: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Write what does not hold, and the smallest correction."""
    evidence = verdict["evidence"]
    if evidence.get("broken"):
        for column, key in enumerate(("evidence.broken", "book.axis", "book.stated", "book.expected_value", "book.off")):
            book.put(sheet, row, column, word(key, book.language), "head")
        for item in evidence["broken"]:
            row += 1
            book.put(sheet, row, 0, str(item.get("relation") or ""))
            book.put(sheet, row, 1, word_or_name("axis", str(item.get("axis") or ""), book.language))
            for column, name in enumerate(("stated", "expected"), 2):
                book.put(sheet, row, column, None if item.get(name) is None else Decimal(item[name]))
            if item.get("difference") is not None and item.get("stated") is not None and item.get("expected") is not None:
                formula = f"={a1(row, 2)}-{a1(row, 3)}"
                book.put(sheet, row, 4, Formula(formula, Decimal(item["stated"]) - Decimal(item["expected"])), "missed")
        row += 2
    for item in evidence.get("faults") or []:
        cause = f" ({word_or_name('cause', str(item['cause']), book.language)})" if item.get("cause") else ""
        text = f"{word('evidence.faults', book.language)}: {changed_cells(str(item.get('sentence', '')), book.language)}{cause}"
        sheet.merge_range(row, 0, row, 6, "", book.look("warning"))
        book.put(sheet, row, 0, text, "warning")
        row += 1
