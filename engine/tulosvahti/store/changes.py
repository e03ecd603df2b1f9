"""Changes that people made, and what they say of rules: rows that are only added, with who, how and why.

Every function works inside the transaction of the connection that it is handed. Moments are aware, and kept in UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from tulosvahti.store import rows
from tulosvahti.store import schema_people as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tulosvahti.core.measure import Subject


@dataclass(frozen=True)
class Author:
    """Who changes something, when, and how they came: local, proxy, oidc, token, link or command."""

    name: str
    via: str
    at: datetime


@dataclass(frozen=True)
class Changed:
    """A change as it was recorded."""

    id: int
    author: Author
    deed: str
    about: str
    why: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Comment:
    """What somebody said of a rule; ``kind`` is comment or explanation."""

    id: int
    at: datetime
    by: str
    kind: str
    rule: str
    subject: Subject
    period: str
    text: str


def record(  # noqa: PLR0913 (what a change is)
    connection: Connection, author: Author, deed: str, about: str, why: str = "", details: Mapping[str, object] | None = None
) -> None:
    """Record a change. ``deed`` is a word of the catalogue ``web.deed.*``."""
    values = {
        "at": rows.moment(author.at), "by": author.name, "via": author.via, "deed": deed, "about": about, "why": why,
        "details_json": json.dumps(details or {}, ensure_ascii=False, sort_keys=True, default=str),
    }  # fmt: skip
    connection.execute(insert(schema.changes).values(values))


def changes(connection: Connection, limit: int, offset: int = 0, about: str = "") -> list[Changed]:
    """Give the changes, newest first."""
    query = select(schema.changes).order_by(schema.changes.c.id.desc()).limit(limit).offset(offset)
    if about:
        query = query.where(schema.changes.c.about == about)
    return [
        Changed(
            row.id, Author(row.by, row.via, datetime.fromisoformat(row.at)), row.deed, row.about, row.why,
            json.loads(row.details_json),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def count(connection: Connection) -> int:
    """Give how many changes there are."""
    return int(connection.scalar(select(func.count()).select_from(schema.changes)) or 0)


def comment(  # noqa: PLR0913 (what is commented on)
    connection: Connection, author: Author, rule: str, text: str, *, subject: Subject = (), period: str = "", kind: str = "comment"
) -> None:
    """Keep what somebody says of a rule, and record that they said it."""
    values = {
        "at": rows.moment(author.at), "by": author.name, "kind": kind, "rule": rule,
        "subject": rows.subject_text(subject), "period": period, "text": text,
    }  # fmt: skip
    connection.execute(insert(schema.comments).values(values))
    record(connection, author, kind, rule, text)


def comments(connection: Connection, rule: str = "") -> list[Comment]:
    """Give what was said of a rule, or of all, oldest first."""
    query = select(schema.comments).order_by(schema.comments.c.id)
    if rule:
        query = query.where(schema.comments.c.rule == rule)
    return [
        Comment(
            row.id, datetime.fromisoformat(row.at), row.by, row.kind, row.rule, rows.subject_of(row.subject), row.period, row.text
        )
        for row in connection.execute(query)
    ]
