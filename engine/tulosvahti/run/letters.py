"""The mails of a run, written out: each with a Message-ID of its own and, where a dashboard answers, signed links."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tulosvahti.core.alert_token import Link, sign
from tulosvahti.core.delivery import MAIL, Posting

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.alert_plan import Standing
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.load.project import Project
    from tulosvahti.run.alerting import Alerted

LINKS_LAST = timedelta(days=30)


def posted(
    project: Project, outcome: Outcome, found: Alerted, at: datetime, *, secret: bytes, pictures: Path | None = None
) -> tuple[list[Posting], list[str]]:
    """Write every mail; give them, and what went wrong with the project's templates."""
    if not found.messages:
        return [], []
    from tulosvahti.emit.channels import addressed  # noqa: PLC0415 (heavy)
    from tulosvahti.emit.letters import Desk  # noqa: PLC0415
    from tulosvahti.emit.mail import letter  # noqa: PLC0415
    from tulosvahti.emit.message import domain_of, made_id  # noqa: PLC0415

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
    for message in found.messages:
        told = "\n".join(f"{tell.key} {tell.firing}" for tell in message.tells)
        made_of = f"{outcome.run} {message.recipient} {message.kind} {outcome.rules_sha256} {at.isoformat()}\n{told}"
        message_id = made_id(f"run{outcome.run}", made_of, domain_of(sender))
        content, trouble = letter(message, desk, sender, message_id, at, templates=project.root / "alerts", pictures=pictures)
        if trouble:
            troubles.append(trouble)
        to = desk.recipients[message.recipient]
        addresses = (*((MAIL, one) for one in to.mail), *map(addressed, to.channels))
        mails.append(
            Posting(message.recipient, message_id, content, addresses, str(message.kind), message.tells, message.hold)
        )
    return mails, list(dict.fromkeys(troubles))
