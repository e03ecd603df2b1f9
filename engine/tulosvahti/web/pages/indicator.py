"""One indicator: what it means, the agreement's own words, its history, and the evidence of the verdict that is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tulosvahti.core.role import Deed
from tulosvahti.emit.charts import chart_text, line_charts
from tulosvahti.emit.meaning import meaning
from tulosvahti.emit.outlook import outlook, outlook_text
from tulosvahti.emit.report import verdict_view
from tulosvahti.emit.stored import title_of, value_text
from tulosvahti.emit.words import target_text
from tulosvahti.store import changes, looking, revised
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.past import newest_run, run_or_refusal
from tulosvahti.web.refusal import Refusal
from tulosvahti.web.views.indicator import Looked, look, series_by_period, series_within, turns
from tulosvahti.web.views.matrix import line, section_key, subject_key

if TYPE_CHECKING:
    from fractions import Fraction

    from sqlalchemy import Connection

    from tulosvahti.core.forecast import Forecast
    from tulosvahti.core.rule import Rule
    from tulosvahti.emit.charts import Series
    from tulosvahti.emit.stored import Stored

LONGEST = 4_000


def indicator(page: Page) -> Response:
    """Show the indicator as a run, or the newest one, judged it."""
    stored, looked = _found(page)
    shown, language = looked.shown, page.language
    with page.ledger.transaction(reading=True) as connection:
        before = _before(connection, stored, looked)
        events = looking.alert_events(connection, shown["rule"])
        comments = changes.comments(connection, shown["rule"])
    rule = next((item for item in page.project.rules if item.id == shown["rule"]), None)
    charts = _charts(stored, looked, before, rule, language)
    unit = shown["unit"] or ""
    return page.show(
        "indicator.html.j2",
        title_of(shown, language),
        run=stored.run,
        as_of=page.day(stored.as_of),
        past=str(page.ledger.newest_done()) != str(stored.run["id"]),
        shown=shown,
        row=verdict_view(shown, stored, language),
        others=[line(stored, verdict, language) for verdict in looked.all],
        subject=subject_key(shown),
        section=stored.section_name(shown, language),
        section_key=section_key(shown),
        agreement=stored.title_of_agreement(shown["cite"]["agreement"], language),
        owner=stored.owner(shown, language),
        note=stored.note(shown["rule"], language),
        means=meaning(rule, page.project.contracts, language) if rule is not None else [],
        charts=[(kind, chart_text(item)) for kind, item in charts.items() if item.enough],
        foretold=outlook_text(before.outlook, unit, language),
        values=_values(stored, looked, before.values, dict(before.earlier), unit, language),
        revisions=before.moved,
        turns=turns(before.history),
        events=events,
        comments=comments[::-1],
        synthetic=stored.made_up(language).get(shown["evidence"].get("input")),
        may_comment=page.may(Deed.COMMENT),
        target=partial(target_text, language=language),
        recipient=partial(_recipient, page),
    )


@dataclass(frozen=True)
class _Before:
    """What the ledger has of the indicator that is looked at, up to the run that is shown."""

    values: list[tuple[str, Fraction]]
    history: list[looking.Seen]
    moved: list[revised.Past]
    earlier: list[tuple[str, Fraction]]
    outlook: Forecast | None


def _before(connection: Connection, stored: Stored, looked: Looked) -> _Before:
    shown, run = looked.shown, int(stored.run["id"])
    measured = looking.measured(connection, shown["rule"], run)
    values = [(period, value) for subject, period, value in measured if subject == looked.subject and period and value is not None]
    history = looking.seen(connection, shown["rule"], looked.subject, shown["period"] or "", run)
    moved = revised.revisions_of(connection, shown["rule"])
    known = looking.known_then(connection, stored.as_of, shown["rule"])
    then = {period: value for (_, subject, period), value in known.items() if subject == looked.subject}
    mine = [item for item in looked.all if item["subject"] == shown["subject"]]
    return _Before(values, history, moved, _earlier(moved, looked), outlook(stored, mine, dict(values), then))


def _charts(stored: Stored, looked: Looked, before: _Before, rule: Rule | None, language: str) -> dict[str, Series]:
    periods = series_by_period(stored, looked.shown, before.values, before.earlier, before.outlook, language)
    within = series_within(rule, looked.shown, before.history, before.outlook, language) if rule is not None else None
    return {"periods": periods, **({"within": within} if within is not None else {})}


def _recipient(page: Page, key: str) -> str:
    known = page.project.routes.recipients.get(key)
    return known.name.in_language(page.language) if known else key or "–"


def _found(page: Page) -> tuple[Stored, Looked]:
    number = page.asked("run")
    stored = run_or_refusal(page, number) if number else newest_run(page)
    if stored is None:
        raise page.missing("web.indicator.no_run")
    looked = look(stored, page.part("rule"), page.asked("period"), page.asked("subject"))
    if looked is None:
        raise page.missing("web.indicator.none", rule=page.part("rule"), run=stored.run["id"])
    return stored, looked


def _earlier(moved: list[revised.Past], looked: Looked) -> list[tuple[str, Fraction]]:
    from fractions import Fraction as Exact  # noqa: PLC0415 (its name is a type above)

    return [
        (item.period, Exact(item.before_observed))
        for item in moved
        if item.subject == looked.subject and item.before_observed is not None and item.before_observed != item.observed
    ]


def _values(  # noqa: PLR0913 (what a row of the table is made of)
    stored: Stored, looked: Looked, values: list[tuple[str, Fraction]], earlier: dict[str, Fraction], unit: str, language: str
) -> list[dict[str, Any]]:
    """Give the table behind the chart: each period with its value, target and verdict, newest first."""
    targets = stored.targets(looked.shown["rule"]) or {}
    judged = {item["period"]: item for item in looked.all if item["subject"] == looked.shown["subject"]}
    known = dict(values)
    periods = sorted({*known, *targets, *(period for period in judged if period)}, reverse=True)
    return [
        {
            "period": period,
            "value": value_text(known[period], unit, language) if period in known else "–",
            "earlier": value_text(earlier[period], unit, language) if period in earlier else "",
            "target": targets.get(period, {}).get("text"),
            "verdict": judged[period]["verdict"] if period in judged else "",
            "provisional": period in judged and judged[period]["provisional"],
        }
        for period in periods
    ]


def chart(page: Page) -> Response:
    """Give a chart as a picture."""
    stored, looked = _found(page)
    with page.ledger.transaction(reading=True) as connection:
        before = _before(connection, stored, looked)
    rule = next((item for item in page.project.rules if item.id == looked.shown["rule"]), None)
    drawn = _charts(stored, looked, before, rule, page.language)
    return picture(page, drawn.get(page.asked("kind", "periods", ("periods", "within"))))


def picture(page: Page, series: Series | None) -> Response:
    """Give a chart as SVG, or say that there is none."""
    drawn = line_charts([series])[0] if series is not None else ""
    if not drawn:
        raise page.missing("web.indicator.no_chart")
    return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=300"})


def comment(page: Page) -> Response:
    """Keep what somebody says of the indicator."""
    rule = page.part("rule")
    stored = newest_run(page)
    known = {item.id for item in page.project.rules} | {item["rule"] for item in (stored.verdicts if stored else ())}
    if rule not in known:
        raise page.missing("web.indicator.none", rule=rule, run=stored.run["id"] if stored else "–")
    text = page.field("comment", needed=True, longest=LONGEST)
    kind = page.field("kind") or "comment"
    if kind not in {"comment", "explanation"}:
        raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.form")
    try:
        subject = tuple((str(name), str(value)) for name, value in json.loads(page.field("subject") or "{}").items())
    except (ValueError, AttributeError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.form") from None
    with page.house.ledger.transaction() as connection:
        changes.comment(connection, page.author, rule, text, subject=subject, period=page.field("period"), kind=kind)
    return page.done(f"/indicators/{rule}", "web.said.commented", period=page.field("period"), subject=page.field("subject"))


PAGES = (
    PageAt("/indicators/{rule}", indicator),
    PageAt("/indicators/{rule}/chart.svg", chart),
    PageAt("/indicators/{rule}/comments", comment, method="POST", deed=Deed.COMMENT),
)
