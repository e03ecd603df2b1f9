"""Connections to the ledger's database; on SQLite with WAL, full syncs, and transactions that are ours.

A transaction is ``BEGIN IMMEDIATE`` unless its connection has the execution option ``reading``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL, Connection, Engine


def open_engine(url: URL, root: Path) -> Engine:
    """Open the database; a relative SQLite path stands under ``root``."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    if url.database and url.database != ":memory:":
        path = root / url.database
        path.parent.mkdir(parents=True, exist_ok=True)
        url = url.set(database=str(path))
    engine = create_engine(url, connect_args={"timeout": 30.0})

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
