"""When mail may go out, and what has fallen due: quiet hours, free days, weekdays, due dates of inputs.

Dates are local. ``today`` is the day after ``as_of``: the morning of a run that knows the evening before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from tulosvahti.core.period import Grain, Period, containing, expected_through

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, tzinfo

    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.core.route import Quiet

_DAYS = {Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90, Grain.HALF_YEAR: 181, Grain.YEAR: 365}
_LONGEST = 60
"""Free days in a row that are believed; more is a calendar without working days."""


def held_until(quiet: Quiet | None, at: datetime, zone: tzinfo, free: Collection[date]) -> datetime | None:
    """Give the moment (UTC) until which mail is held; None where it may go at once. ``free`` are the holidays."""
    if quiet is None:
        return None
    wall = here = at.astimezone(zone).replace(tzinfo=None)
    for _ in range(_LONGEST):
        end = _quiet_end(quiet, wall, free)
        if end is None:
            break
        wall = end
    if wall == here:
        return None
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    # An hour that autumn repeats: the end meant is the one still ahead.
    return moment if moment > at else wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _quiet_end(quiet: Quiet, wall: datetime, free: Collection[date]) -> datetime | None:
    """Give the end of the quiet stretch that a wall time lies in; None outside."""
    day, tomorrow = wall.date(), datetime.combine(wall.date() + timedelta(days=1), time())
    if (quiet.weekends and day.weekday() >= 5) or (quiet.holidays and day in free):
        return tomorrow
    if quiet.start is None or quiet.end is None:
        return None
    ends_today = datetime.combine(day, quiet.end)
    if quiet.start < quiet.end:
        return ends_today if quiet.start <= wall.time() < quiet.end else None
    if wall.time() < quiet.end:
        return ends_today
    return ends_today + timedelta(days=1) if wall.time() >= quiet.start else None


def has_passed(wait: timedelta, since: datetime, at: datetime, zone: tzinfo) -> bool:
    """Tell whether a time has passed; whole days by the calendar, so that a night is never a minute too early."""
    if wait % timedelta(days=1):
        return at - since >= wait
    return at.astimezone(zone).date() - since.astimezone(zone).date() >= wait


def newest_weekday(today: date, weekday: int) -> date:
    """Give the newest such day up to and with today."""
    return today - timedelta(days=(today.weekday() - weekday) % 7)


@dataclass(frozen=True)
class Due:
    """What an input owes next: content through the end of a period, by a day, from somebody."""

    input: str
    period: Period
    day: date
    deliverer: str = ""

    def days_over(self, today: date) -> int:
        """Give the days since the due day; negative before it."""
        return (today - self.day).days


def next_due(contract: Contract, delivery: Delivery, as_of: date) -> Due | None:
    """Give the oldest period that has not come, or else the next one; None where nothing regular is promised."""
    if contract.frequency is None or contract.grace is None:
        return None
    if delivery.covered_through is not None:
        period = containing(delivery.covered_through + timedelta(days=1), contract.frequency)
    else:
        period = containing(expected_through(as_of, contract.frequency, contract.grace), contract.frequency)
    return Due(contract.name, period, period.last_day + contract.grace, contract.deliverer)


def newest_crossed(due: Due, today: date, before: Sequence[int], after: Sequence[int]) -> int | None:
    """Give the newest declared day that has been reached: -7 is a week before the due day, 7 a week after.

    Days before that reach back into an earlier period of the input are left out: a monthly input is not announced
    while the month before is still owed.
    """
    reach = _DAYS[due.period.grain]
    days = [*(-item for item in before if item < reach), *after]
    return max((item for item in days if item <= due.days_over(today)), default=None)
