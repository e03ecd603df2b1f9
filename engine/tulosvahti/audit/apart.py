"""An audit in a process of its own, with limits: a table that costs too much ends that process, and nothing else.

``made`` has files made of one table file: ``body.LANGUAGE.html``, ``marked.LANGUAGE.xlsx`` (or ``.xlsm``), ``rule.yaml``. The
table is audited once; what was found lies beside them, for the next process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tulosvahti.child import end
from tulosvahti.load.intake_apart import bare_environment, resident

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MODULE = "tulosvahti.audit.child"
_LOOK = 0.05


@dataclass(frozen=True)
class Bounds:
    """What one process may cost: seconds from start to end, bytes of memory, bytes of any file that it writes."""

    seconds: float = 120.0
    memory: int = 1 << 30
    file: int = 1 << 30


class EndedError(Exception):
    """The process was ended, or ended itself. ``why`` is ``late``, ``memory`` or ``crashed``."""

    def __init__(self, why: str, bounds: Bounds) -> None:
        """Keep why, and what was allowed."""
        super().__init__(f"the audit was ended: {why}")
        self.why, self.bounds = why, bounds


def made(path: Path, folder: Path, names: Sequence[str], bounds: Bounds | None = None) -> int:
    """Make files of a table file in a folder that nobody else writes to; give the number of tables found.

    Raises:
        EndedError: it took too long or too much memory, or crashed.
        OSError: no process can be started.

    """
    bounds = bounds or Bounds()
    order = json.dumps({"path": str(path), "folder": str(folder), "names": list(names), "bounds": asdict(bounds)})
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", _MODULE, order],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=bare_environment(),
        start_new_session=True,
    ) as process:
        try:
            why = _watched(process, bounds)
        finally:
            end(process)
        said = process.stdout.read() if process.stdout is not None else b""
    with suppress(ValueError, TypeError, LookupError):
        shape = json.loads(said)
        if isinstance(shape["tables"], int):
            return shape["tables"]
        why = why or str(shape["ended"])
    raise EndedError(why if why in {"late", "memory"} else "crashed", bounds)


def _watched(process: subprocess.Popen[bytes], bounds: Bounds) -> str:
    """Wait until it ends; say why it has to be ended, where it has to."""
    deadline = time.monotonic() + bounds.seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return "late"
        if resident(process.pid) > bounds.memory:
            return "memory"
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK)
    return ""
