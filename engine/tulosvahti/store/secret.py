"""The project's secret: 32 random bytes that sign the links in mails. Only the owner of the file can read it."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from tulosvahti.store.files import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

_LENGTH = 32


class SecretError(Exception):
    """The secret cannot be used; the text says why and what to do."""


def project_secret(folder: Path) -> bytes:
    """Give the secret kept in ``folder``, made the first time.

    Raises:
        SecretError: others can read the file, or it is not whole.

    """
    path = folder / "secret"
    if not path.exists():
        # Written beside and then linked: whole or not there, also after a kill, and the first of two rivals' stays.
        handle, part = tempfile.mkstemp(dir=folder, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_LENGTH))
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(part, path)
        finally:
            os.unlink(part)  # noqa: PTH108 (a name)
        sync_folder(folder)
    return _read(path)


def _read(path: Path) -> bytes:
    if os.name != "nt" and path.stat().st_mode & 0o077:
        message = f"{path}: others can read the secret that signs links; chmod 600 it, or delete it for a new one (links in sent mails end)"
        raise SecretError(message)
    found = path.read_bytes()
    if len(found) != _LENGTH:
        message = f"{path}: not a whole secret ({len(found)} bytes instead of {_LENGTH}); delete it for a new one (links in sent mails end)"
        raise SecretError(message)
    return found
