"""What a mail says: its subject, its groups of items, each with one sentence, in the recipient's language.

The view is the same for every kind of mail, so that one template serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tulosvahti.core.alert import About
from tulosvahti.core.alert_plan import MailKind
from tulosvahti.core.measure import Reason
from tulosvahti.core.verdict import Word
from tulosvahti.emit.revisions import revision_text
from tulosvahti.emit.words import (
    MOST_NAMED,
    SIGNS,
    clean,
    day,
    listed,
    observed_text,
    owner_name,
    reason_text,
    subject_text,
    target_text,
    verdict_word,
    word,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from tulosvahti.core.alert import AlertKey
    from tulosvahti.core.alert_mute import Silence
    from tulosvahti.core.alert_plan import Message, Reminded, Shown, Standing
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.route import Recipient
    from tulosvahti.core.rule import Agreement, Rule
    from tulosvahti.core.verdict import Outcome, Verdict

MOST_WAITING = 5
"""Rules named beside an input that they wait for."""
MOST_REVISIONS = 3
"""Revised periods told beside an alert."""
_STATE_SIGN = "!"


@dataclass(frozen=True)
class Desk:
    """What every letter of a run is written from."""

    outcome: Outcome
    shown: Mapping[AlertKey, Shown]
    agreements: Mapping[str, Agreement]
    contracts: Mapping[str, Contract]
    recipients: Mapping[str, Recipient]
    zone: tzinfo
    link: Callable[[str, Standing], str] = lambda _recipient, _standing: ""
    """Address by which a recipient acknowledges an alert; empty where there is no dashboard."""


def view_of(message: Message, desk: Desk) -> dict[str, Any]:
    """Give what the templates fill in."""
    recipient = desk.recipients[message.recipient]
    say = partial(word, language=recipient.language)
    page = _Page(message, desk, recipient.language)
    groups = [
        (name, [page.item(item) for item in items])
        for name, items in (("new", message.new), ("resolved", message.resolved), ("continued", message.continued))
        if items
    ]
    names = {MailKind.SUMMARY: {"new": "new_this_week", "continued": "open"}, MailKind.REMINDER: {"continued": "open"}}.get(message.kind, {})
    groups = [(names.get(name, name), items) for name, items in groups]
    as_of = day(desk.outcome.as_of, recipient.language)
    counts = ", ".join(say(f"mail.count_{name}", count=len(items)) for name, items in groups)
    first = next((items[0]["title"] for _, items in groups), "")
    return {
        "language": recipient.language,
        "kind": str(message.kind),
        "subject": say(f"mail.subject_{message.kind}", day=as_of, counts=counts or say("mail.count_none"), title=page.due_title() or first),
        "recipient": clean(recipient.name.in_language(recipient.language)),
        "intro": say(f"mail.intro_{message.kind}"),
        "as_of": as_of,
        "run": desk.outcome.run,
        "groups": [(say(f"mail.{name}"), items) for name, items in groups],
        "reminded": [page.reminded(item) for item in message.reminded],
        "silences": [page.silence(item) for item in message.silences],
        "counts": page.counts() if message.kind is MailKind.SUMMARY else [],
        "synthetic": listed(page.synthetic(), recipient.language, most=MOST_NAMED),
    }


def sentence(verdict: Verdict, language: str) -> str:
    """Say in one sentence why the verdict is what it is."""
    values = {"observed": observed_text(verdict, language), "target": target_text(verdict.target, language)}
    if verdict.reason:
        reason = reason_text(verdict.reason, language)
        if verdict.observed is not None and verdict.word in {Word.AT_RISK, Word.MISSED}:
            return f"{word(f'says.{verdict.word}', language, **values)} {reason}"
        return reason
    return word(f"says.{verdict.word}", language, **values)


@dataclass(frozen=True)
class _Page:
    message: Message
    desk: Desk
    language: str

    def say(self, key: str, **details: object) -> str:
        return word(key, self.language, **details)

    def item(self, standing: Standing) -> dict[str, Any]:
        """Say one alert."""
        shown = self.desk.shown[standing.key]
        about_input = standing.key.about is About.INPUT
        said = self._input(standing, shown) if about_input else self._rule(standing, shown.verdict)
        was = self.message.was.get(standing.key, "")
        was_word = self._word(was, about_input=about_input) if was and was != said["verdict"] else ""
        severity = standing.matter.severity
        return {
            **said,
            "alert": str(standing.key),
            "chart": None,
            "was": self.say("change.was", was=was_word) if was_word else "",
            "severity": self.say(f"severity.{severity}") if severity == "critical" else "",
            "notes": list(self._notes(standing)),
            "link": self.desk.link(self.message.recipient, standing) if standing.alert.active and self.message.kind is not MailKind.SUMMARY else "",
        }

    def _word(self, name: str, *, about_input: bool) -> str:
        return self.say(f"state.{name}") if about_input else verdict_word(Word(name), self.language)

    def _rule(self, standing: Standing, verdict: Verdict | None) -> dict[str, Any]:
        key = standing.key
        if verdict is None:  # Told late of what no run of today has judged.
            plain = {"title": key.name, "where": subject_text(key.subject), "verdict": "met", "sign": SIGNS[Word.MET], "word": self.say("change.resolved")}
            return {**plain, "sentence": "", "facts": [], "cite": "", "quote": ""}
        rule = verdict.rule
        periods = sorted(standing.alert.words) or ([verdict.period.key] if verdict.period else [])
        where = [", ".join(filter(None, periods)), subject_text(verdict.subject)]
        return {
            "title": clean(rule.title.in_language(self.language)),
            "where": clean(", ".join(part for part in where if part)),
            "verdict": str(verdict.word),
            "sign": SIGNS[verdict.word],
            "word": verdict_word(verdict.word, self.language),
            "sentence": clean(sentence(verdict, self.language)),
            "facts": [
                (self.say("ui.observed"), observed_text(verdict, self.language)),
                (self.say("ui.target"), target_text(verdict.target, self.language)),
                (self.say("ui.owner"), owner_name(rule, self.desk.agreements, self.language)),
            ],
            "cite": clean(self._cite(rule)),
            "quote": clean(rule.cite.quote),
        }

    def _cite(self, rule: Rule) -> str:
        agreement = self.desk.agreements.get(rule.cite.agreement)
        title = agreement.title.in_language(self.language) if agreement else rule.cite.agreement
        page = f", {self.say('ui.page', page=rule.cite.page)}" if rule.cite.page else ""
        return self.say("mail.cite", agreement=title, section=rule.cite.section) + page

    def _input(self, standing: Standing, shown: Shown) -> dict[str, Any]:
        contract, delivery = self.desk.contracts[standing.key.name], shown.delivery
        state = standing.alert.word or "accepted"
        why = self.say("mail.input_accepted")
        if standing.alert.word and delivery is not None:
            late: dict[str, object] = {"covered": delivery.covered_through or "", "expected": delivery.expected_through or ""}
            broken: dict[str, object] = {"explanation": delivery.explanation}
            details = {"late": late, "quarantined": broken}.get(state, {})
            why = reason_text(Reason.of(f"input_{state}", input=contract.name, **details), self.language)
        titles = [rule.title.in_language(self.language) for rule in shown.waiting]
        more = self.say("ui.and_more_rules", count=len(titles) - MOST_WAITING) if len(titles) > MOST_WAITING else ""
        waiting = ("; ".join(titles[:MOST_WAITING]) + more) if standing.alert.word else ""
        return {
            "title": clean(contract.title.in_language(self.language)),
            "where": contract.name,
            "verdict": state if standing.alert.word else "met",
            "sign": _STATE_SIGN if standing.alert.word else SIGNS[Word.MET],
            "word": self.say(f"state.{state}"),
            "sentence": clean(why),
            "facts": [
                *([(self.say("mail.waiting"), clean(waiting))] if waiting else []),
                (self.say("mail.deliverer"), self._name(contract.deliverer)),
            ],
            "cite": "",
            "quote": "",
        }

    def _name(self, key: str) -> str:
        recipient = self.desk.recipients.get(key)
        return clean(recipient.name.in_language(self.language)) if recipient else key or "–"

    def _notes(self, standing: Standing) -> list[str]:
        notes = []
        since = standing.alert.since
        if since is not None and standing.alert.active and standing not in self.message.new:
            notes.append(self.say("mail.since", day=day(since.astimezone(self.desk.zone).date(), self.language)))
        if standing.key in self.message.escalated:
            notes.append(self.say("mail.unanswered_by", name=self._name(self.message.escalated[standing.key])))
        if standing.acknowledged:
            notes.append(self.say("mail.acknowledged"))
        if standing.lapsed_at is not None and standing.alert.active:
            notes.append(self.say("mail.waiver_lapsed"))
        if standing.muted and standing.alert.active:
            about, _, number = standing.muted.partition(" ")
            notes.append(self.say(f"mail.muted_{about}", number=number) if number else self.say("mail.muted_input", name=about.removeprefix("input:")))
        mine = [item for item in self.desk.outcome.revisions if item.key[:2] == (standing.key.name, standing.key.subject)]
        notes += [f"{item.period}: {revision_text(item, self.language)}" for item in mine[:MOST_REVISIONS]]
        return notes

    def due_title(self) -> str:
        """Name the input of a reminder; several are counted."""
        if len(self.message.reminded) > 1:
            return self.say("mail.count_inputs", count=len(self.message.reminded))
        return next((self.reminded(item)["title"] for item in self.message.reminded), "")

    def reminded(self, item: Reminded) -> dict[str, Any]:
        contract = self.desk.contracts[item.due.input]
        over = item.due.days_over(self.desk.outcome.as_of) + 1
        details = {"day": day(item.due.day, self.language), "period": item.due.period.key, "count": abs(over)}
        form = "after" if over > 0 else "today" if over == 0 else "before"
        return {
            "title": clean(contract.title.in_language(self.language)),
            "where": contract.name,
            "late": over > 0,
            "sentence": self.say(f"mail.due_{form}", **details),
            "source": clean(contract.source),
            "deliverer": self._name(contract.deliverer),
            "unanswered": self.say("mail.unanswered", count=item.unanswered) if item.unanswered else "",
        }

    def silence(self, item: Silence) -> str:
        ends = item.ends.astimezone(self.desk.zone)
        return self.say("mail.silence", pattern=clean(item.pattern), by=clean(item.by), reason=clean(item.reason), day=day(ends.date(), self.language))

    def counts(self) -> list[tuple[str, str, int]]:
        """Count the verdicts of the run."""
        words = [verdict.word for verdict in self.desk.outcome.verdicts]
        return [(SIGNS[kind], verdict_word(kind, self.language), words.count(kind)) for kind in Word if kind in words]

    def synthetic(self) -> list[str]:
        """Name the made-up inputs behind what is shown."""
        items = (*self.message.new, *self.message.resolved, *self.message.continued)
        used = {item.due.input for item in self.message.reminded}
        for item in items:
            verdict = self.desk.shown[item.key].verdict
            used |= set(verdict.rule.inputs) if verdict else {item.key.name}
        return [clean(contract.title.in_language(self.language)) or name for name, contract in self.desk.contracts.items() if contract.synthetic and name in used]
