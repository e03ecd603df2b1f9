"""Tables in long form: one figure a row, and words that say what it is of. Totals stand among the rows.

The rows are grouped by all their words but one column's; within each group that column's words are positions, and sums
among them are searched as in any table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.audit.labelled import labelled_totals
from tulosvahti.core.discovery.lines import Numbers
from tulosvahti.core.discovery.sums import find_sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.core.audited import Position
    from tulosvahti.core.discovery.pattern import Pattern
    from tulosvahti.core.table import Table

MOST_VALUES = 2
MOST_WORDS = 60
MOST_GROUPS = 5000
MOSTLY = 0.6


@dataclass(frozen=True)
class Grouped:
    """A long table seen by one of its columns: ``cells`` by group and word; ``words`` in the order they appear."""

    column: int
    value: int
    words: tuple[str, ...]
    groups: tuple[str, ...]
    cells: Mapping[tuple[int, int], Position]


def groupings(table: Table) -> Iterator[Grouped]:
    """Give the ways in which a table is long; none for a table of another form."""
    rows = [r for r in range(table.body, table.height) if any((r, c) in table.numbers for c in range(table.width))]
    keys, values = _columns(table, rows)
    if not 1 <= len(values) <= MOST_VALUES or len(keys) < 2 or len(rows) < 3:
        return
    texts = {(r, c): table.sheet.at(r, c).text.strip() for r in rows for c in keys}
    for column in keys:
        words = tuple(dict.fromkeys(texts[r, column] for r in rows if texts[r, column]))
        if not 2 <= len(words) <= MOST_WORDS or (len(words) == len(rows) and len(keys) > 2):
            continue
        others = [c for c in keys if c != column]
        names = tuple(dict.fromkeys(" / ".join(texts[r, c] for c in others) for r in rows))
        if len(names) >= len(rows) or len(names) > MOST_GROUPS:
            continue
        for value in values:
            cells: dict[tuple[int, int], Position] = {}
            repeated = False
            place_of, name_of = {w: k for k, w in enumerate(words)}, {n: k for k, n in enumerate(names)}
            for r in rows:
                name = name_of[" / ".join(texts[r, c] for c in others)]
                key = name, place_of.get(texts[r, column], -1)
                repeated = repeated or key in cells
                if key[1] >= 0 and (r, value) in table.numbers:
                    cells[key] = (r, value)
            if not repeated and cells:
                yield Grouped(column, value, words, names, cells)


def _columns(table: Table, rows: Sequence[int]) -> tuple[list[int], list[int]]:
    """Tell columns of words (codes and years too) from columns of figures, by how often they repeat."""
    keys: list[int] = []
    values: list[int] = []
    for c in range(table.width):
        texts = [table.sheet.at(r, c).text.strip() for r in rows]
        filled = [t for t in texts if t]
        if not filled:
            continue
        figures = sum((r, c) in table.numbers for r in rows)
        repeats = len(set(filled)) <= 0.8 * len(filled)
        whole = all(table.numbers[r, c].value == int(table.numbers[r, c].value) for r in rows if (r, c) in table.numbers)
        if 2 * figures < len(rows) or (whole and repeats and not values and c < table.width - 1):
            keys.append(c)
        else:
            values.append(c)
    return keys, values


def long_sums(table: Table) -> Iterator[tuple[Pattern, Grouped, tuple[int, ...]]]:
    """Give sums among a long table's rows: the pattern over words, the grouping, the groups in which it stands."""
    seen: set[tuple[Position, ...]] = set()
    for grouped in groupings(table):
        if len(grouped.words) < 3:
            continue
        numbers = _numbers(table, grouped)
        lines = numbers.along("row", grouped.words)
        sums = find_sums(lines)
        known = [(p, ()) for p in sums] + [(found.pattern, found.broken) for found in labelled_totals(lines, sums, grouped.groups)]
        for pattern, broken in known:
            groups = tuple(sorted({*pattern.holds, *pattern.idle, *broken}))
            first = tuple(sorted(grouped.cells[g, pattern.total] for g in groups if (g, pattern.total) in grouped.cells))
            if first and first not in seen:
                seen.add(first)
                yield pattern, grouped, groups


def _numbers(table: Table, grouped: Grouped) -> Numbers:
    shape = range(len(grouped.groups)), range(len(grouped.words))
    found = [[table.numbers.get(grouped.cells.get((g, w), (-1, -1))) for w in shape[1]] for g in shape[0]]
    return Numbers.of(
        [[None if n is None else (n.value, n.unit) for n in row] for row in found],
        [[n is not None and n.percent for n in row] for row in found],
        [[n is not None for n in row] for row in found],
    )



def is_long(table: Table) -> bool:
    """Tell whether most rows of a table belong to groups of two or more: its columns are no sums as a whole."""
    rows = sum(any((r, c) in table.numbers for c in range(table.width)) for r in range(table.body, table.height))
    for grouped in groupings(table):
        sizes: dict[int, int] = {}
        for group, _ in grouped.cells:
            sizes[group] = sizes.get(group, 0) + 1
        if len(sizes) > 1 and sum(size for size in sizes.values() if size > 1) >= MOSTLY * rows:
            return True
    return False
