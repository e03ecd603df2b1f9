"""What an expression is once it is read: its text and what is known of it. Its tree is there where somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from sqlglot import exp

PARAMETERS = ("as_of", "period_start", "period_end")
"""Dates that an expression may name beside the input's fields."""


class Kind(StrEnum):
    """What a field or a part of an expression gives."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    NULL = "null"


Arithmetic: TypeAlias = "str | tuple[str | Arithmetic, ...]"
"""Of aggregates: the name of one, or a sign (``number``, ``-``, ``+``, ``*``, ``/``) and its operands."""


@dataclass(frozen=True)
class Expression:
    """An expression that was found to be allowed."""

    text: str
    columns: frozenset[str]
    kind: Kind
    aggregate: bool
    names_today: bool = False
    """Whether another day of knowledge may give another value."""
    arithmetic: Arithmetic | None = None
    """What the core calculates between aggregates; None where each row has a value."""
    written: str = ""
    """The SQL, where ``text`` is only what people call it."""

    @cached_property
    def tree(self) -> exp.Expression:
        """What its text says; never changed after parsing."""
        import sqlglot  # noqa: PLC0415 (a run whose measurements are remembered needs no tree)

        return cast("exp.Expression", sqlglot.parse_one(self.written or self.text, read="duckdb"))

    def __repr__(self) -> str:
        """Show the text only."""
        return f"Expression({self.text!r})"
