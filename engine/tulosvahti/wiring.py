"""The only place that builds the real things: clock, ledger, stores, mail. Everything below is handed what it needs."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import __version__
from tulosvahti.core.route import digests
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.mail import digest
from tulosvahti.emit.report import render
from tulosvahti.run.claimed import Beginning, Result, run_claimed
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.ledger import Ledger, MailState
from tulosvahti.store.lock import RunLock
from tulosvahti.store.outbox import write_eml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.slots import Due, Job
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.load.project import Project
    from tulosvahti.store.slots import Claim

STATE = ".tulosvahti"


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    outcome: Outcome
    json: str
    report: Path
    mails: tuple[Path, ...]
    sent: int
    troubles: tuple[str, ...] = ()


def now() -> datetime:
    """Read the clock: the only place that does."""
    return datetime.now(UTC)


def default_as_of(project: Project, at: datetime) -> date:
    """Give the day that a run judges: the project's fixed day, or the last evening that is known."""
    if project.config.as_of is not None:
        return project.config.as_of
    return at.astimezone(ZoneInfo(project.config.time_zone)).date() - timedelta(days=1)


def state_folder(project: Project) -> Path:
    """Give the folder of everything the engine writes."""
    return project.root / STATE


def open_ledger(project: Project) -> Ledger:
    """Open the project's ledger, migrating it where needed."""
    return Ledger(project.config.ledger, project.root)


def run_lock(project: Project) -> RunLock:
    """Give the lock of this machine's runs."""
    return RunLock(state_folder(project) / "run.lock")


def service_lock(project: Project) -> RunLock:
    """Give the lock of this machine's service."""
    return RunLock(state_folder(project) / "service.lock", "another service runs the nights of this project")


@dataclass(frozen=True)
class Asked:
    """What a run is to do."""

    as_of: date
    rules: str = "*"
    expectations: bool = True
    alerts: bool = True


def run_once(  # noqa: PLR0913 (each is one choice of the caller)
    project: Project,
    as_of: date,
    *,
    rules: str = "*",
    expectations: bool = True,
    alerts: bool = True,
    clock: Callable[[], datetime] = now,
) -> Done:
    """Run everything once, by hand: judge, publish, write the report, send or write the mails.

    Raises:
        LockedError: another run is under way in this project.

    """
    with run_lock(project) as lock, closing(open_ledger(project)) as ledger:
        claim = ledger.slots.claim_by_hand(rules, lock.owner, clock, lock.dead)
        lock.alone()
        return _run(project, ledger, claim, Asked(as_of, rules, expectations, alerts), clock)


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
        with tempfile.TemporaryDirectory(prefix="tulosvahti-", ignore_cleanup_errors=True) as scratch:
            known = ledger.newest_as_of(max(today, asked.as_of))
            before = Before(ledger.open_findings(), ledger.previous_verdicts(), known)
            request = Request(run, asked.as_of, asked.rules, asked.expectations, Path(scratch), docs)
            outcome = evaluate(project, request, before, InputStore(project.root).keep)
        mails: list[tuple[str, str, bytes]] = []
        if asked.alerts and not outcome.lookback:
            mails, untold = _mails(project, outcome, started)
            troubles.extend(untold)
        return Result(outcome, mails, to_json(outcome))

    forced = "" if asked.rules == "*" else asked.rules
    beginning = Beginning(asked.as_of, project.rules_sha256, __version__, forced)
    result = run_claimed(ledger, claim, beginning, work, clock, retry_at, progressed)
    report = _report(project, result.outcome, folder, docs)
    written, sent, unsent = _deliver(project, ledger, folder)
    return Done(result.outcome, result.json, report, tuple(written), sent, (*troubles, *unsent))


def _mails(project: Project, outcome: Outcome, at: datetime) -> tuple[list[tuple[str, str, bytes]], list[str]]:
    mails, troubles = [], []
    domain = project.config.mail.sender.rpartition("@")[2] or "tulosvahti.invalid"
    for key, findings in digests(outcome.findings, project.routes).items():
        recipient = project.routes.recipients[key]
        message_id = f"<run{outcome.run}.{key}.{outcome.rules_sha256[:12]}.{int(at.timestamp())}@{domain}>"
        content, trouble = digest(
            recipient, findings, outcome, project.agreements, project.config.mail.sender, message_id, at,
            templates=project.root / "alerts",
        )  # fmt: skip
        if trouble:
            troubles.append(trouble)
        mails.append((key, message_id, content))
    return mails, troubles


def _report(project: Project, outcome: Outcome, folder: Path, docs: Path | None) -> Path:
    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    index = docs / "index.html" if docs else None
    link = f"../data-docs/{index.name}" if index is not None and index.exists() else None
    for language in reversed(project.config.languages):
        html = render(outcome, project.agreements, project.config.languages, language, link, folder / "pictures")
        path = reports / f"run-{outcome.run}.{language}.html"
        path.write_text(html, encoding="utf-8")
        (reports / f"latest.{language}.html").write_text(html, encoding="utf-8")
    return reports / f"run-{outcome.run}.{project.config.languages[0]}.html"


def _deliver(project: Project, ledger: Ledger, folder: Path) -> tuple[list[Path], int, list[str]]:
    """Send what waits, or write it as files where no server is named; what fails waits for the next time."""
    written: list[Path] = []
    troubles: list[str] = []
    sent = 0
    for mail in ledger.waiting_mails():
        if not project.config.mail.host:
            written.append(write_eml(folder / "outbox", mail.message_id, mail.recipient, mail.content))
            ledger.mark_mail(mail.message_id, MailState.WRITTEN)
            continue
        refused = _send(project, mail.recipient, mail.content)
        if refused:
            ledger.mark_mail(mail.message_id, MailState.WAITING, refused)
            troubles.append(f"mail to {mail.recipient} was not accepted and waits: {refused}")
        else:
            ledger.mark_mail(mail.message_id, MailState.SENT)
            sent += 1
    return written, sent, troubles


def _send(project: Project, key: str, content: bytes) -> str:
    from tulosvahti.emit.smtp import send  # noqa: PLC0415 (only where a server is named)

    settings = project.config.mail
    recipient = project.routes.recipients.get(key)
    if recipient is None:
        return "the recipient is no longer in alerts/routes.yaml"
    password = os.environ.get(settings.password_env, "") if settings.password_env else ""
    try:
        refused = asyncio.run(
            send(
                content,
                settings.sender,
                list(recipient.mail),
                host=settings.host,
                port=settings.port,
                starttls=settings.starttls,
                username=settings.username,
                password=password,
            )
        )
    except (OSError, TimeoutError) as error:
        return str(error) or type(error).__name__
    return "; ".join(f"{address}: {why}" for address, why in refused.items())


def stored_json(project: Project, run: int | None) -> str | None:
    """Give the JSON of a run as it was published; None where there is no such run."""
    with closing(open_ledger(project)) as ledger:
        name = str(run) if run is not None else next((item.id for item in ledger.runs() if item.state == "done"), None)
        return ledger.outcome_json(name) if name is not None else None
