"""The first project as a user has it: the whole agreement judged, repeated, and one digit changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("config.toml", "rules", "inputs", "alerts")


@pytest.fixture
def project(tmp_path):
    for name in PARTS:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def run(project: Path, *arguments: str, seed: str = "0", zone: str = "UTC") -> dict:
    target = project / "result.json"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "engine"),
        "PYTHONHASHSEED": seed,
        "TZ": zone,
        "LC_ALL": "C",
    }
    command = [sys.executable, "-m", "tulosvahti", "run", "--no-expectations", "--json", str(target), *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1, done.stderr
    return json.loads(target.read_text(encoding="utf-8"))


def test_every_verdict_occurs_and_nothing_is_left_out(project):
    found = run(project)
    assert found["problems"] == []
    assert {item["verdict"] for item in found["verdicts"]} == {
        "met", "missed", "on_track", "at_risk", "unknown", "not_due", "monitored",
    }  # fmt: skip
    indicators = [item for item in found["verdicts"] if item["kind"] == "narrative"]
    assert len(indicators) == 15
    assert all(item["synthetic"] for item in found["inputs"] if item["name"] != "appropriation_2023")


def test_the_same_run_twice_is_byte_identical(project):
    one = run(project, "--no-alerts", seed="1", zone="UTC")
    shutil.rmtree(project / ".tulosvahti")
    two = run(project, "--no-alerts", seed="2", zone="Asia/Tokyo")
    assert json.dumps(one["verdicts"]) == json.dumps(two["verdicts"])


def test_a_second_run_opens_no_finding_and_writes_no_mail(project):
    run(project)
    mails = sorted((project / ".tulosvahti" / "outbox").glob("*.eml"))
    assert mails
    again = run(project)
    assert {item["change"] for item in again["findings"]} == {"continued"}
    assert sorted((project / ".tulosvahti" / "outbox").glob("*.eml")) == mails


@pytest.mark.parametrize(
    ("old", "new", "cell", "right"),
    [
        ("Häme;6 028 400;203 760;138 300;-25 400;93 500", "Häme;6 028 400;203 760;138 300;-25 400;93 600", "F5", "93500"),
        ("Kainuu;3 687 200", "Kainuu;3 687 300", "B15", "3687200"),
    ],
)
def test_one_digit_of_the_appropriation_table(project, old, new, cell, right):
    path = project / "inputs" / "appropriation_2023.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    found = run(project, "--rules", "appropriation-2023")
    assert len(found["findings"]) == 1
    verdict = found["verdicts"][0]
    assert verdict["verdict"] == "missed"
    (fault,) = verdict["evidence"]["faults"]
    assert [name.split(" ")[0] for name in fault["cells"]] == [cell]
    assert fault["implied"] == [right]


def test_the_annual_report_is_judged_after_the_year(project):
    found = run(project, "--as-of", "2024-03-31")
    narratives = [item["verdict"] for item in found["verdicts"] if item["kind"] == "narrative"]
    assert (narratives.count("met"), narratives.count("missed")) == (13, 2)


def test_synthetic_inputs_are_reproducible():
    command = [sys.executable, str(ROOT / "inputs" / "make_synthetic.py"), "--compare"]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603
