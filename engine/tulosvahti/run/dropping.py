"""Taking deliveries from drop folders. A crash between any two steps loses nothing and doubles nothing.

The steps of one delivery: its bytes are kept in the input store and synced; its arrival is logged; it is judged from the
store; it is put at its place if it is accepted; its file is moved aside; what became of it is logged. An arrival that is
logged without what became of it was begun: it is finished before anything new is looked at, whether or not its file still
lies there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import COUNTED, Arrived, Fate, How
from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.drop import REFUSED, TAKEN
from tulosvahti.load.dropped import ChangingError, Lying, awaits, is_still, lying, place_of, read_lying
from tulosvahti.load.files import File, digest_lying, paths_of, place_for, read_file
from tulosvahti.load.held import store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.tables import take_files
from tulosvahti.store import deliveries
from tulosvahti.store.deliveries import Became, Logged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import date, datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.drop import Drop
    from tulosvahti.load.project import Project

LOG = logging.getLogger(__name__)
Told = Callable[["Connection", "Settled"], None]
"""Called in the transaction that logs what became of a delivery."""


@dataclass(frozen=True)
class Settled:
    """A delivery of which is known what became of it; ``judged`` is what the contract made of it."""

    contract: Contract
    logged: Logged
    judged: Delivery = field(default_factory=lambda: Delivery("", DeliveryState.QUARANTINED))


@dataclass(frozen=True)
class Hands:
    """What taking is done with. ``step`` is called before each step, with its name."""

    transaction: Callable[[], AbstractContextManager[Connection]]
    held: Callable[[str], Path]
    """Give where the content of a digest is held, and is still what it was."""
    put: Callable[[File, Path], str]
    """Put a delivery at its place; give when the file there was written."""
    clock: Callable[[], datetime]
    told: Told = lambda _connection, _settled: None
    step: Callable[[str], None] = lambda _name: None


def waiting(project: Project, logged: list[Logged]) -> bool:
    """Tell whether there is anything to take: something new lies in a drop folder, or a delivery was begun."""
    for contract in project.contracts.values():
        if contract.drop is None:
            continue
        mine = [item for item in logged if item.input == contract.name]
        if any(item.became.state is Fate.ARRIVED for item in mine) or any(_is_new(item, contract.drop, mine) for item in _lying(contract, project)):
            return True
    return False


def awaited(project: Project, logged: list[Logged], now: datetime) -> Iterator[tuple[str, str]]:
    """Say what lies in drop folders and is not taken yet, and why."""
    for contract in project.contracts.values():
        mine = [item for item in logged if item.input == contract.name]
        for seen in _lying(contract, project):
            assert contract.drop is not None  # noqa: S101 (told to mypy: nothing lies there without it)
            if _is_new(seen, contract.drop, mine):
                yield contract.name, awaits(seen, contract.drop, now) or f"{seen.name} is taken at the next tick of the service, or by a run"


def take_dropped(project: Project, hands: Hands, as_of: date) -> list[Settled]:
    """Take everything that is whole from every drop folder; give what became of each delivery."""
    done: list[Settled] = []
    for contract in project.contracts.values():
        if contract.drop is None:
            continue
        with hands.transaction() as connection:
            mine = deliveries.logged(connection, contract.name)
        for item in sorted((item for item in mine if item.became.state is Fate.ARRIVED), key=lambda item: item.id):
            there = next((one for one in _lying(contract, project) if _is_same(one, item)), None)
            done.append(_settled(project, contract, item, there, hands, as_of))
        for seen in _lying(contract, project):
            if _is_new(seen, contract.drop, mine):
                done += _taken(project, contract, seen, hands, as_of)
    return done


def _lying(contract: Contract, project: Project) -> list[Lying]:
    if contract.drop is None:
        return []
    try:
        return lying(contract.drop, project.root)
    except OSError as error:
        LOG.warning("the drop folder of %s cannot be looked at: %s", contract.name, error.strerror)
        return []


def _is_same(seen: Lying, item: Logged) -> bool:
    return (seen.name, seen.written, seen.size) == (item.file.name, item.file.written, item.file.size)


def _is_new(seen: Lying, drop: Drop, mine: list[Logged]) -> bool:
    """Tell an arrival that was not taken before. What stays in its folder is known by name, size and moment."""
    return not drop.leaves or not any(item.how is How.DROP and _is_same(seen, item) for item in mine)


def _taken(project: Project, contract: Contract, seen: Lying, hands: Hands, as_of: date) -> Iterator[Settled]:
    drop = contract.drop
    assert drop is not None  # noqa: S101 (told to mypy; the caller looked)
    hands.step("read")
    place, fault = seen.name, None
    arrived = Arrived(seen.name, "", seen.size, seen.written, seen.by, How.DROP)
    try:
        arrived = read_lying(seen, drop, hands.clock(), store_of(project.root)).arrived
        place = place_for(contract, seen.name)
    except ChangingError as error:
        LOG.debug("input %s: %s; it is looked at again", contract.name, error)
        return
    except UnreadableError as error:
        fault = error
    hands.step("log the arrival")
    with hands.transaction() as connection:
        number = deliveries.arrive(connection, contract.name, place, arrived, How.DROP, hands.clock())
    item = Logged(number, contract.name, place, arrived, "", How.DROP)
    yield _settled(project, contract, item, seen, hands, as_of, fault)


def _settled(  # noqa: PLR0913 (what a delivery is judged with)
    project: Project, contract: Contract, item: Logged, there: Lying | None, hands: Hands, as_of: date, fault: UnreadableError | None = None
) -> Settled:
    hands.step("judge")
    place = project.root / "inputs" / item.place
    became, judged = _judged(project, contract, item, hands, as_of, fault)
    if became.state in COUNTED:
        hands.step("put in place")
        became = replace(became, written=hands.put(_file(item, item.place, hands), place))
    if there is not None and contract.drop is not None and not contract.drop.leaves:
        hands.step("move aside")
        _aside(project, contract.drop, there, item.id, TAKEN if became.state is not Fate.QUARANTINED else REFUSED)
    hands.step("log what became of it")
    settled = Settled(contract, replace(item, became=became), judged)
    with hands.transaction() as connection:
        deliveries.settle(connection, item.id, became, hands.clock())
        hands.told(connection, settled)
    return settled


def _judged(  # noqa: PLR0913 (as _settled)
    project: Project, contract: Contract, item: Logged, hands: Hands, as_of: date, fault: UnreadableError | None
) -> tuple[Became, Delivery]:
    """Say what is to become of a delivery. One of several is judged alone: what the others lack is not its fault."""
    blank = Delivery(contract.name, DeliveryState.QUARANTINED, item.file.sha256, files=(item.file,))
    if not item.file.sha256 and fault is None:
        fault = UnreadableError(f"{item.file.name} is no file that can be read", "put the file itself there")
    if fault is None:
        try:
            place_for(contract, item.file.name)
        except UnreadableError as error:
            fault = error
    if fault is not None:
        stands_on = digest_lying(contract, project.root) if item.file.sha256 else ""
        judged = replace(blank, explanation=str(fault), next_step=fault.next_step)
        return Became(Fate.QUARANTINED, explanation=str(fault), next_step=fault.next_step, stands_on=stands_on), judged
    with hands.transaction() as connection:
        others = [one for one in deliveries.logged(connection, contract.name) if one.id != item.id and one.became.state in COUNTED]
    if twin := _twin(project, contract, item, others):
        return Became(Fate.DUPLICATE, explanation=f"the same content as {twin}: counted once"), blank
    judged = take_files([(contract, [_file(item, item.file.name, hands)])], project.root, as_of)[contract.name].delivery
    became = deliveries.became(judged, item.file.name)
    if became.state is Fate.QUARANTINED:
        return replace(became, stands_on=digest_lying(contract, project.root)), judged
    if became.state is Fate.LATE and contract.several:
        fate = Fate.PARTLY if judged.rejected_rows else Fate.ACCEPTED
        became = replace(became, state=fate, explanation="", next_step="")
    return became, judged


def _file(item: Logged, name: str, hands: Hands) -> File:
    return File(name, hands.held(item.file.sha256), item.file.sha256, item.file.size, item.file.written, item.file.by, How.DROP)


def _twin(project: Project, contract: Contract, item: Logged, others: list[Logged]) -> str:
    """Name the file of another delivery at the places of an input that has the same content; empty where none has.

    ``others``, newest first, tell it from the same delivery, put there before a crash.
    """
    for path in paths_of(contract, project.root):
        name = path.relative_to(project.root / "inputs").as_posix() if contract.several else contract.path
        newest = next((one for one in others if one.place == name), None)
        if newest is None or newest.file.sha256 != item.file.sha256:
            continue
        try:
            if read_file(path, name, store_of(project.root), links=not contract.several).sha256 == item.file.sha256:
                return name
        except (FileNotFoundError, UnreadableError):
            continue
    return ""


def _aside(project: Project, drop: Drop, seen: Lying, number: int, name: str) -> None:
    """Move a delivery and its lists aside, if it is still what was taken; another one at its place is a new arrival."""
    if not is_still(seen):
        return
    folder = place_of(drop, project.root) / name
    try:
        folder.mkdir(exist_ok=True)
        # The lists first: one that was left behind would be taken for that of the next delivery of the name.
        for path in (*seen.lists, seen.path):
            path.rename(folder / f"{number:06d}-{path.name}")
    except OSError as error:
        LOG.warning("%s was taken as delivery %d and cannot be moved aside: %s", seen.name, number, error.strerror)
