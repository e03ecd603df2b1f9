"""What all real things stand on: the clock, the folder of state, the ledger."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti.store.half_restored import refuse_half_restored
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.lock import RunLock
from tulosvahti.wiring.secrets import secret_or_nothing

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.project import Project

STATE = ".tulosvahti"


def now() -> datetime:
    """Read the clock: the only place that does."""
    return datetime.now(UTC)


def steady() -> float:
    """Read the clock that never jumps, in seconds."""
    return time.monotonic()


def default_as_of(project: Project, at: datetime) -> date:
    """Give the day that a run judges: the project's fixed day, or the last evening that is known."""
    if project.config.as_of is not None:
        return project.config.as_of
    return at.astimezone(ZoneInfo(project.config.time_zone)).date() - timedelta(days=1)


def state_folder(project: Project) -> Path:
    """Give the folder of everything the engine writes."""
    return project.root / STATE


def secret(name: str) -> str:
    """Give a secret by the name that config.toml has for it; empty where there is none.

    Raises:
        SecretError: it is there and may not be used.

    """
    return secret_or_nothing(name)


def open_ledger(project: Project) -> Ledger:
    """Open the project's ledger, migrating it where needed.

    Raises:
        LedgerError: it cannot be used; the text says why.

    """
    refuse_half_restored(state_folder(project))
    return Ledger(project.config.ledger, project.root, secret(project.config.ledger_password_env))


def run_lock(project: Project) -> RunLock:
    """Give the lock of this machine's runs."""
    return RunLock(state_folder(project) / "run.lock")


def service_lock(project: Project) -> RunLock:
    """Give the lock of this machine's service."""
    return RunLock(state_folder(project) / "service.lock", "another service runs the nights of this project")
