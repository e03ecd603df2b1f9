"""Alerts as the ledger has them: how they stand, who is told what, and what people say to them."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import __version__
from tulosvahti.core.alert import About
from tulosvahti.core.alert_token import Link, TokenError, read
from tulosvahti.core.verdict import Outcome
from tulosvahti.run.alerting import Alerted, Past, alerted
from tulosvahti.run.letters import posted
from tulosvahti.run.nightly import Before, Request, evaluate, take_in
from tulosvahti.store import alerting
from tulosvahti.store.secret import SecretError, project_secret
from tulosvahti.wiring.base import default_as_of, open_ledger, state_folder
from tulosvahti.wiring.dropping import refusals
from tulosvahti.wiring.mail import operator_of
from tulosvahti.wiring.notes import told_by

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from tulosvahti.core.alert import AlertKey
    from tulosvahti.core.alert_plan import Standing
    from tulosvahti.core.delivery import Posting
    from tulosvahti.load.project import Project
    from tulosvahti.store.alerting import Memory
    from tulosvahti.store.ledger import Ledger


def alert(project: Project, ledger: Ledger, outcome: Outcome, at: datetime, notes: Sequence[Posting] = ()) -> Alerted:
    """Say how every alert stands after an outcome, and who is told what; nothing is written.

    ``notes`` are messages to deliverers that go out beside: what they tell needs no second telling.
    """
    with ledger.transaction(reading=True) as connection:
        past = Past(partial(alerting.last_verdict, connection), partial(alerting.last_delivery, connection))
        memory = alerting.remember(connection)
        return alerted(project, outcome, replace(memory, log=told_by(notes, memory.log, at)), past, at)


@dataclass(frozen=True)
class Overview:
    """How the alerts stand between runs."""

    at: datetime
    standings: tuple[Standing, ...]
    memory: Memory


def overview(project: Project, at: datetime, reader: Ledger | None = None) -> Overview:
    """Say how every alert stands now; nothing is judged and nothing written. ``reader``: a ledger that is open already."""
    with nullcontext(reader) if reader is not None else closing(open_ledger(project)) as ledger:
        as_of = ledger.newest_as_of() or default_as_of(project, at)
        nothing = Outcome("", as_of, project.rules_sha256, __version__, (), ())
        with ledger.transaction(reading=True) as connection:
            memory = alerting.remember(connection)
        return Overview(at, alert(project, ledger, nothing, at).standings, memory)


def judged_words(project: Project, key: AlertKey, as_of: date) -> dict[str, list[str]]:
    """Judge one rule, or take in one input, without publishing: give each verdict with its periods and subjects."""
    found: dict[str, list[str]] = {}
    if key.about is About.INPUT:
        taken = take_in(project, [key.name], as_of, lambda _content: "", refusals(project))
        return {str(taken[key.name].delivery.state): [""]}
    work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
    try:
        request = Request("0", as_of, key.name, work_folder=work)
        for verdict in evaluate(project, request, Before({}, {}, None, refusals=refusals(project)), lambda _content: "").verdicts:
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


def mails_of(project: Project, outcome: Outcome, found: Alerted, at: datetime) -> tuple[list[Posting], list[str]]:
    """Write the mails of a run; give them, and what the operator is to know of them."""
    secret, troubles = b"", []
    if project.config.dashboard:
        try:
            secret = project_secret(state_folder(project))
        except (SecretError, OSError) as error:
            troubles.append(f"{error}; mails carry no links until then")
    mails, failed = posted(project, outcome, found, at, secret=secret, pictures=state_folder(project) / "pictures")
    held = [mail.hold for mail in mails if mail.hold is not None]
    if held:
        until = max(held).astimezone(ZoneInfo(project.config.time_zone))
        troubles.append(f"mails held by quiet hours: {len(held)}, until {until:%Y-%m-%d %H:%M}")
    operator = operator_of(project)
    if failed and operator is not None:
        from tulosvahti.emit.operator import template_failed  # noqa: PLC0415 (heavy, and seldom asked for)

        mails.append(template_failed(operator, failed, outcome.run, project.config.mail.sender, at))
    return mails, [*troubles, *failed]
