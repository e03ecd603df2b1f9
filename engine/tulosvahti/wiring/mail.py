"""Delivery: the real mail server and channels, and what is told of what did not arrive."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.core.delivery import MAIL, Answer, MailState, Posting
from tulosvahti.core.route import Recipient
from tulosvahti.core.secrecy import SecretError, masked
from tulosvahti.core.text import Text
from tulosvahti.run.delivery import deliver_due
from tulosvahti.store.eml import write_eml
from tulosvahti.wiring.base import now, open_ledger, secret, state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.delivery import Parcel, Send
    from tulosvahti.emit.smtp import Server
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.store.outbox import Item


@dataclass(frozen=True)
class Delivered:
    """What a round of delivery did: files written, addresses that accepted, and what waits or was refused."""

    written: tuple[Path, ...]
    sent: int
    troubles: tuple[str, ...]


def deliver(
    project: Project,
    ledger: Ledger | None = None,
    clock: Callable[[], datetime] = now,
    stopped: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send what is due, or write it as files where no server is named; what fails waits for its next time.

    Raises:
        OSError: a file could not be written; all else was seen to.

    """
    if ledger is None:
        with closing(open_ledger(project)) as opened:
            return deliver(project, opened, clock, stopped)
    written: list[Path] = []
    sender = project.config.mail.sender

    faults: list[OSError] = []

    def write(parcel: Parcel) -> dict[str, Answer]:
        try:
            path = write_eml(state_folder(project) / "outbox", parcel.message_id, parcel.recipient, parcel.content)
        except OSError as error:
            faults.append(error)
            return dict.fromkeys(parcel.addresses, Answer(MailState.WAITING, "failed_inside", str(error), halts=True))
        written.append(path)
        return dict.fromkeys(parcel.addresses, Answer(MailState.WRITTEN))

    def tell(failures: Sequence[Item], at: datetime) -> Posting | None:
        operator = operator_of(project)
        if operator is None or not operator.mail:
            return None
        from tulosvahti.emit.operator import unreached  # noqa: PLC0415 (only where something goes out)
        from tulosvahti.emit.words import word  # noqa: PLC0415

        told = [
            (word("operator.item", operator.language, **asdict(item)), why_unsent(project, item, operator.language)) for item in failures
        ]
        key = repr([(item.id, item.channel, item.address, item.attempts) for item in failures])
        return unreached(operator, told, sender, key, at)

    senders: dict[str, Send] = {MAIL: partial(_send, project) if project.config.mail.host else write, "": _posted}
    done = deliver_due(ledger.outbox, senders, clock, tell, stopped)
    if faults:
        raise faults[0]
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
    from tulosvahti.emit.operator import fault_text  # noqa: PLC0415 (only where something did not go out)

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


def _posted(parcel: Parcel) -> dict[str, Answer]:
    from tulosvahti.emit import channels  # noqa: PLC0415 (only where something goes out)

    return _untold(channels.deliver(parcel, {name: secret(name) for name in parcel.addresses}))


def _send(project: Project, parcel: Parcel) -> dict[str, Answer]:
    from tulosvahti.emit.smtp import send  # noqa: PLC0415 (only where a server is named)

    server = _server(project)
    if isinstance(server, Answer):
        return dict.fromkeys(parcel.addresses, server)
    return _untold(send(parcel.content, parcel.addresses, server))


def _untold(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Take out of what the other side said what it must not have said: it is kept and shown."""
    return {address: replace(answer, said=masked(answer.said)) for address, answer in answers.items()}


def _server(project: Project) -> Server | Answer:
    """Give the server with its password, or the answer for all where the password is not there."""
    from tulosvahti.emit.smtp import SUBMISSIONS, Server  # noqa: PLC0415 (as above)

    mail = project.config.mail
    try:
        password = secret(mail.password_env)
    except SecretError as error:
        return Answer(MailState.WAITING, "bad_secret", str(error), halts=True)
    if mail.username and mail.password_env and not password:
        return Answer(MailState.WAITING, "no_password", mail.password_env, halts=True)
    return Server(
        mail.sender, mail.host, mail.port, mail.starttls, mail.username, password,
        str(project.root / mail.trust) if mail.trust else "", implicit=mail.port == SUBMISSIONS,
    )  # fmt: skip


def operator_of(project: Project) -> Recipient | None:
    """Give who hears of faults; None where nobody does."""
    named = project.config.mail.operator
    if named:
        return Recipient("operator", Text(en="Tulosvahti"), named, project.config.languages[0])
    return project.routes.recipients.get(project.routes.default)
