"""Which engine measures an input: the project's, over the rows that intake left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.compute.duck_process import Bounds
from tulosvahti.compute.engine import Engine
from tulosvahti.compute.measuring import DuckEngine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.load.config import ComputeConfig


def engine_over(
    config: ComputeConfig, tables: Mapping[str, KeptRows], contracts: Mapping[str, Contract], as_of: date
) -> Engine:
    """Open the rows of each input in the project's engine."""
    if config.engine == "spark":
        from tulosvahti.compute.spark import SparkDatabase  # noqa: PLC0415 (an extra)

        files = {name: table.path.resolve().as_uri() for name, table in tables.items()}
        database = SparkDatabase(config.master, files, dict(config.settings), config.seconds)
        return Engine(database, contracts, as_of, {name: table.height for name, table in tables.items()})
    return DuckEngine(tables, contracts, as_of, Bounds(config.seconds, config.memory, config.threads))
