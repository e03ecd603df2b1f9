"""People in the ledger: accounts, sessions and tokens. Of passwords, sessions and tokens only hashes are kept.

Every function works inside the transaction of the connection that it is handed. Moments are aware, and kept in UTC.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from tulosvahti.core.role import Person, Role
from tulosvahti.store import rows
from tulosvahti.store import schema_people as schema
from tulosvahti.store.changes import Author, record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from sqlalchemy import Connection

TOKEN_PREFIX = "tv_"  # noqa: S105 (tells people and scanners what it is)


@dataclass(frozen=True)
class Account:
    """A person who signs in here."""

    person: Person
    password_hash: str
    disabled: bool


@dataclass(frozen=True)
class Token:
    """A token of the API, without itself."""

    id: int
    name: str
    person: Person
    made_at: datetime
    made_by: str
    ends_at: datetime
    revoked_at: datetime | None


class PeopleError(Exception):
    """What is asked of an account cannot be done; the text says why and what to do."""


def account(connection: Connection, name: str) -> Account | None:
    """Give an account."""
    row = connection.execute(select(schema.people).where(schema.people.c.name == name)).first()
    return None if row is None else _account(row)


def accounts(connection: Connection) -> list[Account]:
    """Give every account, by name."""
    return [_account(row) for row in connection.execute(select(schema.people).order_by(schema.people.c.name))]


def add(connection: Connection, author: Author, person: Person, password_hash: str) -> None:
    """Add an account.

    Raises:
        PeopleError: there is one of this name.

    """
    if account(connection, person.name) is not None:
        message = f"there is an account {person.name!r} already; `tulosvahti users role {person.name}` changes its roles"
        raise PeopleError(message)
    at = rows.moment(author.at)
    values = {"name": person.name, "password_hash": password_hash, **_rights(person), "made_at": at, "changed_at": at}
    connection.execute(insert(schema.people).values(values))
    record(connection, author, "person_added", person.name, details=_shown(person))


def set_rights(connection: Connection, author: Author, person: Person) -> None:
    """Give an account other roles and parties, at once."""
    _change(connection, author, person.name, **_rights(person))
    record(connection, author, "rights_changed", person.name, details=_shown(person))


def set_password(connection: Connection, author: Author, name: str, password_hash: str, *, keep: str = "") -> None:
    """Give an account another password; its sessions end, but for the one whose id is ``keep``."""
    _change(connection, author, name, password_hash=password_hash)
    end_sessions(connection, name, "local", keep=keep)
    record(connection, author, "password_changed", name)


def renew_hash(connection: Connection, name: str, password_hash: str) -> None:
    """Keep the same password under a newer hash."""
    connection.execute(update(schema.people).where(schema.people.c.name == name).values(password_hash=password_hash))


def disable(connection: Connection, author: Author, name: str, *, disabled: bool = True) -> None:
    """Let an account in no more, or again; its sessions end."""
    _change(connection, author, name, disabled=disabled)
    end_sessions(connection, name, "local")
    record(connection, author, "person_disabled" if disabled else "person_enabled", name)


def begin_session(connection: Connection, person: Person, at: datetime, longest: timedelta) -> str:
    """Begin a session; give its id, which only the browser keeps. Sessions that have ended are removed."""
    session = secrets.token_urlsafe(32)
    held = schema.sessions.c
    connection.execute(delete(schema.sessions).where(held.ends_at <= rows.moment(at)))
    values = {
        "sha256": _hash(session), "person": person.name, "via": person.via, **_rights(person),
        "made_at": rows.moment(at), "seen_at": rows.moment(at), "ends_at": rows.moment(at + longest),
    }  # fmt: skip
    connection.execute(insert(schema.sessions).values(values))
    return session


def in_session(connection: Connection, session: str, at: datetime, idle: timedelta) -> tuple[Person, datetime] | None:
    """Give whose session it is and when it was last seen; None where it has ended.

    Rights are those that a local account has now; of other people, those with which they signed in.
    """
    held = schema.sessions.c
    row = connection.execute(
        select(schema.sessions).where(
            held.sha256 == _hash(session), held.ends_at > rows.moment(at), held.seen_at > rows.moment(at - idle)
        )
    ).first()
    if row is None:
        return None
    seen = datetime.fromisoformat(row.seen_at)
    if row.via != "local":
        return _person(row.person, row, row.via), seen
    found = account(connection, row.person)
    return None if found is None or found.disabled else (found.person, seen)


def see(connection: Connection, session: str, at: datetime) -> None:
    """Note that a session was used."""
    connection.execute(update(schema.sessions).where(schema.sessions.c.sha256 == _hash(session)).values(seen_at=rows.moment(at)))


def end_session(connection: Connection, session: str) -> None:
    """End a session."""
    connection.execute(delete(schema.sessions).where(schema.sessions.c.sha256 == _hash(session)))


def end_sessions(connection: Connection, name: str, via: str = "", *, keep: str = "") -> int:
    """End every session of a person, but the one whose id is ``keep``; give how many."""
    held = schema.sessions.c
    wanted = [held.person == name, held.sha256 != _hash(keep)] + ([held.via == via] if via else [])
    return int(connection.execute(delete(schema.sessions).where(*wanted)).rowcount)


def make_token(connection: Connection, author: Author, person: Person, ends_at: datetime) -> str:
    """Make a token of the API; give it: it cannot be shown again. ``person.name`` names it."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    values = {
        "sha256": _hash(token), "name": person.name, **_rights(person),
        "made_at": rows.moment(author.at), "made_by": author.name, "ends_at": rows.moment(ends_at),
    }  # fmt: skip
    connection.execute(insert(schema.tokens).values(values))
    record(connection, author, "token_made", person.name, details={**_shown(person), "ends_at": ends_at.isoformat()})
    return token


def token_holder(connection: Connection, token: str, at: datetime) -> Person | None:
    """Give whom a token stands for; None where it is not ours, has ended or was revoked."""
    held = schema.tokens.c
    row = connection.execute(
        select(schema.tokens).where(held.sha256 == _hash(token), held.ends_at > rows.moment(at), held.revoked_at.is_(None))
    ).first()
    return None if row is None else _person(row.name, row, "token")


def tokens(connection: Connection) -> list[Token]:
    """Give every token, newest first."""
    return [
        Token(
            row.id, row.name, _person(row.name, row, "token"), datetime.fromisoformat(row.made_at), row.made_by,
            datetime.fromisoformat(row.ends_at), datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
        )
        for row in connection.execute(select(schema.tokens).order_by(schema.tokens.c.id.desc()))
    ]  # fmt: skip


def revoke_token(connection: Connection, author: Author, number: int) -> None:
    """Let a token count no more.

    Raises:
        PeopleError: there is no such token, or it is revoked.

    """
    held = schema.tokens.c
    changed = connection.execute(
        update(schema.tokens).where(held.id == number, held.revoked_at.is_(None)).values(revoked_at=rows.moment(author.at))
    )
    if changed.rowcount != 1:
        message = f"there is no token {number} that counts; `tulosvahti users tokens` lists them"
        raise PeopleError(message)
    record(connection, author, "token_revoked", str(number))


def _change(connection: Connection, author: Author, name: str, **values: object) -> None:
    changed = connection.execute(
        update(schema.people).where(schema.people.c.name == name).values(**values, changed_at=rows.moment(author.at))
    )
    if changed.rowcount != 1:
        known = ", ".join(item.person.name for item in accounts(connection)) or "none yet"
        message = f"there is no account {name!r}; there are: {known}"
        raise PeopleError(message)


def _account(row: Any) -> Account:  # noqa: ANN401 - SQLAlchemy's types of rows say nothing here
    return Account(_person(row.name, row, "local"), row.password_hash, row.disabled)


def _person(name: str, row: Any, via: str) -> Person:  # noqa: ANN401
    known = {str(role) for role in Role}
    roles = frozenset(Role(role) for role in json.loads(row.roles_json) if role in known)
    return Person(name, roles, frozenset(json.loads(row.owners_json)), via)


def _rights(person: Person) -> dict[str, str]:
    return {"roles_json": _list(person.roles), "owners_json": _list(person.owners)}


def _shown(person: Person) -> dict[str, list[str]]:
    return {"roles": sorted(map(str, person.roles)), "owners": sorted(person.owners)}


def _list(values: Iterable[str]) -> str:
    return json.dumps(sorted(map(str, values)), ensure_ascii=False)


def _hash(text: str) -> str:
    # A session and a token have 256 random bits: their hash needs neither salt nor time.
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = [
    "Account", "PeopleError", "Token", "account", "accounts", "add", "begin_session", "disable", "end_session", "end_sessions",
    "in_session", "make_token", "renew_hash", "revoke_token", "see", "set_password", "set_rights", "token_holder", "tokens",
]  # fmt: skip
