"""The run ledger: each slot of each job once, whoever runs it.

A slot is claimed in one transaction, by one process at a time in the whole project. The claim is a lease that its owner
renews while the run goes on. Whoever finds a lease that ended may take the slot over, which raises its epoch; what a run
found is published only by the owner and epoch that hold the lease then. Moments handed in are aware, and kept in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, or_, select, update

from tulosvahti.core.slots import Due, Judged, Known, Plan, Waiting
from tulosvahti.store import schema
from tulosvahti.store.database import LedgerError
from tulosvahti.store.lock import LockedError
from tulosvahti.store.rows import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import ColumnElement, Connection, Engine

BY_HAND = "by hand"
"""The job of a run that nobody scheduled; its slots are the moments of the calls."""
LEASE = timedelta(minutes=2)
_CALENDAR = "____-__-__T__:__"
_ENDED = "the process ended before the run did"


class SlotState(StrEnum):
    """How far a slot came: ``retry`` waits for its next attempt; after ``done``, ``failed`` and ``skipped`` nothing comes."""

    RUNNING = "running"
    RETRY = "retry"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class LostLeaseError(LedgerError):
    """The claim is no longer held: its lease ended or another process took the slot over. Nothing was written."""


@dataclass(frozen=True)
class Claim:
    """The right to run a slot, and to publish what the run found."""

    job: str
    slot: str
    owner: str
    epoch: int


@dataclass(frozen=True)
class Slot:
    """A slot as the ledger has it; ``late`` is the time from when it was due to its first start."""

    job: str
    slot: str
    due_at: datetime
    state: SlotState
    owner: str
    epoch: int
    started_at: datetime | None
    finished_at: datetime | None
    late: timedelta | None
    retry_at: datetime | None
    run: str | None
    oldest: str | None
    skipped: int
    reason: str


class Slots:
    """The slots in the ledger of one project."""

    def __init__(self, engine: Engine, lease: timedelta = LEASE) -> None:
        """Use the ledger's database; a claim holds for ``lease`` unless it is renewed."""
        self._engine, self.lease = engine, lease

    def may_be_due(self, job: str, decide: Callable[[Known], Plan], shown: datetime | None) -> bool:
        """Say whether a claim is worth trying; only reads, and locks nobody out."""
        with self._engine.connect().execution_options(reading=True) as connection:
            if connection.scalar(select(func.count()).where(schema.slots.c.state == SlotState.RUNNING)):
                return True
            plan = decide(_known(connection, job, shown))
            return bool(plan) and not (plan.run and _is_over(connection, job, plan.run.slot))

    def claim(  # noqa: PLR0913 - a claim is job, plan, owner, and the moment
        self,
        job: str,
        decide: Callable[[Known], Plan],
        shown: datetime | None,
        owner: str,
        clock: Callable[[], datetime],
        dead: Collection[str] = (),
    ) -> tuple[Claim | None, Plan]:
        """Do what ``decide`` plans for a job: record what is skipped, and claim what runs.

        ``shown`` is the latest nominal time to look at, None for a job without timetable; ``dead`` are owners that
        are known to have ended. The clock is read when all others are locked out, which may take a while.

        Raises:
            LockedError: a slot of the project is being run; the text says by whom and since when.

        """
        slots = schema.slots.c
        with self._engine.begin() as connection:
            now = clock()
            self._release(connection, now, dead)
            running = connection.execute(select(schema.slots).where(slots.state == SlotState.RUNNING)).first()
            if running is not None:
                raise LockedError(_who(running))
            plan = decide(_known(connection, job, shown))
            if plan.gives_up:
                connection.execute(
                    update(schema.slots)
                    .where(slots.job == job, slots.state == SlotState.RETRY)
                    .values(state=SlotState.FAILED, reason=plan.gives_up, retry_at=None, finished_at=moment(now))
                )
            if plan.skipped is not None:
                item = plan.skipped
                connection.execute(
                    insert(schema.slots).values(
                        job=job,
                        slot=item.newest,
                        due_at=moment(item.at),
                        state=SlotState.SKIPPED,
                        oldest=item.oldest,
                        skipped=item.count,
                        finished_at=moment(now),
                        reason=item.reason,
                    )
                )
            return (self._take(connection, job, plan.run, owner, now) if plan.run else None), plan

    def claim_by_hand(
        self, rules: str, owner: str, clock: Callable[[], datetime], dead: Collection[str] = ()
    ) -> Claim:
        """Claim a run that is not scheduled.

        Raises:
            LockedError: a slot of the project is being run; the text says by whom and since when.

        """
        now = clock()
        plan = Plan(Due(moment(now), now, rules))
        claim, _ = self.claim(BY_HAND, lambda _: plan, None, owner, clock, dead)
        if claim is None:
            message = f"another run by hand began at the same moment, {moment(now)}; try again"
            raise LockedError(message)
        return claim

    def renew(self, claim: Claim, now: datetime) -> None:
        """Hold the claim for another lease.

        Raises:
            LostLeaseError: it is no longer held.

        """
        with self._engine.begin() as connection:
            _move(connection, claim, now, lease_until=moment(now + self.lease))

    def fail(self, claim: Claim, at: datetime, reason: str, retry_at: datetime | None) -> None:
        """Record that a slot failed before its run began, to be tried again at ``retry_at``.

        Raises:
            LostLeaseError: the claim is no longer held; nothing was written.

        """
        with self._engine.begin() as connection:
            fail(connection, claim, at, reason, retry_at)

    def newest(self, job: str, limit: int = 1) -> list[Slot]:
        """Give the newest slots of a job, newest first."""
        query = select(schema.slots).where(schema.slots.c.job == job)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(query.order_by(schema.slots.c.due_at.desc()).limit(limit)).all()
        return [_slot(row) for row in found]

    def judged(self) -> dict[str, Judged]:
        """Give, for each rule, the newest run that judged it and the digests of all inputs of that run."""
        told, runs, inputs = schema.verdicts.c, schema.runs.c, schema.run_inputs.c
        newest = (
            select(told.rule, func.max(told.run_id).label("run_id"))
            .join(schema.runs, runs.id == told.run_id)
            .where(runs.state == SlotState.DONE, runs.lookback.is_(False))
            .group_by(told.rule)
        )
        with self._engine.connect().execution_options(reading=True) as connection:
            pairs = {row.rule: row.run_id for row in connection.execute(newest)}
            digests: dict[int, dict[str, str]] = {run: {} for run in pairs.values()}
            for row in connection.execute(select(inputs.run_id, inputs.name, inputs.sha256).where(inputs.run_id.in_(digests))):
                digests[row.run_id][row.name] = row.sha256
        return {rule: Judged(str(run), digests[run]) for rule, run in pairs.items()}

    def _release(self, connection: Connection, now: datetime, dead: Collection[str]) -> None:
        """Free what nobody holds: a lease that ended, or that ends where only a clock since put back can have set it."""
        slots = schema.slots.c
        far = moment(now + 2 * self.lease)
        over = or_(slots.lease_until <= moment(now), slots.lease_until > far, slots.owner.in_(dead))
        connection.execute(
            update(schema.slots)
            .where(slots.state == SlotState.RUNNING, over)
            .values(
                state=case((slots.job == BY_HAND, SlotState.FAILED), else_=SlotState.RETRY),
                retry_at=slots.due_at,  # At once: the plan's own clock was read before this transaction's.
                reason=_ENDED,
            )
        )

    def _take(self, connection: Connection, job: str, due: Due, owner: str, now: datetime) -> Claim | None:
        slots = schema.slots.c
        held = {
            "state": SlotState.RUNNING,
            "owner": owner,
            "lease_until": moment(now + self.lease),
            "retry_at": None,
            "reason": "",
        }
        epoch = connection.scalar(
            update(schema.slots)
            .where(slots.job == job, slots.slot == due.slot, slots.state == SlotState.RETRY)
            .values(epoch=slots.epoch + 1, **held)
            .returning(slots.epoch)
        )
        if epoch is None and _is_over(connection, job, due.slot):
            return None
        if epoch is None:
            epoch = 1
            connection.execute(
                insert(schema.slots).values(
                    job=job,
                    slot=due.slot,
                    due_at=moment(due.at),
                    rules=due.rules,
                    epoch=epoch,
                    started_at=moment(now),
                    late_seconds=int((now - due.at).total_seconds()),
                    **held,
                )
            )
        return Claim(job, due.slot, owner, epoch)


def begin(connection: Connection, claim: Claim, at: datetime, run: int) -> None:
    """Record which run a claim has begun; LostLeaseError where it is no longer held."""
    _move(connection, claim, at, run_id=run)


def finish(connection: Connection, claim: Claim, at: datetime) -> None:
    """Record a slot as done; LostLeaseError where the claim is no longer held."""
    _move(connection, claim, at, state=SlotState.DONE, finished_at=moment(at))


def fail(connection: Connection, claim: Claim, at: datetime, reason: str, retry_at: datetime | None) -> None:
    """Record a slot as failed, to be tried again at ``retry_at``; LostLeaseError where the claim is no longer held."""
    state = SlotState.FAILED if retry_at is None else SlotState.RETRY
    again = None if retry_at is None else moment(retry_at)
    _move(connection, claim, at, state=state, finished_at=moment(at), reason=reason, retry_at=again)


def held(runs: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the columns of the table of runs
    """Say of a run whether the claim that it belongs to is still held."""
    slots = schema.slots.c
    same = and_(slots.job == runs.job, slots.slot == runs.slot, slots.epoch == runs.epoch)
    return select(slots.job).where(same, slots.state == SlotState.RUNNING).exists()


def _move(connection: Connection, claim: Claim, at: datetime, **values: object) -> None:
    slots = schema.slots.c
    changed = connection.execute(
        update(schema.slots)
        .where(
            slots.job == claim.job,
            slots.slot == claim.slot,
            slots.owner == claim.owner,
            slots.epoch == claim.epoch,
            slots.state == SlotState.RUNNING,
            slots.lease_until > moment(at),
        )
        .values(values)
    )
    if changed.rowcount != 1:
        message = (
            f"slot {claim.slot} of {claim.job!r} is no longer held by {claim.owner} (attempt {claim.epoch}): its lease "
            "ended, or another process took it over; nothing was written, and whoever holds it now runs it"
        )
        raise LostLeaseError(message)


def _known(connection: Connection, job: str, shown: datetime | None) -> Known:
    """Give what is known of a job; slots that a clock now put back once claimed ahead of time are left for later."""
    slots = schema.slots.c
    mine: list[ColumnElement[bool]] = [slots.job == job]
    if shown is not None:
        mine += [slots.slot.like(_CALENDAR), slots.slot <= shown.isoformat(timespec="minutes")]
    newest = None if shown is None else connection.scalar(select(func.max(slots.slot)).where(*mine))
    waiting = select(schema.slots).where(*mine, slots.state == SlotState.RETRY).order_by(slots.due_at.desc()).limit(1)
    row = connection.execute(waiting).first()
    if row is None:
        return Known(newest)
    due = Due(row.slot, datetime.fromisoformat(row.due_at), row.rules)
    return Known(newest, Waiting(due, row.epoch, datetime.fromisoformat(row.retry_at)))


def _is_over(connection: Connection, job: str, slot: str) -> bool:
    slots = schema.slots.c
    state = connection.scalar(select(slots.state).where(slots.job == job, slots.slot == slot))
    return state not in {None, SlotState.RETRY}


def _who(row: Any) -> str:  # noqa: ANN401 - SQLAlchemy's type of a row says nothing here
    return (
        f"a run is under way ({row.job}, slot {row.slot}, by {row.owner} since {row.started_at}); wait until it ends: "
        "if its machine is gone, its lease ends within minutes and the slot is taken over"
    )


def _slot(row: Any) -> Slot:  # noqa: ANN401 - as above
    moments: Mapping[str, str | None] = row._mapping  # noqa: SLF001 - SQLAlchemy's public name

    def at(name: str) -> datetime | None:
        written = moments[name]
        return None if written is None else datetime.fromisoformat(written)

    return Slot(
        job=row.job,
        slot=row.slot,
        due_at=datetime.fromisoformat(row.due_at),
        state=SlotState(row.state),
        owner=row.owner,
        epoch=row.epoch,
        started_at=at("started_at"),
        finished_at=at("finished_at"),
        late=None if row.late_seconds is None else timedelta(seconds=row.late_seconds),
        retry_at=at("retry_at"),
        run=None if row.run_id is None else str(row.run_id),
        oldest=row.oldest,
        skipped=row.skipped,
        reason=row.reason,
    )
