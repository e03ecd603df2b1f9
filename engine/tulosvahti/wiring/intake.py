"""A delivery put in its place by hand; what lay there is kept by its content first."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from tulosvahti.load.files import read_file, written_at
from tulosvahti.load.held import store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.store.files import copy_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.files import File
    from tulosvahti.load.project import Project

_MODE = 0o644


def put_in_place(project: Project, file: File, place: Path) -> str:
    """Keep the delivery and what it replaces in the input store, then put it there, whole or not at all.

    Gives when the file there was written.
    """
    mode = _MODE
    with suppress(FileNotFoundError, UnreadableError):
        read_file(place, place.name, store_of(project.root))
        mode = stat.S_IMODE(place.stat().st_mode)
    copy_atomically(file.path, place)
    # The one who puts it there is often not the one whom the service runs as.
    place.chmod(mode)
    return written_at(place.stat())
