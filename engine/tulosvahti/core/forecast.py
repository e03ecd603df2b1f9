"""Where a period that is still open may end, from what came before it. A forecast is shown; nothing is ever judged by it.

Two ways, each simple enough to be done again on paper:

- ``season``, for what accumulates: by the same day, the years before had reached a share of what they came to in the end;
  what is known now is divided by that share.
- ``last``, for yearly values: what the year before came to.

The band is as wide as the worst error that the same way would have made in the periods before. Values are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from tulosvahti.core.period import Grain, Period, containing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FEWEST_SEASONS = 3
FEWEST_YEARS = 6
MOST = 10
"""Periods before that are looked at."""
_SEASONAL = frozenset({Grain.YEAR, Grain.HALF_YEAR, Grain.QUARTER, Grain.MONTH})


@dataclass(frozen=True)
class Forecast:
    """Where the period may end: the likeliest value, and between what. ``share`` is that of ``season``, ``tried`` counts errors."""

    period: Period
    value: Fraction
    low: Fraction
    high: Fraction
    way: Literal["season", "last"]
    tried: int
    share: Fraction = Fraction(1)


@dataclass(frozen=True)
class Series:
    """What is known of one indicator and subject: the value of each period, and what was known of it by the same day.

    ``then`` has, of each earlier period, what was known as far into it as ``as_of`` is into the open one.
    """

    known: Mapping[Period, Fraction]
    then: Mapping[Period, Fraction]
    accumulates: bool
    percent: bool = False
    """True where values lie between 0 and 100, so that no band leaves that."""


def forecast(series: Series, period: Period, as_of: date) -> Forecast | None:
    """Say where an open period may end; None where what is known does not allow to say it."""
    if not period.contains(as_of) or period.has_ended(as_of):
        return None
    found = _season(series, period) if series.accumulates and period.grain in _SEASONAL else None
    if found is None and period.grain is Grain.YEAR:
        found = _last(series, period)
    return found


def _years_before(period: Period) -> list[Period]:
    """Give the same period of each of the years before, the nearest first."""
    start = period.start
    return [containing(start.replace(year=start.year - back), period.grain) for back in range(1, MOST + 1) if start.year > back]


def _season(series: Series, period: Period) -> Forecast | None:
    now = series.known.get(period)
    before = [item for item in _years_before(period) if series.known.get(item, 0) > 0 and series.then.get(item, 0) > 0]
    if now is None or now <= 0 or len(before) < FEWEST_SEASONS:
        return None
    ends, reached = [series.known[item] for item in before], [series.then[item] for item in before]

    def share_without(left_out: int | None) -> Fraction:
        kept = [n for n in range(len(before)) if n != left_out]
        return sum((reached[n] for n in kept), Fraction(0)) / sum((ends[n] for n in kept), Fraction(0))

    worst = max(abs(ends[n] * share_without(n) / reached[n] - 1) for n in range(len(before)))
    if worst >= 1:
        return None
    share = share_without(None)
    value = now / share
    grows = all(part <= end for part, end in zip(reached, ends, strict=True))
    low = max(value * (1 - worst), now) if grows else value * (1 - worst)
    return Forecast(period, value, low, value * (1 + worst), "season", len(before), share)


def _last(series: Series, period: Period) -> Forecast | None:
    values: list[Fraction] = []
    at = period.previous()
    while at in series.known and len(values) <= MOST:
        values.append(series.known[at])
        at = at.previous()
    if len(values) < FEWEST_YEARS:
        return None
    worst = max(abs(one - other) for one, other in pairwise(values))
    low, high = values[0] - worst, values[0] + worst
    if all(value >= 0 for value in values):
        low = max(low, Fraction(0))
    if series.percent and all(0 <= value <= 100 for value in values):  # noqa: PLR2004 (a percentage)
        high = min(high, Fraction(100))
    now = series.known.get(period)
    if series.accumulates and now is not None:
        if now > values[0]:  # More has come already than this way expects.
            return None
        low = max(low, now)
    return Forecast(period, values[0], low, high, "last", len(values) - 1)
