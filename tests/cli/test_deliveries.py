"""``deliveries list``: what came and what became of it, and which inputs wait."""

from __future__ import annotations

import json
import os

BROKEN = "visit_id;cost\na;1\n"


def listed(project, *more: str):
    result = project.call("deliveries", "list", "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_arrivals_with_their_states(project):
    assert project.call("deliveries", "list").stdout == "nothing has come yet; the next run logs what lies there\n"
    project.run("--no-expectations")
    place = project.root / "inputs" / "visits.csv"
    os.utime(place, ns=(0, 10**9))
    project.run("--no-expectations")
    project.write("inputs/visits.csv", BROKEN)
    project.run("--no-expectations")
    found = listed(project, "--input", "visits")
    states = [(item["state"], item["how"], item["rows"]) for item in found["deliveries"]]
    assert states == [("quarantined", "path", 0), ("accepted", "path", 3), ("accepted", "path", 3)]
    assert found["deliveries"][1]["sha256"] == found["deliveries"][2]["sha256"]
    assert found["deliveries"][1]["written"] == "1970-01-01T00:00:01.000000000+00:00"
    (stands,) = found["inputs"]
    assert (stands["state"], stands["run"]) == ("quarantined", "3")
    lines = project.call("deliveries", "list", "--input", "visits").stdout.splitlines()
    assert lines[1].startswith("    quarantined: column 'visited_on' is missing")
    assert lines[-2] == "inputs that wait:"
    assert lines[-1].startswith("  visits: quarantined (run 3): column 'visited_on' is missing")


def test_dropped_taken_refused_and_withdrawn(project):
    contract = (project.root / "inputs" / "visits.yaml").read_text(encoding="utf-8")
    project.write("inputs/visits.yaml", contract + "drop: {folder: in, settle: 1 h}\n")
    (project.root / "in").mkdir()
    project.write("in/new.csv", BROKEN)
    assert "  visits: new.csv was written less than 3600 s ago" in project.call("deliveries", "list").stdout
    assert listed(project)["dropped"] == [{"input": "visits", "waits": "new.csv was written less than 3600 s ago"}]
    assert project.call("deliveries", "take").exit_code == 0
    os.utime(project.root / "in" / "new.csv", (0, 0))
    result = project.call("deliveries", "take")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 visits: new.csv: quarantined: column 'visited_on' is missing")
    _, judged = project.run("--no-expectations", "--rules", "visits")
    (said,) = [item for item in judged["inputs"] if item["name"] == "visits"]
    assert (said["state"], judged["verdicts"][0]["verdict"], judged["verdicts"][0]["reason"]) == ("quarantined", "unknown", "input_quarantined")
    assert said["explanation"].startswith("delivery 1, new.csv of ")
    assert project.call("deliveries", "withdraw", "1").exit_code == 2
    assert "7 is no refused delivery that an input waits for; allowed: 1 (visits)" in project.call("deliveries", "withdraw", "7", "--reason", "x").output
    assert project.call("deliveries", "withdraw", "1", "--reason", "a slip", "--by", "me").exit_code == 0
    _, judged = project.run("--no-expectations", "--rules", "visits")
    assert judged["verdicts"][0]["verdict"] == "met"
    found = listed(project, "--input", "visits")["deliveries"]
    assert [(item["state"], item["explanation"]) for item in found if item["how"] == "drop"] == [("withdrawn", "a slip")]


def test_unknown_input_is_a_sentence(project):
    result = project.call("deliveries", "list", "--input", "nothing")
    assert result.exit_code == 2
    assert "--input: no input 'nothing'; allowed: " in result.output
