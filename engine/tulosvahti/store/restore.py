"""A backup back in place: the files moved, the ledger's tables filled, and what was there before set aside.

Everything is verified before anything moves. Between the first and the last move a marker keeps everybody off; a restore
that was killed there is run again.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import URL, inspect, make_url, text

from tulosvahti.store import backup, schema
from tulosvahti.store.database import open_engine, sqlite_file
from tulosvahti.store.lock import RunLock
from tulosvahti.store.migrate import migrate
from tulosvahti.store.revisions import upgrade
from tulosvahti.store.snapshot import copy_rows, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


class OccupiedError(Exception):
    """There is a state that a restore would replace."""


@dataclass(frozen=True)
class Place:
    """Where a project keeps its state: the folder, and the ledger by URL, a relative file under ``root``."""

    root: Path
    state: Path
    ledger: str
    password: str = ""


def restore(archive: Path, place: Place, at: str, *, force: bool) -> tuple[backup.Backup, Path | None]:
    """Put a backup in place; give what it was and where the old state is now (None: there was none).

    ``at`` names the folder of the old state: digits and letters of the moment.

    Raises:
        BackupError: the archive is not whole.
        OccupiedError: there is a state, and ``force`` was not given.
        LockedError: a run is under way, or the service is.
        LedgerError: the archive is of a newer engine, or the database cannot be used.

    """
    state = place.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    url = make_url(place.ledger)
    file = sqlite_file(url, place.root)
    with ExitStack() as stack:
        for name, busy in (("run.lock", "a run is under way"), ("service.lock", "the service is running")):
            stack.enter_context(RunLock(state / name, busy))
        engine = None if file else open_engine(url, place.root, place.password)
        if engine:
            stack.callback(engine.dispose)
        occupied = backup.is_occupied(state, file) or (engine is not None and _has_ledger(engine))
        if occupied and not force:
            message = (
                f"{state}: there is a state already; nothing was changed: --force replaces it, and keeps the old one "
                f"as {backup.ASIDE}..."
            )
            raise OccupiedError(message)
        found, incoming = backup.extract(archive, state)
        stack.callback(shutil.rmtree, incoming, ignore_errors=True)
        copy = incoming / backup.LEDGER
        restored = open_engine(URL.create("sqlite", database=str(copy)), incoming)
        stack.callback(restored.dispose)
        migrate(restored, copy)
        restored.dispose()  # The last connection's close moves the log into the file.
        aside = _new_folder(state, at)
        backup.mark(state, archive)
        if engine:
            _fill(engine, restored, aside if occupied else None)
            restored.dispose()
        backup.put_in_place(incoming, state, file, aside)
        backup.unmark(state)
        if not occupied:
            aside.rmdir()
        return found, aside if occupied else None


def _new_folder(state: Path, at: str) -> Path:
    number = 0
    while True:
        folder = state / f"{backup.ASIDE}{at}{f'-{number}' if number else ''}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


def _has_ledger(engine: Engine) -> bool:
    with engine.connect().execution_options(reading=True) as connection:
        return inspect(connection).has_table("alembic_version")


def _fill(engine: Engine, source: Engine, aside: Path | None) -> None:
    """Replace the ledger's tables in one transaction, after they were copied to ``ledger.db`` in the folder ``aside``."""
    with engine.begin() as target, source.connect().execution_options(reading=True) as rows:
        if aside is not None and inspect(target).has_table("alembic_version"):
            snapshot(target, aside / backup.LEDGER)
        schema.METADATA.drop_all(target)
        target.execute(text("DROP TABLE IF EXISTS alembic_version"))
        upgrade(target, schema.HEAD)
        copy_rows(rows, target)
