"""A disk and a database that fail as a seed says, for processes that are simulated inside one real process.

What a simulated process does to the disk is counted: connections, statements, commits (before and after they took
hold), and files and folders that are made, renamed or removed. At the chosen one comes an error, or the process is
killed: from then on nothing that it asks of database or disk is done, so that no ``except`` and no ``finally`` of it
changes anything, and its transactions are rolled back. Where no other process has the ledger open, what goes on is a
copy of database and log as they were at that moment: the next one to open them recovers them, as after a real kill.

Otherwise than with a real kill: SQLite's own system calls are not torn apart, a file is written whole once it is open,
memory is thrown away by making the objects anew, and threads do not run beside each other (a rival acts while another
waits for its mail server or judges). Real kills, real full disks and real rivals are proved by the other benches.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


class Killed(BaseException):
    """The simulated process was killed."""


@dataclass
class Process:
    """A simulated process: its machine, its open connections, and whether it was killed."""

    name: str
    machine: str
    dead: bool = False
    connections: list[sqlite3.Connection] = field(default_factory=list)
    left: Path | None = None
    """Where database and log lie as they were when it was killed."""


@dataclass
class Fault:
    """What comes after so many operations: ``kill``, ``error``, or ``late``, an error although it was done."""

    kind: str
    after: int


class Disk:
    """The disk of one history. ``current`` is the process that acts; without one nothing is counted and nothing fails."""

    def __init__(self, root: Path, aside: Path) -> None:
        self.state, self.aside = root / ".tulosvahti", aside
        self.current: Process | None = None
        self.fault: Fault | None = None
        self.full = False
        self.fired = self.kills = 0
        """Faults so far."""
        self.said: list[str] = []
        """Faults since somebody asked."""

    @property
    def files(self) -> list[Path]:
        return [self.state / "ledger.db", self.state / "ledger.db-wal"]

    def meet(self, what: str, *, done: bool = False) -> str:
        """Count an operation; give the error that it ends with, or ''."""
        process = self.current
        if process is None:
            return ""
        if process.dead:
            raise Killed
        if self.full and not done and what.startswith(("made", *_WRITES)):
            self._fires(f"no space at {what}")
            return "full"
        if self.fault is None:
            return ""
        self.fault.after -= 1
        if self.fault.after > 0 or self.fault.kind == ("error" if done else "late"):
            return ""
        kind, self.fault = self.fault.kind, None
        self._fires(f"{kind} at {what}{' done' if done else ''} of {process.name}")
        if kind == "kill":
            self.kill(process)
        return "error"

    def kill(self, process: Process) -> None:
        """Kill a process here and now."""
        process.dead = True
        self.kills += 1
        # Others that have the ledger open cannot be given another one: then closing rolls back what was open.
        if self._open == process.connections:
            process.left = self.aside / process.name
            shutil.rmtree(process.left, ignore_errors=True)
            process.left.mkdir(parents=True)
            self.current = None
            for path in self.files:
                if path.exists():
                    shutil.copyfile(path, process.left / path.name)
            self.current = process
        raise Killed

    def bury(self, process: Process) -> None:
        """Close what a killed process had open, put back what it left, and let the next of its name begin."""
        for connection in process.connections:
            connection.close()
        if process.left is not None:
            for path in (*self.files, self.state / "ledger.db-shm"):
                path.unlink(missing_ok=True)
            for path in process.left.iterdir():
                shutil.move(path, self.state / path.name)
        process.dead, process.left, process.connections = False, None, []

    @property
    def _open(self) -> list[sqlite3.Connection]:
        return list(_OPENED)

    def _fires(self, what: str) -> None:
        self.fired += 1
        self.said.append(what)


_OPENED: list[sqlite3.Connection] = []
_DISK: Disk | None = None


def _raise(error: str) -> None:
    if error == "full":
        raise sqlite3.OperationalError("database or disk is full")
    if error:
        raise sqlite3.OperationalError("disk I/O error")


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._met(sql)
        return super().execute(sql, *args)

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._met(sql)
        return super().executemany(sql, *args)

    @staticmethod
    def _met(sql: str) -> None:
        if _DISK is not None:
            _raise(_DISK.meet(" ".join(sql.split()[:3])))


class _Connection(sqlite3.Connection):
    def cursor(self, *_: Any) -> sqlite3.Cursor:
        return super().cursor(_Cursor)

    def commit(self) -> None:
        if _DISK is not None and self.in_transaction:
            _raise(_DISK.meet("commit"))
            super().commit()
            _raise(_DISK.meet("commit", done=True))

    def rollback(self) -> None:
        # A killed process rolls nothing back: its connection is closed when it is buried.
        if _DISK is None or _DISK.current is None or not _DISK.current.dead:
            super().rollback()

    def close(self) -> None:
        if self in _OPENED:
            _OPENED.remove(self)
        if _DISK is not None and _DISK.current is not None and self in _DISK.current.connections and not _DISK.current.dead:
            _DISK.current.connections.remove(self)
        super().close()


def _connect(_dialect: object, _record: object, args: Any, options: Any) -> sqlite3.Connection | None:
    if _DISK is None or _DISK.current is None:
        return None
    _raise(_DISK.meet("connect"))
    connection = sqlite3.connect(*args, **options, factory=_Connection)
    _OPENED.append(connection)
    _DISK.current.connections.append(connection)
    return connection


def _path_of(name: str, args: tuple[Any, ...]) -> tuple[str, str]:
    """Give the path that an audited event changes, and what becomes of it; an empty path where nothing changes."""
    path = args[0] if args and isinstance(args[0], str | os.PathLike) else ""
    if name == "open":
        changes = isinstance(args[2], int) and args[2] & _MADE
        return (os.fspath(path) if changes else ""), "opened" if path and os.path.exists(path) else "made"  # noqa: PTH110
    return os.fspath(path), {"os.mkdir": "made folder", "os.rename": "renamed", "os.remove": "removed", "os.link": "linked"}[name]


def _audited(name: str, args: tuple[Any, ...]) -> None:
    disk = _DISK
    if disk is None or disk.current is None or name not in {"open", "os.mkdir", "os.rename", "os.remove", "os.link"}:
        return
    path, what = _path_of(name, args)
    if not path.startswith(str(disk.state)):
        return
    kind = Path(path).relative_to(disk.state).parts
    error = disk.meet(f"{what} in {kind[0] if kind else ''}")
    if error:
        number = errno.ENOSPC if error == "full" else errno.EIO
        raise OSError(number, os.strerror(number), path)


_HOOKED: list[bool] = []


@contextmanager
def faulty(disk: Disk) -> Iterator[Disk]:
    """Let all that is done to the database and under the state folder meet the faults of a disk."""
    global _DISK  # noqa: PLW0603 (an audit hook is the process's, and cannot be taken away)
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_audited)
    event.listen(Engine, "do_connect", _connect)
    _DISK = disk
    try:
        yield disk
    finally:
        _DISK = None
        event.remove(Engine, "do_connect", _connect)
        for connection in list(_OPENED):
            with closing(connection):
                _OPENED.remove(connection)


def drawn_fault(chance: random.Random) -> Fault:
    """Draw a fault: kills most of all, soon or late."""
    kind = chance.choices(("kill", "error", "late"), (5, 4, 1))[0]
    return Fault(kind, int(2 ** chance.uniform(0, 7.5)))
