"""Which engine measures an input: the project's, over the rows that intake left, or the database that the input is in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from tulosvahti.compute.duck_ahead import start_ahead
from tulosvahti.core.rule import TargetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from tulosvahti.compute.engine import Engine
    from tulosvahti.compute.found import Measured, RowsMeasured
    from tulosvahti.compute.step import Step
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.core.rule import RowsSpec
    from tulosvahti.load.settings import ComputeConfig
    from tulosvahti.run.pushed import Pushed


class Measures(Protocol):
    """What judging asks of an engine."""

    @property
    def lost(self) -> str:
        """Why a database could not be reached, where one could not."""

    @property
    def steps(self) -> list[Step]:
        """What ``prepare`` did."""

    def prepare(self, specs: Iterable[TargetSpec | RowsSpec]) -> None:
        """Plan and run the measurements of a run."""

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure an indicator."""

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition row by row."""

    def look(self, name: str, columns: Sequence[str], equal: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """Give some columns of an input's rows."""

    def query_of(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query."""

    def close(self) -> None:
        """Let go of the database."""


class Later:
    """An engine that is opened when it is first asked: where everything is remembered, none is."""

    def __init__(self, open_it: Callable[[], Measures]) -> None:
        """Take how it is opened."""
        self._open = open_it
        self._opened: Measures | None = None

    def _there(self) -> Measures:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    @property
    def lost(self) -> str:
        """Why a database could not be reached."""
        return self._opened.lost if self._opened is not None else ""

    @property
    def steps(self) -> list[Step]:
        """What ``prepare`` did."""
        return self._opened.steps if self._opened is not None else []

    def prepare(self, specs: Iterable[TargetSpec | RowsSpec]) -> None:
        """Plan and run, if there is anything."""
        every = list(specs)
        if every:
            self._there().prepare(every)

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure an indicator."""
        return self._there().measure(spec)

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition row by row."""
        return self._there().rows(spec)

    def look(self, name: str, columns: Sequence[str], equal: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """Give some columns of an input's rows."""
        return self._there().look(name, columns, equal)

    def query_of(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query."""
        return self._there().query_of(spec)

    def close(self) -> None:
        """Let go of what was opened."""
        if self._opened is not None:
            self._opened.close()


class Routed:
    """Several engines, each with inputs of its own."""

    def __init__(self, default: Measures, others: Mapping[str, Measures], lost: str) -> None:
        """Take the engine of most inputs, those of the others, and why one of them could not be opened."""
        self._default = default
        self._others = others
        self._lost = lost

    @property
    def lost(self) -> str:
        """Why databases could not be reached."""
        return "; ".join(filter(None, [self._lost, *(engine.lost for engine in (self._default, *self._others.values()))]))

    @property
    def steps(self) -> list[Step]:
        """What ``prepare`` did, in all of them."""
        return [step for engine in (self._default, *self._others.values()) for step in engine.steps]

    def _of(self, name: str) -> Measures:
        return self._others.get(name, self._default)

    def prepare(self, specs: Iterable[TargetSpec | RowsSpec]) -> None:
        """Plan and run, each engine its own."""
        every = list(specs)
        for engine in (self._default, *self._others.values()):
            engine.prepare(spec for spec in every if self._of(_input_of(spec)) is engine)

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure an indicator where its input is."""
        return self._of(_input_of(spec)).measure(spec)

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition where its input is."""
        return self._of(spec.input).rows(spec)

    def look(self, name: str, columns: Sequence[str], equal: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """Give some columns of an input's rows."""
        return self._of(name).look(name, columns, equal)

    def query_of(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query."""
        return self._of(_input_of(spec)).query_of(spec)

    def close(self) -> None:
        """Let go of all."""
        for engine in (self._default, *self._others.values()):
            engine.close()


def _input_of(spec: TargetSpec | RowsSpec) -> str:
    return spec.measure.input if isinstance(spec, TargetSpec) else spec.input


def engines_over(
    config: ComputeConfig,
    tables: Mapping[str, KeptRows],
    pushed: Mapping[str, Pushed],
    contracts: Mapping[str, Contract],
    as_of: date,
) -> Measures:
    """Open each input where it is measured."""
    default = Later(lambda: engine_over(config, tables, contracts, as_of))
    if not pushed:
        return default
    from tulosvahti.compute.engine import Engine  # noqa: PLC0415 (heavy)

    others = {
        name: Engine(item.database, contracts, as_of, {name: item.height})
        for name, item in pushed.items()
        if item.database is not None
    }
    return Routed(default, others, "; ".join(filter(None, (item.lost for item in pushed.values()))))


def engine_ahead(config: ComputeConfig) -> None:
    """Start the process of an engine that is sure to be asked, so that it loads while this one does something else."""
    if config.engine == "duckdb":
        start_ahead()


def planner_ahead(config: ComputeConfig) -> None:
    """Load what measures while a process that reads loads: rows that are new are measured."""
    engine_ahead(config)
    import_module("tulosvahti.compute.measuring")


def engine_over(
    config: ComputeConfig, tables: Mapping[str, KeptRows], contracts: Mapping[str, Contract], as_of: date
) -> Engine:
    """Open the rows of each input in the project's engine."""
    if config.engine == "spark":
        from tulosvahti.compute.engine import Engine  # noqa: PLC0415 (heavy)
        from tulosvahti.compute.spark import SparkDatabase  # noqa: PLC0415 (an extra)

        files = {name: table.path.resolve().as_uri() for name, table in tables.items()}
        database = SparkDatabase(config.master, files, dict(config.settings), config.seconds)
        return Engine(database, contracts, as_of, {name: table.height for name, table in tables.items()})
    if tables:
        engine_ahead(config)
    from tulosvahti.compute.duck_process import Bounds  # noqa: PLC0415 (heavy)
    from tulosvahti.compute.measuring import DuckEngine  # noqa: PLC0415 (heavy)

    return DuckEngine(tables, contracts, as_of, Bounds(config.seconds, config.memory, config.threads))
