"""What measuring gives, or why it gives nothing; no database and no SQL is loaded for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.measure import Parts, Subject
    from tulosvahti.core.period import Period


class NotComputedError(Exception):
    """The database refused or failed; the text says why."""


class LostError(NotComputedError):
    """The database is not there, also when tried again: the run could not be completed."""


@dataclass(frozen=True)
class Measured:
    """The parts of each group, and the rule's own query that gives them."""

    groups: tuple[tuple[Subject, Period | None, Parts], ...]
    sql: str
    run: str = ""
    """The earlier run that measured it; empty: this one."""


@dataclass(frozen=True)
class RowsMeasured:
    """How many rows met a condition, failed it, or could not be told; the first failing rows by key."""

    met: int
    failed: int
    unknown: int
    examples: tuple[Mapping[str, str], ...]
    sql: str
    run: str = ""
    """The earlier run that measured it; empty: this one."""
