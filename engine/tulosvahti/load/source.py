"""Files with positions: YAML and TOML as plain data, and where each part stands. Lines and columns count from 1.

No aliases, no tags, no duplicate keys, no file over 2 MB; YAML 1.2, so that ``no`` is a text. A date that is in no
calendar stays a text, so that it is a problem of its own rule and not of the file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2_000_000
_LONGEST_EXPONENT = 100
_REFERENCE = re.compile(r"(?:^|[\s\[{,:?-])(?:[&*]\S|!)", re.MULTILINE)
"""Where an anchor, an alias or a tag may begin; the stars of ``count(*)`` and ``"*"`` are none."""
Path_ = tuple[str | int, ...]


class NumberText(str):
    """A number with a fraction, as it was written: never a binary float on the way to a decimal."""

    __slots__ = ()


class _Constructor(RoundTripConstructor):
    """Plain YAML, but exact fractions, and dates that do not exist are left for the shapes to refuse."""

    def construct_yaml_timestamp(self, node: Any, values: Any = None) -> Any:  # noqa: ANN401 (ruamel's own)
        try:
            return super().construct_yaml_timestamp(node, values)
        except ValueError:
            return str(node.value)


def _fraction(_: object, node: Any) -> NumberText:  # noqa: ANN401 (ruamel's own)
    text = str(node.value).replace("_", "")
    try:
        value = Decimal(text)
    except ArithmeticError:
        return NumberText(text)
    plain = value.is_finite() and abs(value.adjusted()) <= _LONGEST_EXPONENT
    return NumberText(format(value, "f") if plain else text)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_yaml_timestamp)
_Constructor.add_constructor("tag:yaml.org,2002:float", _fraction)


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
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    yaml.allow_duplicate_keys = False
    try:
        _refuse_references(text, source)
        if source.problems:
            return source
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


def _refuse_references(text: str, source: Source) -> None:
    """Report anchors, aliases and tags; the tokens are read only where one of their signs stands where it could be one."""
    if not _REFERENCE.search(text):
        return
    for token in YAML(typ="rt").scan(text):
        mark = token.start_mark
        place = Place(source.file, mark.line + 1, mark.column + 1)
        if isinstance(token, AliasToken | AnchorToken):
            message = "aliases (& and *) are not read"
            source.problems.append(Problem(place, message, "plain values", "write the value out where it is used"))
        elif isinstance(token, TagToken):
            source.problems.append(Problem(place, "tags (!) are not read", "plain values", "put a text with ! in quotes"))


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
        return node if isinstance(node, NumberText) else str(node)
    return int(node) if isinstance(node, int) else node


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
