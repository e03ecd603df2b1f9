"""What every command says alike, with nothing loaded for it."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.load.opened import Project
    from tulosvahti.problem import Problem

ATTENTION, PROBLEM, INCOMPLETE = 1, 2, 3


class BadCallError(ValueError):
    """What is wrong with the call."""


def say(text: str) -> None:
    """Write a line on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def say_problems(problems: Iterable[Problem]) -> None:
    """Write each problem."""
    for problem in problems:
        say(str(problem))


def chosen_day(text: str | None, opened: Project) -> date:
    """Read ``--as-of``, or give the day that a run judges without it.

    Raises:
        BadCallError: it is no date.

    """
    from tulosvahti import wiring  # noqa: PLC0415 (loads the ledger)

    if text is None:
        day = wiring.default_as_of(opened, wiring.now())
        if opened.config.as_of is not None:
            say(f"as_of {day.isoformat()} comes from config.toml; --as-of DATE judges another day")
        return day
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadCallError(f"--as-of: {text!r} is not a date; allowed: YYYY-MM-DD, e.g. 2023-12-31") from None
