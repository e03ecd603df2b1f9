"""Values entered by hand, from the first draft to the verdict, by the commands."""

from __future__ import annotations

import json
import re

import pytest

CONTRACT = """\
title: Sairauspoissaolot
entered: true
period: year
primaryKey: [year]
fields:
  - {name: year, type: year, constraints: {required: true}}
  - {name: days, header: Päivää, type: number, decimalChar: ",", constraints: {minimum: 0, maximum: 60, required: true}}
  - {name: approved_on, type: date}
"""
RULES = """\
agreement: agreement-1
section: "3"
title: Henkilöstö
rules:
  - id: sick-leave
    title: Sairauspoissaolot
    quote: Sairauspoissaolot
    owner: agency
    measure: {input: sick_leave, mean: days, period: year}
    target: {2025: "<= 8"}
"""


@pytest.fixture
def values(project):
    project.write("inputs/sick_leave.yaml", CONTRACT)
    project.write("rules/3-staff.yaml", RULES)

    def call(*arguments: str, code: int = 0) -> str:
        done = project.call("values", *arguments)
        assert done.exit_code == code, done.output
        return done.output

    return call


def verdict(project):
    _, found = project.run("--no-alerts", "--no-expectations")
    (made,) = [item for item in found["verdicts"] if item["rule"] == "sick-leave"]
    return made["verdict"], made["observed"]


def test_from_draft_to_verdict(project, values) -> None:
    assert verdict(project) == ("unknown", None)
    said = values("enter", "sick_leave", "year=2025", "Päivää=7,25", "--by", "anna")
    assert said == "sick_leave 2025: draft by anna\n"
    assert verdict(project) == ("unknown", None)
    assert "sick-leave 2025: unknown (–) → met (7.25)" in values("try", "sick_leave")
    values("submit", "sick_leave", "all", "--by", "anna")
    assert "submitted by anna: somebody else" in values("approve", "sick_leave", "2025", "--by", "anna", code=2)
    values("approve", "sick_leave", "2025", "--by", "bo")
    assert verdict(project) == ("met", "7.25")
    assert "already: nothing was entered" in values("enter", "sick_leave", "year=2025", "days=7,25")
    assert "give the reason" in values("enter", "sick_leave", "year=2025", "days=9", code=2)
    values("enter", "sick_leave", "year=2025", "days=9", "--by", "anna", "--reason", "recount")
    assert verdict(project) == ("met", "7.25"), "the approved value counts until another is approved"
    values("submit", "sick_leave", "2025", "--by", "anna")
    values("approve", "sick_leave", "2025", "--by", "bo")
    assert verdict(project) == ("missed", "9")
    values("lock", "sick_leave", "2025", "--by", "bo")
    assert "is locked" in values("enter", "sick_leave", "year=2025", "days=1", "--reason", "x", code=2)
    (row,) = json.loads(values("list", "sick_leave", "--json"))
    assert [version["values"]["days"] for version in row["versions"]] == ["7,25", "9"]
    assert [step["deed"] for step in row["versions"][1]["steps"]] == ["submit", "approve", "lock"]


def test_what_is_not_plausible_is_kept_and_not_approved(project, values) -> None:
    said = values("enter", "sick_leave", "year=2025", "days=1000", "--by", "anna")
    assert "blocks approval: days '1000': above the maximum" in said
    values("submit", "sick_leave", "2025", "--by", "anna")
    assert "cannot be approved: days: above the maximum; allowed: at most 60" in values("approve", "sick_leave", "2025", "--by", "bo", code=2)
    values("return", "sick_leave", "2025", "--by", "bo", "--reason", "a thousand days?")
    assert "returned by bo" in values("list", "sick_leave")


def test_a_forecast_is_never_judged(project, values) -> None:
    values("enter", "sick_leave", "year=2025", "days=6", "--forecast", "--by", "anna")
    values("submit", "sick_leave", "2025", "--forecast", "--by", "anna")
    values("approve", "sick_leave", "2025", "--forecast", "--by", "bo")
    assert verdict(project) == ("unknown", None)
    assert "0 of 1 verdicts would change" in values("try", "sick_leave")


def test_evidence_is_kept_by_its_digest(project, values, tmp_path) -> None:
    proof = tmp_path / "proof.txt"
    proof.write_bytes(b"counted on 2 January")
    values("enter", "sick_leave", "year=2025", "days=6", "--attach", str(proof))
    (row,) = json.loads(values("list", "sick_leave", "--json"))
    (kept,) = row["versions"][0]["attachments"]
    stored = project.root / ".tulosvahti" / "store" / kept["sha256"][:2] / kept["sha256"][2:]
    assert (kept["name"], stored.read_bytes()) == ("proof.txt", b"counted on 2 January")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("enter", "nothing", "a=1"), "there is no input 'nothing'; inputs whose values are entered: sick_leave"),
        (("enter", "visits", "a=1"), "input 'visits' comes in files"),
        (("enter", "sick_leave", "2025"), "'2025' is no value; allowed: FIELD=VALUE"),
        (("enter", "sick_leave", "days=1"), "the row has no year"),
        (("approve", "sick_leave", "2031"), "there is no row 2031"),
        (("submit", "sick_leave", "all"), "there is no row to submit"),
        (("enter", "sick_leave", "year=2025", "--attach", "nowhere.pdf"), "nowhere.pdf cannot be read"),
    ],
)
def test_what_is_refused(values, arguments, said) -> None:
    assert said in re.sub(r"\s+", " ", values(*arguments, code=2))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("entered: true", "entered: true\npath: x.csv", "path and entered are two places of one input"),
        ("entered: true\n", "", "'path' is missing"),
        ("primaryKey: [year]\n", "", "entered: values cannot be told apart without a key"),
        ("entered: true", "entered: true\nencoding: utf-16", "encoding has no meaning for values that are entered"),
    ],
)
def test_problems_of_the_contract(project, values, old, new, said) -> None:
    project.write("inputs/sick_leave.yaml", CONTRACT.replace(old, new))
    done = project.call("lint")
    assert (done.exit_code, said in done.output) == (2, True), done.output
