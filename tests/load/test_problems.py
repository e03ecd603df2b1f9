"""Every problem of a file at once, each with its place, what is allowed and what to do; the sound rules are kept."""

from __future__ import annotations

import pytest

from tulosvahti.cli.starting import start_project
from tulosvahti.load.project import find_root, load_project
from tulosvahti.problem import ProblemsError

MISTAKES = """\
agreement: agreement-1
section: "2"
title: Mistakes
rules:
  - id: Upper Case
    title: a
    owner: agency
    measure: {input: survey, mean: score, period: answered_on}
  - id: no-owner
    title: a
    measure: {input: survey, mean: score, period: answered_on}
  - id: two-kinds
    title: a
    owner: agency
    measure: {input: survey, mean: score}
    rows: {input: survey, require: score > 1}
  - id: bad-input
    title: a
    owner: agency
    measure: {input: survy, mean: score}
  - id: bad-field
    title: a
    owner: agency
    measure: {input: survey, mean: scroe, period: answered_on}
  - id: bad-key
    title: a
    ownr: agency
    owner: agency
    measure: {input: survey, mean: score}
  - id: bad-target
    title: a
    owner: agency
    measure: {input: survey, mean: score, period: answered_on}
    target: {2025: "four", 2026-Q9: ">= 1"}
  - id: bad-severity
    title: a
    owner: agency
    severity: grave
    measure: {input: survey, mean: score}
  - id: not-aggregate
    title: a
    owner: agency
    measure: {input: survey, value: score}
  - id: reads-a-file
    title: a
    owner: agency
    measure: {input: survey, share: "score IN (SELECT 1)"}
  - id: service-satisfaction
    title: a
    owner: agency
    measure: {input: survey, mean: score}
  - id: sound
    title: a
    owner: agency
    measure: {input: survey, mean: score, period: answered_on}
    target: {2025: ">= 4"}
"""

SAID = """\
rules/2-bad.yaml:5:9: id: 'Upper Case' has not the right form; allowed: lower case, digits and hyphens
rules/2-bad.yaml:9:5: 'owner' is missing; add owner: …
rules/2-bad.yaml:16:11: a rule has exactly one kind; this has measure and rows; allowed: measure, crossfoot, milestone, narrative, rows, expectation
rules/2-bad.yaml:20:22: no input 'survy'; allowed: survey; write its contract to inputs/survy.yaml
rules/2-bad.yaml:24:36: mean: unknown field 'scroe'; allowed: answer_id, answered_on, score; did you mean 'score'?
rules/2-bad.yaml:27:5: unknown key 'ownr'; allowed: id, title, quote, owner, page, unit, severity, in_state_budget, direction, note, enabled, grain, grace, tolerance, warn, for, target, measure, milestone, narrative, crossfoot, rows, expectation; did you mean 'owner'?
rules/2-bad.yaml:34:20: target: 'four' is not a target (unexpected character 'f'); allowed: "> 4", ">= 90", "< 6", "<= 38", "= 100", "3..4", ">= previous", ">= previous * 1.02", "monitor"
rules/2-bad.yaml:34:37: target: '2026-Q9' is not a period; allowed: 2023, 2023-H1, 2023-Q2, 2023-03, 2023-W05 or 2023-03-31
rules/2-bad.yaml:38:15: severity: 'grave' is not known; allowed: 'critical', 'warning', 'info'
rules/2-bad.yaml:43:37: value: an aggregate is expected; this gives one value for each row; allowed: sum(…), count(…), avg(…), min(…), max(…); wrap the field in an aggregate
rules/2-bad.yaml:47:38: share: IN takes a list of values; allowed: IN ('A', 'B')
rules/2-bad.yaml:48:9: rule id 'service-satisfaction' is already used at rules/1-service.yaml:5:9; allowed: an id of its own
"""


@pytest.fixture
def project(tmp_path):
    start_project(tmp_path)
    return tmp_path


def said(project) -> list[str]:
    return [str(problem) for problem in load_project(project).problems]


def test_a_rule_file_with_twelve_mistakes(project):
    (project / "rules" / "2-bad.yaml").write_text(MISTAKES, encoding="utf-8")
    loaded = load_project(project)
    assert [str(problem) for problem in loaded.problems] == SAID.splitlines()
    assert [rule.id for rule in loaded.rules] == ["service-satisfaction", "answers-are-dated", "sound"]
    assert "bad-target" in loaded.unjudged


FILES = [
    ("rules/3.yaml", b"a: 1\na: 2\n", "rules/3.yaml:2:1: not YAML: found duplicate key"),
    ("rules/3.yaml", b"a: [1\nb", "rules/3.yaml:2:2: not YAML: expected ',' or ']'"),
    ("rules/3.yaml", b"a: &x 1\nb: *x\n", "rules/3.yaml:1:4: aliases (& and *) are not read; allowed: plain values"),
    ("rules/3.yaml", b"- 1\n", "rules/3.yaml:1:1: a mapping is expected, not a list"),
    ("rules/3.yaml", b"a: \xe4\n", "rules/3.yaml: not UTF-8 at byte 3; allowed: UTF-8; save the file as UTF-8"),
    ("rules/3.yaml", b"", "rules/3.yaml:1:1: the file is empty"),
    ("alerts/routes.yaml", b"default: x\nrecipients: {y: {name: a, mail: a@b}}\n", "alerts/routes.yaml:1:10: default: no recipient 'x'; allowed: y"),
    ("alerts/routes.yaml", b"default: y\nrecipients: {y: {name: a, mail: b}}\n", "alerts/routes.yaml:2:33: mail: 'b' is not an address"),
]


@pytest.mark.parametrize(("name", "content", "start"), FILES)
def test_file(project, name, content, start):
    (project / name).write_bytes(content)
    messages = said(project)
    assert any(message.startswith(start) for message in messages), messages
    assert len(load_project(project).rules) == 2


CONTRACT = [
    ("minimum: 1", "minimum: yksi", "inputs/survey.yaml:11:57: minimum: 'yksi': unexpected character 'y'; allowed: a number"),
    ("path: survey.csv", "missingValues: ['', '..', {value: .., means: suppressed}]\npath: survey.csv", "inputs/survey.yaml:2:27: missingValues: '..' is there twice"),
    ("path: survey.csv", "missingValues: [{value: '', means: suppressed}]\npath: survey.csv", "inputs/survey.yaml:2:17: missingValues: a blank cell does not say why it is blank; allowed: means: only with a symbol"),
    ("path: survey.csv", "missingValues: [{value: .., means: secret}]\npath: survey.csv", "inputs/survey.yaml:2:36: means: 'secret' is not known; allowed: 'suppressed'"),
    ("period: answered_on", "period: score", "inputs/survey.yaml:6:9: period: field 'score' has type integer and cannot date a row"),
    ("type: date", "type: dtae", "inputs/survey.yaml:10:31: type: 'dtae' is not known; allowed: 'string', 'integer'"),
    ("primaryKey: [answer_id]", "primaryKey: [id]", "inputs/survey.yaml:7:13: primaryKey: no field 'id'; allowed: answer_id, answered_on, score"),
    ("path: survey.csv", "encoding: utf-9\npath: survey.csv", "inputs/survey.yaml:2:11: encoding 'utf-9' is not known"),
    ("type: date", "censored: true, type: date", "inputs/survey.yaml:10:35: censored: field 'answered_on' has type date and no numbers"),
    ("{name: answer_id,", "{censored: true, name: answer_id,", "inputs/survey.yaml:9:16: censored: field 'answer_id' has type string"),
    ("type: integer", "type: integer, missingValues: ['', '..', '..']", "inputs/survey.yaml:11:60: missingValues: '..' is there twice"),
    ("type: integer", "stated: {met: Toteutui, missed: [toteutui]}, type: integer", "inputs/survey.yaml:11:51: stated: 'toteutui' is there twice"),
    ("type: date", "stated: {met: Toteutui}, type: date", "inputs/survey.yaml:10:33: stated: field 'answered_on' has type date and no numbers"),
    ("path: survey.csv", "pth: survey.csv", "inputs/survey.yaml:1:1: 'path' is missing; add path: …"),
]


@pytest.mark.parametrize(("old", "new", "start"), CONTRACT)
def test_contract(project, old, new, start):
    path = project / "inputs" / "survey.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    messages = said(project)
    assert any(message.startswith(start) for message in messages), messages
    assert any("input 'survey' has problems in its own file; mend inputs/survey.yaml" in message for message in messages)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("name = 1 2\n", "config.toml:1:10: not TOML"),
        ('name = "a"\nlanguages = ["de"]\n', "config.toml:2:1: "),
        ('name = "a"\ntime_zone = "Europe/Helsingfors"\n', "config.toml:2:1: time_zone: 'Europe/Helsingfors' is not a time zone"),
        ('name = "a"\ncolour = "red"\n', "config.toml:2:1: unknown key 'colour'"),
    ],
)
def test_config(project, text, start):
    (project / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProblemsError) as raised:
        load_project(project)
    assert str(raised.value).startswith(start), str(raised.value)


def test_no_project(tmp_path):
    with pytest.raises(ProblemsError, match="make one with tulosvahti init DIR"):
        find_root(tmp_path)
