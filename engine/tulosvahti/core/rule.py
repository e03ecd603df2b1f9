"""Rules: something that gets a verdict. Pure data; what each kind means stands beside its judging.

Every rule has exactly one kind: target, crossfoot, milestone, narrative, rows or expectation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tulosvahti.core.mapping import MappedBy, Moved
from tulosvahti.core.period import Grain, Period
from tulosvahti.core.text import Text
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.target import Direction, Target


class Severity(StrEnum):
    """How much a finding of this rule matters."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class WaitUnit(StrEnum):
    """What a wait is counted in."""

    PERIODS = "periods"
    RUNS = "runs"


@dataclass(frozen=True)
class Wait:
    """For how many periods in a row, or runs, it must be bad before anybody is told."""

    count: int
    unit: WaitUnit


class MeasureKind(StrEnum):
    """How rows become a value; tells what missing rows and open periods do to it."""

    COUNT = "count"
    DISTINCT = "distinct"
    SUM = "sum"
    MEAN = "mean"
    SHARE = "share"
    RATIO = "ratio"
    LATEST = "latest"
    VALUE = "value"


@dataclass(frozen=True)
class Measure:
    """What is measured: an input, a kind, an expression, and where, when and for whom."""

    input: str
    kind: MeasureKind
    expression: Expression | None
    """None: ``count: "*"``."""
    where: Expression | None = None
    period: str = ""
    by: tuple[str, ...] = ()
    accumulates: bool = False
    path: tuple[tuple[int, int, Decimal], ...] = ()
    """Declared path: (month, day, share of the target expected by then); empty: linear."""
    min_rows: int = 0
    """Rows, or cases, that judging needs at least."""
    cases: str = ""
    """The field that says for how many cases a row stands; empty: each is one."""
    skip_missing: bool = False
    mapping: MappedBy | None = None
    """By which organisations of another day the rows of a field are counted."""
    moved: Moved | None = None
    """The same, looked up for the day judged: only while a run judges."""


@dataclass(frozen=True)
class TargetSpec:
    """An indicator: a measure and its dated targets (a period without one is monitored)."""

    measure: Measure
    grain: Grain
    targets: tuple[tuple[Period, Target], ...] = ()
    warn: Target | None = None
    grace: timedelta | None = None

    def target_of(self, period: Period | None) -> Target | None:
        """Give the target of a period; None: monitored."""
        return next((target for due, target in self.targets if due == period), None)


@dataclass(frozen=True)
class MilestoneSpec:
    """Something due on a date: a row with the key and the day it was done."""

    input: str
    key: str
    due: date
    lead: timedelta = timedelta()
    key_field: str = "milestone"
    done_field: str = "done_on"


@dataclass(frozen=True)
class NarrativeSpec:
    """A verbal indicator: a report with author, date, text and a reference, for each year, by its due date."""

    input: str
    key: str
    due: tuple[tuple[Period, date], ...]
    lead: timedelta = timedelta()
    key_field: str = "narrative"


@dataclass(frozen=True)
class FigureRef:
    """A figure that lives somewhere: a cell of a table input, a rule's target, or a rule's observed value."""

    input: str = ""
    row: str = ""
    column: str = ""
    target_of: str = ""
    observed_of: str = ""
    period: Period | None = None

    def __str__(self) -> str:
        """Name the figure as in the rule file."""
        if self.input:
            return f"{self.input}: {self.row} / {self.column}"
        what = f"target of {self.target_of}" if self.target_of else f"observed of {self.observed_of}"
        return f"{what}, {self.period.key}" if self.period else what


@dataclass(frozen=True)
class Tie:
    """A total and its items that live in different places."""

    total: FigureRef
    items: tuple[FigureRef, ...]


@dataclass(frozen=True)
class CrossfootSpec:
    """The arithmetic of a table: row sums, column sums, subtotals, grand total and ties."""

    input: str = ""
    label: str = ""
    columns: tuple[str, ...] = ()
    total_row: str = ""
    total_column: str = ""
    subtracted: frozenset[str] = frozenset()
    subtotals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rounded_to: Decimal | None = None
    noise: Decimal | None = None
    """The most by which the source may have changed each figure."""
    ties: tuple[Tie, ...] = ()


@dataclass(frozen=True)
class Reference:
    """Fields whose values a row of an input, another or the same, must have in the fields ``to``."""

    fields: tuple[str, ...]
    input: str
    to: tuple[str, ...]


@dataclass(frozen=True)
class RowsSpec:
    """What every row must be: of a condition, unlike every other row in some fields, or with a partner that it refers to.

    Exactly one of ``require``, ``unique`` and ``references`` is there. ``missing`` says what a row with a missing operand is.
    """

    input: str
    require: Expression | None = None
    where: Expression | None = None
    missing: str = "unknown"
    key: tuple[str, ...] = ()
    """The fields by which failing rows are named."""
    unique: tuple[str, ...] = ()
    references: Reference | None = None

    @property
    def text(self) -> str:
        """What every row must be, in one line."""
        if self.require is not None:
            return self.require.text
        if self.references is not None:
            found = self.references
            return f"({', '.join(found.fields)}) in {found.input} ({', '.join(found.to)})"
        return f"unique ({', '.join(self.unique)})"


def inputs_of(spec: TargetSpec | RowsSpec) -> dict[str, None]:
    """Give the inputs whose rows a measurement reads, its own first."""
    if isinstance(spec, TargetSpec):
        return {spec.measure.input: None}
    return dict.fromkeys([spec.input, *([spec.references.input] if spec.references else [])])


@dataclass(frozen=True)
class ExpectationSpec:
    """A Great Expectations expectation by name, with its arguments."""

    input: str
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    """The input's fields that the arguments name; only these are handed over."""


def named_columns(kwargs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the columns that an expectation's arguments name, each with the argument."""
    found: list[tuple[str, str]] = []
    for key in ("column", "column_A", "column_B", "column_list", "column_set"):
        value = kwargs.get(key)
        names = value if isinstance(value, list | tuple) else [value] if value is not None else []
        found += [(key, str(name)) for name in names]
    return found


Spec = TargetSpec | CrossfootSpec | MilestoneSpec | NarrativeSpec | RowsSpec | ExpectationSpec


@dataclass(frozen=True)
class Cite:
    """Where in the agreement the rule stands, in the agreement's own words."""

    agreement: str
    section: str
    section_title: Text
    page: int | None = None
    quote: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of the agreement."""

    id: str
    title: Text
    owner: str
    cite: Cite
    spec: Spec
    place: Place
    unit: str = ""
    severity: Severity = Severity.WARNING
    direction: Direction | None = None
    in_state_budget: bool = False
    note: Text = Text()
    wait: Wait | None = None
    """None: the route's, or at once."""

    @property
    def kind(self) -> str:
        """The rule's kind, in one word."""
        return _KIND_NAMES[type(self.spec)]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that the rule reads."""
        spec = self.spec
        if isinstance(spec, TargetSpec):
            mapping = spec.measure.mapping
            return (spec.measure.input, mapping.input) if mapping else (spec.measure.input,)
        if isinstance(spec, CrossfootSpec):
            tied = [ref.input for tie in spec.ties for ref in (tie.total, *tie.items)]
            return tuple(dict.fromkeys(name for name in (spec.input, *tied) if name))
        if isinstance(spec, RowsSpec):
            return tuple(inputs_of(spec))
        return (spec.input,)


_KIND_NAMES: dict[type, str] = {
    TargetSpec: "target",
    CrossfootSpec: "crossfoot",
    MilestoneSpec: "milestone",
    NarrativeSpec: "narrative",
    RowsSpec: "rows",
    ExpectationSpec: "expectation",
}


@dataclass(frozen=True)
class Agreement:
    """A signed document: parties, years, when its annual reports are due."""

    key: str
    title: Text
    document: str
    agency: Text
    signed_on: date | None = None
    years: tuple[tuple[int, bool], ...] = ()
    """Year and whether it is binding."""
    annual_report: tuple[tuple[int, date], ...] = ()
    parties: tuple[tuple[str, Text], ...] = ()

    def binding(self, period: Period | None) -> bool:
        """Tell whether the year of a period is binding; a rule without period is bound by the document itself."""
        return period is None or dict(self.years).get(period.start.year, False)
