"""Ties: the same figures in two places, which must agree.

Within a table, two lines that say the same in nearly all their places; between tables, lines of the same name under
columns of the same name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.audit.labelled import is_total
from tulosvahti.audit.long_form import groupings
from tulosvahti.core.audited import Tie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tulosvahti.core.audited import AuditedTable
    from tulosvahti.core.table import Table

LEAST_DIGITS = 3
"""A figure of fewer digits agrees with others by chance."""
LEAST_AGREEING = 2
SCALE = Decimal(1000)
NEARLY = Decimal("0.001")
ROUNDED = 3
"""Units by which two totals of rounded figures may differ."""
LARGEST_PLACES = 60
"""A name that stands in more places than this names nothing."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def find_ties(tables: Sequence[AuditedTable]) -> tuple[Tie, ...]:
    """Give what stands twice and does not agree, and the totals that do."""
    ties: list[Tie] = []
    for number, audited in enumerate(tables):
        ties += _same_lines(number, audited.table)
        ties += _same_words(number, audited.table)
    ties += _across([audited.table for audited in tables])
    return tuple(ties)


def _same_lines(number: int, table: Table) -> Iterator[Tie]:
    """Give rows of a table that are equal in all their figures but few: two totals of the same thing."""
    rows: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for (r, c), figure in table.numbers.items():
        rows[r][c] = figure.value
    totals = [r for r in sorted(rows) if is_total(table.row_label(r)) and len(rows[r]) >= LEAST_AGREEING + 1 and _long(rows[r].values())]
    by_cell: dict[tuple[int, Decimal], list[int]] = defaultdict(list)
    for r in totals:
        for c, value in rows[r].items():
            by_cell[c, value].append(r)
    agreeing: dict[tuple[int, int], int] = defaultdict(int)
    for (_, value), there in by_cell.items():
        if len(there) <= 3 and _digits(value) >= LEAST_DIGITS:
            for i, one in enumerate(there):
                for other in there[i + 1 :]:
                    agreeing[one, other] += 1
    for (one, other), count in sorted(agreeing.items()):
        shared = sorted(rows[one].keys() & rows[other].keys())
        apart = [c for c in shared if rows[one][c] != rows[other][c]]
        if count < LEAST_AGREEING or not apart or len(apart) * 3 > len(shared):
            continue
        for c in apart:
            values = rows[one][c], rows[other][c]
            yield _tie("same_row", table.row_label(one), (number, one, c), (number, other, c), values, _unit(table, one, c))


def _same_words(number: int, table: Table) -> Iterator[Tie]:
    """Give pairs of a long table whose two words ("by head", "by kind") say the same of every group, or nearly."""
    for grouped in groupings(table):
        if len(grouped.words) != 2:
            continue
        pairs = [(grouped.cells[g, 0], grouped.cells[g, 1]) for g in range(len(grouped.groups)) if (g, 0) in grouped.cells and (g, 1) in grouped.cells]
        values = [(table.numbers[one].value, table.numbers[other].value) for one, other in pairs]
        if len(pairs) < LEAST_AGREEING or not all(_nearly(*value) for value in values):
            continue
        for (one, other), value in zip(pairs, values, strict=True):
            yield _tie("same_total", table.row_label(one[0]), (number, *one), (number, *other), value, _unit(table, *one))
        return


def _nearly(one: Decimal, other: Decimal) -> bool:
    """Tell whether two figures are the same but for rounding, a slip, or a unit of a thousand."""
    return any(abs(one * a - other * b) <= NEARLY * max(abs(one * a), abs(other * b)) for a, b in ((1, 1), (SCALE, 1), (1, SCALE)))


def _long(values: Iterable[Decimal]) -> bool:
    return sum(_digits(value) >= LEAST_DIGITS for value in values) >= LEAST_AGREEING


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


def _unit(table: Table, row: int, column: int) -> Decimal:
    return table.numbers[row, column].unit


def _across(tables: Sequence[Table]) -> Iterator[Tie]:
    """Give figures with the same line's and the same column's name in two tables."""
    places: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for number, table in enumerate(tables):
        names = [_folded(table.row_label(r)) for r in range(table.height)]
        for r, c in sorted(table.numbers):
            column = _column_key(table, r, c)
            if names[r] and column and names.count(names[r]) == 1:
                places[names[r], column].append((number, r, c))
    pairs: dict[tuple[int, int], list[tuple[str, tuple[int, int, int], tuple[int, int, int]]]] = defaultdict(list)
    for (name, _), there in places.items():
        if not 2 <= len(there) <= LARGEST_PLACES:
            continue
        for one, other in pairwise(there):
            if one[0] != other[0]:
                pairs[one[0], other[0]].append((name, one, other))
    for found in pairs.values():
        yield from _compared(tables, found)


def _compared(
    tables: Sequence[Table], found: Sequence[tuple[str, tuple[int, int, int], tuple[int, int, int]]]
) -> Iterator[Tie]:
    """Compare two tables only where they clearly say the same: most of their common figures agree."""
    ties = []
    for name, one, other in found:
        values = tables[one[0]].numbers[one[1:]].value, tables[other[0]].numbers[other[1:]].value
        unit = max(_unit(tables[one[0]], *one[1:]), _unit(tables[other[0]], *other[1:]))
        ties.append(_tie("same_total", name, one, other, values, unit))
    agreeing = sum(tie.state in {"agrees", "rounding", "unit"} and _digits(tie.values[0]) >= LEAST_DIGITS for tie in ties)
    if agreeing >= LEAST_AGREEING and 2 * agreeing >= len(ties):
        yield from ties


def _tie(  # noqa: PLR0913 (both sides of a tie)
    kind: str,
    label: str,
    one: tuple[int, int, int],
    other: tuple[int, int, int],
    values: tuple[Decimal, Decimal],
    unit: Decimal,
) -> Tie:
    difference = values[1] - values[0]
    if not difference:
        state = "agrees"
    elif abs(difference) <= ROUNDED * unit:
        state = "rounding"
    elif values[0] and values[1] and _in_thousands(values, unit):
        state = "unit"
    else:
        state = "differs"
    return Tie(kind, label, one, other, values, difference, state)  # type: ignore[arg-type]


def _in_thousands(values: tuple[Decimal, Decimal], unit: Decimal) -> bool:
    small, large = sorted(values, key=abs)
    return abs(large - small * SCALE) <= ROUNDED * SCALE * unit


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def _column_key(table: Table, row: int, column: int) -> str:
    """Name a column by its year where it has one, else by its words."""
    label = table.column_label(row, column)
    year = _YEAR.search(label)
    return year[0] if year and len(label) <= 6 else _folded(label)
