"""Alerts: how they moved, what was told, and what people said to them.

Frozen: a change of the tables is a new revision. PostgreSQL has no append-only triggers yet.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("alert_changes", "told", "acknowledgements", "silences", "waivers")


def upgrade() -> None:
    """Make the tables and what guards them."""
    op.add_column("outbox", sa.Column("tells_json", sa.Text(), server_default="[]", nullable=False))
    op.add_column("outbox", sa.Column("hold_until", sa.Text(), nullable=True))
    _table(
        "alert_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        *_alert(),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "since")),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("open_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_alert_changes_run_id")),
    )
    _index("alert_changes", "run_id")
    _index("alert_changes", "about", "name", "subject")
    _table(
        "told",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        *_alert(),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("at", "first_at")),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("words_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_told_outbox_id")),
    )
    _index("told", "outbox_id")
    _index("told", "recipient", "about", "name", "subject")
    optional = [sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("note", "via")]
    _table("acknowledgements", *_said(), *_alert(), *optional)
    _table("silences", *_said("pattern", "reason", "ends"))
    _table("waivers", *_said("pattern", "approver", "reason", "ends", "limit"))
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for deed in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table}: history is append-only'); END"
                )


def _alert() -> list[sa.Column[Any]]:
    return [
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="{}", nullable=False),
    ]


def _said(*more: str) -> list[sa.Column[Any]]:
    texts = [sa.Column(name, sa.Text(), nullable=False) for name in ("at", "by", *more)]
    return [sa.Column("id", sa.Integer(), nullable=False), *texts]


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)
