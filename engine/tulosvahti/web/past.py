"""Runs as they were published, read back once: a run never changes, so the newest ones looked at are kept in memory."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tulosvahti.emit.stored import Stored

if TYPE_CHECKING:
    from tulosvahti.web.house import House
    from tulosvahti.web.page import Page

_MOST = 3
"""Runs kept for each house; one of 2,000 verdicts takes some 30 MB."""
_KEPT: WeakKeyDictionary[House, OrderedDict[str, Stored]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def newest_run(page: Page) -> Stored | None:
    """Give the newest run that is done; None where there is none yet."""
    number = page.ledger.newest_done()
    return None if number is None else _run(page, str(number))


def run_or_refusal(page: Page, number: str) -> Stored:
    """Give a run by its number.

    Raises:
        Refusal: there is no such run, or it is not done.

    """
    found = _run(page, number) if number.isascii() and number.isdecimal() and len(number) < 10 else None
    if found is None:
        raise page.missing("web.past.no_run", run=number)
    return found


def _run(page: Page, number: str) -> Stored | None:
    with _LOCK:
        kept = _KEPT.setdefault(page.house, OrderedDict())
        if number in kept:
            kept.move_to_end(number)
            return kept[number]
    text = page.ledger.outcome_json(number)
    if not text:
        return None
    stored = Stored(json.loads(text))
    with _LOCK:
        kept[number] = stored
        while len(kept) > _MOST:
            kept.popitem(last=False)
    return stored
