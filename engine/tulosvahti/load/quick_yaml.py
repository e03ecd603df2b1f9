"""YAML by libyaml, twenty times as fast as ruamel.yaml: where both must read the same, and nothing is to be told.

What is not surely read alike (YAML 1.1 against 1.2), what is refused, and what is faulty is left to ``source``, which tells it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Path_: TypeAlias = tuple[str | int, ...]
Places: TypeAlias = dict[Path_, tuple[int, int]]
_DEEPEST = 50
_LONGEST_EXPONENT = 100
_UNSURE = re.compile("[\t\r\x85\u2028\u2029\ufeff]|^(?:%|---|\\.\\.\\.)|[|>][-+0-9]*#|[\"']:[^ \n]", re.MULTILINE)
"""Breaks, tabs, directives, documents, the heads of block texts and what is close to a quoted key are where the two differ."""
_WORDS = {"~": None} | dict.fromkeys(("null", "Null", "NULL")) | dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ODD = re.compile(r"[-+.0-9]|<<$|=$")
"""What a text may begin with that is perhaps a number or a moment, or has a meaning of its own."""


class NumberText(str):
    """A number with a fraction, as it was written: never a binary float on the way to a decimal."""

    __slots__ = ()


class _UnsureError(Exception):
    pass


def number_text(written: str) -> NumberText:
    """Give a number with a fraction, without an exponent where that is not too long."""
    text = written.replace("_", "")
    try:
        value = Decimal(text)
    except ArithmeticError:
        return NumberText(text)
    plain = value.is_finite() and abs(value.adjusted()) <= _LONGEST_EXPONENT
    return NumberText(format(value, "f") if plain else text)


def read_quickly(text: str) -> tuple[Any, Places] | None:
    """Give data and places (lines and columns from 1) of a mapping or a list; None: it is to be read with care."""
    if not yaml.__with_libyaml__ or _UNSURE.search(text):
        return None
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    places: Places = {}
    with suppress(yaml.YAMLError, _UnsureError):
        root = next(event for event in events if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent))
        if isinstance(root, yaml.CollectionStartEvent):
            data = _value(root, events, (), places)
            ends = [type(event) for event in events]
            return (data, places) if ends == [yaml.DocumentEndEvent, yaml.StreamEndEvent] else None
    return None


def _value(event: Any, events: Iterator[Any], path: Path_, places: Places) -> Any:  # noqa: ANN401 (YAML is anything)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None or event.tag is not None or len(path) > _DEEPEST:
        raise _UnsureError
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(below := next(events), yaml.SequenceEndEvent):
            place = (*path, len(items))
            places[place] = _place(below)
            items.append(_value(below, events, place, places))
        return items
    result: dict[str | int, Any] = {}
    while not isinstance(named := next(events), yaml.MappingEndEvent):
        key: Any = _value(named, events, path, places) if isinstance(named, yaml.ScalarEvent) else None
        if type(key) not in {str, int} or key in result or named.style in {"|", ">"}:
            raise _UnsureError
        below, place = next(events), (*path, key)
        places[place], places[(*place, "\0key")] = _place(below), _place(named)
        result[key] = _value(below, events, place, places)
    return result


def _place(event: Any) -> tuple[int, int]:  # noqa: ANN401 (PyYAML's own)
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(event: Any) -> Any:  # noqa: ANN401 (PyYAML's own)
    text = str(event.value)
    if event.style:
        return text
    if not text:  # Where nothing stands, each names another place.
        raise _UnsureError
    if text in _WORDS:
        return _WORDS[text]
    if not _ODD.match(text):
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return number_text(text)
    if _DAY.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
        return text
    if _is_something(text):
        raise _UnsureError
    return text


def _is_something(text: str) -> bool:
    """Tell whether YAML 1.2 as ruamel.yaml reads it may take a text for something else."""
    from ruamel.yaml.resolver import implicit_resolvers  # noqa: PLC0415 (most files need none)

    return any(item[2].match(text) for item in implicit_resolvers)
