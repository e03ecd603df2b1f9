"""The ledger's two databases, for every test that asks for ``ledger`` or ``ledger_url``; no example has a deadline.

Deliveries are read in a real child process, one for all tests of a worker: starting it takes longer than most tests.
"""

from __future__ import annotations

import itertools
import os
from contextlib import closing

import pytest
from hypothesis import settings
from postgresql import ABSENT, new_schema, programs, server

from tulosvahti.load.intake_apart import kept_open

# A busy machine takes longer over an example than a quiet one: that is no fault.
# What lands is held against the same examples each time; whoever works on the code meets new ones.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")

_NAMES = (f"ledger{number}" for number in itertools.count())


@pytest.fixture(autouse=True, scope="session")
def _one_child():
    with kept_open():
        yield


@pytest.fixture(scope="session")
def postgresql():
    if programs() is None:
        pytest.skip(ABSENT)
    with server() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql):
    return new_schema(postgresql, next(_NAMES))


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request):
    """Give the URL of a new ledger, on each database in turn."""
    if request.param == "sqlite":
        return "sqlite:///.tulosvahti/ledger.db"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def ledger(tmp_path, ledger_url):
    """Give a new ledger, on each database in turn."""
    from tulosvahti.store.ledger import Ledger  # noqa: PLC0415 (most tests need none)

    with closing(Ledger(ledger_url, tmp_path)) as opened:
        yield opened
