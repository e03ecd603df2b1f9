"""Rival schedulers on one project, with kill -9: one effect per slot.

``python bench/rivals.py [SLOTS] [KILLS]`` (1500 and 60 by default; the long run is 5000 200) starts three processes on
one SQLite file. They share no lock but the ledger's, as if each had a machine of its own, and tick, claim, renew and
publish with the engine's code; a run is a nap that publishes a verdict, a finding, a measurement and a mail. The rivals
share a clock, which goes on to the next minute when its slot is done, so that no slot is let off as missed. Kills fall at
random moments, two of three on whoever runs the slot; a quarter as many times the runner is stopped until its lease has
ended and another has taken over, then wakes and tries to publish. Prints a table; ends with 1 where a promise is broken.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

from tulosvahti.core.contract import Delivery, DeliveryState  # noqa: E402 - found by the line above
from tulosvahti.core.delivery import Posting  # noqa: E402
from tulosvahti.core.finding import compare  # noqa: E402
from tulosvahti.core.measure import Measurement  # noqa: E402
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule  # noqa: E402
from tulosvahti.core.slots import NOMINAL, Job, calendar_plan  # noqa: E402
from tulosvahti.core.text import Text  # noqa: E402
from tulosvahti.core.timetable import Timetable  # noqa: E402
from tulosvahti.core.verdict import Outcome, Verdict, Word  # noqa: E402
from tulosvahti.problem import Place  # noqa: E402
from tulosvahti.run.claimed import Beginning, Result, run_claimed  # noqa: E402
from tulosvahti.store.ledger import Ledger  # noqa: E402
from tulosvahti.store.lock import LockedError  # noqa: E402
from tulosvahti.store.slots import LostLeaseError  # noqa: E402

RIVALS = 3
LEASE = timedelta(seconds=0.5)
START = datetime(2023, 10, 28, 12, 0, tzinfo=UTC)  # The clock is put back in the night that follows.
JOB = Job("every-minute", "* * * * *", retries=1000, retry_after=timedelta(milliseconds=50))
ZONE = ZoneInfo("UTC")
URL = "sqlite:///ledger.db"
DAY = date(2023, 10, 27)
DEADLINE = 60.0
"""Seconds that a slot may take before the bench gives up."""


class Clock:
    """One clock for all processes: the minute of the slot, and the real time since it began."""

    def __init__(self, path: Path) -> None:
        """Share the file, which holds the number of the slot and the moment when it began."""
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 16)

    def set(self, slot: int) -> None:
        """Go on to a slot."""
        self._memory[:] = struct.pack("qd", slot, time.monotonic())

    def __call__(self) -> datetime:
        """Give the moment."""
        slot, since = struct.unpack("qd", self._memory[:])
        return START + timedelta(minutes=slot, seconds=time.monotonic() - since)


def rival(folder: Path, name: str) -> None:
    """Tick until told to stop, or until the parent has ended."""
    parent = os.getppid()
    clock, timetable, chance = Clock(folder / "clock"), Timetable(JOB.cron, ZONE), random.Random(name)  # noqa: S311
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    with closing(Ledger(URL, folder, lease=LEASE)) as ledger, (folder / f"{name}.log").open("a", buffering=1) as log:
        while not stopped and os.getppid() == parent:
            now = clock()
            decide, shown = partial(calendar_plan, JOB, timetable, now), timetable.shown(now)
            try:
                if ledger.slots.may_be_due(JOB.name, decide, shown):
                    claim, _ = ledger.slots.claim(JOB.name, decide, shown, name, clock)
                    if claim is not None:
                        work = partial(found, claim.slot, f"{claim.epoch}.{name}", chance)
                        run_claimed(ledger, claim, Beginning(DAY, "abc", "bench"), work, clock, JOB.retry_at)
                        log.write("done\n")
            except LostLeaseError:
                log.write("lost\n")
            except LockedError:
                log.write("waited\n")
            except Exception as error:  # noqa: BLE001 - counted: none is expected
                log.write(f"error {type(error).__name__}: {' '.join(str(error).split())[:200]}\n")
            time.sleep(chance.uniform(0.001, 0.01))


def found(slot: str, mark: str, chance: random.Random, run: str) -> Result:
    """Nap, and find what can be counted by slot."""
    time.sleep(chance.uniform(0.005, 0.03))
    rule = Rule(slot, Text(), "mmm", Cite("a", "1", Text()), MilestoneSpec("m", "a", DAY), Place("r.yaml"))
    verdict = Verdict(rule, (), None, Word.MISSED)
    delivery = Delivery("crm", DeliveryState.ACCEPTED, "ff", 3)
    measured = (Measurement(slot, (), None, None, 1, 0),)
    outcome = Outcome(run, DAY, "abc", "bench", (delivery,), (verdict,), measured, compare([verdict], {}, run))
    return Result(outcome, [Posting(slot, f"<{slot}.{mark}@bench>", b"mail", (("mail", "a@bench.example"),))], "{}")


class Arena:
    """The rivals as the parent sees them."""

    def __init__(self, folder: Path) -> None:
        """Make ledger and clock, and start the rivals."""
        self.folder, self.started, self.killed_running = folder, 0, 0
        Ledger(URL, folder).close()
        (folder / "clock").write_bytes(bytes(16))
        self.clock = Clock(folder / "clock")
        self.clock.set(0)
        self.raw = sqlite3.connect(f"file:{folder}/ledger.db?mode=ro", uri=True, timeout=30)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for _ in range(RIVALS):
            self.start()

    def start(self) -> None:
        """Start one more rival."""
        self.started += 1
        name = f"rival{self.started}"
        command = [sys.executable, __file__, "--rival", str(self.folder), name]
        self.processes[name] = subprocess.Popen(command)  # noqa: S603 - this file

    def runner(self) -> str | None:
        """Give who runs a slot."""
        row = self.raw.execute("SELECT owner FROM slots WHERE state = 'running'").fetchone()
        return row[0] if row and row[0] in self.processes else None

    def await_runner(self) -> str | None:
        """Give who runs the slot once somebody does; None where it is done before."""
        until = time.monotonic() + 1
        while time.monotonic() < until:
            if name := self.runner():
                return name
        return None

    def kill(self, name: str) -> None:
        """Kill a rival and start another."""
        self.killed_running += self.runner() == name
        process = self.processes.pop(name)
        process.kill()
        process.wait()
        self.start()

    def stall(self, name: str) -> None:
        """Stop a rival until its lease has ended."""
        self.processes[name].send_signal(signal.SIGSTOP)
        time.sleep(LEASE.total_seconds() * 2.5)
        self.processes[name].send_signal(signal.SIGCONT)

    def is_done(self, slot: int) -> bool:
        """Say whether a slot is done, or, for the first, whether the job has begun."""
        nominal = (START + timedelta(minutes=slot)).strftime(NOMINAL)
        row = self.raw.execute("SELECT state FROM slots WHERE job = ? AND slot = ?", (JOB.name, nominal)).fetchone()
        return row is not None and row[0] == ("done" if slot else "skipped")

    def close(self) -> None:
        """Let the rivals end."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(60)


def play(arena: Arena, slots: int, kills: int, chance: random.Random) -> tuple[int, int]:
    """Go through the slots with kills and stalls; give how many there were of each."""
    deeds = [*["runner"] * (kills - kills // 3), *["any"] * (kills // 3), *["stall"] * (kills // 4)]
    points: dict[int, list[str]] = {}
    for deed in deeds:
        points.setdefault(chance.randint(1, slots), []).append(deed)
    killed = stalled = 0
    for slot in range(slots + 1):
        arena.clock.set(slot)
        for deed in points.get(slot, ()):
            name = chance.choice(sorted(arena.processes)) if deed == "any" else arena.await_runner()
            if deed != "stall":
                time.sleep(chance.uniform(0, 0.015))
                arena.kill(name or chance.choice(sorted(arena.processes)))
                killed += 1
            elif name:
                arena.stall(name)
                stalled += 1
        until = time.monotonic() + DEADLINE
        while not arena.is_done(slot):
            if time.monotonic() > until:
                message = f"slot {slot} was not done in {DEADLINE:.0f} s"
                raise SystemExit(message)
            time.sleep(0.002)
    return killed, stalled


TWICE = {
    "slots whose run is done not exactly once": "SELECT count(*) FROM slots s WHERE s.state != 'skipped' AND "
    "(s.state != 'done' OR (SELECT count(*) FROM runs r WHERE r.slot = s.slot AND r.state = 'done') != 1)",
    "slots with not exactly one verdict": "SELECT count(*) FROM slots s WHERE s.state != 'skipped' AND (SELECT count(*) FROM verdicts v WHERE v.rule = s.slot) != 1",
    "slots with not exactly one finding": "SELECT count(*) FROM slots s WHERE s.state != 'skipped' AND (SELECT count(*) FROM findings f WHERE f.rule = s.slot) != 1",
    "slots with not exactly one measurement": "SELECT count(*) FROM slots s WHERE s.state != 'skipped' AND (SELECT count(*) FROM measurements m WHERE m.rule = s.slot) != 1",
    "slots with not exactly one mail": "SELECT count(*) FROM slots s WHERE s.state != 'skipped' AND (SELECT count(*) FROM outbox o WHERE o.recipient = s.slot) != 1",
    "rows of runs that are not done": "SELECT (SELECT count(*) FROM verdicts v JOIN runs r ON r.id = v.run_id WHERE r.state != 'done') + "
    "(SELECT count(*) FROM outbox o JOIN runs r ON r.id = o.run_id WHERE r.state != 'done') + "
    "(SELECT count(*) FROM run_inputs i JOIN runs r ON r.id = i.run_id WHERE r.state != 'done')",
    "slots skipped": "SELECT coalesce(sum(skipped), 0) FROM slots",
    "broken references": "SELECT count(*) FROM pragma_foreign_key_check",
    "faults of the database file": "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'",
}


def main(slots: int, kills: int) -> int:
    """Play, and print what came of it."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rivals-") as place:
        arena = Arena(Path(place))
        try:
            killed, stalled = play(arena, slots, kills, random.Random(slots * 1000 + kills))  # noqa: S311
        finally:
            arena.close()
        seconds = time.perf_counter() - began
        logs = [path.read_text().splitlines() for path in Path(place).glob("rival*.log")]
        lines = [line for log in logs for line in log]
        errors = sorted({line for line in lines if line.startswith("error")})
        with closing(arena.raw) as raw:
            done = raw.execute("SELECT count(*) FROM slots WHERE state = 'done'").fetchone()[0]
            again, most = raw.execute("SELECT count(*), max(epoch) FROM slots WHERE epoch > 1").fetchone()
            broken = {name: raw.execute(query).fetchone()[0] for name, query in TWICE.items()}
    broken["slots not done"] = slots - done
    broken["kills not made"] = kills - killed
    broken["unexpected errors"] = len(errors)
    print(f"| {RIVALS} rivals, {slots} slots, {kills} kills | figure |\n| --- | ---: |")
    rows = {
        "slots done": done,
        "kill -9, of which on a rival that ran a slot": f"{killed}, {arena.killed_running}",
        "rivals stopped until their lease had ended": stalled,
        "runs that woke to a lost lease and wrote nothing": lines.count("lost"),
        "slots taken over, most attempts of one": f"{again}, {most or 1}",
        "claims that waited for another's run": lines.count("waited"),
        "rivals that ran slots": sum("done" in log for log in logs),
        **broken,
        "seconds": f"{seconds:.0f}",
    }
    for name, figure in rows.items():
        print(f"| {name} | {figure} |")
    for error in errors[:10]:
        print(error, file=sys.stderr)
    return int(any(broken.values()) or (stalled > 0 and not lines.count("lost")))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rival"]:
        rival(Path(sys.argv[2]), sys.argv[3])
    else:
        given = [int(text) for text in sys.argv[1:]]
        sys.exit(main(*given, *(1500, 60)[len(given) :]))
