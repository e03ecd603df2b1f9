"""What was fetched, made durable: the files in the input store first, then the state that names them, all or nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tulosvahti.core.fetched import Kept, KeptFile, Part, kept_of, kept_place
from tulosvahti.store.files import write_atomically
from tulosvahti.store.inputs import InputStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def keep_parts(root: Path, parts: Sequence[Part]) -> tuple[KeptFile, ...]:
    """Put files into the input store; those of a scratch folder are moved there.

    Raises:
        OSError: one could not be stored; those before it are, and do no harm.

    """
    store = InputStore(root)
    kept = []
    for part in parts:
        size = part.path.stat().st_size
        sha256 = store.keep_file(part.path)
        kept.append(KeptFile(part.name, sha256, size, store.path(sha256).relative_to(root / ".tulosvahti").as_posix()))
    return tuple(kept)


def read_kept(root: Path, name: str) -> Kept | None:
    """Give the state of an input's fetches; None where there is none that can be read."""
    with suppress(FileNotFoundError):
        return kept_of(kept_place(root, name).read_bytes())
    return None


def write_kept(root: Path, name: str, kept: Kept) -> None:
    """Replace the state of an input's fetches."""
    write_atomically(kept_place(root, name), kept.written())
