"""What earlier runs measured, one file an input below ``.tulosvahti/store/measured``; nothing here is the only copy of anything.

A file that is missing, damaged or foreign is as if nothing had been measured.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.store.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping


class MeasuredStore:
    """The files of a project folder."""

    def __init__(self, root: Path) -> None:
        """Use a project's folder of state."""
        self._folder = root / ".tulosvahti" / "store" / "measured"

    def read(self, name: str) -> dict[str, Any]:
        """Give what is remembered of an input, by key; empty where there is nothing that can be trusted."""
        try:
            shape = json.loads((self._folder / f"{name}.json").read_bytes())
            body = shape["body"]
            return dict(body) if shape["digest"] == _digest(body) else {}
        except (OSError, ValueError, TypeError, LookupError):
            return {}

    def write(self, name: str, body: Mapping[str, Any]) -> None:
        """Remember this of an input, and nothing else."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"digest": _digest(body), "body": body}, ensure_ascii=False)
        write_atomically(self._folder / f"{name}.json", text.encode())


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
