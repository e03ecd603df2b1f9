"""Alerts: one per rule and subject, and one per input: ok, pending, firing, resolved, moved by each run's verdicts.

Unknown freezes: it moves nothing that is known, and only opens an alert of its own where nothing was open. What was
not judged moves nothing at all. An alert is open over the periods that are bad; a bad period closes when it becomes
good, or when a later one is finally met after it had opened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.measure import SUPPRESSED, TOO_FEW, Subject
from tulosvahti.core.rule import Wait, WaitUnit
from tulosvahti.core.verdict import FROZEN, Word

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.verdict import Outcome

RANK: Mapping[str, int] = {
    Word.UNKNOWN: 1, Word.AT_RISK: 2, Word.MISSED: 3,
    DeliveryState.LATE: 1, DeliveryState.MISSING: 2, DeliveryState.QUARANTINED: 3,
}  # fmt: skip
"""How bad a word is; a word that is not here is good."""
INPUT_REASONS = frozenset({"input_missing", "input_quarantined", "input_late"})
"""Why a rule is unknown when its input's own alert tells it."""
QUIET_REASONS = frozenset({TOO_FEW, SUPPRESSED})
"""Why a rule is unknown for good reason: it is stated, opens no alert and ends none."""
AT_ONCE = Wait(1, WaitUnit.RUNS)


class About(StrEnum):
    """What an alert, or anything else that is told once, is about."""

    RULE = "rule"
    INPUT = "input"
    DUE = "due"
    SUMMARY = "summary"
    SILENCE = "silence"


@dataclass(frozen=True, order=True)
class AlertKey:
    """What is told, from run to run. Written ``leads``, ``leads/municipality=Kajaani`` or ``input:crm_leads``."""

    about: About
    name: str
    subject: Subject = ()

    def __str__(self) -> str:
        """Write it as on the command line."""
        about = "" if self.about is About.RULE else f"{self.about}:"
        subject = "/" + ",".join(f"{name}={value}" for name, value in self.subject) if self.subject else ""
        return about + self.name + subject


class AlertState(StrEnum):
    """The states of an alert."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Open:
    """A bad period of an alert: its word, and the newest period that was finally met when it opened.

    ``closed`` once a later period was finally met: the period stays bad, and counts no more.
    """

    word: str
    after: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Alert:
    """An alert as a run left it; ``since`` is when it came to its state, ``runs`` how many bad runs it has seen."""

    key: AlertKey
    state: AlertState = AlertState.OK
    since: datetime | None = None
    runs: int = 0
    open: Mapping[str, Open] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        """The word of each bad period that counts."""
        return {period: item.word for period, item in self.open.items() if not item.closed}

    @property
    def word(self) -> str:
        """The worst word; empty where nothing is open."""
        return max(self.words.values(), key=RANK.__getitem__, default="")

    @property
    def active(self) -> bool:
        """Tell whether something is wrong now, told or not yet."""
        return self.state in {AlertState.PENDING, AlertState.FIRING}


@dataclass(frozen=True)
class Sign:
    """What a run says of one period of an alert. ``final`` is a good word that no later data undoes."""

    period: str
    word: str
    final: bool = False


def signs_of(outcome: Outcome) -> dict[AlertKey, list[Sign]]:
    """Give what a run says, for each alert it says anything of.

    Unknown because of an input is the input's; unknown for good reason is nobody's alert.
    """
    signs: dict[AlertKey, list[Sign]] = {}
    for verdict in outcome.verdicts:
        rule, subject, period = verdict.key
        if verdict.word is Word.UNKNOWN and verdict.reason and verdict.reason.code in INPUT_REASONS | QUIET_REASONS:
            continue
        final = verdict.word is Word.MET and not verdict.provisional
        signs.setdefault(AlertKey(About.RULE, rule, subject), []).append(Sign(period, verdict.word, final))
    for delivery in outcome.deliveries:
        signs[AlertKey(About.INPUT, delivery.name)] = [Sign("", delivery.state)]
    return signs


def advance(before: Alert, signs: Collection[Sign], at: datetime, wait: Wait = AT_ONCE) -> Alert:
    """Give the alert after a run's signs; the same object where nothing moved."""
    known = [sign for sign in signs if sign.word not in FROZEN]
    unknown = [sign for sign in signs if sign.word in FROZEN]
    met = max((sign.period for sign in known if sign.final), default="")
    opened = dict(before.open)
    for sign in known:
        if sign.word in RANK:
            opened[sign.period] = replace(opened.get(sign.period, Open("", met)), word=sign.word)
        else:
            opened.pop(sign.period, None)
    opened = {
        period: replace(item, closed=item.closed or met > max(period, item.after)) for period, item in opened.items()
    }
    counts = any(sign.word in RANK for sign in known)
    if unknown and all(item.closed or item.word in FROZEN for item in opened.values()):
        # What was unknown beside a bad period is overtaken with it.
        fresh = {sign.period: Open(sign.word, met, closed=before.active and met > sign.period) for sign in unknown}
        opened = {**fresh, **opened}
        counts = True
    after = Alert(before.key, before.state, before.since, before.runs + counts, opened)
    if not after.words:
        state = {AlertState.FIRING: AlertState.RESOLVED, AlertState.PENDING: AlertState.OK}.get(before.state, before.state)
        after = replace(after, state=state, runs=0)
    elif before.state is not AlertState.FIRING:
        good = {sign.period for sign in known if sign.word not in RANK and sign.word != Word.NOT_DUE}
        fires = _long_enough(wait, after.runs, after.words, good)
        after = replace(after, state=AlertState.FIRING if fires else AlertState.PENDING)
    else:
        after = replace(after, runs=before.runs)
    if after.state is not before.state:
        return replace(after, since=at)
    return before if after == before or not (known or unknown) else after


def _long_enough(wait: Wait, runs: int, opened: Collection[str], good: Collection[str]) -> bool:
    """Tell whether it has been bad for long enough; what has no periods is counted in runs."""
    if wait.unit is WaitUnit.RUNS or "" in opened:
        return runs >= wait.count
    streak = 0
    for period in sorted({*opened, *good}, reverse=True):
        if period not in opened:
            break
        streak += 1
    return streak >= wait.count


def worse(now: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Tell whether a year is bad, or worse, otherwise than it was told.

    A target is a year's: a further bad month of a year that was told to be as bad goes on with the same alert.
    """
    known = _by_year(told)
    return any(rank > known.get(year, 0) for year, rank in _by_year(now).items())


def _by_year(words: Mapping[str, str]) -> dict[str, int]:
    worst: dict[str, int] = {}
    for period, word in words.items():
        year = period.partition("-")[0]
        worst[year] = max(worst.get(year, 0), RANK[word])
    return worst
