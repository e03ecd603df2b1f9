"""Writing files so that they are there whole or not at all, also after a power cut."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the place, sync, rename, sync the folder. Folders are made as needed."""
    _put(path, io.BytesIO(content))


def copy_atomically(source: Path, path: Path) -> None:
    """Copy a file of any size as ``write_atomically`` writes."""
    with source.open("rb") as content:
        _put(path, content)


def _put(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            shutil.copyfileobj(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable; Windows has no way to, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
