"""Sheets of any file: workbooks, text, web pages, JSON and PDF, as they stand, before anything is known of numbers.

Which format a file is, is seen from what is in it. A file that cannot be read is a problem; the others are still
read. A format is one module here and one line in ``formats``. Everything but plain text is read in a child process
with a bound on time and memory.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from tulosvahti.core.page import TextPage
from tulosvahti.core.sheet import Notice
from tulosvahti.load.amounts import amount
from tulosvahti.load.sheets.apart import read_apart, read_here
from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.formats import ALLOWED, START, ending, known_head, misnamed, recognised
from tulosvahti.load.sheets.reading import Limits, Reading, RefusedError, printable
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.sheets.formats import Format
    from tulosvahti.load.sheets.reading import Progress

__all__ = ["ALLOWED", "Limits", "Reading", "TextPage", "read_sheets"]

_DEFAULT = Limits()


def read_sheets(
    path: Path, *, limits: Limits = _DEFAULT, progress: Progress | None = None, apart: bool = True
) -> Reading:
    """Read all the tables of a file.

    ``apart``: in a child process; only one that is such a child itself says no.
    ``progress`` is called after each sheet or page with its name, its number and how many there are (0: not known).
    Never raises for what is in the file or for its not being there: that is in ``problems``.
    """
    try:
        start = _start(path, limits)
        head = known_head(start)
        found = recognised(head) if head.text is not None else None
        if found is not None and not found.apart:
            return _plain(path, found, limits)
    except RefusedError as error:
        return Reading(printable(path), problems=(_problem(path, str(error), error.allowed, error.next_step),))
    except OSError as error:
        said, step = f"file cannot be opened: {error.strerror}", "mend the rights of the file, or name another"
        return Reading(printable(path), problems=(_problem(path, said, "", step),))
    got = read_apart(path, limits, progress) if apart else read_here(path, limits)
    problems = [_problem(path, *parts) for parts in got.problems]
    if not (got.sheets or got.pages or problems):
        problems.append(_problem(path, "file has no tables", "", "name a file with a table in it"))
    return Reading(printable(path), tuple(got.sheets), tuple(got.pages), tuple(problems), tuple(got.notices))


def _start(path: Path, limits: Limits) -> bytes:
    """Give the first bytes of a file that may be read.

    Raises:
        RefusedError: with what is wrong.
        OSError: it cannot be opened.

    """
    try:
        found = path.stat()
    except (FileNotFoundError, ValueError) as error:
        msg = "file does not exist"
        raise RefusedError(msg, next_step="mend the path") from error
    if stat.S_ISDIR(found.st_mode):
        msg = "this is a folder, not a file"
        raise RefusedError(msg, ALLOWED, "name the files in it")
    if not stat.S_ISREG(found.st_mode):
        msg = "this is a device or a pipe, not a file"
        raise RefusedError(msg, ALLOWED, "save what it gives to a file first")
    if not found.st_size:
        msg = "file is empty (0 bytes)"
        raise RefusedError(msg, next_step="deliver the file again")
    if found.st_size > limits.size:
        msg = f"file is too large ({amount(found.st_size)})"
        raise RefusedError(msg, f"at most {amount(limits.size)}", "split the file, or delete what is unused in it")
    with path.open("rb") as file:
        return file.read(START)


def _plain(path: Path, found: Format, limits: Limits) -> Reading:
    content = path.read_bytes()
    read = decoded(content)
    if read is None:
        msg = "file has bytes that are of no text"
        raise RefusedError(msg, ALLOWED, "save the table as XLSX or CSV")
    notices = []
    if misnamed(path, found):
        notices.append(Notice("opened_by_content", (), (ending(path), found.name)))
    if read.odd:
        notices.append(Notice("encoding", (), (read.encoding,)))
    if read.lost:
        notices.append(Notice("characters_lost", (), (read.encoding, str(read.lost))))
    got: Reading = import_module(f"{__name__}.{found.module}").read(path, read.text, limits)
    return replace(got, notices=tuple(notices))


def _problem(path: Path, message: str, allowed: str = "", next_step: str = "") -> Problem:
    return Problem(Place(printable(path)), message, allowed, next_step)
