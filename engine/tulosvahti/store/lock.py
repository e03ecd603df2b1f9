"""Locks of one machine: one run at a time, and one service.

The operating system holds the lock and frees it when the process ends, however it ends. The claims in the ledger decide
who runs what, also over several machines; the run lock tells at once which of their owners on this machine are dead,
where a lease alone would have to end first. The file names the owners that took it since one last said ``alone``.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # Windows locks are mandatory: one byte far behind the text, so that the text can be read.

    def _take(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_MANY = 500
"""Owners remembered: enough for the hours that a run on another machine may take."""
_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class LockedError(Exception):
    """Another run, or another service, holds the lock; the text says who and since when."""


class RunLock:
    """The lock file at ``path``; used with ``with``. ``what`` says what its holder does."""

    def __init__(self, path: Path, what: str = "a run is under way") -> None:
        """Name the file; it is made when the lock is taken, and stays."""
        self.path, self.what = path, what
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self.dead: tuple[str, ...] = ()
        """Owners that held the lock before and may have left claims behind: they have ended, as the lock was free."""
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Take the lock at once.

        Raises:
            LockedError: another process holds it.

        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(handle)
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                raise LockedError(self._who()) from None
            raise
        self._handle = handle
        self.dead = tuple(self.path.read_text(encoding="utf-8", errors="replace").split()[-_MANY:])
        self._write("\n".join((*self.dead, self.owner)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def alone(self) -> None:
        """Forget the dead: the ledger has released what they held."""
        self.dead = ()
        self._write(self.owner)

    def _write(self, text: str) -> None:
        if self._handle is not None:
            os.lseek(self._handle, 0, os.SEEK_SET)
            written = os.write(self._handle, f"{text}\n".encode())
            os.ftruncate(self._handle, written)

    def _who(self) -> str:
        try:
            owner = self.path.read_text(encoding="utf-8", errors="replace").split()[-1]
            since = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).isoformat(timespec="seconds")
            holder = f"process {owner.split('/')[1]} since {since}"
        except (OSError, IndexError):
            holder = "another process"
        return f"{self.path}: {self.what} ({holder}); wait until it ends, or end that process"
