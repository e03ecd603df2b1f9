"""A pattern: one position computed from others, and in which lines that shows.

Convention: ``holds`` are lines where the numbers show it; in ``idle`` lines it holds without saying anything (zeros, a
lone item); in ``fails`` it does not hold. Where every difference but a few is exactly nil, a line that is off by
rounding fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tulosvahti.core.discovery.evidence import (
    EXACT_BITS,
    MOST_BITS,
    OFF_BITS,
    fresh,
    is_exact,
    rounding_loss,
    split_cost,
    unshuffled,
)
from tulosvahti.core.discovery.lines import SLACK, Lines, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.discovery.lines import Bools, Floats

Function = Literal["sum", "difference", "average", "share", "relative_change"]
LEAST_STEP = 1e-12
ROOT_12 = 12**0.5


@dataclass(frozen=True)
class Pattern:
    """``total`` is ``function`` of ``items`` (in the order of the formula), each with its weight.

    ``bits``: the evidence of the lines; ``loss``: bits lost to rounding; ``equal``: evidence of idle lines in which the
    total equals its only item. ``place``: bits it takes to say which positions these are; ``score``: what is left.
    ``percent``: a share or change given in hundredths.
    """

    function: Function
    total: int
    items: tuple[int, ...]
    weights: tuple[int, ...]
    holds: tuple[int, ...]
    fails: tuple[int, ...]
    idle: tuple[int, ...]
    bits: float
    loss: float = 0.0
    equal: float = 0.0
    place: float = 0.0
    score: float = 0.0
    percent: bool = False

    @property
    def split(self) -> float:
        """Bits it takes to say in which lines it holds."""
        return split_cost(len(self.holds), len(self.fails))

    @property
    def fit(self) -> float:
        """How well it fits what it claims, whatever it claims: at most 0."""
        return -self.loss - self.split

    @property
    def shape(self) -> tuple[object, ...]:
        """Where the items lie, seen from the total: the same in every block of a table built alike."""
        first, last = self.items[0] - self.total, self.items[-1] - self.total
        if len(self.items) < 12:
            return tuple(q - self.total for q in self.items)
        return first, "to", last if last < 0 else "end"


def summed(lines: Lines, total: int, items: Sequence[int], weights: Sequence[int] | None = None) -> Pattern:
    """Judge "total = sum of items" over all lines."""
    picked = list(items)
    signs = [1] * len(picked) if weights is None else list(weights)
    terms = lines.zeroed[:, picked] * np.array(signs, float)
    slack = lines.halves[:, total] + lines.halves[:, picked].sum(1)
    stated = lines.zeroed[:, total]
    there = lines.there[:, picked]
    difference = np.abs(terms.sum(1) - stated)
    judged = lines.there[:, total] & there.any(1)
    hold = judged & (difference <= slack * (1 + SLACK) + 1e-12 * np.abs(stated))
    shown = (terms != 0).sum(1)
    idle = hold & ((stated == 0) | (shown < min(2, len(picked))))
    show, fail = hold & ~idle, judged & ~hold
    bits = loss = 0.0
    rows = np.flatnonzero(show)
    if len(rows):
        size = np.abs(terms[rows])
        # The largest item alone says nothing: what the others add must be visible.
        rest = np.minimum(np.abs(stated[rows]), size.sum(1) - size.max(1)) if len(picked) > 1 else np.abs(stated[rows])
        count = there[rows].sum(1)
        unit = np.maximum(np.maximum(lines.units[rows, total], 2 * part_of(lines.halves, rows, picked).sum(1) / count), LEAST_STEP)
        grain = np.minimum(lines.grains[rows, total], part_of(lines.grains, rows, picked).min(1))
        step = np.maximum(unit, np.where(np.isinf(grain), 0.0, grain))
        base = np.minimum(np.log2(2 * rest / step + 1), MOST_BITS)
        off = rounding_loss(difference[rows], unit, unit * np.sqrt((count + 1) / 12))
        exactly = is_exact(difference[rows], stated[rows], unit)
        strict = np.where(exactly, EXACT_BITS, OFF_BITS)
        new = fresh(terms[rows], stated[rows])
        rounded, exact = float((base - off)[new].sum()), float((base - strict)[new].sum())
        bits, loss = max(rounded, exact), float((strict if exact >= rounded else off).sum())
        if exact >= rounded:
            late = np.zeros(lines.count, bool)
            late[rows[~exactly]] = True
            show, fail = show & ~late, fail | late
    return Pattern(
        "sum", total, tuple(picked), tuple(signs), _rows(show), _rows(fail), _rows(idle), bits, loss, _equal(lines, total, idle)
    )


def _rows(mask: Bools) -> tuple[int, ...]:
    rows: list[int] = np.flatnonzero(mask).tolist()
    return tuple(rows)


def _equal(lines: Lines, total: int, idle: Bools) -> float:
    rows = np.flatnonzero(idle & (lines.zeroed[:, total] != 0))
    if not len(rows):
        return 0.0
    sizes, first = np.unique(np.abs(lines.zeroed[rows, total]), return_index=True)
    return float(np.log2(2 * sizes / lines.steps[rows[first], total] + 1).sum())


def averaged(lines: Lines, total: int, items: Sequence[int]) -> Pattern:
    """Judge "total = mean of the items that are there" over all lines."""
    picked = list(items)
    there = lines.there[:, picked]
    count = np.maximum(there.sum(1), 1)
    values = lines.zeroed[:, picked]
    mean, stated = values.sum(1) / count, lines.zeroed[:, total]
    own = lines.halves[:, picked].sum(1) / count
    slack = lines.halves[:, total] + own
    judged = lines.there[:, total] & there.any(1)
    difference = np.abs(mean - stated)
    hold = judged & (difference <= slack * (1 + SLACK) + 1e-12 * np.abs(stated))
    spread = np.where(there, values, -np.inf).max(1) - np.where(there, values, np.inf).min(1)
    idle = hold & ((there.sum(1) < 2) | (spread == 0))
    show, fail = hold & ~idle, judged & ~hold
    bits = 0.0
    rows = np.flatnonzero(show)
    if len(rows):
        unit = np.maximum(lines.units[rows, total], LEAST_STEP)
        step = lines.steps[rows, total]
        sigma = np.sqrt(unit**2 + (2 * own[rows]) ** 2 / count[rows]) / ROOT_12
        gain = np.clip(np.log2(2 * spread[rows] / step + 1) - rounding_loss(difference[rows], step, sigma), -8, 16)
        every = np.zeros(lines.count)
        every[rows] = gain
        seen = np.flatnonzero(judged)
        every[seen] = unshuffled(mean[seen], slack[seen], stated[seen], every[seen])
        new = fresh(np.column_stack([values[rows], stated[rows]]), np.ones(len(rows)))
        bits = float(every[rows[new]].sum())
    return Pattern("average", total, tuple(picked), (1,) * len(picked), _rows(show), _rows(fail), _rows(idle), bits)


def quotients(lines: Lines, over: int, under: int, *, change: bool, percent: bool) -> tuple[Floats, Floats, Bools]:
    """Give ``over / under`` (less one, for a change), how far rounding can move it, and where it can be computed."""
    divisor = lines.zeroed[:, under]
    known = lines.there[:, over] & lines.there[:, under] & (divisor != 0)
    if not change:
        known &= lines.zeroed[:, over] != 0
    safe = np.where(known, divisor, 1.0)
    ratio = np.where(known, lines.zeroed[:, over], 0.0) / safe
    reach = (lines.halves[:, over] + np.abs(ratio) * lines.halves[:, under]) / np.abs(safe)
    scale = 100.0 if percent else 1.0
    return (ratio - 1 if change else ratio) * scale, reach * scale, known


def divided(lines: Lines, total: int, over: int, under: int, *, change: bool, percent: bool) -> Pattern:
    """Judge "total = over / under", or "(over - under) / under" for a change, over all lines.

    ``items`` are in the order of the formula: dividend and divisor; for a change the old value and the new one.
    """
    expected, reach, known = quotients(lines, over, under, change=change, percent=percent)
    stated = lines.zeroed[:, total]
    slack = (lines.halves[:, total] + reach) * (1 + SLACK) + 1e-12
    judged = known & lines.there[:, total]
    hold = judged & (np.abs(stated - expected) <= slack)
    plain = 100.0 if percent else 1.0
    dull = (stated == 0) | (np.abs(expected) == plain) | (stated == lines.zeroed[:, over]) | (stated == lines.zeroed[:, under])
    idle, show = hold & dull, hold & ~dull
    bits = 0.0
    rows = np.flatnonzero(show)
    if len(rows):
        gain = np.zeros(lines.count)
        gain[rows] = share_bits(stated[rows], lines.steps[rows, total], reach[rows])
        seen = np.flatnonzero(judged)
        gain[seen] = unshuffled(expected[seen], slack[seen], stated[seen], gain[seen])
        new = fresh(np.column_stack([stated[rows], expected[rows]]), np.ones(len(rows)))
        bits = float(gain[rows[new]].sum())
    function: Function = "relative_change" if change else "share"
    items = (under, over) if change else (over, under)
    return Pattern(
        function, total, items, (1, 1), _rows(show), _rows(judged & ~hold), _rows(idle), bits, percent=percent
    )


def share_bits(stated: Floats, step: Floats, reach: Floats) -> Floats:
    """Give what one quotient says that fits: how many others of its size would not have."""
    result: Floats = np.minimum(np.log2(2 * np.abs(stated) / np.maximum(step, 2 * reach) + 1) - 0.5, 16.0)
    return result
