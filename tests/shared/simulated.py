"""One seed, one history: weeks of the service over a real ledger, with a seeded clock, mail server, disk and world."""

from __future__ import annotations

import hashlib
import logging
import random
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import sqlalchemy.exc
from simulated_disk import Disk, Killed, Process, drawn_fault, faulty
from simulated_promises import ZONE, Books, Promises, digest, read_books, written
from simulated_world import OWNERS, Clock, Deliveries, MailServer, evaluation, small_project
from sqlalchemy import make_url

from tulosvahti import wiring
from tulosvahti.core.alert import About, AlertKey
from tulosvahti.emit import smtp
from tulosvahti.schedule.service import Nights
from tulosvahti.store import alerting, ledger
from tulosvahti.store.database import LedgerError, open_engine
from tulosvahti.store.lock import LockedError, RunLock
from tulosvahti.store.slots import LEASE, LostLeaseError
from tulosvahti.wiring import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

STARTS = ("2024-03-12", "2024-10-08", "2024-06-03", "2024-12-20", "2025-02-17")
"""Two of them come upon a change of clocks, one upon the turn of the year."""
STEPS = 30
FAULTS = (sqlalchemy.exc.SQLAlchemyError, LedgerError, LockedError, OSError)
"""What a command may fail with, loudly, on a disk that fails."""


@cache
def empty_ledger() -> bytes:
    """Give the file of a ledger that was just made."""
    with TemporaryDirectory() as name:
        ledger.Ledger("sqlite:///ledger.db", Path(name)).close()
        return (Path(name) / "ledger.db").read_bytes()


class BrokenError(BaseException):
    """A promise was broken; the text says which. The service, which survives every ``Exception``, does not survive it."""


@dataclass
class Lived:
    """What one history came to."""

    seed: int
    digest: str = ""
    lines: list[str] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=dict)


class Service:
    """A service or a person's commands: a process whose memory is its ``Nights``."""

    def __init__(self, process: Process, begin: Callable[[], Nights]) -> None:
        self.process, self._begin = process, begin
        self.nights = begin()

    def restart(self) -> None:
        """Forget everything."""
        self.nights = self._begin()


class History:
    """All of one seed."""

    def __init__(self, lived: Lived, folder: Path) -> None:
        self.lived = lived
        self.chance = random.Random(lived.seed)  # noqa: S311
        self.folder, self.root = folder, folder / "project"
        self.clock = Clock(datetime.fromisoformat(self.chance.choice(STARTS)).replace(tzinfo=UTC) + timedelta(hours=self.chance.randrange(24)))
        self.disk = Disk(self.root, folder / "killed")
        self.deliveries = Deliveries(self.root / "inputs", self.clock, self.chance)
        self.server = MailServer(self.clock, self.chance, self._while_sending, faults=lambda: self.disk.fired)
        self.promises = Promises(self.clock, self.server, owners=OWNERS)
        self.project = replace(small_project(), root=self.root)
        self.locks = 0
        self.services = [self._service(name) for name in ("one", "two")]
        self.people = self._service("people", "one")
        self.ahead = timedelta()
        self.full = self.lost = 0

    def _service(self, name: str, machine: str = "") -> Service:
        return Service(Process(name, machine or name), lambda: Nights(lambda: self.project, self.clock))

    # What the product is handed instead of the real thing.

    def _lock(self, _project: object) -> RunLock:
        """Give the lock of the machine of whoever acts; a machine has one, and owners are numbered."""
        process = self.disk.current
        assert process is not None
        self.locks += 1
        lock = RunLock(self.root / ".tulosvahti" / f"run-{process.machine}.lock")
        lock.owner = f"{process.machine}/{process.name}/{self.locks}"
        return lock

    def _open_engine(self, url: Any, root: Path, password: str = "") -> Engine:
        """Give each process one engine for all histories: its compiled statements are what takes time."""
        process = self.disk.current
        assert process is not None
        if not self.disk.state.exists():
            open_engine(url, root, password)  # makes the folder, or fails at it
        return _engine(root, process.name)

    def _mails_of(self, project: Any, outcome: Any, found: Any, at: datetime) -> Any:
        mails, troubles = MAILS_OF(project, outcome, found, at)
        self.promises.planned[int(outcome.run)] = written(outcome, len(found.moved), [one.message_id for one in mails])
        return mails, troubles

    def _while_judging(self) -> None:
        """A run takes time, and its process may be stopped for longer than its lease; the rival goes on."""
        outer = self.disk.current
        if self.server.calm or outer is None or self.chance.random() > 0.15:
            return
        pause = timedelta(seconds=self.chance.choice((5, 70, 130, 600)))
        self.clock.move(pause)
        rival = next(one for one in self.services if one.process is not outer)
        self.say(f"  meanwhile, while {outer.name} judges")
        if "run" in self._serve(rival) and pause < LEASE:
            raise BrokenError(f"{rival.process.name} ran while {outer.name} held its lease")

    def _while_sending(self) -> None:
        outer = self.disk.current
        if self.server.calm or outer is None or self.chance.random() > 0.1:
            return
        self.clock.move(timedelta(seconds=self.chance.choice((1, 20, 55))))
        rival = next(one for one in self.services if one.process is not outer)
        self.say(f"  meanwhile, while {outer.name} sends")
        self._act(rival, "mail", self._deliver)

    # What happens.

    def _act(self, service: Service, what: str, deed: Callable[[], object]) -> str:
        """Let a process do something; it may be killed, or fail where the disk failed."""
        process, outer, fired = service.process, self.disk.current, self.disk.fired
        if process.connections or process.dead:
            return ""  # It is at something else.
        self.disk.current = process
        failed, said = service.nights.failed, ""
        LAST.clear()
        try:
            said = str(deed() or "")
            self.lost += sum("no longer held" in line for line in LAST)
            if service.nights.failed > failed and self.disk.fired == fired:
                raise BrokenError(f"{process.name} failed at {what} though nothing did: {LAST}")
        except Killed:
            said = "killed"
        except FAULTS as error:
            if self.disk.fired == fired and not isinstance(error, LockedError | LostLeaseError):
                raise
            said = f"failed: {type(error).__name__}"
        finally:
            self.disk.current = None
            if process.dead:
                self.disk.bury(process)
                service.restart()
            self.disk.current = outer
        self.say(f"  {process.name} {what}: {said}", *(f"    {one}" for one in (*self.server.said, *self.disk.said)))
        self.server.said.clear()
        self.disk.said.clear()
        return said

    def _serve(self, service: Service) -> str:
        """Let both loops of a service come round; give what was run."""
        ran = self._act(service, "tick", lambda: [f"run {one.outcome.run}" for one in service.nights.tick()])
        self._act(service, "mail", self._deliver)
        return ran

    def _deliver(self) -> None:
        """Do what the service's mail thread does at each of its ticks."""
        opened = wiring.open_ledger(self.project)
        try:
            if opened.outbox.due(self.clock()):
                wiring.deliver(self.project, opened, self.clock)
        finally:
            opened.close()

    def _by_people(self) -> None:
        what = self.chance.choice(("acknowledge", "silence", "retry", "run"))
        rule = self.chance.choice(list(OWNERS))

        def deed() -> object:
            if what == "run":
                as_of = wiring.default_as_of(self.project, self.clock())
                return f"run {wiring.run_once(self.project, as_of, expectations=False, clock=self.clock).outcome.run}"
            opened = wiring.open_ledger(self.project)
            try:
                now = self.clock()
                if what == "retry":
                    return opened.outbox.retry(None, now)
                with opened.transaction() as connection:
                    if what == "silence":
                        alerting.silence(connection, rule, "x", now, ends=now + timedelta(days=2), reason="why")
                    else:
                        alerting.acknowledge(connection, AlertKey(About.RULE, rule), "x", now)
            finally:
                opened.close()
            return rule

        self._act(self.people, what, deed)

    def _time(self) -> None:
        """Let time go by: minutes, hours, a downtime; or a clock that is put back, or far ahead and back again."""
        if self.ahead:
            if self.chance.random() < 0.5:
                self.clock.move(-self.ahead)
                self.ahead = timedelta()
                self.say("  the clock is put right")
            return
        what = self.chance.choices(("minutes", "hours", "night", "down", "back", "ahead"), (20, 22, 45, 5, 5, 3))[0]
        hours = {
            "minutes": self.chance.uniform(0, 0.4), "hours": self.chance.uniform(0.5, 14), "night": 24 - self.chance.uniform(0, 3),
            "down": self.chance.uniform(30, 150), "back": -self.chance.uniform(0.1, 50), "ahead": self.chance.uniform(100, 2000),
        }[what]  # fmt: skip
        self.clock.move(timedelta(hours=hours))
        if what == "ahead":
            self.ahead = timedelta(hours=hours)
        self.say(f"  {what}")

    def _step(self) -> None:
        self._time()
        self.say(f"{self.clock.at:%Y-%m-%d %H:%M:%S}")
        if self.chance.random() < 0.5:
            self.say(f"  delivered: {self.deliveries.turn()}")
        self.full = max(0, self.full - 1)
        if self.chance.random() < 0.03:
            self.full = self.chance.randint(1, 3)
        self.disk.full = self.full > 0
        self.disk.fault = drawn_fault(self.chance) if self.chance.random() < 0.4 else None
        for service in self.chance.sample(self.services, self.chance.choice((1, 1, 2))):
            self._serve(service)
        if self.chance.random() < 0.15:
            self._by_people()

    def _calm(self) -> None:
        """Nothing fails any more: four days with three looks at each, then the books must be in order."""
        self.clock.move(-self.ahead)
        self.ahead, self.disk.fault, self.disk.full, self.server.calm = timedelta(), None, False, True
        self.deliveries.settle()
        since, before = self.clock.at, self._judge(thoroughly=True)
        seen_to = {row["slot"] for row in before["slots"] if row["job"] == "nightly"}
        for day in range(1, 5):
            for hour in (2, 8, 9):
                self.clock.at = max(self.clock.at, (since + timedelta(days=day)).replace(hour=hour, minute=40))
                self.clock.move(timedelta())
                self.say(f"{self.clock.at:%Y-%m-%d %H:%M:%S} calm")
                self._serve(self.services[hour % 2])
                self._judge(thoroughly=False)
        books = self._judge(thoroughly=True)
        self._hold(self.promises.in_the_end(books, f"{since.astimezone(ZONE).date()}T24", seen_to))
        self.lived.count = {
            "runs done": sum(row["state"] == "done" for row in books["runs"]),
            "runs failed": sum(row["state"] == "failed" for row in books["runs"]),
            "slots taken over or tried again": sum(row["epoch"] > 1 for row in books["slots"]),
            "slots skipped": sum(row["skipped"] for row in books["slots"]),
            "mails": len(books["outbox"]),
            "attempts": sum(row["attempts"] for row in books["outbox_addresses"]),
            "kills": self.disk.kills,
            "faults of disk and database": self.disk.fired - self.disk.kills,
            "leases lost": self.lost,
            "lost replies": self.server.count["lost"] + self.server.count["slow"],
            "extra copies": sum(max(0, count - 1) for count in self.server.copies.values()),
            "days": (self.clock.highest - self.began).days,
        }
        self.lived.digest = hashlib.sha256("\n".join((*self.lived.lines, digest(books))).encode()).hexdigest()

    def _judge(self, *, thoroughly: bool) -> Books:
        books, unsound = read_books(self.disk.files, self.folder / "books", thoroughly=thoroughly)
        self._hold([*([unsound] if unsound else []), *self.promises.after_a_step(books)])
        return books

    def _hold(self, broken: list[str]) -> None:
        if broken:
            raise BrokenError("; ".join(broken[:5]))

    def say(self, *lines: str) -> None:
        self.lived.lines += lines

    def live(self) -> Lived:
        """Live it to its end.

        Raises:
            BrokenError: a promise was broken.

        """
        self.began = self.clock.at
        if self.lived.seed % 5:  # The others begin with migrations.
            self.disk.state.mkdir(parents=True)
            (self.disk.state / "ledger.db").write_bytes(empty_ledger())
        with self._handed(), faulty(self.disk):
            for _ in range(STEPS):
                fired = self.disk.fired
                self._step()
                self._judge(thoroughly=self.disk.fired > fired)
            self._calm()
        return self.lived

    @contextmanager
    def _handed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for place, name, thing in (
                (runs, "evaluate", evaluation(self._while_judging)), (runs, "mails_of", self._mails_of),
                (runs, "run_lock", self._lock), (wiring, "run_lock", self._lock),
                (smtp, "send", self.server.send), (ledger, "open_engine", self._open_engine),
            ):  # fmt: skip
                stack.callback(setattr, place, name, getattr(place, name))
                setattr(place, name, thing)
            stack.enter_context(_listening())
            yield


@cache
def _engine(root: Path, _process: str) -> Engine:
    """Make an engine and let it ask its first questions: no history is to differ by what another one did before it."""
    engine = open_engine(make_url("sqlite:///.tulosvahti/ledger.db"), root)
    engine.connect().close()
    engine.dispose()
    return engine


MAILS_OF = runs.mails_of
LAST: list[str] = []


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        LAST.append(f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage())


@contextmanager
def _listening() -> Iterator[None]:
    log, listener = logging.getLogger("tulosvahti"), _Listener(logging.WARNING)
    before, log.propagate = log.propagate, False
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)
        log.propagate = before


def live(seed: int, folder: Path, lived: Lived | None = None) -> Lived:
    """Live the history of one seed in a folder, which is emptied first; ``lived`` is where it is written down.

    Raises:
        BrokenError: a promise was broken.

    """
    for name in ("project", "killed", "books"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("one", "two", "people"):
        _engine(folder / "project", name)
    shutil.rmtree(folder / "project", ignore_errors=True)
    return History(lived or Lived(seed), folder).live()
