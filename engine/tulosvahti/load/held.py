"""Deliveries are held before they are read: a copy in the input store, named by its SHA-256, that nobody changes any more.

Bytes go through in pieces: what lies there may be larger than memory. The place is the one where ``store.inputs`` looks.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets.reading import amount

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EFBIG})
"""What a disk or a system says of itself; any other error comes of what is in a file."""
_PIECE = 1 << 20
_LARGE = 16 << 20
"""Bytes from which copying is worth more than one thread."""


@dataclass(frozen=True)
class Held:
    """A copy: its place, its SHA-256 and its size in bytes."""

    path: Path
    sha256: str
    size: int


def store_of(root: Path) -> Path:
    """Give the folder of the input store of a project."""
    return root / ".tulosvahti" / "store"


def hold(stream: IO[bytes], folder: Path, most: int, coming: Callable[[], None] | None = None) -> Held:
    """Copy a stream that can be read twice into the store, unless it is there; its digest is that of the copy.

    ``coming`` is called where it is not there, before it is copied.

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
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            # What is still being written is taken as far as it is now: the copy is what counts.
            sha256, size = (copied if declared < _LARGE else _poured)(stream, out, most)
            out.flush()
            os.fsync(out.fileno())
        _refuse_grown(size, most)
        held = _place(folder, sha256, size)
        made = not held.path.parent.is_dir()
        held.path.parent.mkdir(exist_ok=True)
        part.replace(held.path)
        _sync(held.path.parent)
        if made:
            _sync(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return held


def _size_of(stream: IO[bytes]) -> int:
    """Give the size of a file; 0 where that is not to be known."""
    try:
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return 0


def _may_hold(folder: Path, size: int) -> bool:
    """Tell whether the store has anything of this size: what is sure to be new is read once, as it is copied."""
    return any(path.stat().st_size == size for path in folder.glob("[0-9a-f][0-9a-f]/*"))


def _poured(stream: IO[bytes], out: IO[bytes], most: int) -> tuple[str, int]:
    """Copy a large stream as ``copied`` does; one piece is written, and sent to the disk, while another is digested."""
    digest, size = hashlib.sha256(), 0
    with ThreadPoolExecutor(1) as pool:
        before: Future[None] | None = None
        while size <= most and (piece := stream.read(min(_LARGE // 2, most + 1 - size))):
            writing = pool.submit(_write, out, piece)
            digest.update(piece)
            size += len(piece)
            if before is not None:
                before.result()
            before = writing
        if before is not None:
            before.result()
    return digest.hexdigest(), size


def _write(out: IO[bytes], piece: bytes) -> None:
    out.write(piece)
    out.flush()
    os.fsync(out.fileno())


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
