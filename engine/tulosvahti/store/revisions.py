"""Which revision a ledger is at, and Alembic's way to another, inside the caller's transaction.

Alembic is imported only when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tulosvahti.store.database import LedgerError, trouble_with

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def stored_revision(engine: Engine) -> str | None:
    """Give the revision the database is at; None for one without tables.

    Raises:
        LedgerError: it cannot be reached or read, or is no database.

    """
    try:
        with engine.connect().execution_options(reading=True) as connection:
            return revision_of(connection)
    except DBAPIError as error:
        if _lacks_table(error):
            return None
        if "not a database" in str(error.orig):
            message = f"{engine.url.database}: not a ledger ({error.orig}); restore a backup or name another file"
            raise LedgerError(message) from error
        raise LedgerError(trouble_with(engine.url, error)) from error


def revision_of(connection: Connection) -> str | None:
    """Give the revision that a connection sees, which must have the table of it."""
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def upgrade(connection: Connection, revision: str, folder: Path = MIGRATIONS) -> None:
    """Bring the database to a revision inside the connection's transaction.

    Raises:
        LedgerError: the database is at a revision that the folder does not know.

    """
    from alembic import command  # noqa: PLC0415 - half of the start-up time, and needed once a release
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        message = (
            f"{connection.engine.url.database}: the ledger is of another version than this engine, which knows "
            f"revisions up to {revision} ({error}); install the newer engine or restore the backup made before it"
        )
        raise LedgerError(message) from error


def _lacks_table(error: DBAPIError) -> bool:
    """Tell a missing table from everything else, by SQLSTATE where there is one: messages are translated."""
    code = getattr(error.orig, "sqlstate", None)
    return code == "42P01" if code else "no such table" in str(error.orig)
