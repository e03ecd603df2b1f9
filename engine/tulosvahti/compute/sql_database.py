"""A database where the data already is: measuring is pushed down, and only sums, counts and failing rows travel.

PostgreSQL, and any other that SQLAlchemy connects to and whose dialect sqlglot writes. All queries of a run read one
moment: a transaction that only reads. A lost connection is opened again; what is asked after that reads a newer moment.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import exc

from tulosvahti.compute.dialects import translated
from tulosvahti.compute.found import LostError, NotComputedError
from tulosvahti.compute.sampling import SAMPLED, some_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 3
PAUSE = 1.0
"""Seconds before the second attempt; the third waits twice as long."""
_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"""sqlglot's names where they are not SQLAlchemy's."""


class SqlDatabase:
    """Tables of a database as inputs; ``tables`` has a SELECT in its own dialect for each input."""

    keeps_first = False
    reads_in_order = False
    memory = 0

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        tables: Mapping[str, str],
        deadline: float = 300.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the engine of a database; ``deadline``: seconds that one query may take."""
        self._engine = engine
        self._dialect = _DIALECTS.get(engine.dialect.name, engine.dialect.name)
        self._tables = tuple((f"input_{name}", sql) for name, sql in tables.items())
        self._deadline = deadline
        self._pause = pause
        self._connection: sqlalchemy.Connection | None = None

    def rows(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:
        """Run a query; a lost connection is tried again."""
        wanted = self.written(sql)
        found: list[tuple[Any, ...]] = self._patiently(lambda: [tuple(row) for row in self._run(wanted, part)], part)
        return found

    def _patiently(self, work: Callable[[], Any], part: float) -> Any:  # noqa: ANN401 (what the work gives)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return work()
            except exc.DBAPIError as error:
                said = str(error.orig or error).strip().splitlines() or [type(error).__name__]
                if not (error.connection_invalidated or self._connection is None):
                    self._again()
                    raise NotComputedError(self._told(said[0], part)) from None
                self.close()
                if attempt == ATTEMPTS:
                    raise LostError(f"the database could not be reached: {said[0]}") from None
                self._pause(PAUSE * attempt)
            except exc.SQLAlchemyError as error:
                raise NotComputedError(str(error).splitlines()[0]) from None
        return None

    def _run(self, sql: str, part: float) -> sqlalchemy.CursorResult[Any]:
        if self._connection is None:
            connection = self._engine.connect()
            try:
                self._begin(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        if self._engine.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(int(self._deadline * part * 1000), 1)}")
        return self._connection.exec_driver_sql(sql)

    def _begin(self, connection: sqlalchemy.Connection) -> None:
        # Without parameters a % is a %.
        connection.execution_options(no_parameters=True)
        if self._engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")

    def _again(self) -> None:
        """Begin a new transaction: the failed one answers nothing more."""
        if self._connection is not None:
            with suppress(exc.SQLAlchemyError):
                self._connection.rollback()
                self._begin(self._connection)
                return
            self.close()

    def _told(self, said: str, part: float) -> str:
        return f"it did not end in {self._deadline * part:g} seconds" if "statement timeout" in said else said

    def columns(self, relation: str) -> dict[str, str]:
        """Give the columns of a SELECT in the database's own dialect, with the names that its driver has for their types.

        Raises:
            NotComputedError: as ``rows``.

        """
        found = self._patiently(lambda: self._run(f"SELECT * FROM ({relation}) AS nothing WHERE 1 = 0", 1.0), 1.0)
        return {column.name: str(getattr(column, "type_display", column.type_code)) for column in found.cursor.description}

    def sampled(self, name: str, height: int) -> str:
        """Give some rows of an input: rows of tables have no numbers."""
        return some_rows(name, f"random() < {min(SAMPLED / max(height, 1), 1):.9f}")

    def file(self, name: str) -> str:  # noqa: ARG002 (no input is one file)
        """Give none: the database plans by its own statistics."""
        return ""

    def written(self, sql: str) -> str:
        """Give a query as the database reads it, with the tables' own SELECTs."""
        return translated(sql, self._dialect, self._tables)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with suppress(exc.SQLAlchemyError):
                self._connection.close()
            self._connection = None
