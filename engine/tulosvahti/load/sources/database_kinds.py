"""How each kind of database is read: by which driver, in a transaction that cannot write, on one snapshot, with a time-out.

PostgreSQL, MariaDB and SQLite are tested with real servers. SQL Server and Oracle are read by their drivers' rules, where
those are installed. Any other that SQLAlchemy knows is read too, by what SQLAlchemy itself can promise.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL, Connection

CONNECT = 10
"""Seconds that a connection may take."""
Begin = Callable[["Connection", float, str], Sequence[str]]
"""Begin reading: the connection, the seconds for the statement, the project's time zone; give what is to be told."""


@dataclass(frozen=True)
class DatabaseKind:
    """One kind.

    ``package``: what to install for the driver; ``dialect``: of the parser; ``lasting`` and ``timed_out``: patterns of
    errors that trying again does not mend, and of a statement that was given up; ``stop``: ends one of another thread;
    ``let_go``: readies a cursor to be closed in the middle; ``password``: how the driver wants it.
    """

    driver: str = ""
    package: str = ""
    dialect: str = ""
    begin: Begin = field(default=lambda _connection, _seconds, _zone: ())
    connect: Callable[[float], Mapping[str, Any]] = field(default=lambda _seconds: {})
    stop: Callable[[Any], None] = field(default=lambda connection: connection.close())
    lasting: str = r"(?!)"
    timed_out: str = r"(?!)"
    let_go: Callable[[Any], None] = field(default=lambda _cursor: None)
    password: Callable[[str], str | bytes] = field(default=str)


def kind_of(url: URL) -> DatabaseKind:
    """Give the kind that a URL names."""
    backend = url.get_backend_name()
    return KINDS.get(backend, DatabaseKind(package=f"a SQLAlchemy driver of {backend}"))


def with_driver(url: URL, root: Path) -> URL:
    """Give the URL with the driver that is used where it names none; a SQLite file is opened for reading only."""
    kind = kind_of(url)
    if url.get_backend_name() == "sqlite":
        path = (root / (url.database or "")).resolve()
        return url.set(drivername="sqlite+pysqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    return url.set(drivername=f"{url.drivername}+{kind.driver}") if "+" not in url.drivername and kind.driver else url


def is_lasting(kind: DatabaseKind, text: str) -> bool:
    """Tell an error that comes again from one that may pass."""
    return bool(re.search(kind.lasting, text, re.IGNORECASE))


def is_timed_out(kind: DatabaseKind, text: str) -> bool:
    """Tell whether the server gave up a statement for its length."""
    return bool(re.search(kind.timed_out, text, re.IGNORECASE))


def _postgresql(connection: Connection, seconds: float, zone: str) -> Sequence[str]:
    milliseconds = max(int(seconds * 1000), 1)
    for statement in (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        f"SET LOCAL statement_timeout = {milliseconds}",
        f"SET LOCAL lock_timeout = {milliseconds}",
        f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds + 60_000}",
        f"SET LOCAL TIME ZONE '{zone}'",
    ):
        connection.exec_driver_sql(statement)
    return ()


def _mariadb(connection: Connection, seconds: float, zone: str) -> Sequence[str]:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 (heavy)

    told = []
    if connection.dialect.is_mariadb:  # type: ignore[attr-defined] # MySQL's dialect has it
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {max(seconds, 0.001):.3f}")
    else:
        connection.exec_driver_sql(f"SET SESSION max_execution_time = {max(int(seconds * 1000), 1)}")
    try:
        connection.exec_driver_sql(f"SET SESSION time_zone = '{zone}'")
    except DBAPIError:
        told.append(f"the server does not know the time zone {zone}: its TIMESTAMP columns are told in its own (mysql_tzinfo_to_sql loads zones)")
    connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return told


def _sqlite(connection: Connection, _seconds: float, _zone: str) -> Sequence[str]:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    return ()


def _sql_server(connection: Connection, seconds: float, _zone: str) -> Sequence[str]:
    raw = connection.connection.dbapi_connection
    with suppress(AttributeError):
        raw.timeout = max(int(seconds), 1)  # type: ignore[union-attr] # pyodbc's
    connection.exec_driver_sql(f"SET LOCK_TIMEOUT {max(int(seconds * 1000), 1)}")
    found = connection.exec_driver_sql("SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()").scalar()
    if found == 1:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
        return ()
    return ("rows that changed while they were read may be as they were before or after: the database allows no snapshots",)


def _oracle(connection: Connection, seconds: float, _zone: str) -> Sequence[str]:
    raw = connection.connection.dbapi_connection
    with suppress(AttributeError):
        raw.call_timeout = max(int(seconds * 1000), 1)  # type: ignore[union-attr] # oracledb's
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    return ()


def _cut(connection: Any) -> None:  # noqa: ANN401 (PyMySQL's)
    """Close PyMySQL's socket under it: its own ways of ending wait for the server."""
    with suppress(OSError, AttributeError):
        connection._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001


def _let_go(cursor: Any) -> None:  # noqa: ANN401 (PyMySQL's)
    """Keep PyMySQL from reading all that is left of a result when its cursor is closed."""
    with suppress(AttributeError):
        _cut(cursor.connection)
        cursor._result.unbuffered_active = False  # noqa: SLF001


def _cancelled(connection: Any) -> None:  # noqa: ANN401 (psycopg's)
    """Ask PostgreSQL to stop, and then close the socket under psycopg: a server that hangs hears nothing."""
    with suppress(Exception):
        connection.cancel_safe(timeout=2)
    for _ in range(20):
        if connection.closed:
            return
        time.sleep(0.1)
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as own:
        own.shutdown(socket.SHUT_RDWR)


_POSTGRESQL = DatabaseKind(
    driver="psycopg",
    package="tulosvahti[postgresql]",
    dialect="postgres",
    begin=_postgresql,
    connect=lambda seconds: {
        "connect_timeout": max(min(CONNECT, int(seconds)), 2),
        "tcp_user_timeout": 30_000,
        "keepalives_idle": 30,
        "application_name": "tulosvahti",
    },
    stop=_cancelled,
    lasting=r"authentication failed|no password supplied|no pg_hba|does not exist|permission denied|certificate|SSL|not permitted",
    timed_out=r"statement timeout|lock timeout",
)
_MARIADB = DatabaseKind(
    driver="pymysql",
    package="tulosvahti[mariadb]",
    dialect="mysql",
    begin=_mariadb,
    connect=lambda seconds: {
        "connect_timeout": max(min(CONNECT, int(seconds)), 1),
        "read_timeout": int(seconds) + 2,
        "write_timeout": CONNECT,
        "charset": "utf8mb4",
    },
    stop=_cut,
    lasting=r"\b(1044|1045|1049|1064|1142|1143|1054|1146|1698|1227|3159|1290)\b|certificate|SSL",
    timed_out=r"\b(1969|3024|1205)\b",
    let_go=_let_go,
    password=str.encode,  # of a text it would make Latin-1
)
KINDS: Mapping[str, DatabaseKind] = {
    "postgresql": _POSTGRESQL,
    "mariadb": _MARIADB,
    "mysql": _MARIADB,
    "sqlite": DatabaseKind(
        driver="pysqlite",
        dialect="sqlite",
        begin=_sqlite,
        connect=lambda _seconds: {"timeout": float(CONNECT), "check_same_thread": False},
        stop=lambda connection: connection.interrupt(),
        lasting=r"unable to open|no such|syntax error|not a database|malformed",
        timed_out=r"interrupted",
    ),
    "mssql": DatabaseKind(
        driver="pyodbc",
        package="pyodbc, and Microsoft's ODBC Driver 18 for SQL Server",
        dialect="tsql",
        begin=_sql_server,
        connect=lambda seconds: {"timeout": max(min(CONNECT, int(seconds)), 1)},
        stop=lambda connection: connection.close(),
        lasting=r"28000|18456|4060|42S02|42S22|IM002|IM004|01000",
        timed_out=r"HYT00|HYT01",
    ),
    "oracle": DatabaseKind(
        driver="oracledb",
        package="oracledb",
        dialect="oracle",
        begin=_oracle,
        connect=lambda seconds: {"tcp_connect_timeout": max(min(CONNECT, int(seconds)), 1)},
        stop=lambda connection: connection.cancel(),
        lasting=r"ORA-(01017|28000|28001|00942|00904|12514|01031)|DPY-40(01|11)",
        timed_out=r"DPY-4024|ORA-01013",
    ),
}
