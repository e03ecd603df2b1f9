"""The part of an audited table that matters: which rows and columns to show, and how many relations hold.

Convention: rows and columns are those of the sheet, counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.quantity import plain_decimal
from tulosvahti.emit.audit_cells import column_label, figure_text, marks, short
from tulosvahti.emit.words import number, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tulosvahti.core.audited import AuditedTable, Position
    from tulosvahti.core.table import Table

LEAST_UNIT = Decimal("0.000001")
"""A smaller unit is what a spreadsheet stores, not what figures are rounded to."""
NEAR, FAR = 3, 5
"""Ranks of lines: those up to near are shown of a long table."""


@dataclass(frozen=True)
class Counts:
    """How many relations there are, and what became of them; ``explained``: broken, with an explanation."""

    relations: int = 0
    exact: int = 0
    within: int = 0
    broken: int = 0
    explained: int = 0
    unjudged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[int, ...]:
        """Give the numbers in order."""
        return self.relations, self.exact, self.within, self.broken, self.explained, self.unjudged

    def said(self, language: str) -> list[tuple[str, str, str, str]]:
        """Give kind, sign, number and word of what there is."""
        kinds = [
            ("right", "✓", self.exact, "exact"),
            ("right", "≈", self.within, "within"),
            ("wrong", "✗", self.broken, "fails"),
            ("remark", "*", self.explained, "accounted"),
            ("doubt", "?", self.unjudged, "unjudged"),
        ]
        there = (item for item in kinds if item[2])
        return [
            (k, sign, number(Decimal(count), language), word(f"audit.{key}", language)) for k, sign, count, key in there
        ]

    def facts(self, language: str) -> list[tuple[str, str]]:
        """Give kind and text of what there is: ``✓ 42 täsmää``."""
        return [(kind, f"{sign} {count} {text}") for kind, sign, count, text in self.said(language)]


def counts(audited: AuditedTable) -> Counts:
    """Count a table's relations."""
    excused = {name for f in audited.findings if f.explained for name in f.relations}
    broken = [r for r in audited.relations if r.state == "broken"]
    holds = [r for r in audited.relations if r.state == "holds"]
    explained = sum(r.id in excused for r in broken)
    exact = sum(r.rounding == "exact" for r in holds)
    total = len(audited.relations)
    return Counts(
        total, exact, len(holds) - exact, len(broken) - explained, explained, total - len(holds) - len(broken)
    )


def has_something(audited: AuditedTable) -> bool:
    """Tell whether there is something to say of a table beyond that it holds."""
    return bool(audited.findings or audited.broken)


def unit_text(audited: AuditedTable, language: str) -> str:
    """Say what the figures are rounded to, as their sums and digits show it."""
    if audited.exact:
        return word("audit.unit.exact", language)
    units = [number(plain_decimal(unit), language) for unit in audited.units if unit >= LEAST_UNIT][:2]
    if not units:
        return ""
    return word("audit.unit.rounded", language, unit=" / ".join(units))


def number_columns(audited: AuditedTable) -> list[int]:
    """Give the columns that hold figures, or a marked cell."""
    return sorted({c for _, c in (*audited.table.numbers, *marks(audited))})


def body_rows(audited: AuditedTable, notes: int = 0) -> list[int]:
    """Give the rows below the header that hold something, to the last that holds figures or a marked cell.

    ``notes``: rows after it that are looked at too.
    """
    table = audited.table
    numbered = {r for r, _ in (*table.numbers, *marks(audited))}
    rows = range(table.body, min(max(numbered, default=-1) + 1 + notes, table.height))
    return [r for r in rows if r in numbered or any(not c.blank for c in table.sheet.rows[r])]


def ranked(audited: AuditedTable, axis: int) -> dict[int, int]:
    """Rank the rows (axis 0) or columns (1) that matter: 0 the marked ones, then what they are computed with."""
    ranks: dict[int, int] = {}

    def add(lines: Iterable[int], rank: int) -> None:
        for line in lines:
            ranks[line] = min(rank, ranks.get(line, FAR))

    found = marks(audited)
    add((p[axis] for p, (mark, _) in found.items() if mark == "wrong"), 0)
    add((p[axis] for p, (mark, _) in found.items() if mark != "wrong"), 1)
    wanted = {name for f in audited.findings for name in f.relations} | {r.id for r in audited.broken}
    concerned = [r for r in audited.relations if r.id in wanted]
    add((r.total[axis] for r in concerned), 1)
    add((p[axis] for f in audited.findings for p in f.because), 2)
    for line in [line for line, rank in ranks.items() if rank <= 1]:
        add((line - 1, line + 1), 3)
    add((p[axis] for r in concerned for p in r.items), 4)
    return ranks


def shown_rows(audited: AuditedTable, most: int) -> list[int]:
    """Choose the rows to show: all where they are few, else the ones that matter, at most so many.

    A header in the middle comes with the rows below it.
    """
    table = audited.table
    rows = body_rows(audited)
    ranks = ranked(audited, 0)
    for row in list(ranks):
        above = [header for header in table.headers if header < row]
        if above and ranks[row] <= 1:
            ranks[above[-1]] = min(2, ranks.get(above[-1], FAR))
    if len(rows) <= most:
        return rows
    near = [row for row in rows if ranks.get(row, FAR) <= NEAR] or rows
    return sorted(sorted(near, key=lambda row: (ranks.get(row, FAR), row))[:most])


def with_gaps(lines: Sequence[int], everything: Sequence[int]) -> list[int | None]:
    """Put None where lines of ``everything`` are left out."""
    place = {line: k for k, line in enumerate(everything)}
    result: list[int | None] = []
    if lines and place[lines[0]]:
        result.append(None)
    for before, after in pairwise([*lines, None]):
        result.append(before)
        if after is not None and before is not None and place[after] - place[before] > 1:
            result.append(None)
    if lines and place[lines[-1]] < len(everything) - 1:
        result.append(None)
    return result


def heading(table: Table, rows: Sequence[int], column: int, most: int) -> str:
    """Give a column's heading for the rows shown: the one they share, else that of the first header."""
    above = {max((h for h in table.headers if h < row), default=None) for row in rows}
    row = rows[0] if len(above) == 1 and rows else table.body
    return column_label(table, (row, column), most)


def cell_shown(table: Table, position: Position, language: str, most: int = 24) -> str:
    """Give what a table shows in a cell: its figure in the reader's form, else its text."""
    found = table.numbers.get(position)
    if found is not None:
        return figure_text(table, position, found.value, language)
    return short(table.sheet.at(*position).text, most)
