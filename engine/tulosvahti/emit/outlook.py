"""The forecast of an indicator beside its verdicts: for its chart, and in words."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.forecast import Forecast, Series, forecast
from tulosvahti.core.period import read_period
from tulosvahti.core.quantity import decimal_of, plain_decimal
from tulosvahti.core.verdict import Word
from tulosvahti.emit.words import number, quantity, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from tulosvahti.core.period import Period
    from tulosvahti.emit.stored import Stored

Band = tuple[tuple[str, float, float, float], ...]
"""Label, least, likeliest and greatest value."""
_PLACES = 12


def outlook(
    stored: Stored, verdicts: Iterable[Mapping[str, Any]], values: Mapping[str, Fraction], then: Mapping[str, Fraction]
) -> Forecast | None:
    """Say where the open period of a rule and subject may end; None where nothing can be said.

    ``verdicts`` are those of the rule and subject. ``values``: what the run measured, by period. ``then``: what was known by
    the same day of the years before.
    """
    judged = {read_period(item["period"]): item for item in verdicts if item["period"]}
    open_now = next((period for period in judged if period.contains(stored.as_of)), None)
    if open_now is None or judged[open_now]["verdict"] == Word.UNKNOWN:
        return None
    accumulates = stored.accumulates(judged[open_now]["rule"])
    if accumulates is None:
        return None
    loose = {period for period, item in judged.items() if item["provisional"] or item["verdict"] == Word.UNKNOWN} - {open_now}
    known = _by_period(values)
    kept = {period: value for period, value in known.items() if period not in loose}
    return forecast(Series(kept, _by_period(then), accumulates, judged[open_now]["unit"] == "percent"), open_now, stored.as_of)


def _by_period(values: Mapping[str, Fraction]) -> dict[Period, Fraction]:
    return {read_period(period): value for period, value in values.items() if period}


def outlook_text(found: Forecast | None, unit: str, language: str) -> str:
    """Say a forecast, how it was made and how sure it is; nothing where there is none."""
    if found is None:
        return ""
    width = decimal_of(found.high - found.low, _PLACES)
    # Two figures of the band's width are as many as a forecast bears; whole numbers are kept whole.
    step = Decimal(1).scaleb(min(width.adjusted() - 1, 0) if width else -2)

    def told(value: Fraction, rounding: str) -> str:
        return quantity(plain_decimal(decimal_of(value, _PLACES).quantize(step, rounding)), unit, language)

    return word(
        f"ui.forecast.{found.way}", language, period=found.period.key, value=told(found.value, ROUND_HALF_EVEN),
        low=told(found.low, ROUND_FLOOR), high=told(found.high, ROUND_CEILING), count=found.tried,
        share=f"{number(decimal_of(100 * found.share, 0), language)}\u00a0%",
    )  # fmt: skip


def band_after(found: Forecast | None, values: Mapping[str, Fraction]) -> Band:
    """Give the band of a chart of periods: from the last period that has ended to the open one."""
    if found is None:
        return ()
    ended = max((period for period in values if read_period(period) < found.period), default=None)
    return band(found, *([(ended, float(values[ended]))] if ended else []), end=found.period.key)


def band(found: Forecast, *known: tuple[str, float], end: str) -> Band:
    """Give what a chart draws: from the last ``known`` label and value to the forecast at the ``end``."""
    return (*((label, value, value, value) for label, value in known), (end, float(found.low), float(found.value), float(found.high)))
