"""Series across a break: centres that became agencies on 1.1.2026, codes that lost their zeros, codes nobody knows."""

from __future__ import annotations

import pytest

CASES = """\
title: Asiat
path: cases.csv
dialect: {delimiter: ";"}
period: done_on
primaryKey: [id]
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: done_on, type: date}
  - {name: centre, type: string}
  - {name: cost, type: number, constraints: {minimum: 0}}
"""
CHANGES = """\
title: Organisaatiot
path: changes.csv
dialect: {delimiter: ";"}
mapping: {code: code, successor: successor, valid_from: valid_from}
fields:
  - {name: code, type: string, constraints: {required: true}}
  - {name: successor, type: string}
  - {name: valid_from, type: date}
"""
RULES = """\
agreement: agreement-1
section: "2"
title: Asiat
rules:
  - id: cases
    title: Asioita
    quote: Asioita
    owner: agency
    measure: {input: cases, KIND, period: done_on, by: [centre], mapping: {field: centre, input: changes, at: DAY}}
    target: {2025: ">= 3", 2026: ">= previous"}
"""
ROWS = [
    ("1", "2025-02-01", "010", 1), ("2", "2025-03-01", "010", 2), ("3", "2025-04-01", "20", 4),
    ("4", "2026-02-01", "900", 8), ("5", "2026-02-02", "900", 16), ("6", "2026-02-03", "900", 32), ("7", "2026-03-01", "900", 1),
]  # fmt: skip
LISTED = "code;successor;valid_from\n010;900;2026-01-01\n020;900;2026-01-01\n"


@pytest.fixture
def mapped(project):
    project.write("inputs/cases.yaml", CASES)
    project.write("inputs/changes.yaml", CHANGES)
    project.write("inputs/changes.csv", LISTED)
    write(project, ROWS)
    rules(project)
    return project


def write(project, rows) -> None:
    lines = ["id;done_on;centre;cost", *(";".join(map(str, row)) for row in rows)]
    project.write("inputs/cases.csv", "\n".join(lines) + "\n")


def rules(project, day: str = "2026-01-01", kind: str = 'count: "*"') -> None:
    project.write("rules/3-cases.yaml", RULES.replace("DAY", day).replace("KIND", kind))


def judged(project, as_of: str = "2026-12-31"):
    result, found = project.run("--no-expectations", "--rules", "cases", as_of=as_of)
    assert found, result.output
    return found


def told(found) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {(item["subject"].get("centre", ""), item["period"]): (item["verdict"], item["observed"]) for item in found["verdicts"]}


def test_the_series_goes_across_the_break(mapped):
    found = judged(mapped)
    assert told(found) == {("900", "2025"): ("met", "3"), ("900", "2026"): ("met", "4")}
    evidence = found["verdicts"][0]["evidence"]
    assert evidence["mapping"]["counted_as"] == {"010": "900", "20": "900"}
    assert evidence["mapping"]["leading_zeros_added"] == ["20"]
    assert "CASE WHEN \"centre\" IN ('010', '020', '10', '20', '900') THEN '900' ELSE NULL END" in evidence["sql"]
    assert "counted_as" in mapped.call("explain", "cases", "--as-of", "2026-12-31").stdout


def test_sums_and_the_newest_value_are_counted_so_too(mapped):
    rules(mapped, kind="sum: cost")
    assert told(judged(mapped)) == {("900", "2025"): ("met", "7"), ("900", "2026"): ("met", "57")}
    rules(mapped, kind="latest: cost")
    assert told(judged(mapped))["900", "2026"] == ("missed", "1")


def test_of_the_day_before_the_break_a_merger_cannot_be_taken_apart(mapped):
    rules(mapped, "2025-12-31")
    found = judged(mapped)
    words = told(found)
    assert words["010", "2025"] == ("missed", "2")
    assert words["020", "2025"] == ("missed", "1")
    assert words["010", "2026"][0] == words["020", "2026"][0] == "unknown", "the rows of 900 may be either's"
    assert words["900", "2026"] == ("unknown", None)
    (named,) = [item for item in found["verdicts"] if item["subject"] == {"centre": "900"}]
    assert (named["reason"], named["evidence"]["mapping"]["unknown_codes"]) == ("unmapped", {"900": 4})


def test_a_code_that_nobody_knows_is_an_unknown_subject_by_name(mapped):
    write(mapped, [*ROWS, ("8", "2025-05-01", "777", 1)])
    found = judged(mapped)
    assert told(found)["777", "2026"] == ("unknown", None)
    assert told(found)["900", "2025"] == ("met", "3"), "one row more cannot undo it"
    (named,) = [item for item in found["verdicts"] if item["subject"] == {"centre": "777"}]
    assert "777" in named["reason_text"]["fi"]
    mapped.write("inputs/changes.yaml", CHANGES.replace("valid_from: valid_from}", "valid_from: valid_from, lists: changes}"))
    assert told(judged(mapped))["777", "2025"] == ("missed", "1"), "where only changes are listed a code stays as it is"


def test_figures_that_are_not_yet_in_are_unknown_and_never_zero(mapped):
    write(mapped, ROWS[:3])
    assert told(judged(mapped)) == {("900", "2025"): ("met", "3"), ("900", "2026"): ("unknown", None)}


def test_without_the_changes_nothing_is_known(mapped):
    mapped.write("inputs/changes.csv", "no such columns\n")
    found = judged(mapped)
    assert {(item["verdict"], item["reason"]) for item in found["verdicts"]} == {("unknown", "input_quarantined")}


def test_other_changes_revise_the_closed_year(mapped):
    judged(mapped)
    mapped.write("inputs/changes.csv", "code;successor;valid_from\n010;900;2026-01-01\n020;901;2026-01-01\n")
    found = judged(mapped)
    (revision,) = [item for item in found["revisions"] if item["period"] == "2025"]
    assert (revision["before"]["observed"], revision["after"]["observed"]) == ("3", "2")
    assert [item["input"] for item in revision["because"]] == ["changes"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("field: centre", "field: cost", "mapping: field: 'cost' is not in by"),
        ("input: changes", "input: visits", "mapping: input: 'visits' says no changes of organisations"),
    ],
)
def test_lint_of_rules(mapped, old, new, message):
    mapped.write("rules/3-cases.yaml", RULES.replace("DAY", "2026-01-01").replace("KIND", 'count: "*"').replace(old, new))
    assert message in mapped.call("lint").stdout


def test_lint_of_contracts(mapped):
    mapped.write("inputs/changes.yaml", CHANGES.replace("valid_from: valid_from}", "valid_from: code}"))
    assert "mapping: valid_from: 'code' is no field of type date" in mapped.call("lint").stdout


SHARED = CHANGES.replace("valid_from: valid_from}", "valid_from: valid_from, share: share}") + "  - {name: share, type: number}\n"
DIVIDED = "code;successor;valid_from;share\n010;900;2026-01-01;\n020;900;2026-01-01;0.6\n020;901;2026-01-01;0.4\n"
LATER = [("8", "2025-06-01", "020", 16), ("9", "2026-02-01", "901", 5)]


@pytest.fixture
def shared(mapped):
    mapped.write("inputs/changes.yaml", SHARED)
    mapped.write("inputs/changes.csv", DIVIDED)
    write(mapped, [*ROWS, *LATER])
    return mapped


def test_counts_and_sums_are_shared_out_exactly(shared):
    found = judged(shared)
    assert {key: value for key, (_, value) in told(found).items() if key[1] == "2025"} == {("900", "2025"): "3.2", ("901", "2025"): "0.8"}
    evidence = found["verdicts"][0]["evidence"]
    assert evidence["mapping"]["shared_out"] == {"020": {"900": "0.6", "901": "0.4"}, "20": {"900": "0.6", "901": "0.4"}}
    assert "020 → 900 0.6, 901 0.4" in evidence["sql"]
    rules(shared, kind="sum: cost")
    assert {key: value for key, (_, value) in told(judged(shared)).items()} == {
        ("900", "2025"): "15", ("901", "2025"): "8", ("900", "2026"): "57", ("901", "2026"): "5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ('ratio: {numerator: sum(cost), denominator: "count(*)"}', {"900": "4.6875", "901": "10"}),
        ('value: "sum(cost) / count(*)"', {"900": "4.6875", "901": "10"}),
    ],
)
def test_a_ratio_of_sums_is_that_of_what_was_shared_out(shared, kind, values):
    rules(shared, kind=kind)
    assert {key[0]: value for key, (_, value) in told(judged(shared)).items() if key[1] == "2025"} == values


@pytest.mark.parametrize("kind", ["mean: cost", "latest: cost", "distinct: cost", 'share: "cost > 3"', "value: max(cost)", "value: avg(cost)"])
def test_what_cannot_be_shared_out_stays_unknown(shared, kind):
    rules(shared, kind=kind)
    found = judged(shared)
    words = told(found)
    assert words["900", "2025"][0] == "unknown"
    assert words["020", "2026"] == ("unknown", None)
    assert set(found["verdicts"][0]["evidence"]["mapping"]["unknown_codes"]) == {"020", "20"}


def test_an_unknown_row_of_a_divided_code_may_be_anybodys_part(shared):
    write(shared, [*ROWS, *LATER, ("10", "2025-07-01", "020", -1), ("11", "2025-07-02", "777", 1)])
    found = judged(shared)
    (one,) = [item for item in found["verdicts"] if (item["subject"], item["period"]) == ({"centre": "901"}, "2025")]
    assert (one["verdict"], one["observed"], one["evidence"]["unknown_rows"]) == ("missed", "0.8", 2), "0.8 + 2 is below 3"
    rules(shared, kind="sum: cost")
    assert told(judged(shared))["901", "2025"] == ("met", "8"), "costs are never below 0"


@pytest.mark.parametrize("wrong", ["0.5", "", "-0.4", "0.41"])
def test_shares_that_do_not_add_up_are_rejects_and_their_code_unknown(shared, wrong):
    shared.write("inputs/changes.csv", DIVIDED.replace("901;2026-01-01;0.4", f"901;2026-01-01;{wrong}"))
    shared.write("inputs/changes.yaml", SHARED.replace("mapping:", "max_rejects: 100 %\nmapping:"))
    found = judged(shared)
    (changes,) = [item for item in found["inputs"] if item["name"] == "changes"]
    assert [(item["row"], item["column"]) for item in changes["rejected"]] == [(3, "share"), (4, "share")]
    assert changes["rejected"][0]["reason"].startswith("the shares of '020' from 2026-01-01 add up to ")
    assert told(found)["020", "2026"] == ("unknown", None)
    assert told(found)["900", "2025"][0] == "unknown"


def test_mapped_rules_that_did_not_change_are_not_computed_again(shared):
    judged(shared)
    assert {item["evidence"].get("measured_in_run") for item in judged(shared)["verdicts"]} == {"1"}
    shared.write("inputs/changes.csv", DIVIDED.replace("0.6", "0.7").replace("0.4", "0.3"))
    again = judged(shared)
    assert {item["evidence"].get("measured_in_run") for item in again["verdicts"]} == {None}
    assert told(again)["901", "2025"][1] == "0.6"


def test_rule_cases_may_have_changes(shared):
    shared.write("tests/rules/3-cases.yaml", """\
- rule: cases
  as_of: 2026-12-31
  cases:
    - name: shared out
      inputs:
        changes:
          - {code: "020", successor: "900", valid_from: 2026-01-01, share: 0.6}
          - {code: "020", successor: "901", valid_from: 2026-01-01, share: 0.4}
        cases:
          - {times: 5, done_on: 2025-02-01, centre: "020"}
      expect: {subject: {centre: "900"}, period: 2025, verdict: met, observed: "3"}
    - name: shares that do not add up
      inputs:
        changes:
          - {code: "020", successor: "900", valid_from: 2026-01-01, share: 0.6}
          - {code: "020", successor: "901", valid_from: 2026-01-01, share: 0.5}
        cases:
          - {times: 5, done_on: 2025-02-01, centre: "020"}
      expect: {subject: {centre: "020"}, period: 2026, verdict: unknown, reason: unmapped}
    - name: a merger
      inputs:
        changes:
          - {code: "010", successor: "900", valid_from: 2026-01-01}
          - {code: "020", successor: "900", valid_from: 2026-01-01}
        cases:
          - {times: 2, done_on: 2025-02-01, centre: "020"}
          - {done_on: 2025-02-01, centre: "010"}
      expect: {subject: {centre: "900"}, period: 2025, verdict: met, observed: "3", rows: 3}
""")
    result = shared.call("test")
    assert result.exit_code == 0, result.output
    assert ", 0 failed" in result.output
