"""The row store: typed rows of deliveries as Parquet, by what was read, under which contract, by which engine.

What was read once is not read again. Nothing here is the only copy of anything: a file that is missing, damaged or foreign
is made again from the delivery's bytes, and a backup leaves the whole folder out. Each entry is a Parquet file (its form:
``core.kept_rows``) and a summary beside it, in a folder of its input.

An entry is trusted where its summary has its own digest right and the file has the size and the digest that the summary
names; of a file beyond ``_HASHED`` bytes, which took long to write, size and time of change are compared instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti import __version__
from tulosvahti.core.contract import Contract, Reject
from tulosvahti.core.fetched import Mark, MarkKind
from tulosvahti.core.kept_rows import KeptRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KNOWN = ".known"
"""What ``load.newest`` keeps beside an entry's file."""
_FORMAT = 1
_HASHED = 32 << 20
_KEPT = 4
"""Entries of one input that stay; the one used longest ago goes first."""
_CORE = ("comparators", "contract", "cube", "period_codes", "quantity", "ranges", "worded")
"""Modules of the core that reading rests on."""
_LIBRARIES = ("numpy", "pandera", "polars", "pyarrow", "python-calamine")
"""Distributions that reading rests on: another release may read otherwise."""
_UNREAD = frozenset({
    "title", "place", "synthetic", "deliverer", "deliverer_name", "source", "grace", "known_on",
    "no_rows_means_none", "max_rejects_percent", "foreign_keys", "provisional", "not_additive",
})  # fmt: skip
"""What a contract says that changes nothing of how a file is read."""


@dataclass(frozen=True)
class End:
    """The newest value of a field that dates rows, and how many rows have none."""

    last: date | int | None
    missing: int


@dataclass(frozen=True)
class Summary:
    """What reading gave besides the rows. ``total`` counts sound and rejected rows, ``sound`` the former.

    ``rejected``: rows that count as rejected; ``copies``: rows that repeat an earlier one exactly; ``rejects``: the first
    faults in the order of the rows; ``listed_of``: how many there are in all.
    """

    total: int
    sound: int
    rejected: int
    copies: int
    height: int
    header: tuple[str, ...]
    rejects: tuple[Reject, ...]
    listed_of: int
    notices: tuple[str, ...]
    marks: tuple[Mark, ...]
    """What the files say of their figures."""
    ends: Mapping[str, End]
    """By field: those that can date a row."""


@dataclass(frozen=True)
class Entry:
    """An entry of the store."""

    rows: KeptRows
    summary: Summary


class RowStore:
    """The entries below one folder, ``.tulosvahti/store/rows`` of a project; it is made with the first entry."""

    def __init__(self, folder: Path) -> None:
        """Use a folder."""
        self._folder = folder

    @classmethod
    def of(cls, root: Path) -> RowStore:
        """Give the store of the project folder ``root``."""
        return cls(root / ".tulosvahti" / "store" / "rows")

    def find(self, name: str, key: str) -> Entry | None:
        """Give an input's entry; None where there is none that can be trusted."""
        path, beside = self._places(name, key)
        try:
            shape = json.loads(beside.read_bytes())
            body = shape["body"]
            if shape["digest"] != digest_of(body) or body["key"] != key or not _is_whole(path, body["file"]):
                return None
            summary = summary_of(body["summary"])
            # Used now: entries that were not used for long are the first to go.
            os.utime(beside)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return Entry(KeptRows(path, summary.height, _newest(summary)), summary)

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Give a folder to write an entry's file into; it is removed afterwards."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def keep(self, name: str, key: str, file: Path, summary: Summary) -> Entry:
        """Put a file that was written in ``making`` in its place, with its summary."""
        path, beside = self._places(name, key)
        body: dict[str, Any] = {"key": key, "summary": shape_of(summary), "file": _facts(file, hashed=True)}
        if body["file"]["size"] > _HASHED:
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        file.replace(path)
        part = file.with_name("summary.json")
        part.write_text(json.dumps({"digest": digest_of(body), "body": body}, ensure_ascii=False), encoding="utf-8")
        part.replace(beside)
        self._prune(path.parent, beside)
        return Entry(KeptRows(path, summary.height, _newest(summary)), summary)

    def _places(self, name: str, key: str) -> tuple[Path, Path]:
        folder = self._folder / name
        return folder / f"{key}.parquet", folder / f"{key}.json"

    def _prune(self, folder: Path, newest: Path) -> None:
        """Remove what was used longest ago, and what a process that was killed left behind."""
        made = newest.stat().st_mtime
        with suppress(OSError):
            entries = sorted(folder.glob("*.json"), key=lambda path: (path == newest, path.stat().st_mtime), reverse=True)
            for old in entries[_KEPT:]:
                old.unlink(missing_ok=True)
            kept = {path.stem for path in entries[:_KEPT]}
            for path in folder.iterdir():
                age = made - path.stat().st_mtime
                if path.name.startswith(".part-") and age > _LEFT:
                    shutil.rmtree(path, ignore_errors=True)
                # A run may still read a file whose entry has just gone.
                elif path.suffix in {".parquet", KNOWN} and path.stem not in kept and age > _LEFT:
                    path.unlink(missing_ok=True)


_LEFT = 86_400.0
"""Seconds after which what no entry names is in nobody's use any more."""


def key_of(contract: Contract, files: Iterable[tuple[str, str]]) -> str:
    """Give the key of deliveries under a contract; ``files``: name and SHA-256 of each, in their order."""
    read = {item.name: repr(getattr(contract, item.name)) for item in fields(contract) if item.name not in _UNREAD}
    return digest_of({"format": _FORMAT, "engine": _engine(), "contract": read, "files": list(files)})


@cache
def _engine() -> str:
    """Name the code that reads: versions and files, of the engine and of what it reads with; a change reads everything anew."""
    package = Path(__file__).resolve().parents[1]
    read = (Path(folder, name) for folder, _, names in os.walk(package / "load") for name in names if name.endswith(".py"))
    found = []
    for path in [*sorted(read, key=str), *(package / "core" / f"{name}.py" for name in _CORE)]:
        with suppress(OSError):
            facts = path.stat()
            found.append([os.path.relpath(path, package), facts.st_size, facts.st_mtime_ns])
    return digest_of([__version__, found, sys.version, [installed(name) for name in _LIBRARIES]])


def installed(name: str) -> str:
    """Give the version of a library, from the name of the folder that says what was installed; without that, from what it says."""
    start, end = f"{name.replace('-', '_')}-", ".dist-info"
    for place in sys.path:
        with suppress(OSError), os.scandir(place or ".") as entries:
            found = [entry.name for entry in entries if entry.name.startswith(start) and entry.name.endswith(end)]
            if len(found) == 1:
                return found[0].removeprefix(start).removesuffix(end)
    from importlib.metadata import version  # noqa: PLC0415 (reads every word of it)

    return version(name)


def _newest(summary: Summary) -> tuple[tuple[str, date], ...]:
    found = ((name, end.last) for name, end in summary.ends.items() if end.last is not None)
    return tuple((name, last if isinstance(last, date) else date(last, 1, 1)) for name, last in found)


def digest_of(shape: object) -> str:
    """Give the digest of plain data."""
    return hashlib.sha256(json.dumps(shape, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def _facts(path: Path, *, hashed: bool) -> dict[str, Any]:
    found = path.stat()
    facts: dict[str, Any] = {"size": found.st_size, "changed": found.st_mtime_ns}
    if hashed and found.st_size <= _HASHED:
        with path.open("rb") as stream:
            facts["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
    return facts


def _is_whole(path: Path, wanted: dict[str, Any]) -> bool:
    if path.is_symlink():
        return False
    if "sha256" in wanted:
        with path.open("rb") as stream:
            return bool(hashlib.file_digest(stream, "sha256").hexdigest() == wanted["sha256"])
    return _facts(path, hashed=False) == wanted


def shape_of(summary: Summary) -> dict[str, Any]:
    """Give a summary as JSON has it."""
    shape = {item.name: getattr(summary, item.name) for item in fields(summary)}
    shape["rejects"] = [[getattr(reject, item.name) for item in fields(reject)] for reject in summary.rejects]
    shape["marks"] = [[mark.kind, mark.text, mark.of] for mark in summary.marks]
    shape["ends"] = {
        name: [end.last.isoformat() if isinstance(end.last, date) else end.last, end.missing]
        for name, end in summary.ends.items()
    }
    return shape


def summary_of(shape: dict[str, Any]) -> Summary:
    """Read a summary.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: it is none.

    """
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in shape.items()}
    made["rejects"] = tuple(Reject(*item) for item in shape["rejects"])
    made["marks"] = tuple(Mark(MarkKind(kind), text, of) for kind, text, of in shape["marks"])
    made["ends"] = {
        name: End(date.fromisoformat(last) if isinstance(last, str) else last, missing)
        for name, (last, missing) in shape["ends"].items()
    }
    return Summary(**made)
