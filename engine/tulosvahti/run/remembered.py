"""Measurements that did not change since they were made: the same rows, the same definition, the same programme.

A key names the rows by their file of the row store (content, contract and reader), the rule's own query, and the code that
measures. The day of knowledge is part of it only where it matters: where an expression speaks of it, or rows lie after it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti import __version__
from tulosvahti.compute.expectations import NOT_COMPUTED, without_rows
from tulosvahti.compute.found import Measured, RowsMeasured
from tulosvahti.compute.remembering import expected_of, found_of, plain_expected, plain_of, plain_rows, rows_of
from tulosvahti.core.rule import RowsSpec, TargetSpec, inputs_of
from tulosvahti.load.row_store import installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.compute.expectations import ExpectationJob, ExpectationOutcome
    from tulosvahti.compute.step import Step
    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.run.engines import Measures
    from tulosvahti.store.measured import MeasuredStore

_FEW = 1_000
"""Rows that are worth remembering as they are."""


_CORE = ("cells", "measure", "ranges", "worded")
"""Modules of the core that measuring rests on."""


class Remembered:
    """An engine that measures what no earlier run did."""

    def __init__(  # noqa: PLR0913 (what is measured, by what, on what, and what is known)
        self, inner: Measures, tables: Mapping[str, KeptRows], contracts: Mapping[str, Contract], as_of: date,
        store: MeasuredStore, run: str,
    ) -> None:  # fmt: skip
        """Take the engine, and what earlier runs remember of the inputs that lie in files."""
        self._inner = inner
        self._tables = tables
        self._contracts = contracts
        self._as_of = as_of
        self._store = store
        self._run = run
        self._before = {name: store.read(name) for name in tables}
        self._reads: dict[str, str] = {}
        # By the identity of a specification, which is kept so that no other takes its place.
        self._keys: dict[int, tuple[object, str]] = {}
        self._found: dict[int, tuple[object, Measured | RowsMeasured | None]] = {}
        self._after: dict[str, dict[str, Any]] = {name: {} for name in tables}

    @property
    def lost(self) -> str:
        """Why a database could not be reached."""
        return self._inner.lost

    @property
    def steps(self) -> list[Step]:
        """What was run now."""
        return self._inner.steps

    def prepare(self, specs: Iterable[TargetSpec | RowsSpec]) -> None:
        """Plan and run what is not remembered."""
        self._inner.prepare(spec for spec in specs if self._known(spec) is None)

    def measure(self, spec: TargetSpec) -> Measured:
        """Measure an indicator, or remember it."""
        known = self._known(spec)
        if not isinstance(known, Measured):
            known = self._inner.measure(spec)
        self._keep(spec, known)
        return known

    def rows(self, spec: RowsSpec) -> RowsMeasured:
        """Judge a condition row by row, or remember how it went."""
        known = self._known(spec)
        if not isinstance(known, RowsMeasured):
            known = self._inner.rows(spec)
        self._keep(spec, known)
        return known

    def look(self, name: str, columns: Sequence[str], equal: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """Give some columns of an input's rows, or remember them, where they are few."""
        if name not in self._tables or self._tables[name].height > _FEW:
            return self._inner.look(name, columns, equal)
        key = _digest(f"{self._read_of(name)} {list(columns)!r} {equal!r}")
        known = self._before[name].get(key)
        with suppress(LookupError, TypeError, ValueError):
            if known is not None:
                found = rows_of(known["found"])
                self._after[name][key] = known
                return found
        found = self._inner.look(name, columns, equal)
        with suppress(TypeError):
            self._after[name][key] = {"run": self._run, "rows": self._tables[name].path.name, "found": plain_rows(found)}
        return found

    def expected(self, jobs: Sequence[ExpectationJob]) -> tuple[ExpectationOutcome, ...] | None:
        """Give how expectations went, where nothing of any changed; None: all are judged anew, so that their documents are whole."""
        found = []
        for job in jobs:
            if job.input not in self._tables:
                found.append(without_rows(job))
                continue
            if _asks_when_judged(job):
                return None
            try:
                item = self._before[job.input][self._job_key(job)]
                found.append(expected_of(item["found"], job.rule, str(item["run"])))
            except (LookupError, TypeError, ValueError):
                return None
        return tuple(found)

    def keep_expected(self, jobs: Sequence[ExpectationJob], outcomes: Sequence[ExpectationOutcome]) -> None:
        """Remember how expectations went; of one that could not be judged the next run may know more."""
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.input in self._tables and outcome.reason != NOT_COMPUTED and not outcome.run:
                rows = self._tables[job.input].path.name
                self._after[job.input][self._job_key(job)] = {"run": self._run, "rows": rows, "found": plain_expected(outcome)}

    def _job_key(self, job: ExpectationJob) -> str:
        return _digest(f"{self._read_of(job.input)} {job.type} {job.kwargs!r} {job.columns!r} {_judges()}")

    def query_of(self, spec: TargetSpec | RowsSpec) -> str:
        """Give a rule's own query."""
        return self._inner.query_of(spec)

    def close(self) -> None:
        """Let go of the engine."""
        self._inner.close()

    def save(self) -> None:
        """Remember what this run asked for; what it did not ask for stays as it was."""
        for name, found in self._after.items():
            if found and self._before[name] != self._before[name] | found:
                rows = self._tables[name].path.name
                kept = {key: item for key, item in self._before[name].items() if item["rows"] == rows}
                self._store.write(name, kept | found)

    def _known(self, spec: TargetSpec | RowsSpec) -> Measured | RowsMeasured | None:
        if id(spec) not in self._found:
            self._found[id(spec)] = spec, self._looked_up(spec)
        return self._found[id(spec)][1]

    def _looked_up(self, spec: TargetSpec | RowsSpec) -> Measured | RowsMeasured | None:
        name = _input_of(spec)
        if not self._tables.keys() >= inputs_of(spec).keys() or (found := self._before[name].get(self._key(name, spec))) is None:
            return None
        try:
            return found_of(found["found"], str(found["run"]))
        except (LookupError, TypeError, ValueError):
            return None

    def _keep(self, spec: TargetSpec | RowsSpec, found: Measured | RowsMeasured) -> None:
        name = _input_of(spec)
        if self._tables.keys() >= inputs_of(spec).keys():
            rows = self._tables[name].path.name
            key = self._key(name, spec)
            known = found is self._known(spec)
            # What was looked up is kept as it was.
            item = self._before[name][key] if known else {"run": found.run or self._run, "rows": rows, "found": plain_of(found)}
            self._after[name][key] = item

    def _key(self, name: str, spec: TargetSpec | RowsSpec) -> str:
        if id(spec) not in self._keys:
            known: tuple[object, ...] = (spec,) if isinstance(spec, RowsSpec) else (spec.measure, spec.grain)
            day = None if self._settled(spec) else self._as_of
            referred = [self._tables[read].path.name for read in inputs_of(spec) if read != name]
            text = f"{self._read_of(name)} {referred} {known!r} {day}"
            self._keys[id(spec)] = spec, _digest(text)
        return self._keys[id(spec)][1]

    def _read_of(self, name: str) -> str:
        """Name what the measurements of an input have in common: the code, the rows, the contract."""
        if name not in self._reads:
            contract = self._contracts[name]
            self._reads[name] = repr((_code(), self._tables[name].path.name, contract.fields, contract.known_on))
        return self._reads[name]

    def _settled(self, spec: TargetSpec | RowsSpec) -> bool:
        """Tell whether another day of knowledge would give the same."""
        if isinstance(spec, RowsSpec):
            return not _speaks_of_today(spec.require, spec.where)
        measure = spec.measure
        newest = dict(self._tables[measure.input].newest)
        dated = [name for name in (measure.period, self._contracts[measure.input].known_on) if name]
        by_then = all(name in newest and newest[name] <= self._as_of for name in dated)
        return by_then and not _speaks_of_today(measure.expression, measure.where)


def _input_of(spec: TargetSpec | RowsSpec) -> str:
    return spec.measure.input if isinstance(spec, TargetSpec) else spec.input


def _speaks_of_today(*expressions: Expression | None) -> bool:
    return any(item.names_today for item in expressions if item is not None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _asks_when_judged(job: ExpectationJob) -> bool:
    """Tell an expectation whose arguments Great Expectations finds out anew: of them, ``now()`` is another each time."""
    return "$PARAMETER" in repr(job.kwargs)


@cache
def _judges() -> tuple[str, ...]:
    """Name the releases of the libraries that judge expectations."""
    return tuple(map(installed, ("great_expectations", "pandas", "numpy")))


@cache
def _code() -> str:
    """Name the code that measures: its version and its files, so that a change of it measures everything anew."""
    package = Path(__file__).resolve().parents[1]
    places = [*sorted((package / "compute").glob("*.py")), *(package / "core" / f"{name}.py" for name in _CORE)]
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in places]
    return _digest(repr((__version__, facts)))
