"""A change of unit between years: one year's column in thousands beside another's in ones. A remark, as no sum breaks."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from tulosvahti.core.audited import AuditFinding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.core.table import Table

YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
POWERS = (3, 6)
"""Units differ by a thousand or a million: ten and a hundred are also how figures grow."""
LEAST_ROWS = 4
LEAST_SHARE = 0.9
NEAR = 0.35
FAR = 0.8
"""In powers of ten, how near the usual row, and nearly every row, must come to the power."""


def unit_changes(table: Table) -> Iterator[AuditFinding]:
    """Give the columns of a year whose figures are a thousand or a million times those of the year beside."""
    years = [c for c in range(table.width) if YEAR.search(table.column_labels[c])]
    for before, column in pairwise(years):
        rows = [
            r
            for r in range(table.body, table.height)
            if all((n := table.numbers.get((r, c))) is not None and n.value and not n.percent for c in (before, column))
        ]
        powers = [_power(table, r, before, column) for r in rows]
        if len(powers) < LEAST_ROWS:
            continue
        usual = round(median(powers))
        near = sum(abs(p - usual) <= FAR for p in powers) >= LEAST_SHARE * len(powers)
        if abs(usual) in POWERS and abs(median(powers) - usual) <= NEAR and near:
            factor = f"{10 ** abs(usual)}" if usual > 0 else f"1/{10 ** abs(usual)}"
            cells = tuple((r, column) for r in rows)
            yield AuditFinding((), (), (), "unit_change", because=cells, explained=True, detail=(factor,))


def _power(table: Table, row: int, before: int, column: int) -> float:
    return math.log10(abs(table.numbers[row, column].value / table.numbers[row, before].value))
