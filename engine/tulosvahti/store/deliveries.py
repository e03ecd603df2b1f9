"""Deliveries in the ledger: each arrival once, and what became of it. Rows are only added.

Every function works inside the transaction of the connection that it is handed. Moments are aware, and kept in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from tulosvahti.core.arrival import Arrived, Fate, How
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.delivery_note import Note, OpenNote
from tulosvahti.core.refusal import Refusal
from tulosvahti.store import rows, schema

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.delivery import Posting
    from tulosvahti.core.verdict import Outcome


LAID = frozenset({How.PATH, How.FETCH})
"""Deliveries that lie at their place from the first; the others are put there when they were accepted."""


@dataclass(frozen=True)
class Became:
    """What became of a delivery. ``written`` is of the file at its place; ``stands_on`` as in the ledger's tables."""

    state: Fate
    rows: int = 0
    rejects: int = 0
    explanation: str = ""
    next_step: str = ""
    written: str = ""
    stands_on: str = ""
    by: str = ""


@dataclass(frozen=True)
class Logged:
    """A delivery as the ledger has it; ``at`` is when it came to its state."""

    id: int
    input: str
    place: str
    """Where it lies below ``inputs/``, or would."""
    file: Arrived
    arrived_at: str
    how: How
    became: Became = field(default_factory=lambda: Became(Fate.ARRIVED))
    at: str = ""
    run: str = ""


def arrive(connection: Connection, name: str, place: str, file: Arrived, how: How, at: datetime) -> int:
    """Log an arrival of an input, for a place below ``inputs/``; give its number."""
    values = {
        "input": name, "place": place, "name": file.name, "sha256": file.sha256, "size": file.size, "written": file.written,
        "arrived_at": rows.moment(at), "how": how, "by": file.by,
    }  # fmt: skip
    number = connection.scalar(insert(schema.deliveries).values(values).returning(schema.deliveries.c.id))
    return int(str(number))


def settle(connection: Connection, number: int, became: Became, at: datetime, run: int | None = None) -> None:
    """Log what became of a delivery."""
    values = {
        "delivery_id": number, "run_id": run, "at": rows.moment(at), "state": became.state, "rows": became.rows,
        "rejects": became.rejects, "explanation": became.explanation, "next_step": became.next_step,
        "written": became.written, "stands_on": became.stands_on, "by": became.by,
    }  # fmt: skip
    connection.execute(insert(schema.delivery_states).values(values))


def logged(connection: Connection, name: str = "", limit: int | None = None) -> list[Logged]:
    """Give the deliveries of an input, or of all, newest first."""
    came, states = schema.deliveries, schema.delivery_states
    newest = select(func.max(states.c.id).label("id")).group_by(states.c.delivery_id).subquery()
    held = select(states).join(newest, states.c.id == newest.c.id).subquery()
    columns = [held.c[item].label(f"its_{item}") for item in ("state", "rows", "rejects", "explanation", "next_step", "written", "stands_on", "by", "at", "run_id")]
    query = select(came, *columns).outerjoin(held, held.c.delivery_id == came.c.id).order_by(came.c.id.desc())
    if name:
        query = query.where(came.c.input == name)
    return [_logged(row) for row in connection.execute(query if limit is None else query.limit(limit))]


def log_run(connection: Connection, outcome: Outcome, at: datetime) -> None:
    """Log what a run found lying at the places of inputs: new arrivals, and states that moved.

    A lookback judges as of a day gone by: it logs arrivals, and moves no state.
    """
    run = int(outcome.run)
    places: dict[tuple[str, str], Logged] = {}
    for item in logged(connection):
        if item.how in LAID or item.became.written:
            places.setdefault((item.input, item.place), item)
    for delivery in outcome.deliveries:
        seen: dict[str, str] = {}
        for file in delivery.files:
            known = places.get((delivery.name, file.name))
            if known is None or not _is_same(known, file):
                number = arrive(connection, delivery.name, file.name, file, file.how, at)
                known = Logged(number, delivery.name, file.name, file, "", file.how)
            if not outcome.lookback:
                now = became(delivery, file.name, seen.get(file.sha256, ""), known.became.written)
                if _told(known.became) != _told(now):
                    settle(connection, known.id, now, at, run)
            seen.setdefault(file.sha256, file.name)


def _is_same(known: Logged, file: Arrived) -> bool:
    """Tell whether a file at its place is the one that was logged: the same bytes, written at the same time."""
    written = known.file.written if known.how in LAID else known.became.written
    return known.file.sha256 == file.sha256 and (not written or not file.written or written == file.written)


def _told(found: Became) -> tuple[object, ...]:
    return found.state, found.rows, found.rejects, found.explanation


def became(delivery: Delivery, name: str, twin: str = "", written: str = "") -> Became:
    """Say what became of one file of an input. ``twin``: a file with the same content, which is counted instead."""
    mine = [item for item in delivery.rejects if not item.duplicate and (not item.file or item.file == name or item.file.startswith(f"{name}/"))]
    bad = len({(item.file, item.row) for item in mine})
    if twin:
        return Became(Fate.DUPLICATE, explanation=f"the same content as {twin}: counted once", written=written)
    if delivery.state is DeliveryState.QUARANTINED:
        return Became(Fate.QUARANTINED, 0, bad, delivery.explanation, delivery.next_step, written)
    state = {DeliveryState.LATE: Fate.LATE}.get(delivery.state, Fate.PARTLY if bad else Fate.ACCEPTED)
    several = len(delivery.files) > 1
    said = f"{bad} rows are rejected" if several and bad else "" if several and state is Fate.ACCEPTED else delivery.explanation
    return Became(state, delivery.rows, bad, said, delivery.next_step if said else "", written)


def newest_states(connection: Connection) -> list[dict[str, Any]]:
    """Give how each input stood in the newest run that took it in: name, state, explanation, next step, dates."""
    inputs = schema.run_inputs
    newest = select(inputs.c.name, func.max(inputs.c.run_id).label("run_id")).group_by(inputs.c.name).subquery()
    query = (
        select(inputs)
        .join(newest, (inputs.c.name == newest.c.name) & (inputs.c.run_id == newest.c.run_id))
        .order_by(inputs.c.name)
    )
    return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 (SQLAlchemy's own public name)


def _logged(row: Any) -> Logged:  # noqa: ANN401 - SQLAlchemy's types of rows say nothing here
    found = Became(Fate.ARRIVED)
    if row.its_state is not None:
        found = Became(
            Fate(row.its_state), row.its_rows, row.its_rejects, row.its_explanation, row.its_next_step,
            row.its_written, row.its_stands_on, row.its_by,
        )  # fmt: skip
    file = Arrived(row.name, row.sha256, row.size, row.written, row.by)
    run = "" if row.its_run_id is None else str(row.its_run_id)
    return Logged(row.id, row.input, row.place, file, row.arrived_at, How(row.how), found, row.its_at or "", run)


def refusals(connection: Connection, several: Collection[str] = ()) -> dict[str, Refusal]:
    """Give the inputs whose newest delivery was refused, and is waited for to be mended or withdrawn.

    Only content that was kept apart stands in for an input: what lies at its place speaks for itself. ``several``: inputs
    of several files, of which each place has a newest delivery of its own.
    """
    newest: dict[tuple[str, str], Logged] = {}
    for item in logged(connection):
        one = item.input not in several
        if item.became.state in {Fate.ARRIVED, Fate.WITHDRAWN} or not item.file.sha256 or (one and item.how in LAID):
            continue
        newest.setdefault((item.input, "" if one else item.place), item)
    found: dict[str, Refusal] = {}
    for (name, place), item in newest.items():
        if item.became.state is Fate.QUARANTINED and item.how not in LAID:
            stands_on = None if place else item.became.stands_on
            refusal = Refusal(
                item.id, item.file.name, item.arrived_at[:10], item.file.sha256, stands_on,
                item.became.explanation, item.became.next_step,
            )  # fmt: skip
            found.setdefault(name, refusal)
    return found


def open_notes(connection: Connection) -> dict[tuple[str, str], OpenNote]:
    """Give the newest message about each input and place."""
    told, came = schema.delivery_messages.c, schema.deliveries.c
    query = (
        select(told.delivery_id, told.kind, told.recipient, came.input, came.place, came.name, came.sha256)
        .join(schema.deliveries, came.id == told.delivery_id)
        .order_by(told.outbox_id, told.recipient)
    )
    found: dict[tuple[str, str], OpenNote] = {}
    for row in connection.execute(query):
        before = found.get((row.input, row.place))
        same = before is not None and (before.delivery, before.kind) == (row.delivery_id, row.kind)
        recipients = (*before.recipients, row.recipient) if before is not None and same else (row.recipient,)
        found[row.input, row.place] = OpenNote(Note(row.kind), row.delivery_id, row.name, row.sha256, recipients)
    return found


def record_notes(connection: Connection, mails: Sequence[Posting], numbers: Sequence[int]) -> None:
    """Record which messages told of which deliveries: the newest at each place."""
    came = schema.deliveries.c
    for mail, number in zip(mails, numbers, strict=True):
        if mail.about is None:
            continue
        name, place, kind = mail.about
        newest = select(func.max(came.id)).where(came.input == name, came.place == place).scalar_subquery()
        values = {"delivery_id": newest, "kind": kind, "recipient": mail.recipient, "outbox_id": number}
        connection.execute(insert(schema.delivery_messages).values(values))


def moment_of(text: str) -> datetime:
    """Read a moment of the ledger."""
    return datetime.fromisoformat(text)
