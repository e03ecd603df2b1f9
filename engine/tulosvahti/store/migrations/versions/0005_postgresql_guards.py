"""The guards of revisions 0001 and 0002 on PostgreSQL, which had none; SQLite has them already."""

from __future__ import annotations

from alembic import op

from tulosvahti.store.migrations.guards import guard

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Guard the tables."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in (
        "run_inputs", "verdicts", "measurements", "rejects", "problems",
        "alert_changes", "told", "acknowledgements", "silences", "waivers",
    ):  # fmt: skip
        guard(table, "UPDATE")
        guard(table, "DELETE")
    for table in ("runs", "findings", "outbox"):
        guard(table, "DELETE")
