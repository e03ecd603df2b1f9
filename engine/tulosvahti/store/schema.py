"""The ledger's tables. Moments are ISO 8601 texts in UTC; decimals, fractions and JSON are texts, so none is rounded.

``HEAD`` is the revision these tables belong to. History is append-only: triggers in the migrations guard it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

HEAD = "0002"

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

APPEND_ONLY = ("run_inputs", "verdicts", "measurements", "rejects", "problems")
"""Tables whose rows are never changed nor removed."""
NEVER_REMOVED = ("runs", "findings", "outbox", "slots")
"""Tables whose rows change but are never removed."""


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=default is None, server_default=default)


def _run(*, primary: bool = False) -> Column[int]:
    return Column("run_id", Integer, ForeignKey("runs.id"), primary_key=primary, nullable=False, index=not primary)


runs = Table(
    "runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("rules_sha256", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("lookback", Boolean, nullable=False, server_default=false()),
    _text("forced_rules"),
    Column("slot", Text),
    _text("reason"),
    _text("outcome_json"),
    Column("job", Text),
    Column("epoch", Integer),
    sqlite_autoincrement=True,
)

run_inputs = Table(
    "run_inputs",
    METADATA,
    _run(primary=True),
    Column("name", Text, primary_key=True),
    _text("sha256"),
    Column("rows", Integer, nullable=False),
    Column("rejects", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("covered_through", Date),
    Column("expected_through", Date),
    _text("explanation"),
    _text("next_step"),
)

verdicts = Table(
    "verdicts",
    METADATA,
    _run(primary=True),
    Column("rule", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("binding", Boolean, nullable=False),
    Column("observed", Text),
    Column("target", Text),
    Column("margin", Text),
    Column("reason", Text),
    Column("evidence", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Index(None, "rule", "subject", "period", "run_id"),
)

measurements = Table(
    "measurements",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("value", Text),
    Column("rows", Integer, nullable=False),
    Column("unknown_rows", Integer, nullable=False),
    Index(None, "rule", "run_id"),
)

findings = Table(
    "findings",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("first_run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("last_run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("resolved_run", Integer, ForeignKey("runs.id")),
    Index(
        "uq_findings_open",
        "rule",
        "subject",
        "period",
        unique=True,
        sqlite_where=text("resolved_run IS NULL"),
        postgresql_where=text("resolved_run IS NULL"),
    ),
)

rejects = Table(
    "rejects",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    Column("input", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    _text("column"),
    _text("value"),
    Column("reason", Text, nullable=False),
)

problems = Table(
    "problems",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    Column("file", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("column", Integer, nullable=False),
    Column("message", Text, nullable=False),
    _text("allowed"),
    _text("next_step"),
    _text("rule"),
)

outbox = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    Column("recipient", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _text("last_error"),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("message_id"),
)

slots = Table(
    "slots",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("due_at", Text, nullable=False),
    _text("rules"),
    Column("state", Text, nullable=False, index=True),
    _text("owner"),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("lease_until", Text),
    Column("started_at", Text),
    Column("late_seconds", Integer),
    Column("finished_at", Text),
    Column("retry_at", Text),
    Column("run_id", Integer, ForeignKey("runs.id")),
    Column("oldest", Text),
    Column("skipped", Integer, nullable=False, server_default="0"),
    _text("reason"),
)
"""One row a slot; one that was skipped stands for ``skipped`` slots, from ``oldest`` to itself."""
