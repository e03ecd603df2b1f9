"""Rule files read and tried out: problems, and which verdicts an edit would change; nothing is saved."""

from __future__ import annotations

import pytest
from dashboard import RULES, token_of


def tried(visitor, text: str, do: str = "judge", name: str = "2-visits.yaml"):
    token = token_of(visitor.get(f"/en/rules/{name}"))
    return visitor.post(f"/en/rules/{name}", data={"form_token": token, "text": text, "do": do})


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
