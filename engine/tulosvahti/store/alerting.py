"""Alerts in the ledger: how they stand, what each recipient was told, and what people said. Rows are only added.

Every function works inside the transaction of the connection that it is handed. Moments are aware, and kept in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_mute import Acknowledgement, Silence, Waiver
from tulosvahti.core.alert_plan import Tell, Told
from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.delivery import MailState
from tulosvahti.core.measure import Reason
from tulosvahti.core.period import read_period
from tulosvahti.core.verdict import Verdict, Word
from tulosvahti.store import rows, schema

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from tulosvahti.core.rule import Rule


@dataclass(frozen=True)
class Memory:
    """Everything that deciding needs to know of earlier runs, and of what people said."""

    alerts: Mapping[AlertKey, Alert]
    log: Mapping[tuple[str, AlertKey], Told]
    acknowledgements: Sequence[Acknowledgement] = ()
    silences: Sequence[Silence] = ()
    waivers: Sequence[Waiver] = ()


def remember(connection: Connection) -> Memory:
    """Give how everything stands. What waits in the outbox counts as told when it was put there."""
    return Memory(
        {alert.key: alert for alert in alerts(connection)},
        _log(connection),
        [Acknowledgement(row.id, _at(row.at), row.by, _key(row), row.note) for row in _every(connection, schema.acknowledgements)],
        silences(connection),
        waivers(connection),
    )


def alerts(connection: Connection) -> list[Alert]:
    """Give every alert as the newest run left it."""
    changes = schema.alert_changes
    newest = select(func.max(changes.c.id)).group_by(changes.c.about, changes.c.name, changes.c.subject)
    found = connection.execute(select(changes).where(changes.c.id.in_(newest)).order_by(changes.c.id))
    return [
        Alert(
            _key(row),
            AlertState(row.state),
            _at(row.since) if row.since else None,
            row.runs,
            {period: Open(*item) for period, item in json.loads(row.open_json).items()},
        )
        for row in found
    ]


def silences(connection: Connection) -> list[Silence]:
    """Give every silence, oldest first."""
    return [
        Silence(row.id, _at(row.at), row.by, row.pattern, row.reason, _at(row.ends))
        for row in _every(connection, schema.silences)
    ]


def waivers(connection: Connection) -> list[Waiver]:
    """Give every waiver, oldest first."""
    return [
        Waiver(row.id, _at(row.at), row.by, row.pattern, row.approver, row.reason, _at(row.ends), Decimal(row.limit))
        for row in _every(connection, schema.waivers)
    ]


def move(connection: Connection, run: int, moved: Collection[Alert]) -> None:
    """Record the alerts that a run moved."""
    for alert in moved:
        values = {
            "run_id": run,
            **_key_values(alert.key),
            "state": alert.state,
            "since": rows.moment(alert.since) if alert.since else "",
            "runs": alert.runs,
            "open_json": json.dumps({period: [item.word, item.after, item.closed] for period, item in alert.open.items()}),
        }
        connection.execute(insert(schema.alert_changes).values(values))


def tells_text(tells: Collection[Tell]) -> str:
    """Write what a mail tells, as the outbox keeps it."""
    told = [[*_key_values(tell.key).values(), tell.firing, dict(tell.words)] for tell in tells]
    return json.dumps(told, ensure_ascii=False)


def record_told(connection: Connection, outbox_id: int, at: datetime) -> None:
    """Log what a mail told, when it was accepted; the second time for the same mail does nothing."""
    told = schema.told
    if connection.scalar(select(told.c.id).where(told.c.outbox_id == outbox_id).limit(1)) is not None:
        return
    mail = connection.execute(
        select(schema.outbox.c.recipient, schema.outbox.c.tells_json).where(schema.outbox.c.id == outbox_id)
    ).one()
    log = _log(connection, mail.recipient, outbox_id)
    for tell in _tells_of(mail.tells_json):
        now = _told(tell, at, log.get((mail.recipient, tell.key)))
        values = {
            "outbox_id": outbox_id,
            "recipient": mail.recipient,
            **_key_values(tell.key),
            "at": rows.moment(at),
            "first_at": rows.moment(now.first_at),
            "firing": tell.firing,
            "words_json": json.dumps(dict(tell.words)),
        }
        connection.execute(insert(told).values(values))


def acknowledge(connection: Connection, key: AlertKey, by: str, at: datetime, note: str = "", via: str = "") -> None:
    """Record that somebody is on it; ``via`` is the link or the command it came by."""
    _say(connection, schema.acknowledgements, by, at, **_key_values(key), note=note, via=via)


def silence(connection: Connection, pattern: str, by: str, at: datetime, *, ends: datetime, reason: str) -> None:
    """Record a silence."""
    _say(connection, schema.silences, by, at, pattern=pattern, reason=reason, ends=rows.moment(ends))


def waive(  # noqa: PLR0913 (each is compulsory)
    connection: Connection, pattern: str, by: str, at: datetime, *, approver: str, reason: str, ends: datetime, limit: Decimal
) -> None:
    """Record a waiver."""
    given = {"approver": approver, "reason": reason, "ends": rows.moment(ends), "limit": format(limit, "f")}
    _say(connection, schema.waivers, by, at, pattern=pattern, **given)


def last_verdict(connection: Connection, rule: Rule, key: AlertKey, period: str, word: str) -> Verdict | None:
    """Give the newest verdict that gave an alert its word, for when tonight says nothing of it."""
    told = schema.verdicts.c
    row = connection.execute(
        select(schema.verdicts)
        .where(told.rule == rule.id, told.subject == rows.subject_text(key.subject), told.period == period, told.verdict == word)
        .order_by(told.run_id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    reason = json.loads(row.reason) if row.reason else None
    return Verdict(
        rule, key.subject, read_period(period) if period else None, Word(row.verdict), row.provisional, row.binding,
        None if row.observed is None else Decimal(row.observed), row.target,
        None if row.margin is None else Decimal(row.margin),
        Reason.of(reason["code"], **reason["details"]) if reason else None, json.loads(row.evidence),
    )  # fmt: skip


def last_delivery(connection: Connection, name: str) -> Delivery | None:
    """Give the newest delivery of an input."""
    inputs = schema.run_inputs
    row = connection.execute(
        select(inputs).where(inputs.c.name == name).order_by(inputs.c.run_id.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return Delivery(
        name, DeliveryState(row.state), row.sha256, row.rows, rejected_rows=row.rejects,
        covered_through=row.covered_through, expected_through=row.expected_through,
        explanation=row.explanation, next_step=row.next_step,
    )  # fmt: skip


def _log(connection: Connection, recipient: str | None = None, before: int | None = None) -> dict[tuple[str, AlertKey], Told]:
    """Give what each recipient was told last of each alert, in the order in which the mails were written.

    A mail that waits at any of its addresses counts from when it was written; one that was accepted after a newer one changes nothing.
    ``before`` leaves out that mail and all newer ones.
    """
    told, mails = schema.told, schema.outbox.c
    mine = [told.c.recipient == recipient] if recipient is not None else []
    older = [told.c.outbox_id < before] if before is not None else []
    group = (told.c.recipient, told.c.about, told.c.name, told.c.subject)
    place = func.row_number().over(partition_by=group, order_by=told.c.outbox_id.desc()).label("place")
    ranked = select(told, place).where(*mine, *older).subquery()
    log: dict[tuple[str, AlertKey], tuple[int, Told]] = {
        (row.recipient, _key(row)): (row.outbox_id, Told(_at(row.at), _at(row.first_at), row.firing, json.loads(row.words_json)))
        for row in connection.execute(select(ranked).where(ranked.c.place == 1))
    }
    under_way = select(schema.outbox_addresses.c.outbox_id).where(schema.outbox_addresses.c.state == MailState.WAITING)
    waiting = select(mails.id, mails.recipient, mails.tells_json, mails.created_at).where(mails.id.in_(under_way)).order_by(mails.id)
    for row in connection.execute(waiting):
        if (before is not None and row.id >= before) or recipient not in {None, row.recipient}:
            continue
        for tell in _tells_of(row.tells_json):
            newest, last = log.get((row.recipient, tell.key), (0, None))
            if newest < row.id:
                log[row.recipient, tell.key] = row.id, _told(tell, _at(row.created_at), last)
    return {key: found for key, (_, found) in log.items()}


def _told(tell: Tell, at: datetime, before: Told | None) -> Told:
    first = before.first_at if before is not None and before.firing else at
    return Told(at, first, tell.firing, tell.words)


def _tells_of(text: str) -> list[Tell]:
    return [
        Tell(AlertKey(About(about), name, rows.subject_of(subject)), firing, words)
        for about, name, subject, firing, words in json.loads(text)
    ]


def _key(row: Any) -> AlertKey:  # noqa: ANN401 - SQLAlchemy's types of rows say nothing here
    return AlertKey(About(row.about), row.name, rows.subject_of(row.subject))


def _key_values(key: AlertKey) -> dict[str, str]:
    return {"about": str(key.about), "name": key.name, "subject": rows.subject_text(key.subject)}


def _every(connection: Connection, table: Table) -> Sequence[Any]:
    return connection.execute(select(table).order_by(table.c.id)).all()


def _say(connection: Connection, table: Table, by: str, at: datetime, **values: str) -> None:
    connection.execute(insert(table).values(at=rows.moment(at), by=by, **values))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
