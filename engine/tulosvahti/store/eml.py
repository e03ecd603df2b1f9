"""Mails that no server sends: ``.eml`` files that a mail program opens."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from tulosvahti.store.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 60


def write_eml(folder: Path, message_id: str, recipient: str, content: bytes) -> Path:
    """Write one mail; the same mail written twice is one file.

    The name is made of the recipient, for people, and of a digest of recipient and Message-ID, for uniqueness.
    """
    digest = hashlib.sha256(f"{message_id}\n{recipient}".encode()).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9@._+-]+", "_", recipient).strip("._")[:_LONGEST] or "mail"
    path = folder / f"{readable}-{digest}.eml"
    write_atomically(path, content)
    return path
