"""What of an audited table a ``crossfoot`` rule can guard: found, and tried on the table as the rule would judge it.

Convention: rows and columns are the sheet's, counted from 0. A rule is proposed only if everything that it would assert
holds in the table, save what the audit found broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.crossfoot import judge
from tulosvahti.core.grid import exact_if_evident, grid_relations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.core.audited import AuditedRelation, AuditedTable
    from tulosvahti.core.table import Table

SUMS = frozenset({"sum", "difference"})
MOST_PATTERNS = 4
"""Patterns of row sums that are tried as the rule's one."""


@dataclass(frozen=True)
class Guard:
    """A rule's content: column of labels, items with weights, totals, subtotals; ``covered``: ids of relations."""

    label: int
    rows: tuple[int, ...]
    items: Mapping[int, int]
    total_column: int | None = None
    total_row: int | None = None
    subtotals: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    unit: Decimal | None = None
    covered: frozenset[str] = frozenset()


def find_guard(audited: AuditedTable) -> Guard | None:
    """Give the rule that guards most of the table's relations; None where none can be guarded."""
    label = label_column(audited.table)
    rows = tuple(sorted({r for r, _ in audited.table.numbers}))
    if label is None or not rows:
        return None
    best: Guard | None = None
    for total, items in [*_row_patterns(audited), (None, {})]:
        for guard in _guards(audited, label, rows, total, items):
            if guard.covered and (best is None or len(guard.covered) > len(best.covered)):
                best = guard
    return best


def label_column(table: Table) -> int | None:
    """Give the column that names rows best: the one with the most different texts, the first of equals."""
    rows = {r for r, _ in table.numbers}
    found: list[tuple[int, int]] = []
    for column in range(table.width):
        texts = {_folded(table, r, column) for r in rows if (r, column) not in table.numbers} - {""}
        if len(texts) * 2 >= len(rows):
            found.append((-len(texts), column))
    return min(found)[1] if found else None


def label_of(table: Table, row: int, column: int) -> str:
    """Give a row's label as it stands in the file."""
    return " ".join(table.sheet.at(row, column).text.split())


def _folded(table: Table, row: int, column: int) -> str:
    return label_of(table, row, column).casefold()


def _patterns(audited: AuditedTable, axis: str) -> Iterator[tuple[int, dict[int, int], list[AuditedRelation]]]:
    """Give each pattern's total, its items with weights, and its relations, the most frequent first."""
    groups: dict[tuple[str, int], list[AuditedRelation]] = defaultdict(list)
    place = 1 if axis == "row" else 0
    for relation in audited.relations:
        if relation.axis == axis and relation.function in SUMS:
            groups[relation.pattern, relation.total[place]].append(relation)
    for (_, total), relations in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0][1])):
        items: dict[int, int] = {}
        for relation in relations:
            items |= {p[place]: w for p, w in zip(relation.items, relation.weights, strict=True)}
        yield total, dict(sorted(items.items())), relations


def _row_patterns(audited: AuditedTable) -> list[tuple[int | None, dict[int, int]]]:
    found: list[tuple[int | None, dict[int, int]]] = [
        (total, items)
        for total, items, _ in _patterns(audited, "row")
        if total not in items and set(items.values()) <= {1, -1}
    ]
    return found[:MOST_PATTERNS]


def _guards(
    audited: AuditedTable, label: int, rows: tuple[int, ...], total: int | None, items: dict[int, int]
) -> Iterator[Guard]:
    """Give the rules that hold with this total column: with the subtotals found, and without any."""
    families = _families(audited, label, set(items) | ({total} if total is not None else set()))
    if total is None:
        columns = {c for _, _, there in families.values() for c in there}
        items = dict.fromkeys(sorted(columns), 1)
    if not items:
        return
    chosen = _nested(families)
    # Figures of several units are judged each by its own last digit.
    last_digit: list[Decimal | None] = [None]
    units = [Decimal(0)] if audited.exact else [*audited.units, None] if len(audited.units) == 1 else last_digit
    for subtotals in (chosen, {}) if chosen else (chosen,):
        for total_row in (*_top_rows(families, subtotals, rows), None):
            below = {row: kids for row, kids in subtotals.items() if row != total_row}
            for unit in units:
                guard = Guard(label, rows, items, total, total_row, below, unit)
                covered = _tried(audited, guard)
                if covered:
                    yield Guard(label, rows, items, total, total_row, below, unit, covered)
                    break


def _families(
    audited: AuditedTable, label: int, columns: set[int]
) -> dict[int, tuple[int, tuple[int, ...], frozenset[int]]]:
    """Give rows that are sums of other rows: support, items, columns; only rows whose labels name them alone."""
    table = audited.table
    names = Counter(_folded(table, r, label) for r in {r for r, _ in table.numbers})
    named = {r for r, _ in table.numbers if _folded(table, r, label) and names[_folded(table, r, label)] == 1}
    found: dict[int, tuple[int, tuple[int, ...], frozenset[int]]] = {}
    for total, items, relations in _patterns(audited, "column"):
        there = frozenset(relation.total[1] for relation in relations)
        support = len(there & columns) if columns else len(there)
        if total in items or set(items.values()) != {1} or not support or not {total, *items} <= named:
            continue
        if total not in found or found[total][0] < support:
            found[total] = support, tuple(items), there
    return found


def _nested(families: Mapping[int, tuple[int, tuple[int, ...], frozenset[int]]]) -> dict[int, tuple[int, ...]]:
    """Choose subtotals in which no row is counted in two of them, the smallest first."""
    parents: dict[int, int] = {}
    chosen: dict[int, tuple[int, ...]] = {}
    for total, (_, items, _) in sorted(families.items(), key=lambda item: (len(item[1][1]), item[0])):
        if not any(item in parents for item in items) and not _leads_to(total, set(items), parents):
            chosen[total] = items
            parents |= dict.fromkeys(items, total)
    return dict(sorted(chosen.items()))


def _leads_to(row: int, wanted: set[int], parents: Mapping[int, int]) -> bool:
    seen: set[int] = set()
    while row in parents and row not in seen:
        seen.add(row)
        row = parents[row]
        if row in wanted:
            return True
    return False


def _top_rows(
    families: Mapping[int, tuple[int, tuple[int, ...], frozenset[int]]],
    subtotals: Mapping[int, tuple[int, ...]],
    rows: Sequence[int],
) -> list[int]:
    """Give total rows to try: those that add up what is in no subtotal, and the last that no subtotal explains."""
    likely = []
    for total, (_, items, _) in families.items():
        below = {kid for parent, kids in subtotals.items() if parent != total for kid in kids}
        if set(items) == set(rows) - below - {total}:
            likely.append(total)
    return [
        *likely,
        *sorted((total for total in families if total not in likely and total not in subtotals), reverse=True),
    ][:3]


def _tried(audited: AuditedTable, guard: Guard) -> frozenset[str]:
    """Judge the table as the rule would; give the relations that it guards, none where it would say what is not so."""
    table = audited.table
    columns = sorted({*guard.items, *([] if guard.total_column is None else [guard.total_column])})
    numbers = {row: k for k, row in enumerate(guard.rows)}
    grid = grid_relations(
        [label_of(table, row, guard.label) for row in guard.rows],
        [str(c) for c in columns],
        [[n.value if (n := table.numbers.get((row, c))) else None for c in columns] for row in guard.rows],
        items={str(c): weight for c, weight in guard.items.items()},
        total_column=None if guard.total_column is None else str(guard.total_column),
        total_row=() if guard.total_row is None else numbers[guard.total_row],
        subtotals=[(numbers[row], [numbers[kid] for kid in kids]) for row, kids in guard.subtotals.items()],
        unit=guard.unit,
    )
    if grid.structure:
        return frozenset()
    if guard.unit is None:
        grid = exact_if_evident(grid)
    by_total: dict[tuple[str, tuple[int, int]], list[AuditedRelation]] = defaultdict(list)
    for relation in audited.relations:
        if relation.function in SUMS:
            by_total[relation.axis, relation.total].append(relation)
    covered: set[str] = set()
    for result in judge(grid.figures, grid.relations):
        row, _, column = result.relation.total.removeprefix("r").partition("c")
        at = guard.rows[int(row) - 1], columns[int(column) - 1]
        known = by_total[result.relation.axis, at]
        if result.state != "holds" and not any(relation.state == result.state for relation in known):
            return frozenset()
        covered |= {relation.id for relation in known if _same(relation, result.relation.items, guard, columns)}
    return frozenset(covered)


def _same(relation: AuditedRelation, items: Sequence[tuple[str, int]], guard: Guard, columns: Sequence[int]) -> bool:
    """Tell whether the rule's relation says what the audit's does: the same items, or the subtotals they make."""
    asserted = set()
    for name, weight in items:
        row, _, column = name.removeprefix("r").partition("c")
        asserted.add(((guard.rows[int(row) - 1], columns[int(column) - 1]), weight))
    stated = set(zip(relation.items, relation.weights, strict=True))
    if relation.axis == "row":
        return stated <= asserted
    return stated <= asserted or relation.state == "holds"
