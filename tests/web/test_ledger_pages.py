"""Pages over the ledger: the overview, one indicator, past runs."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dashboard import START, VISITS, browser, make_project

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.store import changes
from tulosvahti.web.house import House

LANGUAGES = ("fi", "sv", "en")


def judge(root, day: str, at: datetime = START + timedelta(hours=1)) -> None:
    wiring.run_once(load_project(root), datetime.fromisoformat(day).date(), expectations=False, clock=lambda: at)


@pytest.fixture
def looked(root, clock):
    """Give a browser over a project with two runs, between which a delivery grew."""
    (root / "inputs/visits.csv").write_text(VISITS + "".join(f"n{n};06.02.2025;5,00\n" for n in range(40)), encoding="utf-8")
    judge(root, "2025-11-20")
    with closing(House(root, clock, clock.steady)) as house:
        yield browser(house)


@pytest.mark.parametrize(("language", "word"), [("fi", "täyttyi"), ("sv", "uppnått"), ("en", "met")])
def test_the_matrix_has_a_word_and_a_link_for_each_verdict(looked, language, word):
    page = looked.get(f"/{language}/overview")
    assert re.search(rf'class="met" href="/{language}/indicators/visits\?period=2025">{word}', page.text)
    assert "&lt;b&gt;" in page.text
    assert "<b>Ku" not in page.text


def test_what_changed_since_the_run_before_is_told(looked):
    page = looked.get("/en/overview").text
    assert "resolved (was: " in page, page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("owner=agency", 5), ("owner=nobody", 0), ("verdict=missed", 0), ("standing=preliminary", 1), ("section=agreement-1/2&verdict=met", 2)],
)
def test_filters(looked, query, shown):
    page = looked.get(f"/en/overview?{query}")
    assert len(re.findall(r'<td data-label="[^"]*"><a class="', page.text)) == shown
    assert ("Nothing fits what you chose." in page.text) == (shown == 0)


def test_a_foreign_filter_is_refused(looked):
    answer = looked.get("/en/overview?verdict=great")
    assert answer.status_code == 400
    assert "great" in answer.text


def test_htmx_gets_the_found_part_alone(looked):
    part = looked.get("/en/overview?verdict=met", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert 'class="matrix' in part


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_indicator_shows_meaning_words_history_and_evidence(looked, language):
    page = looked.get(f"/{language}/indicators/visits")
    assert page.status_code == 200
    assert "Käyntien määrä" in page.text
    assert "&#34;visit_id&#34; IS NOT NULL" in page.text
    assert "SELECT" in page.text
    assert not re.findall(r"\b(?:web|means|ui|book)\.[a-z_]+", page.text)


def test_an_indicator_is_seen_as_a_past_run_judged_it(looked):
    now, then = (looked.get(f"/en/indicators/visits?period=2025{run}").text for run in ("", "&run=1"))
    assert re.search(r"<dt>Observed</dt><dd>43</dd>", now)
    assert re.search(r"<dt>Observed</dt><dd>3</dd>", then)


@pytest.mark.parametrize("path", ["nope", "visits?period=1999", "visits?subject=%7B", "visits?run=99", "visits?run=x", "visits?subject=%7B%22a%22%3A1%7D"])
def test_what_is_not_there_is_said_without_a_trace(looked, path):
    answer = looked.get(f"/en/indicators/{path}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_a_chart_is_a_picture_of_its_own(looked):
    answer = looked.get("/en/indicators/visit-costs/chart.svg?kind=periods")
    assert answer.status_code == 404  # one value is no chart
    within = looked.get("/en/indicators/visits/chart.svg?kind=within")
    assert within.status_code in {200, 404}


def test_comments_are_shown_with_author_and_time_as_text(root, clock):
    with closing(House(root, clock, clock.steady)) as house:
        with house.ledger.transaction() as connection:
            author = changes.Author("Maija <i>M</i>", "local", datetime(2025, 11, 2, 9, 30, tzinfo=UTC))
            changes.comment(connection, author, "visits", "Rekisteri siirtyi\n<script>alert(1)</script>", kind="explanation")
        page = browser(house).get("/fi/indicators/visits").text
    assert "Maija &lt;i&gt;" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "2.11.2025" in page
    assert "Selitys" in page


def test_whoever_may_only_read_cannot_comment(looked):
    page = looked.get("/en/indicators/visits").text
    assert 'method="post"' not in page
    assert looked.post("/en/indicators/visits/comments", data={"comment": "x"}).status_code in {401, 403}


def test_a_project_without_a_run_says_what_to_do(tmp_path, clock):
    with closing(House(make_project(tmp_path / "empty"), clock, clock.steady)) as house:
        visitor = browser(house)
        assert "tulosvahti run" in visitor.get("/en/overview").text
        assert visitor.get("/en/indicators/visits").status_code == 404


def test_very_long_titles_and_subjects_are_shown(root, clock):
    rules = root / "rules/2-visits.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("Number of visits", "V" * 3_000), encoding="utf-8")
    judge(root, "2025-11-21")
    with closing(House(root, clock, clock.steady)) as house:
        assert "V" * 3_000 in browser(house).get("/en/overview").text


def test_every_indicator_of_the_demonstration_project_opens(tmp_path, clock):
    """Every kind of rule, with every kind of evidence."""
    project = Path(__file__).parents[2]
    root = tmp_path / "kainuu"
    for name in ("rules", "inputs", "alerts"):
        shutil.copytree(project / name, root / name)
    shutil.copy(project / "config.toml", root / "config.toml")
    judge(root, "2023-11-30")
    with closing(House(root, clock, clock.steady)) as house:
        visitor = browser(house)
        for rule in house.project.rules:
            answer = visitor.get(f"/sv/indicators/{rule.id}")
            assert answer.status_code in {200, 404}, rule.id
            assert answer.status_code == 200 or rule.kind == "expectation", rule.id
        assert visitor.get("/fi/compare?rule=appropriation-2023&heading=jako_2022").status_code == 200
        assert visitor.get("/fi/compare?rule=stakeholder-satisfaction-by-group").status_code == 200
        assert visitor.get("/en/indicators/crm-leads/chart.svg?kind=within").status_code == 200


def test_runs_are_listed_with_their_reports(looked):
    page = looked.get("/en/runs").text
    assert 'href="/en/runs/2"' in page
    assert 'href="/en/runs/1/report.pdf"' in page
    older = looked.get("/en/runs?before=2").text
    assert 'href="/en/runs/2"' not in older


def test_a_past_run_is_shown_as_it_was_seen(looked):
    page = looked.get("/en/runs/1").text
    assert "This is a past run." in page
    assert "run=1" in page
    assert "First run: there is nothing to compare with." in page


def test_two_runs_compared_say_which_input_changed_which_verdict(looked):
    page = looked.get("/en/runs/compared?before=1&after=2").text
    assert "the input visits has other content" in page
    assert re.search(r"Verdicts that differ: 2", page)
    same = looked.get("/en/runs/compared?before=2&after=2").text
    assert "Verdicts that differ: 0" in same


@pytest.mark.parametrize("path", ["/runs/99", "/runs/x", "/runs/compared?before=1&after=99", "/runs/1/report.exe", "/runs/99/report.pdf"])
def test_runs_that_are_not_there(looked, path):
    answer = looked.get(f"/fi{path}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(("form", "begins"), [("html", b"<!DOCTYPE"), ("xlsx", b"PK"), ("docx", b"PK"), ("csv", b"run,"), ("json", b"{"), ("pdf", b"%PDF")])
def test_each_report_of_a_run_is_a_file(looked, form, begins):
    answer = looked.get(f"/sv/runs/1/report.{form}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert f'filename="tulosvahti-1.sv.{form}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_tell_first_and_last_seen_and_what_was_done(root, clock, language):
    with closing(House(root, clock, clock.steady)) as house:
        with house.ledger.transaction() as connection:
            author = changes.Author("Maija", "local", datetime(2025, 11, 2, 9, 30, tzinfo=UTC))
            changes.comment(connection, author, "visits", "<i>Talvi</i>", kind="explanation")
        visitor = browser(house)
        page = visitor.get(f"/{language}/findings").text
        assert "Maija: &lt;i&gt;Talvi" in page
        assert f'href="/{language}/runs/1"' in page
        explained, waived = (visitor.get(f"/{language}/findings?standing={kind}").text for kind in ("explained", "waived"))
        assert "Maija: " in explained
        assert "Maija: " not in waived


def test_resolved_findings_and_punctuality(looked):
    page = looked.get("/en/findings?which=resolved").text
    assert "Number of visits" in page
    assert re.search(r"100(\.0)?\xa0%", page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_years_side_by_side(looked, language):
    page = looked.get(f"/{language}/compare?section=agreement-1/2")
    assert page.status_code == 200
    assert '<th scope="col" class="num">2025</th>' in page.text


def test_what_cannot_be_compared_is_refused(looked):
    assert looked.get("/en/compare?rule=visits").status_code == 400
    assert looked.get("/en/findings?which=all").status_code == 400
