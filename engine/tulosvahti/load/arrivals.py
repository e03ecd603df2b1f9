"""What lies in the inputs' files now, by digest: a file is read again only where it has changed."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

from tulosvahti.load.fetched import digest_of, kept_now
from tulosvahti.load.files import manifest, paths_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.contract import Contract

SETTLED = timedelta(seconds=30)
"""How long a file must have been left alone: one that is still being written is no delivery yet."""


class Arrivals:
    """The digests of a project's input files, as they were seen last."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def digests(self, contracts: Iterable[Contract], root: Path, now: datetime) -> dict[str, str]:
        """Give the SHA-256 of each input that has a file; one that is not there or still changing is left out."""
        result = {}
        for contract in contracts:
            if contract.fetch is not None:
                kept = kept_now(contract, root)
                if kept is not None and kept.came:
                    result[contract.name] = digest_of(kept)
                continue
            paths = paths_of(contract, root)
            found = [self._digest(path, now) for path in paths]
            if not all(found):
                continue
            digest = found[0] if found else ""
            if found and contract.several:
                names = [os.path.relpath(path, root / "inputs") for path in paths]
                digest = hashlib.sha256(manifest(zip(names, found, strict=True))).hexdigest()
            if digest:
                result[contract.name] = digest
        return result

    def _digest(self, path: Path, now: datetime) -> str:
        try:
            seen = path.stat()
            if not stat.S_ISREG(seen.st_mode):
                return ""
            if abs(now.timestamp() - seen.st_mtime) < SETTLED.total_seconds():
                return ""
            mark = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
            known = self._seen.get(path)
            if known is None or known[0] != mark:
                with path.open("rb") as file:
                    known = (mark, hashlib.file_digest(file, "sha256").hexdigest())
                self._seen[path] = known
        except OSError:
            return ""
        return known[1]
