"""A seeded fuzz of the intake: broken files of every format, each through the real intake of one lasting process.

``python bench/fuzz_intake.py [FILES] [--seed N] [--only SEED]``; 2,000 files by default. For each file is asserted that it
ends accepted, late or quarantined, with sentences that people understand; that the process which took it lives; that neither
it nor a child of it used more than 1 GiB, nor the file more than 30 seconds. Each fiftieth file is taken twice and must end
the same. Prints figures and a digest of all ends; ends with 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
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
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests/shared")]

from mutated import mutated  # noqa: E402 (found beside the tests)

from tulosvahti.core.contract import Contract, Field, FieldType  # noqa: E402
from tulosvahti.core.text import Text  # noqa: E402
from tulosvahti.load.tables import take  # noqa: E402
from tulosvahti.problem import Place  # noqa: E402

MOST_MEMORY = 1 << 20
"""Kilobytes, as the system counts the greatest resident set."""
MOST_SECONDS = 30.0
_STATES = frozenset({"accepted", "late", "quarantined"})
_NAMES_OF_FAULTS = re.compile(r"Traceback|\b[A-Za-z]+(?:Error|Exception|Warning)\b|<class |object at 0x|panicked|\.py\b")
_AGAIN = 50


def service() -> None:
    """Take files named on standard input, one a line, and tell the end of each; this process is what must not die."""
    warnings.filterwarnings("ignore")
    number = Field("euro", FieldType.NUMBER, header="Euro", decimal_char=",", group_char=" ", form_open=True)
    fine = Field("fine", FieldType.BOOLEAN, true_values=("kyllä",), false_values=("ei",))
    for line in sys.stdin:
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
        print(json.dumps([end, used]), flush=True)


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
            [sys.executable, __file__, "--service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def take(self, name: str, content: bytes) -> tuple[dict[str, Any], dict[str, float]] | None:
        """Give the end of one file and what it used; None where the process died of it."""
        root = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            (root / "inputs").mkdir()
            (root / "inputs" / name).write_bytes(content)
            assert self._process.stdin and self._process.stdout  # noqa: PT018, S101 - they are pipes
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


def main() -> int:
    """Take all the files; give the exit code."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("files", nargs="?", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", type=int)
    asked = arguments.parse_args()
    seeds = [asked.only] if asked.only is not None else range(asked.seed * 1_000_000, asked.seed * 1_000_000 + asked.files)
    ends: Counter[tuple[str, str]] = Counter()
    digest, broken, slowest, most, began = hashlib.sha256(), 0, (0.0, 0), {"own": 0.0, "child": 0.0}, time.monotonic()
    working = Service()
    for at, seed in enumerate(seeds):
        name, content = mutated(seed)
        got = working.take(name, content)
        faults = ["the process died"] if got is None else faults_of(*got)
        if got is not None:
            end, used = got
            if at % _AGAIN == 0 and (again := working.take(name, content)) is not None and again[0] != end:
                faults.append(f"ended otherwise when taken again: {end['why']!r}, {again[0]['why']!r}")
            digest.update(json.dumps([seed, end], sort_keys=True).encode())
            ends[name.partition(".")[2], end["state"]] += 1
            slowest = max(slowest, (used["seconds"], seed))
            most = {who: max(value, used[who]) for who, value in most.items()}
            if asked.only is not None:
                print(json.dumps(end, indent=1, ensure_ascii=False)[:5000])
        for fault in faults:
            broken += 1
            print(f"seed {seed} ({name}, {len(content)} bytes): {fault}")
    working.close()
    states = sorted({state for _, state in ends})
    print("| named | " + " | ".join(states) + " |")
    print("| --- |" + " ---: |" * len(states))
    for ending in sorted({ending for ending, _ in ends}):
        print(f"| {ending} | " + " | ".join(str(ends[ending, state]) for state in states) + " |")
    print(
        f"{sum(ends.values())} files, {broken} broken promises; most memory {most['child'] / 1024:.0f} MiB of a child, "
        f"{most['own'] / 1024:.0f} MiB of the service; the slowest took {slowest[0]:.1f} s (seed {slowest[1]}); "
        f"{time.monotonic() - began:.0f} s; digest {digest.hexdigest()[:16]}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    if "--service" in sys.argv:
        service()
    else:
        sys.exit(main())
