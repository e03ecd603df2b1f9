"""One fetch after another of a declared source: real files and servers; pauses are counted and not slept."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from web_server import web_server

from tulosvahti.core.contract import Contract
from tulosvahti.core.secrecy import SecretName
from tulosvahti.core.text import Text
from tulosvahti.problem import Place
from tulosvahti.run.fetching import World, fetch_one
from tulosvahti.store.fetched import read_kept, write_kept

NOW = datetime(2026, 3, 1, 5, tzinfo=UTC)


class Fetcher:
    """Fetches into a project folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets: dict[str, str] = {}
        self.pauses: list[float] = []
        self.passed = 0.0

    def secret(self, name: SecretName) -> str:
        from tulosvahti.wiring.secrets import read_secret  # noqa: PLC0415

        return read_secret(self.root, name, self.secrets)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed += seconds

    def steady(self) -> float:
        return time.monotonic() + self.passed

    def world(self, **changes) -> World:
        return World(self.root, self.secret, lambda: NOW, self.steady, self.sleep, time_zone="Europe/Helsinki", **changes)

    def __call__(self, source, name: str = "leads", **contract):
        declared = Contract(name, Text(), name, contract.pop("fields", ()), Place(f"inputs/{name}.yaml"), fetch=source, **contract)
        came = fetch_one(self.world(), declared, source)
        write_kept(self.root, name, came.kept)
        assert read_kept(self.root, name) == came.kept
        return came

    def content(self, came, at: int = 0) -> bytes:
        return (self.root / ".tulosvahti" / came.kept.files[at].place).read_bytes()


@pytest.fixture
def fetch(tmp_path):
    return Fetcher(tmp_path)


@pytest.fixture
def web(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with web_server() as server:
        yield server
