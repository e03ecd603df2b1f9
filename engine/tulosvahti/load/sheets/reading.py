"""What reading a file gives, what it may cost, and how a file is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.load.amounts import MEGABYTE, amount, humane

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tulosvahti.core.page import TextPage
    from tulosvahti.core.sheet import Notice, Sheet
    from tulosvahti.problem import Problem

    Progress = Callable[[str, int, int], None]
    """Called with what was just read and how many of how many; 0 where the number of parts is not known."""

__all__ = ["MEGABYTE", "BrokenSheetError", "Limits", "Progress", "Reading", "RefusedError", "amount", "humane", "printable"]


@dataclass(frozen=True)
class Limits:
    """What one file may cost; a file beyond one of them is refused with a problem that names the limit.

    ``size``: bytes of the file; ``unpacked``: bytes of all the parts of an archive that are read, or of the text that
    a file unfolds to; ``cells``: places in the grids of all its sheets, blank ones inside a row too; ``pages``: of a
    PDF; ``seconds``: from start to end; ``memory``: bytes of the child process (where the system can limit it).
    """

    size: int = 200 * MEGABYTE
    unpacked: int = 2048 * MEGABYTE
    cells: int = 5_000_000
    pages: int = 3000
    seconds: float = 120.0
    memory: int = 2048 * MEGABYTE


@dataclass(frozen=True)
class Reading:
    """What one file gave.

    ``pages``: plain text and the pages of a PDF, still to be cut into cells; ``problems``: a file that cannot be read
    gives these and nothing else, a file with one broken sheet gives the other sheets too; ``notices``: what concerns
    the whole file and so stands in none of its sheets.
    """

    path: str
    sheets: tuple[Sheet, ...] = ()
    pages: tuple[TextPage, ...] = ()
    problems: tuple[Problem, ...] = ()
    notices: tuple[Notice, ...] = ()


class RefusedError(Exception):
    """The file cannot be read, or not to its end; what was read of it before is kept."""

    def __init__(self, message: str, allowed: str = "", next_step: str = "") -> None:
        """Keep the sentences of the problem."""
        super().__init__(message)
        self.allowed = allowed
        self.next_step = next_step


class BrokenSheetError(Exception):
    """One sheet cannot be read; the others can."""


def printable(path: Path) -> str:
    """Write a path so that it can be printed, whatever bytes its name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
