"""Expectations: rules that Great Expectations judges in a child process while the run goes on.

Great Expectations takes seconds to import and works on binary floats, so it never enters the run's own process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.child import environment
from tulosvahti.core.kept_rows import REJECTED, KeptRows
from tulosvahti.core.rule import named_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

NO_ELEMENT = "no_element"
NOT_COMPUTED = "not_computed"


@dataclass(frozen=True)
class ExpectationJob:
    """One expectation of a rule on an input."""

    rule: str
    input: str
    type: str
    kwargs: Mapping[str, Any]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ExpectationOutcome:
    """What came of a job; ``reason`` is empty where ``success`` is known."""

    rule: str
    success: bool | None
    evaluated: int
    unexpected: int
    reason: str
    detail: str
    examples: tuple[str, ...]
    run: str = ""
    """The run that judged it, where that was an earlier one."""


def without_rows(job: ExpectationJob) -> ExpectationOutcome:
    """Give the outcome of an expectation on an input that has no rows."""
    return not_computed(job, f"input {job.input!r} has no rows that can be measured")


def not_computed(job: ExpectationJob, detail: str) -> ExpectationOutcome:
    """Give the outcome of an expectation that nobody judged."""
    return ExpectationOutcome(job.rule, None, 0, 0, NOT_COMPUTED, detail, ())


class ExpectationRun:
    """A child process that starts at once; ``collect`` waits for it."""

    def __init__(
        self,
        jobs: Sequence[ExpectationJob],
        tables: Mapping[str, KeptRows | pl.DataFrame],
        workdir: Path,
        docs_dir: Path | None,
        timeout: float = 120.0,
    ) -> None:
        """Write the columns needed and start the child."""
        self._jobs = tuple(jobs)
        self._deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._failure = ""
        workdir.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="expectations-", dir=workdir)).resolve()
        self._result = self._folder / "results.json"
        runnable = [job for job in self._jobs if job.input in tables]
        if not runnable:
            return
        inputs = {}
        for number, name in enumerate(sorted({job.input for job in runnable})):
            path = self._folder / f"input{number}.parquet"
            wanted = {column for job in runnable if job.input == name for column in _columns(job)}
            _prepared(tables[name], wanted).sink_parquet(path)
            inputs[name] = str(path)
        order = {
            "inputs": inputs,
            "jobs": [
                {"rule": job.rule, "input": job.input, "type": job.type, "columns": _columns(job)}
                | {"kwargs": _plain(dict(job.kwargs))}
                for job in runnable
            ],
            "docs": str(docs_dir.resolve()) if docs_dir else "",
            "results": str(self._result),
        }
        jobfile = self._folder / "jobs.json"
        jobfile.write_text(json.dumps(order, ensure_ascii=False), encoding="utf-8")
        self._start(jobfile)

    def _start(self, jobfile: Path) -> None:
        quiet = environment() | {"GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"}
        command = [sys.executable, "-m", "tulosvahti.compute.expectations_child", str(jobfile)]
        with (self._folder / "log.txt").open("wb") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=quiet, cwd=self._folder
                )
            except OSError as error:
                self._failure = f"Great Expectations could not be started: {error}"

    def collect(self) -> tuple[ExpectationOutcome, ...]:
        """Wait for the child and give one outcome a job, in the order of the jobs."""
        found: dict[str, dict[str, Any]] = {}
        failure = self._failure
        if self._process is not None:
            failure = self._waited(self._process)
            if not failure:
                try:
                    found = json.loads(self._result.read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    failure = "Great Expectations left no readable results"
        outcomes = []
        for job in self._jobs:
            result = found.get(job.rule)
            if result is None:
                outcomes.append(not_computed(job, failure) if failure else without_rows(job))
            else:
                outcomes.append(ExpectationOutcome(**(result | {"examples": tuple(result["examples"])})))
        return tuple(outcomes)

    def _waited(self, process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(max(self._deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"Great Expectations did not finish in {self._timeout:g} seconds"
        if code == 0:
            return ""
        log = (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"Great Expectations stopped with code {code}" + (f": {log[-1]}" if log else "")


def _columns(job: ExpectationJob) -> list[str]:
    """Give the columns of a job, also those that only its arguments name."""
    named = [name for _, name in named_columns(job.kwargs)]
    return list(dict.fromkeys([*job.columns, *named]))


def _prepared(table: KeptRows | pl.DataFrame, wanted: set[str]) -> pl.LazyFrame:
    """Keep sound rows and needed columns, in the types that pandas knows: exact decimals end here."""
    import polars as pl  # noqa: PLC0415 - a run without expectations does not need it

    rows = pl.scan_parquet(table.path) if isinstance(table, KeptRows) else table.lazy()
    schema = rows.collect_schema()
    if REJECTED in schema:
        rows = rows.filter(~pl.col(REJECTED))
    casts = []
    for name, kind in schema.items():
        if name not in wanted or name.startswith("__"):
            continue
        if isinstance(kind, pl.Decimal):
            casts.append(pl.col(name).cast(pl.Float64))
        elif kind == pl.Date:
            casts.append(pl.col(name).cast(pl.Datetime("us")))
        else:
            casts.append(pl.col(name))
    if not casts:
        return rows.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    return rows.select(casts)


def _plain(value: Any) -> Any:  # noqa: ANN401 - arguments as the rule's file has them
    """Make arguments fit JSON; a date keeps its kind."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return {"$date": value.isoformat()} if isinstance(value, date) else value
