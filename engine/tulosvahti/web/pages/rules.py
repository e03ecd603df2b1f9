"""The rule files: read, linted, and tried out edited, without saving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti import wiring
from tulosvahti.core.role import Deed
from tulosvahti.emit.told import told
from tulosvahti.store.ledger import RunState
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.past import run_or_refusal
from tulosvahti.web.views.comparison import compare
from tulosvahti.wiring import rehearsal

if TYPE_CHECKING:
    from starlette.responses import Response

    from tulosvahti.problem import Problem


MANY = 60
"""Newest runs among which the inputs can be chosen."""


def rules(page: Page) -> Response:
    """List the files with their rules and problems."""
    project = page.project
    files = [
        {
            "name": name,
            "rules": [rule for rule in project.rules if rule.place.file == f"rules/{name}"],
            "problems": sum(problem.place.file == f"rules/{name}" for problem in project.problems),
        }
        for name in rehearsal.rule_files(project)
    ]
    return page.show("rules.html.j2", page.say("web.rules.title"), files=files)


def file(page: Page) -> Response:
    """Show one file to read and to try out."""
    text = _text(page)
    problems = [problem for problem in page.project.problems if problem.place.file == f"rules/{page.part('file')}"]
    return _shown(page, text, problems)


def rehearse(page: Page) -> Response:
    """Lint the edited text, or judge with it; nothing is saved."""
    saved = _text(page)
    text = page.form.get("text", "").replace("\r\n", "\n")
    if len(text) > rehearsal.LONGEST:
        raise page.refused("web.rules.too_long", longest=rehearsal.LONGEST)
    judged = page.field("do") == "judge"
    run = page.field("run")
    past = run_or_refusal(page, run) if run and judged else None
    newest = page.ledger.newest_as_of() or wiring.default_as_of(page.project, page.now)
    with page.house.computing():
        tried = rehearsal.rehearse(page.project, page.part("file"), text, newest, judged=judged, past=past)
    found = None
    if tried.before is not None and tried.after is not None:
        known = {rule.id: rule.inputs for rule in page.project.rules}
        found = compare(tried.before, tried.after, page.language, lambda rule: known.get(rule, ()))
    return _shown(
        page, text, list(tried.problems), found=found, tried=True, judged=judged, edited=text != saved, run=run, gone=tried.gone,
        as_of=page.day(past.as_of if past is not None else newest),
    )  # fmt: skip


def _text(page: Page) -> str:
    text = rehearsal.rule_text(page.project, page.part("file"))
    if text is None:
        raise page.missing("web.rules.no_file", file=page.part("file"))
    return text


def _shown(page: Page, text: str, problems: list[Problem], **more: Any) -> Response:  # noqa: ANN401
    said = [
        {
            "place": str(item.place), "message": told(item.message, page.language), "allowed": told(item.allowed, page.language),
            "next_step": told(item.next_step, page.language),
        }
        for item in problems
    ]  # fmt: skip
    view = {"found": None, "tried": False, "judged": False, "as_of": "", "edited": False, "run": "", "gone": (), **more}
    name = page.part("file")
    view["runs"] = [
        (item.id, page.say("web.rules.of_run", run=item.id, day=page.day(item.as_of)))
        for item in page.ledger.runs(MANY)
        if item.state is RunState.DONE
    ]
    return page.show("rules_file.html.j2", name, name=name, text=text, problems=said, lines=min(max(text.count("\n") + 2, 12), 40), **view)


PAGES = (
    PageAt("/rules", rules, menu="web.nav.rules"),
    PageAt("/rules/{file}", file),
    PageAt("/rules/{file}", rehearse, method="POST", deed=Deed.AUDIT),
)
