"""The plan: the measurements of a run as few queries, one pass over an input where its cells stay few.

A measurement is normalised to what it reads (rows known, period, subject, filter as key = value, the rest of its scope, a
value of each row). A pass names each predicate and value once, groups by the finest keys that its measurements use, and
takes mergeable parts; the core makes the groups of each measurement from the cells. Different values do not merge: those
asked for the same groups share a pass of just these groups. The newest row is found among cells of days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.compute.cells_sql import Draft, Is, When
from tulosvahti.compute.parts_sql import quoted
from tulosvahti.compute.rule_sql import period_start
from tulosvahti.core.cells import Chosen, Counts, Merge, Recipe
from tulosvahti.core.period import Grain

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from tulosvahti.compute.cells_sql import Part
    from tulosvahti.compute.parts_sql import Leaf
    from tulosvahti.compute.wanted import Atom, Wanted

MOST_PARTS = 120
"""Parts of one query."""
MOST_VALUES = 1_000
"""Different values of a field that may be a key beside others."""
MOST_CELLS = 50_000
"""Cells that the keys of one pass may span."""
FEW_COMPARED = 3
"""From so many comparisons with one field, the field is a key; of fewer each row is asked."""
_WITHIN_MONTHS = (Grain.MONTH, Grain.QUARTER, Grain.HALF_YEAR, Grain.YEAR)


@dataclass(frozen=True)
class Pass:
    """One query and how each of its measurements is read from the cells."""

    input: str
    sql: str
    parts: tuple[Merge, ...]
    read: Mapping[str, tuple[Chosen, Recipe]]
    """By the measurement's own query. Places count from the start of a cell."""


def candidates(wanted: Sequence[Wanted]) -> list[str]:
    """Give the fields that may become keys: those of subjects, and those that are compared often."""
    compared: dict[str, dict[str, int]] = {}
    for item in wanted:
        for atom in (*item.filter, *item.compared):
            if atom.field:
                compared.setdefault(atom.field, {})[atom.sql] = len(atom.values)
    often = [name for name, found in compared.items() if sum(found.values()) >= FEW_COMPARED]
    return sorted({name for item in wanted for name in (*item.by, *item.dated)} | set(often))


def passes_of(wanted: Sequence[Wanted], values: Mapping[str, int]) -> list[tuple[list[Wanted], frozenset[str]]]:
    """Divide the measurements of one input into passes, each with the fields that are keys in it.

    ``values``: about how many different values each of the ``candidates`` has.
    """
    families: dict[Hashable, list[Wanted]] = {}
    for item in wanted:
        families.setdefault(item.family, []).append(item)
    result: list[tuple[list[Wanted], frozenset[str]]] = []
    for family, items in families.items():
        if family is None:
            result += _merging(items, values)
        elif items[0].newest:
            # A cell for each day: where those would be many, the rules' own queries sort instead.
            few = [item for item in items if _span({*item.by, *item.dated}, values) <= MOST_CELLS]
            result += [(few, frozenset())] if few else []
        else:
            result.append((items, frozenset(items[0].by)))
    return result


def _merging(wanted: Sequence[Wanted], values: Mapping[str, int]) -> list[tuple[list[Wanted], frozenset[str]]]:
    by_wide: dict[tuple[str, ...], list[Wanted]] = {}
    for item in wanted:
        by_wide.setdefault(tuple(name for name in item.by if values[name] > MOST_VALUES), []).append(item)
    result: list[tuple[list[Wanted], frozenset[str]]] = []
    for wide, items in by_wide.items():
        narrow = {name for name in candidates(items) if values.get(name, MOST_VALUES + 1) <= MOST_VALUES}
        subjects = {name for item in items for name in item.by}
        if not wide and _span(narrow | subjects, values) <= MOST_CELLS:
            result.append((items, frozenset(narrow | subjects)))
        elif wide or _span(subjects, values) <= MOST_CELLS:
            result.append((items, frozenset(subjects)))
        else:
            by_subject: dict[tuple[str, ...], list[Wanted]] = {}
            for item in items:
                by_subject.setdefault(item.by, []).append(item)
            result += [(some, frozenset(by)) for by, some in by_subject.items()]
    return result


def _span(names: set[str], values: Mapping[str, int]) -> int:
    span = 1
    for name in names:
        span *= values[name] + 1
    return span


def _nothing(_draft: Draft) -> None:
    """Fold no condition."""


def planned(wanted: Sequence[Wanted], keys: frozenset[str], fold: Callable[[Draft], Sequence[str] | None] = _nothing) -> list[Pass]:
    """Write the queries of one division of ``passes_of``: one, or several where there are more than ``MOST_PARTS``.

    ``fold`` chooses the conditions that are folded.
    """
    shared_known = len({item.known for item in wanted}) == 1
    families = {day: {item.grain for item in wanted if item.day == day} for day in {item.day for item in wanted if item.day}}

    def begun() -> Draft:
        return Draft(wanted[0].input, wanted[0].known if shared_known else "")

    result: list[Pass] = []
    draft, read = begun(), dict[str, tuple[Chosen, Recipe]]()
    for item in wanted:
        before = len(draft.parts)
        made = _made(item, draft, keys, families, shared_known=shared_known)
        read[item.query] = made
        if len(draft.parts) > MOST_PARTS and before:
            read.pop(item.query)
            result.append(_written(draft, read, list(draft.parts)[:before], fold))
            draft, read = begun(), {}
            read[item.query] = _made(item, draft, keys, families, shared_known=shared_known)
    result.append(_written(draft, read, list(draft.parts), fold))
    return result


def _made(
    item: Wanted, draft: Draft, keys: frozenset[str], families: Mapping[str, set[Grain]], *, shared_known: bool
) -> tuple[Chosen, Recipe]:
    chosen = Chosen(
        draft.key("FALSE" if item.sound else "__rejected"),
        None if shared_known or not item.known else draft.key(f"({item.known})"),
        _day_key(item, finest(item.grain, families[item.day]), draft) if item.day else None,
        item.grain if item.day else None,
        tuple(draft.field_key(quoted(name)) for name in item.by),
        tuple((draft.field_key(quoted(atom.field)), atom.values) for atom in item.filter if atom.field in keys),
    )
    rest = [atom for atom in item.filter if atom.field not in keys]
    unknown: tuple[When, ...] | None = None
    if within := _within(rest, draft):
        unknown = (When(within[0].name, Is.UNKNOWN),)
    if item.value != "TRUE":
        draft.joins |= dict.fromkeys([item.join] if item.join else [])

    def counted(value: str = "", *when: When) -> Counts:
        sure = draft.part("count", value, (*within, *when))
        return Counts(sure, None if unknown is None else draft.part("count", value, (*unknown, *when)))

    newest = tuple(draft.key(f"({sql})") for sql in item.newest)
    rows, taken = draft.part("count"), counted()
    yes, no = taken, Counts(None)
    values: list[tuple[str, int, bool]] = []
    first = None
    if item.value != "TRUE" and item.logical:
        value = draft.condition(item.value, item.reads)
        yes, no = counted("", When(value)), counted("", When(value, Is.FALSE))
        if item.listed:
            first = draft.part("first", "", (*within, When(value, Is.FALSE)))
    elif item.value != "TRUE":
        value = draft.name(item.value)
        yes = counted(value)
        if item.summed:
            values.append(("sum", draft.part("sum", value, within), False))
        if item.different:
            values.append(("distinct", draft.part("distinct", value, within), False))
        if item.newest:
            values.append(("latest", draft.part("max", value, within), False))
            values.append(("least latest", draft.part("min", value, within), False))
    for leaf in item.leaves:
        values += _leaf(leaf, draft, within, taken)
    values += _besides(item, draft, within, rest)
    return chosen, Recipe(rows, taken, yes, no, tuple(values), first, newest)


def _within(atoms: Sequence[Atom], draft: Draft) -> tuple[When, ...]:
    """Give the rows that meet all of some conditions."""
    if not atoms:
        return ()
    told = frozenset[str]().union(*(atom.reads for atom in atoms)) if all(atom.reads for atom in atoms) else frozenset()
    return (When(draft.condition(" AND ".join(f"({atom.sql})" for atom in atoms), told)),)


def _besides(item: Wanted, draft: Draft, within: tuple[When, ...], atoms: Sequence[Atom]) -> Iterator[tuple[str, int, bool]]:
    """Give how many cases the rows stand for, and how many values are hidden, where that is asked for."""
    if item.cases:
        yield "cases", draft.part("sum", draft.name(item.cases), within), False
        yield "cases_missing", draft.part("count", draft.name(f"CASE WHEN {item.cases} IS NULL THEN 1 END"), within), False
    if item.hidden:
        lacks = "" if item.leaves else f"({item.value}) IS NULL AND "
        if any(atom.skips for atom in atoms):
            within = _within([atom for atom in atoms if not atom.skips], draft)
        yield "hidden", draft.part("count", draft.name(f"CASE WHEN {lacks}({item.hidden}) THEN 1 END"), within), False


def _day_key(item: Wanted, grain: Grain, draft: Draft) -> int:
    """Give the place of the first day of a row's period; of a year, rows are grouped by its number."""
    sql, shown = (f"year({item.day})", "make_date({}, 1, 1)") if grain is Grain.YEAR else (period_start(item.day, grain), "{}")
    place = draft.key(sql, shown)
    if grain in _WITHIN_MONTHS:
        draft.fields.setdefault(f"YEAR({item.dated_by})", {item.dated_by: draft.shown[draft.keys[sql]]})
    return place


def _leaf(leaf: Leaf, draft: Draft, within: tuple[When, ...], taken: Counts) -> Iterator[tuple[str, int, bool]]:
    if not leaf.argument:
        if taken.sure is not None:
            yield leaf.name, taken.sure, False
        return
    value = draft.name(leaf.argument)
    if leaf.distinct:
        yield leaf.name, draft.part("distinct", value, within), False
        return
    number = draft.part("count", value, within)
    if leaf.function == "count":
        yield leaf.name, number, False
        return
    if leaf.function == "avg":
        yield f"total: {leaf.name}", draft.part("sum", value, within), False
        yield f"number: {leaf.name}", number, False
    else:
        yield leaf.name, draft.part(leaf.function, value, within), False
    yield f"missing: {leaf.name}", number, True


def finest(grain: Grain, grains: set[Grain]) -> Grain:
    """Give the grain of the key from which the core makes this one and as many of the others as it can."""
    if Grain.DAY in grains:
        return Grain.DAY
    if grain is Grain.WEEK:
        return grain
    return next(item for item in _WITHIN_MONTHS if item in grains)


def _written(
    draft: Draft, read: Mapping[str, tuple[Chosen, Recipe]], parts: Sequence[Part], fold: Callable[[Draft], Sequence[str] | None]
) -> Pass:
    """Write a draft's query; its places count from the start of a cell, keys first."""
    offset = len(draft.keys)
    merges = (*([Merge.COUNT] * offset), *(part.merge for part in parts))
    chosen = None if Merge.ALONE in merges else fold(draft)
    moved = {query: (place, _moved(recipe, offset)) for query, (place, recipe) in read.items()}
    return Pass(draft.input, draft.written(parts, chosen), merges, moved)


def _moved(recipe: Recipe, offset: int) -> Recipe:
    def moved(counts: Counts) -> Counts:
        sure, unsure = (None if at is None else at + offset for at in (counts.sure, counts.unsure))
        return Counts(sure, unsure)

    return Recipe(
        recipe.rows + offset,
        moved(recipe.taken),
        moved(recipe.yes),
        moved(recipe.no),
        tuple((name, at + offset, less) for name, at, less in recipe.values),
        None if recipe.first is None else recipe.first + offset,
        recipe.newest,
    )
