"""Codes of organisations over time: mergers and renamings with the day from which they hold.

A change says: from ``valid_from`` on, ``successor`` has what ``code`` had. A row is counted under the organisation that has
its code on a chosen day: along the changes in force by then, each not older than the one before. Towards the past only what
is one and the same organisation goes back: parts of a merger cannot be told apart again. Of a code with several successors
it cannot be said which one a row belongs to, but where each successor has a declared share, what is added up is shared out.
What cannot be said is None, and such a row is unknown to every subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from tulosvahti.core.quantity import plain_decimal

Codes = Mapping[str, str | None]
"""The organisation of each code on the chosen day; None: it cannot be said."""
Shares = tuple[tuple[str, Fraction], ...]
"""Organisations with what each has of a code; the shares add up to 1."""

_MOST_CHANGES = 200
"""Changes that a code goes through at most; more are a circle."""


@dataclass(frozen=True)
class MappingFields:
    """Which fields of an input say the changes. ``lists_all``: a code that is nowhere in it is unknown; ``share``: may be none."""

    code: str
    successor: str
    valid_from: str
    lists_all: bool = True
    share: str = ""


@dataclass(frozen=True)
class MappedBy:
    """What a measure is mapped with: the field of its subject, the input of changes, and the day; None: the day judged."""

    field: str
    input: str
    at: date | None = None


@dataclass(frozen=True)
class Moved:
    """A field whose codes stand for other organisations; ``keeps``: codes that are not named stay as they are.

    ``shared``: what stands in ``codes`` for several organisations, with the share of each.
    """

    field: str
    codes: tuple[tuple[str, str | None], ...]
    keeps: bool
    shared: tuple[tuple[str, Shares], ...] = ()


@dataclass(frozen=True)
class Step:
    """One change; an empty successor says only that the code is there."""

    code: str
    successor: str
    valid_from: date | None = None
    share: Decimal | None = None


def organisations(steps: Iterable[Step], at: date) -> dict[str, str | None]:
    """Give the organisation of every code that the changes name, on a day; None also where it is several."""
    return {code: found[0][0] if found is not None and len(found) == 1 else None for code, found in shares(steps, at).items()}


def shares(steps: Iterable[Step], at: date) -> dict[str, Shares | None]:
    """Give the organisations of every code that the changes name, on a day, each with its share."""
    after: dict[str, list[Step]] = {}
    before: dict[str, list[Step]] = {}
    for step in dict.fromkeys(steps):
        after.setdefault(step.code, [])
        # A part of a division may keep its code.
        if step.successor and (step.successor != step.code or step.share is not None):
            after.setdefault(step.successor, [])
            after[step.code].append(step)
            if step.successor != step.code:
                before.setdefault(step.successor, []).append(step)
    found: dict[str, Shares | None] = {}
    for code in after:
        if _is_later(code, after, before, at):
            origin = _back(code, after, before, at)
            found[code] = None if origin is None else ((origin, Fraction(1)),)
        else:
            found[code] = _on(code, after, at)
    return found


def _is_later(code: str, after: Mapping[str, Sequence[Step]], before: Mapping[str, Sequence[Step]], at: date) -> bool:
    """Tell whether a code came into being only after the day: every change that made it is later, and none ends it before."""
    made = before.get(code, ())
    return bool(made) and all(_day(step) > at for step in made) and not any(_day(step) <= at for step in after[code])


def _on(code: str, after: Mapping[str, Sequence[Step]], at: date) -> Shares | None:
    waiting, found = {(date.min, code): Fraction(1)}, dict[str, Fraction]()
    for _ in range(_MOST_CHANGES):
        if not waiting:
            return tuple(sorted(found.items()))
        since, name = min(waiting)
        part = waiting.pop((since, name))
        steps = [step for step in after.get(name, ()) if since <= _day(step) <= at]
        if not steps:
            found[name] = found.get(name, Fraction(0)) + part
            continue
        first = min(map(_day, steps))
        divided = shares_of([step for step in steps if _day(step) == first])
        if divided is None:
            return None
        for successor, share in divided:
            # What keeps its code has gone through this change.
            key = (first + timedelta(days=1) if successor == name else first, successor)
            waiting[key] = waiting.get(key, Fraction(0)) + part * share
    return None


def shares_of(steps: Sequence[Step]) -> Shares | None:
    """Give the successors of one code from one day on; None where their shares are not declared or do not add up to 1."""
    given = {step.successor: step.share for step in steps}
    if len(given) == 1 and not any(given.values()):
        return ((steps[0].successor, Fraction(1)),)
    declared = [(name, Fraction(share)) for name, share in given.items() if share is not None and share > 0]
    if len(declared) < len(steps) or sum(share for _, share in declared) != 1:
        return None
    return tuple(declared)


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


def moved(field: str, codes: Codes, *, keeps: bool, shared: Mapping[str, Shares] | None = None) -> Moved:
    """Give what a measurement needs; of codes that stay as they are only those that must be known."""
    every = padded(codes)
    named = tuple(sorted((code, to) for code, to in every.items() if not keeps or code != to))
    return Moved(field, named, keeps, tuple(sorted((shared or {}).items())))


def told(code: str, parts: Shares) -> str:
    """Write how a code is shared out: ``A → X 0.6, Y 0.4``."""
    return f"{code} → {', '.join(f'{name} {share_text(share)}' for name, share in parts)}"


def share_text(share: Fraction) -> str:
    """Write a share, which is a product of decimals."""
    return f"{plain_decimal(Decimal(share.numerator) / share.denominator):f}"
