"""The ledger: every run with what it saw, found and told. History is only added to.

What a run found is published in one transaction, or not at all. Moments handed in are aware; they are kept in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, insert, make_url, not_, select, update

from tulosvahti.core.verdict import Change, Word
from tulosvahti.store import alerting, deliveries, revised, rows, schema, slots
from tulosvahti.store.database import LedgerError, move_wal, open_engine, sqlite_file
from tulosvahti.store.migrate import migrate
from tulosvahti.store.outbox import Outbox, post

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import date, timedelta
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table

    from tulosvahti.core.alert import Alert
    from tulosvahti.core.delivery import Posting
    from tulosvahti.core.measure import Subject
    from tulosvahti.core.verdict import Finding, Outcome

Key = tuple[str, "Subject", str]


class RunState(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Past:
    """A verdict of an earlier run; ``observed`` and ``margin`` are decimals as texts."""

    run: str
    as_of: date
    subject: Subject
    period: str
    verdict: Word
    provisional: bool
    observed: str | None
    target: str | None
    margin: str | None
    rules_sha256: str


@dataclass(frozen=True)
class Measured:
    """What runs measured for a rule, subject and period; ``value`` is a fraction as text: ``1200/13``."""

    rule: str
    subject: Subject
    period: str
    value: str | None
    rows: int
    unknown_rows: int
    as_of: date


@dataclass(frozen=True)
class Run:
    """One run, as the ledger has it."""

    id: str
    as_of: date
    started_at: datetime
    finished_at: datetime | None
    rules_sha256: str
    engine: str
    state: RunState
    lookback: bool
    forced_rules: str
    reason: str


class Ledger:
    """The ledger of one project. One run at a time writes: hold a claim of ``slots`` from ``start_run`` to ``publish``."""

    def __init__(self, url: str, root: Path, password: str = "", *, lease: timedelta = slots.LEASE) -> None:
        """Open the ledger, make it where there is none, migrate it where it is old. A claim holds for ``lease``.

        ``url`` is SQLAlchemy's; a relative SQLite path stands under ``root``. An empty ``password`` leaves it to the
        driver, which looks at PGPASSWORD and ~/.pgpass.

        Raises:
            LedgerError: it cannot be reached, is not a ledger, or is of a newer engine.

        """
        place = make_url(url)
        self.engine: Engine = open_engine(place, root, password)
        try:
            migrate(self.engine, sqlite_file(place, root) or root / ".tulosvahti" / "ledger.db")
        except BaseException:
            self.engine.dispose()
            raise
        self.slots = slots.Slots(self.engine, lease)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def outbox(self) -> Outbox:
        """The messages that this ledger holds."""
        return Outbox(self.engine, alerting.record_told)

    def start_run(  # noqa: PLR0913 - what names a run
        self,
        as_of: date,
        started_at: datetime,
        rules_sha256: str,
        engine: str,
        *,
        forced_rules: str = "",
        claim: slots.Claim | None = None,
    ) -> str:
        """Record a run that starts; give its id: "1", "2" ...

        A run that is still ``running`` though nobody holds its claim was killed: it is recorded as failed.
        ``forced_rules`` is the glob of a partial run.

        Raises:
            LostLeaseError: the claim is no longer held.

        """
        with self.engine.begin() as connection:
            connection.execute(
                update(schema.runs)
                .where(schema.runs.c.state == RunState.RUNNING, not_(slots.held(schema.runs.c)))
                .values(state=RunState.FAILED, reason="the process ended before the run did")
            )
            run = connection.scalar(
                insert(schema.runs)
                .values(
                    as_of=as_of,
                    started_at=rows.moment(started_at),
                    rules_sha256=rules_sha256,
                    engine=engine,
                    state=RunState.RUNNING,
                    forced_rules=forced_rules,
                    job=claim and claim.job,
                    slot=claim and claim.slot,
                    epoch=claim and claim.epoch,
                )
                .returning(schema.runs.c.id)
            )
            if claim is not None:
                slots.begin(connection, claim, started_at, int(run))
        return str(run)

    def newest_as_of(self, until: date | None = None) -> date | None:
        """Give the newest day of knowledge of the runs that are done and no lookback; later than ``until`` is no day yet."""
        runs = schema.runs.c
        query = select(func.max(runs.as_of)).where(runs.state == RunState.DONE, runs.lookback.is_(False))
        newest: date | None = self._scalar(query if until is None else query.where(runs.as_of <= until))
        return newest

    def open_findings(self) -> dict[Key, tuple[Word, str]]:
        """Give verdict and first run of every finding that is open."""
        found = schema.findings.c
        query = select(found.rule, found.subject, found.period, found.verdict, found.first_run)
        return {
            (row.rule, rows.subject_of(row.subject), row.period): (Word(row.verdict), str(row.first_run))
            for row in self._all(query.where(found.resolved_run.is_(None)).order_by(found.id))
        }

    def previous_verdicts(self) -> dict[Key, Word]:
        """Give the newest verdict of each key over the runs that are done and no lookback.

        A partial run hides nothing: keys that it did not judge keep the verdict of the run before.
        """
        told, runs = schema.verdicts.c, schema.runs.c
        counted = and_(runs.state == RunState.DONE, runs.lookback.is_(False))
        newest = (
            select(told.rule, told.subject, told.period, func.max(told.run_id).label("run_id"))
            .join(schema.runs, runs.id == told.run_id)
            .where(counted)
            .group_by(told.rule, told.subject, told.period)
            .subquery()
        )
        same = and_(*(told[name] == newest.c[name] for name in ("rule", "subject", "period", "run_id")))
        query = select(told.rule, told.subject, told.period, told.verdict).join(newest, same)
        return {(row.rule, rows.subject_of(row.subject), row.period): Word(row.verdict) for row in self._all(query)}

    def publish(
        self,
        outcome: Outcome,
        finished_at: datetime,
        mails: Sequence[Posting],
        outcome_json: str = "",
        moved: Sequence[Alert] = (),
        *,
        claim: slots.Claim | None = None,
    ) -> None:
        """Publish all of a run in one transaction and record it, and the slot it was claimed for, as done.

        ``moved`` are the alerts that the run moved. A lookback changes no finding and sends nothing.

        Raises:
            LostLeaseError: the claim is no longer held; nothing was written.
            LedgerError: the run is not under way (never started, done before, or given up).

        """
        run = int(outcome.run)
        with self.engine.begin() as connection:
            if claim is not None:
                slots.finish(connection, claim, finished_at)
            _finish(
                connection, run, finished_at, state=RunState.DONE, lookback=outcome.lookback, outcome_json=outcome_json
            )
            _add(connection, schema.run_inputs, [rows.input_row(run, item) for item in outcome.deliveries])
            _add(connection, schema.rejects, rows.reject_rows(run, outcome.deliveries))
            _add(connection, schema.verdicts, [rows.verdict_row(run, item) for item in outcome.verdicts])
            _add(connection, schema.measurements, [rows.measurement_row(run, item) for item in outcome.measurements])
            _add(connection, schema.problems, [rows.problem_row(run, item) for item in outcome.problems])
            deliveries.log_run(connection, outcome, finished_at)
            revised.record(connection, run, outcome.revisions)
            if not outcome.lookback:
                _follow(connection, run, outcome.findings)
                alerting.move(connection, run, moved)
                deliveries.record_notes(connection, mails, post(connection, run, mails, finished_at))
        move_wal(self.engine)

    def fail_run(
        self, run: str, finished_at: datetime, reason: str,
        *, claim: slots.Claim | None = None, retry_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Record that a run could not be completed; its slot is tried again at ``retry_at``, or never.

        Raises:
            LostLeaseError: the claim is no longer held; nothing was written.
            LedgerError: the run is not under way.

        """
        with self.engine.begin() as connection:
            if claim is not None:
                slots.fail(connection, claim, finished_at, reason, retry_at)
            _finish(connection, int(run), finished_at, state=RunState.FAILED, reason=reason)

    def history(self, rule: str, limit: int = 20) -> list[Past]:
        """Give the newest verdicts of a rule, newest run first; lookbacks too, as they were asked for."""
        told, runs = schema.verdicts.c, schema.runs.c
        query = (
            select(schema.verdicts, runs.as_of, runs.rules_sha256)
            .join(schema.runs, runs.id == told.run_id)
            .where(told.rule == rule, runs.state == RunState.DONE)
            .order_by(told.run_id.desc(), told.subject, told.period.desc())
            .limit(limit)
        )
        return [
            Past(
                run=str(row.run_id),
                as_of=row.as_of,
                subject=rows.subject_of(row.subject),
                period=row.period,
                verdict=Word(row.verdict),
                provisional=row.provisional,
                observed=row.observed,
                target=row.target,
                margin=row.margin,
                rules_sha256=row.rules_sha256,
            )
            for row in self._all(query)
        ]

    def runs(self, limit: int = 20) -> list[Run]:
        """Give the newest runs, newest first."""
        listed = [item for item in schema.runs.c if item.name not in {"outcome_json", "slot"}]
        return [
            Run(
                id=str(row.id),
                as_of=row.as_of,
                started_at=datetime.fromisoformat(row.started_at),
                finished_at=None if row.finished_at is None else datetime.fromisoformat(row.finished_at),
                rules_sha256=row.rules_sha256,
                engine=row.engine,
                state=RunState(row.state),
                lookback=row.lookback,
                forced_rules=row.forced_rules,
                reason=row.reason,
            )
            for row in self._all(select(*listed).order_by(schema.runs.c.id.desc()).limit(limit))
        ]

    def outcome_json(self, run: str) -> str | None:
        """Give the JSON that a run was published with; None where there is no such run or it is not done."""
        runs = schema.runs.c
        if not run.isdecimal():
            return None
        stored: str | None = self._scalar(
            select(runs.outcome_json).where(runs.id == int(run), runs.state == RunState.DONE)
        )
        return stored

    def newest_done(self) -> int | None:
        """Give the newest run that is done."""
        runs = schema.runs.c
        newest: int | None = self._scalar(select(func.max(runs.id)).where(runs.state == RunState.DONE))
        return newest

    def measured(self, run: str) -> list[Measured]:
        """Give what a run measured, in its order."""
        seen, runs = schema.measurements, schema.runs
        query = select(seen, runs.c.as_of).join(runs, runs.c.id == seen.c.run_id).where(seen.c.run_id == int(run))
        return [_measured(row) for row in self._all(query.order_by(seen.c.id))]

    def measured_before(self, run: str) -> list[Measured]:
        """Give each different value that earlier runs measured, with the newest ``as_of`` of it; the newest value last."""
        seen, runs = schema.measurements.c, schema.runs.c
        key = seen.rule, seen.subject, seen.period, seen.value
        query = (
            select(*key, func.max(seen.rows).label("rows"), func.max(seen.unknown_rows).label("unknown_rows"))
            .add_columns(func.max(runs.as_of).label("as_of"))
            .join(schema.runs, runs.id == seen.run_id)
            .where(runs.id < int(run), runs.state == RunState.DONE, runs.lookback.is_(False))
            .group_by(*key)
            .order_by(func.max(seen.run_id), *key)
        )
        return [_measured(row) for row in self._all(query)]

    def transaction(self, *, reading: bool = False) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction, for :mod:`tulosvahti.store.alerting`; it is committed where all went well."""
        engine = self.engine.execution_options(reading=True) if reading else self.engine
        return engine.begin()

    def _all(self, query: Any) -> Sequence[Any]:  # noqa: ANN401 - SQLAlchemy's types of rows say nothing here
        with self.engine.connect().execution_options(reading=True) as connection:
            return connection.execute(query).all()

    def _scalar(self, query: Any) -> Any:  # noqa: ANN401
        with self.engine.connect().execution_options(reading=True) as connection:
            return connection.scalar(query)


def _measured(row: Any) -> Measured:  # noqa: ANN401 - as ``_all``
    return Measured(row.rule, rows.subject_of(row.subject), row.period, row.value, row.rows, row.unknown_rows, row.as_of)


def _add(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(insert(table), values)


def _finish(connection: Connection, run: int, finished_at: datetime, **values: object) -> None:
    runs = schema.runs.c
    changed = connection.execute(
        update(schema.runs)
        .where(runs.id == run, runs.state == RunState.RUNNING)
        .values(finished_at=rows.moment(finished_at), **values)
    )
    if changed.rowcount != 1:
        message = f"run {run} is not under way: it was never started, has ended, or was given up"
        raise LedgerError(message)


def _follow(connection: Connection, run: int, findings: Sequence[Finding]) -> None:
    """Open, move on or resolve findings. One that continues keeps its verdict: unknown freezes what was known."""
    opened: list[dict[str, Any]] = []
    others: dict[Change, list[dict[str, Any]]] = {}
    for finding in findings:
        rule, subject, period = finding.verdict.key
        key, verdict = {"rule": rule, "subject": rows.subject_text(subject), "period": period}, finding.verdict.word
        if finding.change is Change.OPENED:
            opened.append({**key, "verdict": verdict, "first_run": run, "last_run": run})
        else:
            known = {**key, "verdict": verdict} if finding.change is Change.CHANGED else key
            others.setdefault(finding.change, []).append({f"this_{name}": value for name, value in known.items()})
    _add(connection, schema.findings, opened)
    found = schema.findings.c
    for change, items in others.items():
        values: dict[str, Any] = {"last_run": run}
        if change is Change.CHANGED:
            values["verdict"] = bindparam("this_verdict")
        if change is Change.RESOLVED:
            values["resolved_run"] = run
        mine = (found[name] == bindparam(f"this_{name}") for name in ("rule", "subject", "period"))
        changed = connection.execute(update(schema.findings).where(*mine, found.resolved_run.is_(None)).values(values), items)
        if changed.rowcount != len(items):
            message = f"{len(items)} findings are {change}, of which {changed.rowcount} are open"
            raise LedgerError(message)
