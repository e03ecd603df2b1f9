"""Formulas of a workbook as equations of cells: what ``bench/workbooks.py`` holds the audit against.

Read: sums of cells and ranges, chains of + and - with parentheses, ``AVERAGE``, ``A/B``, ``(A-B)/B``, ``A/B-1`` (also
times 100, and any of them inside ``ROUND``), a bare reference; on the formula's own sheet. A formula without any cell
(``=200+35``) is a typed number. Anything else is "other". Rows and columns count from 0.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

Position = tuple[int, int]
Linear = Counter[Position]
"""How often each cell is counted."""
_TOKEN = re.compile(
    r"\s*(?:(?P<cell>\$?[A-Za-z]{1,3}\$?\d+(?::\$?[A-Za-z]{1,3}\$?\d+)?)(?![\w!(.])|(?P<name>[A-Za-z_.]+)(?=\()|"
    r"(?P<number>\d+(?:\.\d+)?%?)|(?P<sign>[-+*/(),;]))"
)
MOST_CELLS = 100_000


@dataclass(frozen=True)
class Formula:
    """``kind``: sum (at least two cells, once each, with signs), average, share, relative_change, copy, typed or other.

    ``terms``: cells with their weights, in the order of the formula; of a relative change (from, to) as the audit has
    it.
    """

    kind: str
    terms: tuple[tuple[Position, int], ...] = ()


OTHER = Formula("other")


class _NotReadError(Exception):
    """A formula of another shape."""


def formula_of(text: str) -> Formula:
    """Read a formula, with or without its ``=``."""
    try:
        tokens = _unwrapped(_tokens(text.lstrip("= ")))
        if all(group in {"number", "sign"} for group, _ in tokens):
            return Formula("typed")
        average = _averaged(tokens)
        if average is not None:
            return average
        parts = _split(tokens)
        if parts is not None:
            return _quotient(*parts)
        linear = _linear(tokens)
    except _NotReadError:
        return OTHER
    if len(linear) == 1 and set(linear.values()) <= {1, -1}:
        return Formula("copy", tuple(linear.items()))
    if len(linear) < 2 or set(map(abs, linear.values())) != {1}:
        return OTHER
    return Formula("sum", tuple(linear.items()))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _NotReadError
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    return tokens


def _unwrapped(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Take off parentheses around everything, ``ROUND(..., n)``, and ``*100`` after a division."""
    while tokens:
        if tokens[0][1].upper() == "ROUND" and _closing(tokens, 1) == len(tokens) - 1 and tokens[-3][1] in {",", ";"}:
            tokens = tokens[2:-3]
        elif tokens[0][1] == "(" and _closing(tokens, 0) == len(tokens) - 1:
            tokens = tokens[1:-1]
        elif tokens[0][1] == "+":
            tokens = tokens[1:]
        elif [text for _, text in tokens[-2:]] == ["*", "100"] and any(text == "/" for _, text in tokens):
            tokens = tokens[:-2]
        else:
            break
    return tokens


def _cells(text: str) -> list[Position]:
    ends = [_position(part) for part in text.replace("$", "").split(":")]
    (top, left), (bottom, right) = ends[0], ends[-1]
    if (bottom - top + 1) * (right - left + 1) > MOST_CELLS:
        raise _NotReadError
    return [(r, c) for r in range(min(top, bottom), max(top, bottom) + 1) for c in range(min(left, right), max(left, right) + 1)]


def _position(name: str) -> Position:
    letters = name.rstrip("0123456789")
    column = 0
    for letter in letters.upper():
        column = 26 * column + ord(letter) - 64
    return int(name[len(letters) :]) - 1, column - 1


def _closing(tokens: list[tuple[str, str]], opening: int) -> int:
    depth = 0
    for k in range(opening, len(tokens)):
        depth += (tokens[k][1] == "(") - (tokens[k][1] == ")")
        if not depth:
            return k
    raise _NotReadError


def _linear(tokens: list[tuple[str, str]], sign: int = 1) -> Linear:
    """Add up a chain of + and -; commas part the arguments of SUM and add up too."""
    result: Linear = Counter()
    k, turn = 0, sign
    wanted = True
    while k < len(tokens):
        group, text = tokens[k]
        if group == "sign" and text in "+-":
            turn = turn * (-1 if text == "-" else 1) if wanted else sign * (-1 if text == "-" else 1)
            wanted = True
        elif not wanted:
            raise _NotReadError
        elif group == "cell" and ":" not in text:
            result[_position(text.replace("$", ""))] += turn
            wanted = False
        elif group == "name" and text.upper() == "SUM":
            end = _closing(tokens, k + 1)
            _add(result, _summed(tokens[k + 2 : end]), turn)
            k, wanted = end, False
        elif text == "(":
            end = _closing(tokens, k)
            _add(result, _linear(tokens[k + 1 : end]), turn)
            k, wanted = end, False
        else:
            raise _NotReadError
        k += 1
    if wanted:
        raise _NotReadError
    return Counter({cell: n for cell, n in result.items() if n})


def _add(result: Linear, part: Linear, turn: int) -> None:
    for cell, n in part.items():
        result[cell] += turn * n


def _summed(tokens: list[tuple[str, str]]) -> Linear:
    """Add up the arguments of SUM: ranges, cells, chains."""
    result: Linear = Counter()
    argument: list[tuple[str, str]] = []
    depth = 0
    for token in [*tokens, ("sign", ",")]:
        depth += (token[1] == "(") - (token[1] == ")")
        if token[1] not in {",", ";"} or depth:
            argument.append(token)
            continue
        if len(argument) == 1 and argument[0][0] == "cell":
            for cell in _cells(argument[0][1]):
                result[cell] += 1
        elif argument:
            _add(result, _linear(argument), 1)
        argument = []
    return result


def _averaged(tokens: list[tuple[str, str]]) -> Formula | None:
    if not tokens or tokens[0][1].upper() != "AVERAGE" or _closing(tokens, 1) != len(tokens) - 1:
        return None
    linear = _summed(tokens[2:-1])
    return Formula("average", tuple(linear.items())) if set(linear.values()) == {1} else OTHER


def _split(tokens: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]] | None:
    """Cut at the only division outside parentheses."""
    depth, cuts = 0, []
    for k, (_, text) in enumerate(tokens):
        depth += (text == "(") - (text == ")")
        if text in "*/" and not depth:
            cuts.append(k)
    if len(cuts) != 1 or tokens[cuts[0]][1] != "/":
        return None
    return tokens[: cuts[0]], tokens[cuts[0] + 1 :]


def _quotient(over: list[tuple[str, str]], under: list[tuple[str, str]]) -> Formula:
    less_one = [text for _, text in under[-2:]] == ["-", "1"]
    below = _linear(under[:-2] if less_one else under)
    above = _linear(over)
    if len(below) != 1 or set(below.values()) != {1}:
        return OTHER
    start = next(iter(below))
    ends = [cell for cell, n in above.items() if n == 1]
    if len(above) == 1 and ends:
        kind = "relative_change" if less_one else "share"
        return Formula(kind, ((start, 1), (ends[0], 1)) if less_one else ((ends[0], 1), (start, 1)))
    if len(above) == 2 and len(ends) == 1 and above[start] == -1 and not less_one:
        return Formula("relative_change", ((start, 1), (ends[0], 1)))
    return OTHER
