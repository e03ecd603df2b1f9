"""A real MariaDB server of its own, in a temporary folder, on a socket there and a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ABSENT = "MariaDB's server is not installed; on Debian: apt-get install mariadb-server"
PASSWORD = "salainen-Ä/@:%+1"  # noqa: S105 (of a server that lives for a test)


def programs() -> tuple[str, str] | None:
    """Give the server and what makes its folder."""
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    install = shutil.which("mariadb-install-db")
    return (server, install) if server and install else None


@contextmanager
def server():
    """Start a server with a reader and a writer, and give its port and socket; stop it and remove its folder at the end."""
    found = programs()
    assert found is not None, ABSENT
    folder = Path(tempfile.mkdtemp(prefix="tulosvahti-maria-"))
    own = ["--no-defaults", *(["--user=root"] if os.geteuid() == 0 else [])]
    data, place = folder / "data", folder / "s"
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    try:
        subprocess.run(  # noqa: S603
            [found[1], *own, f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True,
        )  # fmt: skip
        command = [
            found[0], *own, f"--datadir={data}", f"--socket={place}", f"--port={port}", "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--skip-name-resolve", f"--pid-file={folder}/pid",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:  # noqa: S603
            try:
                _await(place, process, folder / "log")
                yield port, place
            finally:
                process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(place: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        if place.exists():
            with socket.socket(socket.AF_UNIX) as one:
                if one.connect_ex(str(place)) == 0:
                    return
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace")[-2000:])
