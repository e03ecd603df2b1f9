"""A line's words at its right end that can be numbers, and which runs of them are one number.

Convention: characters and words count from 0, ends exclusive. A number's first group has one to three digits and no
leading zero, every further group exactly three; values are integers in units of the table's last decimal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from tulosvahti.core.quantity import APOSTROPHES, MINUS, SPACES

Gap = Literal["none", "plain", "wide", "narrow"]
"""What stands before a word: nothing, one plain space, two or more (or a tab), or one no-break or thin space."""

BLANK_MARKS = frozenset({"-", "–", "—", "−", "..", "...", "…", "."})
"""Words that stand for an empty cell where they stand alone; never zero."""
LONGEST_NUMBER = 8
"""Words of the longest number tried: five groups with a currency, a percent sign and a footnote mark."""
LONGEST_LABEL = 140
MOST_LABEL_WORDS = 16
YEARS = range(1900, 2101)

_SIGN = rf"[-+{MINUS}]"
_MARK = r"(?:[*†]+|[¹²³⁴⁵⁶⁷⁸⁹]+|\d\))"
_NUMBER = re.compile(
    rf"""(?P<open>\(\s?)?(?P<sign>{_SIGN})?(?:[€$£]\s?)?(?P<open2>\()?
    (?P<whole>0
      |[1-9][0-9]{{0,2}}(?:\s[0-9]{{3}})+
      |[1-9][0-9]{{0,2}}(?P<group>[.,{APOSTROPHES}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*
      |[1-9][0-9]*)
    (?:[.,](?P<part>[0-9]+))?
    (?P<after>[-{MINUS}])?\s?%?(?P<close>\s?\))?(?:\s?[%€])?(?:\s?{_MARK})?""",
    re.VERBOSE,
)
_GROUP = re.compile(rf"[0-9]{{3}}(?:[.,][0-9]+)?[-{MINUS}]?[%€]?\)?[%€]?{_MARK}?")
_HEAD = re.compile(rf"\(?{_SIGN}?[€$£]?\(?[1-9][0-9]{{0,2}}")
_ODD = re.compile(r"0[0-9]?")
_GLUE = re.compile(rf"[%€$£()]|{_MARK}")
_DIGITS = re.compile(r"[0-9]+")
_GROUPED = re.compile(
    rf"{_SIGN}?\(?[1-9][0-9]{{0,2}}(?P<group>[.,{APOSTROPHES}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*\b.*"
)
_LAST = "-–—−.…)%€*†¹²³⁴⁵⁶⁷⁸⁹"
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without a space, where it stands in its line, and what parts it from the word before."""

    text: str
    start: int
    end: int
    gap: Gap


@dataclass(frozen=True, slots=True)
class Row:
    """A line that ends in numbers: ``label`` before them, ``words`` that can be numbers; ``line`` in the page.

    ``carried``: lines above or below that hold the rest of the label. ``doubtful``: the label ends in digits that can
    begin no number, a code or a torn number.
    """

    line: int
    text: str
    label: str
    words: tuple[Word, ...]
    carried: tuple[int, ...] = ()
    doubtful: bool = False

    def cell(self, start: int, end: int) -> str:
        """Give the text of some of the words as it is printed."""
        return self.text[self.words[start].start : self.words[end - 1].end]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it was read: ``digits`` without its ``decimals``' mark, signed."""

    digits: int
    decimals: int


@lru_cache(maxsize=65_536)
def figure(text: str) -> Figure | None:
    """Read one number that is whole in itself; None where the text is not one."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    opened = bool(found["open"] or found["open2"])
    if opened != bool(found["close"]):
        return None
    signs = [s for s in (found["sign"], found["after"]) if s]
    if len(signs) + opened > 1:
        return None
    part = found["part"] or ""
    digits = int("".join(_DIGITS.findall(found["whole"])) + part)
    negative = opened or any(s != "+" for s in signs)
    return Figure(-digits if negative else digits, len(part))


def is_number(word: str) -> bool:
    """Tell whether one word is a whole number."""
    return figure(word) is not None


def is_year(word: str) -> bool:
    """Tell whether a word is a year, as a header or a label has it."""
    digits = word.rstrip("*")
    return len(digits) == 4 and digits.isdecimal() and int(digits) in YEARS


def only_continues(word: str) -> bool:
    """Tell whether a word can only be a later group of a number: ``000``, ``060``."""
    return word.startswith("0") and _GROUP.fullmatch(word) is not None and not word.startswith(("0,", "0."))


def continues(word: str) -> bool:
    """Tell whether a word can be a later group of a number."""
    return _GROUP.fullmatch(word) is not None


def marks_thousands(word: str) -> bool:
    """Tell whether a word groups its own digits: ``14,060,741``, ``1'234``."""
    return _GROUPED.fullmatch(word) is not None and is_number(word)


def words_of(text: str) -> list[Word]:
    """Cut a line at its spaces."""
    result: list[Word] = []
    last = 0
    for found in _WORD.finditer(text):
        between = text[last : found.start()]
        gap: Gap = "plain"
        if not result:
            gap = "none"
        elif len(between) > 1 or between == "\t":
            gap = "wide"
        elif between != " " and between in SPACES + "\u2005\u2006\u2008\u200a":
            gap = "narrow"
        result.append(Word(found[0], found.start(), found.end(), gap))
        last = found.end()
    return result


def read_row(line: int, text: str) -> Row | None:
    """Read a line that ends in numbers; None for any other, prose that ends in one by chance among them."""
    stripped = text.rstrip()
    if not stripped or not (stripped[-1].isdigit() or stripped[-1] in _LAST):
        return None
    words = words_of(text)
    first = len(words)
    while first and _in_tail(words[first - 1].text):
        first -= 1
    while first < len(words) and not _can_start(words[first].text):
        first += 1
    tail = words[first:]
    numbers = [w for w in tail if any(c.isdigit() for c in w.text) and not _GLUE.fullmatch(w.text)]
    marks = [w for w in tail if w.text in BLANK_MARKS]
    if not numbers and len(marks) < 2:
        return None
    label = text[: tail[0].start].strip()
    if len(tail) == 1 and (not label or is_year(tail[0].text)):
        return None
    if len(label) > LONGEST_LABEL or first > MOST_LABEL_WORDS:
        return None
    doubtful = first > 0 and words[first - 1].text.isdecimal()
    return Row(line, text, label, tuple(tail), doubtful=doubtful)


def _in_tail(word: str) -> bool:
    return (
        word in BLANK_MARKS
        or is_number(word)
        or any(form.fullmatch(word) for form in (_GROUP, _HEAD, _GLUE, _ODD))
    )


def _can_start(word: str) -> bool:
    return word in BLANK_MARKS or word in "($€£" or is_number(word) or _HEAD.fullmatch(word) is not None


def absorb(row: Row, count: int) -> Row:
    """Give the row with its first words left to the label."""
    if not count:
        return row
    label = row.text[: row.words[count].start].strip() if count < len(row.words) else row.text.strip()
    return replace(row, label=label, words=row.words[count:])


def split_by_kerning(words: tuple[Word, ...]) -> Figure | None:
    """Read words as the digits of one number that its letter-spacing tore apart: ``54 0 0``."""
    texts = [w.text for w in words]
    sign = texts[0][:1] if texts[0][:1] in f"-{MINUS}" else ""
    parts = [texts[0][len(sign) :], *texts[1:]]
    if len(parts) < 2 or not all(p.isdecimal() for p in parts) or parts[0].startswith("0"):
        return None
    digits = int("".join(parts))
    return Figure(-digits if sign else digits, 0)


def dash_before(words: tuple[Word, ...]) -> Figure | None:
    """Read a minus that stands apart from its number: ``- 40 100``."""
    if words[0].text not in {"-", "−", "–"} or len(words) < 2:
        return None
    found = figure(" ".join(w.text for w in words[1:]))
    return None if found is None or found.digits <= 0 else Figure(-found.digits, found.decimals)


def glued(word: str) -> bool:
    """Tell whether a word belongs to the number before it: a percent sign, a footnote mark."""
    return word in "%€)" or (_GLUE.fullmatch(word) is not None and word not in "($£")
