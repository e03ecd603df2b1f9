"""A body as it comes over the wire, unfolded where it is compressed, and never beyond a size."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tulosvahti.load.amounts import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP = 1 << 20
_RATIO, _SMALL = 250, 20 << 20
"""Nobody's table unfolds more often, once it is larger than this many bytes."""
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class Unfolded:
    """Counts what comes and what it unfolds to; pieces are at most 1 MB."""

    def __init__(self, encoding: str, most: int) -> None:
        """Take the name of HTTP's content coding, empty for none.

        Raises:
            ValueError: there is no such coding here.

        """
        self.size = 0
        self._came, self._most = 0, most
        self._plain = encoding in {"", "identity"}
        if not self._plain and encoding not in _WINDOWS:
            msg = f"it is compressed as {encoding!r}; allowed: none, gzip, deflate"
            raise ValueError(msg)
        self._engine = None if self._plain else zlib.decompressobj(_WINDOWS[encoding])

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Give what a chunk holds.

        Raises:
            ValueError: it is too large, unfolds too often, or is damaged.

        """
        self._came += len(chunk)
        if self._engine is None:
            yield self._counted(chunk)
            return
        try:
            while chunk:
                piece = self._engine.decompress(chunk, _STEP)
                chunk = self._engine.unconsumed_tail
                if piece:
                    yield self._counted(piece)
                elif not chunk:
                    break
        except zlib.error as error:
            msg = f"what it sends cannot be unfolded ({error})"
            raise ValueError(msg) from error

    def ended(self) -> None:
        """Say that nothing more comes.

        Raises:
            EOFError: more was to come.

        """
        if self._engine is not None and not self._engine.eof:
            raise EOFError

    def _counted(self, piece: bytes) -> bytes:
        self.size += len(piece)
        if self.size > self._most:
            msg = f"it is larger than {amount(self._most)}"
            raise ValueError(msg)
        if self._engine is not None and self.size > _SMALL and self.size > _RATIO * self._came:
            msg = f"it unfolds more than {_RATIO} times"
            raise ValueError(msg)
        return piece
