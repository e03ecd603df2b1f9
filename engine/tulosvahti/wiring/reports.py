"""Reports of stored runs, in the forms that are files of their own."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.period import read_period
from tulosvahti.emit.stored import Point, Stored
from tulosvahti.store import looking
from tulosvahti.store.files import write_atomically
from tulosvahti.wiring.base import open_ledger, state_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger

_SHOWN = timedelta(days=60)


def newest_done(project: Project) -> int | None:
    """Give the number of the newest run that was done."""
    with closing(open_ledger(project)) as ledger:
        return ledger.newest_done()


def stored_json(project: Project, run: int | None) -> str | None:
    """Give the JSON of a run as it was published; None where there is no such run."""
    with closing(open_ledger(project)) as ledger:
        name = run if run is not None else ledger.newest_done()
        return ledger.outcome_json(str(name)) if name is not None else None


def make_report(project: Project, run: int | None, form: str, language: str) -> tuple[str, bytes] | None:
    """Make a report of a run, as it was judged; give the run's number too; None where there is no such run.

    ``form`` is ``html``, ``pdf``, ``xlsx``, ``docx`` or ``csv``.

    Raises:
        ModuleNotFoundError: what the form needs is not installed.

    """
    with closing(open_ledger(project)) as ledger:
        name = run if run is not None else ledger.newest_done()
        stored = read_stored(ledger, str(name)) if name is not None else None
    if stored is None:
        return None
    return str(name), _made(project, stored, form, language)


def _made(project: Project, stored: Stored, form: str, language: str) -> bytes:
    if form == "html":
        return _page(project, stored, language).encode()
    if form == "pdf":
        from tulosvahti.emit.pdf import to_pdf  # noqa: PLC0415 (each form loads what it needs)

        return to_pdf(stored, language, state_folder(project) / "pictures")
    if form == "xlsx":
        from tulosvahti.emit.book import workbook  # noqa: PLC0415

        return workbook(stored, language)
    if form == "docx":
        from tulosvahti.emit.annual import annual_report  # noqa: PLC0415

        return annual_report(stored, language)
    from tulosvahti.emit.csvout import to_csv  # noqa: PLC0415

    return to_csv(stored, language).encode()


def write_pages(project: Project, stored: Stored, folder: Path, at: datetime) -> Path:
    """Write the pages of a run that has just been judged, in the project's languages; give the first one's.

    Pictures that no page has shown for ``_SHOWN`` before ``at`` are deleted.
    """
    from tulosvahti.emit.charts import forget_pictures  # noqa: PLC0415 (as the pages)

    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    for language in reversed(project.config.languages):
        html = _page(project, stored, language).encode()
        write_atomically(reports / f"run-{stored.run['id']}.{language}.html", html)
        write_atomically(reports / f"latest.{language}.html", html)
    forget_pictures(folder / "pictures", (at - _SHOWN).timestamp())
    return reports / f"run-{stored.run['id']}.{project.config.languages[0]}.html"


def _page(project: Project, stored: Stored, language: str) -> str:
    from tulosvahti.emit.report import render  # noqa: PLC0415

    folder = state_folder(project)
    docs = folder / "data-docs" / "index.html" if project.config.data_docs else None
    link = f"../data-docs/{docs.name}" if docs is not None and docs.exists() else None
    return render(stored, project.config.languages, language, link, folder / "pictures")


def read_stored(ledger: Ledger, run: str) -> Stored | None:
    """Read a run back; None where there is no such run or it is not done."""
    text = ledger.outcome_json(run)
    return _stored(ledger, run, text) if text else None


def _stored(ledger: Ledger, run: str, text: str) -> Stored:
    points = [
        Point((row.rule, row.subject, row.period), None if row.value is None else Fraction(row.value), row.rows, row.unknown_rows)
        for row in ledger.measured(run)
    ]
    values = {point.key: point.value for point in points}
    revised: dict[tuple[str, tuple[tuple[str, str], ...], str], list[Fraction]] = {}
    for past in ledger.measured_before(run):
        key = past.rule, past.subject, past.period
        now = values.get(key)
        if past.value is None or now is None or not past.period or Fraction(past.value) == now:
            continue
        # What a period grew by before it had ended is no revision.
        if read_period(past.period).has_ended(past.as_of):
            revised.setdefault(key, []).append(Fraction(past.value))
    return known_then(ledger, Stored(json.loads(text), points, revised))


def known_then(ledger: Ledger, stored: Stored) -> Stored:
    """Add what was known of the years before by the same day, on which forecasts rest."""
    with ledger.transaction(reading=True) as connection:
        return replace(stored, then=looking.known_then(connection, stored.as_of))
