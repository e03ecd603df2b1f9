"""Crossfoot rules: a table's sums and ties between figures become one verdict with the cells that break it.

Rows are numbered from 1 in the order of the delivery; a place is the cell in A1 form, the header being record 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.crossfoot import Figure, Relation, RelationResult, crossfoot
from tulosvahti.core.grid import exact_if_evident, grid_relations
from tulosvahti.core.measure import Reason
from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.core.verdict import Json, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tulosvahti.core.crossfoot import Crossfooting, Fault
    from tulosvahti.core.rule import CrossfootSpec, FigureRef, Rule


@dataclass(frozen=True)
class Table:
    """A table input as it lies in its file: labels, columns with their letters, cells, record numbers."""

    file: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    letters: tuple[str, ...]
    cells: tuple[tuple[Decimal | None, ...], ...]
    records: tuple[int, ...]

    def place(self, row: int, column: int) -> str:
        """Name a cell (both from 1) as a spreadsheet does."""
        return f"{self.letters[column - 1]}{self.records[row - 1]}"

    def figure(self, label: str, column: str) -> Decimal | None:
        """Give one cell by its labels; None where it is absent or the label is not unique."""
        rows = [index for index, name in enumerate(self.labels) if name == label]
        return self.cells[rows[0]][self.columns.index(column)] if len(rows) == 1 and column in self.columns else None


def judge_crossfoot(
    rule: Rule,
    spec: CrossfootSpec,
    table: Table | None,
    resolve: Callable[[FigureRef], Decimal | None],
    facts: Mapping[str, Json],
) -> Verdict:
    """Judge the sums of a table, and the ties."""
    results: list[RelationResult] = []
    faults: list[Json] = []
    evidence: dict[str, Json] = dict(facts)
    structure: list[str] = []
    if table is not None:
        grid = grid_relations(
            table.labels,
            table.columns,
            table.cells,
            items={name: -1 if name in spec.subtracted else 1 for name in spec.columns if name != spec.total_column},
            total_column=spec.total_column or None,
            total_row=spec.total_row or (),
            subtotals=[(parent, list(children)) for parent, children in spec.subtotals],
            unit=spec.rounded_to,
        )
        if spec.rounded_to is None:
            grid = exact_if_evident(grid)
        footed = crossfoot(grid.figures, grid.relations)
        results += footed.results
        faults += [_fault(table, fault) for fault in footed.faults]
        structure = [f"{fault.code}: {', '.join(fault.names)}" for fault in (*grid.structure, *footed.structure)]
        evidence["table"] = {
            "columns": list(table.columns),
            "rows": [
                {"label": label, "cells": [None if cell is None else plain(cell) for cell in cells]}
                for label, cells in zip(table.labels, table.cells, strict=True)
            ],
        }
        evidence["marks"] = _marks(table, footed)
        evidence["rounding"] = "exact" if spec.rounded_to is None and grid.exact_by_evidence else str(spec.rounded_to or "last digit")
    tied, unresolved = _ties(spec, resolve)
    results += tied
    evidence |= {
        "relations": len(results),
        "broken": [_broken(item) for item in results if item.state == "broken"],
        "incomplete": [item.relation.label or item.relation.id for item in results if item.state == "incomplete"],
        "faults": faults,
        "structure": list(structure),
    }
    word, reason = _word(results, structure, unresolved, faults)
    return Verdict(rule, (), None, word, reason=reason, evidence=evidence)


def _word(
    results: Sequence[RelationResult], structure: Sequence[str], unresolved: Sequence[str], faults: Sequence[Json]
) -> tuple[Word, Reason | None]:
    broken = [item for item in results if item.state == "broken"]
    if broken:
        first = next((fault for fault in faults if isinstance(fault, dict)), None)
        text = str(first.get("sentence", "")) if first else ""
        return Word.MISSED, Reason.of("broken_sums", count=len(broken), cell=text)
    if structure:
        return Word.UNKNOWN, Reason.of("not_computed", detail="; ".join(structure))
    if unresolved:
        return Word.UNKNOWN, Reason.of("unresolved_figure", figure=", ".join(unresolved))
    if any(item.state == "incomplete" for item in results):
        return Word.UNKNOWN, Reason("total_absent")
    if not results:
        return Word.UNKNOWN, Reason("no_rows")
    return Word.MET, None


def _broken(result: RelationResult) -> Json:
    return {
        "relation": result.relation.label or result.relation.id,
        "axis": result.relation.axis,
        "stated": _number(result.stated),
        "expected": _number(result.expected),
        "difference": _number(result.difference),
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else plain(plain_decimal(value))


def _fault(table: Table, fault: Fault) -> dict[str, Json]:
    cells = [_cell(table, name) for name in fault.cells]
    implied = [_number(value) for value in fault.implied]
    sentence = "; ".join(
        f"{cell} {_number(stated)} → {value}" for cell, stated, value in zip(cells, fault.stated, implied, strict=False)
    )
    alternatives: list[Json] = [
        {
            "cells": [_cell(table, name) for name in mend.cells],
            "stated": [_number(value) for value in mend.stated],
            "implied": [_number(value) for value in mend.implied],
            "cause": mend.cause,
        }
        for mend in fault.alternatives
    ]
    return {
        "cells": list(cells),
        "stated": [_number(value) for value in fault.stated],
        "implied": list(implied),
        "cause": fault.cause,
        "explains": fault.explains,
        "because": [_cell(table, name) for name in fault.because],
        "alternatives": alternatives,
        "cut": fault.cut,
        "sentence": sentence,
    }


def _cell(table: Table, name: str) -> str:
    row, column = _indices(name)
    return f"{table.place(row, column)} ({table.labels[row - 1]} / {table.columns[column - 1]})"


def _indices(name: str) -> tuple[int, int]:
    row, _, column = name.removeprefix("r").partition("c")
    return int(row), int(column)


def _marks(table: Table, footed: Crossfooting) -> dict[str, Json]:
    marks: dict[str, Json] = {}
    for fault in footed.faults:
        for name, value in zip(fault.cells, fault.implied, strict=False):
            marks[name] = f"{_cell(table, name)}: → {_number(value)}" + (f" ({fault.cause})" if fault.cause else "")
        for mend in fault.alternatives:
            for name in mend.cells:
                marks.setdefault(name, f"{_cell(table, name)}?")
    for result in footed.results:
        if result.state == "broken":
            marks.setdefault(result.relation.total, f"{_number(result.stated)} ≠ {_number(result.expected)}")
    return marks


def _ties(
    spec: CrossfootSpec, resolve: Callable[[FigureRef], Decimal | None]
) -> tuple[list[RelationResult], list[str]]:
    figures: dict[str, Figure] = {}
    relations: list[Relation] = []
    unresolved: list[str] = []
    for number, tie in enumerate(spec.ties, 1):
        names = []
        for ref in (tie.total, *tie.items):
            value = resolve(ref)
            if value is None:
                unresolved.append(str(ref))
            name = f"tie{number}:{ref}"
            figures[name] = Figure(name, value, spec.rounded_to if spec.rounded_to is not None else Decimal(0), str(ref))
            names.append(name)
        label = f"{tie.total} = {' + '.join(map(str, tie.items))}"
        relations.append(Relation(f"tie{number}", names[0], tuple((name, 1) for name in names[1:]), axis="tie", label=label))
    return list(crossfoot(figures, relations).results) if relations else [], unresolved
