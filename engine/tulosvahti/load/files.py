"""The files of an input as they lie in ``inputs/``: one, a list or a glob of deliveries, and what is in ZIP archives.

Convention: deliveries come in the order in which later ones win: as the contract lists them, inside a glob or an archive
by name, numbers in names counting as numbers. An archive is refused as a whole, and before anything of it is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import Arrived, How
from tulosvahti.load.amounts import MEGABYTE, amount, humane
from tulosvahti.load.held import OURS, copied, hold, store_of
from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.held import Syncing

MOST = 2048 * MEGABYTE
_MOST_UNPACKED = 1024 * MEGABYTE
_MOST_PARTS = 1000
_RATIO, _SMALL = 250, 20 * MEGABYTE
_NESTED = frozenset({".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".jar"})
_ASIDE = re.compile(r"(?:__MACOSX/.*|(?:.*/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini))\Z")
_WORKBOOK = ("xl/", "content.xml", "mimetype", "[content_types].xml", "word/", "ppt/", "index/")
_STEP = "deliver the files themselves, or an archive of nothing but them"


@dataclass(frozen=True)
class File:
    """One delivery: its name under ``inputs/``, and where its bytes are held, which nobody changes any more."""

    name: str
    path: Path = field(compare=False)
    sha256: str
    size: int
    written: str = field(default="", compare=False)
    """When it was last written, in UTC."""
    by: str = field(default="", compare=False)
    how: How = field(default=How.PATH, compare=False)

    @property
    def arrived(self) -> Arrived:
        """What is logged of it."""
        return Arrived(self.name, self.sha256, self.size, self.written, self.by, self.how)

    def start(self, size: int) -> bytes:
        """Give its first bytes."""
        with self.path.open("rb") as stream:
            return stream.read(size)


def paths_of(contract: Contract, root: Path, coming: Path | None = None) -> list[Path]:
    """Give the files of an input in their order; one that is named and not there is given too.

    ``coming``: a file that is not there yet and is given as if it were.
    """
    folder = root / "inputs"
    found: dict[Path, None] = {}
    for source in contract.sources:
        if any(mark in source for mark in "*?["):
            matches = {path for path in folder.glob(source) if not path.name.startswith(".")}
            if coming is not None and fnmatchcase(coming.relative_to(folder).as_posix(), source):
                matches.add(coming)
            found |= dict.fromkeys(sorted(matches, key=lambda path: natural(path.relative_to(folder).as_posix())))
        else:
            found[folder / source] = None
    return list(found)


def place_for(contract: Contract, name: str) -> str:
    """Give where a delivery of this name lies, below ``inputs/``.

    Raises:
        UnreadableError: the name is none of the input's.

    """
    if not contract.several:
        return contract.path
    for source in contract.sources:
        parent, _, last = source.rpartition("/")
        if fnmatchcase(name, last) and not any(mark in parent for mark in "*?["):
            return f"{parent}/{name}" if parent else name
    msg = f"the name {name!r} is none of the input's; allowed: {', '.join(contract.sources)}"
    raise UnreadableError(msg, "rename the file")


def digest_lying(contract: Contract, root: Path) -> str:
    """Give the digest of an input's content as it lies there now; empty where nothing that can be read does."""
    names = {path: os.path.relpath(path, root / "inputs") for path in paths_of(contract, root)}
    store = store_of(root)
    try:
        found = [(name, read_file(path, name, store, links=not contract.several).sha256) for path, name in names.items()]
    except (FileNotFoundError, UnreadableError):
        return ""
    if contract.several:
        return hashlib.sha256(manifest(found)).hexdigest() if found else ""
    return found[0][1]


def read_file(
    path: Path, name: str, folder: Path, *, links: bool = True,
    coming: Callable[[], None] | None = None, syncing: Syncing | None = None,
) -> File:  # fmt: skip
    """Hold a file that may be read in the store ``folder``: no pipe, device or folder, which could hang or never end.

    ``links``: whether it may be a link; one that lies where producers drop files could lead anywhere. ``coming`` and
    ``syncing``: as ``hold`` has them.

    Raises:
        FileNotFoundError: it is not there.
        UnreadableError: it is none that may be read.

    """
    try:
        if path.is_symlink() and not links:
            msg = f"{name} is a link, not a file"
            raise UnreadableError(msg, "put the file itself there")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            msg = f"{name} is a folder, a device or a pipe, not a file"
            raise UnreadableError(msg, "put the file itself there")
        if found.st_size > MOST:
            msg = f"{name} is too large ({amount(found.st_size)}); allowed: at most {amount(MOST)}"
            raise UnreadableError(msg, "split the file")
        # Without waiting: what was a file a moment ago may be a pipe now.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        msg = f"file cannot be opened: {error.strerror}"
        raise UnreadableError(msg, "mend the rights of the file or `path`") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            msg = f"{name} is a folder, a device or a pipe, not a file"
            raise UnreadableError(msg, "put the file itself there")
        held = hold(file, folder, MOST, coming, syncing)
    return File(name, held.path, held.sha256, held.size, written_at(found), _owner(path))


def written_at(found: os.stat_result) -> str:
    """Say when a file was last written."""
    seconds, rest = divmod(found.st_mtime_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}+00:00"


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):
        return ""


def manifest(parts: Iterable[tuple[str, str]]) -> bytes:
    """Write names and digests of deliveries that were taken as one: what is kept to find each of them again."""
    shape = [{"name": name, "sha256": digest} for name, digest in parts]
    return (json.dumps({"deliveries": shape}, ensure_ascii=False, indent=1) + "\n").encode()


def unpacked(file: File, folder: Path) -> list[File]:
    """Unpack the deliveries in a ZIP archive into a folder; a file that is none, or is a workbook, is given as it is.

    Raises:
        UnreadableError: the archive could do harm, or is damaged.

    """
    if not _is_zip(file.path):
        return [file]
    import lzma  # noqa: PLC0415 (what unpacks is loaded where there is an archive)
    import zipfile  # noqa: PLC0415

    from tulosvahti.load.sheets.archive import DAMAGE  # noqa: PLC0415

    try:
        with zipfile.ZipFile(file.path) as archive:
            entries = archive.infolist()
            if any(entry.filename.lower().startswith(_WORKBOOK) for entry in entries):
                return [file]
            left, found = _MOST_UNPACKED, []
            for number, entry in enumerate(_allowed(entries, file.size)):
                place = folder / f"{file.sha256}-{number}"
                with archive.open(entry) as part, place.open("wb") as out:
                    sha256, size = copied(part, out, left)
                left -= size
                if left < 0:
                    raise _harm(f"it unfolds to more than {amount(_MOST_UNPACKED)}")
                if _is_zip(place) and not _is_workbook(place):
                    raise _harm(f"{entry.filename!r} in it is an archive itself")
                found.append(File(f"{file.name}/{entry.filename}", place, sha256, size))
    except (*DAMAGE, lzma.LZMAError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in OURS:
            raise
        msg = humane(f"file is a damaged or unfinished zip archive: {error}")
        raise UnreadableError(msg, "pack it again, or deliver the files themselves") from error
    return sorted(found, key=lambda item: natural(item.name))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _is_workbook(path: Path) -> bool:
    """Tell a workbook from an archive of files: it is one too."""
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(path) as archive:
        return any(name.lower().startswith(_WORKBOOK) for name in archive.namelist())


def _harm(why: str) -> UnreadableError:
    return UnreadableError(f"zip archive is refused: {why}", _STEP)


def _allowed(entries: list[zipfile.ZipInfo], size: int) -> list[zipfile.ZipInfo]:
    """Look at what an archive says of itself; nothing is unpacked yet."""
    if len(entries) > _MOST_PARTS:
        raise _harm(f"it has {len(entries)} files; allowed: at most {_MOST_PARTS}")
    wanted = [entry for entry in entries if not entry.is_dir() and not _ASIDE.fullmatch(entry.filename)]
    seen: set[str] = set()
    for entry in wanted:
        # ZipInfo has replaced the separators of the system and cut the name at a NUL: the archive's own name counts.
        name = entry.orig_filename
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or not parts[0] or ":" in parts[0] or any(ord(mark) < 32 for mark in name):  # noqa: PLR2004
            raise _harm(f"the name {name!r} leads out of the archive")
        if name in seen:
            raise _harm(f"the name {name!r} stands twice")
        seen.add(name)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _harm(f"{name!r} is a link")
        if entry.flag_bits & 1:
            raise _harm(f"{name!r} has a password")
        if PurePosixPath(name).suffix.lower() in _NESTED:
            raise _harm(f"{name!r} in it is an archive itself")
        if entry.file_size > _SMALL and entry.file_size > _RATIO * max(entry.compress_size, 1):
            raise _harm(f"{name!r} unfolds {entry.file_size // max(entry.compress_size, 1)} times; allowed: {_RATIO}")
    declared = sum(entry.file_size for entry in wanted)
    if declared > _MOST_UNPACKED:
        raise _harm(f"it unfolds to {amount(declared)}; allowed: at most {amount(_MOST_UNPACKED)}")
    if sum(entry.compress_size for entry in wanted) > size:
        raise _harm("its files overlap")
    if not wanted:
        raise _harm("there is no file in it")
    return wanted


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Give a key that puts ``leads_10`` after ``leads_9``."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)], name
