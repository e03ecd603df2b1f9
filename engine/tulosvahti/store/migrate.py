"""Bringing a ledger to the newest revision: all or nothing, after a copy of it was set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from tulosvahti.store.database import LedgerError
from tulosvahti.store.revisions import MIGRATIONS, revision_of, stored_revision, upgrade
from tulosvahti.store.schema import HEAD
from tulosvahti.store.snapshot import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

__all__ = ["LedgerError", "migrate"]


def migrate(engine: Engine, ledger: Path, folder: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Bring the database to ``head``; does nothing but one SELECT when it is there.

    A ledger that has tables is first copied to ``NAME.before-HEAD``, beside ``ledger``.

    Raises:
        LedgerError: the database cannot be used, or is of a newer revision than this engine knows.

    """
    if stored_revision(engine) == head:
        return
    with engine.begin() as connection:  # The only writer: a rival waits here, then finds nothing to do.
        names = inspect(connection).get_table_names()
        stored = revision_of(connection) if "alembic_version" in names else None
        if stored == head:
            return
        # A PostgreSQL database may hold tables of others; a file with tables is a ledger or a mistake.
        if stored or (names and connection.dialect.name == "sqlite"):
            ledger.parent.mkdir(parents=True, exist_ok=True)
            snapshot(connection, ledger.with_name(f"{ledger.name}.before-{head}"), folder)
        upgrade(connection, head, folder)
