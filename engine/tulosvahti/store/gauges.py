"""What the ledger says to a monitoring system. Ages and moments are in seconds; moments count from 1970 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from tulosvahti.core.gauge import Gauge
from tulosvahti.store import schema
from tulosvahti.store.rows import moment

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
    """Give each job's newest success and its lateness: scheduled runs, and those by hand of every rule."""
    runs = schema.runs.c
    done = (runs.state == "done", runs.lookback.is_(False))
    for job, of_job in (("nightly", runs.slot.is_not(None)), ("by hand", runs.slot.is_(None) & (runs.forced_rules == ""))):
        newest = connection.execute(select(schema.runs).where(*done, of_job).order_by(runs.id.desc()).limit(1)).first()
        if newest is not None:
            yield Gauge("last_success_timestamp_seconds", _SUCCESS, _seconds(newest.finished_at), {"job": job})
            if newest.slot:
                late = _seconds(newest.started_at) - _seconds(newest.slot)
                yield Gauge("lateness_seconds", _LATENESS, late, {"job": job})


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
    mails = schema.outbox.c
    waiting = (mails.state == "waiting") & (mails.hold_until.is_(None) | (mails.hold_until <= moment(now)))
    oldest = connection.scalar(select(func.min(func.coalesce(mails.hold_until, mails.created_at))).where(waiting))
    age = max(0.0, now.timestamp() - _seconds(oldest)) if oldest else 0.0
    yield Gauge("outbox_waiting", "Mails that wait to be accepted; those held by quiet hours are not among them.", _count(connection, waiting))
    yield Gauge("outbox_oldest_seconds", "Age of the oldest mail that waits; 0 where none does.", age)
    failed = _count(connection, mails.state == "failed")
    yield Gauge("recipients_failed", "Recipients whose server refused a mail for good.", failed)


def _count(connection: Connection, condition: Any) -> int:  # noqa: ANN401 (a column expression)
    return connection.scalar(select(func.count()).select_from(schema.outbox).where(condition)) or 0


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
