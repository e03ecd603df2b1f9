"""What stands in place of a number: limits between which it lies (``Alle 90``, ``1–3``; statistics calls it censored), or a verdict.

The row store keeps it as one text beside the empty cell (``core.kept_rows.words_of``): the signs and the numbers, ``< 90`` or
``>= 1, <= 3``; or what the words mean by the contract, and the words, ``partly_met: Toteutunut osittain``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.comparators import sign_of
from tulosvahti.core.quantity import SPACES, plain, plain_decimal
from tulosvahti.core.ranges import ANYWHERE, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

UNREADABLE = "?"
"""In place of a text of ``limit_of``: a value of which nothing is known, as it was calculated from one."""


_SPAN = re.compile(r"(.*[0-9]\s?%?) ?(?:[–—]|\.\.) ?(.*[0-9].*)")
"""From one number to another, with a dash that is no minus, or with dots as targets have it."""
STATED = ("met", "partly_met", "missed")
"""What words can say in place of a number."""


@dataclass(frozen=True)
class Worded:
    """What stands in place of the numbers of one operand, in one group, and how many rows have each.

    ``limits``: ranges. ``stated``: what words mean, and the words.
    """

    limits: tuple[tuple[Range, int], ...] = ()
    stated: tuple[tuple[str, str, int], ...] = ()

    @property
    def count(self) -> int:
        """How many rows have no number but words."""
        return sum(count for _, count in self.limits) + self.count_stated

    @property
    def count_stated(self) -> int:
        """How many rows have a verdict in words."""
        return sum(count for *_, count in self.stated)

    @property
    def words(self) -> str:
        """The verdicts as they were written."""
        return ", ".join(dict.fromkeys(words for _, words, _ in self.stated))

    @property
    def total(self) -> Range:
        """Where the sum of them lies."""
        total = Range.exact(0)
        for item, count in self.limits:
            total += item.times(Fraction(count))
        return total

    @property
    def is_boundless(self) -> bool:
        """Tell whether nothing is known of one of them."""
        return any(item == ANYWHERE for item, _ in self.limits)

    def __add__(self, other: Worded) -> Worded:
        """Put the rows of two together."""
        return Worded((*self.limits, *other.limits), (*self.stated, *other.stated))

    def within(self, bounds: Range) -> Worded:
        """Narrow each to what the field can have at all."""
        return replace(self, limits=tuple((item.within(bounds), count) for item, count in self.limits))

    def shared(self, share: Fraction) -> Worded:
        """Give a share of each."""
        return replace(self, limits=tuple((item.times(share), count) for item, count in self.limits))


NO_WORDS = Worded()


def limit_of(text: str, read: Callable[[str], Decimal]) -> str:
    """Write limits in one way, ``< 90``; empty where the text is none. ``read`` reads a number as its field has it.

    Raises:
        what ``read`` raises: where a number has to stand there is none.

    """
    body = " ".join(text.translate({ord(mark): " " for mark in SPACES}).split())
    if span := _SPAN.fullmatch(body):
        low, high = read(span[1].rstrip()), read(span[2])
        return f">= {plain(plain_decimal(low))}, <= {plain(plain_decimal(high))}" if low <= high else ""
    sign, rest = sign_of(body)
    return f"{sign} {plain(plain_decimal(read(rest)))}" if sign in {"<", "<=", ">", ">="} else ""


def range_of(limit: str) -> Range:
    """Read what ``limit_of`` gives."""
    if limit == UNREADABLE:
        return ANYWHERE
    found = ANYWHERE
    for part in limit.split(", "):
        sign, _, number = part.partition(" ")
        end, is_open = Fraction(number), len(sign) == 1
        found = found.within(Range(end, None, low_open=is_open) if sign[0] == ">" else Range(None, end, high_open=is_open))
    return found


def stated_of(text: str, meanings: Iterable[tuple[str, str]]) -> str:
    """Write a verdict in words as it is kept; empty where the text is none of the words. ``meanings``: what each means, and the words."""
    words = " ".join(text.split())
    return next((f"{said}: {words}" for said, known in meanings if " ".join(known.split()).casefold() == words.casefold()), "")


def words_written(kept: str, decimal_char: str) -> str:
    """Write what is kept of words as a cell has it."""
    said, _, words = kept.partition(": ")
    if said in STATED:
        return words
    ends = kept.replace(".", decimal_char).split(", ")
    return ends[0] if len(ends) == 1 else "–".join(end.partition(" ")[2] for end in ends)


def worded(found: Iterable[tuple[str, int]]) -> Worded:
    """Read the texts of rows, as they are kept, with how many have each."""
    limits, stated = [], []
    for text, count in found:
        said, _, words = text.partition(": ")
        if said in STATED:
            stated.append((said, words, count))
        else:
            limits.append((range_of(text), count))
    return Worded(tuple(limits), tuple(stated))
