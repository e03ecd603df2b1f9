"""What lies in a drop folder: whole files, read once and without being misled; what is no file, with a reason.

A file counts as whole when it has its name (``rename``), when a list beside it names its size and digest (``manifest``),
or when it was left alone for a while (``settle``). One that changes while it is read is not taken. Links are not followed,
pipes and devices not opened.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import How
from tulosvahti.core.drop import REFUSED, TAKEN, Drop, Whole
from tulosvahti.load.amounts import amount
from tulosvahti.load.files import MOST, File, written_at
from tulosvahti.load.held import Held, hold
from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

LISTS = (".sha256", ".manifest")
"""Endings of the lists that say how large a file is and what its digest is."""
_UNDER_WAY = re.compile(r"(?i)\..*|.*(?:\.part|\.partial|\.tmp|\.temp|\.filepart|\.crdownload|\.download|~)|thumbs\.db|desktop\.ini")
_DIGEST = re.compile(r"(?i)\b[0-9a-f]{64}\b")
_SIZE = re.compile(r"(?im)\b(?:size|bytes|koko|storlek)\b\"?\s*[:=]\s*\"?(\d{1,15})\b")
_LONGEST_LIST = 65_536
_STEP = "put the file itself there"
_KINDS = (
    (stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"), (stat.S_ISCHR, "a device"),
)  # fmt: skip


@dataclass(frozen=True)
class Lying:
    """Something in a drop folder, as it was seen: its name, size and when it was written."""

    path: Path
    name: str
    size: int
    written: str
    by: str
    seen: tuple[int, int, int, int]
    kind: str = ""
    """What it is, where it is no file."""

    @property
    def lists(self) -> list[Path]:
        """The lists that belong to it and are there."""
        return [place for ending in LISTS if os.path.lexists(place := self.path.with_name(self.path.name + ending))]


class ChangingError(Exception):
    """The file is not whole yet: it is looked at again later."""


def place_of(drop: Drop, root: Path) -> Path:
    """Give the drop folder."""
    return root / drop.folder


def lying(drop: Drop, root: Path) -> list[Lying]:
    """Give what lies there under a name of this input, the one written first before the others.

    Raises:
        OSError: the folder cannot be looked at; one that is not there holds nothing.

    """
    found = []
    try:
        entries = list(os.scandir(place_of(drop, root)))
    except FileNotFoundError:
        return []
    for entry in entries:
        name = entry.name.encode("utf-8", "replace").decode()
        if _UNDER_WAY.fullmatch(name) or name.endswith(LISTS) or not fnmatchcase(name, drop.files):
            continue
        if name in {TAKEN, REFUSED} and entry.is_dir(follow_symlinks=False):
            continue
        try:
            seen = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        kind = next((word for test, word in _KINDS if test(seen.st_mode)), "")
        path = place_of(drop, root) / entry.name
        size = 0 if kind else seen.st_size
        found.append(Lying(path, name, size, written_at(seen), _owner(seen), _mark(seen), kind))
    return sorted(found, key=lambda item: (item.written, item.name))


def read_lying(item: Lying, drop: Drop, now: datetime, folder: Path) -> File:
    """Hold a file that is whole in the input store, which is ``folder``.

    Raises:
        ChangingError: it is not whole yet, or changed while it was read.
        UnreadableError: it is no file, too large, or not what its list says.

    """
    if item.kind:
        msg = f"{item.name} is {item.kind}, not a file"
        raise UnreadableError(msg, _STEP)
    if item.size > MOST:
        msg = f"{item.name} is too large ({amount(item.size)}); allowed: at most {amount(MOST)}"
        raise UnreadableError(msg, "split the file")
    if waits := awaits(item, drop, now):
        raise ChangingError(waits)
    held = _held(item, folder)
    for place in item.lists:
        if fault := _fault(item.name, held, _listed(place)):
            if not _settled(item, drop, now):
                raise ChangingError(fault)
            raise UnreadableError(fault, f"deliver {item.name} and {place.name} again, as they belong together")
    return File(item.name, held.path, held.sha256, held.size, item.written, item.by, How.DROP)


def awaits(item: Lying, drop: Drop, now: datetime) -> str:
    """Say what a file still waits for before it counts as whole; empty: nothing."""
    if item.kind:
        return ""
    if drop.whole is Whole.MANIFEST and not item.lists:
        return f"{item.name} waits for its list ({item.name}{LISTS[0]} or {item.name}{LISTS[1]})"
    if drop.whole is Whole.SETTLE and not _settled(item, drop, now):
        return f"{item.name} was written less than {drop.settle.total_seconds():.0f} s ago"
    return ""


def _settled(item: Lying, drop: Drop, now: datetime) -> bool:
    """Tell whether it was left alone for so long; a moment in the future was written by another clock."""
    return abs(now.timestamp() - item.seen[2] / 10**9) >= drop.settle.total_seconds()


def is_still(item: Lying) -> bool:
    """Tell whether what lies there is what was seen."""
    try:
        return _mark(item.path.lstat()) == item.seen
    except OSError:
        return False


def _held(item: Lying, folder: Path) -> Held:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    changed = f"{item.name} changed while it was read"
    try:
        handle = os.open(item.path, flags)
    except FileNotFoundError as error:
        raise ChangingError(changed) from error
    except OSError as error:
        if item.path.is_symlink():
            raise ChangingError(changed) from error
        msg = f"{item.name} cannot be opened: {error.strerror}"
        raise UnreadableError(msg, "give the service the right to read it") from error
    with os.fdopen(handle, "rb") as stream:
        if _mark(os.fstat(handle)) != item.seen:
            raise ChangingError(changed)
        held = hold(stream, folder, MOST)
        if held.size != item.size or _mark(os.fstat(handle)) != item.seen:
            raise ChangingError(changed)
    return held


def _listed(place: Path) -> str:
    try:
        if not stat.S_ISREG(place.lstat().st_mode):
            return ""
        with place.open("rb") as stream:
            return stream.read(_LONGEST_LIST).decode("utf-8", "replace")
    except OSError:
        return ""


def _fault(name: str, held: Held, listed: str) -> str:
    """Say where a list and a file differ; a list must name the digest, and may name the size."""
    digest = _DIGEST.search(listed)
    if digest is None:
        return f"the list of {name} names no SHA-256; allowed: 64 hex digits, and size: BYTES"
    size = _SIZE.search(listed)
    if size is not None and int(size[1]) != held.size:
        return f"{name} has {held.size} bytes; its list says {size[1]}"
    found = held.sha256
    return "" if found == digest[0].lower() else f"the SHA-256 of {name} is {found}; its list says {digest[0].lower()}"


def _mark(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _owner(found: os.stat_result) -> str:
    try:
        import pwd  # noqa: PLC0415 - not on Windows

        return pwd.getpwuid(found.st_uid).pw_name
    except (ImportError, KeyError):
        return ""
