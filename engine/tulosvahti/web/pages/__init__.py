"""Every page of the dashboard, in the order of its navigation. A new page is one module and one line here."""

from tulosvahti.web.page import PageAt
from tulosvahti.web.pages import (
    about,
    alerts,
    audit,
    compare,
    deliveries,
    findings,
    indicator,
    link,
    overview,
    people,
    problems,
    rules,
    runs,
    signing,
    start,
    values,
    values_import,
)

PAGES: tuple[PageAt, ...] = (
    *start.PAGES,
    *overview.PAGES,
    *indicator.PAGES,
    *compare.PAGES,
    *findings.PAGES,
    *alerts.PAGES,
    *deliveries.PAGES,
    *values.PAGES,
    *values_import.PAGES,
    *audit.PAGES,
    *runs.PAGES,
    *rules.PAGES,
    *problems.PAGES,
    *people.PAGES,
    *link.PAGES,
    *signing.PAGES,
    *about.PAGES,
)
