"""Alerts: what fires, who was told of it and when that was accepted; acknowledging, silencing and waiving it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import wiring
from tulosvahti.core.alert import About, AlertState
from tulosvahti.core.role import Deed
from tulosvahti.store import alerting
from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from starlette.responses import Response

    from tulosvahti.core.alert import AlertKey
    from tulosvahti.core.alert_mute import Acknowledgement
    from tulosvahti.core.alert_plan import Standing, Told
    from tulosvahti.store.outbox import Item
    from tulosvahti.wiring import Overview

STATES = ("active", "muted", "acknowledged", "resolved")
_MAILS = 50


@dataclass(frozen=True)
class Shown:
    """An alert as the page shows it."""

    standing: Standing
    title: str
    owner: str
    told: list[tuple[str, Told]]
    recipients: list[str]
    acknowledged: Acknowledgement | None

    @property
    def text(self) -> str:
        """Its name on the command line and in forms."""
        return str(self.standing.key)

    @property
    def is_rule(self) -> bool:
        """Tell whether a rule has a page of its own."""
        return self.standing.key.about is About.RULE


def owner_of(page: Page, key: AlertKey) -> str:
    """Give the party whose alert it is."""
    if key.about is About.INPUT:
        contract = page.project.contracts.get(key.name)
        return contract.deliverer if contract is not None else ""
    return next((rule.owner for rule in page.project.rules if rule.id == key.name), "")


def title_of(page: Page, key: AlertKey) -> str:
    """Name what an alert is about."""
    if key.about is About.INPUT:
        contract = page.project.contracts.get(key.name)
        title = contract.title.in_language(page.language) if contract is not None else ""
    else:
        title = next((rule.title.in_language(page.language) for rule in page.project.rules if rule.id == key.name), "")
    subject = ", ".join(value for _, value in key.subject)
    return " · ".join(filter(None, (title or key.name, subject)))


def alerts(page: Page) -> Response:
    """List what is pending or fires, worst first, with what people said to it."""
    state = page.asked("state", "active", STATES)
    owner, severity = page.asked("owner"), page.asked("severity", allowed=("critical", "warning", "info"))
    with page.house.computing():
        overview = wiring.overview(page.project, page.now, page.ledger)
    every = [_shown(page, overview, item) for item in sorted(overview.standings, key=lambda item: item.rank)]
    chosen = [
        item for item in every
        if _in_state(item, state) and owner in {"", item.owner} and severity in {"", item.standing.matter.severity}
    ]  # fmt: skip
    memory = overview.memory
    return page.show(
        "alerts.html.j2", page.say("web.alerts.title"), alerts=chosen, state=state, owner=owner, severity=severity, states=STATES,
        owners=sorted({(item.owner, _party(page, item.owner)) for item in every if item.owner}),
        silences=[item for item in memory.silences if item.ends > page.now],
        waivers=[item for item in memory.waivers if item.ends > page.now], local_today=_today(page), may_for=page.person.may_for,
    )  # fmt: skip


def _shown(page: Page, overview: Overview, item: Standing) -> Shown:
    said = [one for one in overview.memory.acknowledgements if one.covers(item.alert)]
    told = sorted((who, one) for (who, key), one in overview.memory.log.items() if key == item.key)
    heard = [one.recipient for one in page.project.routes.heard_by(item.matter)] if item.alert.active else []
    return Shown(item, title_of(page, item.key), owner_of(page, item.key), told, heard, said[-1] if said else None)


def _in_state(item: Shown, state: str) -> bool:
    if state == "resolved":
        return item.standing.alert.state is AlertState.RESOLVED
    if not item.standing.alert.active:
        return False
    return state == "active" or bool(item.acknowledged if state == "acknowledged" else item.standing.muted)


def _party(page: Page, key: str) -> str:
    for agreement in page.project.agreements.values():
        found = dict(agreement.parties).get(key)
        if found is not None:
            return found.in_language(page.language)
    return key


def _today(page: Page) -> date:
    return page.now.astimezone(ZoneInfo(page.project.config.time_zone)).date()


def acknowledge(page: Page) -> Response:
    """Say that somebody is on it."""
    wanted, note = page.field("alert", needed=True), page.field("note")
    overview = wiring.overview(page.project, page.now, page.ledger)
    found = [item for item in overview.standings if item.alert.active and str(item.key) == wanted]
    if not found:
        raise page.missing("web.alerts.gone", alert=wanted)
    for item in found:
        if not page.person.may_for(Deed.ACKNOWLEDGE, owner_of(page, item.key)):
            raise page.refused("web.error.not_yours")
    with page.change("acknowledged", wanted, note) as connection:
        for item in found:
            alerting.acknowledge(connection, item.key, page.person.name, page.now, note, "page")
    return page.done("/alerts", "web.said.acknowledged")


def silence(page: Page) -> Response:
    """Hold mails back until a day."""
    pattern, reason = _pattern(page), page.field("reason", needed=True)
    ends = _end(page)
    with page.change("silenced", pattern, reason, ends=ends.isoformat()) as connection:
        alerting.silence(connection, pattern, page.person.name, page.now, ends=ends, reason=reason)
    return page.done("/alerts", "web.said.silenced")


def waive(page: Page) -> Response:
    """Record an approved exception."""
    pattern, reason = _pattern(page), page.field("reason", needed=True)
    approver, ends, limit = page.field("approver", needed=True), _end(page), _figure(page)
    with page.change("waived", pattern, reason, approver=approver, ends=ends.isoformat(), limit=format(limit, "f")) as connection:
        alerting.waive(
            connection, pattern, page.person.name, page.now, approver=approver, reason=reason, ends=ends, limit=limit
        )
    return page.done("/alerts", "web.said.waived")


def _pattern(page: Page) -> str:
    """Give the glob of the form, which must mean a rule or an input."""
    pattern = page.field("alert", needed=True, longest=300)
    names = [*(rule.id for rule in page.project.rules), *(f"input:{name}" for name in page.project.contracts)]
    wanted = pattern.partition("/")[0]
    if not any(name == wanted or fnmatchcase(name, wanted) for name in names):
        raise page.refused("web.alerts.no_match", pattern=pattern)
    return pattern


def _end(page: Page) -> datetime:
    """Give the moment at which a day of the form ends: its midnight in the project's zone."""
    text = page.field("until", needed=True)
    try:
        until = date.fromisoformat(text)
        local = datetime.combine(until + timedelta(days=1), time(), ZoneInfo(page.project.config.time_zone))
    except (ValueError, OverflowError):
        raise page.refused("web.alerts.no_day", text=text) from None
    if local <= page.now:
        raise page.refused("web.alerts.past_day", day=page.day(until))
    return local.astimezone(UTC)


def _figure(page: Page) -> Decimal:
    """Read a number as people here write it: 1 000,5 or 1000.5."""
    text = page.field("limit", needed=True)
    try:
        figure = Decimal(text.replace("\u00a0", "").replace(" ", "").replace("\u2212", "-").replace(",", "."))
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite() or abs(figure.adjusted()) > 30:
        raise page.refused("web.error.no_number", text=text)
    return figure


def mails(page: Page) -> Response:
    """Show what was sent to whom, and what became of it at each address."""
    number = page.asked_number("page", 1)
    found: dict[int, list[Item]] = defaultdict(list)
    for item in page.ledger.outbox.items(everything=True):
        found[item.id].append(item)
    newest = sorted(found, reverse=True)
    part = newest[(number - 1) * _MAILS : number * _MAILS]
    return page.show(
        "mails.html.j2", page.say("web.mails.title"), mails=[found[key] for key in part], number=number,
        pages=max(-(-len(newest) // _MAILS), 1), why=lambda item: wiring.why_unsent(page.project, item, page.language) if item.reason else "",
    )  # fmt: skip


PAGES = (
    PageAt("/alerts", alerts, menu="web.nav.alerts"),
    PageAt("/alerts/acknowledged", acknowledge, Deed.ACKNOWLEDGE, method="POST"),
    PageAt("/alerts/silenced", silence, Deed.MUTE, method="POST"),
    PageAt("/alerts/waived", waive, Deed.MUTE, method="POST"),
    PageAt("/alerts/mails", mails),
)
