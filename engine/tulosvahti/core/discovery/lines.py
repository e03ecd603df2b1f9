"""Numbers of a table along one axis, ready for a search.

Convention: ``values[line, position]``; along the axis "row" a line is a row and a position a column, along "column"
the other way round. Floats are used to *search* only, with slack for their error: what is found is judged afterwards
in exact decimals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", np.float64, np.bool_)
Axis = Literal["row", "column"]
SLACK = 1e-9
"""Relative slack for the error of floats."""
STEPS = (10**7, 5 * 10**6, 10**6, 5 * 10**5, 10**5, 5 * 10**4, 10**4, 5000, 1000, 500, 100, 50, 10, 5, 3)
STEP_EVIDENCE = 20.0
"""Bits: how unlikely it must be that numbers rounded to less are all multiples of a step."""
MOST_EXACT = 2.0**53


@dataclass(frozen=True)
class Numbers:
    """A grid of printed numbers; NaN is no number.

    ``units``: what the last digit stands for; ``grains``: the largest power of ten that divides the number (infinite
    for 0 and for none); ``filled``: something stands here that is not a label (a number, a dash, ``N/A``).
    """

    values: Floats
    units: Floats
    grains: Floats
    percent: Bools
    filled: Bools

    @classmethod
    def of(
        cls,
        cells: Sequence[Sequence[tuple[Decimal, Decimal] | None]],
        percent: Sequence[Sequence[bool]],
        filled: Sequence[Sequence[bool]],
    ) -> Numbers:
        """Take rows of (value, unit); all rows equally long."""
        shape = (len(cells), len(cells[0]) if cells else 0)
        values, units = np.full(shape, np.nan), np.zeros(shape)
        grains = np.full(shape, np.inf)
        for r, row in enumerate(cells):
            for c, cell in enumerate(row):
                if cell is None:
                    continue
                value, unit = cell
                values[r, c], units[r, c] = float(value), float(unit)
                if value:
                    grains[r, c] = 10.0 ** int(value.normalize().as_tuple().exponent)
        kept = np.maximum(np.maximum(_stepped(values, units), _stepped(values.T, units.T).T), _pooled(values, units))
        return cls(values, kept, grains, np.array(percent, bool).reshape(shape), np.array(filled, bool).reshape(shape))

    def along(self, axis: Axis, labels: Sequence[str]) -> Lines:
        """Look along an axis; ``labels`` name the positions."""
        parts = (self.values, self.units, self.grains, self.percent, self.filled)
        if axis == "column":
            parts = tuple(part.T for part in parts)  # type: ignore[assignment]
        return Lines(*parts, labels=tuple(labels))


def part_of(grid: npt.NDArray[Scalar], rows: Sequence[int] | Ints, positions: Sequence[int]) -> npt.NDArray[Scalar]:
    """Cut some lines and some positions out of a grid."""
    result: npt.NDArray[Scalar] = grid[np.asarray(rows, dtype=np.int64)[:, None], np.asarray(positions, dtype=np.int64)[None, :]]
    return result


def _stepped(values: Floats, units: Floats) -> Floats:
    """Raise the unit of a column whose numbers are all multiples of a larger step: 38.00, 12.00, 1 200 000."""
    result = units.copy()
    for c in range(values.shape[1]):
        here = ~np.isnan(values[:, c]) & (values[:, c] != 0)
        if here.sum() < 3:
            continue
        own = units[here, c]
        unit = own.min()
        if unit != own.max() and own.max() > 1:
            continue
        whole = np.rint(np.abs(values[here, c]) / unit)
        if (whole > MOST_EXACT).any():
            continue
        distinct = np.unique(whole)
        for step in STEPS:
            if len(distinct) * math.log2(step) >= STEP_EVIDENCE and not (distinct % step).any():
                numbers = ~np.isnan(values[:, c])
                result[numbers, c] = np.maximum(result[numbers, c], unit * step)
                break
    return result


def _pooled(values: Floats, units: Floats) -> Floats:
    """Raise the unit of all columns together whose whole numbers are multiples of 5: figures rounded so at random."""
    result = units.copy()
    columns, evidence, numeric = [], 0.0, 0
    for c in range(values.shape[1]):
        here = values[~np.isnan(values[:, c]) & (values[:, c] != 0), c]
        numeric += bool(len(here))
        if len(here) and not (here % 5).any():
            columns.append(c)
            evidence += len(np.unique(here)) * math.log2(5)
    if evidence >= STEP_EVIDENCE and 2 * len(columns) >= numeric:
        for c in columns:
            result[~np.isnan(values[:, c]), c] = np.maximum(result[~np.isnan(values[:, c]), c], 5)
    return result


@dataclass(frozen=True)
class Lines:
    """One axis of a table: numbers with 0 for absent ones beside the mask of what is there."""

    values: Floats
    units: Floats
    grains: Floats
    percent: Bools
    filled: Bools
    labels: tuple[str, ...] = field(default=())

    @cached_property
    def there(self) -> Bools:
        """Where a number stands."""
        return ~np.isnan(self.values)

    @cached_property
    def zeroed(self) -> Floats:
        """The numbers, 0 where none stands."""
        return np.where(self.there, self.values, 0.0)

    @cached_property
    def halves(self) -> Floats:
        """Half a unit of each number, 0 where none stands."""
        return np.where(self.there, self.units, 0.0) / 2

    @cached_property
    def steps(self) -> Floats:
        """What a number can be told apart from: its unit, or the larger grain of its digits."""
        grain = np.where(np.isinf(self.grains), 0.0, self.grains)
        return np.maximum(np.maximum(self.units, grain), 1e-12)

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """Positions at which some line has a number."""
        return tuple(int(q) for q in np.flatnonzero(self.there.any(0)))

    @cached_property
    def bits(self) -> float:
        """How many bits it takes to name a position."""
        return math.log2(max(2, len(self.numeric)))

    @property
    def count(self) -> int:
        """Number of lines."""
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """Number of positions."""
        return int(self.values.shape[1])
