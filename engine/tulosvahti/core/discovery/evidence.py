"""How strong the evidence for a pattern is, in bits: log2 of how much likelier it makes the numbers than chance does.

A sum that holds exactly among numbers of five digits says more than one among numbers of one digit; lines that are
each other's multiples say nothing new; a pattern that holds in some lines only must pay for naming them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tulosvahti.core.discovery.lines import Bools, Floats, Ints

MOST_BITS = 40.0
"""No line says more than this."""
OFF_BITS = 7.0
"""What a line costs that is off by rounding where the figures are exact."""
EXACT_BITS = 0.05
_GOLDEN = (math.sqrt(5) - 1) / 2
_ROOT_TAU = math.sqrt(2 * math.pi)


def split_cost(holds: int, fails: int) -> float:
    """Give the bits it takes to say in which of the lines a pattern holds."""
    n = holds + fails
    if not holds or not fails:
        return 0.0
    return -holds * math.log2(holds / n) - fails * math.log2(fails / n)


def rounding_loss(difference: Floats, unit: Floats, sigma: Floats) -> Floats:
    """Give the bits that a difference costs if it came from rounding: 0 where it is as likely as can be."""
    peak = np.minimum(1.0, unit / (sigma * _ROOT_TAU))
    result: Floats = -(np.log2(peak) - 0.5 * (difference / sigma) ** 2 * math.log2(math.e))
    return result


def fresh(terms: Floats, totals: Floats) -> Ints:
    """Give the first of every set of lines that are multiples of each other."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.round(terms / totals[:, None], 4)
    # One number a line in place of its row of shares: a fixed mixture that no two different rows share in practice.
    mixture = np.modf(np.arange(1, terms.shape[1] + 1) * _GOLDEN)[0]
    _, first = np.unique(np.round(shares @ mixture, 9), return_index=True)
    result: Ints = first
    return result


def unshuffled(expected: Floats, slack: Floats, stated: Floats, bits: Floats) -> Floats:
    """Cut the bits of each line to what the other lines' results allow.

    Where the stated results of many other lines would fit a line as well as its own (grades, shares near 1), its own
    fitting says little. Shapes: one number a line.
    """
    n = len(expected)
    if n < 4:
        return bits
    order = np.sort(stated)
    near = np.searchsorted(order, expected + slack, "right") - np.searchsorted(order, expected - slack, "left") - 1
    near = np.maximum(near, 0)
    result: Floats = np.where(near > 0, np.minimum(bits, np.log2(n / np.maximum(near, 1))), bits)
    return result


def is_exact(difference: Floats, total: Floats, unit: Floats) -> Bools:
    """Tell where a difference is nothing but the error of floats."""
    result: Bools = difference <= 1e-9 * np.abs(total) + 1e-9 * unit
    return result
