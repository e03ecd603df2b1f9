"""Drop folders with the real ledger, store and clock."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.store import deliveries
from tulosvahti.store.inputs import InputStore
from tulosvahti.wiring.base import default_as_of, now, open_ledger
from tulosvahti.wiring.notes import note_settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tulosvahti.core.refusal import Refusal
    from tulosvahti.load.project import Project
    from tulosvahti.run.dropping import Settled
    from tulosvahti.store.ledger import Ledger


def dropped(project: Project, ledger: Ledger) -> bool:
    """Tell whether anything lies in a drop folder, or was begun to be taken; only reads."""
    if all(contract.drop is None for contract in project.contracts.values()):
        return False
    from tulosvahti.run.dropping import waiting  # noqa: PLC0415 (only where something may be dropped)

    with ledger.transaction(reading=True) as connection:
        return waiting(project, deliveries.logged(connection))


def take_dropped(
    project: Project, ledger: Ledger, clock: Callable[[], datetime] = now, step: Callable[[str], None] = lambda _name: None
) -> list[Settled]:
    """Take what is whole from the drop folders. One process of a project at a time: hold its run lock."""
    if not dropped(project, ledger):
        return []
    from tulosvahti.run.dropping import Hands  # noqa: PLC0415 (only where something was dropped)
    from tulosvahti.run.dropping import take_dropped as take_all  # noqa: PLC0415
    from tulosvahti.wiring.intake import put_in_place  # noqa: PLC0415

    store = InputStore(project.root)
    hands = Hands(
        ledger.transaction, store.held, partial(put_in_place, project), clock,
        lambda connection, settled: note_settled(project, connection, settled, clock()), step,
    )  # fmt: skip
    return take_all(project, hands, default_as_of(project, clock()))


def refusals(project: Project) -> dict[str, Refusal]:
    """Give the inputs whose newest delivery was refused before it came to its place."""
    with closing(open_ledger(project)) as ledger, ledger.transaction(reading=True) as connection:
        return deliveries.refusals(connection, several_of(project))


def several_of(project: Project) -> frozenset[str]:
    """Name the inputs of several files."""
    return frozenset(name for name, contract in project.contracts.items() if contract.several)
