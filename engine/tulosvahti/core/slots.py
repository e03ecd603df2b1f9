"""Which slot of a job runs now, and which are recorded as skipped: the policy, without clock or ledger.

A slot is one due time of a job; its name is the nominal local time (``2023-06-01T05:00``), or for a job that waits for
deliveries what was delivered. A slot that is late by more than ``max_late`` is missed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.timetable import Timetable

NOMINAL = "%Y-%m-%dT%H:%M"
_LONGEST = 80


class Missed(StrEnum):
    """What becomes of a missed slot: the newest runs late, or none does."""

    RUN_ONCE = "run-once"
    SKIP = "skip"


@dataclass(frozen=True)
class Job:
    """Rules that are judged together: at the times of ``cron``, or when an input of ``on_delivery`` has come.

    ``rules`` and ``on_delivery`` are globs, with commas. A run that failed is tried ``retries`` times more.
    """

    name: str
    cron: str = ""
    on_delivery: str = ""
    rules: str = "*"
    missed: Missed = Missed.RUN_ONCE
    max_late: timedelta = timedelta(hours=1)
    retries: int = 3
    retry_after: timedelta = timedelta(minutes=10)

    def retry_at(self, attempt: int, now: datetime) -> datetime | None:
        """Give when the slot is tried again after its ``attempt``-th run has failed; None where it is given up."""
        return now + self.retry_after if attempt <= self.retries else None


@dataclass(frozen=True)
class Due:
    """A slot that is to run: its name, when it was due, and which rules it judges."""

    slot: str
    at: datetime
    rules: str


@dataclass(frozen=True)
class Waiting:
    """A slot that was begun and not finished: how often, and from when it may run again."""

    due: Due
    attempts: int
    retry_at: datetime


@dataclass(frozen=True)
class Known:
    """What the ledger knows of a job: the newest slot that was seen to, and one that waits for its next attempt."""

    newest: str | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Skipped:
    """Slots that do not run: ``count`` of them, from ``oldest`` to ``newest``; none where a job only starts after it."""

    newest: str
    oldest: str
    count: int
    at: datetime
    reason: str


@dataclass(frozen=True)
class Plan:
    """What is to be done for a job now. ``gives_up`` says why the slot that waits is not tried again."""

    run: Due | None = None
    skipped: Skipped | None = None
    gives_up: str = ""

    def __bool__(self) -> bool:
        """Say whether anything is to be done."""
        return bool(self.run or self.skipped or self.gives_up)


def calendar_plan(job: Job, timetable: Timetable, now: datetime, known: Known) -> Plan:
    """Plan a job with a timetable. Only the newest slot runs: it judges all that the older ones would have."""
    newest = timetable.newest(now)
    if newest is None:
        return Plan()
    name, at = newest.strftime(NOMINAL), timetable.moment(newest)
    if known.newest is None:
        return Plan(skipped=Skipped(name, name, 0, at, "the job is new: its first slot is the next one"))
    if name <= known.newest:
        return _again(job, known, now)
    seen = datetime.strptime(known.newest, NOMINAL)  # noqa: DTZ007 - nominal times have no zone
    passed = f"slot {name} came before it was tried again" if known.waiting else ""
    if now - at > job.max_late and job.missed is Missed.SKIP:
        count = timetable.count(seen, newest) + 1
        oldest = next(timetable.after(seen)).strftime(NOMINAL)
        return Plan(None, Skipped(name, oldest, count, at, "missed, and the job skips what it missed"), passed)
    return Plan(Due(name, at, job.rules), _between(timetable, seen, newest), passed)


def _between(timetable: Timetable, seen: datetime, newest: datetime) -> Skipped | None:
    count = timetable.count(seen, newest)
    if not count:
        return None
    last, oldest = next(timetable.before(newest)), next(timetable.after(seen)).strftime(NOMINAL)
    reason = f"slot {newest.strftime(NOMINAL)} runs for all that were missed"
    return Skipped(last.strftime(NOMINAL), oldest, count, timetable.moment(last), reason)


def _again(job: Job, known: Known, now: datetime) -> Plan:
    """Try the slot that waits; a moment too far away was written by a clock that has been put back since."""
    waiting = known.waiting
    if waiting is None or now < waiting.retry_at <= now + job.retry_after:
        return Plan()
    if waiting.attempts > job.retries:
        return Plan(gives_up=f"given up: it was begun {waiting.attempts} times and never ended")
    return Plan(waiting.due)


@dataclass(frozen=True)
class Judged:
    """The newest run that judged a rule, and the digests of the inputs that it read."""

    run: str
    inputs: Mapping[str, str]


def delivery_plan(
    job: Job, arrived: Mapping[str, str], judged: Mapping[str, Judged], now: datetime, known: Known
) -> Plan:
    """Plan a job that waits for deliveries: it judges the rules whose newest verdict was given on other bytes.

    ``arrived`` has the digests of what lies there now, ``judged`` each rule of the job. The slot is named after what
    was delivered and what was judged before, so that each delivery is one slot, also of the same bytes as once before.
    """
    if known.waiting is not None:
        return _again(job, known, now)
    changed = {
        (name, arrived[name], past.run)
        for past in judged.values()
        for name, digest in past.inputs.items()
        if name in arrived and matches(name, job.on_delivery) and arrived[name] != digest
    }
    if not changed:
        return Plan()
    inputs = sorted({name for name, _, _ in changed})
    rules = [
        rule
        for rule, past in judged.items()
        if any((name, arrived.get(name), past.run) in changed for name in past.inputs)
    ]
    mark = hashlib.sha256("\n".join(map(" ".join, sorted(changed))).encode()).hexdigest()[:12]
    return Plan(Due(f"{', '.join(inputs)[:_LONGEST]} {mark}", now, ",".join(rules)))


def matches(name: str, globs: str) -> bool:
    """Say whether a name matches one of the globs, which commas separate."""
    return any(fnmatchcase(name, part.strip()) for part in globs.split(",") if part.strip())
