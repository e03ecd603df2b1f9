"""A small project with a run, its house, and a browser without pictures."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from dashboard import LOCAL, START, Clock, browser, make_project, person_added

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.house import House


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    """Give a project in which one run was done; copied for each test."""
    made = make_project(tmp_path_factory.mktemp("judged") / "project")
    wiring.run_once(load_project(made), START.date() - timedelta(days=1), expectations=False, clock=lambda: START)
    return made


@pytest.fixture
def root(judged, tmp_path):
    """Give a project in which one run was done."""
    return Path(shutil.copytree(judged, tmp_path / "project"))


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
