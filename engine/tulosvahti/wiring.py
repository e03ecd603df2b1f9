"""The only place that builds the real things: clock, ledger, stores, mail. Everything below is handed what it needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import __version__
from tulosvahti.core.delivery import MAIL, Answer, MailState, Posting
from tulosvahti.core.route import Recipient, digests
from tulosvahti.core.text import Text
from tulosvahti.emit import channels
from tulosvahti.emit.channels import addressed
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.mail import digest
from tulosvahti.emit.message import domain_of, made_id
from tulosvahti.emit.operator import fault_text, template_failed, unreached
from tulosvahti.emit.report import render
from tulosvahti.emit.words import word
from tulosvahti.run.delivery import deliver_due
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.store.eml import write_eml
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.lock import RunLock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tulosvahti.core.delivery import Parcel, Send
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.emit.smtp import Server
    from tulosvahti.load.project import Project
    from tulosvahti.store.outbox import Item

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


@dataclass(frozen=True)
class Delivered:
    """What a round of delivery did: files written, addresses that accepted, and what waits or was refused."""

    written: tuple[Path, ...]
    sent: int
    troubles: tuple[str, ...]


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
        work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        docs = folder / "data-docs" if project.config.data_docs else None
        before = Before(ledger.open_findings(), ledger.previous_verdicts(), ledger.newest_as_of())
        try:
            request = Request(run, as_of, rules, expectations, work, docs)
            outcome = evaluate(project, request, before, InputStore(project.root).keep)
            mails, troubles = _mails(project, outcome, started) if alerts and not outcome.lookback else ([], [])
            text = to_json(outcome)
            ledger.publish(outcome, clock(), mails, text)
        except BaseException as error:
            ledger.fail_run(run, clock(), str(error) or type(error).__name__)
            raise
        report = _report(project, outcome, folder, docs)
        delivered = deliver(project, ledger, clock)
        return Done(outcome, text, report, delivered.written, delivered.sent, (*troubles, *delivered.troubles))


def _mails(project: Project, outcome: Outcome, at: datetime) -> tuple[list[Posting], list[str]]:
    mails, troubles = [], []
    sender = project.config.mail.sender
    for key, findings in digests(outcome.findings, project.routes).items():
        recipient = project.routes.recipients[key]
        made_of = f"{outcome.run} {key} {outcome.rules_sha256} {at.isoformat()}"
        message_id = made_id(f"run{outcome.run}", made_of, domain_of(sender))
        content, trouble = digest(
            recipient, findings, outcome, project.agreements, sender, message_id, at,
            templates=project.root / "alerts", pictures=state_folder(project) / "pictures",
        )  # fmt: skip
        if trouble:
            troubles.append(trouble)
        mails.append(Posting(key, message_id, content, _addresses(recipient)))
    troubles = list(dict.fromkeys(troubles))
    operator = _operator(project)
    if troubles and operator is not None:
        mails.append(template_failed(operator, troubles, outcome.run, sender, at))
    return mails, troubles


def _addresses(recipient: Recipient) -> tuple[tuple[str, str], ...]:
    return (*((MAIL, one) for one in recipient.mail), *map(addressed, recipient.channels))


def _operator(project: Project) -> Recipient | None:
    """Give who hears of faults; None where nobody does."""
    named = project.config.mail.operator
    if named:
        return Recipient("operator", Text(en="Tulosvahti"), named, project.config.languages[0])
    return project.routes.recipients.get(project.routes.default)


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


def deliver(
    project: Project,
    ledger: Ledger | None = None,
    clock: Callable[[], datetime] = now,
    stopped: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send what is due, or write it as files where no server is named; what fails waits for its next time."""
    if ledger is None:
        with closing(open_ledger(project)) as opened:
            return deliver(project, opened, clock, stopped)
    written: list[Path] = []
    sender = project.config.mail.sender

    def write(parcel: Parcel) -> dict[str, Answer]:
        path = write_eml(state_folder(project) / "outbox", parcel.message_id, parcel.recipient, parcel.content)
        written.append(path)
        return dict.fromkeys(parcel.addresses, Answer(MailState.WRITTEN))

    def tell(failures: Sequence[Item], at: datetime) -> Posting | None:
        operator = _operator(project)
        if operator is None or not operator.mail:
            return None
        told = [
            (word("operator.item", operator.language, **asdict(item)), why_unsent(project, item, operator.language)) for item in failures
        ]
        key = repr([(item.id, item.channel, item.address, item.attempts) for item in failures])
        return unreached(operator, told, sender, key, at)

    senders: dict[str, Send] = {
        MAIL: partial(_send, project) if project.config.mail.host else write,
        "": lambda parcel: channels.deliver(parcel, os.environ),
    }
    done = deliver_due(ledger.outbox, senders, clock, tell, stopped)
    troubles = [
        f"mail to {parcel.recipient} <{address}> "
        + ("was refused: " if answer.state is MailState.FAILED else "waits: ")
        + _why(project, answer.reason, answer.said, "en", address=address, channel=parcel.channel, id=parcel.id)
        for parcel, address, answer in done.unsent
    ]
    return Delivered(tuple(written), done.accepted - len(written), tuple(troubles))


def why_unsent(project: Project, item: Item, language: str) -> str:
    """Say why an address was not reached, and what to do."""
    return _why(project, item.reason, item.said, language, address=item.address, channel=item.channel, id=item.id)


def _why(project: Project, reason: str, said: str, language: str, **details: object) -> str:
    server = f"{project.config.mail.host}:{project.config.mail.port}"
    return fault_text(reason, said, language, server=server, **details)


def mail_trouble(project: Project) -> str:
    """Knock at the mail server without sending anything: give what would keep mail from being sent, or ''."""
    from tulosvahti.emit.smtp import probe  # noqa: PLC0415 (only where a server is named)

    if not project.config.mail.host:
        return ""
    server = _server(project)
    answer = server if isinstance(server, Answer) else probe(server)
    return "" if answer is None else _why(project, answer.reason, answer.said, "en")


def _send(project: Project, parcel: Parcel) -> dict[str, Answer]:
    from tulosvahti.emit.smtp import send  # noqa: PLC0415 (only where a server is named)

    server = _server(project)
    return dict.fromkeys(parcel.addresses, server) if isinstance(server, Answer) else send(parcel.content, parcel.addresses, server)


def _server(project: Project) -> Server | Answer:
    """Give the server with its password, or the answer for all where the password is not there."""
    from tulosvahti.emit.smtp import SUBMISSIONS, Server  # noqa: PLC0415 (as above)

    mail = project.config.mail
    if mail.username and mail.password_env and not os.environ.get(mail.password_env):
        return Answer(MailState.WAITING, "no_password", mail.password_env, halts=True)
    return Server(
        mail.sender, mail.host, mail.port, mail.starttls, mail.username, os.environ.get(mail.password_env, ""),
        str(project.root / mail.trust) if mail.trust else "", implicit=mail.port == SUBMISSIONS,
    )  # fmt: skip


def stored_json(project: Project, run: int | None) -> str | None:
    """Give the JSON of a run as it was published; None where there is no such run."""
    with closing(open_ledger(project)) as ledger:
        name = str(run) if run is not None else next((item.id for item in ledger.runs() if item.state == "done"), None)
        return ledger.outcome_json(name) if name is not None else None


def last_slot(project: Project) -> datetime | None:
    """Give the newest night that was run; None before the first."""
    with closing(open_ledger(project)) as ledger:
        return ledger.last_slot()
