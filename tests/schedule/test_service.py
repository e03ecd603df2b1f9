"""Slots on ordinary and changing nights, and the service with a clock of its own."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tulosvahti.schedule.service import Nights, due_slots, serve
from tulosvahti.store.lock import LockedError

ZONE = "Europe/Helsinki"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("cron", ["0 0 * * *", "15 0 * * *", "30 2 * * *", "0 3 * * *", "30 3 * * *", "0 4 * * *"])
@pytest.mark.parametrize("first", ["2023-03-24T12:00", "2023-10-27T12:00"])
def test_changing_nights_give_one_slot_each(cron: str, first: str) -> None:
    start = utc(first)
    slots = due_slots(cron, ZONE, start, start + timedelta(days=4))
    assert [slot.day - slots[0].day for slot in slots] == [0, 1, 2, 3]
    # Asking tick by tick gives the same slots as asking once.
    ticks = [start + timedelta(minutes=10 * n) for n in range(4 * 144 + 1)]
    assert [s for a, b in pairwise(ticks) for s in due_slots(cron, ZONE, a, b)] == slots


def test_ends_are_exclusive_and_inclusive() -> None:
    slot = utc("2023-06-01T00:00")
    assert due_slots("0 3 * * *", ZONE, slot - timedelta(seconds=1), slot) == [slot]
    assert due_slots("0 3 * * *", ZONE, slot, slot + timedelta(hours=23)) == []
    assert due_slots("0 3 * * *", ZONE, slot, slot - timedelta(days=3)) == []


def test_bad_schedule_and_zone() -> None:
    with pytest.raises(ValueError, match="allowed: five fields: minute 0-59"):
        due_slots("61 3 * * *", ZONE, utc("2023-06-01"), utc("2023-06-02"))
    with pytest.raises(ValueError, match="allowed: a name of the IANA list"):
        due_slots("0 3 * * *", "Kajaani", utc("2023-06-01"), utc("2023-06-02"))


class Project:
    """A clock, what was run, and what goes wrong next."""

    def __init__(self, now: str, last: datetime | None = None) -> None:
        self.now, self.last = utc(now), last
        self.ran: list[datetime] = []
        self.faults: list[Exception] = []

    def run(self, slot: datetime) -> None:
        if self.faults:
            raise self.faults.pop()
        self.ran.append(slot)
        self.last = slot

    def nights(self) -> Nights:
        return Nights("0 3 * * *", ZONE, self.run, lambda: self.now, lambda: self.last)


def test_missed_slots_run_once_at_start() -> None:
    project = Project("2023-06-05T12:00", utc("2023-06-02T00:00"))
    nights = project.nights()
    nights.tick()
    nights.tick()
    assert project.ran == [utc("2023-06-05T00:00")]


def test_new_project_waits_for_its_first_slot() -> None:
    project = Project("2023-06-05T12:00")
    nights = project.nights()
    nights.tick()
    assert project.ran == []
    project.now = utc("2023-06-06T00:00")
    nights.tick()
    assert project.ran == [utc("2023-06-06T00:00")]


def test_failed_run_waits_for_the_next_night_and_locked_for_the_next_tick(caplog: pytest.LogCaptureFixture) -> None:
    project = Project("2023-06-05T12:00", utc("2023-06-04T00:00"))
    project.faults = [RuntimeError("disk full"), LockedError("a run is under way")]
    nights = project.nights()
    nights.tick()
    assert "a run is under way" in caplog.text
    nights.tick()
    assert "disk full" in caplog.text
    nights.tick()
    assert project.ran == []
    project.now += timedelta(days=1)
    nights.tick()
    assert project.ran == [utc("2023-06-06T00:00")]


def test_serve_ticks_until_stopped() -> None:
    project = Project("2023-06-05T12:00", utc("2023-06-05T00:00"))
    stop, ran = threading.Event(), threading.Event()

    def run(slot: datetime) -> None:
        project.run(slot)
        ran.set()

    service = threading.Thread(
        target=serve,
        args=("0 3 * * *", ZONE, run, lambda: project.now, stop, lambda: project.last, 0.05),
    )
    service.start()
    project.now += timedelta(days=1)
    assert ran.wait(10)
    stop.set()
    service.join(10)
    assert not service.is_alive()
    assert project.ran == [utc("2023-06-06T00:00")]
