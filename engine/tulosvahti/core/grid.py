"""Relations of a table: row and column sums, subtotals, grand total from both sides.

Convention: rows and columns count from 0 in arguments and from 1 in figure ids, so
``cells[2][4]`` is the figure ``r3c5``. A cell that is None is absent. What cannot be
related (a total row that is not there, a parent without children) is returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.crossfoot import (
    Figure,
    Relation,
    RelationResult,
    StructureFault,
    judge,
)
from tulosvahti.core.quantity import last_digit_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

RowRef = str | int
"""A row by its label, or by its number counted from 0 where labels repeat."""
EVIDENCE = 10**6
"""How much likelier exact figures must be than rounded ones to be taken for exact."""
EVIDENCE_LOST = 100
"""By how much every relation that is off weakens that."""


@dataclass(frozen=True)
class Grid:
    """Figures and relations of one table, in reading order.

    ``structure`` codes: ``no_row``, ``several_rows`` (a label that names none or many),
    ``no_column``, ``no_items``, ``repeated_parent``, ``repeated_child``, ``cycle``,
    ``ragged`` (a row with too many or too few cells).
    """

    figures: Mapping[str, Figure]
    relations: tuple[Relation, ...]
    structure: tuple[StructureFault, ...] = ()
    exact_by_evidence: bool = False


def figure_id(row: int, column: int) -> str:
    """Name a cell; ``row`` and ``column`` count from 0, the id from 1."""
    return f"r{row + 1}c{column + 1}"


def grid_relations(  # noqa: PLR0913 - one table has this many things to declare
    labels: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Decimal | None]],
    *,
    items: Mapping[str, int] | None = None,
    total_column: str | None = None,
    total_row: RowRef | Sequence[RowRef] = (),
    row_weights: Mapping[RowRef, int] | None = None,
    subtotals: Iterable[tuple[RowRef, Sequence[RowRef]]]
    | Mapping[RowRef, Sequence[RowRef]] = (),
    unit: Decimal | Mapping[str, Decimal] | None = None,
    place: Callable[[int, int], str] | None = None,
) -> Grid:
    """Turn a table into figures and relations.

    Shapes: ``labels`` one a row, ``columns`` one a column, ``cells`` rows of columns.
    ``items``: the columns that are added, with weight 1 or -1 (default: all but
    ``total_column``, weight 1). ``row_weights``: weights of rows inside totals and
    subtotals where not 1. ``subtotals``: parent row to child rows; a total row then
    adds only rows that are nobody's child. ``unit``: one for all, or by column; None is
    each figure's last printed digit; 0 is exact. ``place(row, column)`` fills
    ``Figure.place``.
    """
    table = _Table(labels, columns, cells)
    weights = {c: 1 for c in columns if c != total_column} if items is None else items
    added = table.columns_of(weights)
    total = None if total_column is None else table.column(total_column)
    totals = table.rows(
        [total_row] if isinstance(total_row, str | int) else total_row, "total_row"
    )
    by_row = {
        row: weight
        for ref, weight in (row_weights or {}).items()
        for row in table.rows([ref], "row_weights")
    }
    families = table.families(subtotals)
    relations: list[Relation] = []
    if total is not None:
        relations += table.row_sums(added, total)
    summed = [*added, *([] if total is None else [total])]
    for parent, children in families.items():
        relations += table.column_sums(parent, children, summed, by_row, "subtotal")
    below = {child for children in families.values() for child in children}
    for row in totals:
        top = [r for r in range(len(cells)) if r not in below and r not in totals]
        relations += table.column_sums(row, top, summed, by_row, "sum")
    return Grid(table.figures(unit, place), tuple(relations), tuple(table.structure))


class _Table:
    """The table while its relations are made; collects what cannot be related."""

    def __init__(
        self,
        labels: Sequence[str],
        columns: Sequence[str],
        cells: Sequence[Sequence[Decimal | None]],
    ) -> None:
        self.labels, self.columns, self.cells = labels, columns, cells
        self.structure: list[StructureFault] = []
        for row, values in enumerate(cells):
            if len(values) != len(columns):
                self._report("ragged", f"row:r{row + 1}", self._label(row))

    def _report(self, code: str, relation: str, *names: str) -> None:
        self.structure.append(StructureFault(code, relation, names))

    def _label(self, row: int) -> str:
        return self.labels[row] if row < len(self.labels) else ""

    def column(self, name: str) -> int | None:
        if name in self.columns:
            return self.columns.index(name)
        self._report("no_column", "table", name)
        return None

    def columns_of(self, weights: Mapping[str, int]) -> dict[int, int]:
        """Give column number to weight, in the order of the table."""
        for name in weights:
            self.column(name)
        return {
            number: weights[name]
            for number, name in enumerate(self.columns)
            if name in weights
        }

    def rows(self, refs: Iterable[RowRef], relation: str) -> list[int]:
        """Find each referred row; a label must name exactly one."""
        folded = [_folded(label) for label in self.labels]
        result = []
        for ref in refs:
            if isinstance(ref, int):
                found = [ref] if 0 <= ref < len(self.cells) else []
            else:
                found = [k for k, label in enumerate(folded) if label == _folded(ref)]
            if len(found) == 1:
                result += found
            else:
                self._report("several_rows" if found else "no_row", relation, str(ref))
        return list(dict.fromkeys(result))

    def families(
        self,
        subtotals: Iterable[tuple[RowRef, Sequence[RowRef]]]
        | Mapping[RowRef, Sequence[RowRef]],
    ) -> dict[int, list[int]]:
        """Read parents and children; wrong declarations are reported, left out."""
        pairs = subtotals.items() if isinstance(subtotals, Mapping) else subtotals
        result: dict[int, list[int]] = {}
        parent_of: dict[int, int] = {}
        for ref, names in pairs:
            found = self.rows([ref], "subtotal")
            if not found:
                continue
            parent, relation = found[0], f"subtotal:r{found[0] + 1}"
            children = self.rows(names, relation)
            if parent in result:
                self._report("repeated_parent", relation, self._label(parent))
                continue
            if not children:
                self._report("no_items", relation, self._label(parent))
                continue
            if parent in children or _descends(parent, children, result):
                self._report("cycle", relation, self._label(parent))
                continue
            result[parent] = children
            for child in children:
                if child in parent_of:
                    self._report("repeated_child", relation, self._label(child))
                parent_of[child] = parent
        return result

    def row_sums(self, added: Mapping[int, int], total: int) -> Iterable[Relation]:
        """Relate the total column to the item columns, in every row."""
        for row in range(len(self.cells)):
            yield Relation(
                f"row:r{row + 1}",
                figure_id(row, total),
                tuple((figure_id(row, c), w) for c, w in added.items() if c != total),
                "sum",
                "row",
                self._label(row),
                "rows",
            )

    def column_sums(
        self,
        parent: int,
        children: Sequence[int],
        columns: Iterable[int],
        weights: Mapping[int, int],
        kind: str,
    ) -> Iterable[Relation]:
        """Relate a row to the rows it adds up, in every column that is added."""
        for column in dict.fromkeys(columns):
            name = figure_id(parent, column)
            yield Relation(
                f"{kind}:{name}" if kind != "sum" else f"column:{name}",
                name,
                tuple(
                    (figure_id(row, column), weights.get(row, 1)) for row in children
                ),
                kind,
                "column",
                self.columns[column],
                f"row r{parent + 1}",
            )

    def figures(
        self,
        unit: Decimal | Mapping[str, Decimal] | None,
        place: Callable[[int, int], str] | None,
    ) -> dict[str, Figure]:
        """Make a figure of every cell; cells that a short row lacks are absent."""
        result = {}
        for row, values in enumerate(self.cells):
            for column, name in enumerate(self.columns):
                value = values[column] if column < len(values) else None
                declared = unit if isinstance(unit, Decimal | None) else unit.get(name)
                if declared is None:
                    declared = last_digit_unit(value or Decimal(0))
                where = place(row, column) if place else ""
                key = figure_id(row, column)
                result[key] = Figure(key, value, declared, where)
        return result


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def _descends(
    parent: int, children: Iterable[int], families: Mapping[int, list[int]]
) -> bool:
    """Tell whether ``parent`` stands somewhere below these rows."""
    queue, seen = list(children), set[int]()
    while queue:
        row = queue.pop()
        if row == parent:
            return True
        if row not in seen:
            seen.add(row)
            queue += families.get(row, [])
    return False


def exact_if_evident(grid: Grid) -> Grid:
    """Take the figures for exact (unit 0) where their sums leave no other explanation.

    Rounded figures rarely add up to the last digit: with n items that are not zero the
    chance is about the square root of 6/(pi(n+1)). Where so many relations do that
    exact figures are a million times likelier, a difference of one unit is a fault too.
    """
    results = judge(grid.figures, grid.relations)
    if exact_odds(grid.figures, results) < EVIDENCE:
        return grid
    figures = {k: replace(f, unit=Decimal(0)) for k, f in grid.figures.items()}
    return replace(grid, figures=figures, exact_by_evidence=True)


def exact_by_group(grid: Grid) -> Grid:
    """Take for exact the figures whose relations all belong to groups that show it.

    Where one table holds counts and rounded amounts side by side; see
    ``exact_if_evident``. ``exact_by_evidence``: some group shows it.
    """
    groups: dict[str, list[RelationResult]] = {}
    for result in judge(grid.figures, grid.relations):
        groups.setdefault(result.relation.group, []).append(result)
    odds = {name: exact_odds(grid.figures, results) for name, results in groups.items()}
    doubted: set[str] = set()
    shown: set[str] = set()
    for name, results in groups.items():
        members = {
            member
            for result in results
            for member in (result.relation.total, *(i for i, _ in result.relation.items))
        }
        if odds[name] >= EVIDENCE:
            shown |= members
        elif odds[name] < 1:
            doubted |= members
    exact = shown - doubted
    figures = {
        k: replace(f, unit=Decimal(0)) if k in exact and f.unit else f
        for k, f in grid.figures.items()
    }
    return replace(grid, figures=figures, exact_by_evidence=bool(exact))


def exact_odds(
    figures: Mapping[str, Figure], results: Iterable[RelationResult]
) -> Decimal:
    """Give how much likelier exact figures make these results than rounded ones."""
    odds = Decimal(1)
    for result in results:
        items = [figures[name].value for name, _ in result.relation.items]
        count = sum(1 for value in items if value)
        if result.rounding == "exact":
            if count > 1:
                odds *= (Decimal("0.5236") * (count + 1)).sqrt()
        elif result.rounding is not None:
            odds /= EVIDENCE_LOST
    return odds
