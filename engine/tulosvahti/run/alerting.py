"""Alerting: from a run's outcome and what earlier runs left, to the alerts that moved and the mails to write.

Nothing here reads a clock, a file or a database: ``Memory`` is what the ledger remembers, ``Past`` looks one thing up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti.core.alert import AT_ONCE, RANK, About, Alert, AlertKey, advance, signs_of
from tulosvahti.core.alert_calendar import Due, next_due
from tulosvahti.core.alert_mute import exceeds, matches, materiality
from tulosvahti.core.alert_plan import Message, Moment, Shown, Standing, plan
from tulosvahti.core.contract import Delivery
from tulosvahti.core.route import Matter, input_matter, rule_matter
from tulosvahti.core.rule import Rule
from tulosvahti.core.verdict import FROZEN, Outcome, Verdict
from tulosvahti.load.free_days import free_days

if TYPE_CHECKING:
    from datetime import date, datetime

    from tulosvahti.core.alert_mute import Silence, Waiver
    from tulosvahti.core.measure import Subject
    from tulosvahti.load.project import Project
    from tulosvahti.store.alerting import Memory

PastVerdict = Callable[[Rule, AlertKey, str, str], Verdict | None]
"""The newest verdict of a rule and subject that gave a period its word."""
PastDelivery = Callable[[str], Delivery | None]


@dataclass(frozen=True)
class Past:
    """What earlier runs said of what tonight says nothing of."""

    verdict: PastVerdict
    delivery: PastDelivery


@dataclass(frozen=True)
class Alerted:
    """What alerting came to: how every alert stands, which moved, what each shows, and the mails."""

    standings: tuple[Standing, ...]
    moved: tuple[Alert, ...]
    shown: Mapping[AlertKey, Shown]
    messages: tuple[Message, ...]


def alerted(project: Project, outcome: Outcome, memory: Memory, past: Past, at: datetime) -> Alerted:
    """Move every alert by a run's outcome, and decide who is told what."""
    zone = ZoneInfo(project.config.time_zone)
    moment = Moment(at, zone, outcome.as_of, free_days(project.routes, at.year) if _asks_for_holidays(project) else ())
    moved = [] if outcome.lookback else _moved(project, outcome, memory, at)
    every = {**memory.alerts, **{alert.key: alert for alert in moved}}
    desk = _Desk(project, outcome, memory, past, moment, every)
    standings = tuple(found for alert in every.values() if (found := desk.standing(alert)) is not None)
    announced = {key.name for _, key in memory.log if key.about is About.SILENCE}
    ended = [item for item in memory.silences if item.ends <= at and str(item.id) not in announced]
    messages = [] if outcome.lookback else plan(standings, list(desk.dues.values()), ended, project.routes, memory.log, moment)
    return Alerted(standings, tuple(moved), desk.shown, tuple(messages))


def _asks_for_holidays(project: Project) -> bool:
    routes = project.routes
    return any(quiet and quiet.holidays for quiet in (routes.quiet, *(item.quiet for item in routes.recipients.values())))


def _moved(project: Project, outcome: Outcome, memory: Memory, at: datetime) -> list[Alert]:
    rules = {rule.id: rule for rule in project.rules}
    moved = []
    for key, signs in signs_of(outcome).items():
        before = memory.alerts.get(key, Alert(key))
        worst = max((sign.word for sign in signs if sign.word in RANK), key=RANK.__getitem__, default="")
        rule = rules.get(key.name) if key.about is About.RULE else None
        matter = rule_matter(rule, worst) if rule else _matter_of_input(project, key, worst)
        wait = (rule.wait if rule else None) or project.routes.wait_of(matter) or AT_ONCE
        after = advance(before, signs, at, wait)
        if after is not before:
            moved.append(after)
    return moved


def _matter_of_input(project: Project, key: AlertKey, word: str) -> Matter:
    return input_matter(project.contracts[key.name], word, project.rules)


class _Desk:
    """Everything that says how one alert stands, looked up once for all of them."""

    def __init__(  # noqa: PLR0913
        self, project: Project, outcome: Outcome, memory: Memory, past: Past, moment: Moment, every: Mapping[AlertKey, Alert]
    ) -> None:
        self.project, self.memory, self.past, self.moment = project, memory, past, moment
        self.rules = {rule.id: rule for rule in project.rules}
        self.verdicts = {verdict.key: verdict for verdict in outcome.verdicts}
        self.of_subject: dict[tuple[str, Subject], list[Verdict]] = {}
        for verdict in outcome.verdicts:
            self.of_subject.setdefault(verdict.key[:2], []).append(verdict)
        self.deliveries = {item.name: item for item in outcome.deliveries}
        self.as_of: date = outcome.as_of
        self.absent = {key.name for key, alert in every.items() if key.about is About.INPUT and alert.active}
        self.dues: dict[str, Due] = {}
        self.shown: dict[AlertKey, Shown] = {}
        for name, delivery in self.deliveries.items():
            due = next_due(project.contracts[name], delivery, outcome.as_of)
            if due is not None:
                self.dues[name] = due

    def standing(self, alert: Alert) -> Standing | None:
        """Say how an alert stands; None where its rule or input is no longer in the project."""
        return self._of_rule(alert) if alert.key.about is About.RULE else self._of_input(alert)

    def _of_rule(self, alert: Alert) -> Standing | None:
        rule = self.rules.get(alert.key.name)
        if rule is None:
            return None
        found = self._verdict(rule, alert)
        self.shown[alert.key] = Shown(verdict=found)
        absent = next((name for name in rule.inputs if name in self.absent), "")
        muted, lapsed = self._muted(alert, self._exceeds)
        return Standing(
            alert,
            rule_matter(rule, alert.word),
            materiality(found) if found else Decimal(0),
            f"input:{absent}" if absent else muted,
            self._acknowledged(alert),
            lapsed,
        )

    def _of_input(self, alert: Alert) -> Standing | None:
        name = alert.key.name
        contract = self.project.contracts.get(name)
        if contract is None:
            return None
        waiting = tuple(rule for rule in self.project.rules if name in rule.inputs)
        self.shown[alert.key] = Shown(delivery=self.deliveries.get(name) or self.past.delivery(name), waiting=waiting)
        due = self.dues.get(name)
        last = max(self.project.routes.after, default=0)
        muted, lapsed = self._muted(alert, self._overdue)
        return Standing(
            alert,
            input_matter(contract, alert.word, self.project.rules),
            Decimal(0),
            muted,
            self._acknowledged(alert),
            lapsed,
            due if due is not None and due.days_over(self.moment.today) <= last else None,
        )

    def _verdict(self, rule: Rule, alert: Alert) -> Verdict | None:
        """Give the verdict that speaks for an alert: of its worst and newest bad period, or tonight's newest."""
        about = alert.key
        if not alert.words:
            mine = self.of_subject.get((about.name, about.subject), ())
            return max(mine, key=lambda item: (item.word not in FROZEN, item.key[2]), default=None)
        period, word = max(alert.words.items(), key=lambda item: (RANK[item[1]], item[0]))
        return self._spoken(rule, about, period, word)

    def _acknowledged(self, alert: Alert) -> bool:
        return any(item.covers(alert) for item in self.memory.acknowledgements)

    def _muted(self, alert: Alert, is_beyond: Callable[[Alert, Waiver], bool]) -> tuple[str, datetime | None]:
        """Give what mutes an alert, and when the newest waiver that covers it no longer lapsed."""
        at = self.moment.at
        silence: Silence | None = next(
            (item for item in self.memory.silences if item.in_force(at) and matches(item.pattern, alert.key)), None
        )
        if silence is not None:
            return f"silence {silence.id}", None
        lapsed: list[datetime] = []
        for waiver in self.memory.waivers:
            if not matches(waiver.pattern, alert.key):
                continue
            if at >= waiver.ends:
                lapsed.append(waiver.ends)
            elif is_beyond(alert, waiver):
                lapsed.append(waiver.at)
            elif alert.active:
                return f"waiver {waiver.id}", None
        return "", max(lapsed, default=None)

    def _exceeds(self, alert: Alert, waiver: Waiver) -> bool:
        rule = self.rules[alert.key.name]
        spoken = (self._spoken(rule, alert.key, period, word) for period, word in alert.words.items())
        return any(item is not None and exceeds(item, waiver.limit, self.as_of) for item in spoken)

    def _spoken(self, rule: Rule, key: AlertKey, period: str, word: str) -> Verdict | None:
        """Give the newest verdict that gave a period its word: tonight's, or an earlier one where it is frozen."""
        tonight = self.verdicts.get((key.name, key.subject, period))
        if tonight is not None and tonight.word == word:
            return tonight
        return self.past.verdict(rule, key, period, word) or tonight

    def _overdue(self, alert: Alert, waiver: Waiver) -> bool:
        name = alert.key.name
        delivery = self.shown[alert.key].delivery
        due = next_due(self.project.contracts[name], delivery, self.as_of) if delivery else None
        return due is not None and due.days_over(self.as_of) > waiver.limit
