"""Deliveries are read in a real child process, one for all tests of a worker: starting it takes longer than most tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tulosvahti.load.intake_apart import kept_open

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _one_child() -> Iterator[None]:
    with kept_open():
        yield
