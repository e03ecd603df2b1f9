"""What all real things stand on: the clock, the folder of state, the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti.store.ledger import Ledger
from tulosvahti.store.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.project import Project

STATE = ".tulosvahti"


def now() -> datetime:
    """Read the clock: the only place that does."""
    return datetime.now(UTC)


def default_as_of(project: Project, at: datetime) -> date:
    """Give the day that a run judges: the project's fixed day, or the last evening that is known."""
    if project.config.as_of is not None:
        return project.config.as_of
    return at.astimezone(ZoneInfo(project.config.time_zone)).date() - timedelta(days=1)


def state_folder(project: Project) -> Path:
    """Give the folder of everything the engine writes."""
    return project.root / STATE


def open_ledger(project: Project) -> Ledger:
    """Open the project's ledger, migrating it where needed."""
    return Ledger(project.config.ledger, project.root)


def run_lock(project: Project) -> RunLock:
    """Give the lock of this machine's runs."""
    return RunLock(state_folder(project) / "run.lock")


def service_lock(project: Project) -> RunLock:
    """Give the lock of this machine's service."""
    return RunLock(state_folder(project) / "service.lock", "another service runs the nights of this project")
