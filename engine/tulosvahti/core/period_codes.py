"""Periods as statistical offices code them: ``2024``, ``2024H1``, ``2024Q1``, ``2024M03``, ``2024W05``, ``2024-07-26``.

A quarter is Q or, in the Nordic languages, K (kvartal); a week is W, V (vecka) or U (uke). A mark of a preliminary figure
may follow (``2024*``). What does not name one period for sure is none: ``202401`` is a month here and a week there.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from tulosvahti.core.period import Grain, containing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.period import Period

PRELIMINARY = "*"
"""What offices put behind the code or the name of a period whose figures are not final."""
_FORMS: tuple[tuple[str, Grain, Callable[[re.Match[str]], date]], ...] = (
    (r"(\d{4})", Grain.YEAR, lambda found: date(int(found[1]), 1, 1)),
    (r"(\d{4})-?H([12])", Grain.HALF_YEAR, lambda found: date(int(found[1]), int(found[2]) * 6 - 5, 1)),
    (r"(\d{4})-?[QK]([1-4])", Grain.QUARTER, lambda found: date(int(found[1]), int(found[2]) * 3 - 2, 1)),
    (r"(\d{4})(?:-?M|-)(\d{2})", Grain.MONTH, lambda found: date(int(found[1]), int(found[2]), 1)),
    (r"(\d{4})-?[WVU](\d{2})", Grain.WEEK, lambda found: date.fromisocalendar(int(found[1]), int(found[2]), 1)),
    (r"(\d{4})-(\d{2})-(\d{2})", Grain.DAY, lambda found: date(int(found[1]), int(found[2]), int(found[3]))),
    (r"(\d{4})M(\d{2})D(\d{2})", Grain.DAY, lambda found: date(int(found[1]), int(found[2]), int(found[3]))),
)
EXAMPLES = {
    Grain.YEAR: "2024",
    Grain.HALF_YEAR: "2024H1",
    Grain.QUARTER: "2024Q1 or 2024K1",
    Grain.MONTH: "2024M03",
    Grain.WEEK: "2024W05, 2024V05 or 2024U05",
    Grain.DAY: "2024-07-26",
}


def period_of_code(code: str) -> Period | None:
    """Give the one period that a code names; None where it names none, or not for sure."""
    body = code.strip().removesuffix(PRELIMINARY).rstrip()
    for form, grain, start in _FORMS:
        found = re.fullmatch(form, body, re.ASCII)
        if found:
            try:
                return containing(start(found), grain)
            except ValueError:
                return None
    return None


def in_order(codes: list[str]) -> list[str]:
    """Give codes from the oldest period to the newest; those of which one names no period stay as they are."""
    periods = [period_of_code(code) for code in codes]
    if any(period is None for period in periods):
        return list(codes)
    keys = {code: (period.start, period.end) for code, period in zip(codes, periods, strict=True) if period is not None}
    return sorted(codes, key=keys.__getitem__)
