"""Whether a key stands twice among millions: a number for each key, compared in parts that fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AT_ONCE = 2_000_000


class Seen:
    """The keys of a text so far. Two that differ may have one number; two that are alike always have."""

    def __init__(self, path: Path, names: tuple[str, ...], *, blank: bool = False) -> None:
        """Keep the numbers in the file ``path``; ``names`` are the fields of the key, which is none where one lacks, unless ``blank``."""
        self._path, self._names, self._blank = path, names, blank
        self._count = 0
        self._last: Any = None
        self._rising = len(names) == 1 and not blank
        """Each key is greater than the one before: so none stands twice."""
        path.write_bytes(b"")

    def see(self, frame: pl.DataFrame) -> None:
        """Take the keys of a block."""
        keys = frame.select(self._names)
        keys = keys if self._blank else keys.drop_nulls()
        if keys.height:
            self._count += keys.height
            self._rising = self._rising and self._rises(keys.to_series())
            with self._path.open("ab") as out:
                out.write(self._numbers(keys).to_numpy().data)

    def _rises(self, keys: pl.Series) -> bool:
        first, before, self._last = keys[0], self._last, keys[-1]
        return (before is None or first > before) and bool((keys.slice(1) > keys.slice(0, len(keys) - 1)).all())

    def _numbers(self, keys: pl.DataFrame) -> pl.Series:
        """Give each key a number: a whole number is its own."""
        if not self._blank and keys.dtypes == [pl.Int64]:
            return keys.to_series().fill_null(0).reinterpret(signed=False)
        return keys.hash_rows(seed=1)

    def repeats(self) -> int:
        """Count those whose number stands there already."""
        return 0 if self._rising else sum(len(part) - part.n_unique() for part in self._parts())

    def repeated(self) -> pl.Series:
        """Give the numbers that stand more than once."""
        return pl.concat([part.filter(part.is_duplicated()).unique() for part in self._parts()])

    def among(self, frame: pl.DataFrame, numbers: pl.Series) -> list[int]:
        """Give the positions of the rows whose key has one of some numbers."""
        keys = frame.select(self._names)
        whole = ~keys.select(pl.any_horizontal(pl.all().is_null())).to_series()
        return (self._numbers(keys).is_in(numbers.implode()) & whole).arg_true().to_list()

    def _parts(self) -> Iterator[pl.Series]:
        count = max(-(-self._count // _AT_ONCE), 1)
        if not self._count:
            return
        numbers = np.memmap(self._path, np.uint64, mode="r")
        for at in range(count):
            yield pl.Series(np.asarray(numbers if count == 1 else numbers[numbers % count == at]))

