"""The ledger's tables of what people do: who they are, and what they changed and said.

Moments are ISO 8601 texts in UTC; figures and JSON are texts. Of a password, a session and a token only a hash is kept.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, false

from tulosvahti.store.metadata import METADATA

APPEND_ONLY = ("changes", "comments")
"""As in :mod:`tulosvahti.store.schema`."""
NEVER_REMOVED = ("people", "tokens")


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=default is None, server_default=default)


changes = Table(
    "changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("deed", Text, nullable=False),
    Column("about", Text, nullable=False),
    _text("why"),
    _text("details_json", "{}"),
    Index(None, "about"),
)
"""Every change that a person made, with who and why. ``via``: local, proxy, oidc, token, link or command."""

comments = Table(
    "comments",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    _text("subject", "{}"),
    _text("period"),
    Column("text", Text, nullable=False),
    Index(None, "rule"),
)
"""What people say of a rule, subject and period: ``comment`` or ``explanation`` of a finding."""

people = Table(
    "people",
    METADATA,
    Column("name", Text, primary_key=True),
    _text("password_hash"),
    _text("roles_json", "[]"),
    _text("owners_json", "[]"),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("made_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("via", Text, nullable=False),
    _text("roles_json", "[]"),
    _text("owners_json", "[]"),
    Column("made_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
)
"""Who is signed in now; a row goes when its session has ended. ``roles_json`` is of people whom another system knows."""

tokens = Table(
    "tokens",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    _text("roles_json", "[]"),
    _text("owners_json", "[]"),
    Column("made_at", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("revoked_at", Text),
    UniqueConstraint("sha256"),
)
