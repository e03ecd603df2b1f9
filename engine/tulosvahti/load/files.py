"""The files of an input as they lie in ``inputs/``: one, a list or a glob of deliveries, and what is in ZIP archives.

Convention: deliveries come in the order in which later ones win: as the contract lists them, inside a glob or an archive
by name, numbers in names counting as numbers. An archive is refused as a whole, and before anything of it is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import re
import stat
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import Arrived, How
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets.archive import DAMAGE
from tulosvahti.load.sheets.reading import MEGABYTE, amount

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tulosvahti.core.contract import Contract

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
    """One delivery: its name under ``inputs/`` and its bytes."""

    name: str
    content: bytes = field(repr=False)
    written: str = field(default="", compare=False)
    """When it was last written, in UTC."""
    by: str = field(default="", compare=False)
    how: How = field(default=How.PATH, compare=False)

    @cached_property
    def sha256(self) -> str:
        """The digest by which it is kept."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def arrived(self) -> Arrived:
        """What is logged of it."""
        return Arrived(self.name, self.sha256, len(self.content), self.written, self.by, self.how)


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
    try:
        found = [(name, read_file(path, name, links=not contract.several).sha256) for path, name in names.items()]
    except (FileNotFoundError, UnreadableError):
        return ""
    if contract.several:
        return hashlib.sha256(manifest(found)).hexdigest() if found else ""
    return found[0][1]


def read_file(path: Path, name: str, *, links: bool = True) -> File:
    """Read a file that may be read: no pipe, device or folder, which could hang or never end.

    ``links``: whether it may be a link; one that lies where producers drop files could lead anywhere.

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
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        msg = f"file cannot be opened: {error.strerror}"
        raise UnreadableError(msg, "mend the rights of the file or `path`") from error
    return File(name, content, written_at(found), _owner(path))


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


def unpacked(file: File) -> list[File]:
    """Give the deliveries in a ZIP archive; a file that is none, or is a workbook, is given as it is.

    Raises:
        UnreadableError: the archive could do harm, or is damaged.

    """
    if not file.content.startswith(b"PK\x03\x04"):
        return [file]
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            entries = archive.infolist()
            if any(entry.filename.lower().startswith(_WORKBOOK) for entry in entries):
                return [file]
            wanted = _allowed(entries, len(file.content))
            left, found = _MOST_UNPACKED, []
            for entry in wanted:
                with archive.open(entry) as part:
                    content = part.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise _harm(f"it unfolds to more than {amount(_MOST_UNPACKED)}")
                inner = File(f"{file.name}/{entry.filename}", content)
                if unpacked_is_archive(inner):
                    raise _harm(f"{entry.filename!r} in it is an archive itself")
                found.append(inner)
    except (*DAMAGE, lzma.LZMAError, RuntimeError) as error:
        msg = f"file is a damaged or unfinished zip archive: {error}"
        raise UnreadableError(msg, "pack it again, or deliver the files themselves") from error
    return sorted(found, key=lambda item: natural(item.name))


def unpacked_is_archive(file: File) -> bool:
    """Tell an archive of files from a workbook, which is one too."""
    if not file.content.startswith(b"PK\x03\x04"):
        return False
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        return not any(name.lower().startswith(_WORKBOOK) for name in archive.namelist())


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
