"""Rule files read and tried out: problems, and which verdicts an edit would change; nothing is saved."""

from __future__ import annotations

import json

import pytest
from dashboard import CONTRACT, RULES, START, VISITS, token_of

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.fetched import Kept, Mark, MarkKind, Part
from tulosvahti.emit.jsonout import to_json
from tulosvahti.load.project import load_project
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.store.fetched import keep_parts, write_kept
from tulosvahti.store.inputs import InputStore
from tulosvahti.wiring.past_inputs import inputs_then


def tried(visitor, text: str, do: str = "judge", name: str = "2-visits.yaml", run: str = ""):
    token = token_of(visitor.get(f"/en/rules/{name}"))
    return visitor.post(f"/en/rules/{name}", data={"form_token": token, "text": text, "do": do, "run": run})


def more_visits(root) -> None:
    """Let a delivery come after run 1, with which a target of 30 is met."""
    (root / "inputs/visits.csv").write_text(VISITS + "".join(f"n{n};06.02.2025;5,00\n" for n in range(40)), encoding="utf-8")


def test_an_edit_is_tried_out_on_the_inputs_that_a_past_run_had(reading, root):
    more_visits(root)
    edit = RULES.replace(">= 30", ">= 3")
    assert "Verdicts that would change: 1" in tried(reading, edit).text  # met by 43 of 3, of 30: another target
    then = tried(reading, edit, run="1").text
    assert "Both were judged on the inputs that run 1 had, as of 2 Nov 2025" in then
    assert "missed" in then
    assert "cannot be had again" not in then
    assert 'value="1" selected' in then


def test_what_is_no_longer_stored_is_named_and_judged_as_it_is_now(reading, root, house):
    more_visits(root)
    digest = next(item["sha256"] for item in json.loads(house.reader.outcome_json("1"))["inputs"] if item["name"] == "visits")
    InputStore(root).path(digest).unlink()
    page = tried(reading, RULES.replace(">= 30", ">= 3"), run="1").text
    assert "judged as they are now: visits." in page


@pytest.mark.parametrize("run", ["2", "x", "-1"])
def test_a_run_that_is_not_there_is_said(reading, run):
    assert tried(reading, RULES, run=run).status_code == 404


def published(root):
    """Judge a project's visits; give the inputs as the run's JSON has them."""
    project = load_project(root)
    outcome = evaluate(project, Request("1", START.date(), "visits*", expectations=False), Before({}, {}, None), InputStore(root).keep)
    return json.loads(to_json(outcome, project.agreements))["inputs"]


def test_several_files_and_none_are_taken_again_as_they_were(root):
    several = CONTRACT.replace("path: visits.csv", "path: visits*.csv")
    (root / "inputs/visits.yaml").write_text(several, encoding="utf-8")
    (root / "inputs/visits2.csv").write_text("visit_id;visited_on;cost\nz;03.03.2025;7,00\n", encoding="utf-8")
    was = published(root)
    for path in (root / "inputs").glob("visits*.csv"):
        path.unlink()
    none = published(root)
    project = load_project(root)
    then = inputs_then(project, was, ["visits"], START.date())
    assert (then.taken["visits"].delivery.rows, then.taken["visits"].delivery.sha256) == (4, was[0]["sha256"])
    empty = inputs_then(project, none, ["visits"], START.date())
    assert (empty.taken["visits"].delivery.state, empty.taken["visits"].rows) == (DeliveryState.MISSING, None)
    assert empty.taken["visits"].delivery.explanation == none[0]["explanation"] != ""
    assert inputs_then(project, [], ["visits"], START.date()).gone == ["visits"]


def test_a_delivery_that_was_refused_is_not_judged_later_either(root):
    was = published(root)
    refused = [{**item, "state": "quarantined", "explanation": "delivery 4 was refused"} for item in was]
    then = inputs_then(load_project(root), refused, ["visits"], START.date())
    assert (then.taken["visits"].delivery.state, then.taken["visits"].rows) == (DeliveryState.QUARANTINED, None)
    assert then.taken["visits"].delivery.explanation == "delivery 4 was refused"


def test_a_file_is_shown_with_its_rules(reading):
    listed = reading.get("/en/rules").text
    assert 'href="/en/rules/2-visits.yaml"' in listed
    assert "visit-costs" in reading.get("/en/rules/2-visits.yaml").text


def test_an_edit_tells_which_verdicts_it_would_change_and_saves_nothing(reading, root):
    before = (root / "rules/2-visits.yaml").read_bytes()
    page = tried(reading, RULES.replace(">= 30", ">= 3")).text
    assert "Verdicts that would change: 1" in page
    assert "Verdicts that are the same: 1." in page
    assert "nothing is saved" in page
    assert "&gt;= 3" in page
    assert (root / "rules/2-visits.yaml").read_bytes() == before


def test_an_unedited_file_changes_nothing(reading):
    assert "Verdicts that would change: 0" in tried(reading, RULES).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULES.replace("count: visit_id", "count: no_such_field"), "no_such_field"),
        ("not: [a rule file", "not YAML"),
        ("", "the file is empty"),
        (RULES.replace("owner: agency", "owner: <script>alert(1)</script>"), "&lt;script&gt;"),
    ],
)
def test_problems_of_an_edit_are_told(reading, text, said):
    page = tried(reading, text, "lint").text
    assert said in page
    assert "<script>alert" not in page
    assert "Traceback" not in page


@pytest.mark.parametrize("name", ["nope.yaml", "..%2Fconfig.toml", "agreements.yml"])
def test_a_file_that_is_not_there(reading, name):
    assert reading.get(f"/en/rules/{name}").status_code == 404


def test_a_text_that_is_too_long_is_refused(reading):
    assert tried(reading, "#" * 500_000, "lint").status_code in {413, 422}


def test_what_was_fetched_then_is_taken_again_with_the_sources_marks(root):
    (root / "inputs/visits.yaml").write_text(CONTRACT.replace("path: visits.csv", 'fetch: {http: {url: "https://example.fi/visits.csv"}}'), encoding="utf-8")
    identity = load_project(root).contracts["visits"].fetch.identity

    def fetched(text: str, *marks: Mark) -> None:
        part = root / "part.csv"
        part.write_text(text, encoding="utf-8")
        files = keep_parts(root, [Part("visits.csv", part)])
        write_kept(root, "visits", Kept(identity, "2025-11-01", "2025-11-01", files, marks=marks))

    fetched(VISITS, Mark(MarkKind.NOT_ADDITIVE, "noise was added"))
    marked = published(root)
    fetched(VISITS)
    plain = published(root)
    fetched("visit_id;visited_on;cost\nz;03.03.2025;7,00\n")
    project = load_project(root)
    for was, marks in ((marked, ["noise was added"]), (plain, [])):
        delivery = inputs_then(project, was, ["visits"], START.date()).taken["visits"].delivery
        assert (delivery.rows, delivery.sha256, [mark.text for mark in delivery.marks]) == (3, was[0]["sha256"], marks)
