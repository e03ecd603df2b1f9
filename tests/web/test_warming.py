"""The overview of a new run is there before anybody asks for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dashboard import START, browser

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.pages import overview
from tulosvahti.web.warming import Warming


def kept(house) -> set[tuple[object, ...]]:
    return set(overview._PARTS.get(house, ()))


def test_each_new_run_is_made_ready_once(house, root):
    warming = Warming(house)
    assert [warming.look(), warming.look()] == [True, False]
    wiring.run_once(load_project(root), START.date(), expectations=False, clock=lambda: START + timedelta(hours=1))
    assert [warming.look(), warming.look()] == [True, False]


@pytest.mark.parametrize("path", ["/fi/overview", "/sv/overview", "/en/overview", "/overview"])
def test_the_first_reader_gets_what_was_made_ready(house, path):
    Warming(house).look()
    before = kept(house)
    assert browser(house).get(path).status_code == 200
    assert kept(house) == before != set()


def test_the_thread_begins_at_once_and_ends_when_it_is_told_to(house):
    warming = Warming(house, every=3600)
    warming.start()
    warming.stop()
    assert not warming._thread.is_alive()


def test_a_run_that_cannot_be_shown_ends_nothing(house, caplog):
    with house.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE runs SET outcome_json = '{'")
    warming = Warming(house, every=3600)
    warming.start()
    while not caplog.records and warming._thread.is_alive():
        warming._thread.join(0.01)
    warming.stop()
    assert "was not made ready" in caplog.text
