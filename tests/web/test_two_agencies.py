"""Two agencies with an agreement each in one project: told apart on every page and in every report, and compared."""

from __future__ import annotations

import io
import re
from contextlib import closing
from datetime import timedelta

import docx
import pytest
from dashboard import START, browser, make_two_agencies

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.house import House
from tulosvahti.wiring.reports import make_report

NAMES = {"fi": ("Virasto", "Toinen virasto"), "sv": ("Myndigheten", "Den andra myndigheten"), "en": ("The agency", "The other agency")}
VISITS = {"fi": "2 Käynnit", "sv": "2 Besök", "en": "2 Visits"}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    root = make_two_agencies(tmp_path_factory.mktemp("two") / "project")
    wiring.run_once(load_project(root), START.date() - timedelta(days=1), expectations=False, clock=lambda: START)
    return root


@pytest.fixture
def visitor(two, clock):
    with closing(House(two, clock, clock.steady)) as house:
        yield browser(house)


@pytest.mark.parametrize("language", NAMES)
def test_sections_of_the_same_number_are_told_apart(visitor, language):
    page = visitor.get(f"/{language}/overview").text
    for name in NAMES[language]:
        assert page.count(f'scope="rowgroup">{VISITS[language]} · {name}<') == 1
        assert f">{VISITS[language]} · {name}</option>" in page


def test_a_year_that_binds_one_agency_alone_has_no_standing_of_its_own(visitor):
    heads = re.findall(r'<th scope="col">(\d{4})( <span class="small">\w+</span>)?', visitor.get("/en/overview").text)
    assert heads == [("2024", ""), ("2025", "")]
    of_one = re.findall(r'<th scope="col">(\d{4}) <span class="small">(\w+)</span>', visitor.get("/en/overview?agency=agreement-1").text)
    assert of_one == [("2025", "binding")]


@pytest.mark.parametrize(("agency", "there", "gone"), [("agreement-1", "visits", "other-visits"), ("agreement-2", "other-visits", "visits")])
def test_the_filter_shows_one_agency(visitor, agency, there, gone):
    page = visitor.get(f"/en/overview?agency={agency}").text
    assert f"/en/indicators/{there}?" in page
    assert f"/en/indicators/{gone}?" not in page


def test_a_party_key_that_both_use_has_both_names(visitor):
    assert '<option value="agency">The agency / The other agency</option>' in visitor.get("/en/overview").text


@pytest.mark.parametrize("language", NAMES)
def test_agencies_are_compared_by_the_indicators_that_they_share(visitor, language):
    page = visitor.get(f"/{language}/compare?agencies=visits").text
    ranked = re.findall(r'<td class="num">(\d)</td><th scope="row"><a href="/\w\w/indicators/([\w-]+)">([^<]+)</a></th><td class="num">(\d+)</td>', page)
    first, second = NAMES[language]
    assert ranked == [("1", "other-visits", second, "40"), ("2", "visits", first, "3")]
    assert f"<option value=\"visits\" selected>{ {'fi': 'Käyntien määrä', 'sv': 'Antal besök', 'en': 'Number of visits'}[language] }" in page


def test_what_only_one_agency_has_is_not_compared(visitor):
    assert visitor.get("/en/compare?agencies=score").status_code == 400
    assert 'value="score"' not in visitor.get("/en/compare").text


def test_one_agency_has_nobody_to_be_compared_with(reading):
    page = reading.get("/en/compare").text
    assert "Agencies with the same indicator" not in page
    assert "The agency" not in reading.get("/en/overview").text.partition('<table class="matrix')[2]


@pytest.mark.parametrize("language", NAMES)
def test_reports_name_the_agency_of_each_section(two, language):
    project = load_project(two)
    html, word = (make_report(project, None, form, language) for form in ("html", "docx"))
    assert html
    assert word
    heads = [paragraph.text for paragraph in docx.Document(io.BytesIO(word[1])).paragraphs if paragraph.style.name == "Heading 1"]
    for name in NAMES[language]:
        assert f"<h2>{VISITS[language]} · {name}</h2>" in html[1].decode()
        assert f"{VISITS[language]} · {name}" in heads


def test_findings_count_each_agency_apart(visitor):
    assert "2 Visits · The agency" in visitor.get("/en/findings").text


@pytest.mark.parametrize("path", ["/alerts", "/deliveries", "/runs", "/indicators/other-visits", "/rules", "/values"])
def test_every_other_page_is_there(visitor, path):
    assert visitor.get(f"/fi{path}").status_code == 200
