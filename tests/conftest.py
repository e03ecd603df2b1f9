"""The ledger's two databases, for every test that asks for ``ledger_url``."""

from __future__ import annotations

import itertools

import pytest
from postgresql import ABSENT, new_schema, programs, server

_NAMES = (f"ledger{number}" for number in itertools.count())


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
