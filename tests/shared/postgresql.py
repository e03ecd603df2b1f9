"""A real PostgreSQL server of its own, in a temporary folder, on a socket there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

ABSENT = "PostgreSQL's server is not installed; on Debian: apt-get install postgresql"


def programs() -> Path | None:
    """Give the folder of initdb and pg_ctl; Debian keeps them off the path, by version."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


def _user() -> str | None:
    """Give the user to be: the server refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def server():
    """Start a server and give its URL, without a database's schema; stop it and remove its folder at the end."""
    found = programs()
    assert found is not None, ABSENT
    folder, user = Path(tempfile.mkdtemp(prefix="tulosvahti-pg-")), _user()
    if user:
        shutil.chown(folder, user)

    def call(*arguments: str) -> None:
        subprocess.run(arguments, check=True, capture_output=True, cwd=folder, user=user)  # noqa: S603

    data = folder / "data"
    try:
        call(str(found / "initdb"), "-D", str(data), "-U", "tulosvahti", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
        call(str(found / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql+psycopg://tulosvahti@/postgres?host={folder}"
        finally:
            call(str(found / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_schema(url: str, name: str) -> str:
    """Make a schema and give the URL of a ledger in it: a schema is as far apart as a database, and quicker made."""
    import psycopg  # noqa: PLC0415 (an extra)

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{url}&options=-csearch_path%3D{name}"
