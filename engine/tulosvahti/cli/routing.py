"""``alerts test-route``: who would hear, and why; a dry run."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import wiring
from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_calendar import held_until
from tulosvahti.core.alert_mute import matches
from tulosvahti.core.arrival import Fate
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.route import Heard, Matter, Why, delivery_matter, input_matter, rule_matter
from tulosvahti.core.rule import Severity
from tulosvahti.core.verdict import Word
from tulosvahti.load.free_days import free_days
from tulosvahti.load.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tulosvahti.load.project import Project

INPUT = f"{About.INPUT}:"


def words_of(name: str) -> list[str]:
    """Give the verdicts that a rule, or an input, tells somebody of."""
    if name.startswith(INPUT):
        return [DeliveryState.LATE, DeliveryState.MISSING, DeliveryState.QUARANTINED, Fate.PARTLY]
    return [Word.MISSED, Word.AT_RISK, Word.UNKNOWN]


def routed(
    project: Project, name: str, words: Sequence[str], day: date | None, at: datetime, *, judge: bool
) -> Iterator[str]:
    """Say who hears of each verdict. With a day: what is in force that morning and, to ``judge``, that day's verdicts."""
    zone = ZoneInfo(project.config.time_zone)
    if day is not None:
        at = datetime.combine(day + timedelta(days=1), time(at.astimezone(zone).hour), zone)
    key = AlertKey(About.INPUT, name.removeprefix(INPUT)) if name.startswith(INPUT) else AlertKey(About.RULE, name)
    found: dict[str, list[str]] = {}
    if day is not None and judge:
        found = wiring.judged_words(project, key, day)
        yield f"as of {day.isoformat()}: " + (", ".join(f"{where} {word}".strip() for word, places in found.items() for where in places) or "no verdict")
        words = [word for word in words if word in found]
        if not words:
            yield "nobody would hear of it"
    memory = wiring.overview(project, at).memory
    for word in words:
        yield f"{name} {word}"
        yield from _of_delivery(project, key, word, at)
        if word == Fate.PARTLY:
            continue
        matter = _matter(project, key, word)
        for silence in memory.silences:
            if silence.in_force(at) and matches(silence.pattern, key):
                yield f"  no mail: silence {silence.id} by {silence.by} until {silence.ends.astimezone(zone):%Y-%m-%d %H:%M} ({silence.reason})"
        for waiver in memory.waivers:
            if at < waiver.ends and matches(waiver.pattern, key):
                yield f"  no mail unless worse than {waiver.limit:f}: waiver {waiver.id} approved by {waiver.approver} until {waiver.ends.astimezone(zone):%Y-%m-%d %H:%M}"
        rule = next((item for item in project.rules if item.id == key.name), None) if key.about is About.RULE else None
        wait = (rule.wait if rule else None) or project.routes.wait_of(matter)
        if wait:
            yield f"  after {wait.count} {wait.unit}"
        heard = project.routes.heard_by(matter)
        if not heard:
            yield f"  nobody: {ROUTES} names no recipient for it"
        yield from (line for item in heard for line in _told(project, item, matter, at))


def _of_delivery(project: Project, key: AlertKey, word: str, at: datetime) -> Iterator[str]:
    """Say who gets the message about one delivery."""
    if key.about is not About.INPUT or word not in {DeliveryState.QUARANTINED, Fate.PARTLY}:
        return
    matter = delivery_matter(project.contracts[key.name], word, project.rules)
    yield "  of the delivery, a message of its own:"
    for item in project.routes.heard_by(matter):
        yield from _told(project, item, matter, at, form="once for each delivery, and once when it is in order again")
    if word != Fate.PARTLY:
        yield "  of the input, unless that message told it:"


def _matter(project: Project, key: AlertKey, word: str) -> Matter:
    if key.about is About.INPUT:
        return input_matter(project.contracts[key.name], word, project.rules)
    return rule_matter(next(rule for rule in project.rules if rule.id == key.name), word)


def _told(project: Project, heard: Heard, matter: Matter, at: datetime, form: str = "") -> Iterator[str]:
    routes = project.routes
    recipient = routes.recipients[heard.recipient]
    owner = "deliverer of the input" if not matter.facts["rule"] else "owner of the rule"
    match = dict(routes.routes[heard.route].match) if heard.why is Why.ROUTE else {}
    why = {
        Why.OWNER: owner,
        Why.DEFAULT: f"default, as the {owner} ({matter.owner or 'none'}) is no recipient",
        Why.ROUTE: f"route {heard.route + 1} matches " + (", ".join(f"{key} {' or '.join(values)}" for key, values in match.items()) or "everything"),
    }[heard.why]  # fmt: skip
    critical = matter.severity is Severity.CRITICAL
    alone, form = bool(form), form or ("at once, in a mail of its own" if critical else "in the digest")
    yield f"  {recipient.key} <{', '.join(recipient.mail)}>: {why}; {form}"
    quiet = routes.quiet_of(recipient.key)
    free = free_days(routes, at.year) if quiet and quiet.holidays else ()
    hold = held_until(quiet, at, ZoneInfo(project.config.time_zone), free) if alone or not critical or (quiet and quiet.critical) else None
    if hold:
        yield f"    held until {hold.astimezone(ZoneInfo(project.config.time_zone)):%Y-%m-%d %H:%M} (quiet hours)"
    if alone:
        return
    if repeat := routes.repeat_of(recipient.key):
        yield f"    reminded every {repeat} days"
    seen = {recipient.key}
    while (step := recipient.escalation) and step.to not in seen:
        recipient = routes.recipients[step.to]
        seen.add(recipient.key)
        after = f"{step.after.days} days" if step.after.days else f"{step.after.seconds // 3600} hours"
        yield f"    {recipient.key} <{', '.join(recipient.mail)}>: escalation, {after} without acknowledgement"
