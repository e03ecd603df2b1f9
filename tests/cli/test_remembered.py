"""Rules whose rows and definition did not change are not measured again: the verdicts are the same, and the evidence says so."""

from __future__ import annotations

import json
import shutil

import pytest

from tulosvahti.compute import duck_ahead
from tulosvahti.compute.engine import Engine
from tulosvahti.compute.expectations import ExpectationRun
from tulosvahti.load import intake_apart

ROWS_RULE = """\
  - id: visit-costs-known
    title: Kustannukset
    quote: Kustannukset
    owner: agency
    rows: {input: visits, require: "cost < 1000", key: [visit_id]}
  - id: visits-before-today
    title: Menneet käynnit
    quote: Menneet käynnit
    owner: agency
    measure: {input: visits, share: "visited_on < as_of"}
    target: {2025: ">= 90"}
"""
LOOKING_RULES = """\
  - {id: visit-done, title: Käynti, quote: Käynti, owner: agency, milestone: {input: visits, due: 2025-12-31, key: b, key_field: visit_id, done_field: visited_on}}
  - {id: visit-else, title: Käynti, quote: Käynti, owner: agency, milestone: {input: visits, due: 2025-12-31, key: x, key_field: visit_id, done_field: visited_on}}
  - {id: visit-sums, title: Summa, quote: Summa, owner: agency, crossfoot: {input: visits, label: visit_id, columns: [cost], total_row: c}}
"""


@pytest.fixture
def measured(monkeypatch) -> list[str]:
    """Give what engines are asked to measure."""
    asked = []
    for name in ("measure", "rows"):
        original = getattr(Engine, name)

        def counted(self, spec, original=original):
            asked.append(self.query_of(spec))
            return original(self, spec)

        monkeypatch.setattr(Engine, name, counted)
    return asked


@pytest.fixture
def looked(monkeypatch) -> list[object]:
    """Give what engines are asked to look at."""
    asked, original = [], Engine.look

    def counted(self, name, columns, equal=None):
        asked.append(equal)
        return original(self, name, columns, equal)

    monkeypatch.setattr(Engine, "look", counted)
    return asked


def told(found) -> tuple[str, list[str | None]]:
    """Give the verdicts as bytes, without how they differ from the last run, and the runs that measured them."""
    runs, verdicts = [], []
    for item in found["verdicts"]:
        if item["rule"].startswith("visit"):
            runs.append(item["evidence"].pop("measured_in_run", None))
            verdicts.append({name: value for name, value in item.items() if name not in {"change", "was"}})
    return json.dumps(verdicts, sort_keys=True), runs


def test_what_did_not_change_is_not_measured_again(project, measured):
    project.write("rules/2-visits.yaml", (project.root / "rules/2-visits.yaml").read_text() + ROWS_RULE)
    _, found = project.run("--rules", "visit*")
    first, runs = told(found)
    assert runs == [None] * 4
    assert len(measured) == 4
    measured.clear()
    _, found = project.run("--rules", "visit*")
    assert told(found) == (first, ["1"] * 4)
    assert not measured
    _, found = project.run("--rules", "visit*", "--no-cache")
    assert told(found) == (first, [None] * 4)
    assert len(measured) == 4


def test_rows_that_were_looked_at_are_remembered(project, looked):
    """Without any of it a run starts no database."""
    project.write("rules/2-visits.yaml", (project.root / "rules/2-visits.yaml").read_text() + LOOKING_RULES)
    _, found = project.run("--rules", "visit-*")
    first, _ = told(found)
    assert [item["verdict"] for item in found["verdicts"] if item["rule"] in {"visit-done", "visit-else", "visit-sums"}] == ["met", "missed", "missed"]
    assert len(looked) == 3
    for argument, times in [("--no-expectations", 0), ("--no-cache", 3)]:
        looked.clear()
        _, found = project.run("--rules", "visit-*", argument)
        assert told(found)[0] == first
        assert len(looked) == times
    project.write("inputs/visits.csv", (project.root / "inputs/visits.csv").read_text().replace("b;", "x;"))
    _, found = project.run("--rules", "visit-*")
    assert [item["verdict"] for item in found["verdicts"] if item["rule"] in {"visit-done", "visit-else"}] == ["missed", "met"]


def test_what_changed_is_measured_again(project, measured):
    project.write("rules/2-visits.yaml", (project.root / "rules/2-visits.yaml").read_text() + ROWS_RULE)
    project.run("--rules", "visit*")
    # The next evening: only what speaks of the day is another question, as no row lies after it.
    _, found = project.run("--rules", "visit*", as_of="2026-01-01")
    assert told(found)[1] == ["1", "1", "1", None]
    # A day before some rows were known.
    _, found = project.run("--rules", "visit*", as_of="2025-02-04")
    assert told(found)[1] == [None, None, "1", None]
    project.write("inputs/visits.csv", (project.root / "inputs/visits.csv").read_text() + "d;06.02.2025;1\n")
    _, found = project.run("--rules", "visit*")
    assert told(found)[1] == [None] * 4
    text = (project.root / "rules/2-visits.yaml").read_text()
    project.write("rules/2-visits.yaml", text.replace("sum: cost", 'sum: "cost + 1"').replace("cost < 1000", "cost < 999"))
    _, found = project.run("--rules", "visit*")
    assert [run is None for run in told(found)[1]] == [False, True, True, False]


EXPECTATIONS = """\
  - {id: visit-ids, title: Tunnukset, quote: Tunnukset, owner: agency, expectation: {input: visits, type: expect_column_values_to_be_unique, kwargs: {column: visit_id}}}
  - {id: visit-sizes, title: Koot, quote: Koot, owner: agency, expectation: {input: visits, type: expect_column_values_to_be_between, kwargs: {column: cost, max_value: 1000}}}
"""


def test_expectations_that_did_not_change_are_not_judged_again(project, monkeypatch):
    started, original = [], ExpectationRun._start

    def counted(self, jobfile):
        started.append(jobfile)
        original(self, jobfile)

    monkeypatch.setattr(ExpectationRun, "_start", counted)
    rules, inputs = project.root / "rules/2-visits.yaml", project.root / "inputs/visits.csv"
    project.write("rules/2-visits.yaml", rules.read_text() + EXPECTATIONS)

    def judged(*arguments, times, runs):
        started.clear()
        _, found = project.run("--rules", "visit-*", *arguments)
        verdicts, made = told(found)
        assert (len(started), made[-2:]) == (times, runs), arguments
        return verdicts

    first = judged(times=1, runs=[None] * 2)
    assert '"verdict": "missed"' in first
    assert judged(times=0, runs=["1"] * 2) == first
    assert judged("--no-cache", times=1, runs=[None] * 2) == first
    shutil.rmtree(project.root / ".tulosvahti/data-docs")
    assert judged(times=1, runs=[None] * 2) == first, "its documents are whole again"
    assert (project.root / ".tulosvahti/data-docs/index.html").is_file()
    rules.write_text(rules.read_text().replace("max_value: 1000", "max_value: 2000"))
    second = judged(times=1, runs=[None] * 2)
    assert second != first
    inputs.write_text(inputs.read_text() + "a;06.02.2025;1\n")
    judged(times=1, runs=[None] * 2)
    rules.write_text(rules.read_text().replace("max_value: 2000", "max_value: {$PARAMETER: now()}"))
    for _ in range(2):
        judged(times=1, runs=[None] * 2)


@pytest.mark.parametrize("damage", [lambda text: text[:50], lambda text: text.replace('"counts"', '"c"').replace("1", "2"), lambda _text: "[]"])
def test_a_damaged_memory_is_none(project, measured, damage):
    _, found = project.run("--rules", "visit*")
    first, _ = told(found)
    path = project.root / ".tulosvahti/store/measured/visits.json"
    path.write_text(damage(path.read_text()))
    measured.clear()
    _, found = project.run("--rules", "visit*")
    assert told(found) == (first, [None] * 2)
    assert len(measured) == 2


def test_the_process_that_measures_starts_while_a_delivery_is_read_and_none_is_left(project, monkeypatch):
    waiting, plain = [], intake_apart.read_apart

    def read_apart(orders):
        waiting.append(len(duck_ahead._AHEAD))
        return plain(orders)

    monkeypatch.setattr(intake_apart, "read_apart", read_apart)
    for _ in range(2):
        project.run("--no-expectations")
        assert waiting == [1]
        assert not duck_ahead._AHEAD
    project.run("--no-expectations", "--no-cache")
    assert not duck_ahead._AHEAD
