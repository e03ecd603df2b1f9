"""What an audit found: relations of a table with where they hold, and findings that name the cells which break them.

Convention: a cell is (table number, row, column) of the audit, rows and columns of its sheet counted from 0. A
difference is stated minus expected. Figures are exact decimals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tulosvahti.core.sheet import Notice
from tulosvahti.core.table import Table

Function = Literal["sum", "difference", "average", "share", "relative_change"]
Position = tuple[int, int]
"""Row and column of the sheet."""


@dataclass(frozen=True)
class AuditedRelation:
    """One relation: ``total`` is ``function`` of ``items``, in the order of the formula.

    ``pattern`` is shared by relations of the same positions in other lines. ``state`` ``incomplete``: a cell it needs
    is absent. ``percent``: the result is given in hundredths. ``label``: the name of its line.
    """

    id: str
    function: Function
    axis: Literal["row", "column"]
    total: Position
    items: tuple[Position, ...]
    weights: tuple[int, ...]
    state: Literal["holds", "broken", "incomplete"]
    stated: Decimal | None
    expected: Decimal | None
    difference: Decimal | None
    rounding: Literal["exact", "within", "beyond"] | None
    pattern: str
    percent: bool = False
    label: str = ""


@dataclass(frozen=True)
class Remedy:
    """Cells that together would mend a finding, and the value each would need."""

    cells: tuple[Position, ...]
    stated: tuple[Decimal | None, ...]
    implied: tuple[Decimal, ...]
    cause: str | None


@dataclass(frozen=True)
class AuditFinding:
    """Something that an auditor must look at.

    ``cells``: those that are wrong for certain; where the numbers cannot decide, it is empty and ``remedies`` holds
    every smallest answer, likeliest first (``suspects`` are all their cells). ``relations``: ids of the broken ones.
    ``because``: cells the cause speaks of (a row left out). ``explained``: a difference that is none of the table's
    faults (a note explains it, rounding): it is told, but breaks nothing. ``detail``: arguments of the cause's sentence.
    """

    cells: tuple[Position, ...]
    stated: tuple[Decimal | None, ...]
    implied: tuple[Decimal | None, ...]
    cause: str | None
    relations: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    because: tuple[Position, ...] = ()
    explained: bool = False
    cut: bool = False
    detail: tuple[str, ...] = ()

    @property
    def suspects(self) -> tuple[Position, ...]:
        """Every cell that some smallest answer would change, the certain ones first."""
        return tuple(dict.fromkeys((*self.cells, *(cell for remedy in self.remedies for cell in remedy.cells))))

    @property
    def explains(self) -> int:
        """How many broken relations this explains."""
        return len(self.relations)


@dataclass(frozen=True)
class AuditedTable:
    """One table with all that was found in it; relations in reading order of their totals.

    ``exact``: the figures' own sums show that they are not rounded. ``units``: what the last digit of the table's
    figures stands for, most frequent first. ``left_out``: what was not looked for, within the time allowed.
    """

    table: Table
    relations: tuple[AuditedRelation, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    notices: tuple[Notice, ...] = ()
    exact: bool = False
    units: tuple[Decimal, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[AuditedRelation, ...]:
        """Give the relations that do not hold, those that a note explains left out."""
        explained = {name for finding in self.findings if finding.explained for name in finding.relations}
        return tuple(r for r in self.relations if r.state == "broken" and r.id not in explained)


@dataclass(frozen=True)
class Tie:
    """The same figure in two places: ``one`` and ``other`` are (table number, row, column).

    ``kind``: ``same_total``, ``same_row`` (a line printed twice), ``row_sum`` (the other is what ``parts``, cells of its
    table, add up to). ``difference``: the other less the one. ``moved``: another line differs by as much the other way.
    """

    kind: Literal["same_total", "same_row", "row_sum"]
    label: str
    one: tuple[int, int, int]
    other: tuple[int, int, int]
    values: tuple[Decimal, Decimal]
    difference: Decimal
    state: Literal["agrees", "rounding", "differs", "moved", "unit"]
    parts: tuple[Position, ...] = ()


@dataclass(frozen=True)
class Audit:
    """A whole audit, tables in the order of the files."""

    tables: tuple[AuditedTable, ...]
    ties: tuple[Tie, ...] = field(default=())

    @property
    def needs_attention(self) -> bool:
        """Tell whether a relation is broken, or two places contradict each other."""
        return any(t.broken or any(not f.explained for f in t.findings) for t in self.tables) or any(
            tie.state == "differs" for tie in self.ties
        )
