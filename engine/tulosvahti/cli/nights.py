"""``schedule``: the service that runs the nights until it is told to stop, once, or a list of what comes and came."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import operations, wiring
from tulosvahti.core.timetable import Timetable
from tulosvahti.schedule.health import Progress, Watched, shown
from tulosvahti.schedule.ping import pinged
from tulosvahti.schedule.post import keep_delivering
from tulosvahti.schedule.reading import Reading
from tulosvahti.schedule.service import Nights, serve, standing_by
from tulosvahti.schedule.systemd import notify
from tulosvahti.store.database import LedgerError
from tulosvahti.store.lock import LockedError
from tulosvahti.store.slots import LostLeaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tulosvahti.core.slots import Job
    from tulosvahti.load.project import Project
    from tulosvahti.store.slots import Slot

LOG = logging.getLogger("tulosvahti.schedule")


def serve_nights(project: Project) -> None:
    """Run every due slot of the project; a second service on this machine stands by until the first has ended."""
    gc.enable()  # A service lives for months.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    with suppress(LedgerError):  # The first tick tells it.
        for line in listing(project):
            LOG.info("%s", line)
    reading = Reading(project.root, wiring.now)

    def send_mails() -> None:
        current = reading()
        with closing(wiring.open_ledger(current)) as ledger:
            if ledger.outbox.due(wiring.now()):
                for trouble in wiring.deliver(current, ledger, stopped=stop.is_set).troubles:
                    LOG.warning("%s", trouble)

    def see_to_mail() -> None:
        if trouble := wiring.mail_trouble(project):
            LOG.warning("mail cannot be sent now, and waits: %s", trouble)
        keep_delivering(send_mails, stop)

    # A thread of its own: a night takes as long as it takes, and so does a slow mail server.
    threading.Thread(target=see_to_mail, name="mail", daemon=True).start()
    run = pinged(project.config.service.ping, wiring.run_slot, unless=(LockedError, LostLeaseError))
    with watched(project) as progress:
        nights = Nights(reading, run=run, progressed=progress)
        serve(standing_by(wiring.service_lock(project), nights.tick, progress), stop)


@contextmanager
def watched(project: Project) -> Iterator[Progress]:
    """Start what watches the service, tell systemd, and give what the loop calls when it came round."""
    tell = partial(notify, os.environ.get("NOTIFY_SOCKET", ""))
    progress = Progress(wiring.steady, tell)
    asked = Watched(progress.age, partial(operations.ledger_trouble, project), partial(operations.observe, project))
    with shown(project.config.service.listen, asked) as address:
        if address:
            LOG.info("shown at http://%s: /healthz, /readyz, /metrics", address)
        tell("READY=1", "STATUS=the nights are watched")
        try:
            yield progress
        finally:
            tell("STOPPING=1", "STATUS=the run that is under way is awaited")


def run_due_now(project: Project) -> tuple[list[wiring.Done], int]:
    """Run what is due and give what the runs left, and how many failed; runs nothing while another run is under way.

    Mails whose time has come are sent too.
    """
    nights = Nights(lambda: project)
    done = nights.tick()
    with suppress(LedgerError):  # The nights have told it.
        for trouble in wiring.deliver(project).troubles:
            LOG.warning("%s", trouble)
    return done, nights.failed


def listing(project: Project) -> Iterator[str]:
    """Give, for each job, when it comes next, and how its newest slots went."""
    zone, now = ZoneInfo(project.config.time_zone), wiring.now()
    with closing(wiring.open_ledger(project)) as ledger:
        for job in project.config.schedule.jobs:
            yield f"{job.name}: {_when(job)}; rules {job.rules}; {_next(job, zone, now)}"
            for slot in ledger.slots.newest(job.name, 3):
                yield f"  {_told(slot, zone)}"


def _when(job: Job) -> str:
    return f"at {job.cron!r}" if job.cron else f"when an input {job.on_delivery!r} is delivered"


def _next(job: Job, zone: ZoneInfo, now: datetime) -> str:
    if not job.cron:
        return "next: with the next delivery"
    timetable = Timetable(job.cron, zone)
    slot = timetable.next(now)
    if slot is None:
        return "next: never"
    return f"next: {timetable.moment(slot).astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"


def _told(slot: Slot, zone: ZoneInfo) -> str:
    parts = [f"{slot.slot}  {slot.state}"]
    if slot.skipped > 1:
        parts.append(f"{slot.skipped} slots from {slot.oldest}")
    if slot.started_at is not None:
        parts.append(f"started {slot.started_at.astimezone(zone):%Y-%m-%d %H:%M:%S}, {slot.late} late")
    if slot.run is not None:
        parts.append(f"run {slot.run}")
    if slot.epoch > 1:
        parts.append(f"attempt {slot.epoch}")
    if slot.retry_at is not None:
        parts.append(f"again at {slot.retry_at.astimezone(zone):%H:%M}")
    if slot.reason:
        parts.append(slot.reason)
    return "; ".join(parts)
