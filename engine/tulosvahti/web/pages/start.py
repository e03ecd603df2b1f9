"""The first page: the newest run in numbers, and what stands in the way of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from tulosvahti.core.verdict import Word
from tulosvahti.store import schema
from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from starlette.responses import Response


def start(page: Page) -> Response:
    """Show how many verdicts of each kind the newest run gave."""
    told = schema.verdicts.c
    run = page.ledger.newest_done()
    counts: Counter[str] = Counter()
    if run is not None:
        with page.ledger.transaction(reading=True) as connection:
            found = connection.execute(
                select(told.verdict, func.count()).where(told.run_id == run).group_by(told.verdict)
            )
            counts.update({row[0]: row[1] for row in found})
    newest = next((item for item in page.ledger.runs(50) if item.id == str(run)), None)
    return page.show(
        "start.html.j2", page.project.config.name.in_language(page.language), run=newest,
        cards=[(word, counts[word]) for word in Word], problems=len(page.project.problems), empty=not page.project.rules,
    )  # fmt: skip


PAGES = (PageAt("/", start, menu="web.nav.start"),)
