"""A small project with a run, its house, and a browser without pictures."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from dashboard import LOCAL, START, Clock, browser, make_project, person_added

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


def _with_settings(root, clock, settings: str):
    with (root / "config.toml").open("a", encoding="utf-8") as config:
        config.write(settings)
    return closing(House(root, clock, clock.steady))


@pytest.fixture
def signed(root, clock):
    """Give a house in which everybody signs in by an account; there is one for each role, named after it."""
    with _with_settings(root, clock, LOCAL) as opened:
        for role in ("reader", "owner", "controller", "auditor", "administrator"):
            person_added(opened, role, role, owners=("agency",) if role == "owner" else ())
        yield opened
