"""The run as a user has it: repeated, looked back, one digit changed."""

from __future__ import annotations

import re

from .conftest import VISITS, words


def outbox(project):
    return sorted((project.root / ".tulosvahti" / "outbox").glob("*.eml"))


def without_run(text: str) -> str:
    return re.sub(r'"id": "\d+"', '"id": ""', text)


def test_a_second_run_opens_nothing_and_mails_nothing(project):
    project.write("inputs/visits.csv", VISITS.replace("30,00", "9 000,00"))
    first, one = project.run()
    assert first.exit_code == 1
    assert [item["change"] for item in one["findings"]] == ["opened"]
    assert len(outbox(project)) == 1
    _, two = project.run()
    assert [item["change"] for item in two["findings"]] == ["continued"]
    assert len(outbox(project)) == 1
    assert {item["evidence"].pop("measured_in_run") for item in two["verdicts"]} == {"1"}
    assert [{**item, "change": None, "was": None} for item in one["verdicts"]] == [{**item, "change": None, "was": None} for item in two["verdicts"]]


def test_resolved_is_told_once(project):
    project.write("inputs/visits.csv", VISITS.replace("30,00", "9 000,00"))
    project.run()
    project.write("inputs/visits.csv", VISITS)
    _, mended = project.run()
    assert [item["change"] for item in mended["findings"]] == ["resolved"]
    assert len(outbox(project)) == 2
    _, after = project.run()
    assert after["findings"] == []
    assert len(outbox(project)) == 2


def test_vanished_data_never_resolves(project):
    project.write("inputs/visits.csv", VISITS.replace("30,00", "9 000,00"))
    project.run()
    (project.root / "inputs" / "visits.csv").unlink()
    _, gone = project.run()
    changes = {(item["rule"], item["change"]) for item in gone["findings"]}
    assert ("visit-costs", "continued") in changes
    assert not any(change == "resolved" for _, change in changes)


def test_looking_back_leaves_findings_alone(project):
    project.run()
    before = len(outbox(project))
    result, _ = project.run(as_of="2025-02-03")
    assert "before the newest run" in result.stderr
    assert len(outbox(project)) == before


def test_a_partial_run_judges_only_what_is_asked(project):
    _, found = project.run("--rules", "visit-*")
    assert set(words(found)) == {"visit-costs"}


def test_what_is_not_known_yet_is_not_counted(project):
    _, found = project.run(as_of="2025-02-04")
    assert next(item for item in found["verdicts"] if item["rule"] == "visits")["observed"] == "2"


def test_commands_around_it(project):
    project.run()
    assert project.call("lint").exit_code == 0
    explained = project.call("explain", "visits")
    assert explained.exit_code == 0
    assert "SELECT" in explained.stdout
    assert project.call("explain").exit_code == 2
    cases = project.call("test")
    assert "4 passed, 0 failed" in cases.stdout
    assert project.call("report").exit_code == 0
    assert project.call("report", "--format", "json").stdout.startswith("{")


def test_the_plan_shows_who_shares_a_query_and_keeps_nothing(project):
    shown = project.call("explain", "--plan", "--as-of", "2025-12-31")
    assert shown.exit_code == 0
    assert "visits: 2 rules in one query; 3 rows read, 1 cells" in shown.stdout
    assert "rules: visits, visit-costs" in shown.stdout
    assert "GROUP BY" in shown.stdout
    assert project.call("explain", "visit-cost", "--plan").exit_code == 2
    alone = project.call("explain", "visit-costs", "--plan")
    assert alone.stdout.count("in one query") == 1
    assert "GROUP BY __period" in project.call("explain", "visit-costs").stdout
    assert not list((project.root / ".tulosvahti").glob("inputs/*"))
