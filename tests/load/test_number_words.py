"""Decimals that are read eight characters at a time: those that a pattern takes, with their values, and no other."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.load.number_words import days_of, decimals_of

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


NEARLY = st.from_regex(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}", fullmatch=True)
FORMS = st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y", "%Y.%m-%d"])


@given(st.lists(st.none() | st.dates() | NEARLY | ANY, max_size=40), FORMS, FORMS)
@settings(max_examples=200, deadline=None)
def test_words_are_the_days_that_stand_there(cells: list[date | str | None], form: str, other: str) -> None:
    texts = [shown(cell, other if at % 5 == 4 else form) if isinstance(cell, date) else cell for at, cell in enumerate(cells)]
    found = days_of(pl.Series("x", texts, dtype=pl.String), form)
    assert found is not None
    assert found.to_list() == [None if text is None else day_of(text, form) for text in texts]


def shown(day: date, form: str) -> str:
    return form.replace("%Y", f"{day.year:04}").replace("%m", f"{day.month:02}").replace("%d", f"{day.day:02}")


def day_of(text: str, form: str) -> date | None:
    try:
        day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return day if shown(day, form) == text else None


def test_the_days_of_every_month_and_none_more() -> None:
    texts = [f"{year:04}-{month:02}-{day:02}" for year in (0, 1, 1900, 2000, 2023, 2024, 9999) for month in range(14) for day in range(33)]
    found = days_of(pl.Series("x", texts), "%Y-%m-%d")
    assert found is not None
    assert found.to_list() == [day_of(text, "%Y-%m-%d") for text in texts]
    assert found.drop_nulls().len() == 6 * 365 + 2


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d.%m.%y", "%d %b %Y", "%Y%m%d"])
def test_days_of_other_forms_are_left(form: str) -> None:
    assert days_of(pl.Series("x", ["01.02.2023"]), form) is None
