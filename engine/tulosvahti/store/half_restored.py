"""A restore that is under way leaves a mark; nobody uses the state meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.store.database import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "restore-under-way"


def refuse_half_restored(state: Path) -> None:
    """Keep everybody off a state that is half the old and half the new one.

    Raises:
        LedgerError: a restore was interrupted.

    """
    marker = state / MARKER
    if marker.exists():
        archive = marker.read_text(encoding="utf-8").strip()
        message = (
            f"{marker}: a restore of {archive} is under way or was interrupted; if none is running, run it again: "
            f"tulosvahti restore --force {archive}"
        )
        raise LedgerError(message)
