"""The mails of a run, written out: each with a Message-ID of its own and, where a dashboard answers, signed links."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tulosvahti.core.alert_token import Link, sign
from tulosvahti.emit.letters import Desk
from tulosvahti.emit.mail import letter
from tulosvahti.store.alerting import Posted

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.alert_plan import Message, Standing
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.load.project import Project
    from tulosvahti.run.alerting import Alerted

LINKS_LAST = timedelta(days=30)


def posted(project: Project, outcome: Outcome, found: Alerted, at: datetime, secret: bytes) -> tuple[list[Posted], list[str]]:
    """Write every mail; give them, and what went wrong with the project's templates."""

    def link(recipient: str, standing: Standing) -> str:
        if not (project.config.dashboard and secret and standing.alert.since):
            return ""
        token = sign(secret, Link(standing.key, recipient, standing.alert.since, at + LINKS_LAST))
        return f"{project.config.dashboard}/acknowledge?token={quote(token)}"

    desk = Desk(
        outcome, found.shown, project.agreements, project.contracts, project.routes.recipients,
        ZoneInfo(project.config.time_zone), link,
    )  # fmt: skip
    mails, troubles = [], []
    sender = project.config.mail.sender
    domain = sender.rpartition("@")[2].rstrip(">") or "tulosvahti.invalid"
    for message in found.messages:
        message_id = f"<run{outcome.run}.{message.recipient}.{_mark(message)}.{int(at.timestamp())}@{domain}>"
        content, trouble = letter(message, desk, sender, message_id, at, templates=project.root / "alerts")
        if trouble:
            troubles.append(trouble)
        mails.append(Posted(message.recipient, message_id, content, message.tells, message.hold))
    return mails, troubles


def _mark(message: Message) -> str:
    """Give what tells one mail of a run and recipient from another: its kind, and what it tells."""
    told = "\n".join(f"{tell.key} {tell.firing}" for tell in message.tells)
    return f"{message.kind}.{hashlib.sha256(told.encode()).hexdigest()[:12]}"
