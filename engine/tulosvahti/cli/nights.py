"""``schedule``: the service that runs the nights until it is told to stop."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.schedule.post import keep_delivering
from tulosvahti.schedule.service import serve

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.load.project import Project

_LOG = logging.getLogger("tulosvahti.schedule")


def serve_nights(project: Project) -> None:
    """Run every due night of the project, reading its files anew each time.

    Raises:
        ValueError: the schedule in config.toml cannot be read.

    """
    gc.enable()  # A service lives for months.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())

    def run_slot(slot: datetime) -> None:
        fresh = load_project(project.root)
        for problem in fresh.problems:
            _LOG.warning("%s", problem)
        done = wiring.run_once(fresh, wiring.default_as_of(fresh, slot), slot=slot)
        _LOG.info("run %s: report %s, %d mails", done.outcome.run, done.report, len(done.mails) + done.sent)

    def send_mails() -> None:
        with closing(wiring.open_ledger(project)) as ledger:
            if ledger.outbox.due(wiring.now()):
                for trouble in wiring.deliver(load_project(project.root), ledger, stopped=stop.is_set).troubles:
                    _LOG.warning("%s", trouble)

    def see_to_mail() -> None:
        if trouble := wiring.mail_trouble(project):
            _LOG.warning("mail cannot be sent now, and waits: %s", trouble)
        keep_delivering(send_mails, stop)

    # A thread of its own: a night takes as long as it takes, and so does a slow mail server.
    threading.Thread(target=see_to_mail, daemon=True).start()
    config = project.config
    _LOG.info("nights at %r in %s", config.nightly, config.time_zone)
    serve(config.nightly, config.time_zone, run_slot, wiring.now, stop, lambda: wiring.last_slot(project))
