"""A child process of ours: the environment in which it finds this programme, and its end."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from threading import Event


def environment() -> dict[str, str]:
    """Give the child's environment: it finds this programme where it is, installed or not."""
    engine = str(Path(__file__).resolve().parents[1])
    return os.environ | {"PYTHONPATH": os.pathsep.join([engine, *filter(None, [os.environ.get("PYTHONPATH", "")])])}


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child that leads its group, and all that it may have started."""
    if process.returncode is not None:
        return  # waited for: its number may be another process's by now
    with suppress(OSError):
        if hasattr(os, "killpg"):
            # The child leads its group, and the group lives as long as the child is not waited for.
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_late(process: subprocess.Popen[bytes], late: Event) -> None:
    """End a child whose time is over, and note that this is why."""
    late.set()
    end(process)
