"""DuckDB as an engine: in process, over the frames of the inputs, with nothing to install."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from tulosvahti.compute.engine import Engine, Measured, PassRun, RowsMeasured
from tulosvahti.compute.groups import NotComputedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from tulosvahti.core.contract import Contract

__all__ = ["DuckEngine", "Measured", "NotComputedError", "PassRun", "RowsMeasured"]


class DuckDatabase:
    """Frames in memory, with no access to anything else."""

    keeps_first = True

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Register the frames."""
        self._connection = duckdb.connect(":memory:")
        for name, frame in frames.items():
            self._connection.register(f"input_{name}", frame)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

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
    """Runs queries over the frames of the inputs, in memory, with no access to anything else."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], contracts: Mapping[str, Contract], as_of: date) -> None:
        """Register the frames."""
        super().__init__(DuckDatabase(frames), contracts, as_of, {name: frame.height for name, frame in frames.items()})
