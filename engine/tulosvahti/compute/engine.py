"""An engine: measurements over any database that runs the plan's SQL. Exact sums and counts out, nothing judged here.

``prepare`` runs the plan of all measurements of a run (``planning``); ``measure`` and ``rows`` read from what it found, and
run the rule's own query where the plan does not cover a rule or its pass failed. Both ways give the same numbers.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tulosvahti.compute.cells_sql import EXAMPLES, Draft
from tulosvahti.compute.folding import folded
from tulosvahti.compute.footer_answers import counts_all
from tulosvahti.compute.found import LostError, Measured, NotComputedError, RowsMeasured
from tulosvahti.compute.groups import Group as Parted
from tulosvahti.compute.groups import bounds_of, group_of, text_of, with_floating
from tulosvahti.compute.parts_sql import COUNTS, columns_of, literal, quoted
from tulosvahti.compute.planning import Pass, candidates, passes_of, planned
from tulosvahti.compute.rule_sql import RuleSql
from tulosvahti.compute.sampling import rows_at
from tulosvahti.compute.spared import Spared
from tulosvahti.compute.step import Step
from tulosvahti.compute.wanted import Wanted, wanted_of
from tulosvahti.compute.words import Words, joined
from tulosvahti.core.cells import Bundle, Cell, Chosen, Group, Recipe, bundled, first_rows, numbers
from tulosvahti.core.contract import FieldType
from tulosvahti.core.rule import RowsSpec, TargetSpec, inputs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from tulosvahti.compute.groups import Group as Parted
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Measure

_LEAST_PART = 0.1
FOLDED = 10_000
"""Rows from which it pays to look whether conditions can be folded."""
_FEW = 10_000
"""Rows of which all are read where some are asked for again and again."""


class Database(Protocol):
    """What holds the rows: tables ``input_NAME`` with the contract's fields, ``__row`` and ``__rejected``."""

    @property
    def keeps_first(self) -> bool:
        """True where an aggregate gives the least values of a group, so that a pass finds failing rows by itself."""

    @property
    def memory(self) -> int:
        """The most bytes that the last query held; 0: not known."""

    @property
    def reads_in_order(self) -> bool:
        """True where ``lag`` without an order gives the row before in the file, and ``hash`` is known: it is DuckDB."""

    def rows(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:
        """Run a query of the generator's dialect, DuckDB's, within that part of the deadline.

        Raises:
            NotComputedError: the database refused it or failed.
            LostError: it is not there.

        """

    def sampled(self, name: str, height: int) -> str:
        """Give about ``SAMPLED`` rows of an input of so many, as a table that is called as the input is."""

    def file(self, name: str) -> str:
        """Give the Parquet file of an input, of which the query ``footer.query_of`` tells; empty: it is none."""

    def written(self, sql: str) -> str:
        """Give a query as the database reads it, for evidence."""

    def close(self) -> None:
        """Let go of the database."""


@dataclass
class PassRun:
    """A pass with what it gave: its cells, how long it took, and the groups made of the cells so far."""

    done: Pass
    cells: list[Cell]
    seconds: float
    memory: int = 0
    _bundles: dict[Chosen, dict[Group, Bundle]] = field(default_factory=dict, repr=False)
    _named: dict[int, dict[str, Any]] | None = field(default=None, repr=False)

    def groups(self, query: str) -> tuple[dict[Group, Bundle], Recipe]:
        """Give the groups of a measurement, and where its numbers lie in their cells."""
        chosen, recipe = self.done.read[query]
        if chosen not in self._bundles:
            self._bundles[chosen] = bundled(self.cells, chosen)
        return self._bundles[chosen], recipe

    def first_rows(self, query: str) -> list[int]:
        """Give the numbers of the first failing rows of a measurement."""
        return first_rows(*self.groups(query))[:EXAMPLES]

    def named(self, fields: Sequence[str], doubles: Iterable[int], read: Callable[[Sequence[int]], list[tuple[Any, ...]]]) -> dict[int, dict[str, Any]]:
        """Give the fields of all first failing rows, by row number: one read for all measurements of the pass.

        ``read`` gives the number and the fields of rows by their numbers.
        """
        if self._named is None:
            wanted = sorted({number for query in self.done.read for number in self.first_rows(query)} | set(doubles))
            self._named = {row[0]: dict(zip(fields, row[1:], strict=True)) for row in read(wanted)}
        return self._named


class Engine:
    """Measures rules over the inputs that a database holds."""

    def __init__(
        self, database: Database, contracts: Mapping[str, Contract], as_of: date, heights: Mapping[str, int]
    ) -> None:
        """Take the database; ``heights``: about how many rows each input in it has."""
        self._database = database
        self._contracts = contracts
        self._rules = RuleSql(contracts, as_of)
        self._words = Words(contracts)
        self._heights = heights
        self._spared = Spared(database, contracts, heights, as_of, self._run)
        self._known: dict[str, Measured | RowsMeasured] = {}
        """By the rule's own query: what was told without a pass."""
        self._runs: dict[str, PassRun] = {}
        self._answers: dict[str, list[tuple[Any, ...]]] = {}
        """Of rules' own queries, which several rules may share."""
        self._shown: dict[str, set[str]] = defaultdict(set)
        """By input: the fields by which rules name failing rows."""
        self.passes: list[PassRun] = []
        """The passes that ``prepare`` ran, in their order."""
        self.lost = ""
        """Why the database could not be reached, where it could not: its rules are unknown, and the run not complete."""

    @property
    def steps(self) -> list[Step]:
        """What ``prepare`` did, for people."""
        passes = [
            Step(run.done.input, tuple(run.done.read), "in one query", run.done.sql, len(run.cells), run.seconds, run.memory)
            for run in self.passes
        ]
        return [*passes, *self._spared.steps]

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def query_of(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query, as evidence holds it."""
        return self._rules.query(self._words.asked(spec).spec)

    def look(self, name: str, columns: Sequence[str], equal: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """Give some columns of an input's rows in the order of the file: all, or those where a field equals a text.

        Raises:
            NotComputedError: the database refused the query.

        """
        few = self._heights.get(name, _FEW) < _FEW
        if equal is None or not few or self._contracts[name].field(equal[0]).type is not FieldType.STRING:
            where = f" WHERE {quoted(equal[0])} = {literal(equal[1])}" if equal is not None else ""
            return self._looked(name, columns, where, self._own if few else self._run)
        # One query for all rules that look there.
        rows = self._looked(name, [*columns, equal[0]], "", self._own)
        return [{column: row[column] for column in columns} for row in rows if row[equal[0]] == equal[1]]

    def _looked(
        self, name: str, columns: Sequence[str], where: str, run: Callable[[str], list[tuple[Any, ...]]]
    ) -> list[dict[str, Any]]:
        chosen = list(dict.fromkeys(columns))
        sql = f"SELECT {', '.join(map(quoted, chosen))} FROM {quoted('input_' + name)}{where} ORDER BY __row"
        return [dict(zip(chosen, row, strict=True)) for row in run(sql)]

    def prepare(self, specs: Iterable[TargetSpec | RowsSpec]) -> None:
        """Plan and run the measurements of a run. What fails is left to the rule's own query."""
        by_input: dict[str, dict[str, Wanted]] = defaultdict(dict)
        unique: dict[tuple[str, tuple[str, ...]], dict[str, str]] = defaultdict(dict)
        counts: dict[str, TargetSpec] = {}
        every = [self._words.asked(spec) for spec in specs]
        for spec in [one for asked in every for one in (asked.spec, *(item.spec for item in asked.beside))]:
            wanted = wanted_of(spec, self._rules, listed=self._database.keeps_first)
            if wanted is None or not self._heights.keys() >= inputs_of(spec).keys() or self._told(spec, wanted.query):
                continue
            if isinstance(spec, RowsSpec) and spec.unique:
                if not self._spared.finds_doubles(spec.input):
                    continue
                unique[spec.input, spec.unique][wanted.query] = self._rules.compiled(spec.where, None)
            by_input[wanted.input].setdefault(wanted.query, self._spared.lighter(spec, wanted))
            self._shown[wanted.input].update(spec.key if isinstance(spec, RowsSpec) else ())
            if isinstance(spec, TargetSpec) and counts_all(spec, self._contracts[wanted.input]):
                counts[wanted.query] = spec
        self._spared.find_doubles(unique)
        tested = {query for queries in unique.values() for query in queries}
        for name, found in by_input.items():
            items = list(found.values())
            if all(item.query in counts and self._count(counts[item.query], item.query) for item in items):
                continue
            if len(items) == 1 and items[0].query not in tested:
                continue
            try:
                values = self._values(name, candidates(items))
            except NotComputedError:
                continue
            for some, keys in passes_of(items, values):
                self._try(some, keys)

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure every subject and period of an indicator that is known.

        Raises:
            NotComputedError: the database refused the query.

        """
        asked = self._words.asked(spec)
        sql = self._rules.query(asked.spec)
        if isinstance(known := self._known.get(sql), Measured):
            return known
        groups = joined(asked, self._groups(asked.spec), [self._groups(item.spec) for item in asked.beside])
        queries = [sql, *(self._rules.query(item.spec) for item in asked.beside)]
        return Measured(with_floating(asked.spec.measure, groups), ";\n".join(map(self._database.written, queries)))

    def _groups(self, spec: TargetSpec) -> list[Parted]:
        """Give the parts of each group, from its pass or by the rule's own query."""
        measure, sql = spec.measure, self._rules.query(spec)
        if run := self._runs.get(sql):
            bundles, recipe = run.groups(sql)
            rows = [(start, by, numbers(bundle, recipe, run.done.parts)) for (start, by), bundle in bundles.items()]
        else:
            rows = self._rows_by_group(measure, self._own(sql))
        bounds = bounds_of(measure, self._contracts[measure.input])
        return [group_of(spec.grain, bounds, *row) for row in rows]

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition row by row.

        Raises:
            NotComputedError: the database refused the query.

        """
        spec = self._words.asked(spec).spec
        sql = self._rules.query(spec)
        if isinstance(known := self._known.get(sql), RowsMeasured):
            return known
        run = self._runs.get(sql)
        doubles = self._spared.doubles.get(sql) if spec.unique else []
        if run and doubles is not None and self._shown[spec.input].issuperset(spec.key):
            return self._rows_of(spec, sql, run, doubles)
        met, failed, unsure = self._own(sql)[0]
        return RowsMeasured(met, failed, unsure, self._failing(spec) if failed else (), self._database.written(sql))

    def _failing(self, spec: RowsSpec) -> tuple[Mapping[str, str], ...]:
        return _examples(spec, self._own(f"{self._rules.failing(spec)} LIMIT {EXAMPLES}"))

    def _rows_of(self, spec: RowsSpec, sql: str, run: PassRun, doubles: Sequence[int]) -> RowsMeasured:
        bundles, recipe = run.groups(sql)
        found = [numbers(bundle, recipe, run.done.parts) for bundle in bundles.values()]
        unknown = ("unsure", "scope_yes", "scope_no", "scope_unsure", "rejected")
        met, failed = (sum(item[name] for item in found) for name in ("yes", "no"))
        unsure = sum(item[name] for item in found for name in unknown)
        if recipe.first is None and failed:
            return RowsMeasured(met, failed, unsure, self._failing(spec), self._database.written(sql))
        met, failed = met - len(doubles), failed + len(doubles)
        first = sorted([*run.first_rows(sql), *doubles])[:EXAMPLES]
        rows = self._named(run) if first and spec.key else {}
        listed = [(row, *(rows[row][name] for name in spec.key)) for row in first]
        return RowsMeasured(met, failed, unsure, _examples(spec, listed), self._database.written(sql))

    def _named(self, run: PassRun) -> dict[int, dict[str, Any]]:
        name = run.done.input
        fields = sorted(self._shown[name])

        def read(numbers: Sequence[int]) -> list[tuple[Any, ...]]:
            rows = rows_at(name, self._database.file(name), self._spared.first_row(name), numbers)
            return self._run(f"SELECT {', '.join(['__row', *map(quoted, fields)])} FROM {rows}")

        return run.named(fields, self._spared.first_doubles(run.done.read), read)

    def _told(self, spec: TargetSpec | RowsSpec, query: str) -> bool:
        """Tell whether a rule is answered without reading a row."""
        if isinstance(spec, RowsSpec) and query not in self._known and (rows := self._spared.met_by_all(spec, query)):
            self._known[query] = RowsMeasured(rows, 0, 0, (), self._database.written(query))
        return query in self._known

    def _count(self, spec: TargetSpec, query: str) -> bool:
        """Count all rows by period in the footer and in the row groups that it leaves open; tell whether that paid."""
        measure, told = spec.measure, self._spared.counted(spec, query)
        if told is None:
            return False
        found = {(start, ()): Counter(dict.fromkeys(("rows", "taken", "yes"), rows)) for start, rows in told.rows.items()}
        try:
            rest = self._own(self._rules.measure(spec, told.among)) if told.among else []
        except NotComputedError:
            return False
        for start, by, counted in self._rows_by_group(measure, rest):
            found.setdefault((start, by), Counter()).update(counted)
        groups = [group_of(spec.grain, {}, start, by, {name: item[name] for name in COUNTS}) for (start, by), item in found.items()]
        self._known[query] = Measured(with_floating(measure, groups), self._database.written(query))
        return True

    def _rows_by_group(self, measure: Measure, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
        """Take the rows of a rule's own query apart: the period's first day, the subject, the named numbers."""
        names, width = [name for name, _ in columns_of(measure, hidden=self._rules.hidden(measure))], len(measure.by) + 1
        return [(row[0], row[1:width], dict(zip(names, row[width:], strict=True))) for row in rows]

    def _try(self, wanted: Sequence[Wanted], keys: frozenset[str], part: float = 1.0) -> None:
        """Run a division of the plan; where a pass fails, halve it until what fails stands alone."""
        for made in planned(wanted, keys, self._fold):
            start = time.perf_counter()
            try:
                cells = self._run(made.sql, part)
            except LostError:
                return
            except NotComputedError:
                mine = [item for item in wanted if item.query in made.read]
                half = len(mine) // 2
                # What hangs would hold every half up for the whole deadline.
                for some in (mine[:half], mine[half:]) if half else ():
                    self._try(some, keys, max(part / 2, _LEAST_PART))
                continue
            run = PassRun(made, cells, time.perf_counter() - start, self._database.memory)
            self.passes.append(run)
            self._runs |= dict.fromkeys(made.read, run)

    def _fold(self, draft: Draft) -> list[str] | None:
        if not self._database.reads_in_order or self._heights[draft.input] < FOLDED:
            return None
        try:
            return folded(draft, self._sampled(draft.input), self._run)
        except NotComputedError:
            return None

    def _sampled(self, name: str) -> str:
        return self._database.sampled(name, self._heights[name])

    def _values(self, name: str, fields: Sequence[str]) -> dict[str, int]:
        """Guess how many different values fields have, from every so many rows."""
        if not fields:
            return {}
        counts = ", ".join(f"count(DISTINCT {quoted(item)})" for item in fields)
        found = self._run(f"SELECT {counts} FROM {self._sampled(name)}")[0]
        return dict(zip(fields, found, strict=True))

    def _own(self, sql: str) -> list[tuple[Any, ...]]:
        if sql not in self._answers:
            self._answers[sql] = self._run(sql)
        return self._answers[sql]

    def _run(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:
        if self.lost:
            raise LostError(self.lost)
        try:
            return self._database.rows(sql, part)
        except LostError as error:
            self.lost = str(error)
            raise


def _examples(spec: RowsSpec, found: Iterable[tuple[Any, ...]]) -> tuple[Mapping[str, str], ...]:
    names = ("row", *spec.key)
    return tuple(
        # Rows of a database have no numbers.
        {name: text_of(value) for name, value in zip(names, row, strict=True) if name != "row" or value is not None}
        for row in found
    )
