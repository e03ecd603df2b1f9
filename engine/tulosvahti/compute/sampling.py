"""Samples of inputs, from which the plan guesses how many different things there are; a wrong guess costs time, never exactness."""

from __future__ import annotations

from tulosvahti.compute.parts_sql import literal, quoted

SAMPLED = 20_000
"""Rows of a sample."""
_STRETCHES = 20
"""Places of a file from which a sample is: the rest of it is not read."""


def some_rows(name: str, condition: str) -> str:
    """Give the rows of an input that meet a condition, as a table that is called as the input is."""
    table = quoted("input_" + name)
    return f"(SELECT * FROM {table} WHERE {condition}) AS {table}"


def some_rows_of_file(name: str, path: str, height: int) -> str:
    """Give stretches of rows of the file of an input; of a small one all."""
    if height <= SAMPLED:
        return quoted("input_" + name)
    length, step = SAMPLED // _STRETCHES, height // _STRETCHES
    places = " OR ".join(f"file_row_number BETWEEN {at * step} AND {at * step + length - 1}" for at in range(_STRETCHES))
    return f"(SELECT * FROM read_parquet({literal(path)}, file_row_number = true) WHERE {places}) AS {quoted('input_' + name)}"
