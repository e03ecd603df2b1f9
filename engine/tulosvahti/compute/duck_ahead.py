"""The start of DuckDB's process, which may come before it is known what it is to open: it loads while its parent does something else."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

from tulosvahti.child import end, environment

_MODULE = "tulosvahti.compute.duck_child"
_AHEAD: list[subprocess.Popen[bytes]] = []


def start_ahead() -> None:
    """Start a process for the next engine that is opened, unless one waits; ``end_ahead`` ends it if none is."""
    if not _AHEAD:
        # Where none can be started, the engine itself says so.
        with suppress(OSError):
            _AHEAD.append(started())


def end_ahead() -> None:
    """End a process that was started for nothing."""
    while _AHEAD:
        close(_AHEAD.pop())


def started() -> subprocess.Popen[bytes]:
    """Give the process that waits for its order, or one that is started now.

    Raises:
        OSError: none can be started.

    """
    with suppress(IndexError):
        return _AHEAD.pop()
    # -P: a file beside the project that is named as one of Python's own modules is not run.
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )


def close(process: subprocess.Popen[bytes]) -> None:
    """End a process."""
    end(process)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    process.wait()
