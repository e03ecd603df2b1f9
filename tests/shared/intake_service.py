"""The intake as a process of its own that takes file after file, and what it promises of each of them.

Run as a script it is that process: a line of JSON for each file on standard input (folder of the project, name), one with the
end of it and what was used on standard output.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "engine")]

from tulosvahti.core.contract import Contract, Field, FieldType  # noqa: E402
from tulosvahti.core.text import Text  # noqa: E402
from tulosvahti.load.intake_apart import kept_open  # noqa: E402
from tulosvahti.load.tables import take  # noqa: E402
from tulosvahti.problem import Place  # noqa: E402

MOST_MEMORY = 1 << 20
"""Kilobytes, as the system counts the greatest resident set."""
MOST_SECONDS = 30.0
TOGETHER = 25
"""Files that one child reads at most, as in a run of many small deliveries."""
_STATES = frozenset({"accepted", "late", "quarantined"})
_NAMES_OF_FAULTS = re.compile(r"Traceback|\b[A-Za-z]+(?:Error|Exception|Warning)\b|<class |object at 0x|panicked|\.py\b")


def service() -> None:
    """Take files named on standard input, one a line, and tell the end of each; this process is what must not die."""
    warnings.filterwarnings("ignore")
    number = Field("euro", FieldType.NUMBER, header="Euro", decimal_char=",", group_char=" ", form_open=True)
    fine = Field("fine", FieldType.BOOLEAN, true_values=("kyllä",), false_values=("ei",))
    kept = ExitStack()
    for at, line in enumerate(sys.stdin):
        if at % TOGETHER == 0:
            # A child is counted when it has ended.
            kept.close()
            kept.enter_context(kept_open())
        root, name = json.loads(line)
        form = "%Y-%m-%d" if name.endswith("json") else "%d.%m.%Y"
        fields = (Field("code", pattern="[0-9]{3}"), number, Field("day", FieldType.DATE, date_format=form), fine)
        contract = Contract(
            "leads", Text(), name, fields, Place("inputs/leads.yaml"), primary_key=("code",), deliverer="tem",
            max_rejects_percent=Decimal(50), open=("encoding", "delimiter", "quoteChar"),
        )  # fmt: skip
        began = time.monotonic()
        taken = take(contract, Path(root), date(2023, 12, 31))
        found = taken.delivery
        frame = taken.frame
        end = {
            "state": str(found.state), "why": found.explanation, "step": found.next_step, "rows": found.rows,
            "rejects": [[item.row, item.column, item.value, item.reason] for item in found.rejects],
            "notices": [item.message for item in found.notices],
            "frame": "" if frame is None else hashlib.sha256(repr(frame.rows()).encode("utf-8", "replace")).hexdigest(),
        }  # fmt: skip
        used = {
            "seconds": time.monotonic() - began,
            "own": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        }
        sys.stdout.write(json.dumps([end, used]) + "\n")
        sys.stdout.flush()
    kept.close()


def faults_of(end: dict[str, Any], used: dict[str, float]) -> list[str]:
    """Say what of an end is not as promised."""
    found = []
    if end["state"] not in _STATES:
        found.append(f"the state is {end['state']}")
    if end["state"] == "quarantined" and not (len(end["why"].split()) > 2 and end["step"]):
        found.append(f"no full sentence: {end['why']!r}, {end['step']!r}")
    said = [end["why"], end["step"], *(item[3] for item in end["rejects"][:50]), *end["notices"][:50]]
    found += [f"not for people: {text[:300]!r}" for text in said if _NAMES_OF_FAULTS.search(text)]
    found += [f"used {used[who] / 1024:.0f} MiB ({who})" for who in ("own", "child") if used[who] > MOST_MEMORY]
    if used["seconds"] > MOST_SECONDS:
        found.append(f"took {used['seconds']:.1f} s")
    return found


class Service:
    """The process that takes files; begun again where it died, which is told."""

    def __init__(self) -> None:
        """Start it."""
        self._process = self._started()

    @staticmethod
    def _started() -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def take(self, name: str, content: bytes | Callable[[Path], object]) -> tuple[dict[str, Any], dict[str, float]] | None:
        """Give the end of one file, given as bytes or written by a function, and what it used; None: the process died."""
        root = Path(tempfile.mkdtemp(prefix="intake-"))
        try:
            (root / "inputs").mkdir()
            place = root / "inputs" / name
            if isinstance(content, bytes):
                place.write_bytes(content)
            else:
                content(place)
            assert self._process.stdin and self._process.stdout  # noqa: PT018 - they are pipes
            try:
                self._process.stdin.write(json.dumps([str(root), name]) + "\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if not line:
                self._process.wait()
                self._process = self._started()
                return None
            end, used = json.loads(line.replace(str(root), "ROOT"))
            return end, used
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def close(self) -> None:
        """End it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

if __name__ == "__main__":
    service()
