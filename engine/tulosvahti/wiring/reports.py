"""Reports of stored runs, in the forms that are files of their own."""

from __future__ import annotations

import json
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING

from tulosvahti.core.period import read_period
from tulosvahti.emit.stored import Point, Stored
from tulosvahti.wiring.base import open_ledger

if TYPE_CHECKING:
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger


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
    """Make a report (``xlsx``, ``docx`` or ``csv``) of a run; give the run's number too; None where there is no such run.

    Raises:
        ModuleNotFoundError: what the form needs is not installed.

    """
    with closing(open_ledger(project)) as ledger:
        name = run if run is not None else ledger.newest_done()
        text = ledger.outcome_json(str(name)) if name is not None else None
        if not text:
            return None
        stored = _stored(ledger, str(name), text)
    if form == "xlsx":
        from tulosvahti.emit.book import workbook  # noqa: PLC0415 (each form loads what it needs)

        return str(name), workbook(stored, language)
    if form == "docx":
        from tulosvahti.emit.annual import annual_report  # noqa: PLC0415

        return str(name), annual_report(stored, language)
    from tulosvahti.emit.csvout import to_csv  # noqa: PLC0415

    return str(name), to_csv(stored, language).encode()


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
    return Stored(json.loads(text), points, revised)
