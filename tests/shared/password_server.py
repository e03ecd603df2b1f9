"""An SFTP server that lets in by password: OpenSSH checks one only as root against the computer's own users.

Paramiko's own server, on a free port, over one folder that can be listed and read.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class PasswordServer:
    """Where it is, its key's fingerprint, and the passwords that were tried, right and wrong ones."""

    port: int
    host_key: str
    tried: list[bool] = field(default_factory=list)


class _Door(paramiko.ServerInterface):
    def __init__(self, user: str, password: str, tried: list[bool]) -> None:
        self._right, self._tried = (user, password), tried

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        self._tried.append((username, password) == self._right)
        return paramiko.common.AUTH_SUCCESSFUL if self._tried[-1] else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(Path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        return [paramiko.SFTPAttributes.from_stat(item.stat(), item.name) for item in Path(path).iterdir()]

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle | int:
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = Path(path).open("rb")  # type: ignore[attr-defined] # noqa: SIM115 (closed with its handle)
        return handle


@contextmanager
def password_server(user: str, password: str) -> Iterator[PasswordServer]:
    """Start it; stop it at the end."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = PasswordServer(listening.getsockname()[1], key.fingerprint)
        open_: list[paramiko.Transport] = []

        def serve() -> None:
            with suppress(OSError, EOFError, paramiko.SSHException):
                while True:
                    transport = paramiko.Transport(listening.accept()[0])
                    open_.append(transport)
                    transport.add_server_key(key)
                    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder)
                    transport.start_server(server=_Door(user, password, found.tried))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            for transport in open_:
                transport.close()
            thread.join(5)
