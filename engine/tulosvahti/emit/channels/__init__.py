"""Ways to reach people besides e-mail. A new channel is one file here and one line in ``CHANNELS``.

A channel says the subject and the plain text of the stored message. An address is the name of an environment variable
that holds the channel's URL, because the URL is a secret; ``KIND:VARIABLE`` names another channel than Apprise.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from tulosvahti.core.delivery import Answer, MailState
from tulosvahti.emit.channels import apprise
from tulosvahti.emit.channels.note import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tulosvahti.core.delivery import Parcel

CHANNELS: Mapping[str, Callable[[Note, str], Answer]] = {
    "apprise": apprise.send,
}
"""Each says a note to a URL and ends within a minute."""


def addressed(written: str) -> tuple[str, str]:
    """Give channel and variable of an address in ``routes.yaml``."""
    channel, _, variable = written.rpartition(":")
    return channel or "apprise", variable


def deliver(parcel: Parcel, variables: Mapping[str, str]) -> dict[str, Answer]:
    """Say a stored message through its channel, to each of its addresses."""
    channel = CHANNELS.get(parcel.channel)
    if channel is None:
        missing = Answer(MailState.FAILED, "no_channel", ", ".join(sorted(CHANNELS)))
        return dict.fromkeys(parcel.addresses, missing)
    note = _note(parcel.content)
    return {
        name: channel(note, variables[name]) if variables.get(name) else Answer(MailState.WAITING, "no_variable")
        for name in parcel.addresses
    }


def _note(content: bytes) -> Note:
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    return Note(str(message["Subject"] or ""), str(body.get_content()).replace("\r\n", "\n") if body else "")
