"""Decimals that are read eight characters at a time: those that a pattern takes, with their values, and no other."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.load.number_words import decimals_of

PLAIN = st.from_regex(r"-?[0-9]{1,12}(?:[,.][0-9]{1,7})?", fullmatch=True)
ANY = st.text("0123456789,.-+ e\u0663\u00e9", max_size=14)


@given(st.lists(st.none() | PLAIN | ANY, max_size=40), st.sampled_from(",."), st.integers(1, 6), st.sampled_from([18, 38]))
@settings(max_examples=200, deadline=None)
def test_words_are_the_numbers_that_stand_there(texts: list[str | None], mark: str, places: int, precision: int) -> None:
    dtype = pl.Decimal(precision, places)
    found = decimals_of(pl.Series("x", texts, dtype=pl.String), mark, dtype)
    assert found is not None
    assert found.dtype == dtype
    plain = re.compile(rf"-?[0-9]{{1,{precision - places}}}(?:{re.escape(mark)}[0-9]{{1,{places}}})?", re.ASCII)
    wanted = [text if text is not None and len(text) <= 12 and plain.fullmatch(text) else None for text in texts]
    assert found.to_list() == [None if text is None else Decimal(text.replace(mark, ".")) for text in wanted]


def test_many_texts_and_a_part_of_a_column() -> None:
    texts = [f"{'-' if at % 7 == 0 else ''}{at},{at % 100:02}" for at in range(40_000)]
    column = pl.Series("x", texts)
    wanted = [Decimal(text.replace(",", ".")) for text in texts]
    for part, right in ((column, wanted), (column.slice(20_001, 9), wanted[20_001:20_010]), (pl.concat([column, column], rechunk=False), wanted * 2)):
        found = decimals_of(part, ",", pl.Decimal(18, 2))
        assert found is not None
        assert found.to_list() == right


@pytest.mark.parametrize(("mark", "places"), [(",", 0), (",", 7), ("\u066b", 2), ("", 2)])
def test_other_forms_are_left(mark: str, places: int) -> None:
    assert decimals_of(pl.Series("x", ["1"]), mark, pl.Decimal(18, places)) is None
