"""What the ledger says to a monitoring system. Ages and moments are in seconds; moments count from 1970 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from tulosvahti.core.delivery import MailState
from tulosvahti.core.gauge import Gauge
from tulosvahti.store import schema
from tulosvahti.store.outbox import held
from tulosvahti.store.slots import BY_HAND, SlotState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

_SUCCESS = "When the newest run of a job was done."
_LATENESS = "How much later than its nominal time the newest run of a job started."
_INPUTS = "Inputs in the newest run, by how they were taken in."
_BAD_INPUT = "1 for each input that the newest run could not use, with how it was taken in."


def gauges(engine: Engine, now: datetime) -> list[Gauge]:
    """Read every gauge in one moment of the ledger."""
    with engine.connect().execution_options(reading=True) as connection:
        return [
            *_ledger(connection),
            *_jobs(connection),
            *_inputs(connection),
            *_outbox(connection, now),
        ]


def _ledger(connection: Connection) -> Iterator[Gauge]:
    runs = schema.runs.c
    height = connection.scalar(select(func.max(runs.id))) or 0
    yield Gauge("ledger_height", "Number of the newest run in the ledger.", height)
    query: Any = select(runs.state, func.count(runs.id)).group_by(runs.state).order_by(runs.state)
    for state, count in connection.execute(query):
        yield Gauge("runs", "Runs in the ledger, by how far they came.", count, {"state": state})


def _jobs(connection: Connection) -> Iterator[Gauge]:
    """Give each job's newest success and its lateness; of the runs by hand, those of every rule."""
    slots, runs = schema.slots.c, schema.runs.c
    whole = or_(slots.job != BY_HAND, runs.forced_rules == "")
    newest = (
        select(func.max(slots.run_id))
        .join(schema.runs, runs.id == slots.run_id)
        .where(slots.state == SlotState.DONE, runs.lookback.is_(False), whole)
        .group_by(slots.job)
    )
    for row in connection.execute(select(schema.slots).where(slots.run_id.in_(newest)).order_by(slots.job)):
        yield Gauge("last_success_timestamp_seconds", _SUCCESS, _seconds(row.finished_at), {"job": row.job})
        if row.job != BY_HAND:
            yield Gauge("lateness_seconds", _LATENESS, row.late_seconds, {"job": row.job})


def _inputs(connection: Connection) -> Iterator[Gauge]:
    runs, taken = schema.runs.c, schema.run_inputs.c
    done = (runs.state == "done", runs.lookback.is_(False), runs.forced_rules == "")
    newest = select(func.max(runs.id)).where(*done).scalar_subquery()
    states: dict[str, int] = {"accepted": 0, "quarantined": 0, "late": 0, "missing": 0}
    rows = connection.execute(select(taken.name, taken.state).where(taken.run_id == newest).order_by(taken.name))
    for name, state in rows:
        states[state] = states.get(state, 0) + 1
        if state != "accepted":
            yield Gauge("input_refused", _BAD_INPUT, 1, {"input": name, "state": state})
    for state, count in states.items():
        yield Gauge("inputs", _INPUTS, count, {"state": state})


def _outbox(connection: Connection, now: datetime) -> Iterator[Gauge]:
    mails, to = schema.outbox.c, schema.outbox_addresses.c
    due = func.min(func.coalesce(mails.hold_until, mails.created_at))
    joined = select(func.count(mails.id.distinct()), due).join(schema.outbox_addresses, mails.id == to.outbox_id)
    count, oldest = connection.execute(joined.where(to.state == MailState.WAITING, ~held(now))).one()
    age = max(0.0, now.timestamp() - _seconds(oldest)) if oldest else 0.0
    yield Gauge("outbox_waiting", "Mails that wait to be accepted; those held by quiet hours are not among them.", count)
    yield Gauge("outbox_oldest_seconds", "Age of the oldest mail that waits; 0 where none does.", age)
    failed = connection.scalar(select(func.count()).where(to.state == MailState.FAILED)) or 0
    yield Gauge("recipients_failed", "Addresses that refused a mail for good, or were not reached in time.", failed)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
