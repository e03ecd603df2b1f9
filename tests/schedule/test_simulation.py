"""A few seeds of the simulation; ``bench/simulation.py`` lives hundreds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulated import BrokenError, live

from tulosvahti.store import outbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_history_keeps_every_promise(seed: int, tmp_path: Path) -> None:
    lived = live(seed, tmp_path)
    assert lived.count["runs done"] > 5
    assert lived.count["mails"] > 0
    assert lived.count["kills"] + lived.count["faults of disk and database"] > 0


def test_the_same_seed_gives_the_same_history_whatever_the_hash_seed(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "simulation.py"), "--seed", "3"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=120)  # noqa: S603
    assert other.stdout.splitlines()[-1] == f"seed 3: {live(3, tmp_path).digest}"


def test_a_lease_of_mails_that_nobody_heeds_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LEASE", -outbox.LEASE)
    with pytest.raises(BrokenError, match="copies"):
        any(live(seed, tmp_path) is None for seed in range(1, 20))
