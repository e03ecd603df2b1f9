"""The overview: the whole agreement as a matrix, what changed since the run before, what needs attention first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti.core.verdict import Word
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.past import newest_run, run_or_refusal
from tulosvahti.web.views.matrix import Wanted, attention, changed, choices, counted, line, matrix

if TYPE_CHECKING:
    from starlette.responses import Response

    from tulosvahti.emit.stored import Stored

FIRST = 10
"""Lines of what needs attention, and of what changed, before the rest is left to the matrix."""
STANDINGS = ("binding", "preliminary")


def overview(page: Page) -> Response:
    """Show the newest run."""
    stored = newest_run(page)
    title = page.say("web.overview.title")
    if stored is None:
        return page.show("overview_empty.html.j2", title, empty=not page.project.rules, problems=len(page.project.problems))
    return _shown(page, stored, title, "/overview")


def past(page: Page) -> Response:
    """Show a past run as it was seen that day."""
    stored = run_or_refusal(page, page.part("run"))
    return _shown(page, stored, page.say("web.past.title", run=stored.run["id"]), f"/runs/{stored.run['id']}")


def _shown(page: Page, stored: Stored, title: str, path: str) -> Response:
    wanted = Wanted(
        owner=page.asked("owner"),
        section=page.asked("section"),
        verdict=page.asked("verdict", allowed=[str(word) for word in Word]),
        standing=page.asked("standing", allowed=STANDINGS),
        agency=page.asked("agency"),
    )
    template = "overview_part.html.j2" if page.partial else "overview.html.j2"
    return page.show(template, title, path=path, **view_of(page, stored, wanted))


def view_of(page: Page, stored: Stored, wanted: Wanted) -> dict[str, Any]:
    """Give what the page and its fragment place."""
    language = page.language
    chosen = [verdict for verdict in stored.verdicts if wanted.fits(verdict)]
    first, moved = attention(chosen), changed(chosen)
    return {
        "run": stored.run,
        "as_of": page.day(stored.as_of),
        "past": str(page.ledger.newest_done()) != str(stored.run["id"]),
        "wanted": wanted,
        "choices": choices(stored, language),
        "cards": counted(chosen),
        "attention": [line(stored, item, language) for item in first[:FIRST]],
        "attention_more": max(len(first) - FIRST, 0),
        "first_run": stored.is_first,
        "changes": [line(stored, item, language) for item in moved[:FIRST]],
        "changes_more": max(len(moved) - FIRST, 0),
        "synthetic": ", ".join(stored.synthetic),
        "lookback": stored.run["lookback"],
        "matrix": matrix(stored, wanted, language),
        "empty": not stored.verdicts,
    }


PAGES = (PageAt("/overview", overview, menu="web.nav.overview"),)
