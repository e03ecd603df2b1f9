"""The parent's side of intake: deliveries are read in a child process with limits, and one that dies takes none with it.

Bounds of a child: ``MEMORY`` bytes, by the system's limit on private memory and by the parent's eye on what is resident;
``SECONDS`` of wall time for a file of up to a megabyte and ``SECONDS_A_MEGABYTE`` more for each beyond it, ``MOST_SECONDS`` at
most, and as much processor time on each processor; ``FILE`` bytes of any file it writes. Small deliveries share a child, for starting one takes longer than reading them; where a shared child dies, the
delivery at which it died is read once more in a child of its own, and the others go on in another.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.child import end, environment
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Summary, summary_of
from tulosvahti.load.sheets.reading import MEGABYTE, amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.files import File

MEMORY = 1024 * MEGABYTE
FILE = 4096 * MEGABYTE
SECONDS = 30.0
SECONDS_A_MEGABYTE = 10.0
MOST_SECONDS = 600.0
_MODULE = "tulosvahti.load.intake_child"
_SMALL = 4 * MEGABYTE
_TOGETHER = 16 * MEGABYTE
_LOOK = 0.05
_STEP = "open it in the program that made it, save it again and deliver the new file"
_SHARED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHASHSEED", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
"""What the child gets of the environment: none of the secrets in it."""


@dataclass(frozen=True)
class Order:
    """Deliveries of one input, and the file that their rows go to; its folder is the child's to write in."""

    contract: Contract
    files: Sequence[File]
    place: Path

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(file.size for file in self.files)

    @property
    def seconds(self) -> float:
        """The wall time allowed."""
        beyond = max(self.size - MEGABYTE, 0) / MEGABYTE
        return min(SECONDS + SECONDS_A_MEGABYTE * beyond, MOST_SECONDS)

    @property
    def line(self) -> bytes:
        """The order as the child reads it."""
        shape = {
            "contract": base64.b64encode(pickle.dumps(self.contract)).decode("ascii"),
            "files": [[file.name, str(file.path.resolve()), file.sha256, file.size] for file in self.files],
            "place": str(self.place.resolve()),
            "seconds": int(self.seconds) + 1,
        }
        return json.dumps(shape).encode("ascii") + b"\n"


Came = Summary | UnreadableError
"""What came of an order: its rows lie at ``place``, or the delivery is refused."""


def read_apart(orders: Sequence[Order]) -> list[Came]:
    """Read deliveries in child processes; give what came of each, in their order.

    Raises:
        OSError: this machine failed, not a delivery: the disk is full, no process can be started.

    """
    found: dict[int, Came] = {}
    for together in _shares(orders):
        left = list(together)
        while left:
            came = _in_one_child([orders[at] for at in left])
            found |= {left[at]: item for at, item in enumerate(came) if item is not None}
            broken = came.index(None) if None in came else len(left)
            left = left[broken:]
            if left and len(together) > 1:
                # Its end may be another's doing: alone, it is its own.
                (alone,) = _in_one_child([orders[left[0]]], alone=True)
                if alone is not None:
                    found[left.pop(0)] = alone
    return [found[at] for at in range(len(orders))]


def _shares(orders: Sequence[Order]) -> list[list[int]]:
    """Divide orders into those that share a child."""
    result: list[list[int]] = []
    small: list[int] = []
    room = 0
    for at, order in enumerate(orders):
        if order.size > _SMALL:
            result.append([at])
            continue
        if order.size > room or not small:
            small, room = [], _TOGETHER
            result.append(small)
        small.append(at)
        room -= order.size
    return result


def _in_one_child(orders: Sequence[Order], *, alone: bool = False) -> list[Came | None]:
    """Read in one child, until it ends; None: the one at which it ended, where others were read before it, and the rest."""
    alone = alone or len(orders) == 1
    came: list[Came | None] = []
    with _child() as child:
        for order in orders:
            item = child.read(order)
            if isinstance(item, _Ended):
                if alone:
                    return [UnreadableError(item.message, item.step)]
                return [*came, *[None] * (len(orders) - len(came))]
            came.append(item)
    return came


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep a child for the next deliveries meanwhile, for whoever takes many small ones one after the other."""
    _IDLE.append(None)
    try:
        yield
    finally:
        child = _IDLE.pop()
        if child is not None:
            child.close()


_IDLE: list[_Child | None] = []
_AHEAD: list[_Child] = []


def start_ahead() -> None:
    """Start the child of the next order, which is not known yet, unless one waits; ``end_ahead`` ends it if nothing comes."""
    if not _AHEAD and not any(_IDLE):
        # Where none can be started, the order itself says so.
        with suppress(OSError):
            _AHEAD.append(_Child())


def end_ahead() -> None:
    """End a child that was started for nothing."""
    while _AHEAD:
        _AHEAD.pop().close()


@contextmanager
def started_ahead() -> Iterator[None]:
    """Have a child start while it is found out what there is to read; it ends unused where there is nothing."""
    start_ahead()
    try:
        yield
    finally:
        end_ahead()


@contextmanager
def _child() -> Iterator[_Child]:
    """Give a child that has nothing to do; it ends afterwards, unless children are kept open and it is well."""
    child = _IDLE[-1] if _IDLE else None
    if _IDLE:
        _IDLE[-1] = None
    if child is None:
        with suppress(IndexError):
            child = _AHEAD.pop()
    child = child or _Child()
    try:
        yield child
    except BaseException:
        child.close()
        raise
    if _IDLE and _IDLE[-1] is None and child.is_well:
        _IDLE[-1] = child
    else:
        child.close()


@dataclass(frozen=True)
class _Ended:
    """The child is gone, and why."""

    message: str
    step: str


class _Child:
    """One child process, from its start to its end."""

    def __init__(self) -> None:
        limits = {"memory": MEMORY, "file": FILE}
        # Each thread of a library takes its share of the memory, used or not.
        threads = {"POLARS_MAX_THREADS": str(min(os.cpu_count() or 1, 4)), "MALLOC_ARENA_MAX": "2"}
        threads |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", _MODULE, json.dumps(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bare_environment() | threads,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.is_well = True
        """False from the moment at which it ended or has to."""

    def close(self) -> None:
        """End it, whatever it does."""
        end(self._process)
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def read(self, order: Order) -> Summary | UnreadableError | _Ended:
        """Have one delivery read.

        Raises:
            OSError: this machine failed.

        """
        found = self._read(order)
        self.is_well = not isinstance(found, _Ended)
        return found

    def _read(self, order: Order) -> Summary | UnreadableError | _Ended:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(order.line)
                self._process.stdin.flush()
        deadline = time.monotonic() + order.seconds
        while True:
            with suppress(queue.Empty):
                line = self._lines.get(timeout=_LOOK)
                return self._understood(line) if line else self._failure()
            if time.monotonic() > deadline:
                most = f"{order.seconds:.0f} seconds"
                return _Ended(f"reading did not end in {most}", "split the file, or delete what is unused in it")
            if resident(self._process.pid) > MEMORY:
                return _Ended(_hungry(), "split the file, or delete what is unused in it")

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(b"")

    def _understood(self, line: bytes) -> Summary | UnreadableError | _Ended:
        """Take a line as what it must be, and as nothing else."""
        try:
            shape: dict[str, Any] = json.loads(line)
            if "summary" in shape:
                return summary_of(shape["summary"])
            if "refused" in shape:
                message, step = map(str, shape["refused"])
                return UnreadableError(message, step)
            number, said = int(shape["broken"][0]), str(shape["broken"][1])
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            return _Ended(f"the reader gave what cannot be understood ({type(error).__name__}: {error})", _STEP)
        raise OSError(number, said)

    def _failure(self) -> _Ended:
        code = self._process.wait()
        if code < 0:
            name = f"signal {-code}"
            with suppress(ValueError):
                name = signal.Signals(-code).name
            if name == "SIGXCPU":
                return _Ended("reading took more processor time than is allowed", "split the file, or delete what is unused in it")
            return _Ended(f"the reader crashed on this file ({name})", _STEP)
        return _Ended(f"the reader crashed on this file (exit code {code})", _STEP)


def _hungry() -> str:
    return f"reading the file needs more memory than is allowed; allowed: at most {amount(MEMORY)}"


def bare_environment() -> dict[str, str]:
    """Give the environment of a child that finds this programme, without the secrets that may be in ours."""
    inherited = environment()
    return {name: inherited[name] for name in _SHARED if name in inherited}


def resident(pid: int) -> int:
    """Give the bytes that a process has in memory; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
