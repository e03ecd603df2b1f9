"""Apache Spark as an engine: plain Spark SQL over Parquet files or tables of a catalogue, on the cluster that is there."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from tulosvahti.compute.dialects import translated
from tulosvahti.compute.found import LostError, NotComputedError
from tulosvahti.compute.sampling import some_numbered_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ATTEMPTS = 2
_SETTINGS = {
    "spark.sql.ansi.enabled": "true",                                 # what overflows fails, and is no other number
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",        # decimals keep their digits or fail
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
}  # fmt: skip


class SparkDatabase:
    """Parquet files or tables as inputs of a Spark session."""

    keeps_first = True
    reads_in_order = False
    memory = 0

    def __init__(
        self, master: str, tables: Mapping[str, str], settings: Mapping[str, str] | None = None, seconds: float = 300.0
    ) -> None:
        """Remember where things are; the session begins with the first query.

        ``seconds``: what one query may take. ``tables``: for each input a table of the catalogue, or a Parquet file or folder (with a slash in it).
        """
        self._master = master
        self._tables = tables
        self._settings = dict(settings or {})
        self._seconds = seconds
        self._session: SparkSession | None = None

    def rows(self, sql: str, part: float = 1.0) -> list[tuple[Any, ...]]:
        """Run a query; a lost session is begun again."""
        wanted, late = self.written(sql), Event()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                session = self._begun()
                with _deadline(session, self._seconds * part, late):
                    return [tuple(row) for row in session.sql(wanted).collect()]
            except (PySparkException, Py4JError, OSError, RuntimeError) as error:
                if late.is_set():
                    raise NotComputedError(f"it did not end in {self._seconds * part:g} seconds") from None
                if not self._lost(error):
                    raise NotComputedError(_first_line(error)) from None
                self.close()
                if attempt == ATTEMPTS:
                    raise LostError(f"Spark could not be reached: {_first_line(error)}") from None
        return []

    def _begun(self) -> SparkSession:
        if self._session is None:
            # Spark writes what is told to the caller anyway, as a page of JSON.
            logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
            builder = SparkSession.builder.master(self._master).appName("tulosvahti")
            for name, value in ({"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"} | self._settings).items():
                builder = builder.config(name, value)
            session = builder.getOrCreate().newSession()
            session.sparkContext.setLogLevel("OFF")
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
            for name, place in self._tables.items():
                frame = session.read.parquet(place) if "/" in place else session.table(place)
                frame.createOrReplaceTempView(f"input_{name}")
            self._session = session
        return self._session

    def _lost(self, error: Exception) -> bool:
        """Tell whether the session is gone, and not the query at fault."""
        if self._session is None or isinstance(error, Py4JNetworkError | OSError):
            return True
        try:
            return bool(self._session.sparkContext._jsc.sc().isStopped())  # noqa: SLF001 (nothing public tells it)
        except (Py4JError, OSError, AttributeError):
            return True

    def sampled(self, name: str, height: int) -> str:
        """Give some rows of an input."""
        return some_numbered_rows(name, height)

    def file(self, name: str) -> str:  # noqa: ARG002 (no input is one file)
        """Give none: the database plans by its own statistics."""
        return ""

    def written(self, sql: str) -> str:
        """Give a query as Spark reads it."""
        return translated(sql, "spark")

    def close(self) -> None:
        """Stop the session."""
        if self._session is not None:
            with suppress(PySparkException, Py4JError, OSError):
                self._session.stop()
            self._session = None


@contextmanager
def _deadline(session: SparkSession, seconds: float, late: Event) -> Iterator[None]:
    """Cancel the session's jobs when the time is over."""

    def end() -> None:
        late.set()
        with suppress(Py4JError, OSError):
            session.sparkContext.cancelAllJobs()

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
