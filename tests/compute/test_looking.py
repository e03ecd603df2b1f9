"""Looking at rows: few are read once and parted here, many are parted by the database; both give the same."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tulosvahti.compute import engine as module
from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTRACT = Contract("data", Text(), "data.csv", (Field("name"), Field("number", FieldType.INTEGER)), Place("inputs/data.yaml"))
ROWS = pl.DataFrame({"__row": [2, 3, 4, 5], "__rejected": [False, True, False, False], "name": ["a", "å", None, "a"], "number": [1, 2, 1, None]})


@pytest.mark.parametrize("columns", [["__row", "number"], ["name", "__row", "__rejected"]])
@pytest.mark.parametrize("equal", [None, ("name", "a"), ("name", "å"), ("name", "A"), ("name", "a'"), ("number", "1")])
def test_few_rows_are_looked_at_as_many(monkeypatch: pytest.MonkeyPatch, columns: Sequence[str], equal: tuple[str, str] | None) -> None:
    found = []
    for few in (0, 100):
        monkeypatch.setattr(module, "_FEW", few)
        engine = DuckEngine({"data": ROWS}, {"data": CONTRACT}, date(2025, 1, 1))
        found.append([engine.look("data", columns, equal) for _ in range(2)])
        engine.close()
    assert found[0] == found[1]
    assert found[0][0] == found[0][1]
    assert all(list(row) == columns for row in found[1][0])
