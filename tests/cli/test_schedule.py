"""``schedule``: once, as a list, and as a service in a real process; and ``lint`` on the schedule."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import VISITS_RULES


@pytest.fixture
def nightly(project):
    """A project whose nightly job ran last three days ago."""
    config = (project.root / "config.toml").read_text(encoding="utf-8")
    project.write("config.toml", "as_of = 2025-12-31\n" + config)
    project.write("rules/2-visits.yaml", VISITS_RULES.replace(">= 3", ">= 30"))
    assert project.call("schedule", "--once").exit_code == 0
    old = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%dT05:00")
    with closing(sqlite3.connect(project.root / ".tulosvahti/ledger.db")) as raw, raw:
        raw.execute("UPDATE slots SET slot = ?, oldest = ?, due_at = ?", (old, old, f"{old}:00.000000+00:00"))
    return project


def test_once_runs_what_is_due_and_then_nothing(nightly):
    first = nightly.call("schedule", "--once")
    assert first.exit_code == 1, "a target is missed"
    assert "Service" in first.stdout
    second = nightly.call("schedule", "--once")
    assert second.exit_code == 0
    assert "nothing was run; `tulosvahti schedule --list` shows what comes next" in second.stderr


def test_list_shows_what_comes_and_how_late_the_last_was(nightly):
    nightly.call("schedule", "--once")
    result = nightly.call("schedule", "--list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"nightly: at '0 5 \* \* \*'; rules \*; next: \w{3} \d{4}-\d\d-\d\d 05:00 Europe/Helsinki", lines[0])
    assert re.fullmatch(r"  \d{4}-\d\d-\d\dT05:00  done; started \d{4}-\d\d-\d\d [\d:]+, [\d:]+ late; run 1", lines[1])
    assert "  skipped; " in lines[2]
    assert "runs for all that were missed" in lines[2]


def test_a_run_that_fails_is_exit_code_3_and_is_tried_again_later(nightly):
    (nightly.root / ".tulosvahti/store").write_text("no folder", encoding="utf-8")
    result = nightly.call("schedule", "--once")
    assert result.exit_code == 3
    assert "retry; started" in nightly.call("schedule", "--list").stdout
    assert nightly.call("schedule", "--once").exit_code == 0, "not before its time"


def test_lint_warns_of_changing_hours_and_passes(project):
    config = (project.root / "config.toml").read_text(encoding="utf-8").replace("0 5 * * *", "30 3 * * *")
    project.write("config.toml", config)
    result = project.call("lint")
    assert result.exit_code == 0
    assert re.search(r"^config.toml:11:1: warning: nightly: '30 3 \* \* \*' falls into hours", result.stdout, re.MULTILINE)
    assert "no problems: " in result.stdout


def test_the_service_logs_what_it_does_and_ends_when_told(nightly):
    service = subprocess.Popen(  # noqa: S603 (the program itself)
        [sys.executable, "-m", "tulosvahti", "schedule", "--project", str(nightly.root)],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with service:
        said = []
        for line in service.stderr:
            said.append(line)
            if " is done: run 1" in line or len(said) > 50:
                break
        service.send_signal(signal.SIGTERM)
        said += service.stderr.readlines()
        assert service.wait(30) == 0, "".join(said)
    text = "".join(said)
    assert "INFO nightly: at '0 5 * * *'; rules *; next: " in text
    assert re.search("WARNING job nightly: .*slot.* recorded as skipped", text)
    assert "Traceback" not in text
