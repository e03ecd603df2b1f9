"""The input store: every delivery's bytes, kept once, named by their SHA-256 (64 lower-case hex digits)."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from tulosvahti.store.files import sync_folder, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}")


class InputStoreError(Exception):
    """A stored input is not there or is not what it was."""


class InputStore:
    """Inputs by content, under ``.tulosvahti/store`` of the project folder."""

    def __init__(self, root: Path) -> None:
        """Use the project folder ``root``; nothing is created before the first input."""
        self.folder = root / ".tulosvahti" / "store"

    def keep(self, content: bytes) -> str:
        """Store the bytes unless they are there already; give their SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.path(sha256)
        # A file of another length was damaged after it was written: the good bytes replace it.
        if not (place.is_file() and place.stat().st_size == len(content)):
            write_atomically(place, content)
            sync_folder(self.folder)
        return sha256

    def keep_file(self, path: Path) -> str:
        """Store a file, whatever its size, and give its SHA-256; it is moved, unless it lies in the store already."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        place = self.path(sha256)
        if place.is_file() and place.stat().st_size == path.stat().st_size:
            return sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
        sync_folder(place.parent)
        sync_folder(self.folder)
        return sha256

    def path(self, sha256: str) -> Path:
        """Give where an input is stored, whether or not it is there.

        Raises:
            ValueError: not a SHA-256.

        """
        if not _DIGEST.fullmatch(sha256):
            message = f"{sha256!r} is not a SHA-256; allowed: 64 hex digits in lower case"
            raise ValueError(message)
        return self.folder / sha256[:2] / sha256[2:]

    def held(self, sha256: str) -> Path:
        """Give where an input is stored, whatever its size.

        Raises:
            InputStoreError: it is not stored, or is no longer the one that was.

        """
        place = self.path(sha256)
        try:
            with place.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            message = f"{place}: input {sha256} is not in the store; deliver it again or restore a backup"
            raise InputStoreError(message) from None
        if found != sha256:
            message = f"{place}: stored input was altered: its bytes no longer give {sha256}; restore it from a backup"
            raise InputStoreError(message)
        return place

    def read(self, sha256: str) -> bytes:
        """Give the bytes.

        Raises:
            InputStoreError: they are not stored, or are no longer the ones that were.

        """
        return self.held(sha256).read_bytes()
