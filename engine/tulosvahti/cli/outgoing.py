"""``outbox``: what waits or did not arrive, why, and what to do."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti import wiring
from tulosvahti.core.delivery import MailState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.load.project import Project
    from tulosvahti.store.outbox import Item


def retry(project: Project, number: int | None) -> int:
    """Make a message, or all, due now; give how many addresses."""
    with closing(wiring.open_ledger(project)) as ledger:
        return ledger.outbox.retry(number, wiring.now())


def listing(project: Project, *, everything: bool) -> tuple[list[str], bool]:
    """Give the lines to show, and whether anything failed for good."""
    with closing(wiring.open_ledger(project)) as ledger:
        items = ledger.outbox.items(everything=everything)
    return list(_lines(project, items)), any(item.state is MailState.FAILED for item in items)


def _lines(project: Project, items: list[Item]) -> Iterator[str]:
    zone = ZoneInfo(project.config.time_zone)
    for item in items:
        when = f"; next {item.next_attempt_at.astimezone(zone):%Y-%m-%d %H:%M}" if item.state is MailState.WAITING else ""
        yield f"{item.id:>5} {item.state:<8} {item.address} ({item.recipient}, run {item.run}; attempts: {item.attempts}{when})"
        if item.reason:
            yield f"{'':15}{wiring.why_unsent(project, item, 'en')}"
