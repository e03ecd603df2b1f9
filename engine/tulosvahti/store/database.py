"""Connections to the ledger's database, SQLite or PostgreSQL, with transactions that mean the same on both.

A transaction is the only writer until it ends (``BEGIN IMMEDIATE``, or an advisory lock of the schema), unless its
connection has the execution option ``reading``: then it sees one moment of the ledger throughout.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

LOG = logging.getLogger(__name__)
_WAIT = 30
"""Seconds that a writer waits for another."""
_CHECKPOINT_WAIT_MS = 5_000
_POSTGRESQL_BEGIN = (
    f"SET LOCAL lock_timeout = '{_WAIT}s'; SELECT pg_advisory_xact_lock(1953853299, hashtext(current_schema()))"
)


class LedgerError(Exception):
    """The ledger cannot be used as asked; the text says why and what to do."""


def told(error: BaseException) -> str:
    """Say what happened in the words of the database, without the statement and its values, which may be anyone's."""
    if isinstance(error, StatementError):
        error = error.orig or error
        lines = str(error).splitlines() or [""]
        # PostgreSQL adds values in further lines (``DETAIL: Key (…)=(…)``).
        return " ".join(lines[0].split()) or type(error).__name__
    return str(error) or type(error).__name__


def open_engine(url: URL, root: Path, password: str = "") -> Engine:
    """Open the database; a relative SQLite path stands under ``root``. Nothing is connected yet.

    Raises:
        LedgerError: the driver is not installed, or no such kind of database is known.

    """
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, root)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if password:
        url = url.set(password=password)
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "tcp_user_timeout": 30_000, "application_name": "tulosvahti"},
        )
    except (ImportError, NoSuchModuleError) as error:
        message = (
            f"storage.ledger: {url.drivername} cannot be used ({error}); allowed: sqlite and postgresql+psycopg, "
            "the latter after pip install 'tulosvahti[postgresql]'"
        )
        raise LedgerError(message) from error
    _prepare_postgresql(engine)
    return engine


def _open_sqlite(url: URL, root: Path) -> Engine:
    if url.database and url.database != ":memory:":
        path = root / url.database
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"the ledger {path} cannot be used: {error}; mend the cause and try again"
            raise LedgerError(message) from error
        url = url.set(database=str(path))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": float(_WAIT)})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401
        connection.isolation_level = None  # BEGIN is ours: the driver's own leaves DDL and reads outside.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "wal_autocheckpoint=0",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN" if options.get("reading") else "BEGIN IMMEDIATE")

    return engine


def _prepare_postgresql(engine: Engine) -> None:
    from psycopg.types.string import StrDumper  # noqa: PLC0415 (only where it is installed)

    class Storable(StrDumper):
        """PostgreSQL's texts hold no NUL, which a broken input may: its picture stands for it."""

        def dump(self, obj: str) -> Any:  # noqa: ANN401
            return super().dump(obj.replace("\0", "␀"))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401
        connection.adapters.register_dumper(str, Storable)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") == "AUTOCOMMIT":
            return
        reading = options.get("reading")
        connection.exec_driver_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY" if reading else _POSTGRESQL_BEGIN
        )


def move_wal(engine: Engine) -> None:
    """Move SQLite's log into the database, with no writer beside; does nothing on PostgreSQL.

    TRUNCATE reads the log's header under the writer's lock, so the reset of the log by another writer cannot fall
    between (sqlite.org/wal.html#walresetbug); PASSIVE does not, and SQLite falls back to it where a writer stays longer
    than the wait, which no transaction here does. Nothing else checkpoints but the last connection's close, which has
    the file for itself. A fault leaves it to the next time: what was committed is in the log.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT_MS}")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT * 1000}")
    except DBAPIError as error:
        LOG.warning("the ledger's log was not moved into it, and is kept: %s", trouble_with(engine.url, error))


def sqlite_file(url: URL, root: Path) -> Path | None:
    """Give the file of a SQLite ledger; None where it is another database or in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return root / url.database


def trouble_with(engine_url: URL, error: SQLAlchemyError) -> str:
    """Say in one sentence what the database refused and what to do."""
    why = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, PoolTimeoutError):
        why = "all connections are in use"
    where = engine_url.render_as_string(hide_password=True) if engine_url.host else engine_url.database
    return f"the ledger {where} cannot be used: {why}; what was committed before is kept: mend the cause and try again"
