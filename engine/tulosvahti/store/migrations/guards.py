"""Triggers that keep history append-only, on both databases. Used by revisions, so what they make never changes."""

from __future__ import annotations

from typing import Literal

from alembic import op

_FUNCTION = """
CREATE OR REPLACE FUNCTION tulosvahti_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%: history is append-only', TG_TABLE_NAME USING ERRCODE = '23001'; END $$
"""


def guard(table: str, deed: Literal["UPDATE", "DELETE"]) -> None:
    """Make a table refuse a deed; on PostgreSQL, one that refuses DELETE refuses TRUNCATE too."""
    name = f"{table}_no_{deed.lower()}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {deed} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: history is append-only'); END"
        )
        return
    op.execute(_FUNCTION)
    calls = "FOR EACH ROW EXECUTE FUNCTION tulosvahti_append_only()"
    op.execute(f"CREATE TRIGGER {name} BEFORE {deed} ON {table} {calls}")
    if deed == "DELETE":
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"{calls.replace('EACH ROW', 'EACH STATEMENT')}"
        )
