"""``take``: what a contract makes of a file, shown before anything is counted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState
from tulosvahti.emit.words import clean
from tulosvahti.load.files import File, paths_of, place_for, read_file
from tulosvahti.load.held import store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.tables import take_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tulosvahti.core.contract import Delivery, Reject
    from tulosvahti.load.project import Project

_BAD_ROWS = 10
_LONGEST = 60


class CallError(Exception):
    """The call cannot be done as it is; the text says what to do."""


@dataclass(frozen=True)
class Judged:
    """What came of the file, and where it would lie."""

    file: File
    place: Path
    delivery: Delivery


def judge(project: Project, path: Path, name: str, as_of: date) -> Judged:
    """Judge a file by the contract of an input, beside the deliveries that lie there.

    Raises:
        CallError: there is no such input or file, or the file's name is not one of the input's.

    """
    contract = project.contracts.get(name)
    if contract is None:
        msg = f"--input: no input {name!r}; allowed: {', '.join(sorted(project.contracts)) or 'none is sound: see tulosvahti lint'}"
        raise CallError(msg)
    folder, store = project.root / "inputs", store_of(project.root)
    try:
        place = folder / place_for(contract, path.name)
    except UnreadableError as error:
        msg = f"{error}: {error.next_step}"
        raise CallError(msg) from error
    shown = os.path.relpath(place, folder) if contract.several else path.name
    try:
        file = read_file(path, shown, store)
        files = [file]
        if contract.several:
            files = [
                file if other == place else read_file(other, os.path.relpath(other, folder), store, links=False)
                for other in paths_of(contract, project.root, place)
                if other == place or other.exists()
            ]
    except FileNotFoundError as error:
        msg = f"{error.filename}: there is no such file"
        raise CallError(msg) from error
    except UnreadableError as error:
        msg = f"{error}; {error.next_step}"
        raise CallError(msg) from error
    return Judged(file, place, take_files([(contract, files)], project.root, as_of)[name].delivery)


def lines(judged: Judged, *, put: bool) -> Iterator[str]:
    """Give the result for people: state, rows, the first bad rows, what to do."""
    delivery = judged.delivery
    yield f"{delivery.name}: {delivery.state}" + (f" ({clean(delivery.explanation)})" if delivery.explanation else "")
    yield f"rows: {delivery.rows} sound, {delivery.rejected_rows} rejected"
    if delivery.covered_through or delivery.expected_through:
        reach = delivery.covered_through.isoformat() if delivery.covered_through else "no day"
        due = f"; due to reach {delivery.expected_through.isoformat()}" if delivery.expected_through else ""
        yield f"content reaches {reach}{due}"
    yield from (f"notice: {clean(notice.message)}" for notice in delivery.notices)
    for title, found in (
        ("rejected", [item for item in delivery.rejects if not item.duplicate]),
        ("counted once", [item for item in delivery.rejects if item.duplicate]),
    ):
        if found:
            yield f"{title}:"
            yield from (f"  {_bad(item)}" for item in found[:_BAD_ROWS])
        if len(found) > _BAD_ROWS:
            yield f"  and {len(found) - _BAD_ROWS} more"
    if delivery.next_step:
        yield f"what to do: {clean(delivery.next_step)}"
    if put:
        yield f"put in place: {judged.place}; the next run counts it"
    elif delivery.state is DeliveryState.QUARANTINED:
        yield "nothing is counted, and --accept does not put a quarantined delivery in place"
    else:
        yield f"nothing is counted yet: --accept puts it in place ({judged.place.name})"


def _bad(item: Reject) -> str:
    value = clean(item.value)
    value = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    return f"{clean(item.where)}, {clean(item.column) or 'whole row'}: {value!r}: {clean(item.reason)}"
