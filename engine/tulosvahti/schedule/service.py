"""The service: which nights are due, and running them one at a time.

A slot is a nominal local time of the schedule. APScheduler only ticks; cronsim says which slots there are, so that each
calendar slot comes once also on the nights when clocks change.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.schedulers.background import BackgroundScheduler
from cronsim import CronSim, CronSimError

from tulosvahti.store.lock import LockedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

LOG = logging.getLogger(__name__)
_RUN_UP = timedelta(hours=26)
"""Longer than any day: slots are counted from before it, so they do not depend on where in a changing hour one asks."""


def due_slots(nightly: str, time_zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Give the slots after ``after``, up to and with ``until``, oldest first, in the project's zone.

    A time that the spring change skips comes right after it; one that the autumn change repeats comes once.

    Raises:
        ValueError: not a schedule or not a time zone; the text says what is allowed.

    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{time_zone!r} is not a time zone; allowed: a name of the IANA list, as Europe/Helsinki"
        raise ValueError(message) from None
    try:
        slots = CronSim(nightly, (after - _RUN_UP).astimezone(zone))
    except CronSimError as error:
        message = (
            f"{nightly!r} is not a schedule ({error}); allowed: five fields: minute 0-59, hour 0-23, day 1-31, "
            'month 1-12, weekday 0-7 (0 and 7: Sunday), each *, a number, a list 1,15, '
            'a range 1-5 or a step */2; as "30 2 * * *"'
        )
        raise ValueError(message) from None
    due: list[datetime] = []
    for slot in slots:
        # Compared in UTC: datetimes of one zone compare by the wall clock, which runs twice through an autumn hour.
        moment = slot.astimezone(UTC)
        if moment > until:
            break
        if moment > after:
            due.append(moment.astimezone(zone))
    return due


def serve(  # noqa: PLR0913 - all that the service cannot know itself
    nightly: str,
    time_zone: str,
    run_once: Callable[[datetime], None],
    now: Callable[[], datetime],
    stop: threading.Event,
    last_slot: Callable[[], datetime | None],
    tick_seconds: float = 15.0,
    progressed: Callable[[], None] = lambda: None,
) -> None:
    """Run the slots as they come due, until ``stop`` is set.

    ``last_slot`` gives the newest slot that has been run. Slots missed while the service was down are one run at start,
    of the newest of them. Where nothing has run yet, the first slot is the next one to come.

    Raises:
        ValueError: not a schedule or not a time zone.

    """
    nights = Nights(nightly, time_zone, run_once, now, last_slot, progressed)
    nights.tick()
    ticker = BackgroundScheduler(timezone=UTC)
    ticker.add_job(
        nights.tick, "interval", seconds=tick_seconds, misfire_grace_time=None, coalesce=True, max_instances=1
    )
    ticker.start()
    try:
        stop.wait()
    finally:
        ticker.shutdown(wait=True)


class Nights:
    """What the service knows between ticks: up to which slot everything was tried."""

    def __init__(  # noqa: PLR0913 (as ``serve``)
        self,
        nightly: str,
        time_zone: str,
        run_once: Callable[[datetime], None],
        now: Callable[[], datetime],
        last_slot: Callable[[], datetime | None],
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        """Start from now; ``progressed`` is called after each tick that could read the ledger. A schedule or zone that is none raises ValueError at once."""
        self._nightly, self._time_zone = nightly, time_zone
        self._run_once, self._now, self._last_slot = run_once, now, last_slot
        self._progressed = progressed
        self._tried: datetime | None = None
        self._started = now()
        due_slots(nightly, time_zone, self._started, self._started)

    def tick(self) -> None:
        """Run what is due, if anything: the newest slot; older ones are told to be skipped. Never raises."""
        try:
            self._tick()
        except Exception:
            LOG.exception("the schedule could not be read; trying again at the next tick")
        else:
            self._progressed()

    def _tick(self) -> None:
        known = [moment for moment in (self._last_slot(), self._tried) if moment is not None]
        due = due_slots(self._nightly, self._time_zone, max(known, default=self._started), self._now())
        if not due:
            return
        slot = due[-1]
        try:
            self._run_once(slot)
        except LockedError as error:
            LOG.warning("the run of %s waits: %s", slot.isoformat(), error)
            return
        except Exception:
            LOG.exception("the run of %s failed; the service goes on", slot.isoformat())
        self._tried = slot
        if due[:-1]:
            missed = ", ".join(item.isoformat() for item in due[-4:-1])
            LOG.warning("%d missed slots were run as one (newest: %s)", len(due) - 1, missed)
