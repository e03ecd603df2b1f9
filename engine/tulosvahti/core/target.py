"""Targets as agreements write them: every form becomes an interval with strict or inclusive ends.

``> 4`` excludes 4. A reference (``>= previous * 1.02``) is resolved with the previous period's value before judging.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from tulosvahti.core.comparators import sign_of
from tulosvahti.core.quantity import MINUS, SPACES, NumberTextError, plain, plain_decimal, read_agreed_number
from tulosvahti.core.ranges import Range

Direction = Literal["higher", "lower"]

TARGET_FORMS = '"> 4", ">= 90", "< 6", "<= 38", "= 100", "3..4", ">= previous", ">= previous * 1.02", "monitor"'
_NO_TARGET = {"", "-", "–", "—", "monitor", "seurataan", "följs upp", "none"}
_PREVIOUS = re.compile(r"(?:previous|edellinen|föregående)(?:\s*\*\s*(?P<factor>[\d.,]+))?", re.IGNORECASE)


class TargetTextError(ValueError):
    """A text that is no target; the message says what to write."""


@dataclass(frozen=True)
class Bound:
    """One end of a target: a number, or a multiple of the previous period's actual."""

    value: Fraction
    strict: bool = False
    of_previous: bool = False

    def passes_below(self, value: Fraction) -> bool:
        """As a lower end: tell whether the value lies on the good side."""
        return value > self.value if self.strict else value >= self.value

    def passes_above(self, value: Fraction) -> bool:
        """As an upper end: tell whether the value lies on the good side."""
        return value < self.value if self.strict else value <= self.value

    def met_down_to(self, end: Fraction | None, *, is_open: bool) -> bool:
        """As a lower end: tell whether all values down to ``end``, or down to just above it, lie on the good side."""
        return end is not None and (self.passes_below(end) or (is_open and end == self.value))

    def met_up_to(self, end: Fraction | None, *, is_open: bool) -> bool:
        """As an upper end: tell whether all values up to ``end``, or up to just below it, lie on the good side."""
        return end is not None and (self.passes_above(end) or (is_open and end == self.value))


@dataclass(frozen=True)
class Target:
    """What must be reached; ``text`` is how it is shown."""

    text: str
    low: Bound | None = None
    high: Bound | None = None

    @property
    def direction(self) -> Direction | None:
        """Which way is better, where one end alone says it."""
        if self.low and not self.high:
            return "higher"
        return "lower" if self.high and not self.low else None

    @property
    def needs_previous(self) -> bool:
        """Tell whether the target refers to the previous period's actual."""
        return any(bound is not None and bound.of_previous for bound in (self.low, self.high))

    def resolved(self, previous: Fraction) -> Target:
        """Put the previous period's value in place of the reference; the shown text is kept."""
        return replace(self, low=_resolved(self.low, previous), high=_resolved(self.high, previous))

    def met_by(self, value: Fraction) -> bool:
        """Tell whether a value reaches the target; strict ends exclude themselves."""
        return self.met_by_all(Range.exact(value))

    def missed_by_all(self, found: Range) -> bool:
        """Tell whether no value of a range reaches the target."""
        return self._too_low(found) or self.exceeded_by_all(found)

    def met_by_all(self, found: Range) -> bool:
        """Tell whether every value of a range reaches the target."""
        above = self.low is None or self.low.met_down_to(found.low, is_open=found.low_open)
        return above and (self.high is None or self.high.met_up_to(found.high, is_open=found.high_open))

    def exceeded_by_all(self, found: Range) -> bool:
        """Tell whether every value of a range lies beyond the upper end."""
        low = found.low
        return self.high is not None and low is not None and (not self.high.passes_above(low) or (found.low_open and low == self.high.value))

    def _too_low(self, found: Range) -> bool:
        high = found.high
        return self.low is not None and high is not None and (not self.low.passes_below(high) or (found.high_open and high == self.low.value))

    def margin(self, value: Fraction) -> Fraction:
        """Give the distance to the nearer end: positive on the good side, negative where the target is missed."""
        distances = []
        if self.low:
            distances.append(value - self.low.value)
        if self.high:
            distances.append(self.high.value - value)
        return min(distances)


def _resolved(bound: Bound | None, previous: Fraction) -> Bound | None:
    if bound is None or not bound.of_previous:
        return bound
    return Bound(previous * bound.value, bound.strict)


def read_target(text: str, *, direction: Direction | None = None, tolerance: str | None = None) -> Target | None:
    """Read a target; None means that none is set (``-``, ``monitor``, blank).

    Raises:
        TargetTextError: the text is no target, or a bare number without a direction.

    """
    body = " ".join(text.translate({ord(c): " " for c in SPACES}).split())
    if body.casefold() in _NO_TARGET:
        return None
    sign, rest = sign_of(body)
    if found := _PREVIOUS.fullmatch(rest):
        factor = _number(found["factor"] or "1", text)
        shown = rest if found["factor"] else "previous"
        return _from_sign(_needs_sign(sign, direction, text), Bound(Fraction(factor), of_previous=True), shown)
    rest = re.sub(r"\s*(%|prosenttia|procent)$", "", rest)
    if not sign and (span := _span(rest)):
        low, high = (_number(end, text) for end in span)
        if low > high:
            msg = f"{text!r} is a range that ends before it starts"
            raise TargetTextError(msg)
        return Target(f"{_plain(low)}..{_plain(high)}", Bound(Fraction(low)), Bound(Fraction(high)))
    value = _number(rest, text)
    if sign == "~":
        return _about(value, direction, tolerance, text)
    return _from_sign(_needs_sign(sign, direction, text), Bound(Fraction(value)), _plain(value))


def _needs_sign(sign: str, direction: Direction | None, text: str) -> str:
    if sign:
        return sign
    if direction is None:
        msg = f'{text!r} does not say whether more or less is better: write ">= …" or "<= …", or declare direction'
        raise TargetTextError(msg)
    return ">=" if direction == "higher" else "<="


def _from_sign(sign: str, bound: Bound, shown: str) -> Target:
    strict = replace(bound, strict=sign in {">", "<"})
    low = strict if sign in {">", ">=", "="} else None
    high = strict if sign in {"<", "<=", "="} else None
    return Target(f"{sign} {shown}", low, high)


def _span(body: str) -> tuple[str, str] | None:
    number = r"[-\u2212]?\d[\d ]*(?:[.,]\d+)?"
    found = re.fullmatch(rf"({number})\s*(?:\.\.|[-{MINUS}\u2014])\s*({number})", body)
    return (found[1], found[2]) if found else None


def _about(value: Decimal, direction: Direction | None, tolerance: str | None, text: str) -> Target:
    if tolerance is None:
        msg = f'{text!r} says about how much, not how near: declare tolerance, e.g. "10 %" or "2"'
        raise TargetTextError(msg)
    slack = read_tolerance(tolerance, value)
    low = Bound(Fraction(value - slack)) if direction in {"higher", None} else None
    high = Bound(Fraction(value + slack)) if direction in {"lower", None} else None
    return Target(f"~ {_plain(value)} ± {_plain(slack)}", low, high)


def read_tolerance(text: str, value: Decimal) -> Decimal:
    """Read ``10 %`` (of ``value``) or ``2`` (in its unit).

    Raises:
        TargetTextError: not a tolerance.

    """
    body = text.strip()
    number = _number(body.removesuffix("%"), text)
    if number < 0:
        msg = f"tolerance {text!r} is negative"
        raise TargetTextError(msg)
    return abs(value) * number / 100 if body.endswith("%") else number


def _number(body: str, text: str) -> Decimal:
    try:
        return read_agreed_number(body)
    except NumberTextError as error:
        msg = f"{text!r} is not a target ({error})"
        raise TargetTextError(msg) from None


def _plain(value: Decimal) -> str:
    return plain(plain_decimal(value))
