"""``backup`` and ``restore``: what a person is told, and where a call goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti import operations
from tulosvahti.problem import ProblemsError
from tulosvahti.store.backup import BackupError
from tulosvahti.store.database import LedgerError
from tulosvahti.store.lock import LockedError
from tulosvahti.store.restore import OccupiedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBLEM, INCOMPLETE = 2, 3


def back_up(root: Path, target: Path | None, say: Callable[[str], None]) -> tuple[int, str]:
    """Make a backup; give the exit code and the archive's path."""
    try:
        made = operations.back_up(root, target)
    except (ProblemsError, BackupError) as error:
        say(str(error))
        return PROBLEM, ""
    except (LedgerError, OSError) as error:
        say(f"no backup was made: {error}")
        return INCOMPLETE, ""
    size = made.path.stat().st_size
    say(f"{made.runs} runs, {len(made.files)} files, {size:,} bytes; read back and verified")
    for sha256 in made.missing:
        say(f"input {sha256} is named by a run but is not in .tulosvahti/store: the backup is without it")
    return 0, str(made.path)


def restore(root: Path, archive: Path, *, force: bool, say: Callable[[str], None]) -> int:
    """Put a backup in place; give the exit code."""
    if not archive.is_file():
        say(f"{archive}: no such file; allowed: an archive that `tulosvahti backup` wrote")
        return PROBLEM
    try:
        found, aside = operations.restore(root, archive, force=force)
    except (ProblemsError, BackupError, OccupiedError) as error:
        say(str(error))
        return PROBLEM
    except (LockedError, LedgerError, OSError) as error:
        say(f"not restored: {error}")
        return INCOMPLETE
    say(f"restored: the state of {found.made_at}, {found.runs} runs, {len(found.files)} files; every digest was right")
    if aside is not None:
        say(f"the old state is in {aside}; remove it when it is no longer needed")
    for sha256 in found.missing:
        say(f"input {sha256} is named by a run but was lost before the backup was made")
    return 0
