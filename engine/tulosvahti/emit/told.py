"""Sentences about files and rules, in the reader's language.

Where a fault is found its sentence is made in English, and so it stands in the ledger, in JSON and in logs. The English
sentence with a name in braces for each detail is the key of the catalogues ``locale/told.LANGUAGE.po``: a sentence is
taken apart by its key and put together again in the reader's words; several in a row, one by one. What no catalogue
knows stays as it is, so that the ledger of an older engine is still read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from tulosvahti.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LONGEST = 4_000
"""Longer sentences are data; they stay as they are."""
_DEEPEST = 4
"""A detail may be a sentence of its own, and so on, as often as this."""
_MARKS, _MOST_PARTS = ("; ", ": "), 20
_DETAIL = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_HEAD = 3
_DAYS = frozenset({"day", "due"})
"""Details that are days of the calendar, never values of a file."""
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True)
class Key:
    """An English sentence with its details left out: the literals around them, and their names."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    def details_of(self, text: str) -> dict[str, str] | None:
        """Take the details out of a sentence; None where it is another sentence."""
        first, *rest = self.literals
        if not text.startswith(first):
            return None
        if not rest:
            return {} if text == first else None
        at = len(first)
        details: dict[str, str] = {}
        for name, literal in zip(self.names, rest, strict=True):
            last = literal is rest[-1] and len(details) == len(rest) - 1
            end = (len(text) - len(literal) if text.endswith(literal) else -1) if last else text.find(literal, at)
            if end < at:
                return None
            details[name] = text[at:end]
            at = end + len(literal)
        return details


def key_of(sentence: str) -> Key:
    """Read a sentence of a catalogue; doubled braces stand for themselves."""
    parts = _DETAIL.split(sentence)
    return Key(tuple(_plain(part) for part in parts[::2]), tuple(parts[1::2]))


@lru_cache(maxsize=4)
def catalogue(language: str) -> Mapping[str, str]:
    """Give the sentences of a language by their English keys."""
    from babel.messages.pofile import read_po  # noqa: PLC0415 (only where something is told)

    place = files("tulosvahti.emit.locale") / f"told.{language}.po"
    with place.open("rb") as file:
        return {str(item.id): str(item.string) for item in read_po(file, abort_invalid=True) if item.id and item.string}


@lru_cache(maxsize=16_384)
def told(text: str, language: str) -> str:
    """Say an English sentence in a language; as it is where it is not known."""
    return _told(text, language, 0)


def _told(text: str, language: str, depth: int) -> str:
    if language not in LANGUAGES or not text or len(text) > LONGEST or depth > _DEEPEST:
        return text
    for key, said in _candidates(text, language):
        details = key.details_of(text)
        if details is not None and not key.literals[-1] and (apart := _each(text, language, depth)):
            return apart
        if details is not None:
            spoken = {name: _day(value, language) if name in _DAYS else _told(value, language, depth + 1) for name, value in details.items()}
            return _plain(_DETAIL.sub(lambda found, spoken=spoken: spoken.get(found[1], "–"), said))  # type: ignore[misc]
    return _in_parts(text, language, depth)


def _each(text: str, language: str, depth: int) -> str:
    """Say several sentences one by one where each is one of its own; else nothing: the last detail of the first has them."""
    parts = text.split(_MARKS[0], _MOST_PARTS)
    said = [_told(part, language, depth + 1) for part in parts] if len(parts) > 1 else []
    return _MARKS[0].join(said) if said and all(one != two for one, two in zip(parts, said, strict=True)) else ""


def _in_parts(text: str, language: str, depth: int) -> str:
    """Say several sentences one by one, and what follows the name of what it is about."""
    for mark in _MARKS:
        parts = text.split(mark, _MOST_PARTS)
        if len(parts) > 1:
            return mark.join(_told(part, language, depth + 1) for part in parts)
    return text


def _day(text: str, language: str) -> str:
    """Write a day as the language does: Swedish and English keep the year first."""
    found = _ISO.fullmatch(text)
    return f"{int(found[3])}.{int(found[2])}.{found[1]}" if found and language == "fi" else text


def _plain(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _candidates(text: str, language: str) -> Iterable[tuple[Key, str]]:
    for head in (text[:_HEAD], ""):
        yield from _with_head(head, language)


@lru_cache(maxsize=1024)
def _with_head(head: str, language: str) -> Sequence[tuple[Key, str]]:
    """Give the keys that begin so, those with the most words of their own first."""
    found = [(key_of(sentence), said) for sentence, said in _by_head(language).get(head, ())]
    return sorted(found, key=lambda item: -sum(map(len, item[0].literals)))


@lru_cache(maxsize=4)
def _by_head(language: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Give the sentences by how they begin before any detail; most are never asked for, and stay as they are."""
    found: dict[str, list[tuple[str, str]]] = {}
    for sentence, said in catalogue(language).items():
        first = _plain(_DETAIL.split(sentence, 1)[0])
        found.setdefault(first[:_HEAD] if len(first) >= _HEAD else "", []).append((sentence, said))
    return found
