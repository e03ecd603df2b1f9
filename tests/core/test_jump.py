"""Which values jump from the ones before them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.jump import jump_of, times

NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=2)


@pytest.mark.parametrize(
    ("before", "value", "declared", "jumps"),
    [
        ([], 500, None, False),
        ([50], 500, None, False),  # ten times is allowed
        ([50], 501, None, True),
        ([50], 4.9, None, True),
        ([1, 20, 30], 500, None, False),  # there was a jump of twenty times before
        ([1, 20, 30], 601, None, True),
        ([50], 0, None, True),
        ([0], 5, None, True),
        ([0], 0, None, False),
        ([50], -50, None, True),
        ([50, -50, 40], 0, None, False),  # it has gone over zero before
        ([50], 101, 2, True),
        ([50], 100, 2, False),
        ([1, 20, 30], 70, 2, True),  # what is declared holds, whatever was before
    ],
)
def test_what_jumps(before, value, declared, jumps):
    found = jump_of(Decimal(str(value)), [Decimal(one) for one in before], None if declared is None else Decimal(declared))
    assert (found is not None) is jumps
    assert found is None or found.before == before[-1]


@given(NUMBERS, NUMBERS)
def test_as_much_and_as_little_are_the_same(one, other):
    assert times(one, other) == times(other, one) >= 1
