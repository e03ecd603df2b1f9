"""Tables to relations: which figures make which, and what cannot be related."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tulosvahti.core.crossfoot import crossfoot
from tulosvahti.core.grid import exact_if_evident, figure_id, grid_relations

if TYPE_CHECKING:
    from tulosvahti.core.grid import Grid, RowRef

LABELS = ["a", "b", "Yhteensä"]
COLUMNS = ["x", "y", "sum"]


def _cells(*rows: str) -> list[list[Decimal | None]]:
    return [[None if n == "." else Decimal(n) for n in row.split()] for row in rows]


CELLS = _cells("1 2 3", "4 5 9", "5 7 12")


def _shape(grid: Grid) -> dict[str, tuple[str, str]]:
    return {
        r.id: (r.total, " ".join(f"{'-' if w < 0 else ''}{n}" for n, w in r.items))
        for r in grid.relations
    }


def test_both_ways_to_the_grand_total() -> None:
    grid = grid_relations(
        LABELS, COLUMNS, CELLS, total_row=" yhteensä", total_column="sum"
    )
    assert _shape(grid) == {
        "row:r1": ("r1c3", "r1c1 r1c2"),
        "row:r2": ("r2c3", "r2c1 r2c2"),
        "row:r3": ("r3c3", "r3c1 r3c2"),
        "column:r3c1": ("r3c1", "r1c1 r2c1"),
        "column:r3c2": ("r3c2", "r1c2 r2c2"),
        "column:r3c3": ("r3c3", "r1c3 r2c3"),
    }
    assert not grid.structure
    assert [r.axis for r in grid.relations] == ["row"] * 3 + ["column"] * 3
    assert [r.label for r in grid.relations] == [*LABELS, *COLUMNS]
    assert all(
        r.rounding == "exact" for r in crossfoot(grid.figures, grid.relations).results
    )
    assert list(grid.figures) == [figure_id(r, c) for r in range(3) for c in range(3)]


def test_weights_places_and_units() -> None:
    grid = grid_relations(
        ["gross", "income", "net"],
        ["in", "out", "note", "left"],
        _cells("9 2 . 7", "4.0 1 88 3", "5 1 . 4"),
        items={"in": 1, "out": -1},
        total_column="left",
        total_row=2,
        row_weights={"income": -1},
        unit={"in": Decimal(0)},
        place=lambda row, column: f"{'ABCD'[column]}{row + 2}",
    )
    assert _shape(grid)["row:r1"] == ("r1c4", "r1c1 -r1c2")
    assert _shape(grid)["column:r3c4"] == ("r3c4", "r1c4 -r2c4")
    assert "column:r3c3" not in _shape(grid)
    assert grid.figures["r2c3"].place == "C3"
    assert [grid.figures[f"r2c{n}"].unit for n in (1, 2)] == [Decimal(0), Decimal(1)]
    assert crossfoot(grid.figures, grid.relations).faults == ()


def test_subtotals_are_added_once() -> None:
    grid = grid_relations(
        ["a", "b", "Välisumma", "c", "d", "Välisumma", "Yhteensä"],
        ["summa"],
        _cells("1", "1", "2", "1", "1", "2", "4"),
        total_row="Yhteensä",
        subtotals=[(2, ["a", "b"]), (5, ["c", "d"])],
    )
    assert _shape(grid) == {
        "subtotal:r3c1": ("r3c1", "r1c1 r2c1"),
        "subtotal:r6c1": ("r6c1", "r4c1 r5c1"),
        "column:r7c1": ("r7c1", "r3c1 r6c1"),
    }
    assert all(r.holds for r in crossfoot(grid.figures, grid.relations).results)


SUBTOTALS: list[tuple[dict[str, Any], list[tuple[str, str, tuple[str, ...]]]]] = [
    ({"total_row": "Summa"}, [("no_row", "total_row", ("Summa",))]),
    ({"total_row": 9}, [("no_row", "total_row", ("9",))]),
    ({"total_row": ["T", "b"]}, [("several_rows", "total_row", ("b",))]),
    ({"total_column": "z"}, [("no_column", "table", ("z",))]),
    ({"items": {"x": 1, "q": 1}}, [("no_column", "table", ("q",))]),
    ({"subtotals": {"a": []}}, [("no_items", "subtotal:r1", ("a",))]),
    (
        {"subtotals": [("a", [1]), (0, [2])]},
        [("repeated_parent", "subtotal:r1", ("a",))],
    ),
    ({"subtotals": {"a": [1], "T": [1]}}, [("repeated_child", "subtotal:r4", ("b",))]),
    ({"subtotals": {"a": ["T"], "T": ["a"]}}, [("cycle", "subtotal:r4", ("T",))]),
    ({"subtotals": {"a": ["a"]}}, [("cycle", "subtotal:r1", ("a",))]),
    (
        {"subtotals": {"q": [1], "a": ["q"]}},
        [
            ("no_row", "subtotal", ("q",)),
            ("no_row", "subtotal:r1", ("q",)),
            ("no_items", "subtotal:r1", ("a",)),
        ],
    ),
]


@pytest.mark.parametrize(("declared", "expected"), SUBTOTALS)
def test_what_cannot_be_related_is_named(
    declared: dict[str, Any], expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    cells = _cells("1 2", "3 4", "5 6", "9 12")
    grid = grid_relations(["a", "b", "b", "T"], ["x", "y"], cells, **declared)
    assert [(s.code, s.relation, s.names) for s in grid.structure] == expected


def test_ragged_rows_and_blanks() -> None:
    cells: list[list[Decimal | None]] = [[Decimal(1)], [Decimal(1), None]]
    grid = grid_relations(["a", "T"], ["x", "y"], cells, total_row="T")
    assert [(s.code, s.relation) for s in grid.structure] == [("ragged", "row:r1")]
    assert grid.figures["r1c2"].value is None
    states = [r.state for r in crossfoot(grid.figures, grid.relations).results]
    assert states == ["holds", "incomplete"]


def _table(rows: int, columns: int) -> list[list[int]]:
    rnd = random.Random(rows * columns)  # noqa: S311 - numbers for a test
    body = [[rnd.randrange(1, 10**6) for _ in range(columns)] for _ in range(rows)]
    body = [[*row, sum(row)] for row in body]
    return [*body, [sum(column) for column in zip(*body, strict=True)]]


def _numbered(cells: list[list[int]]) -> Grid:
    total_row: RowRef = len(cells) - 1
    columns = [f"c{k}" for k in range(len(cells[0]))]
    labels = [f"r{k}" for k in range(len(cells))]
    return grid_relations(
        labels,
        columns,
        [[Decimal(n) for n in row] for row in cells],
        total_row=total_row,
        total_column=columns[-1],
    )


def test_exact_figures_are_recognised() -> None:
    cells = _table(18, 11)
    cells[3][4] += 1
    tolerant = _numbered(cells)
    assert crossfoot(tolerant.figures, tolerant.relations).faults == ()
    strict = exact_if_evident(tolerant)
    assert strict.exact_by_evidence
    (fault,) = crossfoot(strict.figures, strict.relations).faults
    assert fault.cells == ("r4c5",)
    assert fault.implied == (Decimal(cells[3][4] - 1),)


def test_rounded_and_small_tables_stay_rounded() -> None:
    rounded = [[(n + 500) // 1000 for n in row] for row in _table(18, 11)]
    assert not exact_if_evident(_numbered(rounded)).exact_by_evidence
    assert not exact_if_evident(_numbered(_table(3, 2))).exact_by_evidence
