"""Whether a key stands twice among millions: a number for each key, compared in parts that fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AT_ONCE = 2_000_000


class Seen:
    """The keys of a text so far. Two that differ may have one number; two that are alike always have."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        """Keep the numbers in the file ``path``; ``names`` are the fields of the key."""
        self._path, self._names = path, names
        self._count = 0
        path.write_bytes(b"")

    def see(self, frame: pl.DataFrame, *, blank: bool = False) -> None:
        """Take the keys of a block; one that lacks a part is none, unless ``blank``."""
        keys = frame.select(self._names)
        keys = keys if blank else keys.drop_nulls()
        if keys.height:
            self._count += keys.height
            with self._path.open("ab") as out:
                out.write(_numbers(keys).to_numpy().tobytes())

    def repeats(self) -> int:
        """Count those whose number stands there already."""
        return sum(len(part) - part.n_unique() for part in self._parts())

    def repeated(self) -> pl.Series:
        """Give the numbers that stand more than once."""
        return pl.concat([part.filter(part.is_duplicated()).unique() for part in self._parts()])

    def among(self, frame: pl.DataFrame, numbers: pl.Series) -> list[int]:
        """Give the positions of the rows whose key has one of some numbers."""
        keys = frame.select(self._names)
        whole = ~keys.select(pl.any_horizontal(pl.all().is_null())).to_series()
        return (_numbers(keys).is_in(numbers.implode()) & whole).arg_true().to_list()

    def _parts(self) -> Iterator[pl.Series]:
        count = max(-(-self._count // _AT_ONCE), 1)
        if not self._count:
            return
        numbers = np.memmap(self._path, np.uint64, mode="r")
        for at in range(count):
            yield pl.Series(np.asarray(numbers if count == 1 else numbers[numbers % count == at]))


def _numbers(keys: pl.DataFrame) -> pl.Series:
    return keys.hash_rows(seed=1)
