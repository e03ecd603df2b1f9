"""What the deliverer is told of a delivery: that it was refused, accepted in part, or that a later one is in order.

Each delivery is told once. The same content again is nothing new, however often it comes; a delivery in order closes what
was told before, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tulosvahti.core.arrival import Fate


class Note(StrEnum):
    """The kinds of message to a deliverer."""

    REFUSED = "refused"
    PARTLY = "partly"
    MENDED = "mended"


@dataclass(frozen=True)
class OpenNote:
    """The newest message about a place of an input: what it told, of which content, and whom."""

    kind: Note
    delivery: int
    name: str
    sha256: str
    recipients: tuple[str, ...] = ()


_TOLD = {Fate.QUARANTINED: Note.REFUSED, Fate.PARTLY: Note.PARTLY}
_IN_ORDER = frozenset({Fate.ACCEPTED, Fate.LATE, Fate.DUPLICATE})


def note_of(fate: Fate, sha256: str, name: str, rejects: int, before: OpenNote | None) -> Note | None:
    """Say what is to be told of a delivery now; None: nothing. A late one may have rejects too."""
    kind = Note.PARTLY if fate is Fate.LATE and rejects else _TOLD.get(fate)
    open_before = before is not None and before.kind is not Note.MENDED
    if kind is not None:
        same = before is not None and (before.sha256, before.sha256 or before.name) == (sha256, sha256 or name)
        return None if same and before is not None and before.kind is kind else kind
    if not open_before or before is None or fate not in _IN_ORDER:
        return None
    if fate is Fate.DUPLICATE and before.sha256 == sha256:
        return None
    return Note.MENDED
