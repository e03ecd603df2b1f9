"""A small project for the dashboard, a clock that a test sets, and browsers of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import httpx
from browsing import Browser

from tulosvahti.cli.starting import start_project
from tulosvahti.core.role import Person, Role
from tulosvahti.store import people
from tulosvahti.store.changes import Author
from tulosvahti.web import passwords
from tulosvahti.web.app import application
from tulosvahti.web.pages import PAGES

START = datetime(2025, 11, 3, 8, 0, tzinfo=UTC)
CONTRACT = """\
title: {fi: Käynnit, sv: Besök, en: Visits}
path: visits.csv
dialect: {delimiter: ";"}
period: visited_on
primaryKey: [visit_id]
deliverer: agency
max_rejects: 60 %
fields:
  - {name: visit_id, type: string, constraints: {required: true}}
  - {name: visited_on, type: date, format: "%d.%m.%Y"}
  - {name: cost, type: number, decimalChar: ",", groupChar: " ", constraints: {minimum: 0}}
"""
VISITS = """\
visit_id;visited_on;cost
a;03.02.2025;1 000,50
b;04.02.2025;2,25
c;05.02.2025;30,00
"""
RULES = """\
agreement: agreement-1
section: "2"
title: {fi: Käynnit, sv: Besök, en: Visits}
rules:
  - id: visits
    title: {fi: Käyntien määrä, sv: Antal besök, en: Number of visits}
    quote: Käyntien määrä
    owner: agency
    measure: {input: visits, count: visit_id, period: visited_on}
    target: {2025: ">= 30"}
  - id: visit-costs
    title: {fi: "<b>Kustannus</b> & muuta", sv: "<b>Kostnad</b>", en: "<b>Cost</b>"}
    quote: Kustannus
    owner: agency
    unit: eur
    measure: {input: visits, sum: cost, period: visited_on}
    target: {2025: "<= 2000"}
"""


FIGURES = """\
title: {fi: Luvut, sv: Tal, en: Figures}
entered: true
period: year
primaryKey: [year, unit]
deliverer: agency
fields:
  - {name: year, title: {fi: Vuosi, sv: År, en: Year}, type: year}
  - {name: unit, title: {fi: Yksikkö, sv: Enhet, en: Unit}, type: string, constraints: {enum: [a, b]}}
  - {name: score, title: {fi: Arvo, sv: Värde, en: Score}, type: number, decimalChar: ",", constraints: {required: true, minimum: 0, maximum: 100}}
  - {name: words, title: {fi: Kuvaus, sv: Beskrivning, en: In words}, type: string, constraints: {maxLength: 500}}
"""
FIGURE_RULES = """\
agreement: agreement-1
section: "3"
title: {fi: Luvut, sv: Tal, en: Figures}
rules:
  - id: score
    title: {fi: Pisteet, sv: Poäng, en: Score}
    quote: Pisteet
    owner: agency
    measure: {input: figures, mean: score, period: year}
    target: {2024: ">= 50"}
"""


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def steady(self) -> float:
        return self.at.timestamp()

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


def make_project(root, settings: str = ""):
    """Write a project with two rules of visits, and ``settings`` at the end of its config.toml."""
    start_project(root)
    files = {
        "inputs/visits.yaml": CONTRACT, "inputs/visits.csv": VISITS, "rules/2-visits.yaml": RULES, "inputs/figures.yaml": FIGURES,
        "rules/3-figures.yaml": FIGURE_RULES,
    }  # fmt: skip
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    with (root / "config.toml").open("a", encoding="utf-8") as config:
        config.write(f"\n{settings}")
    return root


def browser(house, *more, **options) -> Browser:
    """Give a new browser; ``more`` are pages besides those of the dashboard."""
    return Browser(application(house, (*PAGES, *more)), **options)


def token_of(page) -> str:
    """Give the form token that a page shows."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


PASSWORD = "a long enough sentence"  # noqa: S105 (of a test)
LOCAL = '[serve]\nsign_in = ["local"]\nhosts = ["tulosvahti.example"]\n'


def person_added(house, name: str, *roles: str, owners: tuple[str, ...] = ()) -> None:
    """Give a person an account whose password is :data:`PASSWORD`."""
    author = Author("test", "command", house.clock())
    with house.ledger.transaction() as connection:
        people.add(connection, author, Person(name, frozenset(map(Role, roles)), frozenset(owners), "local"), hash_of(PASSWORD))


@lru_cache
def hash_of(password: str) -> str:
    return passwords.hashed(password)


def signed_in(house, name: str, password: str = PASSWORD, *more, **options) -> Browser:
    """Give a browser in which a person has signed in."""
    visitor = browser(house, *more, **options)
    form = {"form_token": token_of(visitor.get("/en/sign-in")), "name": name, "password": password}
    answer = visitor.post("/en/sign-in", data=form)
    assert answer.status_code == 303, answer.text
    return visitor


def sent(visitor: Browser, page: str, path: str, **fields) -> httpx.Response:
    """Send a form with the token that a page shows."""
    return visitor.post(path, data={"form_token": token_of(visitor.get(page)), **fields})


SECOND_AGREEMENT = """\
  agreement-2:
    title: {fi: Toisen tulossopimus, sv: Den andras resultatavtal, en: The other's agreement}
    document: REPLACE/2
    agency: {fi: Toinen virasto, sv: Den andra myndigheten, en: The other agency}
    years: {2025: preliminary, 2026: preliminary}
    annual_report: {2025: 2026-02-28}
    parties:
      agency: {fi: Toinen virasto, sv: Den andra myndigheten, en: The other agency}
"""
SECOND_CONTRACT = CONTRACT.replace("path: visits.csv", "path: calls.csv").replace("Visits", "Visits of the other")
SECOND_VISITS = "visit_id;visited_on;cost\n" + "".join(f"{n};{1 + n % 28:02}.03.2025;{n},00\n" for n in range(40))
SECOND_RULES = RULES.replace("agreement-1", "agreement-2").replace("id: visit", "id: other-visit").replace("input: visits", "input: calls")


def make_two_agencies(root):
    """Write a project with the agreements of two agencies, which agreed on the same two indicators."""
    make_project(root)
    with (root / "rules/agreements.yaml").open("a", encoding="utf-8") as agreements:
        agreements.write(SECOND_AGREEMENT)
    files = {"inputs/calls.yaml": SECOND_CONTRACT, "inputs/calls.csv": SECOND_VISITS, "rules/4-other.yaml": SECOND_RULES}
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    return root
