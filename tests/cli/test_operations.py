"""The service as systemd and a monitoring system meet it, backups by hand, and what is said when the ground gives way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tulosvahti import operations, wiring
from tulosvahti.load.project import load_project
from tulosvahti.schedule.health import STUCK_AFTER
from tulosvahti.store.lock import RunLock

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "tulosvahti.service"


def configure(project, section: str, line: str) -> None:
    text = (project.root / "config.toml").read_text(encoding="utf-8")
    with_section = text if f"[{section}]" in text else f"{text}\n[{section}]\n"
    project.write("config.toml", with_section.replace(f"[{section}]", f"[{section}]\n{line}", 1))


def ledger_at(project, url: str, more: str = "") -> None:
    text = (project.root / "config.toml").read_text(encoding="utf-8")
    project.write("config.toml", text.replace('ledger = "sqlite:///.tulosvahti/ledger.db"', f'ledger = "{url}"\n{more}'))


def program(project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tulosvahti", *arguments, "--project", str(project.root)]
    return subprocess.run(  # noqa: S603
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def test_backup_and_restore_by_hand(project, tmp_path_factory):
    project.run()
    folder = tmp_path_factory.mktemp("backups")
    made = project.call("backup", str(folder))
    assert made.exit_code == 0
    archive = made.stdout.strip()
    assert Path(archive).parent == folder
    assert "1 runs" in made.stderr
    refused = project.call("restore", archive)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--force replaces it" in refused.stderr
    project.run()
    with RunLock(project.root / ".tulosvahti" / "run.lock"):
        assert project.call("restore", archive, "--force").exit_code == 3
    done = project.call("restore", archive, "--force")
    assert done.exit_code == 0
    assert "the old state is in" in done.stderr
    assert project.call("report", "--format", "json").stdout.startswith('{\n "run": {\n  "id": "1"')
    assert project.call("backup", archive).exit_code == 2
    assert project.call("backup").stdout.startswith(str(project.root / "backups" / "tulosvahti-"))


@pytest.mark.parametrize("name", ["config.toml", "nothing.tar.gz"])
def test_what_is_no_backup(project, name):
    result = project.call("restore", str(project.root / name), "--force")
    assert result.exit_code == 2
    assert name in result.stderr
    assert not list((project.root / ".tulosvahti").glob("restor*"))


def test_an_interrupted_restore_keeps_everybody_off(project):
    project.run()
    (project.root / ".tulosvahti" / "restore-under-way").write_text("/b.tar.gz\n")
    done = program(project, "run")
    assert done.returncode == 3
    assert "run it again: tulosvahti restore --force /b.tar.gz" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_out_of_reach_is_a_sentence_and_code_3(project):
    ledger_at(project, "postgresql+psycopg://tulosvahti@127.0.0.1:1/none")
    for arguments in (["run"], ["backup"], ["report", "--format", "json"]):
        done = program(project, *arguments)
        assert done.returncode == 3, arguments
        assert "cannot be used" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_run_on_postgresql_by_one_line(project, postgresql_url, monkeypatch):
    ledger_at(project, postgresql_url, 'password_env = "LEDGER_PASSWORD"')
    monkeypatch.setenv("LEDGER_PASSWORD", "not asked for by trust, but sent")
    result, first = project.run()
    assert result.exit_code in {0, 1}, result.stderr
    assert not (project.root / ".tulosvahti" / "ledger.db").exists()
    assert project.call("report", "--format", "json").stdout == (project.root / "result.json").read_text(encoding="utf-8")
    assert project.call("backup", str(project.root / "b.tar.gz")).exit_code == 0
    assert first["verdicts"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('ledger = "postgresql+psycopg://u:p@host/db"', "a password stands in a file that is kept in git"),
        ('ledger = "postgresql://u@host/db?password=p"', "a password stands in a file that is kept in git"),
        ('ledger = "postgresql://u@host/"', "names no database"),
        ('ledger = "mysql://host/db"', "'mysql' is not a database that the ledger can be in"),
        ('ledger = "ledger.db"', "allowed: sqlite:///FILE or postgresql"),
        ('ledger = "postgresql://[::1/db"', "not a database URL"),
    ],
)
def test_a_bad_ledger_has_its_place(project, line, says):
    text = (project.root / "config.toml").read_text(encoding="utf-8")
    project.write("config.toml", text.replace('ledger = "sqlite:///.tulosvahti/ledger.db"', line))
    result = project.call("lint")
    assert result.exit_code == 2
    assert says in result.stderr
    number = next(n for n, row in enumerate(text.splitlines(), 1) if row.startswith("ledger"))
    assert f"config.toml:{number}:" in result.stderr


@pytest.mark.parametrize(
    "line", ['listen = "9464"', 'listen = "host:port"', 'log = "xml"', 'ping = "file:///etc/passwd"', "unknown = 1"]
)
def test_a_bad_service_has_its_place(project, line):
    configure(project, "service", line)
    result = project.call("lint")
    assert result.exit_code == 2
    assert "config.toml:" in result.stderr


def test_the_service_as_systemd_and_prometheus_meet_it(project, tmp_path_factory):
    place = str(tmp_path_factory.mktemp("s") / "notify")
    configure(project, "service", 'listen = "127.0.0.1:0"\nlog = "json"')
    configure(project, "mail", 'host = "127.0.0.1"\nport = 1')
    project.run("--no-alerts")
    command = [sys.executable, "-m", "tulosvahti", "schedule", "--project", str(project.root)]
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(place)
        systemd.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": place}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service:  # noqa: S603
            try:
                said = [systemd.recv(200).decode() for _ in range(2)]
                assert said[0].startswith("READY=1\n")
                assert said[1] == "WATCHDOG=1"
                logged = []
                while not {"mail", "shown"} <= {line["message"].split()[0] for line in logged}:
                    logged.append(json.loads(service.stderr.readline()))
                said = {line["message"].split()[0]: line["message"] for line in logged}
                assert said["mail"].startswith("mail cannot be sent now, and waits: ")
                assert "127.0.0.1:1" in said["mail"]
                address = said["shown"].split()[2].rstrip(":")
                for page in ("healthz", "readyz"):
                    with urllib.request.urlopen(f"{address}/{page}", timeout=5) as answered:  # noqa: S310
                        assert answered.status == 200
                with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answered:  # noqa: S310
                    found = {f.name: f.samples for f in text_string_to_metric_families(answered.read().decode())}
                assert found["tulosvahti_ledger_up"][0].value == 1
                assert found["tulosvahti_ledger_height"][0].value == 1
            finally:
                service.send_signal(signal.SIGTERM)
            assert service.wait(30) == 0
        assert systemd.recv(200).startswith(b"STOPPING=1")


def test_the_ledger_is_ready_or_says_why(project):
    opened = load_project(project.root)
    assert (operations.ledger_trouble(opened), operations.observe(opened)) == ("", [])
    project.run()
    assert operations.ledger_trouble(opened) == ""
    assert operations.observe(opened)
    (project.root / ".tulosvahti" / "ledger.db").write_bytes(b"no database" * 999)
    assert "not a ledger" in operations.ledger_trouble(opened)


def test_a_secret_comes_from_the_environment_or_from_systemd(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "IN_FILE").write_text("geheim\n", encoding="utf-8")
    monkeypatch.setenv("IN_ENVIRONMENT", "hemlig")
    assert [wiring.secret(name) for name in ("IN_FILE", "IN_ENVIRONMENT", "NOWHERE", "")] == ["geheim", "hemlig", "", ""]


def test_the_unit_agrees_with_the_program():
    text = UNIT.read_text(encoding="utf-8")
    assert f"WatchdogSec={STUCK_AFTER / 60:.0f}min" in text
    assert "Type=notify" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/tulosvahti/bin/tulosvahti", "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])
