"""Messages to deliverers with the real ledger: those of a run, and at once those of what was dropped or taken by hand."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from tulosvahti.core.alert_plan import Told
from tulosvahti.core.arrival import Fate
from tulosvahti.core.delivery_note import note_of
from tulosvahti.load.files import File
from tulosvahti.load.tables import take_files
from tulosvahti.run.notes import Candidate, Scene, of_run, of_settled, postings
from tulosvahti.store import alerting, deliveries, schema
from tulosvahti.store.inputs import InputStore, InputStoreError
from tulosvahti.store.outbox import post

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from tulosvahti.core.alert import AlertKey
    from tulosvahti.core.delivery import Posting
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.load.project import Project
    from tulosvahti.run.dropping import Settled
    from tulosvahti.run.notes import OpenNotes
    from tulosvahti.store.deliveries import Logged
    from tulosvahti.store.ledger import Ledger


def notes_of_run(project: Project, ledger: Ledger, outcome: Outcome, at: datetime) -> tuple[list[Posting], list[str]]:
    """Write what is due of the deliveries that a run took in, and of what was refused before and is not told yet."""
    if outcome.lookback:
        return [], []
    with ledger.transaction(reading=True) as connection:
        logged, notes = deliveries.logged(connection), deliveries.open_notes(connection)
        scene = Scene(project, alerting.silences(connection), at)
    candidates = [*of_run(project, outcome, logged, at), *_untold(project, logged, notes, outcome.as_of)]
    return postings(candidates, notes, scene)


def _untold(project: Project, logged: Sequence[Logged], notes: OpenNotes, as_of: date) -> Iterator[Candidate]:
    """Give the refused deliveries that never came to their place and were not told, judged again from the input store."""
    newest: dict[tuple[str, str], Logged] = {}
    for item in logged:
        newest.setdefault((item.input, item.place), item)
    for (name, place), item in newest.items():
        contract, became = project.contracts.get(name), item.became
        if contract is None or item.how in deliveries.LAID or became.state is not Fate.QUARANTINED:
            continue
        if note_of(became.state, item.file.sha256, item.file.name, became.rejects, notes.get((name, place))) is None:
            continue
        judged = None
        with suppress(InputStoreError, ValueError):
            held = InputStore(project.root).held(item.file.sha256)
            file = File(item.file.name, held, item.file.sha256, item.file.size, item.file.written)
            judged = take_files([(contract, [file])], project.root, as_of)[contract.name].delivery
        if judged is not None and not judged.usable:
            yield Candidate(contract, place, item.file, became, judged, deliveries.moment_of(item.arrived_at))


def note_settled(project: Project, connection: Connection, settled: Settled, at: datetime) -> None:
    """Put the message about one delivery into the outbox, in the transaction that logs what became of it.

    A message belongs to a run; before the first one it waits for it, which tells what is not told yet.
    """
    run = connection.scalar(select(func.max(schema.runs.c.id)))
    if run is None:
        return
    scene = Scene(project, alerting.silences(connection), at)
    mails, _ = postings([of_settled(settled, at)], deliveries.open_notes(connection), scene)
    deliveries.record_notes(connection, mails, post(connection, int(run), mails, at))


def told_by(mails: Sequence[Posting], log: Mapping[tuple[str, AlertKey], Told], at: datetime) -> dict[tuple[str, AlertKey], Told]:
    """Give what recipients have been told once these mails are accepted."""
    found = dict(log)
    for mail in mails:
        for tell in mail.tells:
            before = found.get((mail.recipient, tell.key))
            first = before.first_at if before is not None and before.firing else at
            found[mail.recipient, tell.key] = Told(at, first, tell.firing, tell.words)
    return found
