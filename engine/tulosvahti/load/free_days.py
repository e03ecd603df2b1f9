"""The holidays of the country that the routes name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from tulosvahti.core.route import Routes


def free_days(routes: Routes, year: int) -> frozenset[date]:
    """Give the holidays of a year and of the one after it."""
    import holidays  # noqa: PLC0415 (only where mail goes out)

    found = holidays.country_holidays(routes.country, subdiv=routes.subdivision or None, years=(year, year + 1))
    return frozenset(found)
