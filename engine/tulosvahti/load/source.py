"""Files with positions: YAML and TOML as plain data, and where each part stands. Lines and columns count from 1.

No aliases, no tags, no duplicate keys, no file over 2 MB; YAML 1.2, so that ``no`` is a text. A date that is in no
calendar stays a text, so that it is a problem of its own rule and not of the file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tulosvahti.load.quick_yaml import Path_, read_quickly
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2_000_000
_REFERENCE = re.compile(r"(?:^|[\s\[{,:?-])(?:[&*]\S|!)", re.MULTILINE)
"""Where an anchor, an alias or a tag may begin; the stars of ``count(*)`` and ``"*"`` are none."""


@dataclass
class Source:
    """One file: its data, the place of each part, and the problems of reading it."""

    file: str
    data: Any = None
    places: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lines: list[str] = field(default_factory=list, repr=False)

    def place(self, path: Path_, offset: int = 0) -> Place:
        """Give the place of a part, or of the nearest part above it; ``offset`` is a column in a one-line text."""
        while path and path not in self.places:
            path, offset = path[:-1], 0
        line, column = self.places.get(path, (1, 1))
        return Place(self.file, line, self._inside(line, column, offset) if offset else column)

    def _inside(self, line: int, column: int, offset: int) -> int:
        """Give the column of a part of a text; that of the text itself where it does not stand in one line."""
        written = self.lines[line - 1][column - 1 :] if line <= len(self.lines) else ""
        quoted = written[:1] in {'"', "'"}
        inner = offset + quoted - 1
        return column if written[:1] in {"|", ">"} or inner >= len(written) else column + inner


def read_yaml(path: Path, name: str) -> Source:
    """Read a YAML file; what cannot be read is a problem and gives no data."""
    source = Source(name)
    text = _text(path, source)
    if text is None:
        return source
    source.lines = text.split("\n")
    refers = _REFERENCE.search(text) is not None
    found = None if refers else read_quickly(text)
    if found is not None:
        source.data, source.places = found
        return source
    from tulosvahti.load.careful_yaml import read_with_care  # noqa: PLC0415 (most files need it not)

    read_with_care(text, source, refers=refers)
    return source


def _text(path: Path, source: Source) -> str | None:
    try:
        if path.stat().st_size > LARGEST:
            source.problems.append(Problem(Place(source.file), f"the file is larger than {LARGEST} bytes"))
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        source.problems.append(Problem(Place(source.file), f"not UTF-8 at byte {error.start}", "UTF-8", "save the file as UTF-8"))
    except OSError as error:
        source.problems.append(Problem(Place(source.file), f"cannot be read: {error.strerror}"))
    return None


def read_toml(path: Path, name: str) -> Source:
    """Read a TOML file."""
    source = Source(name)
    text = _text(path, source)
    if text is None:
        return source
    try:
        source.data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = Place(name, int(found[1]), int(found[2])) if found else Place(name, 1, 1)
        source.problems.append(Problem(place, f"not TOML: {re.sub(r' ?[(]at .*[)]', '', str(error))}"))
        return source
    table: Path_ = ()
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*\[([\w.\- \"']+)\]|\s*([\w.-]+)\s*=", line)
        if found is None:
            continue
        named = tuple(part.strip(" \"'") for part in (found[1] or found[2]).split("."))
        whole = named if found[1] else (*table, *named)
        table = named if found[1] else table
        for length in range(1, len(whole) + 1):
            source.places.setdefault(whole[:length], (number, 1 if found[1] else found.start(2) + 1))
    return source
