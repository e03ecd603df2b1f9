"""Backups: the ledger of one moment and the state folder, in one archive; and back from it.

An archive is a gzipped tar of ``ledger.db`` (a SQLite file, whatever database the ledger is in), ``state/...`` and, last,
``manifest.json`` with the SHA-256 and the size of each. Nothing of it is put in place before all of it was verified.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from tulosvahti.store.files import sync_folder
from tulosvahti.store.half_restored import MARKER
from tulosvahti.store.snapshot import beside, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

FORMAT = 1
LEDGER, MANIFEST, STATE = "ledger.db", "manifest.json", "state"
ASIDE, INCOMING = "before-restore-", "restoring-"
_CHUNK = 1 << 20


class BackupError(Exception):
    """The archive cannot be made, or is not what it says; the text says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """A verified archive: ``files`` are name and (SHA-256, size in bytes, mode); ``missing`` inputs were lost before."""

    path: Path
    made_at: str
    engine: str
    project: str
    runs: int
    files: Mapping[str, tuple[str, int, int]]
    missing: tuple[str, ...]


def make_backup(engine: Engine, state: Path, target: Path, facts: Mapping[str, str]) -> Backup:
    """Write the archive ``target`` while everything goes on, read it back, and give what is in it.

    ``facts`` are ``project``, ``engine`` and ``made_at``. The archive is readable by its owner only: it holds mails.

    Raises:
        BackupError: the file is there already, or what was written cannot be read back.
        OSError: it cannot be written.

    """
    if target.exists():
        message = f"{target} is there already; nothing was written: name another file, or a folder"
        raise BackupError(message)
    if state.resolve() in target.resolve().parents:
        message = f"{target} is in the state folder, which a backup is a copy of; name a place outside, on another disk"
        raise BackupError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as folder, ExitStack() as stack:
        ledger, part = Path(folder) / LEDGER, Path(folder) / target.name
        # The ledger first: every input that it names was stored before it was published.
        with engine.connect().execution_options(reading=True) as connection:
            snapshot(connection, ledger)
        runs, inputs = _inspect(ledger)
        files: dict[str, tuple[str, int, int]] = {}
        stream = stack.enter_context(part.open("xb"))
        part.chmod(0o600)
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
            for name, path in [(LEDGER, ledger), *_state_files(state, engine.url.database or "")]:
                try:
                    files[name] = _add(tar, name, path)
                except FileNotFoundError:
                    continue  # Replaced or removed since the folder was listed.
            stored = {name.removeprefix(f"{STATE}/store/").replace("/", "") for name in files}
            missing = tuple(sorted(inputs - stored))
            manifest = {"format": FORMAT, **facts, "runs": runs, "missing_inputs": missing, "files": files}
            _add_bytes(tar, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        stream.flush()
        os.fsync(stream.fileno())
        verify(part)
        part.replace(target)
    sync_folder(target.parent)
    return Backup(target, facts["made_at"], facts["engine"], facts["project"], runs, files, missing)


def verify(archive: Path, into: Path | None = None) -> Backup:
    """Read the whole archive and compare it with its manifest; write its files to the folder ``into``, if one is given.

    Raises:
        BackupError: it is no archive, is cut, or a file in it is missing, foreign, twice there or altered.

    """
    seen: dict[str, tuple[str, int]] = {}
    manifest: Any = None
    try:
        with gzip.open(archive) as whole, tarfile.open(fileobj=whole, mode="r|") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None or not _is_safe(member.name) or member.name in seen or manifest is not None:
                    raise _broken(archive, f"{member.name!r} does not belong there")
                if member.name == MANIFEST:
                    manifest = json.loads(stream.read())
                else:
                    seen[member.name] = _copy(stream, into / member.name if into else None)
            while whole.read(_CHUNK):
                pass  # To the very end, where gzip's own sum stands.
        files = {str(name): (str(a), int(b), int(c) & 0o777) for name, (a, b, c) in manifest["files"].items()}
        listed = {name: (sha256, size) for name, (sha256, size, _) in files.items()}
        known, runs, missing = int(manifest["format"]), int(manifest["runs"]), tuple(map(str, manifest["missing_inputs"]))
        made_at, engine, project = (str(manifest[key]) for key in ("made_at", "engine", "project"))
    except FileNotFoundError:
        raise
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile) or error.errno is None:
            raise _broken(archive, str(error)) from error
        raise
    except (tarfile.TarError, EOFError, zlib.error, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _broken(archive, str(error) or type(error).__name__) from error
    if known != FORMAT:
        message = f"{archive}: of format {known}, and this engine knows {FORMAT}; restore it with the engine that made it"
        raise BackupError(message)
    wrong = sorted(name for name in {*seen, *listed} if seen.get(name) != listed.get(name))
    if wrong or LEDGER not in seen:
        raise _broken(archive, f"not as its manifest says: {', '.join(wrong) or LEDGER}")
    return Backup(archive, made_at, engine, project, runs, files, missing)


def extract(archive: Path, state: Path) -> tuple[Backup, Path]:
    """Verify the archive and unpack it into a new folder inside the state folder; give what it is and the folder.

    Raises:
        BackupError: see ``verify``; also where the ledger in it is damaged.

    """
    incoming = Path(tempfile.mkdtemp(prefix=INCOMING, dir=state))
    try:
        backup = verify(archive, incoming)
        for name, (_, _, mode) in backup.files.items():
            (incoming / name).chmod(mode)
        runs, _ = _inspect(incoming / LEDGER)
        if runs == backup.runs:
            return backup, incoming
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    shutil.rmtree(incoming)
    raise _broken(archive, f"its ledger has {runs} runs and its manifest says {backup.runs}")


def is_occupied(state: Path, ledger: Path | None) -> bool:
    """Say whether a restore would replace anything that is kept in files."""
    return bool(_entries(state)) or (ledger is not None and ledger.exists())


def put_in_place(incoming: Path, state: Path, ledger: Path | None, aside: Path) -> None:
    """Move the old state to the folder ``aside`` and the new one to its place; without ``ledger`` it is no file.

    The caller holds the run lock and has set ``mark``; a marker that stays says that this did not come to its end.
    """
    old = _entries(state)
    files = [path for path in (ledger, *beside(ledger)) if path.exists()] if ledger else []
    for path in dict.fromkeys([*files, *old]):
        if path.exists():
            shutil.move(path, aside / path.name)
    if ledger is not None:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(incoming / LEDGER, ledger)
        sync_folder(ledger.parent)
    new = incoming / STATE
    for path in sorted(new.iterdir()) if new.exists() else ():
        shutil.move(path, state / path.name)
    for folder in (aside, state):
        sync_folder(folder)
    shutil.rmtree(incoming)


def mark(state: Path, archive: Path) -> None:
    """Note that a restore is under way, durably."""
    with (state / MARKER).open("w", encoding="utf-8") as stream:
        stream.write(f"{archive}\n")
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(state)


def unmark(state: Path) -> None:
    """Note that the restore came to its end."""
    (state / MARKER).unlink()
    sync_folder(state)


def _entries(state: Path) -> list[Path]:
    """Give what a restore replaces: everything but locks, and what restores made."""
    ours = (ASIDE, INCOMING, MARKER)
    listed = sorted(state.iterdir()) if state.exists() else []
    return [path for path in listed if not path.name.startswith(ours) and path.suffix != ".lock"]


def _state_files(state: Path, database: str) -> Iterator[tuple[str, Path]]:
    """List the files to keep: not the live database, locks, half-written and temporary ones, nor what is made again."""
    file = Path(database).resolve()
    live = {file, *beside(file)}
    for folder, folders, files in os.walk(state, followlinks=True):
        folders[:] = sorted(
            name for name in folders if not name.startswith((ASIDE, INCOMING, ".part-")) and name != "work"
        )
        if Path(folder) == state / "store":
            folders[:] = [name for name in folders if name not in {"rows", "measured", "read"}]
        for name in sorted(files):
            path = Path(folder) / name
            if path.resolve() in live or name.startswith((".part-", MARKER)) or name.endswith((".part", ".lock")):
                continue
            if path.is_file():
                yield f"{STATE}/{path.relative_to(state).as_posix()}", path


def _add(tar: tarfile.TarFile, name: str, path: Path) -> tuple[str, int, int]:
    with path.open("rb") as stream:
        facts = os.fstat(stream.fileno())
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = facts.st_size, facts.st_mode & 0o777, int(facts.st_mtime)
        digested = _Digesting(stream)
        tar.addfile(info, digested)
    return digested.digest.hexdigest(), info.size, info.mode


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    import io  # noqa: PLC0415 (once an archive)

    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


class _Digesting:
    """A file that is digested while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        return chunk


def _copy(stream: IO[bytes], target: Path | None) -> tuple[str, int]:
    """Digest a stream, and write it durably where a place is given; give its SHA-256 and size."""
    digest, size = hashlib.sha256(), 0
    with ExitStack() as stack:
        out = None
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            out = stack.enter_context(target.open("xb"))
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if out is not None:
                out.write(chunk)
        if out is not None:
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest(), size


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    known = name in {LEDGER, MANIFEST} or (path.parts[:1] == (STATE,) and len(path.parts) > 1)
    return known and ".." not in path.parts and str(path) == name and "\\" not in name


def _inspect(ledger: Path) -> tuple[int, set[str]]:
    """Give the number of runs and the inputs that a copy of the ledger names.

    Raises:
        BackupError: the copy is damaged.

    """
    try:
        with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            told = [row[0] for row in raw.execute("PRAGMA integrity_check")]
            if told != ["ok"]:
                message = f"the ledger is damaged: {'; '.join(map(str, told[:3]))}; restore an earlier backup"
                raise BackupError(message)
            runs = raw.execute("SELECT count(*) FROM runs").fetchone()[0]
            named = raw.execute("SELECT DISTINCT sha256 FROM run_inputs WHERE sha256 <> ''").fetchall()
    except sqlite3.DatabaseError as error:
        message = f"the ledger is damaged: {error}; restore an earlier backup"
        raise BackupError(message) from error
    return int(runs), {row[0] for row in named}


def _broken(archive: Path, why: str) -> BackupError:
    return BackupError(f"{archive}: not a whole backup ({why}); nothing was changed: use another one")
