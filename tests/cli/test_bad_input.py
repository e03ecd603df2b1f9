"""Bad input: the message says cause, place and next step; the other rules are still judged; nothing is lost."""

from __future__ import annotations

import pytest

from .conftest import VISITS, VISITS_CONTRACT, VISITS_RULES, words

SOUND = {"service-satisfaction": "met", "answers-are-dated": "met"}

DELIVERIES = [
    ("empty", b"", "quarantined", "file is empty (0 bytes)"),
    ("header only", b"visit_id;visited_on;cost\n", "accepted", ""),
    ("missing column", b"visit_id;visited_on\na;03.02.2025\n", "quarantined", "'cost'"),
    ("renamed column", b"visit_id;visited;cost\na;03.02.2025;1\n", "quarantined", "'visited_on'"),
    ("wrong encoding", VISITS.replace("a;", "ä;").encode("latin-1"), "quarantined", "utf-8"),
    ("NUL bytes", b"visit_id;visited_on;cost\n\x00;03.02.2025;1\n", "quarantined", "NUL"),
]


@pytest.mark.parametrize(("name", "content", "state", "said"), DELIVERIES, ids=[row[0] for row in DELIVERIES])
def test_delivery(project, name, content, state, said):
    project.write("inputs/visits.csv", content)
    result, found = project.run()
    delivery = next(item for item in found["inputs"] if item["name"] == "visits")
    assert delivery["state"] == state
    assert said in (delivery.get("explanation") or "")
    assert result.exit_code == 1
    verdicts = words(found)
    assert verdicts | SOUND == verdicts
    assert verdicts["visits"] == verdicts["visit-costs"] == "unknown"


def test_missing_file(project):
    (project.root / "inputs" / "visits.csv").unlink()
    result, found = project.run()
    assert result.exit_code == 1
    assert next(item for item in found["inputs"] if item["name"] == "visits")["state"] == "missing"
    assert words(found)["visits"] == "unknown"
    assert words(found)["service-satisfaction"] == "met"


def test_text_in_a_number_column_never_changes_a_sum_silently(project):
    project.write("inputs/visits.csv", VISITS.replace("2,25", "kaksi"))
    _, found = project.run()
    delivery = next(item for item in found["inputs"] if item["name"] == "visits")
    assert (delivery["rows"], delivery["rejects"]) == (2, 1)
    costs = next(item for item in found["verdicts"] if item["rule"] == "visit-costs")
    # 1 030,50 is known; the rejected row may cost anything.
    assert (costs["verdict"], costs["observed"], costs["evidence"]["unknown_rows"]) == ("unknown", "1030.5", 1)
    visits = next(item for item in found["verdicts"] if item["rule"] == "visits")
    assert (visits["verdict"], visits["observed"], visits["evidence"]["range"]) == ("unknown", "2", ["2", "3"])


def test_a_misplaced_separator_is_a_reject(project):
    project.write("inputs/visits.csv", VISITS.replace("1 000,50", "10 00,50"))
    _, found = project.run()
    assert next(item for item in found["inputs"] if item["name"] == "visits")["rejects"] == 1


def test_an_exact_copy_is_counted_once(project):
    project.write("inputs/visits.csv", VISITS + "c;05.02.2025;30,00\n")
    _, found = project.run()
    assert words(found)["visits"] == "met"
    assert next(item for item in found["verdicts"] if item["rule"] == "visits")["observed"] == "3"


RULES = [
    ("sum: cost", "sum: kost", "kost", "visit-costs"),
    ("sum: cost", "value: cost", "aggregate", "visit-costs"),
    ("sum: cost", "value: \"sum(cost) + count(read_csv('/etc/passwd'))\"", "not allowed", "visit-costs"),
    ('"<= 2000"', '"two thousand"', "is not a target", "visit-costs"),
    ("owner: agency\n    unit", "owner: nobody\n    unit", "nobody", "visit-costs"),
    ("unit: eur", "untit: eur", "untit", "visit-costs"),
]


@pytest.mark.parametrize(("old", "new", "said", "rule"), RULES)
def test_rule(project, old, new, said, rule):
    assert old in VISITS_RULES
    project.write("rules/2-visits.yaml", VISITS_RULES.replace(old, new))
    result, found = project.run()
    assert result.exit_code == 2
    problem = found["problems"][0]
    assert problem["file"] == "rules/2-visits.yaml"
    assert problem["line"] > 0
    assert said in problem["message"] + problem["allowed"]
    assert problem["rule"] == rule
    verdicts = words(found)
    assert rule not in verdicts
    assert verdicts["visits"] == "met"
    assert verdicts | SOUND == verdicts


def test_a_broken_contract_takes_only_its_rules(project):
    project.write("inputs/visits.yaml", VISITS_CONTRACT.replace("type: date", "type: dtae"))
    result, found = project.run()
    assert result.exit_code == 2
    assert any(problem["file"] == "inputs/visits.yaml" for problem in found["problems"])
    assert words(found)["service-satisfaction"] == "met"


def test_the_call(project):
    result = project.call("run", "--as-of", "31.12.2025")
    assert result.exit_code == 2
    assert "is not a date; allowed: YYYY-MM-DD" in result.stderr
    assert project.call("run", "--rules", "nothing-*").exit_code == 2
    assert project.call("explain", "visit").exit_code == 2


def test_no_project(tmp_path):
    from typer.testing import CliRunner  # noqa: PLC0415

    from tulosvahti.cli.commands import app  # noqa: PLC0415

    result = CliRunner().invoke(app, ["run", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert "config.toml" in result.stderr
