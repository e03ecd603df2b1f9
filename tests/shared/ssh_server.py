"""A real OpenSSH server of its own, in a temporary folder, on a free port: it lets in whoever runs the tests, by key."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ABSENT = "OpenSSH's server is not installed; on Debian: apt-get install openssh-server"


@dataclass(frozen=True)
class SshServer:
    """Where it is, whom it lets in by which key, its own keys' fingerprints, and a folder to put files into."""

    port: int
    user: str
    key: Path
    locked_key: Path
    host_keys: tuple[str, ...]
    known_hosts: str
    folder: Path


def program() -> str | None:
    """Find the server, which has to be called by its whole path."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _made(path: Path, kind: str, passphrase: str = "") -> str:
    """Make a key and give its fingerprint."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
    shown = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return shown.stdout.split()[1]


@contextmanager
def ssh_server():
    """Start a server; stop it and remove its folder at the end."""
    found = program()
    assert found is not None, ABSENT
    folder = Path(tempfile.mkdtemp(prefix="tulosvahti-ssh-"))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where its unprivileged part lives
    try:
        prints = tuple(_made(folder / f"host_{kind}", kind) for kind in ("ed25519", "ecdsa"))
        _made(folder / "key", "ed25519")
        _made(folder / "locked", "rsa", "avaa-minut")
        keys = (folder / "key.pub").read_text() + (folder / "locked.pub").read_text()
        (folder / "authorized").write_text(keys)
        (folder / "out").mkdir()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        (folder / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_ed25519\nHostKey {folder}/host_ecdsa\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication yes\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\nMaxStartups 100\n"
        )
        known = f"[127.0.0.1]:{port} {(folder / 'host_ed25519.pub').read_text()}"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([found, "-D", "-e", "-f", str(folder / "config")], stdout=log, stderr=log)  # noqa: S603
            try:
                _await(port, process, folder / "log")
                yield SshServer(port, getpass.getuser(), folder / "key", folder / "locked", prints, known, folder / "out")
            finally:
                process.terminate()
                process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace")[-2000:])
