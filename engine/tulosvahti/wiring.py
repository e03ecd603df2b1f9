"""The only place that builds the real things: clock, ledger, stores, mail. Everything below is handed what it needs."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import __version__
from tulosvahti.core.alert import About
from tulosvahti.core.alert_token import Link, TokenError, read
from tulosvahti.core.verdict import Outcome
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.logs import in_run
from tulosvahti.emit.report import render
from tulosvahti.run.alerting import Alerted, Past, alerted
from tulosvahti.run.letters import posted
from tulosvahti.run.nightly import Before, Request, evaluate, take_in
from tulosvahti.store import alerting
from tulosvahti.store.backup import refuse_half_restored
from tulosvahti.store.files import write_atomically
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.ledger import Ledger, MailState
from tulosvahti.store.lock import RunLock
from tulosvahti.store.outbox import write_eml
from tulosvahti.store.secret import SecretError, project_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.alert import AlertKey
    from tulosvahti.core.alert_plan import Standing
    from tulosvahti.load.project import Project
    from tulosvahti.store.alerting import Memory, Posted

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


def steady() -> float:
    """Read the clock that never jumps, in seconds."""
    return time.monotonic()


def default_as_of(project: Project, at: datetime) -> date:
    """Give the day that a run judges: the project's fixed day, or the last evening that is known."""
    if project.config.as_of is not None:
        return project.config.as_of
    return at.astimezone(ZoneInfo(project.config.time_zone)).date() - timedelta(days=1)


def state_folder(project: Project) -> Path:
    """Give the folder of everything the engine writes."""
    return project.root / STATE


def secret(name: str) -> str:
    """Give a secret by the name that config.toml has for it: from the environment, else from systemd's credentials."""
    if not name or name in os.environ:
        return os.environ.get(name, "")
    place = Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)) / name
    return place.read_text(encoding="utf-8").strip() if place.is_file() else ""


def open_ledger(project: Project) -> Ledger:
    """Open the project's ledger, migrating it where needed.

    Raises:
        LedgerError: it cannot be used; the text says why.

    """
    refuse_half_restored(state_folder(project))
    return Ledger(project.config.ledger, project.root, secret(project.config.ledger_password_env))


def run_once(  # noqa: PLR0913 (each is one choice of the caller)
    project: Project,
    as_of: date,
    *,
    rules: str = "*",
    expectations: bool = True,
    alerts: bool = True,
    clock: Callable[[], datetime] = now,
    slot: datetime | None = None,
) -> Done:
    """Run everything once: judge, publish, write the report, send or write the mails.

    Raises:
        LockedError: another run is under way in this project.

    """
    folder = state_folder(project)
    with ExitStack() as stack:
        stack.enter_context(RunLock(folder / "run.lock"))
        ledger = stack.enter_context(closing(open_ledger(project)))
        started = clock()
        run = ledger.start_run(
            as_of, started, project.rules_sha256, __version__, forced_rules="" if rules == "*" else rules, slot=slot
        )
        stack.enter_context(in_run(run))
        work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        docs = folder / "data-docs" if project.config.data_docs else None
        before = Before(ledger.open_findings(), ledger.previous_verdicts(), ledger.newest_as_of())
        try:
            request = Request(run, as_of, rules, expectations, work, docs)
            outcome = evaluate(project, request, before, InputStore(project.root).keep)
            found = alert(project, ledger, outcome, started)
            mails, troubles = _written(project, outcome, found, started) if alerts else ([], [])
            text = to_json(outcome)
            ledger.publish(outcome, clock(), mails, text, found.moved)
        except BaseException as error:
            try:
                ledger.fail_run(run, clock(), str(error) or type(error).__name__)
            except Exception as second:  # noqa: BLE001 (the next run records it: the first fault is what to tell)
                error.add_note(f"the ledger could not take note of it: {second}")
            raise
        try:
            report = _report(project, outcome, folder, docs)
        finally:
            # A report that cannot be written keeps no mail back.
            written, sent, unsent = _deliver(project, ledger, folder, clock)
        return Done(outcome, text, report, tuple(written), sent, (*troubles, *unsent))


def alert(project: Project, ledger: Ledger, outcome: Outcome, at: datetime) -> Alerted:
    """Say how every alert stands after an outcome, and who is told what; nothing is written."""
    with ledger.transaction(reading=True) as connection:
        past = Past(partial(alerting.last_verdict, connection), partial(alerting.last_delivery, connection))
        return alerted(project, outcome, alerting.remember(connection), past, at)


@dataclass(frozen=True)
class Overview:
    """How the alerts stand between runs."""

    at: datetime
    standings: tuple[Standing, ...]
    memory: Memory


def overview(project: Project, at: datetime) -> Overview:
    """Say how every alert stands now; nothing is judged and nothing written."""
    with closing(open_ledger(project)) as ledger:
        as_of = ledger.newest_as_of() or default_as_of(project, at)
        nothing = Outcome("", as_of, project.rules_sha256, __version__, (), ())
        with ledger.transaction(reading=True) as connection:
            memory = alerting.remember(connection)
        return Overview(at, alert(project, ledger, nothing, at).standings, memory)


def judged_words(project: Project, key: AlertKey, as_of: date) -> dict[str, list[str]]:
    """Judge one rule, or take in one input, without publishing: give each verdict with its periods and subjects."""
    found: dict[str, list[str]] = {}
    if key.about is About.INPUT:
        taken = take_in(project, [key.name], as_of, lambda _content: "")
        return {str(taken[key.name].delivery.state): [""]}
    work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
    try:
        request = Request("0", as_of, key.name, work_folder=work)
        for verdict in evaluate(project, request, Before({}, {}, None), lambda _content: "").verdicts:
            where = [verdict.key[2], *(value for _, value in verdict.subject)]
            found.setdefault(str(verdict.word), []).append(" ".join(filter(None, where)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return found


def acknowledge_link(project: Project, token: str, at: datetime) -> Link:
    """Acknowledge what a signed link of a mail names; twice is once.

    Raises:
        TokenError: the link is not ours, has expired, or its alert no longer fires as it did; the text says which.

    """
    link = read(project_secret(state_folder(project)), token, at)
    with closing(open_ledger(project)) as ledger, ledger.transaction() as connection:
        memory = alerting.remember(connection)
        now = memory.alerts.get(link.key)
        if now is None or not now.active or now.since != link.since:
            message = f"{link.key} no longer fires as it did when this link was sent: nothing is to be acknowledged"
            raise TokenError(message)
        if not any(item.covers(now) and item.by == link.recipient for item in memory.acknowledgements):
            alerting.acknowledge(connection, link.key, link.recipient, at, via="link")
    return link


def _written(project: Project, outcome: Outcome, found: Alerted, at: datetime) -> tuple[list[Posted], list[str]]:
    """Write the mails; give them, and what the operator is to know of them."""
    secret, troubles = b"", []
    if project.config.dashboard:
        try:
            secret = project_secret(state_folder(project))
        except (SecretError, OSError) as error:
            troubles.append(f"{error}; mails carry no links until then")
    mails, failed = posted(project, outcome, found, at, secret)
    held = [mail.hold for mail in mails if mail.hold is not None]
    if held:
        until = max(held).astimezone(ZoneInfo(project.config.time_zone))
        troubles.append(f"mails held by quiet hours: {len(held)}, until {until:%Y-%m-%d %H:%M}")
    return mails, [*troubles, *failed]


def _report(project: Project, outcome: Outcome, folder: Path, docs: Path | None) -> Path:
    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    index = docs / "index.html" if docs else None
    link = f"../data-docs/{index.name}" if index is not None and index.exists() else None
    for language in reversed(project.config.languages):
        html = render(outcome, project.agreements, project.config.languages, language, link, folder / "pictures")
        path = reports / f"run-{outcome.run}.{language}.html"
        write_atomically(path, html.encode())
        write_atomically(reports / f"latest.{language}.html", html.encode())
    return reports / f"run-{outcome.run}.{project.config.languages[0]}.html"


def _deliver(project: Project, ledger: Ledger, folder: Path, clock: Callable[[], datetime]) -> tuple[list[Path], int, list[str]]:
    """Send what waits, or write it as files where no server is named; what fails waits for the next time."""
    written: list[Path] = []
    troubles: list[str] = []
    sent = 0
    for mail in ledger.waiting_mails(clock()):
        if not project.config.mail.host:
            written.append(write_eml(folder / "outbox", mail.message_id, mail.recipient, mail.content))
            ledger.mark_mail(mail.message_id, MailState.WRITTEN, clock())
            continue
        refused = _send(project, mail.recipient, mail.content)
        if refused:
            ledger.mark_mail(mail.message_id, MailState.WAITING, clock(), refused)
            troubles.append(f"mail to {mail.recipient} was not accepted and waits: {refused}")
        else:
            ledger.mark_mail(mail.message_id, MailState.SENT, clock())
            sent += 1
    return written, sent, troubles


def _send(project: Project, key: str, content: bytes) -> str:
    from tulosvahti.emit.smtp import send  # noqa: PLC0415 (only where a server is named)

    settings = project.config.mail
    recipient = project.routes.recipients.get(key)
    if recipient is None:
        return "the recipient is no longer in alerts/routes.yaml"
    password = secret(settings.password_env)
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


def last_slot(project: Project) -> datetime | None:
    """Give the newest night that was run; None before the first."""
    with closing(open_ledger(project)) as ledger:
        return ledger.last_slot()
