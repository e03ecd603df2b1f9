"""Frozen dataclasses of the core and the settings as JSON, and back: exact, and nothing but such values can come of it.

The JSON is a list of nodes; a node is a list of what it is (``tuple``, ``Decimal``, ``core.rule:Rule``) and its parts: texts, whole
numbers, true, false, null, or the place of an earlier node as a list of one number. The last node is the value. Equal parts
that nobody can change are one node.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGE = "tulosvahti."
_MODULES = ("core.", "load.settings:", "problem:")
"""Whose classes may be made."""
_MADE: dict[str, Callable[..., Any]] = {
    "tuple": lambda *items: items,
    "list": lambda *items: list(items),
    "frozenset": lambda *items: frozenset(items),
    "dict": lambda *items: dict(zip(items[::2], items[1::2], strict=True)),
    "Decimal": Decimal,
    "Fraction": Fraction,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": timedelta,
    "float": float,
}
_CHANGEABLE = ("dict", "list")


class NotPlainError(ValueError):
    """A value that this form does not have, or bytes that are not of this form."""


def written(value: object) -> bytes:
    """Write a value.

    Raises:
        NotPlainError: a part of it is of another kind.

    """
    writer = _Writer()
    try:
        writer.place(value)
    except TypeError as error:
        raise NotPlainError(f"no plain form: {error}") from None
    return json.dumps(writer.nodes, ensure_ascii=False, separators=(",", ":")).encode()


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._places: dict[str, int] = {}

    def place(self, value: object) -> Any:  # noqa: ANN401 (JSON data)
        if value is None or type(value) in {bool, int, str}:
            return value
        kind, parts = _parts(value)
        node = [kind, *map(self.place, parts)]
        same = json.dumps(node)
        if kind in _CHANGEABLE or same not in self._places:
            self.nodes.append(node)
            self._places[same] = len(self.nodes) - 1
        return [self._places[same]]


def _parts(value: Any) -> tuple[str, list[Any]]:  # noqa: ANN401 (any value)
    kind = type(value)
    if kind in {tuple, list}:
        return kind.__name__, list(value)
    if kind is frozenset:
        return kind.__name__, sorted(value)
    if kind is dict:
        return kind.__name__, [item for pair in value.items() for item in pair]
    if kind in {Decimal, Fraction, float}:
        return kind.__name__, [str(value)]
    if kind in {date, time}:
        return kind.__name__, [value.isoformat()]
    if kind is timedelta:
        return kind.__name__, [value.days, value.seconds, value.microseconds]
    name = f"{kind.__module__.removeprefix(_PACKAGE)}:{kind.__qualname__}"
    if not name.startswith(_MODULES):
        raise NotPlainError(f"{kind.__name__} has no plain form")
    if isinstance(value, Enum):
        return name, [value.value]
    if not is_dataclass(value) or not all(item.init for item in fields(value)):
        raise NotPlainError(f"{kind.__name__} has no plain form")
    return name, [getattr(value, item.name) for item in fields(value)]


def read_back(content: bytes) -> Any:  # noqa: ANN401 (what was written)
    """Give what was written.

    Raises:
        NotPlainError: it was not written by ``written``, or by another version of the classes.

    """
    makers = dict(_MADE)
    made: list[Any] = []
    try:
        for kind, *parts in json.loads(content):
            maker = makers.get(kind) or makers.setdefault(kind, _class(kind))
            made.append(maker(*[made[part[0]] if type(part) is list else part for part in parts]))
        return made[-1]
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, ImportError) as error:
        raise NotPlainError(f"not of this form: {error}") from None


def _class(name: str) -> Callable[..., Any]:
    module, _, found = name.partition(":")
    if not name.startswith(_MODULES) or not found.isidentifier():
        raise NotPlainError(f"no class {name!r}")
    kind = getattr(import_module(_PACKAGE + module), found)
    if not isinstance(kind, type) or not (is_dataclass(kind) or issubclass(kind, Enum)) or kind.__module__ != _PACKAGE + module:
        raise NotPlainError(f"no class {name!r}")
    return kind
