"""DuckDB as an engine: in process, over the rows of the inputs, with nothing to install.

Inputs are files of the row store (``core.kept_rows``), of which DuckDB reads the columns and row groups that a query needs, or
frames, for fixtures. Each is the view ``input_NAME``. The connection can open those files and nothing else, and write none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from tulosvahti.compute.engine import Engine, Measured, PassRun, RowsMeasured
from tulosvahti.compute.groups import NotComputedError
from tulosvahti.compute.parts_sql import literal, quoted
from tulosvahti.core.kept_rows import KeptRows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from tulosvahti.core.contract import Contract

__all__ = ["DuckEngine", "Measured", "NotComputedError", "PassRun", "RowsMeasured"]


class DuckDatabase:
    """The inputs' rows, with no access to anything else."""

    keeps_first = True

    def __init__(self, tables: Mapping[str, KeptRows | pl.DataFrame]) -> None:
        """Make a view of each; nothing of a file but its footer is read yet."""
        self._connection = duckdb.connect(":memory:")
        try:
            self._open(tables)
        except BaseException:
            self._connection.close()
            raise

    def _open(self, tables: Mapping[str, KeptRows | pl.DataFrame]) -> None:
        files = {name: str(table.path.resolve()) for name, table in tables.items() if isinstance(table, KeptRows)}
        run = self._connection.execute
        run(f"SET allowed_paths = [{', '.join(map(literal, files.values()))}]")
        run("SET enable_external_access = false")
        for name, table in tables.items():
            if isinstance(table, KeptRows):
                run(f"CREATE VIEW {quoted('input_' + name)} AS SELECT * FROM read_parquet({literal(files[name])})")
            else:
                self._connection.register(f"input_{name}", table)
        run("SET lock_configuration = true")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise NotComputedError(str(error).splitlines()[0]) from None

    def written(self, sql: str) -> str:
        """Give a query as it is: the generator writes DuckDB's dialect."""
        return sql

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


class DuckEngine(Engine):
    """Runs queries over the rows of the inputs, with no access to anything else."""

    def __init__(
        self, tables: Mapping[str, KeptRows | pl.DataFrame], contracts: Mapping[str, Contract], as_of: date
    ) -> None:
        """Open the rows of each input."""
        super().__init__(DuckDatabase(tables), contracts, as_of, {name: table.height for name, table in tables.items()})
