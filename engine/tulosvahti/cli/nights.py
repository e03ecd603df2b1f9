"""``schedule``: the service that runs the nights until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti import operations, wiring
from tulosvahti.emit.logs import start_log
from tulosvahti.load.project import load_project
from tulosvahti.schedule.health import Progress, Watched, shown
from tulosvahti.schedule.ping import pinged
from tulosvahti.schedule.service import serve
from tulosvahti.schedule.systemd import notify
from tulosvahti.store.lock import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tulosvahti.load.project import Project

_LOG = logging.getLogger("tulosvahti.schedule")


def serve_nights(project: Project) -> None:
    """Run every due night of the project, reading its files anew each time.

    Raises:
        ValueError: the schedule in config.toml cannot be read.

    """
    gc.enable()  # A service lives for months.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())

    def run_slot(slot: datetime) -> None:
        fresh = load_project(project.root)
        for problem in fresh.problems:
            _LOG.warning("%s", problem)
        done = wiring.run_once(fresh, wiring.default_as_of(fresh, slot), slot=slot)
        _LOG.info("run %s: report %s, %d mails", done.outcome.run, done.report, len(done.mails) + done.sent)

    config = project.config
    run = pinged(config.service.ping, run_slot, unless=(LockedError,))
    with watched(project) as progress:
        _LOG.info("nights at %r in %s", config.nightly, config.time_zone)
        last_slot = partial(wiring.last_slot, project)
        serve(config.nightly, config.time_zone, run, wiring.now, stop, last_slot, progressed=progress)


@contextmanager
def watched(project: Project) -> Iterator[Progress]:
    """Start the log and what watches the service, tell systemd, and give what the loop calls when it came round."""
    service = project.config.service
    start_log(service.log)
    tell = partial(notify, os.environ.get("NOTIFY_SOCKET", ""))
    progress = Progress(wiring.steady, tell)
    trouble = operations.mail_trouble(project)
    if trouble:
        _LOG.warning("%s", trouble)
    asked = Watched(progress.age, partial(operations.ledger_trouble, project), partial(operations.observe, project))
    with shown(service.listen, asked) as address:
        if address:
            _LOG.info("shown at http://%s: /healthz, /readyz, /metrics", address)
        tell("READY=1", "STATUS=the nights are watched")
        try:
            yield progress
        finally:
            tell("STOPPING=1", "STATUS=the run that is under way is awaited")
