"""The parent's side of reading in a child process: start it, take its lines, end it in time.

A file that breaks its reader breaks a process that has nothing else to do.
"""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING

from tulosvahti.child import end, end_late, environment
from tulosvahti.load.sheets.reading import printable
from tulosvahti.load.sheets.wire import Assembler, Writer

if TYPE_CHECKING:
    from tulosvahti.load.sheets.reading import Limits, Progress

_MODULE = "tulosvahti.load.sheets.child"
_LONGEST = 1 << 28
_FAREWELL = 2.0
_AGAIN = "open it in the program that made it, save it again and read the new file"


def read_apart(path: Path, limits: Limits, progress: Progress | None = None) -> Assembler:
    """Read a file in a child process; all that it sent before it failed is kept."""
    found = Assembler(printable(Path(path.name)), progress)
    order = json.dumps({"path": str(path.absolute()), "limits": asdict(limits)})
    try:
        # -P: a file beside the tables that is named as one of Python's own modules is not run.
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", _MODULE, order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
    except OSError as error:
        found.problems.append((f"the reader could not be started: {error}", "", "try again with fewer programs open"))
        return found
    late = Event()
    timer = Timer(limits.seconds, end_late, (process, late))
    timer.daemon = True
    timer.start()
    unreadable = ""
    # Millions of cells, none of which refers back: looking for circles among them would take longer than reading.
    collecting = gc.isenabled()
    gc.disable()
    try:
        unreadable = _taken(process, found)
        # A child that crashed shows its own end; one that does not end is ended.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_FAREWELL)
    finally:
        if collecting:
            gc.enable()
        timer.cancel()
        end(process)
        if process.stdout:
            process.stdout.close()
        code = process.wait()
        timer.join()
    if not found.finished:
        found.problems.append(_failure(code, unreadable, limits, late=late.is_set()))
    return found


def read_here(path: Path, limits: Limits) -> Assembler:
    """Read a file in this very process, which has nothing else to do and may break."""
    from tulosvahti.load.sheets.child import read_all  # noqa: PLC0415 - the parent reads nothing

    found = Assembler(printable(Path(path.name)))
    writer = Writer(found.feed, limits)
    read_all(path, writer)
    writer.done()
    return found


def _taken(process: subprocess.Popen[bytes], found: Assembler) -> str:
    """Feed the lines of the child; give what is wrong with one that is not as it should be."""
    if process.stdout is None:
        return ""
    while not found.finished and (line := process.stdout.readline(_LONGEST)):
        try:
            found.feed(line)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
            return type(error).__name__ if line.endswith(b"\n") else ""
    return ""


def _failure(code: int, unreadable: str, limits: Limits, *, late: bool) -> tuple[str, str, str]:
    if late:
        most = f"{limits.seconds:g} seconds"
        return f"reading did not end in {most}", f"at most {most}", "split the file, or delete what is unused in it"
    if unreadable:
        return "the reader gave what cannot be understood", "", _AGAIN
    if code < 0:
        with suppress(ValueError):
            return f"the reader crashed on this file ({signal.Signals(-code).name})", "", _AGAIN
    return f"the reader crashed on this file (exit code {code})", "", _AGAIN
