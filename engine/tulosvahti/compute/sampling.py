"""Some rows of an input: samples, from which the plan guesses how many different things there are, and rows by their numbers.

A wrong guess costs time, never exactness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.compute.parts_sql import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLED = 20_000
"""Rows of a sample."""
_STRETCHES = 10
"""Places of a file from which a sample is: the rest of it is not read."""


def some_rows(name: str, condition: str) -> str:
    """Give the rows of an input that meet a condition, as a table that is called as the input is."""
    table = quoted("input_" + name)
    return f"(SELECT * FROM {table} WHERE {condition}) AS {table}"


def some_numbered_rows(name: str, height: int) -> str:
    """Give each row of an input whose number is divisible by so much that few are left."""
    return some_rows(name, f"__row % {max(height // SAMPLED, 1)} = 0")


def some_rows_of_file(name: str, path: str, height: int) -> str:
    """Give stretches of rows of the file of an input; of a small one all."""
    if height <= SAMPLED:
        return quoted("input_" + name)
    length, step = SAMPLED // _STRETCHES, height // _STRETCHES
    places = " OR ".join(f"file_row_number BETWEEN {at * step} AND {at * step + length - 1}" for at in range(_STRETCHES))
    return f"(SELECT * FROM read_parquet({literal(path)}, file_row_number = true) WHERE {places}) AS {quoted('input_' + name)}"


def rows_at(name: str, path: str, first: int | None, numbers: Sequence[int]) -> str:
    """Give rows of an input by their numbers, as a table; ``first``: the number of the first, where they are numbered without a gap.

    A row's place in its file is known without reading it, so that nothing but what is asked for is read.
    """
    if first is None or not path:
        return f"{quoted('input_' + name)} WHERE __row IN ({', '.join(map(str, numbers))})"
    places = ", ".join(str(number - first) for number in numbers)
    return f"(SELECT * REPLACE (file_row_number + {first} AS __row) FROM read_parquet({literal(path)}, file_row_number = true)) WHERE file_row_number IN ({places})"
