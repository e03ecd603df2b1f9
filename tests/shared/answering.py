"""What came of a message that a ledger posted, without a server: as if its newest attempt had been answered so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.delivery import Answer, MailState, Parcel

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.store.ledger import Ledger


def answered(ledger: Ledger, message_id: str, state: MailState, at: datetime) -> None:
    """Record one answer for every address of a message."""
    items = [item for item in ledger.outbox.items(everything=True) if item.message_id == message_id]
    first = items[0]
    addresses = tuple(item.address for item in items)
    parcel = Parcel(
        first.id, message_id, first.recipient, first.channel, addresses, b"", tuple(item.attempts for item in items)
    )
    ledger.outbox.record(parcel, dict.fromkeys(addresses, Answer(state)), at)
