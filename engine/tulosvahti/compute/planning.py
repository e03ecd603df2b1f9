"""The plan: the measurements of a run as few queries, one pass over an input where its cells stay few.

A measurement is normalised to what it reads (rows known, period, subject, filter as key = value, the rest of its scope, a
value of each row). A pass names each predicate and value once, groups by the finest keys that its measurements use, and
takes mergeable parts; the core makes the groups of each measurement from the cells. What is not mergeable (different
values, the latest row) or speaks of its own period is not planned: ``wanted_of`` gives None, and the rule's own query runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tulosvahti.compute.parts_sql import Leaf, has_row_value, leaves_of, quoted
from tulosvahti.compute.rule_sql import MISSING, RuleSql, period_start
from tulosvahti.core.cells import Chosen, Counts, Merge, Recipe
from tulosvahti.core.contract import FieldType
from tulosvahti.core.expression import PARAMETERS
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import MeasureKind, RowsSpec, TargetSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expression import Expression

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
_PERIOD_NAMES = frozenset({"period_start", "period_end"})


@dataclass(frozen=True)
class Atom:
    """One condition of a filter; ``field`` and ``values`` where it is a field that equals one of some values."""

    sql: str
    field: str = ""
    values: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """A normalised measurement; ``query`` is the rule's own query, which names it."""

    query: str
    input: str
    known: str = ""
    day: str = ""
    grain: Grain = Grain.YEAR
    by: tuple[str, ...] = ()
    filter: tuple[Atom, ...] = ()
    value: str = "TRUE"
    logical: bool = True
    summed: bool = False
    leaves: tuple[Leaf, ...] = ()
    listed: bool = False
    """True: the first failing rows are asked for."""


@dataclass(frozen=True)
class Pass:
    """One query and how each of its measurements is read from the cells."""

    input: str
    sql: str
    parts: tuple[Merge, ...]
    read: Mapping[str, tuple[Chosen, Recipe]]
    """By the measurement's own query. Places count from the start of a cell."""


def wanted_of(spec: TargetSpec | RowsSpec, rules: RuleSql) -> Wanted | None:
    """Normalise a measurement; None: only its own query can measure it."""
    if isinstance(spec, RowsSpec):
        contract = rules.contracts[spec.input]
        if _speaks_of_periods(spec.where, spec.require):
            return None
        outcome = f"coalesce({rules.compiled(spec.require, None)}, {MISSING[spec.missing]})"
        atoms = _atoms(spec.where, contract, rules)
        return Wanted(rules.query(spec), spec.input, filter=atoms, value=outcome, listed=True)
    measure = spec.measure
    contract = rules.contracts[measure.input]
    leaves = tuple(leaves_of(measure.expression)) if measure.expression and not has_row_value(measure) else ()
    if (
        measure.kind in {MeasureKind.DISTINCT, MeasureKind.LATEST}
        or any(leaf.distinct for leaf in leaves)
        or _speaks_of_periods(measure.where, measure.expression)
    ):
        return None
    atoms = _atoms(measure.where, contract, rules)
    value = rules.compiled(measure.expression, None) if has_row_value(measure) else "TRUE"
    if measure.skip_missing:
        atoms = (*atoms, Atom(f"({value}) IS NOT NULL"))
    return Wanted(
        rules.query(spec),
        measure.input,
        rules.known(measure),
        rules.day(measure) if measure.period else "",
        spec.grain,
        measure.by,
        atoms,
        value,
        measure.kind in {MeasureKind.COUNT, MeasureKind.SHARE},
        measure.kind in {MeasureKind.SUM, MeasureKind.MEAN},
        leaves,
    )


def _speaks_of_periods(*expressions: Expression | None) -> bool:
    return any(
        column.name in _PERIOD_NAMES
        for item in expressions
        if item is not None and "period_" in item.text
        for column in item.tree.find_all(exp.Column)
    )


def _atoms(where: Expression | None, contract: Contract, rules: RuleSql) -> tuple[Atom, ...]:
    """Take a filter apart at its outer ANDs."""
    if where is None:
        return ()
    found = []
    for node in _conjuncts(where.tree):
        name, values = _equal(node, contract)
        found.append(Atom(rules.written(node), name, values))
    return tuple(found)


def _conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    else:
        yield node


def _equal(node: exp.Expression, contract: Contract) -> tuple[str, frozenset[Any]]:
    """Read ``field = value`` and ``field IN (values)`` of texts and whole numbers; an empty name: it is another condition."""
    if isinstance(node, exp.EQ):
        sides = [node.this, node.expression]
        column, values = (sides[0], sides[1:]) if isinstance(sides[0], exp.Column) else (sides[1], sides[:1])
    elif isinstance(node, exp.In):
        column, values = node.this, node.expressions
    else:
        return "", frozenset()
    if not isinstance(column, exp.Column) or column.name not in contract.kinds or column.name in PARAMETERS:
        return "", frozenset()
    kind = contract.field(column.name).type
    text = kind is FieldType.STRING
    if not text and kind not in {FieldType.INTEGER, FieldType.YEAR}:
        return "", frozenset()
    if not all(isinstance(value, exp.Literal) and value.is_string is text for value in values):
        return "", frozenset()
    if not text and not all(value.this.isdigit() for value in values):
        return "", frozenset()
    return column.name, frozenset(value.this if text else int(value.this) for value in values)


def candidates(wanted: Sequence[Wanted]) -> list[str]:
    """Give the fields that may become keys: those of subjects, and those that filters compare often."""
    conditions: dict[str, set[str]] = {}
    for item in wanted:
        for atom in item.filter:
            if atom.field:
                conditions.setdefault(atom.field, set()).add(atom.sql)
    often = [name for name, found in conditions.items() if len(found) >= FEW_FILTERS]
    return sorted({name for item in wanted for name in item.by} | set(often))


def passes_of(wanted: Sequence[Wanted], values: Mapping[str, int]) -> list[tuple[list[Wanted], frozenset[str]]]:
    """Divide the measurements of one input into passes, each with the fields that are keys in it.

    ``values``: about how many different values each of the ``candidates`` has.
    """
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
    """A query in the making: keys and named expressions with their aliases, parts with how they merge."""

    keys: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Merge] = field(default_factory=dict)

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

    rows, taken = draft.part(_count([])), counted()
    yes, no = taken, Counts(None)
    values: list[tuple[str, int, bool]] = []
    first = None
    if item.value != "TRUE":
        value = draft.name(item.value)
        yes = counted(value if item.logical else f"{value} IS NOT NULL")
        if item.logical:
            no = counted(f"NOT {value}")
        if item.summed:
            values.append(("sum", draft.part(_over("sum", within, value), Merge.ADD), False))
        if item.listed:
            failing = " AND ".join([*within, f"NOT {value}"])
            first = draft.part(f"min(CASE WHEN {failing} THEN __row END, {EXAMPLES})", Merge.FIRST)
    for leaf in item.leaves:
        values += _leaf(leaf, draft, within, taken)
    return chosen, Recipe(rows, taken, yes, no, tuple(values), first)


def _leaf(leaf: Leaf, draft: _Draft, within: list[str], taken: Counts) -> Iterator[tuple[str, int, bool]]:
    if not leaf.argument:
        if taken.sure is not None:
            yield leaf.name, taken.sure, False
        return
    value = draft.name(leaf.argument)
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
    source = f"SELECT __row, {', '.join(inner)} FROM {quoted('input_' + first.input)}"
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
    )
