"""A fault in the project's files or in the call: never performance, never a bug.

Lines and columns count from 1; 0 means that the fault has no place in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a file of the project; ``file`` is relative to the project folder."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """``file:line:column``, shortened where the position is not known."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: where it is, what is wrong, what is allowed, what to do next."""

    place: Place
    message: str
    allowed: str = ""
    next_step: str = ""
    rule: str = ""
    """Id of the rule that cannot be judged because of this; empty where no rule is concerned."""

    def __str__(self) -> str:
        """One line for a terminal or a log."""
        return self.line(str)

    def line(self, told: Callable[[str], str]) -> str:
        """Write it as one line; ``told`` says each sentence."""
        parts = [f"{self.place}: {told(self.message)}"]
        if self.allowed:
            parts.append(told(f"allowed: {self.allowed}"))
        if self.next_step:
            parts.append(told(self.next_step))
        return "; ".join(parts)


    def parts(self) -> dict[str, str | int]:
        """Give the fields by name, as they are stored and sent."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "allowed": self.allowed,
            "next_step": self.next_step,
            "rule": self.rule,
        }


def nearest(name: str, known: Iterable[str]) -> str:
    """Ask for the known name that is most like this one; empty where none is."""
    from difflib import get_close_matches  # noqa: PLC0415 (only for a message)

    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


class ProblemsError(Exception):
    """The project cannot be used at all; ``problems`` says why, all at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in file order."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
