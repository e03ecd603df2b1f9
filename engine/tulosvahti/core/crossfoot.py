"""Sums that must hold: judged by intervals, and the cells that would mend them named.

Convention: see ``relation``, whose words are given on here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.mend import component_faults, line_faults
from tulosvahti.core.relation import (
    Axis,
    Crossfooting,
    Fault,
    Figure,
    Interval,
    Mend,
    Relation,
    RelationResult,
    StructureFault,
    sum_intervals,
)
from tulosvahti.core.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "Axis",
    "Crossfooting",
    "Fault",
    "Figure",
    "Interval",
    "Mend",
    "Relation",
    "RelationResult",
    "StructureFault",
    "crossfoot",
    "judge",
    "sum_intervals",
]
SEARCH_STEPS = 20_000
"""Sets tried, in one call, beyond single cells (under a second)."""


def judge(
    figures: Mapping[str, Figure], relations: Sequence[Relation]
) -> tuple[RelationResult, ...]:
    """Judge each relation on its own, in order; see ``crossfoot`` for the errors."""
    return System(figures, relations, 0).results()


def crossfoot(
    figures: Mapping[str, Figure],
    relations: Sequence[Relation],
    *,
    steps: int = SEARCH_STEPS,
) -> Crossfooting:
    """Judge every relation and name the smallest sets of cells that mend them all.

    One cell explains linked relations if every broken one contains it, one change mends
    all and no holding one breaks; then exchanged neighbours, then two and three cells;
    then cells that stand out one by one. ``steps`` bounds all but single cells.

    Raises:
        ValueError: a relation names a figure that is not given.

    """
    system = System(figures, relations, steps)
    results = system.results()
    faults = line_faults(system)
    for broken in system.components():
        faults += component_faults(system, broken)
    order = {relation.id: k for k, relation in enumerate(relations)}
    faults.sort(key=lambda fault: order[fault.relations[0]])
    return Crossfooting(results, tuple(faults), tuple(_structure(relations)))


def _structure(relations: Sequence[Relation]) -> Iterator[StructureFault]:
    for relation in relations:
        if not relation.items:
            yield StructureFault("no_items", relation.id, (relation.total,))
        names = [relation.total, *(name for name, _ in relation.items)]
        twice = (
            [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if len(set(names)) < len(names)
            else []
        )
        if twice:
            yield StructureFault("twice", relation.id, tuple(twice))
