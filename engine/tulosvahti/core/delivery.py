"""What becomes of a message at each address, and when an attempt is made again. Moments are aware.

A message lives in the outbox with its bytes; each of its addresses has a state of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tulosvahti.core.alert_plan import Tell


class MailState(StrEnum):
    """How far a message came at one address: ``written`` to a file, ``sent`` and accepted, ``failed`` for good."""

    WAITING = "waiting"
    WRITTEN = "written"
    SENT = "sent"
    FAILED = "failed"


ACCEPTED = frozenset({MailState.SENT, MailState.WRITTEN})
MAIL = "mail"
"""The channel of e-mail; the others are those of ``emit.channels``."""
LEASE = timedelta(minutes=5)
"""How long an attempt is its process's own; longer than any attempt lasts."""
PATIENCE = timedelta(days=4)
"""How long after the first attempt the last one is made."""
_FIRST = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30))
_THEN = timedelta(hours=2)
FARTHEST = timedelta(hours=3)
"""No next attempt lies farther ahead; one that does was set by a clock that has been put back since."""


@dataclass(frozen=True)
class Answer:
    """What came of an attempt at one address; ``waiting`` means: try again later.

    ``reason`` is a code of the words ``delivery.*``; ``said`` is what the other side said. ``halts``: the server itself
    failed, so nothing else would pass either.
    """

    state: MailState
    reason: str = ""
    said: str = ""
    halts: bool = False


@dataclass(frozen=True)
class Parcel:
    """One attempt: a stored message and the addresses of one channel that it is still to reach."""

    id: int
    message_id: str
    recipient: str
    channel: str
    addresses: tuple[str, ...]
    content: bytes
    attempts: tuple[int, ...] = ()
    """By address, this attempt counted: only the newest attempt may say "later" or "failed"."""


Send = Callable[[Parcel], Mapping[str, Answer]]
"""Make one attempt and answer for every address; an address left out waits."""


@dataclass(frozen=True)
class Posting:
    """A message as it goes into the outbox. ``addresses``: channel and address. First tried at ``hold``, or at once.

    ``tells`` is logged when the first address accepts it.
    ``kind`` is ``operator`` for what tells the operator of faults: about those no further message is made.
    """

    recipient: str
    message_id: str
    content: bytes
    addresses: tuple[tuple[str, str], ...]
    kind: str = "digest"
    tells: tuple[Tell, ...] = ()
    hold: datetime | None = None
    about: tuple[str, str, str] | None = None
    """Of a message to a deliverer: the input, the place, and what is told of the newest delivery there."""


def next_attempt(message_id: str, attempt: int, first: datetime, now: datetime) -> datetime | None:
    """Give when to try again: 1, 5, 15 and 30 minutes after the first attempt, then every 2 hours for 4 days; or never.

    Each moment is put off by up to a tenth of its step, by a number made of Message-ID and attempt: messages that
    failed together do not come back together, and a test can foresee them.
    """
    passed = max(now - first, timedelta())
    steps = [step for step in _FIRST if step > passed]
    after = steps[0] if steps else _FIRST[-1] + _THEN * ((passed - _FIRST[-1]) // _THEN + 1)
    if after > PATIENCE:
        return None
    before = max(step for step in (timedelta(), *_FIRST, after - _THEN) if step < after)
    share = int.from_bytes(hashlib.sha256(f"{message_id} {attempt}".encode()).digest()[:4]) / 2**32
    return min(first, now) + after + (after - before) / 10 * share
