"""Numbers of typed cells, and texts that are numbers.

Convention: a number travels as decimal text of at most 15 significant digits, which is what a spreadsheet keeps.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from tulosvahti.load.sheets.number_format import plain

_WHOLE = re.compile(r"-?\d{1,300}")
_SHORT = re.compile(r"-?\d{1,15}(?:\.\d{1,14})?")
_EXACT = 16
_LONG = 60
_TEXT = re.compile(
    r"'?\s*[-+−–(]?\s*[€$£]?\s*"
    r"(?:0|[1-9]\d*|[1-9]\d{0,2}(?:([ \u00a0\u202f\u2009.,'’])\d{3})(?:\1\d{3})*)?(?:(?<=\d)|(?=[.,]))(?:[.,]\d+)?"
    r"\s*[%€$£)]?-?\s*",
)
_DIGIT = re.compile(r"\d")
_LEAP = 60
_DAY = 86_400


def stored(text: str) -> str | None:
    """Give the number of a stored text (``0.56999999999999995`` is 0.57); None where it is none."""
    if len(text) < _EXACT and _SHORT.fullmatch(text):
        return text
    if _WHOLE.fullmatch(text):
        return text
    try:
        number = float(text)
    except ValueError:
        return None
    return of_float(number) if "_" not in text else None


def of_float(number: float) -> str | None:
    """Give a binary number as a spreadsheet shows it, to 15 digits; None for what is no number."""
    return f"{number:.15g}" if math.isfinite(number) else None


def is_numeral(text: str) -> bool:
    """Tell a number that is stored as text; codes with leading zeros, dates and phrases are none."""
    if len(text) > _LONG or not _DIGIT.search(text):
        return False
    return ("(" in text) == (")" in text) and _TEXT.fullmatch(text) is not None


def moment(number: str, code: str, *, from_1904: bool) -> str | None:
    """Write a date, time or duration that is stored as a number of days; None where it is out of range.

    ``code`` says what is shown: years alone give ``2024``, years and months ``2024-01``, else ISO 8601.
    """
    try:
        days = float(number)
    except ValueError:
        return None
    if not math.isfinite(days) or not 0 <= days < 2_958_466:  # noqa: PLR2004 - 9999-12-31
        return None
    marks = re.sub(r'"[^"]*"|\\.|[_*].|\[\$[^\]]*\]|AM/PM|A/P', "", code).lower()
    seconds = round((days % 1) * _DAY)
    if "[" in marks and re.search(r"\[[hms]+\]", marks):
        return _clock(int(days) * _DAY + seconds)
    timed = "h" in marks or "s" in marks
    dated = "y" in marks or "d" in marks or not timed
    if not dated:
        return _clock(seconds)
    day = _day(int(days), from_1904=from_1904)
    if timed:
        # The last half second of a day is the next day's first.
        return f"{_day(int(days) + seconds // _DAY, from_1904=from_1904)} {_clock(seconds % _DAY)}"
    if "d" in marks:
        return day
    return day[:7] if "m" in marks else day[:4]


def _day(days: int, *, from_1904: bool) -> str:
    if from_1904:
        return (datetime(1904, 1, 1) + timedelta(days)).date().isoformat()  # noqa: DTZ001 - a date has no zone
    if days == _LEAP:
        return "1900-02-29"  # Excel counts a day that never was
    return (datetime(1899, 12, 31 if days < _LEAP else 30) + timedelta(days)).date().isoformat()  # noqa: DTZ001


def _clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"


__all__ = ["is_numeral", "moment", "of_float", "plain", "stored"]
