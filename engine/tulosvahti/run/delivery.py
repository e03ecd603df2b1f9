"""Delivering what the outbox holds: after a run, and by the service between runs. The clock is handed in.

Each attempt is claimed before it is made and recorded after it, so any number of processes may deliver at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tulosvahti.core.delivery import ACCEPTED, Answer, MailState, Parcel, Posting, Send

if TYPE_CHECKING:
    from tulosvahti.store.outbox import Item, Outbox

LOG = logging.getLogger(__name__)
Tell = Callable[[Sequence["Item"], datetime], Posting | None]
"""Make the message to the operator about what failed for good; None where there is no operator."""


@dataclass(frozen=True)
class Round:
    """What was done: messages that somebody accepted, and the addresses that did not, with their answers."""

    accepted: int = 0
    unsent: tuple[tuple[Parcel, str, Answer], ...] = ()


def deliver_due(
    outbox: Outbox,
    senders: Mapping[str, Send],
    now: Callable[[], datetime],
    tell: Tell = lambda _failures, _at: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Round:
    """Make every attempt that is due, then tell the operator what failed for good.

    ``senders`` are by channel; "" is that of every channel without one of its own. A server that fails as such is left
    alone until the next round. ``stopped`` is asked before each attempt.
    """
    accepted = 0
    unsent: list[tuple[Parcel, str, Answer]] = []
    halted: set[str] = set()
    while not stopped():
        parcel = outbox.claim(now(), halted)
        if parcel is None:
            if _tell_operator(outbox, tell, now()):
                continue
            break
        answers = _attempt(senders, parcel)
        outbox.record(parcel, answers, now())
        accepted += any(answer.state in ACCEPTED for answer in answers.values())
        unsent += [(parcel, one, answers[one]) for one in parcel.addresses if answers[one].state not in ACCEPTED]
        if any(answer.halts for answer in answers.values()):
            halted.add(parcel.channel)
    return Round(accepted, tuple(unsent))


def _attempt(senders: Mapping[str, Send], parcel: Parcel) -> dict[str, Answer]:
    try:
        answers = (senders.get(parcel.channel) or senders[""])(parcel)
    except Exception as error:  # a fault of a sender must neither lose the message nor stop the others
        LOG.exception("message %d could not be handed over", parcel.id)
        answers = dict.fromkeys(parcel.addresses, Answer(MailState.WAITING, "failed_inside", f"{type(error).__name__}: {error}"))
    silent = Answer(MailState.WAITING, "no_answer")
    return {address: answers.get(address, silent) for address in parcel.addresses}


def _tell_operator(outbox: Outbox, tell: Tell, now: datetime) -> bool:
    failures = outbox.untold_failures()
    posting = tell(failures, now) if failures else None
    return posting is not None and outbox.tell(failures, posting, now)
