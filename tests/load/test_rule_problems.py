"""One faulty rule each, beside two sound ones: the exact message, and the sound ones stay."""

from __future__ import annotations

import pytest

from tulosvahti.cli.starting import start_project
from tulosvahti.load.project import load_project
from tulosvahti.problem import ProblemsError

HEAD = 'agreement: agreement-1\nsection: "2"\ntitle: M\nrules:\n  - id: x\n    title: a\n    owner: agency\n    '

RULES = {
    "title: b": 'rules/2.yaml:8:5: not YAML: found duplicate key "title" with value "b" (original value: "a"); mend the line or the one above it',
    "measure: {input: survey}": "rules/2.yaml:8:14: measure: exactly one of count, distinct, sum, mean, share, ratio, latest, value is needed; this has none",
    "measure: {input: survey, mean: score, sum: score}": "rules/2.yaml:8:14: measure: exactly one of count, distinct, sum, mean, share, ratio, latest, value is needed; this has sum and mean",
    "measure: {input: survey, mean: answered_on}": "rules/2.yaml:8:36: mean: a number is expected; this gives a date",
    "measure: {input: survey, share: score}": "rules/2.yaml:8:37: share: a condition is expected; this gives a number; write a comparison, e.g. \"result = 'A'\" or \"score >= 4\"",
    "measure: {input: survey, share: score / 2 > 1}": 'rules/2.yaml:8:37: share: division of row values is not exact; multiply instead, e.g. "done >= 0.9 * planned", or use ratio',
    "measure: {input: survey, count: nope}": "rules/2.yaml:8:37: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "measure: {input: survey, distinct: count(score)}": "rules/2.yaml:8:40: input 'survey' has no field 'count(score)'; allowed: answer_id, answered_on, score",
    "measure: {input: survey, latest: score}": "rules/2.yaml:8:38: latest needs a period: the field that dates a row; add period: to the measure",
    "measure: {input: survey, ratio: {numerator: sum(score), denominator: score}}": "rules/2.yaml:8:74: denominator: an aggregate is expected; this gives one value for each row; allowed: sum(…), count(…), avg(…), min(…), max(…); wrap the field in an aggregate",
    "measure: {input: survey, mean: score, period: score}": "rules/2.yaml:8:51: period: field 'score' has type integer and cannot date a row; allowed: date, half-year, quarter, week, year, yearmonth",
    "measure: {input: survey, mean: score, by: [nope]}": "rules/2.yaml:8:47: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "measure: {input: survey, mean: score, accumulates: true}": "rules/2.yaml:8:56: accumulates needs a period: the field that dates a row",
    "measure: {input: survey, mean: score, period: answered_on, path: {13-01: 0.5}}": "rules/2.yaml:8:78: path: '13-01': '0.5'; allowed: month-day and a share, e.g. \"06-30\": 0.4",
    "measure: {input: survey, mean: score, min_rows: {field: nope, least: 30}}": "rules/2.yaml:8:61: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "measure: {input: survey, mean: score, min_rows: {field: answer_id, least: 30}}": "rules/2.yaml:8:61: min_rows: field 'answer_id' counts nothing: it has type string; allowed: integer, number",
    "measure: {input: survey, mean: score, min_rows: {field: score}}": "rules/2.yaml:8:53: 'least' is missing; add least: …",
    "measure: {input: survey, mean: score, min_rows: many}": "rules/2.yaml:8:53: min_rows: 'many': input should be a valid integer",
    'measure: {input: survey, mean: score}\n    target: {2025: ">= 4", "2025": ">= 5"}': "rules/2.yaml:9:36: target: 2025 is there twice",
    'measure: {input: survey, mean: score}\n    target: {2025: ">= 4", 2026-Q1: ">= 5"}': "rules/2.yaml:9:13: target: periods of different lengths in one rule; write a rule for each length",
    'measure: {input: survey, mean: score}\n    grain: month\n    target: {2025: ">= 4"}': "rules/2.yaml:9:12: grain: month does not fit the target's periods (year)",
    "measure: {input: survey, mean: score}\n    target: {2025: 4}": "rules/2.yaml:9:20: target: '4' does not say whether more or less is better: write \">= …\" or \"<= …\", or declare direction; allowed: \"> 4\", \">= 90\", \"< 6\", \"<= 38\", \"= 100\", \"3..4\", \">= previous\", \">= previous * 1.02\", \"monitor\"",
    "milestone: {input: survey, key: a, due: 2025-12-31}": "rules/2.yaml:8:16: input 'survey' has no field 'done_on'; allowed: answer_id, answered_on, score\nrules/2.yaml:8:16: input 'survey' has no field 'milestone'; allowed: answer_id, answered_on, score",
    "milestone: {input: survey, key: a, due: 2025-13-31}": "rules/2.yaml:8:45: due: '2025-13-31': input should be a valid date or datetime, month value is outside expected range of 1-12",
    "milestone: {input: survey, key: a, due: 2025-12-31, key_field: answer_id, done_field: score}": "rules/2.yaml:8:91: done_field: 'score' is not a date",
    "narrative: {input: survey, key: a, key_field: answer_id}": "rules/2.yaml:8:16: input 'survey' has no field 'author'; allowed: answer_id, answered_on, score\nrules/2.yaml:8:16: input 'survey' has no field 'dated'; allowed: answer_id, answered_on, score\nrules/2.yaml:8:16: input 'survey' has no field 'reference'; allowed: answer_id, answered_on, score\nrules/2.yaml:8:16: input 'survey' has no field 'text'; allowed: answer_id, answered_on, score",
    "rows: {input: survey, require: {both_or_neither: [score]}}": "rules/2.yaml:8:54: both_or_neither: a list: list should have at least 2 items after validation, not 1",
    "rows: {input: survey, require: {never_both: [score, nope]}}": "rules/2.yaml:8:57: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "rows: {input: survey, require: score > 1, missing: no}": "rules/2.yaml:8:56: missing: 'no' is not known; allowed: 'unknown', 'fail', 'pass'",
    "rows: {input: survey}": "rules/2.yaml:8:11: rows: a mapping: give exactly one of require, unique and references",
    "rows: {input: survey, require: score > 1, unique: score}": "rules/2.yaml:8:11: rows: a mapping: give exactly one of require, unique and references",
    "rows: {input: survey, unique: [score, nope]}": "rules/2.yaml:8:35: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "rows: {input: survey, references: {fields: nope, input: survey}}": "rules/2.yaml:8:48: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "rows: {input: survey, references: {fields: score, input: surveys}}": "rules/2.yaml:8:62: no input 'surveys'; allowed: survey; write its contract to inputs/surveys.yaml",
    "rows: {input: survey, references: {fields: score, input: survey, to: answer_id}}": "rules/2.yaml:8:39: references: 'score' is of type integer, and 'answer_id' of type string; allowed: fields of the same type",
    "rows: {input: survey, references: {fields: [score, answer_id], input: survey}}": "rules/2.yaml:8:39: references: 2 fields refer to 1; allowed: as many fields on both sides",
    "expectation: {input: survey, type: ExpectColumn, kwargs: {}}": "rules/2.yaml:8:40: type: 'ExpectColumn' has not the right form; allowed: a name such as expect_column_values_to_be_unique",
    "expectation: {input: survey, type: expect_column_values_to_be_unique, kwargs: {column: nope}}": "rules/2.yaml:8:92: input 'survey' has no field 'nope'; allowed: answer_id, answered_on, score",
    "crossfoot: {input: survey, total_row: T}": "rules/2.yaml:8:16: label is missing: the field that names a row; allowed: answer_id, answered_on, score",
    "crossfoot: {input: survey, label: answer_id, total_row: T, total_column: answered_on}": "rules/2.yaml:8:78: total_column: field 'answered_on' has type date and cannot be summed; allowed: integer, number",
    "crossfoot: {ties: [{total: {target_of: servic-satisfaction}, items: [{target_of: service-satisfaction}]}]}": "rules/2.yaml:8:32: ties: no rule 'servic-satisfaction'; allowed: ids of other rules; did you mean 'service-satisfaction'?",
    "crossfoot: {ties: [{total: {row: a}, items: [{target_of: service-satisfaction, period: 20}]}]}": "rules/2.yaml:8:32: a figure is a cell, a target or an observed value; allowed: {input, row, column}, {target_of, period} or {observed_of, period}\nrules/2.yaml:8:92: period: '20' is not a period; allowed: 2023, 2023-H1, 2023-Q2, 2023-03, 2023-W05 or 2023-03-31",
    "measure: {input: survey, mean: score}\n    title: twice": 'rules/2.yaml:9:5: not YAML: found duplicate key "title" with value "twice" (original value: "a"); mend the line or the one above it',
    "measure: !aggregate {input: survey}": "rules/2.yaml:8:14: tags (!) are not read; allowed: plain values; put a text with ! in quotes",
    "note: 5\n    measure: {input: survey, mean: score}": "rules/2.yaml:8:11: note: 5: input should be a valid string",
}


@pytest.fixture
def project(tmp_path):
    start_project(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("body", "text"), RULES.items())
def test_a_faulty_rule(project, body, text):
    (project / "rules" / "2.yaml").write_text(HEAD + body + "\n", encoding="utf-8")
    loaded = load_project(project)
    assert "\n".join(map(str, loaded.problems)) == text
    assert [rule.id for rule in loaded.rules] == ["service-satisfaction", "answers-are-dated"]
    assert loaded.unjudged == ("x",)
    assert {problem.rule for problem in loaded.problems} <= {"x", ""}


SOUND = [
    "measure: {input: survey, mean: score}\n    note: AT &T and *stars*",
    "measure:\n      input: survey\n      sum: |\n        score *score",
    'measure: {input: survey, ratio: {numerator: "sum(score) -- of all", denominator: count(score)}}',
    "measure: {input: survey, latest: score, period: answered_on}",
    "rows: {input: survey, require: {never_both: [score, answered_on]}}",
]


@pytest.mark.parametrize("body", SOUND)
def test_a_sound_rule(project, body):
    (project / "rules" / "2.yaml").write_text(HEAD + body + "\n", encoding="utf-8")
    loaded = load_project(project)
    assert loaded.problems == ()
    assert loaded.rules[-1].id == "x"


@pytest.mark.parametrize(
    "body",
    [
        "expectation: {input: survey, type: expect_column_values_to_not_be_null, kwargs: {column: score}}",
        "crossfoot: {input: survey, label: answer_id, total_row: T}",
        "rows: {input: survey, unique: score}",
        "rows: {input: survey, references: {fields: score, input: survey, to: score}}",
    ],
)
@pytest.mark.parametrize("words", ["censored: true", "stated: {met: Toteutui}"])
def test_what_would_read_words_as_missing_is_refused(project, body, words):
    contract = project / "inputs" / "survey.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("type: integer", f"type: integer, {words}"), encoding="utf-8")
    (project / "rules" / "2.yaml").write_text(HEAD + body + "\n", encoding="utf-8")
    said = "words may stand in place of the numbers of field 'score', and would be read as missing here; allowed: a field without censored and stated"
    loaded = load_project(project)
    assert loaded.problems
    assert all(said in str(problem) for problem in loaded.problems)
    assert "x" in loaded.unjudged


def test_fractions_stay_exact_and_expectations_get_floats(project):
    body = "expectation: {input: survey, type: expect_column_values_to_be_between, kwargs: {column: score, mostly: 0.95}}\n"
    body += "  - id: y\n    title: a\n    owner: agency\n    measure: {input: survey, mean: score}\n"
    body += "    target: {2025: 0.12345678901234567890123}\n    direction: higher\n"
    (project / "rules" / "2.yaml").write_text(HEAD + body, encoding="utf-8")
    loaded = load_project(project)
    assert loaded.problems == ()
    assert loaded.rules[-2].spec.kwargs == {"column": "score", "mostly": 0.95}
    assert "0.12345678901234567890123" in repr(loaded.rules[-1].spec.targets)


def test_anchors_with_any_name_are_refused(project):
    (project / "rules" / "2.yaml").write_text("a: &a-b 1\nb: *a-b\n", encoding="utf-8")
    assert [str(problem)[:17] for problem in load_project(project).problems] == ["rules/2.yaml:1:4:", "rules/2.yaml:2:4:"]


def test_rules_of_an_unreadable_file_are_unjudged_and_may_be_cited(project):
    body = "crossfoot: {ties: [{total: {target_of: lost}, items: [{target_of: service-satisfaction}]}]}\n"
    (project / "rules" / "2.yaml").write_text(HEAD + body, encoding="utf-8")
    (project / "rules" / "3.yaml").write_text("rules:\n  - id: lost\n    title: [\n", encoding="utf-8")
    loaded = load_project(project)
    assert [problem.place.file for problem in loaded.problems] == ["rules/3.yaml"]
    assert loaded.unjudged == ("lost",)
    assert loaded.rules[-1].id == "x"


def test_one_broken_agreement_leaves_the_others(project):
    path = project / "rules" / "agreements.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n  other: {title: a}\n", encoding="utf-8")
    (project / "rules" / "2.yaml").write_text(HEAD.replace("agreement-1", "other") + "rows: {}\n", encoding="utf-8")
    loaded = load_project(project)
    assert list(loaded.agreements) == ["agreement-1"]
    assert len(loaded.rules) == 2
    assert "x" in loaded.unjudged
    said = [str(problem) for problem in loaded.problems]
    assert "rules/2.yaml:1:12: agreement 'other' has problems in its own file; mend rules/agreements.yaml" in said


def test_unreadable_agreements_name_the_rules_not_judged(project):
    (project / "rules" / "agreements.yaml").write_text("agreements: [\n", encoding="utf-8")
    assert load_project(project).unjudged == ("service-satisfaction", "answers-are-dated")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[schedule]\nnightly = 'noon'\n", "config.toml:3:1: nightly: 'noon' is not a schedule"),
        ("[mail]\nsender = 'a@b'\nport = 99999\n", "config.toml:4:1: port: 99999: input should be less than"),
    ],
)
def test_a_setting_in_a_table_has_its_own_line(project, text, said):
    (project / "config.toml").write_text("name = 'a'\n" + text, encoding="utf-8")
    with pytest.raises(ProblemsError) as raised:
        load_project(project)
    assert str(raised.value).startswith(said)
