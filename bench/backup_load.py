"""A backup under load restores and verifies: backups while writers publish runs, each restored and looked through.

``python bench/backup_load.py [BACKUPS]`` (50 by default) on SQLite, and on PostgreSQL where its server is installed. A
broken promise is printed and ends it with 1.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

SHARED = Path(__file__).resolve().parents[1] / "tests" / "shared"
sys.path.insert(0, str(SHARED))

from faulting import table  # noqa: E402
from postgresql import ABSENT, programs, server  # noqa: E402

from tulosvahti.store.backup import make_backup  # noqa: E402
from tulosvahti.store.ledger import Ledger  # noqa: E402
from tulosvahti.store.restore import Place, restore  # noqa: E402

SQLITE = "sqlite:///.tulosvahti/ledger.db"
FACTS = {"project": "load", "engine": "bench", "made_at": "2023-06-01T00:00:00+00:00"}
WRITERS = 2
WRITER = """\
import fcntl, itertools, os, pathlib, sys, time
sys.path.insert(0, sys.argv[3])
from published import publish_run
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.ledger import Ledger
root = pathlib.Path(sys.argv[2])
lock, store = os.open(root / "lock", os.O_CREAT | os.O_RDWR), InputStore(root)
ledger = Ledger(sys.argv[1], root)
for number in itertools.count():
    fcntl.flock(lock, fcntl.LOCK_EX)  # One run at a time, as the run lock has it.
    publish_run(ledger, store.keep(f"{os.getpid()} {number}".encode() * 999))
    fcntl.flock(lock, fcntl.LOCK_UN)
    time.sleep(0.5)
"""


def broken(root: Path, runs: int) -> list[str]:
    """Give what does not hold of a restored state: every run in it is whole, and its inputs are there."""
    said = []
    with closing(sqlite3.connect(root / ".tulosvahti" / "ledger.db")) as raw:
        if raw.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            said.append("damaged")
        if raw.execute("PRAGMA foreign_key_check").fetchall():
            said.append("a row without the one it belongs to")
        counted = {name: raw.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("verdicts", "outbox", "rejects")}  # noqa: S608
        done = raw.execute("SELECT count(*) FROM runs WHERE state = 'done'").fetchone()[0]
        every = raw.execute("SELECT count(*) FROM runs").fetchone()[0]
        named = {row[0] for row in raw.execute("SELECT DISTINCT sha256 FROM run_inputs")}
    if set(counted.values()) != {done} or every != runs or every - done > 1:
        said.append(f"{done} runs done of {every}, and {counted}; the backup said {runs}")
    for sha256 in named:
        path = root / ".tulosvahti" / "store" / sha256[:2] / sha256[2:]
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            said.append(f"input {sha256} is not what it was")
    return said


def loaded(title: str, url: str, backups: int) -> tuple[list[object], list[str]]:
    """Back up and restore under load; give the row of the table and the broken promises."""
    wrong, took, seen = [], [], []
    with tempfile.TemporaryDirectory(prefix="tulosvahti-load-") as name, ExitStack() as stack:
        root = Path(name) / "project"
        root.mkdir()
        with closing(Ledger(url, root)) as ledger:
            command = [sys.executable, "-X", "faulthandler", "-c", WRITER, url, str(root), str(SHARED)]
            writers = [stack.enter_context(subprocess.Popen(command)) for _ in range(WRITERS)]  # noqa: S603
            for writer in writers:
                stack.callback(writer.kill)
            while not ledger.runs(1):
                time.sleep(0.05)
            for number in range(backups):
                before = time.perf_counter()
                made = make_backup(ledger.engine, root / ".tulosvahti", Path(name) / f"{number}.tar.gz", FACTS)
                took.append(time.perf_counter() - before)
                seen.append(made.runs)
                back = Path(name) / f"back{number}"
                back.mkdir()
                restore(made.path, Place(back, back / ".tulosvahti", SQLITE), "T", force=False)
                wrong += [f"{title}, backup {number}: {said}" for said in broken(back, made.runs)]
                shutil.rmtree(back)
                made.path.unlink()
            wrong += [f"{title}: a writer ended with {code}" for code in [one.poll() for one in writers] if code is not None]
    if not seen[0] < seen[-1]:
        wrong.append(f"{title}: nothing was written meanwhile")
    times = f"{statistics.median(took):.2f}", f"{max(took):.2f}"
    return [title, len(seen), f"{seen[0]} → {seen[-1]}", *times, len(wrong)], wrong


def main() -> int:
    """Load, back up, restore, judge."""
    backups = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rows, wrong = [], []
    with ExitStack() as stack:
        urls = {"SQLite": SQLITE}
        if programs() is None:
            print(f"PostgreSQL: skipped: {ABSENT}")
        else:
            urls["PostgreSQL"] = stack.enter_context(server())
        for title, url in urls.items():
            row, why = loaded(title, url, backups)
            rows.append(row)
            wrong += why
    table(("ledger on", "backups restored", "runs in them", "median s", "most s", "broken promises"), rows)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
