"""Rival schedulers in real processes, killed and stopped: a small part of `python bench/rivals.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

RIVALS = Path(__file__).resolve().parents[2] / "bench" / "rivals.py"


def test_one_effect_per_slot_whoever_is_killed() -> None:
    done = subprocess.run([sys.executable, str(RIVALS), "25", "4"], capture_output=True, encoding="utf-8", check=False, timeout=300)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    figures = dict(re.findall(r"^\| (.+) \| (\d+)[^|]*\|$", done.stdout, re.MULTILINE))
    assert figures["slots done"] == "25"
    assert figures["kill -9, of which on a rival that ran a slot"] == "4"
    assert figures["slots with not exactly one mail"] == "0"
    assert int(figures["runs that woke to a lost lease and wrote nothing"]) >= 1
