"""Runs: judge, publish, write the report, send or write the mails."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti import __version__
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.report import render
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.lock import RunLock
from tulosvahti.wiring.alerts import alert, mails_of
from tulosvahti.wiring.base import now, open_ledger, state_folder
from tulosvahti.wiring.mail import deliver

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from tulosvahti.core.verdict import Outcome
    from tulosvahti.load.project import Project


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    outcome: Outcome
    json: str
    report: Path
    mails: tuple[Path, ...]
    sent: int
    troubles: tuple[str, ...] = ()


def run_once(  # noqa: PLR0913 (each is one choice of the caller)
    project: Project,
    as_of: date,
    *,
    rules: str = "*",
    expectations: bool = True,
    alerts: bool = True,
    clock: Callable[[], datetime] = now,
    slot: datetime | None = None,
) -> Done:
    """Run everything once: judge, publish, write the report, send or write the mails.

    Raises:
        LockedError: another run is under way in this project.

    """
    folder = state_folder(project)
    with ExitStack() as stack:
        stack.enter_context(RunLock(folder / "run.lock"))
        ledger = stack.enter_context(closing(open_ledger(project)))
        started = clock()
        run = ledger.start_run(
            as_of, started, project.rules_sha256, __version__, forced_rules="" if rules == "*" else rules, slot=slot
        )
        work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        docs = folder / "data-docs" if project.config.data_docs else None
        before = Before(ledger.open_findings(), ledger.previous_verdicts(), ledger.newest_as_of())
        try:
            request = Request(run, as_of, rules, expectations, work, docs)
            outcome = evaluate(project, request, before, InputStore(project.root).keep)
            found = alert(project, ledger, outcome, started)
            mails, troubles = mails_of(project, outcome, found, started) if alerts else ([], [])
            text = to_json(outcome)
            ledger.publish(outcome, clock(), mails, text, found.moved)
        except BaseException as error:
            ledger.fail_run(run, clock(), str(error) or type(error).__name__)
            raise
        report = _report(project, outcome, folder, docs)
        delivered = deliver(project, ledger, clock)
        return Done(outcome, text, report, delivered.written, delivered.sent, (*troubles, *delivered.troubles))


def _report(project: Project, outcome: Outcome, folder: Path, docs: Path | None) -> Path:
    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    index = docs / "index.html" if docs else None
    link = f"../data-docs/{index.name}" if index is not None and index.exists() else None
    for language in reversed(project.config.languages):
        html = render(outcome, project.agreements, project.config.languages, language, link, folder / "pictures")
        path = reports / f"run-{outcome.run}.{language}.html"
        path.write_text(html, encoding="utf-8")
        (reports / f"latest.{language}.html").write_text(html, encoding="utf-8")
    return reports / f"run-{outcome.run}.{project.config.languages[0]}.html"


def stored_json(project: Project, run: int | None) -> str | None:
    """Give the JSON of a run as it was published; None where there is no such run."""
    with closing(open_ledger(project)) as ledger:
        name = str(run) if run is not None else next((item.id for item in ledger.runs() if item.state == "done"), None)
        return ledger.outcome_json(name) if name is not None else None


def last_slot(project: Project) -> datetime | None:
    """Give the newest night that was run; None before the first."""
    with closing(open_ledger(project)) as ledger:
        return ledger.last_slot()
