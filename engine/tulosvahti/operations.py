"""What keeps the service and its state: backups, restoring them, and what a monitoring system is shown."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from tulosvahti import __version__, wiring
from tulosvahti.load.config import load_config
from tulosvahti.store.backup import Backup, make_backup
from tulosvahti.store.database import LedgerError, open_engine
from tulosvahti.store.gauges import gauges
from tulosvahti.store.half_restored import refuse_half_restored
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.restore import Place
from tulosvahti.store.restore import restore as put_back
from tulosvahti.store.revisions import stored_revision
from tulosvahti.store.schema import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tulosvahti.core.gauge import Gauge
    from tulosvahti.load.project import Project


def back_up(root: Path, target: Path | None) -> Backup:
    """Write a backup of the project to a file, or into a folder under a name of its own; default: ``backups/``.

    Raises:
        BackupError, LedgerError, OSError: it was not made; the text says why.

    """
    config, at = load_config(root), wiring.now()
    place = target or root / "backups"
    if target is None or target.is_dir() or not target.suffix:
        place /= f"tulosvahti-{at:%Y%m%dT%H%M%SZ}.tar.gz"
    refuse_half_restored(root / wiring.STATE)
    name = config.name.in_language(config.languages[0])
    facts = {"project": name, "engine": __version__, "made_at": at.isoformat(timespec="seconds")}
    with closing(Ledger(config.ledger, root, wiring.secret(config.ledger_password_env))) as ledger:
        return make_backup(ledger.engine, root / wiring.STATE, place, facts)


def restore(root: Path, archive: Path, *, force: bool) -> tuple[Backup, Path | None]:
    """Put a backup in place; give what it was, and where the old state is now.

    Raises:
        BackupError, OccupiedError, LockedError, LedgerError, OSError: nothing was changed, or the text says what was.

    """
    config = load_config(root)
    place = Place(root, root / wiring.STATE, config.ledger, wiring.secret(config.ledger_password_env))
    return put_back(archive.resolve(), place, f"{wiring.now():%Y%m%dT%H%M%SZ}", force=force)


def ledger_trouble(project: Project) -> str:
    """Say why the ledger cannot be used; empty where it can. Never migrates it."""
    try:
        refuse_half_restored(wiring.state_folder(project))
        with _engine(project) as engine:
            revision = stored_revision(engine)
    except LedgerError as error:
        return str(error)
    return "" if revision in {None, HEAD} else f"the ledger is at revision {revision}, not {HEAD}: restart the service"


def observe(project: Project) -> list[Gauge]:
    """Give the ledger's gauges; those of a ledger that is not made yet are none."""
    with _engine(project) as engine:
        return gauges(engine, wiring.now()) if stored_revision(engine) == HEAD else []


@contextmanager
def _engine(project: Project) -> Iterator[Engine]:
    config = project.config
    engine = open_engine(make_url(config.ledger), project.root, wiring.secret(config.ledger_password_env))
    try:
        yield engine
    finally:
        engine.dispose()
