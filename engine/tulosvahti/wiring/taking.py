"""A delivery handed over by a person: what its contract makes of it, before anything is counted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import How
from tulosvahti.load.fetched import as_files, fetched_files, with_marks
from tulosvahti.load.files import File, paths_of, place_for, read_file
from tulosvahti.load.held import Syncing, store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.tables import take_files
from tulosvahti.store import deliveries
from tulosvahti.wiring.fetching import fetch_aside, keep_fetched
from tulosvahti.wiring.intake import put_in_place

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.load.project import Project
    from tulosvahti.load.tables import Taken


class CallError(Exception):
    """The call cannot be done as it is; the text says what to do. ``outside``: the cause is not in the call."""

    def __init__(self, message: str, *, outside: bool = False) -> None:
        """Keep both."""
        super().__init__(message)
        self.outside = outside


@dataclass(frozen=True)
class Judged:
    """What came of the file, and where it would lie."""

    file: File
    place: Path
    delivery: Delivery
    taken: Taken | None = field(default=None, repr=False, compare=False)
    """With its rows, beside the deliveries that lie there."""
    consequences: tuple[str, ...] = ()
    """What accepting it would do, in lines."""


def judge(project: Project, path: Path, name: str, as_of: date) -> Judged:
    """Judge a file by the contract of an input, beside the deliveries that lie there.

    Raises:
        CallError: there is no such input or file, or the file's name is not one of the input's.

    """
    contract = _contract(project, name)
    if contract.fetch is not None:
        msg = f"input {name} is fetched from {contract.fetch.shown}: leave FILE out"
        raise CallError(msg)
    folder, store = project.root / "inputs", store_of(project.root)
    try:
        place = folder / place_for(contract, path.name)
    except UnreadableError as error:
        msg = f"{error}: {error.next_step}"
        raise CallError(msg) from error
    shown = os.path.relpath(place, folder) if contract.several else path.name
    with Syncing() as syncing:
        try:
            files = [read_file(path, shown, store, syncing=syncing)]
            if contract.several:
                others = [other for other in paths_of(contract, project.root, place) if other == place or other.exists()]
                files = [
                    files[0] if other == place else read_file(other, os.path.relpath(other, folder), store, links=False, syncing=syncing)
                    for other in others
                ]
        except FileNotFoundError as error:
            msg = f"{error.filename}: there is no such file"
            raise CallError(msg) from error
        except UnreadableError as error:
            msg = f"{error}; {error.next_step}"
            raise CallError(msg) from error
        taken = take_files([(contract, files)], project.root, as_of, syncing)[name]
    file = next(item for item in taken.files if item.name == shown)
    return Judged(file, place, taken.delivery, taken)


def judge_fetched(project: Project, name: str, as_of: date) -> tuple[Judged, Callable[[], object]]:
    """Fetch an input and judge what came; it becomes the input's content when what is given beside is called.

    Raises:
        CallError: there is no such input that is fetched, or nothing came.

    """
    contract = _contract(project, name)
    if contract.fetch is None:
        msg = f"input {name} is not fetched: name a FILE"
        raise CallError(msg)
    came = fetch_aside(project, contract, contract.fetch)
    if came.kept.trouble is not None:
        msg = f"{came.kept.trouble.message}; {came.kept.trouble.next_step}"
        raise CallError(msg, outside=True)
    kept, files = fetched_files(contract, project.root, came.kept)
    taken = take_files([(as_files(contract, kept), files)], project.root, as_of)[name]
    judged = Judged(files[0], project.root / "inputs" / name, with_marks(taken, kept).delivery)
    return judged, partial(keep_fetched, project, came)


def _contract(project: Project, name: str) -> Contract:
    contract = project.contracts.get(name)
    if contract is None:
        msg = f"--input: no input {name!r}; allowed: {', '.join(sorted(project.contracts)) or 'none is sound: see tulosvahti lint'}"
        raise CallError(msg)
    return contract


def judge_content(project: Project, content: bytes, filename: str, name: str, as_of: date) -> Judged:
    """Judge what was uploaded under the name of a file, as :func:`judge` does a file.

    Raises:
        CallError: as there.

    """
    with tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
        path = Path(folder) / filename
        path.write_bytes(content)
        return judge(project, path, name, as_of)


def accept(project: Project, connection: Connection, judged: Judged, by: str, at: datetime) -> int:
    """Put a delivery in its place for the next run and log it, with who handed it over; give its number."""
    shown = os.path.relpath(judged.place, project.root / "inputs")
    written = put_in_place(project, judged.file, judged.place)
    came = replace(judged.file.arrived, written=written, by=by, how=How.TAKE)
    number = deliveries.arrive(connection, judged.delivery.name, shown, came, How.TAKE, at)
    deliveries.settle(connection, number, deliveries.became(judged.delivery, judged.file.name, written=written), at)
    return number
