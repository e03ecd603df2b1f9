"""Secrets, from where the project's files say that they are; each is masked from then on in all that is told."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.secrecy import SecretError, SecretName, kept_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGEST = 1 << 16


def read_secret(root: Path, name: SecretName, environment: Mapping[str, str] = os.environ) -> str:
    """Give a secret; a relative path stands under the project folder ``root``.

    An environment variable NAME goes before NAME_FILE, which names a file, and that before the credential NAME.

    Raises:
        SecretError: it is not there, is empty, or others can read it.

    """
    if name.env:
        found = _of_environment(name.env, environment)
        if not found:
            msg = f"{name} is not set"
            raise SecretError(msg, f"set it where the programme starts, name a file in {name.env}_FILE, or add it to LoadCredential= of the service")
    elif name.credential:
        folder = environment.get("CREDENTIALS_DIRECTORY", "")
        if not folder:
            msg = f"{name} is not there: the programme was not started by systemd with credentials"
            raise SecretError(msg, "start it as the service, or run it with systemd-run -p LoadCredential=…")
        found = _of_file(Path(folder) / name.credential, str(name), by_systemd=True)
    else:
        found = _of_file(root / name.file, str(name))
    return kept_secret(found)


def secret_reader(root: Path) -> Callable[[SecretName], str]:
    """Give what reads the secrets of a project folder."""
    return partial(read_secret, root)


def secret_or_nothing(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    """Give the secret that a variable of this name holds or leads to, or the credential of this name; empty without.

    Raises:
        SecretError: it may not be used.

    """
    return kept_secret(_of_environment(variable, environment)) if variable else ""


def _of_environment(name: str, environment: Mapping[str, str]) -> str:
    if name in environment:
        return environment[name]
    if environment.get(f"{name}_FILE"):
        return _of_file(Path(environment[f"{name}_FILE"]), f"the file that {name}_FILE names")
    credential = Path(environment.get("CREDENTIALS_DIRECTORY", "") or os.devnull) / name
    return _of_file(credential, str(SecretName(credential=name)), by_systemd=True) if credential.is_file() else ""


def _of_file(path: Path, shown: str, *, by_systemd: bool = False) -> str:
    """Read a secret's file.

    systemd lets the service's user in by an access list, which shows as rights of the group, and closes the folder.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                msg = f"{shown} is no file"
                raise SecretError(msg, "put the secret into a file of its own")
            wide = stat.S_IMODE(found.st_mode) & (0o007 if by_systemd else 0o077)
            if by_systemd and not path.parent.stat().st_mode & 0o005:
                wide = 0
            if os.name != "nt" and wide:
                msg = f"others can read {shown} (its mode is {stat.S_IMODE(found.st_mode):04o})"
                raise SecretError(msg, f"chmod 600 {path}, and think of the secret as known")
            content = file.read(_LARGEST + 1)
    except OSError as error:
        msg = f"{shown} cannot be read: {error.strerror}"
        raise SecretError(msg, "put the secret there, readable for the programme's user alone (mode 0600)") from error
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or len(content) > _LARGEST:
        msg = f"{shown} holds no secret: it is empty, too large, or no UTF-8 text"
        raise SecretError(msg, "put the secret there, and nothing else")
    return text
