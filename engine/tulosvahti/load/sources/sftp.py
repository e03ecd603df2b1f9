"""``sftp``: files in a folder of an SSH server, those that match a glob; each is taken again only where it has changed.

The server's key is known beforehand, or nothing is said to it. A file that is still being written is waited for. The
library, ``paramiko``, is an extra and loads where it is used.
"""

from __future__ import annotations

import contextlib
import io
import logging
import posixpath
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tulosvahti.core.fetched import Fetched, Part, SourceError
from tulosvahti.load.amounts import amount
from tulosvahti.load.files import natural
from tulosvahti.load.sources.declared import Declared, Secret, Size, Wait, bytes_of, seconds_of
from tulosvahti.load.sources.patience import AgainError, patiently
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tulosvahti.core.fetched import Given

_CONNECT, _SILENCE = 10.0, 30.0
_CHUNK = 1 << 18
_GLOB = "*?["
_FINGERPRINT = r"^SHA256:[A-Za-z0-9+/]{43}$"


@dataclass(frozen=True)
class _Remote:
    """A file as the server lists it: size in bytes, time of change in seconds since 1970."""

    name: str
    size: int
    changed: int

    @property
    def fact(self) -> str:
        """What is kept to know it again."""
        return f"{self.size} {self.changed}"


class SftpSource(Declared):
    """Files of an SSH server."""

    host: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$|^[0-9A-Fa-f:.]+$", description="a host name or an IP address")
    port: int = Field(default=22, ge=1, le=65535)
    user: str = Field(min_length=1)
    password: Secret | None = None
    key: Secret | None = None
    passphrase: Secret | None = None
    known_hosts: str = ""
    host_key: list[str] = Field(default_factory=list, description="SHA256:… as ssh-keygen -lf shows it")
    path: str = Field(pattern=r"^[^\x00-\x1f]*[^\x00-\x1f/]$", description="a file or a glob, such as out/leads_*.csv")
    settle: Wait = "30 s"
    max_files: int = Field(default=1000, ge=1, le=100_000)
    max_bytes: Size = "500 MB"
    wait: Wait = "10 min"

    @property
    def shown(self) -> str:
        """The address."""
        port = "" if self.port == 22 else f":{self.port}"  # noqa: PLR2004 (SSH's)
        return f"sftp://{self.user}@{self.host}{port}/{self.path.lstrip('/')}"

    @property
    def identity(self) -> str:
        """The address."""
        return self.shown

    @property
    def several(self) -> bool:
        """Tell whether more than one file may come."""
        return any(mark in self.path for mark in _GLOB)

    def problems(self, place: Callable[[tuple[str | int, ...]], Place], root: Path) -> list[Problem]:
        """See to what the form alone does not tell."""
        import re  # noqa: PLC0415

        found = []
        if not (self.host_key or self.known_hosts):
            step = f"have it from the server's keeper, and compare: ssh-keyscan {self.host} | ssh-keygen -lf -"
            found.append(Problem(place(()), "the server's key is not named: anyone could answer in its place", "host_key or known_hosts", step))
        found += [
            Problem(place(("host_key", at)), f"host_key: {key!r} is no fingerprint", "SHA256: and 43 letters, as ssh-keygen -lf shows it")
            for at, key in enumerate(self.host_key)
            if not re.match(_FINGERPRINT, key)
        ]
        if self.known_hosts and not (root / self.known_hosts).is_file():
            message = f"known_hosts: there is no file {self.known_hosts}"
            found.append(Problem(place(("known_hosts",)), message, "a known_hosts file, relative to the project folder"))
        if bool(self.password) == bool(self.key):
            found.append(Problem(place(()), "give password or key", "one of them"))
        if self.passphrase and not self.key:
            found.append(Problem(place(("passphrase",)), "passphrase goes with key", ""))
        if any(mark in posixpath.dirname(self.path) for mark in _GLOB):
            found.append(Problem(place(("path",)), "path: only the file's name may be a glob, not a folder's", "out/leads_*.csv"))
        return found

    def fetch(self, given: Given) -> Fetched:
        """Take every file that matches, whole."""
        try:
            import paramiko  # noqa: F401, PLC0415 (an extra)
        except ImportError as error:
            msg = f"{self.shown} cannot be read: paramiko is not installed"
            raise SourceError(msg, "install it: pip install 'tulosvahti[sftp]'") from error
        until = given.steady() + seconds_of(self.wait)
        step = "see that the server answers, and what its files are doing"

        def attempt() -> Fetched:
            for path in given.folder.iterdir():
                path.unlink()
            with self._connected(given, max(until - given.steady(), 1.0)) as client:
                return self._taken(client, given, until)

        return patiently(given, until, attempt, step)

    @contextlib.contextmanager
    def _connected(self, given: Given, left: float) -> Iterator[Any]:
        """Connect and sign in; what goes wrong then or later becomes a sentence, and at the deadline all is closed."""
        import paramiko  # noqa: PLC0415 (an extra)

        logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # What it would say is said by the error.
        over = threading.Event()

        def end() -> None:
            over.set()
            client.close()

        with contextlib.closing(paramiko.SSHClient()) as client:
            timer = threading.Timer(left, end)
            timer.daemon = True
            timer.start()
            try:
                self._trust(client, given)
                client.connect(
                    self.host, self.port, self.user, timeout=_CONNECT, banner_timeout=_SILENCE, auth_timeout=_SILENCE,
                    allow_agent=False, look_for_keys=False, **self._credentials(given),
                )  # fmt: skip
                with contextlib.closing(client.open_sftp()) as sftp:
                    sftp.get_channel().settimeout(_SILENCE)
                    yield sftp
            except (paramiko.SSHException, OSError, EOFError) as error:
                if over.is_set():
                    msg = f"{self.shown} did not give all of it within {self.wait}"
                    raise SourceError(msg, "see why the server is slow, or raise `wait` in the contract") from error
                raise self._said(error) from error
            finally:
                timer.cancel()

    def _trust(self, client: Any, given: Given) -> None:  # noqa: ANN401 (paramiko's)
        import paramiko  # noqa: PLC0415 (an extra)

        pinned = self.host_key

        class Pinned:
            """Takes a key of a named fingerprint, and no other."""

            def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ANN401, ARG002
                if key.fingerprint not in pinned:
                    raise _UnknownKeyError(f"{key.get_name()} {key.fingerprint}")

        client.set_missing_host_key_policy(Pinned())
        if self.known_hosts:
            try:
                client.load_host_keys(str(given.root / self.known_hosts))
            except (OSError, paramiko.hostkeys.InvalidHostKey) as error:
                msg = f"known_hosts: {self.known_hosts} cannot be read ({error})"
                raise SourceError(msg, "mend the file") from error

    def _credentials(self, given: Given) -> Mapping[str, Any]:
        if self.password is not None:
            return {"password": given.secret(self.password.name)}
        text = given.secret(self.key.name) if self.key is not None else ""
        passphrase = given.secret(self.passphrase.name) if self.passphrase is not None else None
        return {"pkey": _key(text, passphrase)}

    def _said(self, error: Exception) -> AgainError | SourceError:
        """Say in a sentence why there is nothing."""
        import paramiko  # noqa: PLC0415 (an extra)

        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, _UnknownKeyError | paramiko.BadHostKeyException):
            shown = error.key.fingerprint if isinstance(error, paramiko.BadHostKeyException) else text
            msg = f"{self.host} has another key than the one that is known ({shown}): another server may be answering"
            return SourceError(msg, "ask its keeper whether the key was changed, and only then mend host_key or known_hosts")
        if isinstance(error, paramiko.AuthenticationException):
            return SourceError(f"{self.host} does not accept {self.user} ({text})", "see that user, password or key are right")
        if isinstance(error, socket.gaierror):
            return AgainError(f"the name {self.host} is not known ({error.strerror})")
        if isinstance(error, FileNotFoundError):
            return SourceError(f"{self.shown}: there is no such file or folder", "mend path in the contract")
        if isinstance(error, PermissionError):
            return SourceError(f"{self.shown}: the server lets {self.user} read no such file", "ask its keeper for the right to read")
        return AgainError(f"{self.shown} broke off: {text}")

    def _taken(self, sftp: Any, given: Given, until: float) -> Fetched:  # noqa: ANN401 (paramiko's)
        found = self._settled(sftp, given, until)
        kept = given.kept
        known = {file.name: file for file in kept.files if kept.facts.get(file.name)} if kept is not None else {}
        parts = []
        for number, remote in enumerate(found):
            if kept is not None and remote.name in known and kept.facts[remote.name] == remote.fact:
                parts.append(Part(remote.name, given.path_of(known[remote.name])))
                continue
            path = given.folder / f"{number:06}"
            self._copy(sftp, remote, path, given, until)
            parts.append(Part(remote.name, path))
        if self._listed(sftp) != found:
            msg = f"{self.shown}: files changed while they were read"
            raise AgainError(msg)
        return Fetched(tuple(parts), facts={remote.name: remote.fact for remote in found})

    def _settled(self, sftp: Any, given: Given, until: float) -> list[_Remote]:  # noqa: ANN401 (paramiko's)
        """List the files once none of them is new: by its time, or because it stays as it is."""
        settle = seconds_of(self.settle)
        found = self._listed(sftp)
        while found and given.now().timestamp() - max(remote.changed for remote in found) < settle:
            if given.steady() + settle >= until:
                msg = f"{self.shown}: files are still being written"
                raise AgainError(msg)
            given.sleep(settle)
            again = self._listed(sftp)
            if again == found:
                break
            found = again
        if not found:
            msg = f"{self.shown}: there is no such file"
            raise SourceError(msg, "ask the deliverer for the file, or mend path in the contract")
        return found

    def _listed(self, sftp: Any) -> list[_Remote]:  # noqa: ANN401 (paramiko's)
        folder, pattern = posixpath.split(self.path)
        if not self.several:
            found = sftp.stat(self.path)
            if not stat.S_ISREG(found.st_mode or 0):
                msg = f"{self.shown} is no file"
                raise SourceError(msg, "name a file, or a glob of files")
            entries = [_Remote(pattern, found.st_size or 0, found.st_mtime or 0)]
        else:
            seen: list[tuple[str, Any]] = []
            for item in sftp.listdir_iter(folder or "."):
                name = item.filename
                if name.startswith(".") or "/" in name or not name.isprintable() or not fnmatchcase(name, pattern):
                    continue
                seen.append((name, item))
                if len(seen) > self.max_files:
                    msg = f"{self.shown}: more than {self.max_files} files match"
                    raise SourceError(msg, "narrow the glob, or raise max_files in the contract")
            # Only now: the list comes in pieces that are asked for ahead, and an answer to another question would be lost.
            seen = [
                (name, sftp.stat(posixpath.join(folder, name)) if stat.S_ISLNK(item.st_mode or 0) else item) for name, item in seen
            ]
            entries = [_Remote(name, item.st_size or 0, item.st_mtime or 0) for name, item in seen if stat.S_ISREG(item.st_mode or 0)]
        total = sum(entry.size for entry in entries)
        if total > bytes_of(self.max_bytes):
            msg = f"{self.shown} is too large ({amount(total)}); allowed: at most {self.max_bytes}"
            raise SourceError(msg, "narrow the glob, or raise max_bytes in the contract")
        return sorted(entries, key=lambda entry: natural(entry.name))

    def _copy(self, sftp: Any, remote: _Remote, path: Path, given: Given, until: float) -> None:  # noqa: ANN401 (paramiko's)
        size = 0
        with sftp.open(posixpath.join(posixpath.dirname(self.path), remote.name), "rb") as source, path.open("wb") as target:
            source.prefetch(remote.size)
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > remote.size:
                    break
                if given.steady() >= until:
                    raise TimeoutError
                target.write(chunk)
        if size != remote.size:
            msg = f"{self.shown}: {remote.name} changed while it was read"
            raise AgainError(msg)


class _UnknownKeyError(OSError):
    """The server's key is none of those that are known."""


def _key(text: str, passphrase: str | None) -> Any:  # noqa: ANN401 (paramiko's)
    import paramiko  # noqa: PLC0415 (an extra)

    faults = []
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.rstrip() + "\n"), password=passphrase)
        except paramiko.PasswordRequiredException as error:
            msg = "key: the private key has a passphrase"
            raise SourceError(msg, "name it under `passphrase`") from error
        except (paramiko.SSHException, ValueError, TypeError) as error:
            faults.append(error)
    msg = "key: it is no private key of SSH that can be read, or its passphrase is wrong"
    raise SourceError(msg, "give a key as ssh-keygen -t ed25519 makes it") from faults[0]
