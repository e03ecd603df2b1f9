"""Every command that the README shows runs, in a copy of the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAM = (".venv/bin/tulosvahti", "tulosvahti")


def lines() -> list[str]:
    """Give the lines of the README's bash fences."""
    return [line.strip() for fence in FENCE.findall(README) for line in fence.splitlines() if line.strip()]


def commands() -> list[list[str]]:
    """Give the arguments of every call of the program, also behind ``&&``; comments and examples' output left out."""
    calls = []
    for line in lines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words and words[0] in PROGRAM:
                calls.append(words[1:])
    return calls


@pytest.fixture
def project(tmp_path: Path) -> Path:
    target = tmp_path / "project"
    target.mkdir()
    for folder in ("rules", "inputs", "alerts"):
        shutil.copytree(ROOT / folder, target / folder)
    shutil.copytree(ROOT / "tests" / "rules", target / "tests" / "rules")
    shutil.copyfile(ROOT / "config.toml", target / "config.toml")
    return target


def test_the_readme_has_the_two_commands() -> None:
    install, test = lines()[:2]
    assert install.startswith("python3 -m venv .venv && ")
    assert install.endswith(" && .venv/bin/tulosvahti run")
    assert "--require-hashes" in install
    assert test.startswith(".venv/bin/pip install --require-hashes ")
    assert test.endswith(" && .venv/bin/pytest")


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_a_command_of_the_readme_runs(arguments: list[str], project: Path) -> None:
    if arguments == ["schedule"]:
        # The service runs until it is stopped: that it is there is what a test of the page can show.
        arguments = ["schedule", "--help"]
    if arguments[0] == "report":
        call(["run", "--no-expectations", "--no-alerts"], project)
    done = call(arguments, project)
    # 1 says that verdicts need attention, as the demonstration's do; an interpreter that fails to start ends with 1 too.
    assert done.returncode in {0, 1}, done.stderr
    assert done.stdout.strip() or "No module named" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_the_schedule_that_the_readme_shows_is_sound(project: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(\[schedule\].*?)^```", README, re.MULTILINE | re.DOTALL)
    config = (project / "config.toml").read_text(encoding="utf-8")
    before, _, after = config.partition("[schedule]")
    (project / "config.toml").write_text(before + shown + after[after.index("[mail]") :], encoding="utf-8")
    done = call(["schedule", "--list"], project)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["nightly", "weekly-sums", "deliveries"]
    assert call(["lint"], project).returncode == 0


def call(arguments: list[str], project: Path) -> subprocess.CompletedProcess[str]:
    """Run the program in ``project`` and give what it printed."""
    return subprocess.run(  # noqa: S603 (the program itself)
        [sys.executable, "-m", "tulosvahti", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
