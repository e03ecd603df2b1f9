"""Values entered by hand, from the first draft to the verdict, by the commands."""

from __future__ import annotations

import json
import re

import pytest
from openpyxl import Workbook, load_workbook

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
        ("type: number,", "type: number, jump: 1,", "jump: 1 is no factor of a number; allowed: a number greater than 1, or any"),
        ("type: number,", "type: number, jump: wide,", "jump: wide is no factor of a number"),
        ("type: year,", "type: year, jump: 3,", "jump: 3 is no factor of a number"),
    ],
)
def test_problems_of_the_contract(project, values, old, new, said) -> None:
    project.write("inputs/sick_leave.yaml", CONTRACT.replace(old, new))
    done = project.call("lint")
    assert (done.exit_code, said in done.output) == (2, True), done.output


def test_a_jump_needs_a_reason_and_a_contract_may_allow_it(project, values) -> None:
    for year, days in (("2024", "2"), ("2025", "45")):
        values("enter", "sick_leave", f"year={year}", f"days={days}", "--by", "anna")
    values("submit", "sick_leave", "all", "--by", "anna")
    far = "45 is a jump from 2, the value of 2024: more than 10 times as much or as little"
    assert f"  needs a reason to be approved: days: {far}" in values("list", "sick_leave")
    assert "cannot be approved without a reason" in re.sub(r"\s+", " ", values("approve", "sick_leave", "all", "--by", "bo", code=2))
    for jump, blocked in (("30", False), ("2,5", True), ("any", False)):
        project.write("inputs/sick_leave.yaml", CONTRACT.replace("type: number,", f'type: number, jump: "{jump}",'))
        assert ("needs a reason" in values("list", "sick_leave")) is blocked
    values("approve", "sick_leave", "all", "--by", "bo")


@pytest.fixture
def workbook(tmp_path):
    def make(*rows) -> str:
        book = Workbook()
        sheet = book.active
        sheet.title = "Arvot"
        for row in (["year", "Päivää"], *rows):
            sheet.append(row)
        path = tmp_path / "values.xlsx"
        book.save(path)
        return str(path)

    return make


def test_a_workbook_is_shown_first_merged_and_given_back_marked(project, values, workbook, tmp_path) -> None:
    values("enter", "sick_leave", "year=2024", "days=8", "--by", "anna")
    values("enter", "sick_leave", "year=2023", "days=7,50", "--by", "anna")
    file = workbook([2023, 7.5], [2024, 9.25], [2025, 1000], [2026, "paljon"])
    marked = tmp_path / "marked.xlsx"
    said = values("import", "sick_leave", file, "--marked", str(marked))
    assert said.splitlines()[:3] == [
        "2024 days: 8 → 9,25 (record 3)",
        "2025 days: new → 1000 (record 4)  blocks approval: above the maximum; allowed: at most 60",
        "2026 days: new → paljon (record 5)  blocks approval: not a number: unexpected character 'p'; allowed: digits, decimal mark ',', no thousands separator",
    ]
    assert "3 rows would be entered, 1 say what is there, 0 are left out" in said
    assert len(json.loads(values("list", "sick_leave", "--json"))) == 2, "a dry run writes nothing"
    sheet = load_workbook(marked)["Arvot"]
    assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment] == ["B4", "B5"]
    assert "entered as drafts: 3" in values("import", "sick_leave", file, "--apply", "--by", "anna")
    rows = json.loads(values("list", "sick_leave", "--json"))
    assert [(row["key"], row["versions"][-1]["values"]["days"]) for row in rows] == [
        (["2023"], "7,50"), (["2024"], "9,25"), (["2025"], "1000"), (["2026"], "paljon"),
    ]  # fmt: skip
    assert "0 rows would be entered, 4 say what is there" in values("import", "sick_leave", file, "--apply")


def test_rows_that_a_file_leaves_out_stay(project, values, workbook) -> None:
    values("enter", "sick_leave", "year=2023", "days=7", "--by", "anna")
    values("import", "sick_leave", workbook([2024, 8]), "--apply", "--by", "anna")
    assert [row["key"] for row in json.loads(values("list", "sick_leave", "--json"))] == [["2023"], ["2024"]]


def test_a_file_that_is_no_table_is_refused(project, values, tmp_path) -> None:
    path = tmp_path / "broken.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    assert "damaged" in values("import", "sick_leave", str(path), code=2)
    assert "does not exist" in values("import", "sick_leave", str(tmp_path / "no.csv"), code=2)
