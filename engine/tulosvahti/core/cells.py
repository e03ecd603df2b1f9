"""Cells: the finest groups of one pass over an input, from which the core makes every coarser group, exactly.

A cell holds its keys, then its parts. Parts merge: sums and counts add up, least and greatest are chosen, first row
numbers are joined. What a rule's filter says of a key (true, false, or unknown where the key is null) holds for every row
of the cell; what it says otherwise is inside the parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.core.period import Grain, containing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Cell = tuple[Any, ...]
Group = tuple[date | None, tuple[Any, ...]]
"""The first day of a period and the subject's values; None: no period, or a row without a date."""


class Merge(StrEnum):
    """How the parts of several cells become one; a count of no cells is 0, a sum of none has no value."""

    COUNT = "count"
    ADD = "add"
    LEAST = "least"
    GREATEST = "greatest"
    FIRST = "first"
    ALONE = "alone"
    """Does not merge: a group has one sound cell."""


@dataclass(frozen=True)
class Chosen:
    """Which cells a rule reads: places of keys in a cell, and what they must be.

    ``known``: the key that tells whether a row is known. ``rejected``: the key of rejects. ``day``: the key that dates a
    row. ``filters``: keys with the values that are in scope.
    """

    rejected: int
    known: int | None = None
    day: int | None = None
    grain: Grain | None = None
    by: tuple[int, ...] = ()
    filters: tuple[tuple[int, frozenset[Any]], ...] = ()


@dataclass
class Bundle:
    """The cells of one group: all; sound ones surely in scope and perhaps in scope; rejects not surely outside."""

    every: list[Cell] = field(default_factory=list)
    sure: list[Cell] = field(default_factory=list)
    perhaps: list[Cell] = field(default_factory=list)
    rejects: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    """Places of a part over rows whose scope is true, and over rows whose scope is unknown; None: there are none."""

    sure: int | None
    unsure: int | None = None


@dataclass(frozen=True)
class Recipe:
    """Where a measurement's numbers lie in a cell. ``values``: name, place and, for what a part lacks, from what to take it."""

    rows: int
    taken: Counts
    yes: Counts
    no: Counts
    values: tuple[tuple[str, int, bool], ...] = ()
    """Name and place; True: the number of rows taken less this part."""
    first: int | None = None
    newest: tuple[int, ...] = ()
    """Keys that tell how new the rows of a cell are; "latest" and "least latest" are of the newest cells alone."""


def bundled(cells: Iterable[Cell], chosen: Chosen) -> dict[Group, Bundle]:
    """Put cells into the groups that a rule asks for."""
    groups: dict[Group, Bundle] = {}
    for cell in cells:
        if chosen.known is not None and not cell[chosen.known]:
            continue
        start = None if chosen.day is None else cell[chosen.day]
        if start is not None and chosen.grain is not None:
            start = containing(start, chosen.grain).start
        bundle = groups.setdefault((start, tuple(cell[at] for at in chosen.by)), Bundle())
        bundle.every.append(cell)
        scope = _scope(cell, chosen.filters)
        if scope is False:
            continue
        if cell[chosen.rejected]:
            bundle.rejects.append(cell)
        elif scope:
            bundle.sure.append(cell)
        else:
            bundle.perhaps.append(cell)
    return groups


def _scope(cell: Cell, filters: Iterable[tuple[int, frozenset[Any]]]) -> bool | None:
    scope: bool | None = True
    for at, values in filters:
        if cell[at] is None:
            scope = None
        elif cell[at] not in values:
            return False
    return scope


def numbers(bundle: Bundle, recipe: Recipe, parts: Sequence[Merge]) -> dict[str, Any]:
    """Give the numbers of one group by the names that a rule's own query has; ``parts`` says how each place merges."""
    taken, yes, no = (_added(bundle.sure, item.sure) for item in (recipe.taken, recipe.yes, recipe.no))
    open_all, open_yes, open_no = (
        _added(bundle.sure, item.unsure) + _added(bundle.perhaps, item.sure) + _added(bundle.perhaps, item.unsure)
        for item in (recipe.taken, recipe.yes, recipe.no)
    )
    result: dict[str, Any] = {
        "rows": _added(bundle.every, recipe.rows),
        "taken": taken,
        "yes": yes,
        "no": no,
        "unsure": taken - yes - no,
        "scope_yes": open_yes,
        "scope_no": open_no,
        "scope_unsure": open_all - open_yes - open_no,
        "rejected": _added(bundle.rejects, recipe.taken.sure) + _added(bundle.rejects, recipe.taken.unsure),
    }
    sure = _newest(bundle.sure, recipe) if recipe.newest else bundle.sure
    for name, at, less in recipe.values:
        value = merged(parts[at], [cell[at] for cell in sure])
        result[name] = taken - value if less else value
    if recipe.newest:
        least = result.pop("least latest")
        result["latest_values"] = 0 if least is None else 1 if least == result["latest"] else 2
    return result


def _newest(cells: Iterable[Cell], recipe: Recipe) -> list[Cell]:
    """Give the cells of the newest rows in scope; a row that nothing dates is the oldest."""
    ranks: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        if recipe.taken.sure is not None and cell[recipe.taken.sure]:
            rank = tuple((cell[at] is not None, cell[at] or date.min) for at in recipe.newest)
            ranks.setdefault(rank, []).append(cell)
    return ranks[max(ranks)] if ranks else []


def first_rows(groups: Mapping[Group, Bundle], recipe: Recipe) -> list[int]:
    """Give the first row numbers of failing rows, ascending, as many as each cell kept or fewer."""
    at = recipe.first
    if at is None:
        return []
    return sorted(row for bundle in groups.values() for cell in bundle.sure for row in cell[at] or ())


def merged(how: Merge, values: Iterable[Any]) -> Any:  # noqa: ANN401 (a number of the database)
    """Merge a part over cells; None where no cell has it, but for counts."""
    there = [value for value in values if value is not None]
    if how in {Merge.COUNT, Merge.ALONE}:
        return sum(there)
    if not there:
        return None
    if how is Merge.ADD:
        # A sum of decimals would be rounded to the precision of the process.
        return sum(Fraction(value) if isinstance(value, Decimal) else value for value in there)
    return min(there) if how is Merge.LEAST else max(there)


def _added(cells: Sequence[Cell], at: int | None) -> int:
    if at is None or not cells:
        return 0
    return sum(cell[at] for cell in cells) if len(cells) > 1 else int(cells[0][at])
