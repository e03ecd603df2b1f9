"""DuckDB in a process of its own: a query that runs past its deadline, or takes too much, ends without ending the run.

The parent starts the child with its first query and again after it had to end it, and once more where it dies as it starts; it loads no DuckDB itself.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

from tulosvahti.child import end_late
from tulosvahti.compute.duck_ahead import close, started
from tulosvahti.compute.found import NotComputedError
from tulosvahti.compute.sampling import some_rows_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_FAREWELL = 2.0
_START = 120.0
"""Seconds that the process may take to load and to open the files, on a machine that is busy."""
_READ: dict[str, Callable[[str], Any]] = {"decimal": Decimal, "date": date.fromisoformat}


@dataclass(frozen=True)
class Bounds:
    """What measuring may take: seconds of one query, bytes beyond which it spills to disk, threads (0: all processors)."""

    seconds: float = 300.0
    memory: int = 1 << 30
    threads: int = 0


class _DiedError(NotComputedError):
    """The process ended by itself, or was ended from outside."""


class DuckProcess:
    """Files of the row store as inputs of a DuckDB in a child process."""

    keeps_first = True
    reads_in_order = True

    def __init__(self, files: Mapping[str, Path], bounds: Bounds) -> None:
        """Remember the files; the process starts with the first query."""
        self._files = {name: str(path.resolve()) for name, path in files.items()}
        self._bounds = bounds
        self._process: subprocess.Popen[bytes] | None = None
        self._spill: Path | None = None
        self._ready = False
        self.memory = 0
        """The most bytes that the last query held."""

    def start(self) -> None:
        """Start the process, so that it loads while its parent does something else."""
        if self._process is not None:
            return
        self._spill = Path(tempfile.mkdtemp(prefix="tulosvahti-spill-"))
        order = {
            "files": self._files, "memory": self._bounds.memory, "spill": str(self._spill), "threads": self._bounds.threads,
        }  # fmt: skip
        try:
            self._process = started()
        except OSError as error:
            self.close()
            raise NotComputedError(f"the database's process could not be started: {error}") from None
        with self._in_time(_START):
            self._say(json.dumps(order).encode() + b"\n")

    @contextmanager
    def _in_time(self, seconds: float) -> Iterator[Event]:
        """End the process where what is done with it takes longer; the event tells that this was why."""
        late = Event()
        timer = Timer(seconds, end_late, (self._process, late))
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()

    def _say(self, line: bytes) -> None:
        """Send a line; a process that has ended takes none, and does not answer it."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(line)
                self._process.stdin.flush()

    def rows(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:
        """Run a query within its deadline.

        Raises:
            NotComputedError: refused, failed, late, or the process ended on it.

        """
        self.start()
        if not self._ready:
            try:
                self._answer(b"", _START)
            except _DiedError:
                # What ended it before any query may be gone: another process took the memory, or was told to end all.
                self.start()
                self._answer(b"", _START)
            self._ready = True
        answer = self._answer(json.dumps({"sql": sql}).encode() + b"\n", self._bounds.seconds * part)
        self.memory = answer["memory"]
        readers = [_READ.get(kind) for kind in answer["kinds"]]
        if not any(readers):
            return [tuple(row) for row in answer["rows"]]
        return [
            tuple(value if value is None or read is None else read(value) for read, value in zip(readers, row, strict=True))
            for row in answer["rows"]
        ]

    def _answer(self, question: bytes, seconds: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            raise NotComputedError("the database's process could not be started")
        with self._in_time(seconds) as late:
            self._say(question)
            line = process.stdout.readline()
        if not line.endswith(b"\n"):
            failure = NotComputedError if late.is_set() else _DiedError
            raise failure(self._ended(seconds if late.is_set() else 0.0))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NotComputedError(_first_line(answer["error"]))
        return answer

    def _ended(self, late: float) -> str:
        code = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(_FAREWELL)
        self.close()
        if late:
            return f"it did not end in {late:g} seconds"
        name = f"exit code {code}"
        with suppress(ValueError, TypeError):
            name = signal.Signals(-(code or 0)).name
        return f"the database's process ended on it ({name})"

    def sampled(self, name: str, height: int) -> str:
        """Give some rows of an input."""
        return some_rows_of_file(name, self._files[name], height)

    def file(self, name: str) -> str:
        """Give the file of an input."""
        return self._files[name]

    def written(self, sql: str) -> str:
        """Give a query as it is: the generator writes DuckDB's dialect."""
        return sql

    def close(self) -> None:
        """End the process and remove what it spilled."""
        if self._process is not None:
            close(self._process)
            self._process, self._ready = None, False
        if self._spill is not None:
            shutil.rmtree(self._spill, ignore_errors=True)
            self._spill = None


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it failed")
