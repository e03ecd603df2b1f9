"""The service's log: lines for people or JSON objects for machines, each with the run it belongs to, secrets masked."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tulosvahti.core.secrecy import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def in_run(run: str) -> Iterator[None]:
    """Mark what is logged inside with the run's id."""
    token = _RUN.set(run)
    try:
        yield
    finally:
        _RUN.reset(token)


def start_log(form: str, level: int = logging.INFO) -> None:
    """Write the log to standard error, as ``text`` or ``json``."""
    target = logging.StreamHandler()
    target.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[target], force=True)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and run and error where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _RUN.get():
            said["run"] = _RUN.get()
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return masked(json.dumps(said, ensure_ascii=False))


class TextLines(logging.Formatter):
    """Time, level, run where there is one, message; a trace follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; a message of several lines stays one line, so that none looks like another's beginning."""
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")
        run = f" [run {_RUN.get()}]" if _RUN.get() else ""
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{time} {record.levelname}{run} {message}"
        return masked(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)
