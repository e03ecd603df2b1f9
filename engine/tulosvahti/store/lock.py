"""The run lock: a run by hand and the service are never both at once.

The operating system holds the lock and frees it when the process ends, however it ends. The file's text (process id)
and its time of change (since when) only serve the sentence that tells who holds it.
"""

from __future__ import annotations

import errno
import os
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


_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class LockedError(Exception):
    """Another run holds the lock; the text says who and since when."""


class RunLock:
    """The lock file at ``path``; used with ``with``. ``what`` says what its holder does."""

    def __init__(self, path: Path, what: str = "a run is under way") -> None:
        """Name the file; it is made when the lock is taken, and stays."""
        self.path, self.what = path, what
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Take the lock at once.

        Raises:
            LockedError: another run holds it.

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
        os.lseek(handle, 0, os.SEEK_SET)
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _who(self) -> str:
        try:
            process = self.path.read_text(encoding="ascii", errors="replace").strip()
            since = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        except OSError:
            process, since = "", ""
        holder = f"process {process} since {since}" if process else "another process"
        return f"{self.path}: {self.what} ({holder}); wait until it ends, or end that process, then try again"
