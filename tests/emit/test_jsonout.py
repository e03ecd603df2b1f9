"""A run's JSON has the bytes that the standard library gives it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.verdict import Word
from tulosvahti.emit.jsonout import indented

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False) | st.sampled_from(Word),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
)


@given(DATA)
def test_it_is_written_as_the_standard_library_writes(data):
    assert indented(data) == json.dumps(data, ensure_ascii=False, indent=1)
