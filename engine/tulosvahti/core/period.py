"""Dates and periods: start inclusive, end exclusive; ``as_of`` is a day whose evening is known.

A period that ends on 31 December has ended when ``as_of`` is 31 December.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property


class Grain(StrEnum):
    """Length of the periods that an indicator is measured in."""

    YEAR = "year"
    HALF_YEAR = "half-year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"


_MONTHS = {Grain.YEAR: 12, Grain.HALF_YEAR: 6, Grain.QUARTER: 3, Grain.MONTH: 1}
_FORMS = "2023, 2023-H1, 2023-Q2, 2023-03, 2023-W05 or 2023-03-31"


@dataclass(frozen=True, order=True)
class Period:
    """A half-open range of days, of one grain."""

    start: date
    end: date
    grain: Grain

    @property
    def last_day(self) -> date:
        """The last day inside the period."""
        return self.end - timedelta(days=1)

    @cached_property
    def key(self) -> str:
        """The period's name, as in files and JSON: ``2023``, ``2023-H1``, ``2023-W05``."""
        start_year, month = self.start.year, self.start.month
        if self.grain is Grain.WEEK:
            iso = self.start.isocalendar()
            return f"{iso.year}-W{iso.week:02}"
        return {
            Grain.YEAR: f"{start_year}",
            Grain.HALF_YEAR: f"{start_year}-H{(month + 5) // 6}",
            Grain.QUARTER: f"{start_year}-Q{(month + 2) // 3}",
            Grain.MONTH: f"{start_year}-{month:02}",
            Grain.DAY: self.start.isoformat(),
        }[self.grain]

    def contains(self, day: date) -> bool:
        """Tell whether the day lies inside."""
        return self.start <= day < self.end

    def has_ended(self, as_of: date) -> bool:
        """Tell whether the whole period is known on the evening of ``as_of``."""
        return as_of >= self.last_day

    def elapsed(self, as_of: date) -> tuple[int, int]:
        """Give the days known and the days in all."""
        days = (self.end - self.start).days
        return min(max((as_of - self.start).days + 1, 0), days), days

    def previous(self) -> Period:
        """Give the period of the same grain before this one."""
        return containing(self.start - timedelta(days=1), self.grain)

    def next(self) -> Period:
        """Give the period of the same grain after this one."""
        return containing(self.end, self.grain)


def containing(day: date, grain: Grain) -> Period:
    """Give the period of a grain that a day belongs to."""
    if grain is Grain.DAY:
        return Period(day, day + timedelta(days=1), grain)
    if grain is Grain.WEEK:
        start = day - timedelta(days=day.weekday())
        return Period(start, start + timedelta(days=7), grain)
    months = _MONTHS[grain]
    first = (day.month - 1) // months * months + 1
    start = date(day.year, first, 1)
    following = day.year * 12 + first - 1 + months
    return Period(start, date(following // 12, following % 12 + 1, 1), grain)


def year(number: int) -> Period:
    """Give a year."""
    return containing(date(number, 1, 1), Grain.YEAR)


def read_period(text: str) -> Period:
    """Read a period's name.

    Raises:
        ValueError: with the allowed forms.

    """
    body = text.strip()
    if found := re.fullmatch(r"(\d{4})", body):
        return year(int(found[1]))
    if found := re.fullmatch(r"(\d{4})-H([12])", body):
        return containing(date(int(found[1]), 6 * int(found[2]) - 5, 1), Grain.HALF_YEAR)
    if found := re.fullmatch(r"(\d{4})-Q([1-4])", body):
        return containing(date(int(found[1]), 3 * int(found[2]) - 2, 1), Grain.QUARTER)
    if found := re.fullmatch(r"(\d{4})-(\d{2})", body):
        try:
            return containing(date(int(found[1]), int(found[2]), 1), Grain.MONTH)
        except ValueError:
            pass
    if found := re.fullmatch(r"(\d{4})-W(\d{2})", body):
        try:
            return containing(date.fromisocalendar(int(found[1]), int(found[2]), 1), Grain.WEEK)
        except ValueError:
            pass
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", body):
        try:
            return containing(date.fromisoformat(body), Grain.DAY)
        except ValueError:
            pass
    msg = f"{text!r} is not a period"
    raise ValueError(msg)


PERIOD_FORMS = _FORMS


def read_days(text: str) -> timedelta:
    """Read a length of time such as ``10 d`` or ``2 w``.

    Raises:
        ValueError: with the allowed forms.

    """
    found = re.fullmatch(r"\s*(\d{1,5})\s*(d|w|days?|weeks?|)\s*", text)
    if not found:
        msg = f"{text!r} is not a number of days"
        raise ValueError(msg)
    return timedelta(days=int(found[1]) * (7 if found[2].startswith("w") else 1))


def expected_through(as_of: date, grain: Grain, grace: timedelta) -> date:
    """Give the last day that a delivery of this frequency must cover: the end of the newest period whose grace is over."""
    period = containing(as_of, grain)
    while period.last_day + grace > as_of:
        period = period.previous()
    return period.last_day
