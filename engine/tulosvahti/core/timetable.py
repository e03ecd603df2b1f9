"""Cron expressions on the calendar: nominal local times, and the moments when the clock reaches them.

A nominal time is a naive datetime on the minute, so that it stands once in its local day, also in the nights when
clocks change: one that the clock jumps over is due when the clock has jumped; one that the clock shows twice is due the
first time. A day that the zone never had (Apia, 30 December 2011) has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED = (
    "five fields: minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7 (0 and 7: Sunday), each *, a number, "
    'a list 1,15, a range 1-5 or a step */2; as "30 2 * * *"'
)
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class ClockChange:
    """A change of a zone's clock: the first moment after it, and what the clock shows on either side."""

    at: datetime
    before: datetime
    after: datetime

    def holds(self, nominal: datetime) -> bool:
        """Say whether the clock jumps over this nominal time, or shows it twice."""
        return min(self.before, self.after) <= nominal < max(self.before, self.after)


def moment(nominal: datetime, zone: tzinfo) -> datetime:
    """Give the moment, in UTC, when the zone's clock first shows a nominal time or has jumped over it."""
    found = nominal.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == nominal:
        return found
    return _changed(nominal.replace(tzinfo=zone, fold=1).astimezone(UTC), found, zone)


def clock_changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[ClockChange]:
    """Give the changes of a zone's clock after ``start``, up to and with ``end``."""
    low = start.astimezone(UTC)
    while low < end:
        high = min(low + _DAY / 2, end.astimezone(UTC))
        was, becomes = _offset(low, zone), _offset(high, zone)
        if was != becomes:
            at = _changed(low, high, zone)
            yield ClockChange(at, (at + was).replace(tzinfo=None), (at + becomes).replace(tzinfo=None))
        low = high


def _changed(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Give the first second from which the clock goes as at ``high``; at ``low`` it still goes otherwise."""
    becomes, first, last = _offset(high, zone), 0, int((high - low).total_seconds())
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(low + timedelta(seconds=middle), zone) == becomes:
            last = middle
        else:
            first = middle
    return low + timedelta(seconds=last)


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


class Timetable:
    """One cron expression in one zone."""

    def __init__(self, cron: str, zone: tzinfo) -> None:
        """Read the expression.

        Raises:
            ValueError: it is none; the text says which part is wrong. ``ALLOWED`` says what is allowed.

        """
        if len(cron.split()) != 5:
            message = f"it has {len(cron.split())} fields"
            raise ValueError(message)
        self.cron, self.zone = cron, zone
        try:
            self._fields = CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001 - nominal times have no zone
        except CronSimError as error:
            raise ValueError(str(error)[:1].lower() + str(error)[1:]) from None

    @property
    def every_hour(self) -> bool:
        """Whether the hour is left open, so that no other could be chosen."""
        return self.cron.split()[1].startswith("*")

    def moment(self, nominal: datetime) -> datetime:
        """Give when a nominal time is due, in UTC."""
        return moment(nominal, self.zone)

    def shown(self, now: datetime) -> datetime:
        """Give the latest nominal time that the clock may have shown by ``now``: no slot after it is due."""
        wall = now.astimezone(self.zone)
        again = wall - wall.replace(fold=0).astimezone(UTC)  # What a clock that was put back shows for the second time.
        return wall.replace(tzinfo=None, fold=0) + again

    def newest(self, now: datetime) -> datetime | None:
        """Give the newest slot that is due; None where the expression has none in the last fifty years."""
        past = self.before(self.shown(now) + _MINUTE)
        return next((nominal for nominal in past if self.moment(nominal) <= now), None)

    def next(self, now: datetime) -> datetime | None:
        """Give the next slot to come; None where there is none in fifty years."""
        return next(self.after(self.newest(now) or self.shown(now)), None)

    def before(self, nominal: datetime) -> Iterator[datetime]:
        """Give the slots before a nominal time, newest first."""
        start = nominal.replace(second=0, microsecond=0)
        return (slot for slot in CronSim(self.cron, start, reverse=True) if self._is_a_day(slot.date()))

    def after(self, nominal: datetime) -> Iterator[datetime]:
        """Give the slots after a nominal time, oldest first."""
        return (slot for slot in CronSim(self.cron, nominal) if self._is_a_day(slot.date()))

    def count(self, after: datetime, before: datetime) -> int:
        """Count the slots strictly between two nominal times: day by day, so that ten years of minutes are quick."""
        times = [time(hour, minute) for hour in self._fields.hours for minute in self._fields.minutes]
        total, day = 0, after.date()
        while day <= before.date():
            if day.month in self._fields.months and self._fields.match_day(day) and self._is_a_day(day):
                whole = after.date() < day < before.date()
                total += len(times) if whole else sum(after < datetime.combine(day, at) < before for at in times)
            day += _DAY
        return total

    def _is_a_day(self, day: date) -> bool:
        midnight = datetime.combine(day, time())
        return midnight.replace(tzinfo=self.zone).astimezone(UTC).astimezone(self.zone).date() == day

