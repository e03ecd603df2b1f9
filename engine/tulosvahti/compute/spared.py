"""What spares an engine a read: the footers of files, and the tests that find doubles without a table of all keys."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.cells_sql import EXAMPLES
from tulosvahti.compute.footer import LARGE, WHOLE, Footer, query_of
from tulosvahti.compute.footer_answers import all_known, counted, counts_all, each_row_meets, range_of_keys
from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.keys_sql import complete, is_among_keys
from tulosvahti.compute.parts_sql import literal, quoted
from tulosvahti.compute.rule_sql import sql_of
from tulosvahti.compute.step import Step
from tulosvahti.compute.uniqueness import OutOfOrderError, ladder
from tulosvahti.core.rule import RowsSpec, TargetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
    from datetime import date

    from tulosvahti.compute.engine import Database
    from tulosvahti.compute.footer_answers import Counted
    from tulosvahti.compute.wanted import Wanted
    from tulosvahti.core.contract import Contract

    Run = Callable[[str], list[tuple[Any, ...]]]

MOST_ROWS = 20_000
"""Rows that are doubles of each other, to be looked at one by one; of more the rule's own query tells."""


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
        self.doubles: dict[str, list[int]] = {}
        """By the query of a rule of unique values: the numbers of the rows whose key another row in scope has."""
        self._answers: dict[Hashable, bool] = {}
        """What the footers told, which many rules ask."""
        self.steps: list[Step] = []

    def finds_doubles(self, name: str) -> bool:
        """Tell whether the tests of keys can run on an input, and pay."""
        return self._database.reads_in_order and self._heights.get(name, 0) >= LARGE

    def first_doubles(self, queries: Iterable[str]) -> Iterator[int]:
        """Give the numbers of the first doubles of each of these rules."""
        for query in queries:
            yield from self.doubles.get(query, ())[:EXAMPLES]

    def find_doubles(self, wanted: Mapping[tuple[str, tuple[str, ...]], Mapping[str, str]]) -> None:
        """Run the tests for keys of inputs, each with the queries of the rules that ask, and their scopes; what fails tells nothing."""
        for (name, fields), scopes in wanted.items():
            with suppress(NotComputedError):
                among = self._among(name, fields, tuple(scopes))
                if among is not None:
                    self.doubles |= self._doubles(name, fields, scopes, among) if among else {query: [] for query in scopes}

    def _doubles(self, name: str, fields: tuple[str, ...], scopes: Mapping[str, str], among: str) -> dict[str, list[int]]:
        """Find the doubles of each scope among the rows that may be some: one read for all."""
        keys, asked = ", ".join(map(quoted, fields)), list(dict.fromkeys(scopes.values()))
        named = ", ".join(f"({scope}) AS __scope{at}" for at, scope in enumerate(asked))
        rows = self._run(
            f"WITH few AS MATERIALIZED (SELECT __row, {named}, {keys} FROM {quoted('input_' + name)}"
            f" WHERE NOT __rejected AND {complete(fields)} AND ({among}))\nSELECT * FROM few"
            f" WHERE ({keys}) IN (SELECT ({keys}) FROM few GROUP BY {keys} HAVING count(*) > 1) ORDER BY __row LIMIT {MOST_ROWS + 1}"
        )
        if len(rows) > MOST_ROWS:
            return {}
        found = {}
        for at, scope in enumerate(asked, 1):
            mine = [(row[0], row[len(asked) + 1 :]) for row in rows if row[at]]
            times = Counter(key for _, key in mine)
            found[scope] = [number for number, key in mine if times[key] > 1]
        return {query: found[scope] for query, scope in scopes.items()}

    def _among(self, name: str, fields: tuple[str, ...], queries: tuple[str, ...]) -> str | None:
        """Give a condition that all rows with a double key meet, empty where there are none; None: it is to be found among all rows."""
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
        if footer is None or spec.unique or spec.where or not footer.rows or not footer.is_sound or not each_row_meets(spec, footer):
            return None
        self._told(spec.input, query)
        return footer.rows

    def first_row(self, name: str) -> int | None:
        """Give the number of the first row of an input, where its rows are numbered without a gap."""
        footer = self._footer(name)
        return None if footer is None else footer.first_row

    def lighter(self, spec: RowsSpec | TargetSpec, wanted: Wanted) -> Wanted:
        """Leave out of a measurement what the footers tell of all rows."""
        footer = self._footer(wanted.input)
        if footer is None:
            return wanted
        sound = footer.is_sound
        if isinstance(spec, TargetSpec):
            measure, contract = spec.measure, self._contracts[wanted.input]
            known = self._once((wanted.input, measure.period), lambda: all_known(measure, footer, contract, self._as_of))
            return replace(wanted, sound=sound, known="" if known else wanted.known)
        if found := spec.references:
            referred = self._footer(found.input, 0) if self._contracts[wanted.input].field(found.fields[0]).type in WHOLE else None
            ends = None if referred is None else range_of_keys(found, referred, self._contracts[found.input])
            value, join = (is_among_keys(found, spec.missing, ends), "") if ends else (wanted.value, wanted.join)
            return replace(wanted, sound=sound, value=value, join=join)
        asked = wanted.input, *sql_of(spec.require), spec.unique, spec.missing
        met = self._once(asked, lambda: each_row_meets(spec, footer))
        return replace(wanted, sound=sound, value="TRUE", compared=()) if met else replace(wanted, sound=sound)

    def _once(self, asked: Hashable, tell: Callable[[], bool]) -> bool:
        if asked not in self._answers:
            self._answers[asked] = tell()
        return self._answers[asked]

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

    def _footer(self, name: str, least: int | None = None) -> Footer | None:
        """Give the footer of an input's file that has at least so many rows."""
        if self._heights.get(name, 0) < (LARGE if least is None else least):
            return None
        if name not in self._footers:
            self._footers[name] = None
            if path := self._database.file(name):
                try:
                    self._footers[name] = Footer.read(self._run(query_of(literal(path))), self._contracts[name])
                except (NotComputedError, LookupError):
                    self._footers[name] = None
        return self._footers[name]
