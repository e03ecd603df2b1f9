"""The child process: reads one file and sends what it found to its parent over standard output.

Run as ``python -m tulosvahti.load.sheets.child ORDER``, the order being JSON: ``path``, ``module`` and the limits.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from tulosvahti.load.amounts import amount
from tulosvahti.load.sheets.archive import DAMAGE
from tulosvahti.load.sheets.formats import ending, full_head, misnamed, recognised
from tulosvahti.load.sheets.reading import Limits, RefusedError
from tulosvahti.load.sheets.wire import Writer

PACKAGE = "tulosvahti.load.sheets"


def main(order: str) -> None:
    """Read the file of an order."""
    wanted = json.loads(order)
    limits = Limits(**wanted["limits"])
    # What a library prints must not get between the lines.
    pipe = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    _bound(limits)
    gc.disable()  # the child ends before circles could matter
    with os.fdopen(pipe, "wb") as out:
        writer = Writer(out.write, limits)
        with suppress(BrokenPipeError):
            read_all(Path(wanted["path"]), writer)
            writer.done()


def read_all(path: Path, writer: Writer) -> None:
    """Read a file; whatever is wrong with it is a problem that the writer is told."""
    try:
        found = recognised(full_head(path, writer.limits.unpacked))
        if misnamed(path, found):
            writer.notice("opened_by_content", ending(path), found.name)
        import_module(f"{PACKAGE}.{found.module}").read(path, writer)
    except BrokenPipeError:
        raise
    except RefusedError as error:
        writer.problem(str(error), error.allowed, error.next_step)
    except (MemoryError, RecursionError):
        most = amount(writer.limits.memory)
        writer.problem("reading the file needs more memory than is allowed", f"at most {most}", "split the file")
    except DAMAGE as error:
        step = "open it in the program that made it, save it again and read the new file"
        writer.problem(f"file is damaged: {error or type(error).__name__}", next_step=step)
    except BaseException as error:  # noqa: BLE001 - whatever a file does to a reader (a panic of Rust is no Exception)
        said = f"the reader failed on this file: {type(error).__name__}: {error}"
        writer.problem(said, next_step="save the tables as XLSX or CSV, and report the fault with the file if you may")


def _bound(limits: Limits) -> None:
    """Bound memory and processor time where the system can; the parent's clock bounds the rest."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    seconds = int(limits.seconds) + 5
    wanted = {resource.RLIMIT_AS: limits.memory, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    for what, most in wanted.items():
        with suppress(ValueError, OSError):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main(sys.argv[1])
