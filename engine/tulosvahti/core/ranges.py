"""Where a value can lie: two ends, each of which belongs to it or not, and what arithmetic makes of them.

None is an end that nothing bounds. Exact: a range has every value that a result can take, and an end that no result can
take is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.quantity import plain, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_End = tuple[Fraction, bool]


@dataclass(frozen=True)
class Range:
    """Where a value can lie; a known value has both ends equal. An open end is no value of its own."""

    low: Fraction | None
    high: Fraction | None
    low_open: bool = False
    high_open: bool = False

    @staticmethod
    def exact(value: Fraction | int) -> Range:
        """Make the range of a known value."""
        return Range(Fraction(value), Fraction(value))

    @property
    def is_exact(self) -> bool:
        """Tell whether the value is known."""
        return self.low is not None and self.low == self.high

    @property
    def is_empty(self) -> bool:
        """Tell whether no value lies in it."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    @property
    def text(self) -> str:
        """Write the ends: ``> 45, <= 90``; nothing where there is none."""
        low = "" if self.low is None else f"{'>' if self.low_open else '>='} {plain(shown(self.low))}"
        high = "" if self.high is None else f"{'<' if self.high_open else '<='} {plain(shown(self.high))}"
        return ", ".join(filter(None, [low, high]))

    def holds(self, value: Fraction) -> bool:
        """Tell whether a value lies in it."""
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        return above and (self.high is None or value < self.high or (value == self.high and not self.high_open))

    def within(self, other: Range) -> Range:
        """Give what lies in both."""
        low = _outer([_low(self), _low(other)])
        high = _outer([_low(-self), _low(-other)])
        return Range(low and low[0], high and -high[0], bool(low and low[1]), bool(high and high[1]))

    def or_less(self, other: Range) -> Range:
        """Give the lesser of two values."""
        return -(-self).or_more(-other)

    def or_more(self, other: Range) -> Range:
        """Give the greater of two values."""
        low = _outer([_low(self), _low(other)])
        highs = [-self, -other]
        if any(item.low is None for item in highs):
            return Range(low and low[0], None, bool(low and low[1]))
        high = _inner([end for item in highs if (end := _low(item))])
        return Range(low and low[0], -high[0], bool(low and low[1]), high[1])

    def __add__(self, other: Range) -> Range:
        """Add ranges."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(low, high, low is not None and (self.low_open or other.low_open), high is not None and (self.high_open or other.high_open))

    def __neg__(self) -> Range:
        """Change the sign: ends swap."""
        low, high = (None if end is None else -end for end in (self.low, self.high))
        return Range(high, low, self.high_open, self.low_open)

    def __mul__(self, other: Range) -> Range:
        """Multiply ranges; an end that nothing bounds stays so unless the other factor is a known number."""
        for one, two in ((self, other), (other, self)):
            if one.is_exact and one.low is not None:
                return two.times(one.low)
        ends = [[(item.low, item.low_open), (item.high, item.high_open)] for item in (self, other)]
        known = [[(end, is_open) for end, is_open in mine if end is not None] for mine in ends]
        products = [_product(one, two) for one in known[0] for two in known[1]]
        if len(products) < len(ends[0]) * len(ends[1]):
            return Range(None, None)
        low, high = _inner(products), _inner([(-value, is_open) for value, is_open in products])
        return Range(low[0], -high[0], low[1], high[1])

    def times(self, factor: Fraction) -> Range:
        """Multiply by a known number: also the sum of so many values that lie in the range."""
        if factor == 0:
            return Range.exact(0)
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return Range(low, high, self.low_open, self.high_open) if factor > 0 else Range(high, low, self.high_open, self.low_open)

    def reciprocal(self) -> Range:
        """Divide 1 by the range.

        Raises:
            ZeroDivisionError: the range is zero.

        """
        if self.is_exact and self.low == 0:
            raise ZeroDivisionError
        if self.low is not None and (self.low > 0 or (self.low == 0 and self.low_open)):
            low, is_open = (Fraction(0), True) if self.high is None else (1 / self.high, self.high_open)
            return Range(low, 1 / self.low, is_open, self.low_open) if self.low else Range(low, None, is_open)
        if self.high is not None and (self.high < 0 or (self.high == 0 and self.high_open)):
            return -((-self).reciprocal())
        return Range(None, None)


ANYWHERE = Range(None, None)


def _low(item: Range) -> _End | None:
    return None if item.low is None else (item.low, item.low_open)


def _outer(lows: Iterable[_End | None]) -> _End | None:
    """Give the lower end that bounds the most."""
    return max((end for end in lows if end is not None), default=None)


def _inner(lows: Iterable[_End]) -> _End:
    """Give the least of lower ends: of equal ones that which is a value."""
    return min(lows)


def _product(one: _End, other: _End) -> _End:
    """Multiply two ends; zero that is a value makes the product one, whatever the other is."""
    is_zero = (Fraction(0), False) in {one, other}
    return one[0] * other[0], (one[1] or other[1]) and not is_zero
