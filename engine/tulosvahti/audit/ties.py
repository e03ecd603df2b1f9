"""Ties: the same figures in two places, which must agree.

Within a table, two lines that say the same in nearly all their places; between tables, lines of the same name under
columns of the same name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
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
CLOSE = Decimal("0.05")
"""How far a sum of parts may be off, as a share of its total, and still be of the same thing."""
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
    ties += _row_sums([audited.table for audited in tables])
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


def _row_sums(tables: Sequence[Table]) -> Iterator[Tie]:
    """Compare a total of one table with the sum of the parts that another gives for the same line."""
    for number, table in enumerate(tables):
        totals = [c for c in range(table.width) if is_total(table.column_labels[c])]
        for column in totals if len(totals) == 1 else ():
            wanted = {_folded(table.row_label(r)): r for r in range(table.height) if (r, column) in table.numbers}
            for other, parts in enumerate(tables):
                if other != number and not any(is_total(label) for label in parts.column_labels):
                    yield from _agreeing(_row_sum(tables, (number, r, column), other, name) for name, r in wanted.items() if name)


def _row_sum(tables: Sequence[Table], total: tuple[int, int, int], other: int, name: str) -> Tie | None:
    table = tables[other]
    lines = [r for r in range(table.height) if _folded(table.row_label(r)) == name]
    cells = [(r, c) for r in lines[:1] for c in range(table.width) if (r, c) in table.numbers]
    if len(lines) != 1 or len(cells) < 2:
        return None
    stated = tables[total[0]].numbers[total[1:]]
    numbers = [table.numbers[cell] for cell in cells]
    values = stated.value, sum((n.value for n in numbers), Decimal(0))
    difference = values[1] - values[0]
    slack = (stated.unit + sum((n.unit for n in numbers), Decimal(0))) / 2
    state = "agrees" if not difference else "rounding" if abs(difference) <= slack else "differs"
    label = table.row_label(lines[0])
    return Tie("row_sum", label, total, (other, *cells[0]), values, difference, state, tuple(cells))  # type: ignore[arg-type]


def _agreeing(found: Iterable[Tie | None]) -> Sequence[Tie]:
    """Give sums that all come near their totals, one of them within rounding: then they are of the same thing."""
    ties = [tie for tie in found if tie is not None]
    near = all(abs(tie.difference) <= CLOSE * abs(tie.values[0]) for tie in ties)
    sure = any(tie.state != "differs" and _digits(tie.values[0]) > LEAST_DIGITS for tie in ties)
    return ties if len(ties) >= LEAST_AGREEING and near and sure else []


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
        yield from _moved(tables, ties)


def _moved(tables: Sequence[Table], ties: Sequence[Tie]) -> Iterator[Tie]:
    """Tell two lines of a column that differ by the same amount either way: it was moved between them."""
    differing: dict[int, list[Tie]] = defaultdict(list)
    for tie in ties:
        if tie.state == "differs":
            differing[tie.one[2]].append(tie)
    pairs = [pair for pair in differing.values() if len(pair) == 2]
    moved = {id(tie) for one, other in pairs if _opposite(tables, one, other) for tie in (one, other)}
    for tie in ties:
        yield replace(tie, state="moved") if id(tie) in moved else tie


def _opposite(tables: Sequence[Table], one: Tie, other: Tie) -> bool:
    unit = max(_unit(tables[place[0]], *place[1:]) for tie in (one, other) for place in (tie.one, tie.other))
    return abs(one.difference + other.difference) <= 2 * unit


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
