"""DuckDB as an engine: over the rows of the inputs, with nothing to install.

Inputs are files of the row store (``core.kept_rows``), of which DuckDB, in a process of its own (``duck_process``), reads the
columns and row groups that a query needs; or frames, for fixtures, in this process. Each is the view ``input_NAME``. The
connection can open those files and nothing else, and write none.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.duck_process import Bounds, DuckProcess
from tulosvahti.compute.engine import Engine
from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.parts_sql import literal, quoted
from tulosvahti.compute.sampling import some_numbered_rows, some_rows_of_file
from tulosvahti.core.kept_rows import KeptRows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from tulosvahti.core.contract import Contract

_BOUNDS = Bounds()


class DuckDatabase:
    """The inputs' rows, with no access to anything else."""

    keeps_first = True
    reads_in_order = True
    memory = 0

    def __init__(self, tables: Mapping[str, KeptRows | pl.DataFrame]) -> None:
        """Make a view of each; nothing of a file but its footer is read yet."""
        import duckdb  # noqa: PLC0415 (a run has it in another process)

        self._failure = duckdb.Error
        self._connection = duckdb.connect(":memory:")
        try:
            self._open(tables)
        except BaseException:
            self._connection.close()
            raise

    def _open(self, tables: Mapping[str, KeptRows | pl.DataFrame]) -> None:
        files = self._files = {name: str(table.path.resolve()) for name, table in tables.items() if isinstance(table, KeptRows)}
        run = self._connection.execute
        run(f"SET allowed_paths = [{', '.join(map(literal, files.values()))}]")
        run("SET enable_external_access = false")
        for name, table in tables.items():
            if isinstance(table, KeptRows):
                run(f"CREATE VIEW {quoted('input_' + name)} AS SELECT * FROM read_parquet({literal(files[name])})")
            else:
                self._connection.register(f"input_{name}", table)
        run("SET lock_configuration = true")

    def rows(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:  # noqa: ARG002 (fixtures are small)
        """Run a query."""
        try:
            return self._connection.execute(sql).fetchall()
        except self._failure as error:
            raise NotComputedError(str(error).splitlines()[0]) from None

    def sampled(self, name: str, height: int) -> str:
        """Give some rows of an input."""
        return some_rows_of_file(name, self._files[name], height) if name in self._files else some_numbered_rows(name, height)

    def file(self, name: str) -> str:
        """Give the file of an input; a frame is none."""
        return self._files.get(name, "")

    def written(self, sql: str) -> str:
        """Give a query as it is: the generator writes DuckDB's dialect."""
        return sql

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


class DuckEngine(Engine):
    """Runs queries over the rows of the inputs, with no access to anything else."""

    def __init__(
        self,
        tables: Mapping[str, KeptRows | pl.DataFrame],
        contracts: Mapping[str, Contract],
        as_of: date,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        """Open the rows of each input."""
        files = {name: table.path for name, table in tables.items() if isinstance(table, KeptRows)}
        database: DuckProcess | DuckDatabase
        if files and len(files) == len(tables):
            database = DuckProcess(files, bounds)
            with suppress(NotComputedError):  # told by the first query
                database.start()
        else:
            database = DuckDatabase(tables)
        super().__init__(database, contracts, as_of, {name: table.height for name, table in tables.items()})
