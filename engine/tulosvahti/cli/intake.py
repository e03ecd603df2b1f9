"""``take``: what a contract makes of a file, shown before anything is counted."""

from __future__ import annotations

import getpass
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState
from tulosvahti.emit.told import told
from tulosvahti.emit.words import clean, word
from tulosvahti.wiring.base import now, open_ledger
from tulosvahti.wiring.consequences import consequences
from tulosvahti.wiring.taking import CallError, Judged, accept, judge, judge_fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from tulosvahti.core.contract import Delivery, Reject
    from tulosvahti.load.project import Project

__all__ = ["CallError", "Judged", "judge_fetched", "judge_file", "lines"]
_BAD_ROWS = 10
_LONGEST = 60


def judge_file(project: Project, path: Path, name: str, as_of: date) -> tuple[Judged, Callable[[], object]]:
    """Judge a file; it is put in its place when what is given beside is called.

    Raises:
        CallError: as ``judge``.

    """
    judged = judge(project, path, name, as_of)
    judged = replace(judged, consequences=tuple(consequences(project, judged, as_of)))
    return judged, partial(_accept, project, judged)


def _accept(project: Project, judged: Judged) -> None:
    """Put it in place and log it as taken by the user of this computer."""
    with closing(open_ledger(project)) as ledger, ledger.transaction() as connection:
        accept(project, connection, judged, getpass.getuser(), now())


def lines(judged: Judged, *, put: bool, language: str = "en") -> Iterator[str]:
    """Give the result for people: state, rows, the first bad rows, what to do."""
    delivery = judged.delivery
    explained = f" ({told(clean(delivery.explanation), language)})" if delivery.explanation else ""
    yield f"{delivery.name}: {word(f'state.{delivery.state}', language) if language != 'en' else delivery.state}{explained}"
    yield from (told(line, language) for line in _facts(delivery))
    for title, found in (
        ("rejected:", [item for item in delivery.rejects if not item.duplicate]),
        ("counted once:", [item for item in delivery.rejects if item.duplicate]),
    ):
        if found:
            yield told(title, language)
            yield from (f"  {_bad(item, language)}" for item in found[:_BAD_ROWS])
        if len(found) > _BAD_ROWS:
            yield told(f"  and {len(found) - _BAD_ROWS} more", language)
    if delivery.next_step:
        yield told(f"what to do: {clean(delivery.next_step)}", language)
    # A line of the message itself is in its reader's language.
    yield from (line if line.startswith("  |") else told(line, language) for line in judged.consequences)
    if put:
        yield told(f"put in place: {judged.place}; the next run counts it", language)
    elif delivery.state is DeliveryState.QUARANTINED:
        yield told("nothing is counted, and --accept does not put a quarantined delivery in place", language)
    else:
        yield told(f"nothing is counted yet: --accept puts it in place ({judged.place.name})", language)


def _facts(delivery: Delivery) -> Iterator[str]:
    yield f"rows: {delivery.rows} sound, {delivery.rejected_rows} rejected"
    if delivery.covered_through or delivery.expected_through:
        reach = delivery.covered_through.isoformat() if delivery.covered_through else "no day"
        due = f"; due to reach {delivery.expected_through.isoformat()}" if delivery.expected_through else ""
        yield f"content reaches {reach}{due}"
    yield from (f"notice: {clean(notice.message)}" for notice in delivery.notices)


def _bad(item: Reject, language: str) -> str:
    value = clean(item.value)
    value = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    where, column = told(clean(item.where), language), clean(item.column) or told("whole row", language)
    return f"{where}, {column}: {value!r}: {told(clean(item.reason), language)}"
