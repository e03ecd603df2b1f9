"""Runs: judge, publish, write the report, send or write the mails."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import __version__
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.logs import in_run
from tulosvahti.emit.stored import stored_of
from tulosvahti.run.claimed import Beginning, Result, run_claimed
from tulosvahti.run.nightly import Before, Request, evaluate, inputs_of
from tulosvahti.store import deliveries, revised
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.measured import MeasuredStore
from tulosvahti.wiring.alerts import alert, mails_of
from tulosvahti.wiring.base import default_as_of, now, open_ledger, run_lock, state_folder
from tulosvahti.wiring.dropping import several_of, take_dropped
from tulosvahti.wiring.mail import deliver
from tulosvahti.wiring.notes import notes_of_run
from tulosvahti.wiring.reports import known_then, write_pages
from tulosvahti.wiring.secrets import secret_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.measure import Measurement
    from tulosvahti.core.revision import History
    from tulosvahti.core.slots import Due, Job
    from tulosvahti.core.verdict import Outcome, Verdict
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.store.slots import Claim


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    outcome: Outcome
    json: str
    report: Path
    mails: tuple[Path, ...]
    sent: int
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a run is to do."""

    as_of: date
    rules: str = "*"
    expectations: bool = True
    alerts: bool = True
    fetching: bool = True
    cached: bool = True


def run_once(  # noqa: PLR0913 (each is one choice of the caller)
    project: Project,
    as_of: date,
    *,
    rules: str = "*",
    expectations: bool = True,
    alerts: bool = True,
    fetching: bool = True,
    cached: bool = True,
    clock: Callable[[], datetime] = now,
) -> Done:
    """Run everything once, by hand: fetch, judge, publish, write the report, send or write the mails.

    Raises:
        LockedError: another run is under way in this project.

    """
    with run_lock(project) as lock, closing(open_ledger(project)) as ledger:
        take_dropped(project, ledger, clock)
        claim = ledger.slots.claim_by_hand(rules, lock.owner, clock, lock.dead)
        lock.alone()
        return _run(project, ledger, claim, Asked(as_of, rules, expectations, alerts, fetching, cached), clock)


def _make_ready(project: Project, ledger: Ledger, asked: Asked) -> None:
    """Put in place what people entered, and what is fetched; few projects have such inputs, so each loads when it is there."""
    if any(contract.entered for contract in project.contracts.values()):
        from tulosvahti.wiring.values import write_entered  # noqa: PLC0415

        write_entered(project, ledger)
    if asked.fetching and any(contract.fetch is not None for contract in project.contracts.values()):
        from tulosvahti.wiring.fetching import fetch  # noqa: PLC0415

        fetch(project, inputs_of(project, asked.rules))


def run_slot(  # noqa: PLR0913 (a slot is its claim, when it was due, and its job)
    project: Project,
    ledger: Ledger,
    claim: Claim,
    due: Due,
    job: Job,
    clock: Callable[[], datetime] = now,
    progressed: Callable[[], None] = lambda: None,
) -> Done:
    """Run a slot that was claimed, as of the evening before it; a failure is tried again as the job says.

    ``progressed`` is called again and again while the run goes on.

    Raises:
        LostLeaseError: the claim was lost on the way; nothing was published.

    """
    asked = Asked(default_as_of(project, due.at), due.rules)
    return _run(project, ledger, claim, asked, clock, job.retry_at, progressed)


def _run(  # noqa: PLR0913 (what a run is made of)
    project: Project,
    ledger: Ledger,
    claim: Claim,
    asked: Asked,
    clock: Callable[[], datetime],
    retry_at: Callable[[int, datetime], datetime | None] = lambda _attempt, _now: None,
    progressed: Callable[[], None] = lambda: None,
) -> Done:
    folder, started = state_folder(project), clock()
    docs = folder / "data-docs" if project.config.data_docs else None
    today = started.astimezone(ZoneInfo(project.config.time_zone)).date()
    troubles: list[str] = []

    def work(run: str) -> Result:
        stack.enter_context(in_run(run))
        _make_ready(project, ledger, asked)
        with tempfile.TemporaryDirectory(prefix="tulosvahti-", ignore_cleanup_errors=True) as scratch:
            known = ledger.newest_as_of(max(today, asked.as_of))
            with ledger.transaction(reading=True) as connection:
                refusals = deliveries.refusals(connection, several_of(project))
            before = Before(ledger.open_findings(), ledger.previous_verdicts(), known, history, refusals)
            measured = MeasuredStore(project.root) if asked.cached else None
            secret = secret_reader(project.root)
            request = Request(run, asked.as_of, asked.rules, asked.expectations, Path(scratch), docs, secret, measured)
            outcome = evaluate(project, request, before, InputStore(project.root).keep)
        notes, failed = notes_of_run(project, ledger, outcome, started) if asked.alerts else ([], [])
        found = alert(project, ledger, outcome, started, notes)
        mails, untold = mails_of(project, outcome, found, started) if asked.alerts else ([], [])
        mails = [*notes, *mails]
        troubles.extend((*failed, *untold))
        return Result(outcome, mails, to_json(outcome, project.agreements, project.contracts), found.moved)

    def history(verdicts: Sequence[Verdict], measurements: Sequence[Measurement], came: Sequence[Delivery]) -> History:
        with ledger.transaction(reading=True) as connection:
            return revised.history(connection, verdicts, measurements, came)

    def stopped() -> bool:
        progressed()
        return False

    forced = "" if asked.rules == "*" else asked.rules
    beginning = Beginning(asked.as_of, project.rules_sha256, __version__, forced)
    with ExitStack() as stack:
        result = run_claimed(ledger, claim, beginning, work, clock, retry_at, progressed)
        try:
            report = write_pages(project, known_then(ledger, stored_of(result.outcome, result.json)), folder, clock())
        finally:
            # A report that cannot be written keeps no mail back.
            delivered = deliver(project, ledger, clock, stopped)
    troubles.extend(delivered.troubles)
    return Done(result.outcome, result.json, report, delivered.written, delivered.sent, tuple(troubles))
