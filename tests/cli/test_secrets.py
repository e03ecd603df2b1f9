"""Secrets: where they may come from, and that none of them is ever told, whatever goes wrong."""

from __future__ import annotations

import base64
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import mariadb
import pytest
import ssh_server
from web_server import Answer, free_port, web_server

from tulosvahti.core.fetched import Fetched
from tulosvahti.core.secrecy import MASK, SecretError, SecretName, kept_secret, masked
from tulosvahti.emit.logs import JsonLines, TextLines
from tulosvahti.run.fetching import World, fetch_one
from tulosvahti.wiring.secrets import read_secret, secret_or_nothing

from .conftest import VISITS_CONTRACT, VISITS_RULES

SECRET = 'hyss/"hyss"+ä:@%&1'  # noqa: S105 (of tests)
WORD = "hyss-hyss-1234567890"
ENGINE = str(Path(__file__).parents[2] / "engine")


def forms(secret: str) -> list[str]:
    return [
        secret, quote(secret), quote(secret, safe=""), quote_plus(secret), re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")), repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="), base64.b64encode(f"me:{secret}".encode()).decode().rstrip("="),
    ]  # fmt: skip


@pytest.mark.parametrize("secret", [SECRET, WORD, "väärä salasana", "-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz012345\n-----END KEY-----\n"])
def test_a_secret_is_masked_in_every_form(secret):
    kept_secret(secret)
    for form in forms(secret)[:-1]:
        assert masked(f"at <{form}> it") == f"at <{MASK}> it"
    for line in secret.splitlines():
        assert line not in masked(f"line {line}")
    error = ValueError(f"postgresql://me:{secret}@db/x")
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed: %s", (error,), (ValueError, error, None))
    for form in (JsonLines(), TextLines()):
        told = form.format(record)
        assert not any(one in told for one in forms(secret))


def test_a_short_secret_leaves_words_whole():
    kept_secret("abc")
    assert masked("abc, abcde, (abc)") == f"{MASK}, abcde, ({MASK})"


def test_where_secrets_come_from(tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    (folder / "db").write_text("of systemd\n")
    (folder / "db").chmod(0o440)
    (tmp_path / "file").write_text("of a file\n")
    (tmp_path / "file").chmod(0o600)
    environment = {"ONE": "of the environment", "TWO_FILE": str(tmp_path / "file"), "CREDENTIALS_DIRECTORY": str(folder)}
    found = [
        read_secret(tmp_path, name, environment)
        for name in (SecretName(env="ONE"), SecretName(env="TWO"), SecretName(env="db"), SecretName(credential="db"), SecretName(file="file"))
    ]
    assert found == ["of the environment", "of a file", "of systemd", "of systemd", "of a file"]
    assert [secret_or_nothing(name, environment) for name in ("", "NOWHERE", "TWO")] == ["", "", "of a file"]


def test_what_is_no_secret_is_refused_with_a_sentence(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    for name, mode in (("wide", 0o640), ("open/all", 0o644), ("empty", 0o600), ("binary", 0o600)):
        (tmp_path / name).write_bytes({"empty": b"", "binary": b"\xff\xfe\x00"}.get(name, WORD.encode()))
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(folder), "WIDE_FILE": str(tmp_path / "wide")}
    for name, said in (
        (SecretName(file="wide"), r"others can read the file wide \(its mode is 0640\); chmod 600 "),
        (SecretName(env="WIDE"), r"others can read the file that WIDE_FILE names"),
        (SecretName(credential="all"), r"others can read the systemd credential all \(its mode is 0644\)"),
        (SecretName(file="empty"), "holds no secret"),
        (SecretName(file="binary"), "holds no secret"),
        (SecretName(file="folder"), "cannot be read"),
        (SecretName(file="none"), "the file none cannot be read: No such file"),
        (SecretName(env="NOWHERE"), "the environment variable NOWHERE is not set"),
        (SecretName(credential="none"), "cannot be read"),
    ):
        with pytest.raises(SecretError, match=said) as caught:
            read_secret(tmp_path, name, environment)
        assert caught.value.next_step
        assert WORD not in str(caught.value)
    with pytest.raises(SecretError, match="was not started by systemd"):
        read_secret(tmp_path, SecretName(credential="x"), {})


class Broken:
    """A source whose driver shows the address with its password, in an error that nobody foresaw."""

    shown, identity, several = "db", "db", False

    def problems(self, place, root):
        return []

    def fetch(self, given) -> Fetched:
        secret = given.secret(SecretName(env="PW"))
        msg = f"cannot connect to postgresql://me:{quote(secret, safe='')}@db/x with password {secret!r}"
        raise KeyError(msg)


def test_an_unforeseen_error_is_told_without_the_secret(tmp_path, caplog):
    from datetime import UTC, datetime  # noqa: PLC0415

    from tulosvahti.core.contract import Contract  # noqa: PLC0415
    from tulosvahti.core.text import Text  # noqa: PLC0415
    from tulosvahti.problem import Place  # noqa: PLC0415

    world = World(
        tmp_path, lambda name: read_secret(tmp_path, name, {"PW": SECRET}), lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda: 0.0, lambda _: None
    )
    came = fetch_one(world, Contract("leads", Text(), "leads", (), Place("x"), fetch=Broken()), Broken())
    assert "failed inside: KeyError" in came.kept.trouble.message
    assert MASK in came.kept.trouble.message
    assert "Traceback" in caplog.text
    told = caplog.text + came.kept.written().decode()
    assert not any(form in told for form in forms(SECRET))


def declared(url: str, ssh_port: int, maria_port: int) -> dict[str, str]:
    """Give inputs that all fail, each in its way."""
    secret = "{env: HUSH}"  # noqa: S105 (where it is)
    return {
        "refused": f"{{http: {{url: {url}/refused, user: me, password: {secret}}}}}",
        "echoed": f"{{http: {{url: {url}/echoed, token: {secret}, parameters: {{code: {secret}}}}}}}",
        "led": f"{{http: {{url: {url}/led, parameters: {{code: {secret}}}}}}}",
        "nameless": f"{{http: {{url: 'https://nowhere.invalid/x', token: {secret}, parameters: {{code: {secret}}}, wait: 2 s}}}}",
        "postgres": f"{{database: {{url: 'postgresql://me@nowhere.invalid/x', password: {secret}, table: t, wait: 2 s}}}}",
        "closed": f"{{database: {{url: 'postgresql://me@127.0.0.1:{free_port()}/x', password: {secret}, table: t, wait: 2 s}}}}",
        "maria": f"{{database: {{url: 'mariadb://me@127.0.0.1:{maria_port}/x', password: {secret}, table: t, wait: 2 s}}}}",
        "driver": f"{{database: {{url: 'mssql://me@nowhere.invalid/x', password: {secret}, table: t, wait: 2 s}}}}",
        "ssh": f"{{sftp: {{host: 127.0.0.1, port: {ssh_port}, user: me, password: {secret}, host_key: ['KEY'], path: a.csv, wait: 2 s}}}}",
        "key": f"{{sftp: {{host: 127.0.0.1, port: {ssh_port}, user: me, key: {secret}, host_key: ['KEY'], path: a.csv, wait: 2 s}}}}",
        "wide": "{database: {url: 'postgresql://me@nowhere.invalid/x', password: {file: wide}, table: t, wait: 2 s}}",
    }


@pytest.mark.parametrize("secret", [SECRET, WORD])
def test_no_output_of_a_failing_connection_holds_the_secret(project, secret):
    if ssh_server.program() is None or mariadb.programs() is None:
        pytest.skip(f"{ssh_server.ABSENT}; {mariadb.ABSENT}")

    def echo(asked):
        """A server that shows what it was asked."""
        said = f"{asked.path} {asked.headers.get('authorization', '')}"
        return Answer(raw=[f"HTTP/1.1 500 {said}\r\nContent-Length: 0\r\n\r\n".encode()])

    project.write("wide", secret)
    (project.root / "wide").chmod(0o644)
    with web_server() as web, ssh_server.ssh_server() as ssh, mariadb.server() as (maria_port, _):
        web.on("/refused", Answer(401))
        web.on("/echoed", echo)
        web.on("/led", Answer(302, headers={"Location": f"ftp://x/?code={quote(secret)}"}))
        inputs = declared(web.url, ssh.port, maria_port)
        for name, fetch in inputs.items():
            text = VISITS_CONTRACT.replace("path: visits.csv", f"fetch: {fetch.replace('KEY', ssh.host_keys[0])}")
            project.write(f"inputs/{name}.yaml", text)
            rule = VISITS_RULES.split("  - id: visit-costs")[0]
            rule = rule.replace("id: visits", f"id: visits-{name}").replace("input: visits", f"input: {name}")
            project.write(f"rules/3-{name}.yaml", rule)
        environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        environment |= {"HUSH": secret, "PYTHONPATH": ENGINE}
        told = ""
        for arguments in (
            ["lint"], ["fetch"], ["run", "--as-of", "2025-12-31", "--no-expectations", "--json", "result.json"], ["explain", "visits-echoed"],
            ["take", "--input", "refused"], ["schedule", "--once"], ["report", "--format", "json"],
        ):  # fmt: skip
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "tulosvahti", *arguments], cwd=project.root, env=environment, capture_output=True, check=False
            )
            told += done.stdout.decode() + done.stderr.decode()
            assert done.returncode < 4
    for name in inputs:
        assert f"{name}: " in told or f"input {name}:" in told
    assert "Access denied" in told
    assert "does not accept me" in told
    assert "others can read the file wide" in told
    (project.root / "wide").unlink()
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert any(path.name.startswith("ledger.db") for path in kept)
    contents = {str(path): path.read_bytes() for path in kept} | {"told": told.encode()}
    for form in forms(secret):
        found = [name for name, content in contents.items() if form.encode() in content]
        assert found == [], form


def test_a_ledger_and_a_mail_server_that_fail_tell_no_secret(project):
    """The ledger's password is asked for where nobody answers; the mail password's file is readable for others."""
    parts = re.split(r"(?m)^(?=\[)", (project.root / "config.toml").read_text())
    project.write("wide", WORD)
    (project.root / "wide").chmod(0o644)
    mail = '\n[mail]\nhost = "127.0.0.1"\nport = 1\nusername = "me"\npassword_env = "WIDE"\n'
    ledger = f'\n[storage]\nledger = "postgresql+psycopg://me@127.0.0.1:{free_port()}/x"\npassword_env = "HUSH"\n'
    environment = os.environ | {"HUSH": SECRET, "WIDE_FILE": str(project.root / "wide"), "PYTHONPATH": ENGINE}
    told = ""
    for added, arguments in ((mail, ["run", "--no-expectations"]), (mail, ["outbox", "--send"]), (ledger, ["run"])):
        project.write("config.toml", "".join(part for part in parts if not part.startswith(("[mail]", "[storage]"))) + added)
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "tulosvahti", *arguments], cwd=project.root, env=environment, capture_output=True, check=False
        )
        told += done.stdout.decode() + done.stderr.decode()
    assert "The mail server's password cannot be used: others can read the file that WIDE_FILE names" in told
    assert "what was committed before is kept: mend the cause and try again" in told
    (project.root / "wide").unlink()
    kept = {str(path): path.read_bytes() for path in project.root.rglob("*") if path.is_file()} | {"told": told.encode()}
    for secret in (SECRET, WORD):
        for form in forms(secret):
            assert [name for name, content in kept.items() if form.encode() in content] == []
