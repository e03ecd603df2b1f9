"""Comparing: subjects of an indicator, agencies with the same indicator, years of a section, centres and headings of the appropriation table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.emit.report import verdict_view
from tulosvahti.store import looking
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.past import newest_run
from tulosvahti.web.views.compared import by_agency, by_heading, by_subject, by_year, comparable, shared
from tulosvahti.web.views.matrix import choices, section_key

if TYPE_CHECKING:
    from starlette.responses import Response

MULTIPLES = 24
"""Charts of subjects on one page."""


def compare(page: Page) -> Response:
    """Show one comparison: of an indicator's subjects, a table's headings or agencies, else of the years of a section."""
    stored = newest_run(page)
    title = page.say("web.compare.title")
    if stored is None:
        return page.show("compare.html.j2", title, none_yet=True)
    language = page.language
    subjects = comparable(stored, language)
    rule = page.asked("rule", allowed=[name for name, _ in subjects])
    common = shared(stored, language)
    agencies = "" if rule else page.asked("agencies", allowed=list(common))
    rules = common[agencies][1] if agencies else {}
    sections = choices(stored, language)["section"]
    section = page.asked("section", sections[0][0] if sections else "", [key for key, _ in sections])
    mine = [item for item in stored.verdicts if item["rule"] == rule]
    tabled = next((item for item in mine if isinstance(item["evidence"].get("table"), dict)), None)
    names = list(dict.fromkeys(item["rule"] for item in stored.verdicts if section_key(item) == section and item["kind"] == "target"))
    run = int(stored.run["id"])
    with page.ledger.transaction(reading=True) as connection:
        of_rule = looking.measured(connection, rule, run) if rule and tabled is None else []
        of_agencies = {name: looking.measured(connection, name, run) for name in rules.values()}
        of_section = {} if rule or agencies else {name: looking.measured(connection, name, run) for name in names}
    return page.show(
        "compare.html.j2",
        title,
        none_yet=False,
        run=stored.run,
        as_of=page.day(stored.as_of),
        subjects=subjects,
        sections=sections,
        section=section,
        rule=rule,
        common=[(name, title) for name, (title, _) in common.items()],
        agencies=agencies,
        of_subjects=by_subject(stored, rule, of_rule, page.asked("period"), language) if rule and tabled is None
        else by_agency(stored, rules, of_agencies, page.asked("period"), language) if agencies else None,
        of_table=by_heading(tabled, page.asked("heading"), language) if tabled is not None else None,
        table=verdict_view(tabled, stored, language)["table"] if tabled is not None else None,
        of_years=by_year(stored, of_section, language) if not rule and not agencies else None,
        multiples=MULTIPLES,
    )


PAGES = (PageAt("/compare", compare, menu="web.nav.compare"),)
