"""Values entered by hand: each version of a row, what was done with it, and which of them count.

Convention: nothing is changed. A new version of a row is a new entry; what somebody does with an entry is a step added
to it. A row is told from others by its contract's key, an actual value from a forecast by its sort. Moments are aware.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Key = tuple[str, ...]
"""The texts of the contract's key fields, in its order."""


class Sort(StrEnum):
    """What a value is: what happened, or what is expected to. Only the first is ever judged."""

    ACTUAL = "actual"
    FORECAST = "forecast"


class EntryState(StrEnum):
    """How far an entry has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    LOCKED = "locked"
    WITHDRAWN = "withdrawn"
    RETRACTED = "retracted"


class Deed(StrEnum):
    """What is done with an entry; the value is the word of the command."""

    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    RETURN = "return"
    APPROVE = "approve"
    LOCK = "lock"
    UNLOCK = "unlock"
    RETRACT = "retract"


_BECOMES = {
    Deed.SUBMIT: EntryState.SUBMITTED,
    Deed.WITHDRAW: EntryState.WITHDRAWN,
    Deed.RETURN: EntryState.RETURNED,
    Deed.APPROVE: EntryState.APPROVED,
    Deed.LOCK: EntryState.LOCKED,
    Deed.UNLOCK: EntryState.APPROVED,
    Deed.RETRACT: EntryState.RETRACTED,
}
_FROM = {
    Deed.SUBMIT: (EntryState.DRAFT, EntryState.RETURNED),
    Deed.WITHDRAW: (EntryState.DRAFT, EntryState.SUBMITTED, EntryState.RETURNED),
    Deed.RETURN: (EntryState.SUBMITTED,),
    Deed.APPROVE: (EntryState.SUBMITTED,),
    Deed.LOCK: (EntryState.APPROVED,),
    Deed.UNLOCK: (EntryState.LOCKED,),
    Deed.RETRACT: (EntryState.APPROVED,),
}
_NOT_NOW = {
    Deed.SUBMIT: "row {} is no draft: it cannot be submitted",
    Deed.WITHDRAW: "row {} is approved or gone: it cannot be withdrawn",
    Deed.RETURN: "row {} was not submitted: it cannot be returned",
    Deed.APPROVE: "row {} was not submitted: it cannot be approved",
    Deed.LOCK: "row {} is not approved: it cannot be locked",
    Deed.UNLOCK: "row {} is not locked: it cannot be unlocked",
    Deed.RETRACT: "row {} is not approved, or is locked: it cannot be retracted",
}
_NO_REASON = {
    Deed.RETURN: "give the reason why row {} is returned",
    Deed.UNLOCK: "give the reason why row {} is unlocked",
    Deed.RETRACT: "give the reason why row {} is retracted",
}
REASONED = frozenset(_NO_REASON)
"""Deeds that need a reason."""
DECIDING = frozenset({Deed.RETURN, Deed.APPROVE, Deed.LOCK, Deed.UNLOCK, Deed.RETRACT})
"""Deeds of whoever decides, as against the owner who enters."""
COUNTING = frozenset({EntryState.APPROVED, EntryState.LOCKED})
OPEN = frozenset({EntryState.DRAFT, EntryState.SUBMITTED, EntryState.RETURNED})


class EntryRefusedError(Exception):
    """Something that cannot be done with a value; the text says why and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Step:
    """One deed: who did it, when and why."""

    deed: Deed
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Attachment:
    """A file of evidence, kept by its digest in the input store."""

    name: str
    sha256: str
    size: int
    by: str
    at: datetime


@dataclass(frozen=True)
class Entry:
    """One version of one row: texts by field, as the contract writes them; why it differs from the one before."""

    id: int
    input: str
    key: Key
    sort: Sort
    values: Mapping[str, str]
    by: str
    at: datetime
    reason: str = ""
    steps: tuple[Step, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def state(self) -> EntryState:
        """How far it has come."""
        return _BECOMES[self.steps[-1].deed] if self.steps else EntryState.DRAFT

    @property
    def counts(self) -> bool:
        """Tell whether it is approved."""
        return self.state in COUNTING

    @property
    def submitted_by(self) -> str:
        """Who submitted it last; empty where nobody did."""
        return next((step.by for step in reversed(self.steps) if step.deed is Deed.SUBMIT), "")

    @property
    def approved(self) -> Step | None:
        """The step that approved it, None where it does not count."""
        found = (step for step in reversed(self.steps) if step.deed is Deed.APPROVE)
        return next(found, None) if self.counts else None


@dataclass(frozen=True)
class Row:
    """A row of an input that is entered by hand: its versions of one sort, oldest first."""

    key: Key
    sort: Sort
    versions: tuple[Entry, ...]

    @property
    def newest(self) -> Entry:
        """The version that people work on."""
        return self.versions[-1]

    @property
    def counting(self) -> Entry | None:
        """The version that is approved; an older one counts while a newer one is under way.

        One that was retracted is not followed by the one before it: that was replaced for its own reasons.
        """
        for entry in reversed(self.versions):
            if entry.state is EntryState.RETRACTED:
                return None
            if entry.counts:
                return entry
        return None


def rows_of(entries: Iterable[Entry]) -> dict[tuple[Key, Sort], Row]:
    """Group the versions of one input's rows; ``entries`` come oldest first, the rows in order of their keys."""
    found: dict[tuple[Key, Sort], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.key, entry.sort), []).append(entry)
    return {at: Row(*at, tuple(found[at])) for at in sorted(found)}


def may_enter(row: Row | None, values: Mapping[str, str], reason: str, seen: int) -> None:
    """Tell whether a new version may be entered by somebody who saw version ``seen`` (0: none).

    Raises:
        EntryRefusedError: with the reason.

    """
    if row is None:
        return
    newest, counting = row.newest, row.counting
    if newest.id != seen:
        raise EntryRefusedError(
            f"{newest.by} entered another version of row {told_key(row.key)} at {newest.at:%Y-%m-%d %H:%M}; look at it first"
        )
    if newest.state is EntryState.LOCKED:
        raise EntryRefusedError(f"row {told_key(row.key)} is locked; ask for it to be unlocked, with a reason")
    if newest.state is EntryState.SUBMITTED:
        raise EntryRefusedError(f"row {told_key(row.key)} waits for approval; withdraw it first, or have it returned")
    changed = counting is not None and dict(counting.values) != dict(values)
    if changed and not reason.strip():
        raise EntryRefusedError(f"row {told_key(row.key)} has an approved value: give the reason why it changes")


def may_start(entry: Entry, deed: Deed) -> bool:
    """Tell whether an entry has come so far that a deed is the next."""
    return entry.state in _FROM[deed]


def may_do(  # noqa: PLR0913 (a deed, and what speaks against it)
    entry: Entry, deed: Deed, by: str, reason: str, *, faults: Iterable[str] = (), jumps: Iterable[str] = (), four_eyes: bool = True
) -> None:
    """Tell whether a deed may be done. ``faults``: what the contract says against the values; ``jumps``: what needs a reason.

    Raises:
        EntryRefusedError: with the reason.

    """
    row = told_key(entry.key)
    if not may_start(entry, deed):
        raise EntryRefusedError(_NOT_NOW[deed].format(row))
    if deed in REASONED and not reason.strip():
        raise EntryRefusedError(_NO_REASON[deed].format(row))
    if deed is Deed.APPROVE:
        if found := list(faults):
            raise EntryRefusedError(f"row {row} cannot be approved: {'; '.join(found)}")
        if (found := list(jumps)) and not reason.strip():
            raise EntryRefusedError(f"row {row} cannot be approved without a reason: {'; '.join(found)}")
        if four_eyes and by == entry.submitted_by:
            raise EntryRefusedError(f"row {row} was submitted by {by}: somebody else has to approve it")


def told_key(key: Key) -> str:
    """Name a row as people see it."""
    return ", ".join(key) or "(no key)"
