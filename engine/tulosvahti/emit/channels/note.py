"""What a channel says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A title of one line, and plain text."""

    title: str
    text: str
