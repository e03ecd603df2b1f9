"""The child process of intake: everything from a delivery's bytes to its rows as Parquet happens here and nowhere else.

Run as ``python -P -m tulosvahti.load.intake_child LIMITS``; each line of its standard input is an order, each line of its
standard output what came of it. It reads several small deliveries in turn. It may break at any of them: the parent
(``intake_apart``) believes nothing of it but one line of JSON and a file whose form it knows.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import pickle
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tulosvahti.load.files import File
from tulosvahti.load.held import OURS
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import shape_of
from tulosvahti.load.sheets.reading import amount, humane


def main(order: str) -> None:
    """Read what is ordered, until nothing more is."""
    limits = json.loads(order)
    # What a library prints must not get between the lines.
    pipe = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    bound(limits)
    threading.Thread(target=_prepare, daemon=True).start()
    with os.fdopen(pipe, "wb") as out, suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            wanted = json.loads(line)
            allow_seconds(wanted["seconds"])
            tempfile.tempdir = str(Path(wanted["place"]).parent)
            out.write(json.dumps(_read(wanted, limits)).encode("ascii") + b"\n")
            out.flush()


def _prepare() -> None:
    """Load what every order needs, while none has come yet or its text is parted; what cannot be loaded, the order says."""
    with suppress(Exception):
        from tulosvahti.load.rows_read import prepare  # noqa: PLC0415 - loads Polars and Pandera, after the limits are set

        prepare()


def _read(order: dict[str, Any], limits: dict[str, int]) -> dict[str, Any]:
    from tulosvahti.load.rows_read import read_into  # noqa: PLC0415 - loads Polars and Pandera, after the limits are set

    files = [File(name, Path(path), sha256, size) for name, path, sha256, size in order["files"]]
    most = amount(limits["memory"])
    try:
        # From the parent, which made it: an object of ours, not of a delivery.
        contract = pickle.loads(base64.b64decode(order["contract"]))  # noqa: S301
        return {"summary": shape_of(read_into(contract, files, Path(order["place"])))}
    except UnreadableError as error:
        return _refused(str(error), error.next_step)
    except (MemoryError, RecursionError):
        return _refused(f"reading the file needs more memory than is allowed; allowed: at most {most}", "split the file")
    except OSError as error:
        if error.errno == errno.EFBIG:
            return _refused(f"what the file unfolds to is larger than {amount(limits['file'])}", "split the file")
        if error.errno in OURS:
            # Of this machine, not of the delivery: nothing is known of the delivery.
            return {"broken": [error.errno, str(error.strerror)]}
        return _refused(*_unknown(error))
    except BaseException as error:  # noqa: BLE001 - whatever a file does to a reader (a panic of Rust is no Exception)
        if "memory" in str(error).lower() or "alloc" in str(error).lower():
            return _refused(f"reading the file needs more memory than is allowed; allowed: at most {most}", "split the file")
        return _refused(*_unknown(error))


def _unknown(error: BaseException) -> tuple[str, str]:
    step = "save the table as XLSX or CSV and deliver it again, and report the fault with the file if you may"
    return humane(f"the reader failed on this file: {type(error).__name__}: {error}"), step


def _refused(message: str, step: str) -> dict[str, Any]:
    return {"refused": [message, step]}


def bound(limits: dict[str, int]) -> None:
    """Bound memory and the size of files where the system can; the parent's clock and eye bound the rest."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    wanted = {resource.RLIMIT_DATA: limits["memory"], resource.RLIMIT_FSIZE: limits["file"], resource.RLIMIT_CORE: 0}
    for what, most in wanted.items():
        with suppress(ValueError, OSError):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    # A file beyond its limit is an error of the write, not the end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def allow_seconds(seconds: int) -> None:
    """Bound the processor time of the next delivery."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        processors = os.cpu_count() or 1
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds * processors + 1, hard))


if __name__ == "__main__":
    main(sys.argv[1])
