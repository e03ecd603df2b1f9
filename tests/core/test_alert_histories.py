"""Nine thousand nights against a model that was written apart; ``bench/alert_histories.py`` does ten thousand histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alert_histories import LedgerPost, live

from tulosvahti.store.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_the_engine_and_the_model_send_the_same_mails(first: int) -> None:
    assert sum(live(seed) for seed in range(first, first + 100)) > 1500


def test_the_ledger_remembers_what_the_histories_need(tmp_path: Path) -> None:
    for seed in range(3):
        ledger = Ledger(f"sqlite:///{seed}.db", tmp_path)
        assert live(seed, 20, LedgerPost(ledger)) > 5
        ledger.close()
