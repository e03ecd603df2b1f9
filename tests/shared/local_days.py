"""Every local day of a zone by walking through UTC, and a scheduler that ticks through it: for a test and for bench/.

The days and moments are found without the engine's code: the clock is read every quarter of an hour (all changes and
times here fall on quarters), and a nominal time is due when the clock first shows it or a later one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from tulosvahti.core.slots import NOMINAL, Job, Known, calendar_plan
from tulosvahti.core.timetable import Timetable

# Half an hour of summer, two hours of it, changes at midnight, one across midnight (Nuuk since 2023), a lost day (Apia
# 2011), a rule that ended (São Paulo 2019), and the two common rules.
ZONES = (
    "Europe/Helsinki", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "Antarctica/Troll",
    "Pacific/Apia",
)  # fmt: skip
TIMES = tuple(map(time.fromisoformat, ("00:00", "00:15", "00:30", "01:00", "01:45", "02:00", "02:30", "03:00", "03:30", "04:00", "23:30")))
QUARTER = timedelta(minutes=15)


def reached(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[dict[datetime, datetime], list[datetime]]:
    """Give when each nominal quarter was first reached in days that exist, and the moments of the clock's changes."""
    moments: dict[datetime, datetime] = {}
    changes = []
    days: set[date] = set()
    front, offset, now = None, None, start
    while now <= end:
        wall = now.astimezone(zone)
        days.add(wall.date())
        if offset not in {None, wall.utcoffset()}:
            changes.append(now)
        offset, shown = wall.utcoffset(), wall.replace(tzinfo=None, fold=0)
        front = shown - QUARTER if front is None else front
        while front < shown:
            front += QUARTER
            moments[front] = now
        now += QUARTER
    return {nominal: at for nominal, at in moments.items() if nominal.date() in days}, changes


def ticks(start: datetime, end: datetime, changes: list[datetime]) -> list[datetime]:
    """Give moments to tick at: four a day, and every ten minutes around the clock's changes."""
    found = {start + timedelta(hours=6) * n for n in range(int((end - start) / timedelta(hours=6)) + 1)}
    for change in changes:
        found |= {change + timedelta(minutes=10) * n for n in range(-30 * 6, 30 * 6)}
    return sorted(moment for moment in found if start <= moment <= end)


def broken(zone_name: str, start: datetime, end: datetime) -> tuple[int, int, list[str]]:
    """Tick a job for each of ``TIMES`` through a zone; give slots, changes, and what went otherwise than promised."""
    zone = ZoneInfo(zone_name)
    moments, changes = reached(zone, start, end)
    moments_to_tick = ticks(start, end, changes)
    faults, slots = [], 0
    for at in TIMES:
        ran = _drive(f"{at.minute} {at.hour} * * *", zone, moments_to_tick, faults)
        wanted = {nominal: moment for nominal, moment in moments.items() if nominal.time() == at and start < moment <= end}
        slots += len(ran)
        faults += [f"{zone_name}: {nominal} ran {len(ran[nominal])} times" for nominal in ran if len(ran[nominal]) != 1]
        faults += [f"{zone_name}: {nominal} never ran" for nominal in wanted.keys() - ran.keys()]
        faults += [f"{zone_name}: {nominal} ran and is none" for nominal in ran.keys() - wanted.keys()]
        for nominal in ran.keys() & wanted.keys():
            due, began = ran[nominal][0]
            close = any(abs(due - change) < timedelta(hours=29) for change in changes)
            if due != wanted[nominal] or not timedelta() <= began - due < timedelta(minutes=10 if close else 360):
                faults.append(f"{zone_name}: {nominal} was due {due} and began {began}, where {wanted[nominal]} is right")
    return slots, len(changes), faults


def _drive(
    cron: str, zone: ZoneInfo, moments: list[datetime], faults: list[str]
) -> dict[datetime, list[tuple[datetime, datetime]]]:
    """Give each slot's due moments and beginnings."""
    job, timetable, known = Job("job", cron), Timetable(cron, zone), Known()
    ran: dict[datetime, list[tuple[datetime, datetime]]] = {}
    for now in moments:
        plan = partial(calendar_plan, job, timetable, now)(known)
        if plan.skipped and plan.skipped.count:
            faults.append(f"{zone.key}: {plan.skipped} at {now}")
        if plan.skipped:
            known = Known(plan.skipped.newest)
        if plan.run:
            nominal = datetime.strptime(plan.run.slot, NOMINAL)  # noqa: DTZ007 - nominal
            ran.setdefault(nominal, []).append((plan.run.at, now))
            known = Known(plan.run.slot)
    return ran


def years(first: int, count: int) -> tuple[datetime, datetime]:
    """Give the ends of some years, in UTC."""
    return datetime(first, 1, 1, tzinfo=UTC), datetime(first + count, 1, 1, tzinfo=UTC)
