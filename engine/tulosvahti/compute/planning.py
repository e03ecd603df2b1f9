"""The plan: the measurements of a run as few queries, one pass over an input where its cells stay few.

A measurement is normalised to what it reads (rows known, period, subject, filter as key = value, the rest of its scope, a
value of each row). A pass names each predicate and value once, groups by the finest keys that its measurements use, and
takes mergeable parts; the core makes the groups of each measurement from the cells. Different values do not merge: those
asked for the same groups share a pass of just these groups. The newest row is found among cells of days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.compute.parts_sql import quoted
from tulosvahti.compute.rule_sql import period_start
from tulosvahti.core.cells import Chosen, Counts, Merge, Recipe
from tulosvahti.core.period import Grain

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from tulosvahti.compute.parts_sql import Leaf
    from tulosvahti.compute.wanted import Wanted

EXAMPLES = 20
"""Failing rows listed in evidence; counts are always exact."""
MOST_PARTS = 120
"""Parts of one query."""
MOST_VALUES = 1_000
"""Different values of a field that may be a key beside others."""
MOST_CELLS = 50_000
"""Cells that the keys of one pass may span."""
FEW_FILTERS = 3
"""From so many different conditions on one field, the field is a key; fewer are predicates of their own."""
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
    """Give the fields that may become keys: those of subjects, and those that filters compare often."""
    conditions: dict[str, set[str]] = {}
    for item in wanted:
        for atom in item.filter:
            if atom.field:
                conditions.setdefault(atom.field, set()).add(atom.sql)
    often = [name for name, found in conditions.items() if len(found) >= FEW_FILTERS]
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


@dataclass
class _Draft:
    """A query in the making: keys and named expressions with their aliases, parts with how they merge, joins."""

    keys: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Merge] = field(default_factory=dict)
    joins: dict[str, None] = field(default_factory=dict)

    def key(self, sql: str) -> int:
        self.keys.setdefault(sql, f"k{len(self.keys)}")
        return list(self.keys).index(sql)

    def name(self, sql: str) -> str:
        return self.named.setdefault(sql, f"e{len(self.named)}")

    def part(self, sql: str, merge: Merge = Merge.COUNT) -> int:
        self.parts.setdefault(sql, merge)
        return list(self.parts).index(sql)


def planned(wanted: Sequence[Wanted], keys: frozenset[str]) -> list[Pass]:
    """Write the queries of one division of ``passes_of``: one, or several where there are more than ``MOST_PARTS``."""
    shared_known = len({item.known for item in wanted}) == 1
    families = {day: {item.grain for item in wanted if item.day == day} for day in {item.day for item in wanted if item.day}}
    result: list[Pass] = []
    draft, read = _Draft(), dict[str, tuple[Chosen, Recipe]]()
    for item in wanted:
        before = len(draft.parts)
        made = _made(item, draft, keys, families, shared_known=shared_known)
        read[item.query] = made
        if len(draft.parts) > MOST_PARTS and before:
            read.pop(item.query)
            result.append(_written(wanted[0], draft, read, shared_known=shared_known, parts=before))
            draft, read = _Draft(), {}
            read[item.query] = _made(item, draft, keys, families, shared_known=shared_known)
    result.append(_written(wanted[0], draft, read, shared_known=shared_known, parts=len(draft.parts)))
    return result


def _made(
    item: Wanted, draft: _Draft, keys: frozenset[str], families: Mapping[str, set[Grain]], *, shared_known: bool
) -> tuple[Chosen, Recipe]:
    chosen = Chosen(
        draft.key("__rejected"),
        None if shared_known or not item.known else draft.key(f"({item.known})"),
        draft.key(period_start(item.day, finest(item.grain, families[item.day]))) if item.day else None,
        item.grain if item.day else None,
        tuple(draft.key(quoted(name)) for name in item.by),
        tuple((draft.key(quoted(atom.field)), atom.values) for atom in item.filter if atom.field in keys),
    )
    rest = [atom.sql for atom in item.filter if atom.field not in keys]
    scope = draft.name(" AND ".join(f"({sql})" for sql in rest)) if rest else ""
    within = [scope] if scope else []
    unknown = [f"{scope} IS NULL"] if scope else None

    def counted(*conditions: str) -> Counts:
        sure = draft.part(_count([*within, *conditions]))
        return Counts(sure, None if unknown is None else draft.part(_count([*unknown, *conditions])))

    newest = tuple(draft.key(f"({sql})") for sql in item.newest)
    rows, taken = draft.part(_count([])), counted()
    yes, no = taken, Counts(None)
    values: list[tuple[str, int, bool]] = []
    first = None
    if item.join:
        draft.joins[item.join] = None
    if item.value != "TRUE":
        value = draft.name(item.value)
        yes = counted(value if item.logical else f"{value} IS NOT NULL")
        if item.logical:
            no = counted(f"NOT {value}")
        if item.summed:
            values.append(("sum", draft.part(_over("sum", within, value), Merge.ADD), False))
        if item.different:
            values.append(("distinct", draft.part(_different(within, value), Merge.ALONE), False))
        if item.newest:
            values.append(("latest", draft.part(_over("max", within, value), Merge.GREATEST), False))
            values.append(("least latest", draft.part(_over("min", within, value), Merge.LEAST), False))
        if item.listed:
            failing = " AND ".join([*within, f"NOT {value}"])
            first = draft.part(f"min(CASE WHEN {failing} THEN __row END, {EXAMPLES})", Merge.FIRST)
    for leaf in item.leaves:
        values += _leaf(leaf, draft, within, taken)
    return chosen, Recipe(rows, taken, yes, no, tuple(values), first, newest)


def _different(within: list[str], value: str) -> str:
    return f"count(DISTINCT CASE WHEN {' AND '.join(within)} THEN {value} END)" if within else f"count(DISTINCT {value})"


def _leaf(leaf: Leaf, draft: _Draft, within: list[str], taken: Counts) -> Iterator[tuple[str, int, bool]]:
    if not leaf.argument:
        if taken.sure is not None:
            yield leaf.name, taken.sure, False
        return
    value = draft.name(leaf.argument)
    if leaf.distinct:
        yield leaf.name, draft.part(_different(within, value), Merge.ALONE), False
        return
    number = draft.part(_over("count", within, value))
    if leaf.function == "count":
        yield leaf.name, number, False
        return
    if leaf.function == "avg":
        yield f"total: {leaf.name}", draft.part(_over("sum", within, value), Merge.ADD), False
        yield f"number: {leaf.name}", number, False
    else:
        merge = {"sum": Merge.ADD, "min": Merge.LEAST, "max": Merge.GREATEST}[leaf.function]
        yield leaf.name, draft.part(_over(leaf.function, within, value), merge), False
    yield f"missing: {leaf.name}", number, True


def finest(grain: Grain, grains: set[Grain]) -> Grain:
    """Give the grain of the key from which the core makes this one and as many of the others as it can."""
    if Grain.DAY in grains:
        return Grain.DAY
    if grain is Grain.WEEK:
        return grain
    return next(item for item in _WITHIN_MONTHS if item in grains)


def _count(conditions: Sequence[str]) -> str:
    return f"count(CASE WHEN {' AND '.join(conditions)} THEN 1 END)" if conditions else "count(*)"


def _over(function: str, within: list[str], value: str) -> str:
    return f"{function}(CASE WHEN {' AND '.join(within)} THEN {value} END)" if within else f"{function}({value})"


def _written(
    first: Wanted, draft: _Draft, read: Mapping[str, tuple[Chosen, Recipe]], *, shared_known: bool, parts: int
) -> Pass:
    """Write a draft's query; its places count from the start of a cell, keys first."""
    chosen = list(draft.parts.items())[:parts]
    offset = len(draft.keys)
    inner = [f"{sql} AS {alias}" for sql, alias in draft.keys.items()]
    inner += [f"({sql}) AS {alias}" for sql, alias in draft.named.items()]
    source = f"SELECT __row, {', '.join(inner)} FROM {' '.join([quoted('input_' + first.input), *draft.joins])}"
    if shared_known and first.known:
        source += f" WHERE {first.known}"
    keys = ", ".join(draft.keys.values())
    sql = f"SELECT {keys}, {', '.join(sql for sql, _ in chosen)}\nFROM ({source})\nGROUP BY {keys}"
    return Pass(
        first.input,
        sql,
        (*([Merge.COUNT] * offset), *(merge for _, merge in chosen)),
        {query: (place, _moved(recipe, offset)) for query, (place, recipe) in read.items()},
    )


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
