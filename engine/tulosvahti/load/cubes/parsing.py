"""JSON of statistical offices, whole and exact: numbers keep their digits, no name stands twice, nothing is a float."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CELLS = 20_000_000
"""Most figures that one table may have; a sparse one can promise more than any memory holds."""
AGAIN = "ask for the table again, whole; if it stays so, tell the office"


def parsed(content: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Read JSON.

    Raises:
        UnreadableError: it is none, is cut, or has a name twice or a number that is none.

    """
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except RecursionError:
        msg = "answer is no table: its JSON is nested too deeply"
        raise UnreadableError(msg, AGAIN) from None
    except ValueError as error:
        msg = f"answer is not whole JSON: {error}"
        raise UnreadableError(msg, AGAIN) from None


def _no_number(word: str) -> None:
    msg = f"{word} is no number"
    raise ValueError(msg)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    every = list(pairs)
    found = dict(every)
    if len(found) != len(every):
        names = [name for name, _ in every]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the name {twice!r} stands twice in one object"
        raise ValueError(msg)
    return found


def refused(message: str, next_step: str = AGAIN) -> UnreadableError:
    """Make the refusal of a table."""
    return UnreadableError(f"table is refused: {message}", next_step)
