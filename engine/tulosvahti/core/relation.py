"""Figures, relations between them, and what judging them yields: words only.

Convention: a figure reported to unit u stands for the closed interval from v - u/2 to
v + u/2; a difference is stated minus expected. An absent figure contributes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Literal

from tulosvahti.core.quantity import last_digit_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.core.cause import CauseCode

Axis = Literal["row", "column", "tie"]
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
MOST_DIGITS = 60
"""Digits allowed before and after the decimal mark of a figure."""


@dataclass(frozen=True)
class Interval:
    """All numbers between two ends; None is an end at infinity.

    Raises:
        ValueError: the ends leave nothing between them.

    """

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        """Refuse an interval that contains nothing."""
        if self.low is not None and self.high is not None:
            pointless = self.low == self.high and (self.low_open or self.high_open)
            if self.low > self.high or pointless:
                msg = f"no number lies between {self.low} and {self.high}"
                raise ValueError(msg)

    @classmethod
    def of_figure(cls, value: Decimal, unit: Decimal | None = None) -> Interval:
        """Give what ``value`` stands for; ``unit`` None is its last printed digit."""
        half = EXACT.multiply(
            last_digit_unit(value) if unit is None else unit, Decimal("0.5")
        )
        return cls(EXACT.subtract(value, half), EXACT.add(value, half))

    def times(self, weight: int) -> Interval:
        """Multiply; a negative weight swaps the ends together with their flags."""
        if weight == 0:
            return Interval(Decimal(0), Decimal(0))
        low, high = (
            None if end is None else EXACT.multiply(end, Decimal(weight))
            for end in (self.low, self.high)
        )
        if weight > 0:
            return Interval(low, high, self.low_open, self.high_open)
        return Interval(high, low, self.high_open, self.low_open)

    def plus(self, other: Interval) -> Interval:
        """Add; an end is open where either is."""
        low = _added(self.low, other.low)
        high = _added(self.high, other.high)
        return Interval(
            low,
            high,
            self.low_open or other.low_open,
            self.high_open or other.high_open,
        )

    def meets(self, other: Interval) -> bool:
        """Tell whether a number lies in both."""
        return _reaches(self, other) and _reaches(other, self)


def _added(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else EXACT.add(one, other)


def _reaches(lower: Interval, upper: Interval) -> bool:
    if lower.high is None or upper.low is None:
        return True
    closed = not (lower.high_open or upper.low_open)
    return lower.high > upper.low or (lower.high == upper.low and closed)


def sum_intervals(parts: Iterable[tuple[Interval, int]]) -> Interval:
    """Add weighted intervals; nothing gives the point 0."""
    total = Interval(Decimal(0), Decimal(0))
    for interval, weight in parts:
        total = total.plus(interval.times(weight))
    return total


@dataclass(frozen=True)
class Figure:
    """A cell: ``value`` None is absent (never 0); ``unit`` 0 says that it is exact.

    Raises:
        ValueError: not a finite number of reasonable length, or a negative unit.

    """

    id: str
    value: Decimal | None
    unit: Decimal
    place: str = ""

    def __post_init__(self) -> None:
        """Refuse what no table prints."""
        for number in (self.value, self.unit):
            if number is not None and not _reasonable(number):
                msg = f"figure {self.id}: {number} is no number of at most 60 digits"
                raise ValueError(msg)
        if self.unit < 0:
            msg = f"figure {self.id}: unit {self.unit} is negative"
            raise ValueError(msg)


def _reasonable(number: Decimal) -> bool:
    if not number.is_finite():
        return False
    exponent = int(number.as_tuple().exponent)
    return -MOST_DIGITS <= exponent <= MOST_DIGITS and number.adjusted() <= MOST_DIGITS


@dataclass(frozen=True)
class Relation:
    """``total`` = the sum of ``items`` (figure id, weight 1 or -1).

    Relations of one ``group`` list parallel items in the same order (the columns of one
    total row, say), so that a line which crosses all of them can be recognised.
    """

    id: str
    total: str
    items: tuple[tuple[str, int], ...]
    kind: str = "sum"
    axis: Axis = "tie"
    label: str = ""
    group: str = ""


@dataclass(frozen=True)
class RelationResult:
    """A judged relation; numbers are None where nothing can be computed.

    ``incomplete``: the total, every item, or an item whose value could make it hold is
    absent. ``slack_used``: within rounding, yet beyond three standard deviations of it.
    """

    relation: Relation
    state: Literal["holds", "broken", "incomplete"]
    stated: Decimal | None
    expected: Decimal | None
    difference: Decimal | None
    rounding: Literal["exact", "within", "beyond"] | None
    slack_used: bool = False
    absent: tuple[str, ...] = ()

    @property
    def holds(self) -> bool | None:
        """True or False, None where it cannot be judged."""
        return None if self.state == "incomplete" else self.state == "holds"


@dataclass(frozen=True)
class Mend:
    """Cells that together mend a fault, and the value each would need."""

    cells: tuple[str, ...]
    stated: tuple[Decimal | None, ...]
    implied: tuple[Decimal, ...]
    cause: CauseCode | None


@dataclass(frozen=True)
class Fault:
    """Broken relations with one explanation.

    ``cells`` are those that every smallest answer shares, with the same value: only
    they are stated as fact. Where answers differ, all are in ``alternatives``, likelier
    slips first. ``because``: the figures that the cause speaks of (a row left out).
    ``cut``: not everything was searched.
    """

    cells: tuple[str, ...]
    stated: tuple[Decimal | None, ...]
    implied: tuple[Decimal, ...]
    cause: CauseCode | None
    relations: tuple[str, ...]
    alternatives: tuple[Mend, ...] = ()
    because: tuple[str, ...] = ()
    cut: bool = False

    @property
    def explains(self) -> int:
        """How many broken relations this explains."""
        return len(self.relations)

    @property
    def located(self) -> bool:
        """Tell whether the cells are known for certain."""
        return bool(self.cells) and not self.alternatives and not self.cut


@dataclass(frozen=True)
class StructureFault:
    """A relation that is put together wrongly.

    Codes here: ``no_items``, ``twice`` (a figure stands twice). ``names``: figure ids.
    """

    code: str
    relation: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crossfooting:
    """Results in relation order, faults in the order of their first relation."""

    results: tuple[RelationResult, ...]
    faults: tuple[Fault, ...]
    structure: tuple[StructureFault, ...] = ()

    @property
    def cut(self) -> bool:
        """Tell whether the search for wrong cells was given up somewhere."""
        return any(fault.cut for fault in self.faults)
