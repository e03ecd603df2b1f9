"""The forecast on an indicator's page and in the report, from runs of the years before."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from dashboard import browser, make_project

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.house import House
from tulosvahti.wiring.reports import make_report

RULES = """\
agreement: agreement-1
section: "2"
title: {fi: Käynnit, sv: Besök, en: Visits}
rules:
  - id: visits
    title: {fi: Käyntien määrä, sv: Antal besök, en: Number of visits}
    quote: Käyntien määrä
    owner: agency
    measure: {input: visits, count: visit_id, period: visited_on, accumulates: true}
    target: {2025: ">= 30"}
  - id: visit-costs
    title: {fi: Kustannus, sv: Kostnad, en: Cost}
    quote: Kustannus
    owner: agency
    unit: eur
    measure: {input: visits, mean: cost, period: visited_on}
    target: {2025: "<= 2000"}
"""
SAID = {
    "fi": "Ennuste kaudelle 2025: 20 (20 – 20). Samaan päivään mennessä lopullisesta arvosta oli kertynyt 50\u00a0%",
    "sv": "Prognos för 2025: 20 (20 – 20). Till samma dag hade 50\u00a0% av slutvärdet kommit in",
    "en": "Forecast for 2025: 20 (20 – 20). By this day of the year 50\u00a0% of the final value had come",
}


def _visits(years):
    """Ten visits in the first half of each year and ten in the second."""
    days = [f"{day:02}.{month:02}.{year}" for year in years for month in (3, 9) for day in range(1, 11)]
    return "visit_id;visited_on;cost\n" + "".join(f"v{n};{day};5,00\n" for n, day in enumerate(days))


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    """Give a project that was judged at midsummer of four years."""
    root = make_project(tmp_path_factory.mktemp("years") / "project")
    (root / "rules/2-visits.yaml").write_text(RULES, encoding="utf-8")
    (root / "inputs/visits.csv").write_text(_visits(range(2022, 2026)), encoding="utf-8")
    for year in range(2022, 2026):
        at = datetime(year, 7, 1, 3, tzinfo=UTC)
        wiring.run_once(load_project(root), date(year, 6, 30), expectations=False, clock=lambda at=at: at)
    return root


@pytest.fixture
def visitor(years, clock):
    with closing(House(years, clock, clock.steady)) as house:
        yield browser(house)


@pytest.mark.parametrize("language", SAID)
def test_what_accumulates_has_a_forecast_in_words_and_in_the_chart(visitor, language):
    page = visitor.get(f"/{language}/indicators/visits").text
    assert SAID[language] in page
    # The band is the only shape of the charts that is filled half through.
    drawn = visitor.get(f"/{language}/indicators/visits/chart.svg").text
    assert 'opacity="0.22"' in drawn
    assert SAID[language] in drawn


def test_within_the_year_the_band_leads_to_its_end(visitor):
    assert 'opacity="0.22"' in visitor.get("/en/indicators/visits/chart.svg?kind=within").text


def test_a_past_run_is_shown_with_what_was_known_that_day(visitor):
    assert "Forecast for" not in visitor.get("/en/indicators/visits?run=1").text


def test_what_the_data_do_not_allow_has_no_forecast(visitor):
    page = visitor.get("/en/indicators/visit-costs").text
    assert "Forecast for" not in page
    assert 'opacity="0.22"' not in visitor.get("/en/indicators/visit-costs/chart.svg").text


@pytest.mark.parametrize("language", SAID)
def test_the_reports_chart_has_the_same_forecast(years, language):
    made = make_report(load_project(years), None, "html", language)
    assert made
    assert SAID[language] in made[1].decode()
    written = (years / f".tulosvahti/reports/latest.{language}.html").read_text(encoding="utf-8")
    assert SAID[language] in written
