"""The ledger's tables. Moments are ISO 8601 texts in UTC; decimals, fractions and JSON are texts, so none is rounded.

``HEAD`` is the revision these tables belong to. History is append-only: triggers in the migrations guard it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from tulosvahti.store import schema_entries, schema_people
from tulosvahti.store.metadata import METADATA as METADATA  # noqa: PLC0414 (the tables of all modules)

HEAD = "0008"

APPEND_ONLY = (
    "run_inputs", "verdicts", "measurements", "rejects", "problems",
    "alert_changes", "told", "acknowledgements", "silences", "waivers",
    "deliveries", "delivery_states", "delivery_messages", "revisions",
    *schema_people.APPEND_ONLY, *schema_entries.APPEND_ONLY,
)
"""Tables whose rows are never changed nor removed."""
NEVER_REMOVED = ("runs", "findings", "outbox", "outbox_addresses", "slots", *schema_people.NEVER_REMOVED)
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
    _text("cell"),
    _text("file"),
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
    Column("created_at", Text, nullable=False),
    _text("tells_json", "[]"),
    Column("hold_until", Text),
    _text("kind", "digest"),
    UniqueConstraint("message_id"),
)
"""``tells_json``: what the mail tells, logged in ``told`` when it is accepted; not sent before ``hold_until``."""

outbox_addresses = Table(
    "outbox_addresses",
    METADATA,
    Column("outbox_id", Integer, ForeignKey("outbox.id"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Text),
    Column("next_attempt_at", Text, nullable=False),
    Column("leased_until", Text),
    _text("reason"),
    _text("said"),
    Column("ended_at", Text),
    Column("told_in", Integer, ForeignKey("outbox.id")),
    Index(None, "state", "next_attempt_at"),
)


def _alert() -> tuple[Column[str], ...]:
    return (
        Column("about", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("subject", Text, nullable=False, server_default="{}"),
    )


def _said() -> tuple[Column[Any], ...]:
    return Column("id", Integer, primary_key=True), Column("at", Text, nullable=False), Column("by", Text, nullable=False)


alert_changes = Table(
    "alert_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    *_alert(),
    Column("state", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("open_json", Text, nullable=False),
    Index(None, "about", "name", "subject"),
)
"""A row where an alert moved; the newest of each alert is how it stands."""

told = Table(
    "told",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("outbox_id", Integer, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("recipient", Text, nullable=False),
    *_alert(),
    Column("at", Text, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("words_json", Text, nullable=False),
    Index(None, "recipient", "about", "name", "subject"),
)
"""What was accepted for delivery, kept for ever; the newest of each recipient and alert decides what they hear next."""

acknowledgements = Table("acknowledgements", METADATA, *_said(), *_alert(), _text("note"), _text("via"))

silences = Table(
    "silences", METADATA, *_said(), Column("pattern", Text, nullable=False), Column("reason", Text, nullable=False),
    Column("ends", Text, nullable=False),
)  # fmt: skip

waivers = Table(
    "waivers", METADATA, *_said(), Column("pattern", Text, nullable=False), Column("approver", Text, nullable=False),
    Column("reason", Text, nullable=False), Column("ends", Text, nullable=False), Column("limit", Text, nullable=False),
)  # fmt: skip

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

deliveries = Table(
    "deliveries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("input", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("name", Text, nullable=False),
    _text("sha256"),
    Column("size", BigInteger, nullable=False),
    _text("written"),
    Column("arrived_at", Text, nullable=False),
    Column("how", Text, nullable=False),
    _text("by"),
    Index(None, "input", "place"),
)
"""One row an arrival, also of content that came before. ``written``: when its file was, which tells two arrivals apart."""

delivery_states = Table(
    "delivery_states",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("run_id", Integer, ForeignKey("runs.id")),
    Column("at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("rejects", Integer, nullable=False, server_default="0"),
    _text("explanation"),
    _text("next_step"),
    _text("written"),
    _text("stands_on"),
    _text("by"),
)
"""What became of a delivery; the newest row counts. ``written``: of the file at its place, if it was put there.

``stands_on``: of a refused one, the digest of the input's content at that time, which is not judged as long as it lies there.
"""

delivery_messages = Table(
    "delivery_messages",
    METADATA,
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("outbox_id", Integer, ForeignKey("outbox.id"), nullable=False),
)
"""Which message told whom that a delivery was refused, or mended by this one: each once."""

revisions = Table(
    "revisions",
    METADATA,
    _run(primary=True),
    Column("rule", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("before_run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("before_verdict", Text),
    Column("verdict", Text),
    Column("before_observed", Text),
    Column("observed", Text),
    Column("because_json", Text, nullable=False),
    Index(None, "rule", "run_id"),
)
"""Verdicts and values of closed periods that other content changed; ``because_json`` names the inputs with both digests."""
