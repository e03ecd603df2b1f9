"""Revised verdicts in the ledger: what earlier runs said of each key, and what other content has changed of it since.

Every function works inside the transaction of the connection that it is handed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, select

from tulosvahti.core.revision import Because, History, Judged, Seen
from tulosvahti.core.verdict import FROZEN, Word
from tulosvahti.store import rows, schema

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.measure import Measurement, Subject
    from tulosvahti.core.revision import Key, Revision
    from tulosvahti.core.verdict import Verdict

_DONE = "done"


@dataclass(frozen=True)
class Past:
    """A revision as the ledger has it; observed values are decimals as texts."""

    run: str
    subject: Subject
    period: str
    before_run: str
    before_word: str | None
    word: str | None
    before_observed: str | None
    observed: str | None
    because: tuple[Because, ...]


def history(
    connection: Connection, verdicts: Sequence[Verdict], measurements: Sequence[Measurement], deliveries: Sequence[Delivery]
) -> History:
    """Give what the runs that are done, and no lookbacks, said, to hold what a run found against.

    Nothing is given where nothing of it can be a revision: what they said over the years is not read every night.
    """
    runs, inputs, came = schema.runs.c, schema.run_inputs.c, schema.deliveries.c
    counted = and_(runs.state == _DONE, runs.lookback.is_(False))
    if _as_before(connection, counted, verdicts, measurements, deliveries):
        return History()
    newest, known = _verdicts(connection, counted), _verdicts(connection, counted, schema.verdicts.c.verdict.not_in(FROZEN))
    seen = schema.measurements.c
    last = (
        select(seen.rule, func.max(seen.run_id).label("run_id"))
        .join(schema.runs, runs.id == seen.run_id)
        .where(counted)
        .group_by(seen.rule)
        .subquery()
    )
    same = and_(seen.rule == last.c.rule, seen.run_id == last.c.run_id)
    measured = connection.execute(
        select(schema.measurements, runs.as_of, runs.started_at, runs.rules_sha256).join(last, same).join(schema.runs, runs.id == seen.run_id)
    ).all()
    wanted = {row.run_id for row in (*newest, *known, *measured)}
    digests: dict[int, dict[str, str]] = {run: {} for run in wanted}
    if wanted:
        for row in connection.execute(select(inputs.run_id, inputs.name, inputs.sha256).where(inputs.run_id.in_(wanted))):
            digests[row.run_id][row.name] = row.sha256
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(came.input, came.sha256, came.arrived_at).order_by(came.id)):
        found.setdefault(row.input, {})[row.sha256] = row.arrived_at
    values = {
        (row.rule, rows.subject_of(row.subject), row.period): Seen(
            str(row.run_id), row.as_of, row.started_at, None if row.value is None else Fraction(row.value), row.rules_sha256,
            digests[row.run_id],
        )
        for row in measured
    }  # fmt: skip
    return History(_judged(newest, digests), _judged(known, digests), values, found)


def _as_before(
    connection: Connection, counted: ColumnElement[bool],
    verdicts: Sequence[Verdict], measurements: Sequence[Measurement], deliveries: Sequence[Delivery],
) -> bool:  # fmt: skip
    """Tell whether the newest run gave every verdict and measured every rule on the same content: what was changed then was told then."""
    inputs, told, seen = schema.run_inputs.c, schema.verdicts.c, schema.measurements.c
    newest = connection.scalar(select(func.max(schema.runs.c.id)).where(counted))
    if newest is None:
        return True
    had = {row.name: row.sha256 for row in connection.execute(select(inputs.name, inputs.sha256).where(inputs.run_id == newest))}
    if any(had.get(item.name) != item.sha256 for item in deliveries):
        return False
    keys = connection.execute(select(told.rule, told.subject, told.period).where(told.run_id == newest))
    if not {verdict.key for verdict in verdicts} <= {(row.rule, rows.subject_of(row.subject), row.period) for row in keys}:
        return False
    rules = {item.rule for item in measurements}
    return rules <= set(connection.scalars(select(seen.rule).distinct().where(seen.run_id == newest, seen.rule.in_(rules))))


def _verdicts(connection: Connection, *which: ColumnElement[bool]) -> Sequence[Any]:
    told, runs = schema.verdicts.c, schema.runs.c
    key = told.rule, told.subject, told.period
    newest = (
        select(*key, func.max(told.run_id).label("run_id"))
        .join(schema.runs, runs.id == told.run_id)
        .where(*which)
        .group_by(*key)
        .subquery()
    )
    same = and_(*(told[name] == newest.c[name] for name in ("rule", "subject", "period", "run_id")))
    return connection.execute(
        select(*key, told.run_id, told.verdict, told.provisional, told.observed, runs.as_of, runs.started_at, runs.rules_sha256)
        .join(newest, same)
        .join(schema.runs, runs.id == told.run_id)
    ).all()


def _judged(found: Sequence[Any], digests: Mapping[int, Mapping[str, str]]) -> dict[Key, Judged]:
    return {
        (row.rule, rows.subject_of(row.subject), row.period): Judged(
            str(row.run_id), row.as_of, row.started_at, Word(row.verdict), row.provisional, row.observed, row.rules_sha256,
            digests[row.run_id],
        )
        for row in found
    }  # fmt: skip


def record(connection: Connection, run: int, revisions: Collection[Revision]) -> None:
    """Record the revisions of a run."""
    for item in revisions:
        because = [asdict(one) for one in item.because]
        values = {
            "run_id": run,
            "rule": item.rule.id,
            "subject": rows.subject_text(item.subject),
            "period": item.period,
            "before_run": int(item.before_run),
            "before_verdict": item.before_word,
            "verdict": item.word,
            "before_observed": item.before_observed,
            "observed": item.observed,
            "because_json": json.dumps(because, ensure_ascii=False),
        }
        connection.execute(insert(schema.revisions).values(values))


def revisions_of(connection: Connection, rule: str, limit: int = 20) -> list[Past]:
    """Give the newest revisions of a rule, newest run first."""
    table = schema.revisions
    query = select(table).where(table.c.rule == rule).order_by(table.c.run_id.desc(), table.c.subject, table.c.period.desc())
    return [
        Past(
            str(row.run_id), rows.subject_of(row.subject), row.period, str(row.before_run), row.before_verdict, row.verdict,
            row.before_observed, row.observed,
            tuple(Because(one["input"], one["before"], one["now"], tuple(one["files"])) for one in json.loads(row.because_json)),
        )
        for row in connection.execute(query.limit(limit))
    ]  # fmt: skip
