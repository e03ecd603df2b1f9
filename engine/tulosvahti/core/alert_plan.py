"""Who is told what tonight: decided from the log of what was told, never from what was rendered.

What waits to be delivered counts as told, so that nothing is told twice. In this order: nothing was ever told and
something fires; something new or worse fires; all is resolved; some is; the time for a reminder has come; else nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from tulosvahti.core.alert import RANK, About, Alert, AlertKey, AlertState, worse
from tulosvahti.core.alert_calendar import Due, has_passed, held_until, newest_crossed, newest_weekday
from tulosvahti.core.alert_mute import Silence, matches
from tulosvahti.core.route import Heard, Matter, Recipient, Routes, Why
from tulosvahti.core.rule import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.rule import Rule
    from tulosvahti.core.verdict import Verdict

WEEK = timedelta(days=7)


class MailKind(StrEnum):
    """The kinds of mail."""

    DIGEST = "digest"
    IMMEDIATE = "immediate"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    RESOLVED = "resolved"
    SUMMARY = "summary"
    DUE = "due"
    SILENCE_ENDED = "silence_ended"


class Cause(StrEnum):
    """Why a mail goes out, in the order in which it is asked."""

    FIRST = "first"
    NEW = "new"
    ALL_RESOLVED = "all_resolved"
    SOME_RESOLVED = "some_resolved"
    REPEAT = "repeat"


@dataclass(frozen=True)
class Tell:
    """What a mail tells of one thing: that it fires, with the word of each bad period, or that it no longer does."""

    key: AlertKey
    firing: bool = True
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """The newest thing that somebody was told of an alert; ``first_at`` is when they first heard that it fires."""

    at: datetime
    first_at: datetime
    firing: bool = True
    words: Mapping[str, str] = field(default_factory=dict)


Log = Mapping[tuple[str, AlertKey], Told]
"""What each recipient was told last of each alert."""


@dataclass(frozen=True)
class Standing:
    """An alert as it stands tonight, with what decides who hears of it."""

    alert: Alert
    matter: Matter
    weight: Decimal = Decimal(0)
    muted: str = ""
    """What holds its mail back; empty: nothing."""
    acknowledged: bool = False
    lapsed_at: datetime | None = None
    """When a waiver ceased to cover it: what was told before counts as untold."""
    due: Due | None = None
    """An input with a due day is reminded of by the declared days, not by the repeat interval."""

    @property
    def key(self) -> AlertKey:
        """What the alert is about."""
        return self.alert.key

    @property
    def fires(self) -> bool:
        """Tell whether somebody is to know of it."""
        return self.alert.state is AlertState.FIRING

    @property
    def rank(self) -> tuple[int, int, Decimal, AlertKey]:
        """The order in a mail: by severity, by verdict, by how far off it is."""
        return list(Severity).index(self.matter.severity), -RANK.get(self.alert.word, 0), -self.weight, self.key

    def is_news(self, told: Told | None) -> bool:
        """Tell whether it fires otherwise than it was told."""
        if told is None or not told.firing or worse(self.alert.words, told.words):
            return True
        return self.lapsed_at is not None and told.at < self.lapsed_at


@dataclass(frozen=True)
class Shown:
    """What a mail shows of an alert: a verdict, or a delivery with the rules that wait for it."""

    verdict: Verdict | None = None
    delivery: Delivery | None = None
    waiting: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Moment:
    """When it is: the clock, the project's zone, the day judged, and the holidays around it."""

    at: datetime
    zone: tzinfo
    as_of: date
    free: Collection[date] = ()

    @property
    def today(self) -> date:
        """The morning after the evening that is known."""
        return self.as_of + timedelta(days=1)

    @property
    def local_day(self) -> date:
        """The day of the clock."""
        return self.at.astimezone(self.zone).date()


@dataclass(frozen=True)
class Reminded:
    """An input's due day that somebody is reminded of; ``unanswered`` counts the reminders that nobody answered."""

    due: Due
    days: int
    unanswered: int = 0


@dataclass(frozen=True)
class Message:
    """One mail to one recipient: why, about what, and what is told when it is accepted."""

    recipient: str
    kind: MailKind
    cause: Cause | None = None
    new: tuple[Standing, ...] = ()
    resolved: tuple[Standing, ...] = ()
    continued: tuple[Standing, ...] = ()
    reminded: tuple[Reminded, ...] = ()
    silences: tuple[Silence, ...] = ()
    was: Mapping[AlertKey, str] = field(default_factory=dict)
    """What was told before of what is new or resolved."""
    escalated: Mapping[AlertKey, str] = field(default_factory=dict)
    """Who did not answer."""
    tells: tuple[Tell, ...] = ()
    hold: datetime | None = None
    """Not before this moment (UTC): quiet hours."""


def plan(
    standings: Sequence[Standing], dues: Sequence[Due], ended: Sequence[Silence], routes: Routes, log: Log, moment: Moment
) -> list[Message]:
    """Give the mails of a run. ``dues`` are what inputs owe next; ``ended`` silences whose end was not announced."""
    messages: list[Message] = []
    heard = {standing.key: audience(standing, routes, log, moment) for standing in standings}
    announced = _announced(standings, ended, routes)
    for recipient in routes.recipients.values():
        mine = [(item, found) for item in standings for found in heard[item.key] if found.recipient == recipient.key]
        usual = [item for item, found in mine if not found.escalated_from]
        escalated = {item.key: found.escalated_from for item, found in mine if found.escalated_from}
        messages += _to_one(recipient, usual, routes, log, moment, announced.get(recipient.key, ()))
        for message in _to_one(recipient, [item for item, _ in mine if item.key in escalated], routes, log, moment):
            kind = MailKind.ESCALATION if message.new else message.kind
            messages.append(replace(message, kind=kind, escalated=escalated))
    messages += _summaries(standings, routes, log, moment)
    messages += _reminders(standings, dues, routes, log, moment, messages)
    return [_held(message, routes, moment) for message in messages]


def audience(standing: Standing, routes: Routes, log: Log, moment: Moment) -> list[Heard]:
    """Give who hears of an alert tonight; of one that no longer fires, whoever was told that it does."""
    if standing.muted:
        return []
    if not standing.alert.active:
        return [Heard(key, Why.OWNER) for key in routes.recipients if _told_firing(log, key, standing.key)]
    found = list(routes.heard_by(standing.matter))
    for heard in found:  # Grows while it is walked: an escalation may be escalated.
        step = routes.recipients[heard.recipient].escalation
        told = log.get((heard.recipient, standing.key))
        if step is None or told is None or not told.firing or step.to in {item.recipient for item in found}:
            continue
        passed = has_passed(step.after, told.first_at, moment.at, moment.zone) and not standing.acknowledged
        if passed or _told_firing(log, step.to, standing.key):
            found.append(Heard(step.to, Why.ESCALATION, escalated_from=heard.recipient))
    return found


def _told_firing(log: Log, recipient: str, key: AlertKey) -> bool:
    told = log.get((recipient, key))
    return told is not None and told.firing


def decide(members: Sequence[Standing], told: Mapping[AlertKey, Told], repeat: int, moment: Moment) -> Cause | None:
    """Say why a recipient gets a mail of these alerts now; None: they get none. ``repeat`` in days; 0: never."""
    firing = [item for item in members if item.fires]
    if any(item.is_news(told.get(item.key)) for item in firing):
        return Cause.NEW if told else Cause.FIRST
    if any(_is_resolved(item, told) for item in members):
        return Cause.SOME_RESOLVED if firing else Cause.ALL_RESOLVED
    waiting = [told[item.key].at for item in firing if not item.acknowledged and item.due is None]
    if repeat and waiting and has_passed(timedelta(days=repeat), min(waiting), moment.at, moment.zone):
        return Cause.REPEAT
    return None


def _is_resolved(item: Standing, told: Mapping[AlertKey, Told]) -> bool:
    return not item.alert.active and item.key in told and told[item.key].firing


def _to_one(  # noqa: PLR0913 (each is one part of the decision)
    recipient: Recipient, members: Sequence[Standing], routes: Routes, log: Log, moment: Moment, ended: Sequence[Silence] = ()
) -> Iterator[Message]:
    """Give one digest at most, and a mail of its own for every critical alert that is news."""
    told = {key: item for (who, key), item in log.items() if who == recipient.key}
    urgent = [
        item for item in members
        if item.fires and item.matter.severity is Severity.CRITICAL and item.is_news(told.get(item.key))
    ]  # fmt: skip
    for item in sorted(urgent, key=lambda item: item.rank):
        yield Message(recipient.key, MailKind.IMMEDIATE, Cause.NEW, (item,), tells=(_tell(item),))
    rest = [item for item in members if item not in urgent]
    cause = decide(rest, told, routes.repeat_of(recipient.key), moment)
    if cause is None and not ended:
        return
    firing = sorted((item for item in rest if item.fires), key=lambda item: item.rank)
    new = tuple(item for item in firing if item.is_news(told.get(item.key)))
    resolved = tuple(sorted((item for item in rest if _is_resolved(item, told)), key=lambda item: item.rank))
    continued = tuple(item for item in firing if item not in new)
    kind = {
        None: MailKind.SILENCE_ENDED, Cause.ALL_RESOLVED: MailKind.RESOLVED, Cause.REPEAT: MailKind.REMINDER
    }.get(cause, MailKind.DIGEST)  # fmt: skip
    tells = (
        *map(_tell, (*new, *continued)),
        *(Tell(item.key, firing=False) for item in resolved),
        *(Tell(AlertKey(About.SILENCE, str(silence.id))) for silence in ended),
    )
    was = {
        item.key: max(told[item.key].words.values(), key=RANK.__getitem__, default="")
        for item in (*new, *resolved) if item.key in told and told[item.key].firing
    }  # fmt: skip
    yield Message(recipient.key, kind, cause, new, resolved, continued, silences=tuple(ended), was=was, tells=tells)


def _tell(item: Standing) -> Tell:
    return Tell(item.key, words=item.alert.words)


def _announced(standings: Sequence[Standing], ended: Sequence[Silence], routes: Routes) -> dict[str, list[Silence]]:
    """Give the silences that ended, for everybody whose active alerts they muted; else for the default recipient."""
    found: dict[str, list[Silence]] = {}
    for silence in ended:
        muted = [item for item in standings if item.alert.active and matches(silence.pattern, item.key)]
        keys = {heard.recipient for item in muted for heard in routes.heard_by(item.matter)} or {routes.default}
        for key in keys:
            found.setdefault(key, []).append(silence)
    return found


def _summaries(standings: Sequence[Standing], routes: Routes, log: Log, moment: Moment) -> Iterator[Message]:
    for summary in routes.summaries:
        day = newest_weekday(moment.local_day, summary.weekday)
        key = AlertKey(About.SUMMARY, day.isoformat())
        if (summary.to, key) in log:
            continue
        ranked = sorted(standings, key=lambda item: item.rank)
        active = [item for item in ranked if item.fires]
        fresh = [item for item in active if _within_a_week(item, day, moment)]
        yield Message(
            summary.to,
            MailKind.SUMMARY,
            new=tuple(fresh),
            continued=tuple(item for item in active if item not in fresh),
            resolved=tuple(
                item for item in ranked if item.alert.state is AlertState.RESOLVED and _within_a_week(item, day, moment)
            ),
            tells=(Tell(key),),
        )


def _within_a_week(item: Standing, day: date, moment: Moment) -> bool:
    since = item.alert.since
    return since is not None and since.astimezone(moment.zone).date() > day - WEEK


def due_key(due: Due, days: int) -> AlertKey:
    """Name one reminder of one due day."""
    return AlertKey(About.DUE, due.input, (("due", due.day.isoformat()), ("days", str(days))))


def _reminders(  # noqa: PLR0913
    standings: Sequence[Standing], dues: Sequence[Due], routes: Routes, log: Log, moment: Moment, sent: list[Message]
) -> list[Message]:
    """Remind deliverers of due days; whoever is told tonight that the input is late needs no reminder beside it."""
    alerts = {item.key: item for item in standings if item.key.about is About.INPUT}
    owed: dict[str, list[Reminded]] = {}
    for due in dues:
        alert = alerts.get(AlertKey(About.INPUT, due.input))
        first = routes.deliverer(due.deliverer)
        days = newest_crossed(due, moment.today, routes.before, routes.after)
        if days is None or not first or (first, due_key(due, days)) in log or (alert is not None and alert.muted):
            continue
        late = [item for item in routes.after if days > 0 and (first, due_key(due, item)) in log]
        unanswered = 0 if alert is not None and alert.acknowledged else len(late)
        who = routes.recipients[first]
        for key in dict.fromkeys([first, *[who.deputy, who.manager][:unanswered]]):
            if key:
                owed.setdefault(key, []).append(Reminded(due, days, unanswered))
    for index, message in enumerate(sent):
        told_now = {item.key.name for item in message.new if item.key.about is About.INPUT}
        folded = [item for item in owed.get(message.recipient, []) if item.due.input in told_now]
        if folded and message.kind is not MailKind.SUMMARY:
            owed[message.recipient] = [item for item in owed[message.recipient] if item not in folded]
            tells = tuple(Tell(due_key(item.due, item.days)) for item in folded)
            sent[index] = replace(message, tells=(*message.tells, *tells))
    return [
        Message(key, MailKind.DUE, reminded=tuple(items), tells=tuple(Tell(due_key(item.due, item.days)) for item in items))
        for key, items in owed.items()
        if items
    ]


def _held(message: Message, routes: Routes, moment: Moment) -> Message:
    quiet = routes.quiet_of(message.recipient)
    urgent = bool(message.new) and all(item.matter.severity is Severity.CRITICAL for item in message.new)
    if urgent and message.kind in {MailKind.IMMEDIATE, MailKind.ESCALATION} and not (quiet and quiet.critical):
        return message
    return replace(message, hold=held_until(quiet, moment.at, moment.zone, moment.free))
