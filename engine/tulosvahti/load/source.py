"""Files with positions: YAML and TOML as plain data, and where each part stands. Lines and columns count from 1.

No aliases, no duplicate keys, no file over 2 MB; YAML 1.2, so that ``no`` is a text.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2_000_000
Path_ = tuple[str | int, ...]


@dataclass
class Source:
    """One file: its data, the place of each part, and the problems of reading it."""

    file: str
    data: Any = None
    places: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path_, offset: int = 0) -> Place:
        """Give the place of a part, or of the nearest part above it; ``offset`` is a column in a one-line text."""
        while path and path not in self.places:
            path, offset = path[:-1], 0
        line, column = self.places.get(path, (1, 1))
        return Place(self.file, line, column + max(offset - 1, 0))


def read_yaml(path: Path, name: str) -> Source:
    """Read a YAML file; what cannot be read is a problem and gives no data."""
    source = Source(name)
    text = _text(path, source)
    if text is None:
        return source
    if re.search(r"(^|[\s:\[{,-])[&*][A-Za-z_]\w*(\s|$|[,\]}])", _without_quotes(text), re.MULTILINE):
        source.problems.append(
            Problem(Place(name, 1, 1), "aliases (& and *) are not read", "plain values", "write the value out where it is used")
        )
        return source
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        data = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        what = str(error.problem or error.context or "not readable").split("\n")[0]
        source.problems.append(Problem(place, f"not YAML: {what}", "", "mend the line or the one above it"))
        return source
    except (YAMLError, ValueError, RecursionError) as error:
        source.problems.append(Problem(Place(name, 1, 1), f"not YAML: {str(error).splitlines()[0]}"))
        return source
    source.data = _plain(data, (), source.places)
    return source


def _without_quotes(text: str) -> str:
    return re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|#.*", "", text)


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


def _plain(node: Any, path: Path_, places: dict[Path_, tuple[int, int]]) -> Any:  # noqa: ANN401 (YAML is anything)
    if isinstance(node, CommentedMap):
        result = {}
        for key, value in node.items():
            below = (*path, key)
            line, column = node.lc.value(key)
            places[below] = (line + 1, column + 1)
            places[(*below, "\0key")] = tuple(part + 1 for part in node.lc.key(key))
            result[key] = _plain(value, below, places)
        return result
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            line, column = node.lc.item(index)
            places[(*path, index)] = (line + 1, column + 1)
        return [_plain(value, (*path, index), places) for index, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, str):
        return str(node)
    if isinstance(node, int):
        return int(node)
    return node if not isinstance(node, float) else str(node)


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
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*\[?([A-Za-z_]+)\]?\s*(=|$)", line):
            source.places.setdefault((found[1],), (number, 1))
    return source
