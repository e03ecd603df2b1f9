"""Bringing a ledger to the newest revision: all or nothing, after a backup.

Alembic is imported only when there is something to migrate.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from tulosvahti.store.files import sync_folder
from tulosvahti.store.schema import HEAD

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class LedgerError(Exception):
    """The ledger cannot be used as asked; the text says why and what to do."""


def migrate(engine: Engine) -> None:
    """Bring the database to ``HEAD``; does nothing but one SELECT when it is there.

    Raises:
        LedgerError: the ledger is of a newer revision than this engine knows.

    """
    if stored_revision(engine) == HEAD:
        return
    with engine.begin() as connection:  # BEGIN IMMEDIATE on SQLite: a rival waits here, then finds nothing to do.
        _upgrade(connection)


def stored_revision(engine: Engine) -> str | None:
    """Give the revision the database is at; None for one without tables."""
    try:
        with engine.connect().execution_options(reading=True) as connection:
            revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return revision
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.DatabaseError) and not isinstance(error.orig, sqlite3.OperationalError):
            message = f"{engine.url.database}: not a ledger ({error.orig}); restore a backup or name another file"
            raise LedgerError(message) from error
        return None


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - half of the start-up time, and needed once a release
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    _back_up(connection)
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        message = (
            f"{connection.engine.url.database}: the ledger is of another version than this engine, which knows "
            f"revisions up to {HEAD} ({error}); install the newer engine or restore the backup made before it"
        )
        raise LedgerError(message) from error


def _back_up(connection: Connection) -> None:
    """Copy a SQLite ledger that has tables to ``NAME.before-HEAD``, through SQLite's own means."""
    name = connection.engine.url.database
    if connection.dialect.name != "sqlite" or not name or not inspect(connection).get_table_names():
        return
    path = Path(name)
    part, final = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.before-{HEAD}")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA synchronous=FULL")
        source.backup(copy)
    part.replace(final)
    sync_folder(path.parent)
