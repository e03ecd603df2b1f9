"""A step of a plan, as people read it: what was run for which rules, and what it took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One query, or one look at what a file says of itself (then ``sql`` is empty and nothing was read)."""

    input: str
    queries: tuple[str, ...]
    """The rules' own queries, which name the rules."""
    how: str
    """What it does, in a few words."""
    sql: str = ""
    cells: int = 0
    """Rows that came out."""
    seconds: float = 0.0
    memory: int = 0
    """The most bytes that it held; 0: not known."""
