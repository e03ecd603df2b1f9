"""YAML by ruamel.yaml, whatever it is: plain YAML 1.2 but for exact fractions and dates that do not exist, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from tulosvahti.load.quick_yaml import NumberText, Path_, number_text
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from tulosvahti.load.source import Source


class _Constructor(RoundTripConstructor):
    """Plain YAML, but exact fractions, and dates that do not exist are left for the shapes to refuse."""

    def construct_yaml_timestamp(self, node: Any, values: Any = None) -> Any:  # noqa: ANN401 (ruamel's own)
        try:
            return super().construct_yaml_timestamp(node, values)
        except ValueError:
            return str(node.value)


def _fraction(_: object, node: Any) -> NumberText:  # noqa: ANN401 (ruamel's own)
    return number_text(str(node.value))


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_yaml_timestamp)
_Constructor.add_constructor("tag:yaml.org,2002:float", _fraction)


def read_with_care(text: str, source: Source, *, refers: bool) -> None:
    """Read any YAML into ``source``, and tell what is wrong with it; ``refers``: it may hold anchors, aliases or tags."""
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    yaml.allow_duplicate_keys = False
    try:
        if refers:
            _refuse_references(text, source)
        if source.problems:
            return
        data = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source.file, mark.line + 1, mark.column + 1) if mark else Place(source.file, 1, 1)
        what = str(error.problem or error.context or "not readable").split("\n")[0]
        source.problems.append(Problem(place, f"not YAML: {what}", "", "mend the line or the one above it"))
        return
    except (YAMLError, ValueError, RecursionError, NotImplementedError) as error:
        source.problems.append(Problem(Place(source.file, 1, 1), f"not YAML: {str(error).splitlines()[0]}"))
        return
    source.data = _plain(data, (), source.places)


def _refuse_references(text: str, source: Source) -> None:
    """Report anchors, aliases and tags."""
    for token in YAML(typ="rt").scan(text):
        mark = token.start_mark
        place = Place(source.file, mark.line + 1, mark.column + 1)
        if isinstance(token, AliasToken | AnchorToken):
            message = "aliases (& and *) are not read"
            source.problems.append(Problem(place, message, "plain values", "write the value out where it is used"))
        elif isinstance(token, TagToken):
            source.problems.append(Problem(place, "tags (!) are not read", "plain values", "put a text with ! in quotes"))


def _plain(node: Any, path: Path_, places: dict[Path_, tuple[int, int]]) -> Any:  # noqa: ANN401 (YAML is anything)
    if isinstance(node, CommentedMap):
        result = {}
        for key, value in node.items():
            below = (*path, key)
            if key in (node.lc.data or ()):  # what << brings in stands elsewhere
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
