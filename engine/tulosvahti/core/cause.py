"""Causes that numbers show: what slip turns the implied value into the stated one.

Convention: a change goes from the stated (printed) value to the implied (right) one, so
``digit_omitted`` means that the printed number lacks a digit. A difference is stated
minus expected. Where two causes fit equally well the answer is None, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from itertools import accumulate
from math import gcd, prod
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CauseCode = Literal[
    "digits_swapped",
    "sign",
    "factor_10",
    "factor_100",
    "factor_1000",
    "digit_replaced",
    "digit_omitted",
    "digit_added",
    "rounding",
    "left_out",
    "counted_twice",
    "unmarked_subtotal",
    "neighbours_exchanged",
]

CAUSE_RANK: dict[CauseCode | None, int] = {
    "sign": 0,
    "factor_1000": 0,
    "factor_100": 0,
    "factor_10": 0,
    "neighbours_exchanged": 0,
    "digits_swapped": 1,
    "digit_omitted": 2,
    "digit_added": 2,
    "digit_replaced": 3,
    None: 4,
    "rounding": 4,
}
"""Which answer to name first: the fewer numbers a slip reaches, the sooner."""

_FACTORS: tuple[tuple[int, CauseCode], ...] = (
    (10, "factor_10"),
    (100, "factor_100"),
    (1000, "factor_1000"),
)
_WIDE = Context(prec=400)
LEAST_DIGITS = 2
"""A slip of a digit needs at least this many digits to compare."""
LONGEST_RUN = 100
"""No more lines than this are added up to see whether a line is their subtotal."""
LEAST_RARITY = 30
"""A difference must be this many times the number of items, in common steps."""


def change_cause(
    stated: Decimal, implied: Decimal, unit: Decimal = Decimal(0)
) -> CauseCode | None:
    """Name the one slip by which ``implied`` came to be printed as ``stated``.

    ``unit`` is the figures' rounding unit (0: exact): a change of at most one unit
    between rounded figures is ``rounding``. A factor wins over the digit it adds or
    omits. None: no single slip, or too few digits to tell.
    """
    wrong, right = _whole(stated, implied)
    if wrong == right:
        return None
    if _is_rounding(stated, implied, unit):
        return "rounding"
    if wrong == -right:
        return "sign"
    for factor, code in _FACTORS:
        if right and (wrong == right * factor or wrong * factor == right):
            return code
    if (wrong < 0) != (right < 0):
        return None
    return _digit_cause(str(abs(wrong)), str(abs(right)))


def _whole(*values: Decimal) -> tuple[int, ...]:
    """Scale to integers at the last digit that any of the values has."""
    places = max(0, *(-int(value.as_tuple().exponent) for value in values))
    return tuple(int(value.scaleb(places, _WIDE)) for value in values)


def _is_rounding(stated: Decimal, implied: Decimal, unit: Decimal) -> bool:
    if unit and abs(_WIDE.subtract(stated, implied)) <= unit:
        return True
    step = Decimal(1).scaleb(int(stated.as_tuple().exponent))
    if int(implied.as_tuple().exponent) >= int(stated.as_tuple().exponent):
        return False
    return any(
        implied.quantize(step, rounding=way, context=_WIDE) == stated
        for way in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
    )


def _digit_cause(wrong: str, right: str) -> CauseCode | None:
    if min(len(wrong), len(right)) < LEAST_DIGITS:
        return None
    if _one_more(right, wrong):
        return "digit_omitted"
    if _one_more(wrong, right):
        return "digit_added"
    if len(wrong) != len(right):
        return None
    apart = [(a, b) for a, b in zip(wrong, right, strict=True) if a != b]
    if len(apart) == 1:
        return "digit_replaced"
    return "digits_swapped" if len(apart) == 2 and apart[0] == apart[1][::-1] else None


def _one_more(longer: str, shorter: str) -> bool:
    """Tell whether ``longer`` is ``shorter`` with one digit put in."""
    return len(longer) == len(shorter) + 1 and any(
        longer[:k] + longer[k + 1 :] == shorter for k in range(len(longer))
    )


def likely_value(stated: Decimal, candidates: Iterable[Decimal]) -> Decimal | None:
    """Give the only candidate that one slip turns into ``stated``, else None."""
    slips = [value for value in candidates if change_cause(stated, value) is not None]
    return slips[0] if len(slips) == 1 else None


def is_exchange(stated: Sequence[Decimal | None], implied: Sequence[Decimal]) -> bool:
    """Tell whether two values merely changed places."""
    return (
        len(stated) == len(implied) == 2
        and stated[0] != stated[1]
        and stated[0] == implied[1]
        and stated[1] == implied[0]
    )


@dataclass(frozen=True)
class LineCause:
    """A cause that lies in what is counted.

    ``positions`` are the items concerned (counted from 0; -1 is the total). ``share``
    is what the cause adds to each relation's difference, in the order given.
    """

    code: CauseCode
    positions: tuple[int, ...]
    share: tuple[int, ...]


def difference_cause(total: int, terms: Sequence[int]) -> LineCause | None:
    """Explain a lone relation's difference by its own items.

    ``total`` and ``terms`` (weighted) are integers on a common scale. The total with
    the sign reversed, an item with the sign reversed, left out or counted twice, or
    every item standing twice. The difference must be rare enough among the numbers
    that could have met it by chance.
    """
    difference = total - sum(terms)
    if difference == -sum(terms[1::2]) and _in_pairs(terms):
        doubles = tuple(range(1, len(terms), 2))
        return LineCause("counted_twice", doubles, (difference,))
    step = gcd(total, *terms)
    if not step or abs(difference) < LEAST_RARITY * len(terms) * step:
        return None
    found: list[LineCause] = []
    if difference == 2 * total:
        found.append(LineCause("sign", (-1,), (difference,)))
    for factor, code in _LINE_FACTORS:
        places = tuple(k for k, t in enumerate(terms) if t and difference == factor * t)
        if places:
            found.append(LineCause(code, places, (difference,)))
    return found[0] if len(found) == 1 else None


_LINE_FACTORS: tuple[tuple[int, CauseCode], ...] = (
    (-1, "left_out"),
    (1, "counted_twice"),
    (-2, "sign"),
)


def _in_pairs(terms: Sequence[int]) -> bool:
    """Tell whether each item is followed by its own copy (at least two such pairs)."""
    return (
        len(terms) >= 4
        and len(terms) % 2 == 0
        and any(terms)
        and all(a == b for a, b in zip(terms[::2], terms[1::2], strict=True))
    )


def line_cause(
    differences: Sequence[int], slacks: Sequence[int], terms: Sequence[Sequence[int]]
) -> LineCause | None:
    """Explain the differences of parallel relations by one line that crosses them all.

    Shapes: ``differences`` and ``slacks`` have one integer a relation, ``terms`` one
    sequence of weighted items a relation, all equally long and in the same order. At
    least two relations must be broken, and three of four of those that the line would
    break must show it. None where no line, or more than one cause, fits.
    """
    lines = _Lines(differences, slacks, terms)
    if len(lines.broken) < 2:
        return None
    found: dict[tuple[int, CauseCode], list[int]] = {}
    for place in range(len(terms[0])):
        for factor, code in _LINE_FACTORS:
            if lines.fit([factor * row[place] for row in terms]):
                found.setdefault((factor, code), []).append(place)
    if not found:
        return _several_subtotals(lines)
    (factor, code), places = next(iter(found.items()))
    if len(found) > 1 or len({tuple(row[p] for row in terms) for p in places}) > 1:
        return None
    share = tuple(factor * row[places[0]] for row in terms)
    if code == "left_out":
        runs = _run_lengths(terms, slacks, places)
        if max(runs.values()) > 1:
            code, places = "unmarked_subtotal", [p for p in places if runs[p] > 1]
        elif len(places) > 1:
            code = "counted_twice"
    return LineCause(code, tuple(places), share)


class _Lines:
    """Parallel relations, and what a line would have to explain in them."""

    def __init__(
        self,
        differences: Sequence[int],
        slacks: Sequence[int],
        terms: Sequence[Sequence[int]],
    ) -> None:
        self.differences, self.slacks, self.terms = differences, slacks, terms
        self.broken = [k for k, d in enumerate(differences) if abs(d) > slacks[k]]
        self.steps = {k: max(gcd(*terms[k]), 2 * slacks[k], 1) for k in self.broken}

    def fit(self, share: Sequence[int]) -> bool:
        """Tell whether this share of the differences explains them beyond chance."""
        slacks, differences = self.slacks, self.differences
        explained = [
            k
            for k in self.broken
            if abs(share[k]) > slacks[k] and abs(differences[k] - share[k]) <= slacks[k]
        ]
        if len(explained) < 2:
            return False
        concerned = sum(
            abs(d) > slack or abs(part) > slack
            for d, slack, part in zip(differences, slacks, share, strict=True)
        )
        rarity = prod(max(1, abs(share[k]) // self.steps[k]) for k in explained)
        rare = rarity >= LEAST_RARITY * len(self.terms[0])
        return rare and 4 * len(explained) >= 3 * concerned


def _several_subtotals(lines: _Lines) -> LineCause | None:
    terms = lines.terms
    lengths = _run_lengths(terms, lines.slacks, range(len(terms[0])))
    places = [place for place, length in lengths.items() if length > 1]
    share = tuple(-sum(row[k] for k in places) for row in terms)
    if len(places) > 1 and lines.fit(share):
        return LineCause("unmarked_subtotal", tuple(places), share)
    return None


def _run_lengths(
    terms: Sequence[Sequence[int]], slacks: Sequence[int], places: Iterable[int]
) -> dict[int, int]:
    """Give how many lines next to each place add up to it in every relation, or 0."""
    heaps = [(0, *accumulate(row)) for row in terms]
    width = len(terms[0])
    result = {}
    for place in places:
        after = [(place + 1, end) for end in range(place + 2, width + 1)]
        before = [(start, place) for start in range(place - 1, -1, -1)]
        if not any(row[place] for row in terms):
            after = before = []
        result[place] = next(
            (
                end - start
                for start, end in (*after[:LONGEST_RUN], *before[:LONGEST_RUN])
                if all(
                    abs(heap[end] - heap[start] - row[place]) <= slack
                    for heap, row, slack in zip(heaps, terms, slacks, strict=True)
                )
            ),
            0,
        )
    return result
