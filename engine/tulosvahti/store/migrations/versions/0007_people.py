"""People: who they are, and what they changed and said.

Frozen: a change of the tables is a new revision.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tulosvahti.store.migrations.guards import guard

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPEND_ONLY = ("changes", "comments")
NEVER_REMOVED = ("people", "tokens")


def upgrade() -> None:
    """Make the tables and what guards them."""
    _table("changes", _id(), *_needed("at", "by", "via", "deed", "about"), _text("why"), _text("details_json", "{}"))
    _index("changes", "about")
    _table("comments", _id(), *_needed("at", "by", "kind", "rule"), _text("subject", "{}"), _text("period"), *_needed("text"))
    _index("comments", "rule")
    _table(
        "people",
        *_needed("name"), _text("password_hash"), _text("roles_json", "[]"), _text("owners_json", "[]"),
        sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_needed("made_at", "changed_at"),
        key="name",
    )  # fmt: skip
    _table(
        "sessions",
        *_needed("sha256", "person", "via"), _text("roles_json", "[]"), _text("owners_json", "[]"),
        *_needed("made_at", "seen_at", "ends_at"),
        key="sha256",
    )  # fmt: skip
    _index("sessions", "person")
    _table(
        "tokens",
        _id(), *_needed("sha256", "name"), _text("roles_json", "[]"), _text("owners_json", "[]"),
        *_needed("made_at", "made_by", "ends_at"), sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.UniqueConstraint("sha256", name=op.f("uq_tokens_sha256")),
    )  # fmt: skip
    for table in APPEND_ONLY:
        guard(table, "UPDATE")
    for table in (*APPEND_ONLY, *NEVER_REMOVED):
        guard(table, "DELETE")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def _needed(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _table(name: str, *parts: sa.schema.SchemaItem, key: str = "id") -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{name}")))


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)
