"""Values entered by hand: versions of rows, what was done with them, and their evidence.

Frozen: a change of the tables is a new revision.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from tulosvahti.store.migrations.guards import guard

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and guard them."""
    _table("entries", *_texts("input", "key_json", "sort", "values_json"), _optional("reason"))
    op.create_index(op.f("ix_entries_input_key_json"), "entries", ["input", "key_json"], unique=False)
    _table("entry_steps", *_entry("entry_steps"), *_texts("deed"), _optional("reason"))
    _table("entry_attachments", *_entry("entry_attachments"), *_texts("name", "sha256"), sa.Column("size", sa.Integer(), nullable=False))
    for table in ("entry_steps", "entry_attachments"):
        op.create_index(op.f(f"ix_{table}_entry_id"), table, ["entry_id"], unique=False)
    for table in ("entries", "entry_steps", "entry_attachments"):
        guard(table, "UPDATE")
        guard(table, "DELETE")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _optional(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _entry(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f(f"fk_{table}_entry_id")),
    ]


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    first = sa.Column("id", sa.Integer(), nullable=False)
    op.create_table(name, first, *_texts("at", "by"), *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))
