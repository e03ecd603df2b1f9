"""The service: sees to each job of the project at every tick, one run at a time.

APScheduler only ticks. What is due says ``core.slots``; who runs it, the run ledger. The clock is passed in.
"""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from tulosvahti import wiring
from tulosvahti.core.slots import Job, Judged, Known, Plan, calendar_plan, delivery_plan
from tulosvahti.core.timetable import Timetable
from tulosvahti.load.arrivals import Arrivals
from tulosvahti.problem import ProblemsError
from tulosvahti.run.judging import with_cited
from tulosvahti.run.nightly import chosen, needed_inputs
from tulosvahti.store import deliveries
from tulosvahti.store.database import LedgerError
from tulosvahti.store.inputs import InputStoreError
from tulosvahti.store.lock import LockedError
from tulosvahti.store.slots import LostLeaseError, SlotState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.store.lock import RunLock
    from tulosvahti.store.slots import Claim

LOG = logging.getLogger(__name__)


def serve(tick: Callable[[], object], stop: threading.Event, tick_seconds: float = 15.0) -> None:
    """Tick at once and then every ``tick_seconds``, until ``stop`` is set; a run that is under way is awaited."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # A tick left out while a run goes on is no news.
    tick()
    ticker = BackgroundScheduler(timezone=UTC)
    ticker.add_job(tick, "interval", seconds=tick_seconds, misfire_grace_time=None, coalesce=True, max_instances=1)
    ticker.start()
    try:
        stop.wait()
    finally:
        ticker.shutdown(wait=True)


def standing_by(
    lock: RunLock, tick: Callable[[], object], progressed: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Give a tick that does nothing as long as another service holds the lock, and takes over when that one ends.

    ``progressed`` is called by a tick that found the lock held: to stand by is all there is to do then.
    """
    serving, told = False, False

    def either() -> None:
        nonlocal serving, told
        try:
            if not serving:
                lock.__enter__()
        except LockedError as error:
            if not told:
                LOG.warning("%s; this one stands by, runs nothing, and takes over when that one ends", error)
            told = True
            progressed()
            return
        if not serving:
            lock.alone()
            serving = True
        tick()

    return either


class Nights:
    """The jobs of one project. Nothing of what is due is kept here: that is in the ledger."""

    def __init__(
        self,
        project: Callable[[], Project],
        clock: Callable[[], datetime] = wiring.now,
        run: Callable[..., wiring.Done] = wiring.run_slot,
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        """Name the project, which is asked for at every tick, the clock, and what runs a slot.

        ``progressed`` is called after each tick that could use the ledger, and while a run goes on.
        """
        self._project, self._clock, self._run, self._progressed = project, clock, run, progressed
        self._arrivals = Arrivals()
        self._quiet: dict[str, object] = {}
        self._refused: dict[str, str] = {}
        self._told = ""
        self.failed = 0
        """Runs that were not completed, and ticks that could not look for any."""

    def tick(self) -> list[wiring.Done]:
        """Run what is due, and give what the runs left. Never raises."""
        done: list[wiring.Done] = []
        try:
            project = self._project()
            with closing(wiring.open_ledger(project)) as ledger:
                troubled = self._take(project, ledger)
                for job in project.config.schedule.jobs:
                    done += self._see_to(project, ledger, job)
            self._told = self._told if troubled else ""
            self._progressed()
        except LockedError as error:
            self._tell(logging.WARNING, f"waiting: {error}")
            self._progressed()
        except (LedgerError, ProblemsError) as error:
            self.failed += 1
            self._tell(logging.ERROR, f"the jobs cannot be seen to, and are tried again at every tick: {error}")
        except Exception:
            self.failed += 1
            LOG.exception("the jobs could not be seen to; trying again at the next tick")
        return done

    def _take(self, project: Project, ledger: Ledger) -> bool:
        """Take what lies in the drop folders; say whether it could not be. What was refused stands in for its input."""
        troubled = False
        if wiring.dropped(project, ledger):
            with wiring.run_lock(project) as lock:
                lock.alone()
                try:
                    done = wiring.take_dropped(project, ledger, self._clock)
                except (OSError, InputStoreError) as error:  # The nights go on; it is taken up again at the next tick.
                    done, troubled = [], True
                    why = f"{error.strerror}: {error.filename2 or error.filename}" if isinstance(error, OSError) else str(error)
                    self._tell(logging.ERROR, f"a delivery cannot be taken from its drop folder: {why}; see to the rights of inputs/ and of that folder")
            for logged in (item.logged for item in done):
                said = f": {logged.became.explanation}" if logged.became.explanation else ""
                LOG.info("delivery %d of %s, %s: %s%s", logged.id, logged.input, logged.file.name, logged.became.state, said)
        with ledger.transaction(reading=True) as connection:
            several = {name for name, contract in project.contracts.items() if contract.several}
            self._refused = {name: item.sha256 for name, item in deliveries.refusals(connection, several).items()}
        return troubled

    def _see_to(self, project: Project, ledger: Ledger, job: Job) -> list[wiring.Done]:
        now = self._clock()
        planned = _by_calendar(project, job, now) if job.cron else self._by_delivery(project, ledger, job, now)
        if planned is None:
            return []
        decide, shown = planned
        if not ledger.slots.may_be_due(job.name, decide, shown):
            return []
        with wiring.run_lock(project) as lock:
            claim, plan = ledger.slots.claim(job.name, decide, shown, lock.owner, self._clock, lock.dead)
            lock.alone()
            _log(job, plan)
            if claim is None or plan.run is None:
                return []
            try:
                done = self._run(project, ledger, claim, plan.run, job, self._clock, self._progressed)
            except LostLeaseError as error:
                LOG.warning("%s", error)
                return []
            except Exception:
                self.failed += 1
                then = _then(ledger, claim)
                LOG.exception("slot %s of job %s failed (attempt %d); %s", claim.slot, job.name, claim.epoch, then)
                return []
        report = f"run {done.outcome.run}: report {done.report}, {len(done.mails) + done.sent} mails"
        LOG.info("slot %s of job %s is done: %s", claim.slot, job.name, report)
        for trouble in done.troubles:
            LOG.warning("%s", trouble)
        return [done]

    def _by_delivery(
        self, project: Project, ledger: Ledger, job: Job, now: datetime
    ) -> tuple[Callable[[Known], Plan], None] | None:
        """Plan a job that waits for deliveries; None where nothing is as new as when it was last found quiet."""
        arrived = {**self._arrivals.digests(project.contracts.values(), project.root, now), **self._refused}
        newest = ledger.runs(1)
        seen = (arrived, [(run.id, run.state) for run in newest], project.rules_sha256, ledger.slots.newest(job.name))
        if self._quiet.get(job.name) == seen:
            return None
        rules = _inputs_by_rule(project, job.rules)

        def decide(known: Known) -> Plan:
            judged = {
                rule: Judged(past.run, {name: past.inputs[name] for name in rules[rule] if name in past.inputs})
                for rule, past in ledger.slots.judged().items()
                if rule in rules
            }
            plan = delivery_plan(job, arrived, judged, now, known)
            if not plan and known.waiting is None:
                self._quiet[job.name] = seen
            return plan

        return decide, None

    def _tell(self, level: int, text: str) -> None:
        """Log what stays so for many ticks once."""
        if text != self._told:
            LOG.log(level, "%s", text)
        self._told = text


def _by_calendar(project: Project, job: Job, now: datetime) -> tuple[Callable[[Known], Plan], datetime]:
    timetable = Timetable(job.cron, ZoneInfo(project.config.time_zone))
    return partial(calendar_plan, job, timetable, now), timetable.shown(now)


def _inputs_by_rule(project: Project, globs: str) -> Mapping[str, list[str]]:
    every = {rule.id: rule for rule in project.rules}
    return {rule.id: needed_inputs(with_cited([rule], every)) for rule in chosen(project.rules, globs)}


def _then(ledger: Ledger, claim: Claim) -> str:
    """Say what becomes of a slot whose run was not completed, as the ledger has it."""
    try:
        slot = next(item for item in ledger.slots.newest(claim.job) if item.slot == claim.slot)
    except Exception as error:  # noqa: BLE001 (the fault that is told beside this may be the ledger's)
        return f"what becomes of it is not known: {error}"
    if slot.retry_at is not None:
        return f"it is tried again at {slot.retry_at:%Y-%m-%d %H:%M:%S %Z}"
    return {
        SlotState.DONE: "what it found is published",
        SlotState.RUNNING: "it is taken up again when its lease has ended",
    }.get(slot.state, "it is given up")


def _log(job: Job, plan: Plan) -> None:
    if plan.gives_up:
        LOG.error("job %s: %s", job.name, plan.gives_up)
    if plan.skipped is not None and not plan.skipped.count:
        LOG.info("job %s: %s", job.name, plan.skipped.reason)
    elif plan.skipped is not None:
        item = plan.skipped
        counted = f"{item.count} slots from {item.oldest} to {item.newest}" if item.count > 1 else f"slot {item.newest}"
        LOG.warning("job %s: %s recorded as skipped: %s", job.name, counted, item.reason)
    if plan.run is not None:
        LOG.info("job %s: slot %s begins", job.name, plan.run.slot)
