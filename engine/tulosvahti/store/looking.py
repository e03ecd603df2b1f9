"""What the dashboard looks up in the ledger, each by an index and bounded, whatever the number of runs.

Every function works inside the transaction of the connection that it is handed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from tulosvahti.core.forecast import MOST
from tulosvahti.store import rows, schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tulosvahti.core.measure import Subject

_DONE = "done"
_NEAR = timedelta(days=4)
"""How far apart the same days of two years may lie."""


@dataclass(frozen=True)
class Seen:
    """A verdict as a run gave it; ``observed`` is a decimal as text."""

    run: str
    as_of: date
    verdict: str
    observed: str | None
    target: str | None
    provisional: bool
    rules_sha256: str


def seen(connection: Connection, rule: str, subject: Subject, period: str, until: int, limit: int = 400) -> list[Seen]:
    """Give the newest verdicts of a key up to a run, oldest first; lookbacks are left out."""
    told, runs = schema.verdicts.c, schema.runs.c
    query = (
        select(told.run_id, runs.as_of, told.verdict, told.observed, told.target, told.provisional, runs.rules_sha256)
        .join(schema.runs, runs.id == told.run_id)
        .where(told.rule == rule, told.subject == rows.subject_text(subject), told.period == period, told.run_id <= until)
        .where(runs.state == _DONE, runs.lookback.is_(False))
        .order_by(told.run_id.desc())
        .limit(limit)
    )
    found = [Seen(str(row[0]), *row[1:]) for row in connection.execute(query)]
    return found[::-1]


def measured(connection: Connection, rule: str, run: int) -> list[tuple[Subject, str, Fraction | None]]:
    """Give subject, period and value of what a run measured of a rule."""
    found = schema.measurements.c
    query = select(found.subject, found.period, found.value).where(found.rule == rule, found.run_id == run).order_by(found.id)
    return [
        (rows.subject_of(row.subject), row.period, None if row.value is None else Fraction(row.value))
        for row in connection.execute(query)
    ]


def known_then(connection: Connection, as_of: date, rule: str = "") -> dict[tuple[str, Subject, str], Fraction]:
    """Give, by rule, subject and period, what was known of the periods of the years before by the same day of theirs.

    Each year has the newest run of the days up to that day; a lookback knew later data, and is left out.
    """
    runs, found = schema.runs.c, schema.measurements.c
    chosen = []
    for back in range(1, MOST + 1):
        day = as_of.replace(year=as_of.year - back, day=min(as_of.day, 28) if as_of.month == 2 else as_of.day)  # noqa: PLR2004 (February)
        run = connection.scalar(
            select(func.max(runs.id)).where(
                runs.state == _DONE, runs.lookback.is_(False), runs.as_of > day - _NEAR, runs.as_of <= day
            )
        )
        if run is not None:
            chosen.append(and_(found.run_id == run, found.period.startswith(f"{day.year}")))
    if not chosen:
        return {}
    query = select(found.rule, found.subject, found.period, found.value).where(or_(*chosen), found.value.is_not(None))
    return {
        (row.rule, rows.subject_of(row.subject), row.period): Fraction(row.value)
        for row in connection.execute(query.where(found.rule == rule) if rule else query)
    }


@dataclass(frozen=True)
class Event:
    """Something that happened to an alert of a rule: it moved, somebody was told, or somebody acknowledged it."""

    at: datetime
    kind: str
    """``moved``, ``told`` or ``acknowledged``."""
    what: str
    who: str
    subject: Subject


def alert_events(connection: Connection, rule: str, limit: int = 30) -> list[Event]:
    """Give the newest events of a rule's alerts, newest first."""
    moved, said, known = schema.alert_changes.c, schema.told.c, schema.acknowledgements.c
    mine = {"about": "rule", "name": rule}

    def of(columns: Any) -> Any:  # noqa: ANN401 (SQLAlchemy's columns)
        return and_(columns.about == mine["about"], columns.name == mine["name"])

    events = [
        Event(datetime.fromisoformat(row.finished_at or row.started_at), "moved", row.state, "", rows.subject_of(row.subject))
        for row in connection.execute(
            select(moved.state, moved.subject, schema.runs.c.finished_at, schema.runs.c.started_at)
            .join(schema.runs, schema.runs.c.id == moved.run_id)
            .where(of(moved))
            .order_by(moved.id.desc())
            .limit(limit)
        )
    ]
    events += [
        Event(datetime.fromisoformat(row.at), "told", "firing" if row.firing else "resolved", row.recipient, rows.subject_of(row.subject))
        for row in connection.execute(select(schema.told).where(of(said)).order_by(said.id.desc()).limit(limit))
    ]
    events += [
        Event(datetime.fromisoformat(row.at), "acknowledged", row.note, row.by, rows.subject_of(row.subject))
        for row in connection.execute(select(schema.acknowledgements).where(of(known)).order_by(known.id.desc()).limit(limit))
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:limit]


@dataclass(frozen=True)
class Followed:
    """A finding with the days of its first, last and resolving run."""

    rule: str
    subject: Subject
    period: str
    verdict: str
    first_run: str
    first_day: date
    last_run: str
    last_day: date
    resolved_run: str
    resolved_day: date | None


def findings(connection: Connection, *, resolved: bool, limit: int = 5_000) -> list[Followed]:
    """Give the findings that are open, or those that were resolved, newest first."""
    found = schema.findings.c
    first, last, ended = (schema.runs.alias(name) for name in ("first", "last", "ended"))
    query = (
        select(schema.findings, first.c.as_of.label("first_day"), last.c.as_of.label("last_day"), ended.c.as_of.label("resolved_day"))
        .join(first, first.c.id == found.first_run)
        .join(last, last.c.id == found.last_run)
        .outerjoin(ended, ended.c.id == found.resolved_run)
        .where(found.resolved_run.is_not(None) if resolved else found.resolved_run.is_(None))
        .order_by((found.resolved_run if resolved else found.first_run).desc(), found.id)
        .limit(limit)
    )
    return [
        Followed(
            row.rule, rows.subject_of(row.subject), row.period, row.verdict, str(row.first_run), row.first_day, str(row.last_run),
            row.last_day, str(row.resolved_run or ""), row.resolved_day,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def times_found(connection: Connection) -> dict[str, int]:
    """Count how often a finding of each rule was opened."""
    found = schema.findings.c
    return {row[0]: row[1] for row in connection.execute(select(found.rule, func.count()).group_by(found.rule))}


def open_by_run(connection: Connection, most: int = 60) -> list[tuple[str, date, int]]:
    """Give the run, its day and the number of findings open after it, of the newest runs, oldest first."""
    runs, found = schema.runs.c, schema.findings.c
    newest = connection.execute(
        select(runs.id, runs.as_of).where(runs.state == _DONE, runs.lookback.is_(False)).order_by(runs.id.desc()).limit(most)
    ).all()[::-1]
    if not newest:
        return []
    least = newest[0].id
    spans = connection.execute(
        select(found.first_run, found.resolved_run).where((found.resolved_run.is_(None)) | (found.resolved_run > least))
    ).all()
    return [
        (str(run.id), run.as_of, sum(first <= run.id and (end is None or end > run.id) for first, end in spans)) for run in newest
    ]


@dataclass(frozen=True)
class Punctual:
    """How one input came over the runs looked at."""

    input: str
    runs: int
    on_time: int
    rows: int
    rejects: int
    state: str


def punctuality(connection: Connection, runs_back: int = 365) -> list[Punctual]:
    """Give how each input came in the newest runs: how many runs had it on time, and the rows and rejects of the newest."""
    runs, came = schema.runs.c, schema.run_inputs.c
    chosen = (
        select(runs.id).where(runs.state == _DONE, runs.lookback.is_(False)).order_by(runs.id.desc()).limit(runs_back).subquery()
    )
    counted = connection.execute(
        select(came.name, came.state, func.count(), func.max(came.run_id))
        .where(came.run_id.in_(select(chosen.c.id)))
        .group_by(came.name, came.state)
    ).all()
    totals: dict[str, list[int]] = {}
    for name, state, count, newest in counted:
        total = totals.setdefault(name, [0, 0, 0])
        total[0] += count
        total[1] += count if state == "accepted" else 0
        total[2] = max(total[2], newest)
    result = []
    for name, (count, on_time, newest) in sorted(totals.items()):
        row = connection.execute(select(came.rows, came.rejects, came.state).where(came.run_id == newest, came.name == name)).one()
        result.append(Punctual(name, count, on_time, row.rows, row.rejects, row.state))
    return result


def run_numbers(connection: Connection, before: int | None = None, limit: int = 50) -> Sequence[Any]:
    """Give the runs before one, newest first: id, as_of, started_at, finished_at, state, lookback, forced_rules, reason."""
    runs = schema.runs.c
    query = select(
        runs.id, runs.as_of, runs.started_at, runs.finished_at, runs.state, runs.lookback, runs.forced_rules, runs.reason,
        runs.rules_sha256, runs.engine,
    )  # fmt: skip
    if before is not None:
        query = query.where(runs.id < before)
    return connection.execute(query.order_by(runs.id.desc()).limit(limit)).all()
