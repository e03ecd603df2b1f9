"""Numbers as people print them, in a form nobody declared: every reading of a text, and the column's evidence.

Convention: a reading's ``unit`` is the unit of its last printed digit. A dash or a blank is no number, never 0. Where
one text has two readings (``1,234``), the column decides, then the table; a decision without evidence is said.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from tulosvahti.core.quantity import APOSTROPHES, MINUS, SPACES, last_digit_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Mark = Literal[".", ",", ""]

_CURRENCY = r"(?:[€$£¥]|US\$|EUR|USD|SEK|NOK|DKK|GBP|CHF|euroa|kr|mk|Fr\.|R\$|A\$|C\$)"
_FOOTNOTE = r"(?:\s*[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰ᵃᵇᶜ]+|\s+\(?[0-9a-z]\)|\s*\[[0-9a-z]{1,2}\]|\s+[pre])"
_FRAME = re.compile(
    rf"\s*(?P<open>\()?\s*(?P<sign>[-+])?\s*{_CURRENCY}?\s*(?P<open2>\()?(?P<sign2>[-+])?\s*"
    rf"(?P<body>[0-9.,'’ʼ{SPACES}]*[0-9][.,]?)(?:[eE](?P<power>[-+]?[0-9]{{1,3}}))?\s*(?P<percent>%)?\s*(?P<tail>-)?\s*(?P<close>\))?\s*"
    rf"{_CURRENCY}?\s*(?P<percent2>%)?\s*(?P<close2>\))?(?P<mark>{_FOOTNOTE})?\s*"
)
_NUMBERED = re.compile(r"(?<=\d)\s+[0-9]{1,2}\)$")
"""A footnote mark such as ``2)``, which otherwise reads as the figure's last digit and a lone parenthesis."""
_DASHES = frozenset("-–—‐‑.…:")
LONGEST = 40
"""No number is printed with more characters than this."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One reading of a text: ``value`` as printed (57 for ``57 %``), ``decimal`` and ``group`` the marks it takes.

    ``notes``: ``stray_space``, ``no_leading_digit``, ``footnote``, ``currency``: what was passed over.
    """

    value: Decimal
    unit: Decimal
    percent: bool = False
    decimal: Mark = ""
    group: str = ""
    notes: tuple[str, ...] = ()


def is_dash(text: str) -> bool:
    """Tell whether a text stands for "nothing here": a dash, dots."""
    stripped = text.strip()
    return bool(stripped) and all(c in _DASHES or c in MINUS for c in stripped)


@lru_cache(maxsize=65_536)
def readings(text: str) -> tuple[Printed, ...]:
    """Give every number that the text can be: none, one, or two where a lone comma or point may be either mark."""
    if not text or len(text) > LONGEST or not any(c.isdigit() for c in text):
        return ()
    for mark in MINUS:
        text = text.replace(mark, "-")
    found = _FRAME.fullmatch(text.replace("\t", " "))
    if found is None or not _ascii_digits(found["body"]):
        return ()
    opened, closed = bool(found["open"] or found["open2"]), bool(found["close"] or found["close2"])
    signs = [s for s in (found["sign"], found["sign2"], found["tail"]) if s]
    if closed and not opened and (numbered := _NUMBERED.search(text)):
        return tuple(replace(one, notes=("footnote", *one.notes)) for one in readings(text[: numbered.start()]))
    if opened != closed or len(signs) + opened > 1:
        return ()
    negative = opened or "-" in signs
    notes = ("footnote",) if found["mark"] else ()
    percent = bool(found["percent"] or found["percent2"])
    result = []
    for digits, decimal, group, extra in _bodies(found["body"].strip(SPACES)):
        value = Decimal(digits)
        if found["power"]:
            value = value.scaleb(int(found["power"]))
        value = -value if negative and value else value
        result.append(Printed(value, _unit(value), percent, decimal, group, (*notes, *extra)))
    return tuple(result)


def _ascii_digits(body: str) -> bool:
    return all(c.isascii() or not c.isdigit() for c in body)


def _unit(value: Decimal) -> Decimal:
    return last_digit_unit(value)


_Body = tuple[str, Mark, str, tuple[str, ...]]


def _bodies(body: str) -> list[_Body]:
    notes: tuple[str, ...] = ()
    loose = re.sub(rf"([.,])[{SPACES}]+(?=[0-9])", r"\1", body)
    if loose != body:
        body, notes = loose, ("stray_space",)
    wide = "".join(" " if c in SPACES else "'" if c in APOSTROPHES else c for c in body)
    if wide.isdigit():
        return [(wide, "", "", notes)]
    spaced = [mark for mark in (" ", "'") if mark in wide]
    points = [c for c in wide if c in ".,"]
    if len(spaced) > 1:
        return []
    if spaced:
        whole, mark, fraction = _split_last(wide, points)
        plain = _ungroup(whole, spaced[0])
        if plain is None or len(points) > 1 or (mark and not fraction.isdigit()):
            return []
        return [(f"{plain}.{fraction}" if mark else plain, mark, spaced[0], notes)]
    if len(points) == 1:
        return _lone_mark(wide, points[0], notes)
    if len(set(points)) == 1:
        plain = _ungroup(wide, points[0])
        return [] if plain is None else [(plain, "", points[0], notes)]
    last = points[-1]
    if points.count(last) > 1:
        return []
    whole, _, fraction = wide.rpartition(last)
    plain = _ungroup(whole, points[0])
    return [] if plain is None or not fraction.isdigit() else [(f"{plain}.{fraction}", _mark(last), points[0], notes)]


def _split_last(text: str, points: Sequence[str]) -> tuple[str, Mark, str]:
    if not points:
        return text, "", ""
    whole, mark, fraction = text.rpartition(points[-1])
    return whole, _mark(mark), fraction


def _mark(text: str) -> Mark:
    return "." if text == "." else ","


def _lone_mark(text: str, mark: str, notes: tuple[str, ...]) -> list[_Body]:
    whole, _, fraction = text.partition(mark)
    if not whole:
        return [(f"0.{fraction}", _mark(mark), "", (*notes, "no_leading_digit"))]
    if not fraction:
        return [(whole, _mark(mark), "", notes)] if mark == "." else []
    as_decimal: _Body = (f"{whole}.{fraction}", _mark(mark), "", notes)
    if len(fraction) != 3 or len(whole) > 3 or whole.startswith("0"):
        return [as_decimal]
    return [as_decimal, (whole + fraction, "", mark, notes)]


def _ungroup(text: str, mark: str) -> str | None:
    """Join groups of three digits; None where they are not."""
    first, *rest = text.split(mark)
    if not rest:
        return first if first.isdigit() else None
    if not 1 <= len(first) <= 3 or not first.isdigit() or first == "0":
        return None
    if any(len(part) != 3 or not part.isdigit() for part in rest):
        return None
    return first + "".join(rest)


@dataclass(frozen=True)
class ColumnReading:
    """A column's texts as numbers, in order; None is no number.

    ``decimal``: the column's decimal mark as its evidence has it. ``guessed``: positions whose two readings nothing
    decides. ``odd``: positions whose mark differs from the column's.
    """

    numbers: tuple[Printed | None, ...]
    decimal: Mark
    guessed: tuple[int, ...] = ()
    odd: tuple[int, ...] = ()


def evidence(texts: Iterable[str]) -> Counter[Mark]:
    """Count the decimal marks that texts with only one reading show; a comma that groups speaks for the point."""
    votes: Counter[Mark] = Counter()
    for text in texts:
        found = readings(text)
        if len(found) != 1:
            continue
        if found[0].decimal:
            votes[found[0].decimal] += 1
        elif found[0].group in {".", ","}:
            votes["," if found[0].group == "." else "."] += 1
    return votes


def read_column(texts: Sequence[str], table: Counter[Mark] | None = None) -> ColumnReading:
    """Read a column's texts, each as it stands alone where it can be read in one way only.

    ``table``: the evidence of the whole table, asked where the column itself is silent.
    """
    votes = evidence(texts)
    decimal = _winner(votes) or _winner(table or Counter()) or _by_digits(texts)
    guessed: list[int] = []
    odd: list[int] = []
    numbers: list[Printed | None] = []
    for place, text in enumerate(texts):
        found = readings(text)
        if len(found) == 2:
            mark = found[0].decimal
            if not decimal:
                guessed.append(place)
            # Nothing decides: a comma before three digits is taken for thousands, a point for the decimal mark.
            as_decimal = mark == (decimal or ".")
            numbers.append(found[0] if as_decimal else found[1])
        else:
            numbers.append(found[0] if found else None)
            if found and found[0].decimal and votes and found[0].decimal != decimal:
                odd.append(place)
    return ColumnReading(tuple(numbers), decimal, tuple(guessed), tuple(odd))


def _winner(votes: Counter[Mark]) -> Mark:
    if votes["."] == votes[","]:
        return ""
    return "." if votes["."] > votes[","] else ","


def _by_digits(texts: Sequence[str]) -> Mark:
    """Decide a column of ``1.234`` and the like by what stands beside it without a mark."""
    plain = [text.strip() for text in texts if len(readings(text)) == 1]
    doubtful = {found[0].decimal for text in texts if len(found := readings(text)) == 2}
    if len(doubtful) != 1 or not plain:
        return ""
    mark = doubtful.pop()
    longest = max((len(text.lstrip("-(").rstrip(")%")) for text in plain), default=0)
    # 1500 printed without a mark: the mark does not part thousands. Only 999 and less without one: it does.
    other: Mark = "," if mark == "." else "."
    return mark if longest > 3 else other


def scaled(number: Printed, factor: Decimal) -> Printed:
    """Give the number in another unit of measure."""
    return replace(number, value=number.value * factor, unit=number.unit * factor)
