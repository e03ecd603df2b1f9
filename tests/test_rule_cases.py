"""The rules' own cases, as `tulosvahti test` runs them; every rule has some."""

from __future__ import annotations

from pathlib import Path

from tulosvahti.cli.testing import run_cases
from tulosvahti.load.project import load_project

ROOT = Path(__file__).parents[1]


def test_cases():
    project = load_project(ROOT)
    outcomes, problems = run_cases(project, None)
    assert problems == ()
    failed = [(outcome.case.place, outcome.case.name, outcome.differences) for outcome in outcomes if outcome.differences]
    assert failed == []
    assert {outcome.case.rule for outcome in outcomes} == {rule.id for rule in project.rules}
    verdicts = {str(outcome.case.expect.get("verdict")) for outcome in outcomes}
    assert verdicts == {"met", "missed", "on_track", "at_risk", "unknown", "not_due", "monitored"}
