"""The command line: arguments in, results on standard output, everything else on standard error.

Exit codes: 0 nothing needs attention, 1 a verdict does, 2 a problem in the files or the call, 3 not completed.
"""

from __future__ import annotations

import gc
import os
import sys

PROBLEM, INCOMPLETE = 2, 3


def main() -> None:
    """Run the command line, with UTF-8 out on every system."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    # A command lives for seconds: looking for cycles, and taking apart what the system takes back, is a third of it.
    gc.disable()
    try:
        _leave(_done(sys.argv[1:]))
    except SystemExit as done:
        _leave(done.code if isinstance(done.code, int) else 0 if done.code is None else PROBLEM)
    except KeyboardInterrupt:
        print("Aborted!", file=sys.stderr)  # noqa: T201
        _leave(1)
    except Exception as error:  # noqa: BLE001 (the last place that can tell it)
        from tulosvahti.cli.failing import tell  # noqa: PLC0415

        tell(error)
        _leave(INCOMPLETE)


def _done(words: list[str]) -> int:
    """Do what is asked; a plain run without what reads all other commands, which takes as long as a small run."""
    from tulosvahti.cli.running import order_of, run_project  # noqa: PLC0415

    order = order_of(words)
    if order is not None:
        return run_project(order)
    from tulosvahti.cli.commands import app  # noqa: PLC0415

    app(prog_name="tulosvahti")
    return 0


def _leave(code: int) -> None:
    """End the process with a code, unless what was printed cannot be written: then the caller did not get it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = INCOMPLETE
    os._exit(code)
