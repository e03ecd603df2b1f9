"""Values entered by hand, in the ledger. Rows are only added.

Every function works inside the transaction of the connection that it is handed. Moments are aware, and kept in UTC.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from tulosvahti.core.entry import Attachment, Deed, Entry, Key, Sort, Step
from tulosvahti.store import rows
from tulosvahti.store import schema_entries as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table


def entries(connection: Connection, name: str, key: Key | None = None) -> list[Entry]:
    """Give every version of the rows of an input, or of one row, oldest first."""
    made = schema.entries
    chosen = select(made).where(made.c.input == name)
    if key is not None:
        chosen = chosen.where(made.c.key_json == _key_text(key))
    found = connection.execute(chosen.order_by(made.c.id)).all()
    wanted = select(chosen.subquery().c.id)
    steps: dict[int, list[Step]] = defaultdict(list)
    for row in _of(connection, schema.entry_steps, wanted):
        steps[row.entry_id].append(Step(Deed(row.deed), row.by, _at(row.at), row.reason))
    files: dict[int, list[Attachment]] = defaultdict(list)
    for row in _of(connection, schema.entry_attachments, wanted):
        files[row.entry_id].append(Attachment(row.name, row.sha256, row.size, row.by, _at(row.at)))
    return [
        Entry(
            row.id, row.input, tuple(json.loads(row.key_json)), Sort(row.sort), json.loads(row.values_json), row.by,
            _at(row.at), row.reason, tuple(steps[row.id]), tuple(files[row.id]),
        )
        for row in found
    ]  # fmt: skip


def enter(  # noqa: PLR0913 (what a version is made of)
    connection: Connection, name: str, key: Key, values: Mapping[str, str], by: str, at: datetime,
    *, sort: Sort = Sort.ACTUAL, reason: str = "",
) -> int:  # fmt: skip
    """Add a version of a row, which is then a draft; give its id."""
    given = {"input": name, "key_json": _key_text(key), "sort": sort.value, "reason": reason.strip()}
    return _say(connection, schema.entries, by, at, **given, values_json=json.dumps(dict(values), ensure_ascii=False))


def do(connection: Connection, entry: int, deed: Deed, by: str, at: datetime, reason: str = "") -> None:  # noqa: PLR0913
    """Add a step to a version."""
    _say(connection, schema.entry_steps, by, at, entry_id=entry, deed=deed.value, reason=reason.strip())


def attach(connection: Connection, entry: int, attachment: Attachment) -> None:
    """Add a file of evidence to a version."""
    _say(
        connection, schema.entry_attachments, attachment.by, attachment.at,
        entry_id=entry, name=attachment.name, sha256=attachment.sha256, size=attachment.size,
    )  # fmt: skip


def _of(connection: Connection, table: Table, wanted: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's rows
    return connection.execute(select(table).where(table.c.entry_id.in_(wanted)).order_by(table.c.id))


def _say(connection: Connection, table: Table, by: str, at: datetime, **values: str | int) -> int:
    made = connection.execute(insert(table).values(at=rows.moment(at), by=by, **values))
    return int((made.inserted_primary_key or (0,))[0])


def _key_text(key: Key) -> str:
    return json.dumps(list(key), ensure_ascii=False)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
