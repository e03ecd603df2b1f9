"""What spares an engine a read: the footers of files, and the tests that find doubles without a table of all keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.footer import LARGE, Footer
from tulosvahti.compute.footer_answers import all_rows_meet, counted, counts_all
from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.step import Step
from tulosvahti.compute.uniqueness import OutOfOrderError, ladder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from tulosvahti.compute.engine import Database
    from tulosvahti.compute.footer_answers import Counted
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import RowsSpec, TargetSpec

    Run = Callable[[str], list[tuple[Any, ...]]]


class Spared:
    """The footers of one database's files, and what the tests of keys gave. Every answer is exact, or None."""

    def __init__(self, database: Database, contracts: Mapping[str, Contract], heights: Mapping[str, int], as_of: date, run: Run) -> None:
        """Take the database, how many rows each input has, and how a query is run."""
        self._database = database
        self._contracts = contracts
        self._heights = heights
        self._as_of = as_of
        self._run = run
        self._footers: dict[str, Footer | None] = {}
        self._among: dict[tuple[str, tuple[str, ...]], str | None] = {}
        self.steps: list[Step] = []

    def finds_doubles(self, name: str) -> bool:
        """Tell whether the tests of keys can run on an input, and pay."""
        return self._database.reads_in_order and self._heights.get(name, 0) >= LARGE

    def among(self, name: str, fields: tuple[str, ...]) -> str | None:
        """Give the condition that all rows with a double key meet, as found before; None: it is to be found among all rows."""
        return self._among.get((name, fields))

    def find_doubles(self, wanted: Mapping[tuple[str, tuple[str, ...]], Iterable[str]]) -> None:
        """Run the tests for keys of inputs, each with the queries of the rules that ask."""
        for (name, fields), queries in wanted.items():
            if (name, fields) not in self._among:
                try:
                    self._among[name, fields] = self._tested(name, fields, tuple(queries))
                except NotComputedError:
                    self._among[name, fields] = None

    def _tested(self, name: str, fields: tuple[str, ...], queries: tuple[str, ...]) -> str | None:
        for rung in ladder(self._contracts[name], fields, self._heights[name], self._footer(name)):
            start = time.perf_counter()
            rows = self._run(rung.sql)
            how = f"for unique ({', '.join(fields)}) by {rung.how}"
            self.steps.append(Step(name, queries, how, rung.sql, len(rows), time.perf_counter() - start, self._database.memory))
            try:
                return rung.among(rows)
            except OutOfOrderError:
                continue
        return None

    def met_by_all(self, spec: RowsSpec, query: str) -> int | None:
        """Give the number of rows where the footer shows that all of them meet a rule; None: they have to be read."""
        footer = self._footer(spec.input)
        if footer is None or not all_rows_meet(spec, footer):
            return None
        self._told(spec.input, query)
        return footer.rows

    def counted(self, spec: TargetSpec, query: str) -> Counted | None:
        """Count all rows by period as far as the footer tells; None: it spares little."""
        name = spec.measure.input
        contract, footer = self._contracts[name], self._footer(name)
        found = counted(spec, footer, contract, self._as_of) if footer is not None and counts_all(spec, contract) else None
        if found is not None:
            self._told(name, query)
        return found

    def _told(self, name: str, query: str) -> None:
        self.steps.append(Step(name, (query,), "told by the footer of the file"))

    def _footer(self, name: str) -> Footer | None:
        if name not in self._footers:
            self._footers[name] = None
            if self._heights.get(name, 0) >= LARGE and (query := self._database.footer(name)):
                try:
                    self._footers[name] = Footer.read(self._run(query), self._contracts[name])
                except (NotComputedError, LookupError):
                    self._footers[name] = None
        return self._footers[name]
