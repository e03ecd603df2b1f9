"""The ledger for those who only look: no connection can write, migrates nothing, and no run ever waits for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from tulosvahti.store import slots
from tulosvahti.store.database import LedgerError, open_engine, sqlite_file, trouble_with
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.revisions import stored_revision
from tulosvahti.store.schema import HEAD

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_READERS = 40
"""Connections held open, one for each thread that answers."""


class ReadingLedger(Ledger):
    """A ledger that exists, for reading. Every transaction is one that reads, and sees one moment."""

    def __init__(self, url: str, root: Path, password: str = "") -> None:
        """Open the ledger as it is.

        Raises:
            LedgerError: it cannot be reached, was not made yet, or is of another revision.

        """
        place = make_url(url)
        file = sqlite_file(place, root)
        self.engine = open_engine(place, root, password) if file is None else _open_readers(file)
        self.slots = slots.Slots(self.engine)
        try:
            revision = stored_revision(self.engine)
        except BaseException:
            self.engine.dispose()
            raise
        if revision != HEAD:
            self.engine.dispose()
            message = f"the ledger is at revision {revision}, not {HEAD}: give `tulosvahti run`, or restart the dashboard"
            raise LedgerError(message)

    def transaction(self, *, reading: bool = True) -> Any:  # noqa: ANN401, ARG002 (every one reads)
        """Give a connection that reads one moment."""
        return self.engine.execution_options(reading=True).begin()


def _open_readers(file: Path) -> Engine:
    """Open a SQLite file read-only: mode=ro refuses writing, query_only says so in words, and neither ever locks."""
    quoted = str(file.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    engine = create_engine(
        f"sqlite:///file:{quoted}?mode=ro&uri=true", pool_size=_READERS, max_overflow=0, pool_timeout=10,
        connect_args={"timeout": 10.0, "check_same_thread": False},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401
        connection.isolation_level = None
        connection.execute("PRAGMA query_only=ON").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def said_of(error: DBAPIError, ledger: Ledger) -> str:
    """Say what the database refused."""
    return trouble_with(ledger.engine.url, error)
