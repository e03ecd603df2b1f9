"""A thousand nights against a model that was written apart; ``bench/alert_histories.py`` does ten thousand histories."""

from __future__ import annotations

import pytest
from alert_histories import live


@pytest.mark.parametrize("first", range(0, 120, 40))
def test_the_engine_and_the_model_send_the_same_mails(first: int) -> None:
    assert sum(live(seed) for seed in range(first, first + 40)) > 500
