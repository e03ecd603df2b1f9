"""What a measurement reads, normalised: the form in which the plan compares and shares measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tulosvahti.compute.keys_sql import MISSING, has_key, has_partner, partners
from tulosvahti.compute.parts_sql import Leaf, has_row_value, leaves_of, quoted
from tulosvahti.compute.rule_sql import RuleSql, period_start, sql_of
from tulosvahti.core.contract import FieldType
from tulosvahti.core.expressed import PARAMETERS, Kind
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import MeasureKind, RowsSpec, TargetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Expression

_PERIOD_NAMES = frozenset({"period_start", "period_end"})


@dataclass(frozen=True)
class Atom:
    """One condition of a filter; ``field`` and ``values`` where it is a field that equals one of some values."""

    sql: str
    field: str = ""
    values: frozenset[Any] = frozenset()
    reads: frozenset[str] = frozenset()
    """As ``Wanted.reads``."""
    skips: bool = False
    """True: it leaves out the rows without a value."""


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
    reads: frozenset[str] = frozenset()
    """The fields that a condition speaks of, quoted, or ``YEAR`` of them; empty: it speaks of other things too."""
    logical: bool = True
    summed: bool = False
    leaves: tuple[Leaf, ...] = ()
    listed: bool = False
    """True: the first failing rows are asked for."""
    different: bool = False
    """True: different values are counted."""
    newest: tuple[str, ...] = ()
    """What tells how new a row is, the first before the second; the value of the newest row is asked for."""
    dated: tuple[str, ...] = ()
    """The fields behind ``newest``."""
    dated_by: str = ""
    """The field behind ``day``, quoted."""
    compared: tuple[Atom, ...] = ()
    """What ``value`` compares, where it is a field that equals one of some values."""
    sound: bool = False
    """True: no row is a reject."""
    cases: str = ""
    """The column that says for how many cases a row stands."""
    hidden: str = ""
    """The condition on rows in which the source hides the value."""
    join: str = ""
    """The keys of the input that the rows refer to, beside which ``value`` stands."""

    @property
    def family(self) -> Hashable:
        """What measurements must share to stand in one pass; None: with all that merge.

        Different values do not merge, so their cells are their groups; the newest row needs its day as a key.
        """
        if self.different or any(leaf.distinct for leaf in self.leaves):
            return "different", self.known, self.day, self.grain, frozenset(self.by)
        return ("newest", self.known, self.newest) if self.newest else None


def wanted_of(spec: TargetSpec | RowsSpec, rules: RuleSql, *, listed: bool = True) -> Wanted | None:
    """Normalise a measurement; None: only its own query can measure it. ``listed``: a pass finds the first failing rows.

    Of a rule of unique values it is what a row tells by itself: whether it has its key.
    """
    if isinstance(spec, RowsSpec):
        contract, join = rules.contracts[spec.input], ""
        if _speaks_of_periods(spec.where, spec.require):
            return None
        said = _said(spec.require, contract, rules)
        reads, compared = said.reads, (said,) if said.field else ()
        if spec.references is not None:
            outcome, join = has_partner(spec.references, spec.missing), partners(spec.references)[0]
        elif spec.unique:
            outcome, listed = has_key(spec.unique, spec.missing), listed and spec.missing == "fail"
            reads = frozenset(map(quoted, spec.unique))
        else:
            outcome = rules.compiled(spec.require, None)
            outcome = outcome if spec.missing == "unknown" else f"coalesce({outcome}, {MISSING[spec.missing]})"
        atoms = rules.once(("atoms", spec.input, *sql_of(spec.where)), lambda: _atoms(spec.where, contract, rules.written))
        query = rules.query(spec)
        return Wanted(query, spec.input, filter=atoms, value=outcome, reads=reads, listed=listed, compared=compared, join=join)
    measure = spec.measure
    if measure.mapping is not None:
        return None
    contract, day = rules.contracts[measure.input], rules.day(measure)
    start = f"({period_start(day, spec.grain)})" if measure.period else "CAST(NULL AS DATE)"
    written = partial(rules.written, grain=spec.grain, period=start)
    row_value = has_row_value(measure)
    leaves: tuple[Leaf, ...] = ()
    if measure.expression and not row_value:
        whole = measure.expression
        leaves = rules.once(("leaves", spec.grain, start, *sql_of(whole)), lambda: tuple(leaves_of(whole, written)))
    place = ("atoms", measure.input, spec.grain, start, *sql_of(measure.where))
    atoms = rules.once(place, lambda: _atoms(measure.where, contract, written))
    value = rules.compiled(measure.expression, spec.grain, start) if row_value else "TRUE"
    said = _said(measure.expression if row_value else None, contract, rules)
    if measure.skip_missing:
        atoms = (*atoms, Atom(f"({value}) IS NOT NULL", reads=said.reads, skips=True))
    newest: tuple[str, ...] = ()
    if measure.kind is MeasureKind.LATEST:
        newest = (day, quoted(contract.known_on)) if contract.known_on else (day,)
    return Wanted(
        rules.query(spec),
        measure.input,
        rules.known(measure),
        day if measure.period else "",
        spec.grain,
        measure.by,
        atoms,
        value,
        said.reads,
        measure.kind in {MeasureKind.COUNT, MeasureKind.SHARE},
        measure.kind in {MeasureKind.SUM, MeasureKind.MEAN},
        leaves,
        different=measure.kind is MeasureKind.DISTINCT,
        newest=newest,
        dated_by=quoted(measure.period) if contract.kinds.get(measure.period) is Kind.DATE else "",
        compared=(said,) if said.field else (),
        cases=quoted(measure.cases) if measure.cases else "",
        hidden=rules.hidden(measure),
        dated=(measure.period, contract.known_on) if newest and contract.known_on else (measure.period,) if newest else (),
    )


def _speaks_of_periods(*expressions: Expression | None) -> bool:
    return any(
        column.name in _PERIOD_NAMES
        for item in expressions
        if item is not None and "period_" in item.text
        for column in item.tree.find_all(exp.Column)
    )


def _said(expression: Expression | None, contract: Contract, rules: RuleSql) -> Atom:
    """Tell what an expression of rows speaks of, and what it compares."""
    if expression is None:
        return Atom("")
    make = lambda: Atom(expression.text, *_equal(expression.tree.unnest(), contract), _reads(expression.tree))  # noqa: E731
    return rules.once(("said", contract.name, *sql_of(expression)), make)


def _reads(tree: exp.Expression) -> frozenset[str]:
    """Name what a condition is made of: fields, or the years of fields; empty: periods too."""
    columns = list(tree.find_all(exp.Column))
    if any(column.name in PARAMETERS for column in columns):
        return frozenset()
    return frozenset(f"YEAR({quoted(item.name)})" if isinstance(item.parent, exp.Year) else quoted(item.name) for item in columns)


def _atoms(where: Expression | None, contract: Contract, written: Callable[[exp.Expression], str]) -> tuple[Atom, ...]:
    """Take a filter apart at its outer ANDs."""
    if where is None:
        return ()
    found = []
    for node in _conjuncts(where.tree):
        name, values = _equal(node, contract)
        found.append(Atom(written(node), name, values, _reads(node)))
    return tuple(found)


def _conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    else:
        yield node


def _equal(node: exp.Expr, contract: Contract) -> tuple[str, frozenset[Any]]:
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
