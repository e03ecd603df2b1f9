"""Codes of organisations over time: mergers and renamings with the day from which they hold.

A change says: from ``valid_from`` on, ``successor`` has what ``code`` had. A row is counted under the organisation that has
its code on a chosen day: along the changes in force by then, each not older than the one before. Towards the past only what
is one and the same organisation goes back: parts of a merger cannot be told apart again. Of a code with several successors
it cannot be said which one a row belongs to. What cannot be said is None, and such a row is unknown to every subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

Codes = Mapping[str, str | None]
"""The organisation of each code on the chosen day; None: it cannot be said."""


@dataclass(frozen=True)
class MappingFields:
    """Which fields of an input say the changes. ``lists_all``: a code that is nowhere in it is unknown."""

    code: str
    successor: str
    valid_from: str
    lists_all: bool = True


@dataclass(frozen=True)
class MappedBy:
    """What a measure is mapped with: the field of its subject, the input of changes, and the day; None: the day judged."""

    field: str
    input: str
    at: date | None = None


@dataclass(frozen=True)
class Moved:
    """A field whose codes stand for other organisations; ``keeps``: codes that are not named stay as they are."""

    field: str
    codes: tuple[tuple[str, str | None], ...]
    keeps: bool


@dataclass(frozen=True)
class Step:
    """One change; an empty successor says only that the code is there."""

    code: str
    successor: str
    valid_from: date | None = None


def organisations(steps: Iterable[Step], at: date) -> dict[str, str | None]:
    """Give the organisation of every code that the changes name, on a day."""
    after: dict[str, list[Step]] = {}
    before: dict[str, list[Step]] = {}
    for step in dict.fromkeys(steps):
        after.setdefault(step.code, [])
        if step.successor and step.successor != step.code:
            after.setdefault(step.successor, [])
            after[step.code].append(step)
            before.setdefault(step.successor, []).append(step)
    return {code: _back(code, after, before, at) if _is_later(code, after, before, at) else _on(code, after, at) for code in after}


def _is_later(code: str, after: Mapping[str, Sequence[Step]], before: Mapping[str, Sequence[Step]], at: date) -> bool:
    """Tell whether a code came into being only after the day: every change that made it is later, and none ends it before."""
    made = before.get(code, ())
    return bool(made) and all(_day(step) > at for step in made) and not any(_day(step) <= at for step in after[code])


def _on(code: str, after: Mapping[str, Sequence[Step]], at: date) -> str | None:
    since, seen = date.min, {code}
    while steps := [step for step in after.get(code, ()) if since <= _day(step) <= at]:
        first = min(map(_day, steps))
        found = {step.successor for step in steps if _day(step) == first}
        if len(found) != 1:
            return None
        code, since = found.pop(), first
        if code in seen:
            return None
        seen.add(code)
    return code


def _back(code: str, after: Mapping[str, Sequence[Step]], before: Mapping[str, Sequence[Step]], at: date) -> str | None:
    seen = {code}
    while steps := [step for step in before.get(code, ()) if _day(step) > at]:
        if len(steps) != 1 or len(after[steps[0].code]) != 1:
            return None
        code = steps[0].code
        if code in seen:
            return None
        seen.add(code)
    return code


def _day(step: Step) -> date:
    return step.valid_from or date.min


def padded(codes: Codes) -> dict[str, str | None]:
    """Add the codes as they are written where leading zeros were lost, if all have one length and none is another's.

    ``020`` and ``20`` are the same code among codes of three digits.
    """
    found = dict(codes)
    if len({len(code) for code in codes}) == 1 and all(code.isascii() and code.isdigit() for code in codes):
        for code, organisation in codes.items():
            found.setdefault(code.lstrip("0") or "0", organisation)
    return found


def moved(field: str, codes: Codes, *, keeps: bool) -> Moved:
    """Give what a measurement needs; of codes that stay as they are only those that must be known."""
    every = padded(codes)
    return Moved(field, tuple(sorted((code, to) for code, to in every.items() if not keeps or code != to)), keeps)
