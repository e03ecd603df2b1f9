"""The ledger of one moment as one SQLite file, from either database, and its rows back into either.

The same file serves before a migration and in a backup, so that a ledger can move from one database to the other.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, MetaData, event, func, insert, select

from tulosvahti.store.database import open_engine
from tulosvahti.store.files import sync_folder
from tulosvahti.store.revisions import MIGRATIONS, revision_of, upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

_ROWS_AT_ONCE = 1000


def snapshot(connection: Connection, target: Path, folder: Path = MIGRATIONS) -> None:
    """Copy what the connection's transaction sees to the file ``target``, whole or not at all.

    On SQLite that is what is committed, through SQLite's own means: its log lies beside the file.
    """
    part = target.with_name(f"{target.name}.part")
    for name in (part, *beside(part)):
        name.unlink(missing_ok=True)
    file = connection.engine.url.database
    if connection.dialect.name == "sqlite" and file:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as copy:
            copy.execute("PRAGMA synchronous=FULL")
            source.backup(copy)
    else:
        engine = open_engine(URL.create("sqlite", database=str(part)), part.parent)
        try:
            with engine.begin() as copied:
                upgrade(copied, revision_of(connection) or "base", folder)
                copy_rows(connection, copied)
        finally:
            engine.dispose()
    with closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE").close()  # One file, with no log beside it.
    part.replace(target)
    sync_folder(target.parent)


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every row into empty tables of the same revision; one of the two connections is to SQLite."""
    tables = MetaData()

    @event.listens_for(tables, "column_reflect")
    def _portable(_inspector: object, _table: object, column: Any) -> None:  # noqa: ANN401
        column["type"] = column["type"].as_generic()

    tables.reflect(source if source.dialect.name == "sqlite" else target)
    for table in tables.sorted_tables:
        if table.name == "alembic_version":
            continue
        with source.execute(select(table).execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
            for part in rows.mappings().partitions():
                target.execute(insert(table), [dict(row) for row in part])
        if target.dialect.name == "postgresql" and "id" in table.c:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            target.execute(select(func.setval(sequence, func.max(table.c.id))))


def beside(path: Path) -> tuple[Path, Path]:
    """Give the names of the log and its index that SQLite keeps beside a database."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
