"""Trying again: a bounded number of times, with growing pauses, and never beyond a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from tulosvahti.core.fetched import SourceError

if TYPE_CHECKING:
    from tulosvahti.core.fetched import Given

T = TypeVar("T")
ATTEMPTS = 6
_FIRST, _LONGEST = 1.0, 60.0


class AgainError(Exception):
    """An attempt failed in a way that may pass. ``after``: seconds that the server asks to wait."""

    def __init__(self, message: str, after: float | None = None) -> None:
        """Keep the sentence and the wish."""
        super().__init__(message)
        self.after = after


def patiently(given: Given, until: float, attempt: Callable[[], T], next_step: str) -> T:
    """Attempt until it succeeds; ``until`` is a moment of ``given.steady``.

    Raises:
        SourceError: it did not, or raised that itself.

    """
    begun = given.steady()
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except AgainError as error:
            pause = max(error.after or 0.0, min(_FIRST * 2 ** (number - 1), _LONGEST))
            now = given.steady()
            wish = f", and the server asks to wait {error.after:.0f} s" if error.after else ""
            if number == ATTEMPTS or now + pause >= until:
                times = "1 attempt" if number == 1 else f"{number} attempts"
                msg = f"{error} ({times} in {now - begun:.0f} s{wish})"
                raise SourceError(msg, next_step) from error
            given.sleep(pause)
    raise AssertionError  # the last attempt has raised
