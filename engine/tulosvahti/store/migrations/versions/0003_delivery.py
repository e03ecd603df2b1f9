"""A message has a state at each of its addresses.

Messages of before get their addresses out of their own bytes.
"""

from __future__ import annotations

from email import message_from_bytes, policy

import sqlalchemy as sa
from alembic import op

from tulosvahti.store.migrations.guards import guard

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_addresses",
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_attempt_at", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("told_in", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_outbox_addresses_outbox_id")),
        sa.ForeignKeyConstraint(["told_in"], ["outbox.id"], name=op.f("fk_outbox_addresses_told_in")),
        sa.PrimaryKeyConstraint("outbox_id", "channel", "address", name=op.f("pk_outbox_addresses")),
    )
    op.create_index(
        op.f("ix_outbox_addresses_state_next_attempt_at"), "outbox_addresses", ["state", "next_attempt_at"], unique=False
    )
    op.add_column("outbox", sa.Column("kind", sa.Text(), server_default="digest", nullable=False))
    _move()
    op.drop_index(op.f("ix_outbox_state"), table_name="outbox")
    for column in ("state", "attempts", "last_error"):
        op.drop_column("outbox", column)
    guard("outbox_addresses", "DELETE")


def _move() -> None:
    connection = op.get_bind()
    names = ("outbox_id", "channel", "address", "state", "attempts", "next_attempt_at", "said")
    addresses = sa.table("outbox_addresses", *(sa.column(name) for name in names))
    query = sa.text("SELECT id, content, state, attempts, last_error, coalesce(hold_until, created_at) AS due_at FROM outbox")
    for row in connection.execute(query).all():
        to = message_from_bytes(row.content, policy=policy.default)["To"]
        for address in dict.fromkeys(one.addr_spec for one in to.addresses) if to else ():
            values = (row.id, "mail", address, row.state, row.attempts, row.due_at, row.last_error)
            connection.execute(addresses.insert().values(dict(zip(names, values, strict=True))))
