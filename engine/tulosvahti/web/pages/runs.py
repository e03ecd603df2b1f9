"""The runs of the ledger: each as it was seen that day, its reports, and two of them compared."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from tulosvahti import wiring
from tulosvahti.core.text import LANGUAGES
from tulosvahti.emit.told import told
from tulosvahti.store import looking
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.pages.overview import past
from tulosvahti.web.past import run_or_refusal
from tulosvahti.web.views.comparison import compare

MANY = 50
"""Runs on a page of the list."""
FORMS = {
    "html": "text/html",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


def runs(page: Page) -> Response:
    """Show the newest runs, or those before one."""
    before = page.asked_number("before", 0, least=0, most=99_999_999)
    with page.ledger.transaction(reading=True) as connection:
        found = looking.run_numbers(connection, before or None, MANY + 1)
    shown = [
        {
            "id": row.id, "as_of": page.day(row.as_of), "state": row.state, "lookback": row.lookback, "forced": row.forced_rules,
            "reason": told(row.reason, page.language), "done": page.moment(datetime.fromisoformat(row.finished_at)) if row.finished_at else "–",
            "rules": row.rules_sha256[:12], "engine": row.engine,
        }
        for row in found[:MANY]
    ]  # fmt: skip
    done = [item["id"] for item in shown if item["state"] == "done"]
    return page.show(
        "runs.html.j2", page.say("web.runs.title"), runs=shown, more=shown[-1]["id"] if len(found) > MANY else None,
        pair=(done[1], done[0]) if len(done) > 1 else None, newer=bool(before),
    )  # fmt: skip


def compared(page: Page) -> Response:
    """Compare two runs."""
    numbers = page.asked("before"), page.asked("after")
    if not all(numbers):
        return runs(page)
    before, after = (run_or_refusal(page, number) for number in numbers)
    rules = {rule.id: rule.inputs for rule in page.project.rules}
    found = compare(before, after, page.language, lambda rule: rules.get(rule, ()))
    title = page.say("web.runs.compared", before=before.run["id"], after=after.run["id"])
    return page.show("runs_compared.html.j2", title, before=before.run, after=after.run, found=found)


def report(page: Page) -> Response:
    """Give a report of a run as a file, in the language of the page or the one that is asked for."""
    form = page.part("form")
    if form not in FORMS:
        raise page.missing("web.runs.no_form", form=form, allowed=", ".join(FORMS))
    number = run_or_refusal(page, page.part("run")).run["id"]
    language = page.asked("language", page.language, LANGUAGES)
    with page.house.computing():
        if form == "json":
            content = (page.ledger.outcome_json(number) or "").encode()
        else:
            made = wiring.make_report(page.project, int(number), form, language)
            if made is None:
                raise page.missing("web.past.no_run", run=number)
            content = made[1]
    name = f"tulosvahti-{number}.{language}.{form}"
    return Response(
        content, media_type=FORMS[form], headers={"Content-Disposition": f'attachment; filename="{name}"', "Content-Language": language}
    )


PAGES = (
    PageAt("/runs", runs, menu="web.nav.runs"),
    PageAt("/runs/compared", compared),
    PageAt("/runs/{run}", past),
    PageAt("/runs/{run}/report.{form}", report),
)
