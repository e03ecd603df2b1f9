"""Deliveries: each arrival, what became of it, who was told; cells and files of rejects; revised verdicts of closed periods.

Frozen: a change of the tables is a new revision.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tulosvahti.store.migrations.guards import guard

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and what guards them."""
    for name in ("cell", "file"):
        op.add_column("rejects", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("input", "place", "name")),
        _text("sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _text("written"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("arrived_at", "how")),
        _text("by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_input_place"), "deliveries", ["input", "place"], unique=False)
    op.create_table(
        "delivery_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("at", "state")),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("rows", "rejects")),
        *(_text(name) for name in ("explanation", "next_step", "written", "stands_on", "by")),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_states_delivery_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_delivery_states_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_states")),
    )
    op.create_index(op.f("ix_delivery_states_delivery_id"), "delivery_states", ["delivery_id"], unique=False)
    op.create_table(
        "delivery_messages",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "recipient")),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_messages_delivery_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_delivery_messages_outbox_id")),
        sa.PrimaryKeyConstraint("delivery_id", "kind", "recipient", name=op.f("pk_delivery_messages")),
    )
    op.create_table(
        "revisions",
        sa.Column("run_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("rule", "subject", "period")),
        sa.Column("before_run", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("before_verdict", "verdict", "before_observed", "observed")),
        sa.Column("because_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_revisions_run_id")),
        sa.ForeignKeyConstraint(["before_run"], ["runs.id"], name=op.f("fk_revisions_before_run")),
        sa.PrimaryKeyConstraint("run_id", "rule", "subject", "period", name=op.f("pk_revisions")),
    )
    op.create_index(op.f("ix_revisions_rule_run_id"), "revisions", ["rule", "run_id"], unique=False)
    for table in ("deliveries", "delivery_states", "delivery_messages", "revisions"):
        guard(table, "UPDATE")
        guard(table, "DELETE")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)
