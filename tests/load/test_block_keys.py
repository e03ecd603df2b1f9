"""Keys that stand twice are counted, whatever their type, their order and the blocks that they come in."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.load.block_keys import Seen

INTEGERS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("kind", [pl.Int64, pl.String, pl.Date])
@settings(max_examples=60, deadline=None)
@given(keys=st.lists(st.none() | st.integers(-3, 12) | INTEGERS, max_size=30), rise=st.booleans(), size=st.integers(1, 8), blank=st.booleans())
def test_repeats_are_counted(kind: type[pl.DataType], keys: list[int | None], rise: bool, size: int, blank: bool) -> None:
    if rise:
        keys = [*sorted({key for key in keys if key is not None}), *keys[:1]]
    values = pl.Series("key", keys, dtype=pl.Int64)
    values = values.cast(pl.String) if kind == pl.String else (values % 20_000).cast(pl.Int32).cast(pl.Date) if kind == pl.Date else values
    frame = values.to_frame()
    there = values if blank else values.drop_nulls()
    with tempfile.TemporaryDirectory() as name:
        seen = Seen(Path(name) / "keys", ("key",), blank=blank)
        for block in frame.iter_slices(size):
            seen.see(block)
        assert seen.repeats() == len(there) - there.n_unique()
        repeated = there.filter(there.is_duplicated()).drop_nulls()
        if not blank and seen.repeats():
            found = seen.among(frame, seen.repeated())
            assert set(found) == set(values.is_in(repeated.implode()).fill_null(value=False).arg_true())
