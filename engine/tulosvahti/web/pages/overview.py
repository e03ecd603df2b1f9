"""The overview: the whole agreement as a matrix, what changed since the run before, what needs attention first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from markupsafe import Markup
from starlette.responses import HTMLResponse

from tulosvahti.core.verdict import Word
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.past import newest_run, run_or_refusal
from tulosvahti.web.views.matrix import Wanted, attention, changed, choices, counted, line, matrix

if TYPE_CHECKING:
    from starlette.responses import Response

    from tulosvahti.emit.stored import Stored
    from tulosvahti.web.house import House

FIRST = 10
"""Lines of what needs attention, and of what changed, before the rest is left to the matrix."""
STANDINGS = ("binding", "preliminary")
_MOST = 40
"""Fragments kept for each house."""
_PARTS: WeakKeyDictionary[House, OrderedDict[tuple[object, ...], str]] = WeakKeyDictionary()
_LOCK = threading.Lock()


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
    past_run = str(page.ledger.newest_done()) != str(stored.run["id"])
    part = _part(page, stored, wanted, past=past_run)
    if page.partial:
        return HTMLResponse(part, headers={"Content-Language": page.language, "Vary": "Cookie, Accept-Language, HX-Request"})
    return page.show(
        "overview.html.j2", title, path=path, run=stored.run, as_of=page.day(stored.as_of), past=past_run, wanted=wanted,
        choices=choices(stored, page.language), synthetic=stored.made_up_named(page.language), lookback=stored.run["lookback"],
        empty=not stored.verdicts, problems=0 if past_run else len(page.project.problems), part=Markup(part),  # noqa: S704 (a template's own)
    )  # fmt: skip


def _part(page: Page, stored: Stored, wanted: Wanted, *, past: bool) -> str:
    """Give what was found, rendered; a run never changes, so neither does this, whoever asks."""
    key = str(stored.run["id"]), page.url("/"), page.language, wanted, past
    with _LOCK:
        kept = _PARTS.setdefault(page.house, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    shown = page.show("overview_part.html.j2", "", **view_of(page, stored, wanted, past=past))
    text = bytes(shown.body).decode()
    with _LOCK:
        kept[key] = text
        while len(kept) > _MOST:
            kept.popitem(last=False)
    return text


def made_ready(page: Page) -> None:
    """Make what the newest run shows first, in the language of a page."""
    stored = newest_run(page)
    if stored is not None:
        _part(page, stored, Wanted(), past=False)


def view_of(page: Page, stored: Stored, wanted: Wanted, *, past: bool) -> dict[str, Any]:
    """Give what the fragment places."""
    language = page.language
    chosen = [verdict for verdict in stored.verdicts if wanted.fits(verdict)]
    first, moved = attention(chosen), changed(chosen)
    run = stored.run["id"] if past else ""

    def address(rule: str, subject: str) -> str:
        return page.url(f"/indicators/{rule}", subject=subject, run=run)

    return {
        "run": stored.run,
        "past": past,
        "cards": counted(chosen),
        "attention": [line(stored, item, language) for item in first[:FIRST]],
        "attention_more": max(len(first) - FIRST, 0),
        "first_run": stored.is_first,
        "changes": [line(stored, item, language) for item in moved[:FIRST]],
        "changes_more": max(len(moved) - FIRST, 0),
        "matrix": matrix(stored, chosen, language, address),
    }


PAGES = (PageAt("/overview", overview, menu="web.nav.overview"),)
