"""The outbox: messages that are stored before the first attempt, and how far each came at each of its addresses.

An attempt is claimed in one transaction, which counts it and leases its addresses: no two processes send the same at
once, and what a killed process had claimed comes due again when its lease ends. What was accepted is never sent again.
Moments handed in are aware; they are kept in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, insert, or_, select, update

from tulosvahti.core.delivery import ACCEPTED, FARTHEST, LEASE, Answer, MailState, Parcel, next_attempt
from tulosvahti.store.alerting import tells_text
from tulosvahti.store.rows import moment
from tulosvahti.store.schema import outbox, outbox_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Engine

    from tulosvahti.core.delivery import Posting

_TO = outbox_addresses.c


@dataclass(frozen=True)
class Item:
    """One address of a message, as the outbox has it."""

    id: int
    message_id: str
    recipient: str
    kind: str
    run: str
    channel: str
    address: str
    state: MailState
    attempts: int
    next_attempt_at: datetime
    reason: str
    said: str
    created_at: datetime


class Outbox:
    """The outbox of one ledger. ``told`` is called once a message, in the transaction that first has it accepted."""

    def __init__(self, engine: Engine, told: Callable[[Connection, int, datetime], None] | None = None) -> None:
        """Stand on the ledger's engine."""
        self._engine = engine
        self._told = told

    def claim(self, now: datetime, halted: Collection[str] = ()) -> Parcel | None:
        """Claim one attempt that is due, of the message that waits longest; None where nothing is due.

        ``halted`` are channels to leave alone.
        """
        if not self.due(now, halted):
            return None
        due = _due(now, halted)
        oldest = select(_TO.outbox_id, _TO.channel).where(due).order_by(_TO.next_attempt_at, _TO.outbox_id).limit(1)
        with self._engine.begin() as connection:
            found = connection.execute(oldest).first()
            if found is None:
                return None  # A rival was faster.
            claimed = connection.execute(
                update(outbox_addresses)
                .where(due, _TO.outbox_id == found.outbox_id, _TO.channel == found.channel)
                .values(
                    attempts=_TO.attempts + 1,
                    first_attempt_at=func.coalesce(_TO.first_attempt_at, moment(now)),
                    leased_until=moment(now + LEASE),
                )
                .returning(_TO.address, _TO.attempts)
            ).all()
            row = connection.execute(select(outbox).where(outbox.c.id == found.outbox_id)).one()
            addresses, attempts = zip(*sorted(tuple(one) for one in claimed), strict=True)
            return Parcel(row.id, row.message_id, row.recipient, found.channel, addresses, row.content, attempts)

    def due(self, now: datetime, halted: Collection[str] = ()) -> bool:
        """Tell whether there is anything to claim; this only reads."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return connection.execute(select(_TO.outbox_id).where(_due(now, halted)).limit(1)).first() is not None

    def record(self, parcel: Parcel, answers: Mapping[str, Answer], now: datetime) -> None:
        """Record what came of an attempt, in one transaction.

        Acceptance is a fact whoever learns it; "later" and "failed" count only from the newest attempt.
        """
        silent = Answer(MailState.WAITING, "no_answer")
        with self._engine.begin() as connection:
            before = self._accepted(connection, parcel.id)
            for address, attempt in zip(parcel.addresses, parcel.attempts, strict=True):
                answer = answers.get(address, silent)
                mine = [_TO.outbox_id == parcel.id, _TO.channel == parcel.channel, _TO.address == address]
                if answer.state not in ACCEPTED:
                    mine += [_TO.state == MailState.WAITING, _TO.attempts == attempt]
                found = connection.execute(select(_TO.first_attempt_at).where(*mine)).first()
                if found is None:
                    continue  # another attempt has been made since
                values: dict[str, object] = {"state": answer.state, "reason": answer.reason, "said": answer.said}
                values["leased_until"] = None
                if answer.state is MailState.WAITING:
                    first = datetime.fromisoformat(found.first_attempt_at) if found.first_attempt_at else now
                    later = next_attempt(parcel.message_id, attempt, first, now)
                    values |= {"next_attempt_at": moment(later)} if later else {"state": MailState.FAILED}
                if values["state"] is not MailState.WAITING:
                    values["ended_at"] = moment(now)
                connection.execute(update(outbox_addresses).where(*mine).values(values))
            if self._told is not None and not before and self._accepted(connection, parcel.id):
                self._told(connection, parcel.id, now)

    def untold_failures(self) -> list[Item]:
        """Give what failed for good and no message to the operator has told yet; never of such a message itself."""
        return self._items(_TO.state == MailState.FAILED, _TO.told_in.is_(None), outbox.c.kind != "operator")

    def tell(self, failures: Sequence[Item], posting: Posting, now: datetime) -> bool:
        """Put a message about failures into the outbox; False, and nothing done, where another process told one."""
        with self._engine.begin() as connection:
            for item in failures:
                mine = (_TO.outbox_id == item.id, _TO.channel == item.channel, _TO.address == item.address)
                untold = select(_TO.outbox_id).where(*mine, _TO.told_in.is_(None), _TO.state == MailState.FAILED)
                if connection.execute(untold).first() is None:
                    return False
            number = post(connection, int(failures[0].run), [posting], now)[0]
            for item in failures:
                mine = (_TO.outbox_id == item.id, _TO.channel == item.channel, _TO.address == item.address)
                connection.execute(update(outbox_addresses).where(*mine).values(told_in=number))
        return True

    def items(self, *, everything: bool = False) -> list[Item]:
        """Give what waits or failed, oldest first; or everything."""
        return self._items(*([] if everything else [_TO.state.in_((MailState.WAITING, MailState.FAILED))]))

    def retry(self, number: int | None, now: datetime) -> int:
        """Make what waits or failed due now, of one message or of all; give how many addresses.

        Never what was accepted, nor what is just being sent.
        """
        which = [_TO.state.in_((MailState.WAITING, MailState.FAILED)), _free(now)]
        if number is not None:
            which.append(_TO.outbox_id == number)
        values = {"state": MailState.WAITING, "next_attempt_at": moment(now), "first_attempt_at": None}
        with self._engine.begin() as connection:
            again = update(outbox_addresses).where(and_(*which)).values(**values, told_in=None, ended_at=None)
            return int(connection.execute(again).rowcount)

    def _accepted(self, connection: Connection, number: int) -> bool:
        query = select(_TO.outbox_id).where(_TO.outbox_id == number, _TO.state.in_(ACCEPTED)).limit(1)
        return connection.execute(query).first() is not None

    def _items(self, *which: object) -> list[Item]:
        message = outbox.c
        query = (
            select(
                message.id, message.message_id, message.recipient, message.kind, message.run_id, message.created_at,
                _TO.channel, _TO.address, _TO.state, _TO.attempts, _TO.next_attempt_at, _TO.reason, _TO.said,
            )
            .join(outbox_addresses, message.id == _TO.outbox_id)
            .where(*which)  # type: ignore[arg-type]
            .order_by(message.id, _TO.channel, _TO.address)
        )  # fmt: skip
        with self._engine.connect().execution_options(reading=True) as connection:
            return [
                Item(
                    id=row.id,
                    message_id=row.message_id,
                    recipient=row.recipient,
                    kind=row.kind,
                    run=str(row.run_id),
                    channel=row.channel,
                    address=row.address,
                    state=MailState(row.state),
                    attempts=row.attempts,
                    next_attempt_at=datetime.fromisoformat(row.next_attempt_at),
                    reason=row.reason,
                    said=row.said,
                    created_at=datetime.fromisoformat(row.created_at),
                )
                for row in connection.execute(query)
            ]


def post(connection: Connection, run: int, postings: Sequence[Posting], now: datetime) -> list[int]:
    """Put messages into the outbox, each with its addresses, inside the caller's transaction; give their numbers."""
    numbers = []
    for posting in postings:
        number = connection.scalar(
            insert(outbox)
            .values(
                run_id=run,
                recipient=posting.recipient,
                message_id=posting.message_id,
                content=posting.content,
                created_at=moment(now),
                kind=posting.kind,
                tells_json=tells_text(posting.tells),
                hold_until=moment(posting.hold) if posting.hold else None,
            )
            .returning(outbox.c.id)
        )
        first = max(now, posting.hold or now)
        waiting = {"outbox_id": number, "state": MailState.WAITING, "next_attempt_at": moment(first)}
        rows = [{**waiting, "channel": name, "address": to} for name, to in dict.fromkeys(posting.addresses)]
        if rows:
            connection.execute(insert(outbox_addresses), rows)
        numbers.append(int(str(number)))
    return numbers


def _reached(column: Column[str], now: datetime) -> ColumnElement[bool]:
    """Tell whether a moment has come; one far ahead was set by a clock that has been put back since."""
    return or_(column <= moment(now), column > moment(now + FARTHEST))


def _due(now: datetime, halted: Collection[str]) -> ColumnElement[bool]:
    waiting = and_(_TO.state == MailState.WAITING, _TO.channel.not_in(halted))
    return and_(waiting, _reached(_TO.next_attempt_at, now), ~held(now), _free(now))


def held(now: datetime) -> ColumnElement[bool]:
    """Tell whether an address is still to be tried first, when quiet hours end; unless the clock has been put back."""
    until = (outbox.c.hold_until == _TO.next_attempt_at, outbox.c.hold_until > moment(now), outbox.c.created_at <= moment(now))
    return exists().where(outbox.c.id == _TO.outbox_id, *until).correlate(outbox_addresses)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(_TO.leased_until.is_(None), _reached(_TO.leased_until, now))
