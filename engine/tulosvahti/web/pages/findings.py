"""Findings: what is open, what was done about it, the trend, the hotspots, and how punctual deliveries are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.emit.charts import Series, chart_text
from tulosvahti.store import alerting, changes, looking
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.pages.indicator import picture
from tulosvahti.web.past import newest_run
from tulosvahti.web.views.findings import STANDINGS, Said, deliverers, hotspots, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

MANY = 100
"""Findings on a page."""


def findings(page: Page) -> Response:
    """Show the open findings, or those that were resolved."""
    resolved = page.asked("which", "open", ("open", "resolved")) == "resolved"
    standing = page.asked("standing", allowed=STANDINGS)
    number = page.asked_number("page", 1)
    stored = newest_run(page)
    with page.ledger.transaction(reading=True) as connection:
        found = looking.findings(connection, resolved=resolved)
        memory = alerting.remember(connection)
        comments = changes.comments(connection)
        times = looking.times_found(connection)
        trend = looking.open_by_run(connection)
        punctual = looking.punctuality(connection)
    rules = {rule.id: rule for rule in page.project.rules}
    lines = listed(found, Said(memory, comments, page.now), rules, stored, page.language)
    if standing:
        lines = [line for line in lines if standing in {kind for kind, _ in line["said"]} or (standing == "open" and not line["said"])]
    drawn = _trend(page, trend)
    return page.show(
        "findings.html.j2",
        page.say("web.findings.title"),
        resolved=resolved,
        standing=standing,
        standings=[(kind, page.say(f"web.standing.{kind}")) for kind in STANDINGS],
        lines=lines[(number - 1) * MANY : number * MANY],
        total=len(lines),
        number=number,
        pages=-(-len(lines) // MANY),
        trend=trend,
        chart=chart_text(drawn) if drawn.enough else "",
        hotspots=hotspots(times, rules, page.project.contracts, page.project.agreements, page.language),
        punctual=deliverers(punctual, page.project.contracts, page.language),
        owners=page.parties(),
        none_yet=stored is None,
    )


def _trend(page: Page, trend: Sequence[tuple[str, object, int]]) -> Series:
    points = tuple((run.rjust(6), float(count)) for run, _, count in trend[-30:])
    told = tuple((page.say("ui.run", run=run), str(count)) for run, _, count in trend[-30:])
    return Series(page.say("web.findings.trend"), "", points, (), page.language, told)


def trend_chart(page: Page) -> Response:
    """Give the trend as a picture."""
    with page.ledger.transaction(reading=True) as connection:
        return picture(page, _trend(page, looking.open_by_run(connection)))


PAGES = (
    PageAt("/findings", findings, menu="web.nav.findings"),
    PageAt("/findings/trend.svg", trend_chart),
)
