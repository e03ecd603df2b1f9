"""A plain run is read as the whole command line reads it; what it cannot judge alone it leaves to that."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tulosvahti.cli import commands
from tulosvahti.cli.running import order_of

PLAIN = (
    "run",
    "run --no-alerts",
    "run --as-of 2025-01-01 --rules a-*,b --project . --json out.json --no-cache",
    "run --no-fetch --no-expectations --rules x --rules y",
    "run --json -",
)
OTHER = (
    "", "lint", "--help", "run --help", "run --no-alert", "run --rules", "run --rules --no-cache", "run --rules=x", "run x", "run -- x", "run --json -x",
)  # fmt: skip


@pytest.mark.parametrize("words", PLAIN)
def test_a_plain_run_is_read_alike(monkeypatch, words):
    seen = []
    monkeypatch.setattr(commands, "run_project", lambda order: seen.append(order) or 0)
    assert CliRunner().invoke(commands.app, words.split()).exit_code == 0
    assert order_of(words.split()) == seen[0]


@pytest.mark.parametrize("words", OTHER)
def test_what_is_not_plain_is_left_to_the_whole(words):
    assert order_of(words.split()) is None
