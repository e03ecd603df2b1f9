"""What an input promises: fields, keys, frequency; and what came of one delivery.

A delivery is judged on its content's dates, never on the time of its file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.expressed import Kind
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.mapping import MappingFields
from tulosvahti.core.period import Grain, Period, expected_through
from tulosvahti.core.ranges import Range
from tulosvahti.core.rule import Reference
from tulosvahti.core.text import Text
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from datetime import date, timedelta

    from tulosvahti.core.arrival import Arrived
    from tulosvahti.core.drop import Drop
    from tulosvahti.core.fetched import Mark, Source


class FieldType(StrEnum):
    """The types of Frictionless Table Schema that registers use, and the periods that statistics use besides."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    YEAR = "year"
    YEARMONTH = "yearmonth"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    WEEK = "week"


_KINDS = {
    FieldType.STRING: Kind.TEXT,
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.DATE: Kind.DATE,
    FieldType.YEAR: Kind.NUMBER,
    FieldType.YEARMONTH: Kind.DATE,
    FieldType.QUARTER: Kind.DATE,
    FieldType.HALF_YEAR: Kind.DATE,
    FieldType.WEEK: Kind.DATE,
}
_CODE = re.compile(r"\^?(?:\[0-9\]|\\d)\{(\d{1,2})\}\$?")
DATED = {
    FieldType.DATE: Grain.DAY,
    FieldType.YEARMONTH: Grain.MONTH,
    FieldType.YEAR: Grain.YEAR,
    FieldType.QUARTER: Grain.QUARTER,
    FieldType.HALF_YEAR: Grain.HALF_YEAR,
    FieldType.WEEK: Grain.WEEK,
}
"""Types that can date a row, and how long the time is that they name."""


@dataclass(frozen=True)
class Field:
    """One column: name, type, the form of its text, and constraints."""

    name: str
    type: FieldType = FieldType.STRING
    header: str = ""
    title: Text = Text()
    date_format: str = "%Y-%m-%d"
    decimal_char: str = "."
    group_char: str = ""
    form_open: bool = False
    """True where the contract names no decimal mark: it is told from the values, or the column is refused."""
    percent: bool = False
    true_values: tuple[str, ...] = ("true", "1")
    false_values: tuple[str, ...] = ("false", "0")
    missing_values: tuple[str, ...] = ("",)
    hidden_values: tuple[str, ...] = ()
    """Those of them that stand in place of a value which the source hides, as it rests on too few."""
    required: bool = False
    unique: bool = False
    minimum: Decimal | date | None = None
    maximum: Decimal | date | None = None
    enum: tuple[str, ...] = ()
    pattern: str = ""
    min_length: int | None = None
    max_length: int | None = None
    jump: Decimal | None = None
    """How many times as much, or as little, as the period before an entered value may be; None: the usual."""
    jump_any: bool = False
    """True where no jump of an entered value is held implausible."""
    censored: bool = False
    """True where a limit may stand in place of the number: ``alle 90``."""
    stated: tuple[tuple[str, str], ...] = ()
    """Words that may stand in place of the number as a verdict: what they mean (``core.worded.STATED``), and the words."""

    @property
    def column(self) -> str:
        """The column's name in the file."""
        return self.header or self.name

    @property
    def code_length(self) -> int:
        """How many digits every code of the field has; 0 where that is not said."""
        found = _CODE.fullmatch(self.pattern) if self.type is FieldType.STRING else None
        return int(found[1]) if found else 0

    @property
    def short_code(self) -> str:
        """The pattern of a code that lost its leading zeros; empty where its length is not said."""
        size = self.code_length
        return f"^[0-9]{{1,{size - 1}}}$" if size > 1 else ""

    @property
    def kind(self) -> Kind:
        """What the field gives in an expression."""
        return _KINDS[self.type]

    @property
    def possible(self) -> Range:
        """Where its numbers can lie."""
        low, high = (Fraction(end) if isinstance(end, Decimal) else None for end in (self.minimum, self.maximum))
        return Range(low, high)

    @property
    def worded(self) -> bool:
        """Tell whether words may stand in place of the number."""
        return self.censored or bool(self.stated)


@dataclass(frozen=True)
class Contract:
    """What one input promises."""

    name: str
    title: Text
    path: str
    fields: tuple[Field, ...]
    place: Place
    encoding: str = "utf-8"
    delimiter: str = ","
    quote_char: str = '"'
    comment_char: str = ""
    sheet: str = ""
    """Of a workbook, empty: the one whose columns are the contract's; of a JSON-stat bundle, its dataset."""
    header_row: int = 0
    """Row of a sheet's header or line of a text's, from 1; 0: the one whose columns are the contract's."""
    header_rows: int = 0
    """Rows of the header, whose names are joined; 0: as many as the contract's columns need."""
    total_row: str = ""
    """What the total at the end says; empty: one is found by its word or its blank key."""
    keeps_total: bool = False
    """True where a total row is a row as any other: its sums are what is judged."""
    open: tuple[str, ...] = ()
    """What the contract leaves open of a text, to be told from the file: ``encoding``, ``delimiter``, ``quoteChar``."""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[Reference, ...] = ()
    """To what its rows refer: a rule of each is judged when the rows of both inputs are there."""
    synthetic: bool = False
    deliverer: str = ""
    deliverer_name: str = ""
    """What people call the deliverer, in the project's first language, where an agreement or a route says it."""
    source: str = ""
    frequency: Grain | None = None
    """None: comes once, and is never late."""
    grace: timedelta | None = None
    period: str = ""
    known_on: str = ""
    no_rows_means_none: bool = False
    provisional: str = ""
    """The boolean field that marks rows whose figures may still change."""
    not_additive: str = ""
    """Why parts need not make their total, where the contract says so; empty: what the file itself says counts."""
    zero_symbols: tuple[str, ...] = ()
    """Of a statistical table: symbols in place of a figure that stand for a true zero."""
    max_rejects_percent: Decimal | None = None
    paths: tuple[str, ...] = ()
    """All of them where ``path`` is a list, in its order."""
    fetch: Source | None = None
    """The server it is fetched from; ``path`` is the input's name then, and what came is read by its own names."""
    entered: bool = False
    """People enter the values; ``path`` is then where those that are approved are written."""
    four_eyes: bool = True
    """Whoever submitted an entered value may not approve it."""

    mapping: MappingFields | None = None
    """Of an input that says which organisation has what another had."""
    drop: Drop | None = None
    """Where its producer drops deliveries, which are taken from there and put at ``path``."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """Fields and what they give, for expressions."""
        return {item.name: item.kind for item in self.fields}

    @property
    def pushed(self) -> bool:
        """Tell whether it is measured in the database where it is, and never fetched."""
        return bool(getattr(self.fetch, "push", False))

    @property
    def sender(self) -> str:
        """Who is to be asked for a better delivery."""
        return self.deliverer_name or self.deliverer or "the deliverer"

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of the deliveries, in the order in which later ones win; each may be a glob."""
        return self.paths or (self.path,)

    @property
    def several(self) -> bool:
        """Tell whether more than one delivery may lie there at once."""
        return len(self.sources) > 1 or any(mark in self.path for mark in "*?[")

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns in which its rows are kept: its fields, then those of words in place of a number."""
        return (*(item.name for item in self.fields), *(words_of(item.name) for item in self.fields if item.worded))

    def field(self, name: str) -> Field:
        """Give a field by its name."""
        return next(item for item in self.fields if item.name == name)

    def expected_through(self, as_of: date) -> date | None:
        """Give the last day that the content must cover on ``as_of``; None where no frequency is promised."""
        if self.frequency is None or self.grace is None:
            return None
        return expected_through(as_of, self.frequency, self.grace)


class DeliveryState(StrEnum):
    """What came of a delivery."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    LATE = "late"
    MISSING = "missing"


@dataclass(frozen=True)
class Reject:
    """A row that broke the contract, or one of its cells. ``row`` is the record number with the header as 1."""

    row: int
    line: int
    column: str
    value: str
    reason: str
    duplicate: bool = False
    """True where the row repeats a row that was accepted: nothing is unknown because of it."""
    cell: str = ""
    """Address in a workbook: ``Sheet1!C7``."""
    file: str = ""
    """Name of the delivery, where an input has several."""

    @property
    def where(self) -> str:
        """Name the place as its readers will look for it."""
        place = self.cell or f"record {self.row} (line {self.line})"
        return f"{self.file}: {place}" if self.file else place


@dataclass(frozen=True)
class Notice:
    """Something to know about a delivery that changes no measurement."""

    message: str


@dataclass(frozen=True)
class Delivery:
    """One arrival of an input, after the contract. ``covered_through`` is the last day its content reaches."""

    name: str
    state: DeliveryState
    sha256: str = ""
    rows: int = 0
    rejects: tuple[Reject, ...] = field(default=(), repr=False)
    rejected_rows: int = 0
    covered_through: date | None = None
    expected_through: date | None = None
    explanation: str = ""
    next_step: str = ""
    notices: tuple[Notice, ...] = ()
    marks: tuple[Mark, ...] = ()
    """What the source says of its figures that changes how they are judged."""
    synthetic: bool = False
    header: tuple[str, ...] = field(default=(), repr=False)
    """Names of the file's columns, in its order; of a sheet, blank ones too: the letters of its columns."""
    files: tuple[Arrived, ...] = field(default=(), repr=False)
    """What it was taken from."""

    @property
    def usable(self) -> bool:
        """Tell whether rows can be measured."""
        return self.state in {DeliveryState.ACCEPTED, DeliveryState.LATE}

    def is_late_for(self, period: Period | None) -> bool:
        """Tell whether what is due of a period has not come."""
        if self.expected_through is None:
            return False
        due = self.expected_through if period is None else min(self.expected_through, period.last_day)
        if period is not None and due < period.start:
            return False
        return self.covered_through is None or self.covered_through < due

    def nothing_due_yet(self, period: Period) -> bool:
        """Tell whether the contract promises no content of this period yet."""
        return self.expected_through is not None and self.expected_through < period.start
