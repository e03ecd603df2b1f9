"""A small project with a run, its house, and a browser without pictures."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from dashboard import START, Clock, browser, make_project

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.house import House


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def root(tmp_path):
    """Give a project in which one run was done."""
    made = make_project(tmp_path / "project")
    wiring.run_once(load_project(made), START.date() - timedelta(days=1), expectations=False, clock=lambda: START)
    return made


@pytest.fixture
def house(root, clock):
    with closing(House(root, clock, clock.steady)) as opened:
        yield opened


@pytest.fixture
def reading(house):
    """Give a browser on this machine, where nobody signs in."""
    return browser(house)
