"""Deliveries are held before they are read: a copy in the input store, named by its SHA-256, that nobody changes any more.

Bytes go through in pieces: what lies there may be larger than memory. The place is the one where ``store.inputs`` looks.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from tulosvahti.load.amounts import amount
from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EFBIG})
"""What a disk or a system says of itself; any other error comes of what is in a file."""
_PIECE = 1 << 20
_LARGE = 16 << 20
"""Bytes from which a file is not read twice where it is sure to be new."""

_MOST_OPEN = 64
"""Copies that wait for the disk at one time: each is an open file, of which a process may have some hundreds."""


@dataclass(frozen=True)
class Held:
    """A copy: its place, its SHA-256 and its size in bytes."""

    path: Path
    sha256: str
    size: int


def store_of(root: Path) -> Path:
    """Give the folder of the input store of a project."""
    return root / ".tulosvahti" / "store"


class Syncing:
    """Copies that are on their way to the disk, and may be read meanwhile; until they are there none has its name.

    A context: what was not settled when it ends is deleted.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._pool = ThreadPoolExecutor(1)
        self._going: dict[Path, tuple[Future[None], Path]] = {}
        self._settled: dict[Path, Path] = {}
        self._open: list[Future[None]] = []

    def send(self, out: IO[bytes], part: Path, place: Path) -> None:
        """Send a copy that is written to the disk, and close it; ``place`` is where it belongs."""
        self._open = [going for going in self._open if not going.done()]
        if len(self._open) >= _MOST_OPEN:
            wait(self._open[:1])
        self._open.append(self._pool.submit(_synced, out))
        self._going[part] = self._open[-1], place

    def settle(self) -> None:
        """Wait until all are on the disk, and give them their names.

        Raises:
            OSError: this machine failed.

        """
        for part, (going, place) in list(self._going.items()):
            going.result()
            _named(part, place)
            self._settled[part] = place
            del self._going[part]

    def place(self, path: Path) -> Path:
        """Give where a copy lies after it was settled."""
        return self._settled.get(path, path)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete what has no name."""
        self._pool.shutdown()
        for part in self._going:
            part.unlink(missing_ok=True)


def hold(
    stream: IO[bytes], folder: Path, most: int, coming: Callable[[], None] | None = None, syncing: Syncing | None = None
) -> Held:
    """Copy a stream that can be read twice into the store, unless it is there; its digest is that of the copy.

    ``coming`` is called where it is not there, before it is copied. With ``syncing`` the copy lies at a place of its own
    until that is settled.

    Raises:
        UnreadableError: it grew to more than ``most`` bytes while it was read.

    """
    declared = _size_of(stream)
    if declared < _LARGE or _may_hold(folder, declared):
        sha256, size = copied(stream, None, most)
        held = _place(folder, sha256, size)
        if size <= most and held.path.is_file() and held.path.stat().st_size == size:
            return held
        stream.seek(0)
    if coming is not None:
        coming()
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".part-")
    part, out = Path(name), os.fdopen(handle, "wb")
    try:
        # What is still being written is taken as far as it is now: the copy is what counts.
        sha256, size = copied(stream, out, most)
        out.flush()
        _refuse_grown(size, most)
        held = _place(folder, sha256, size)
        if syncing is not None:
            syncing.send(out, part, held.path)
            return Held(part, sha256, size)
        _synced(out)
        _named(part, held.path)
    except BaseException:
        out.close()
        part.unlink(missing_ok=True)
        raise
    return held


def _synced(out: IO[bytes]) -> None:
    """Wait until a file is on the disk, and close it."""
    with out:
        os.fsync(out.fileno())


def _named(part: Path, place: Path) -> None:
    """Give a copy that is on the disk its name, for good."""
    made = not place.parent.is_dir()
    place.parent.mkdir(exist_ok=True)
    part.replace(place)
    _sync(place.parent)
    if made:
        _sync(place.parent.parent)


def _size_of(stream: IO[bytes]) -> int:
    """Give the size of a file; 0 where that is not to be known."""
    try:
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return 0


def _may_hold(folder: Path, size: int) -> bool:
    """Tell whether the store has anything of this size: what is sure to be new is read once, as it is copied."""
    return any(path.stat().st_size == size for path in folder.glob("[0-9a-f][0-9a-f]/*"))


def _refuse_grown(size: int, most: int) -> None:
    if size > most:
        msg = f"file grew to more than {amount(most)} while it was read"
        raise UnreadableError(msg, "deliver it when it is whole, or split it")


def copied(stream: IO[bytes], out: IO[bytes] | None, most: int) -> tuple[str, int]:
    """Copy a stream, or only read it; give SHA-256 and size. It ends a byte after ``most``."""
    digest, size = hashlib.sha256(), 0
    while size <= most and (piece := stream.read(min(_PIECE, most + 1 - size))):
        digest.update(piece)
        size += len(piece)
        if out is not None:
            out.write(piece)
    return digest.hexdigest(), size


def _place(folder: Path, sha256: str, size: int) -> Held:
    return Held(folder / sha256[:2] / sha256[2:], sha256, size)


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
