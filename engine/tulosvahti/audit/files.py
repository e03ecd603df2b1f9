"""Files in, an audit out: each file is read apart, text is cut into cells, every table is audited, then their ties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tulosvahti.audit.audit import audit_table
from tulosvahti.audit.ties import find_ties
from tulosvahti.core.audited import Audit
from tulosvahti.core.regroup import text_sheets
from tulosvahti.core.table import table_of
from tulosvahti.load.sheets import read_sheets
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tulosvahti.core.audited import AuditedTable
    from tulosvahti.core.sheet import Sheet

    Progress = Callable[[str, int, int], None]
    """Called with what was just done and how many of how many; 0 where the number is not known."""


@dataclass(frozen=True)
class FileAudit:
    """What one file gave: its tables are ``first`` to ``last`` (excluded) of the audit's."""

    path: Path
    first: int
    last: int


@dataclass(frozen=True)
class FilesAudited:
    """The audit of several files; a file that cannot be read is a problem, the others are audited."""

    audit: Audit
    files: tuple[FileAudit, ...]
    problems: tuple[Problem, ...]


def audit_files(paths: Sequence[Path], progress: Progress | None = None) -> FilesAudited:
    """Audit files in the order given."""
    tables: list[AuditedTable] = []
    files: list[FileAudit] = []
    problems: list[Problem] = []
    for path in paths:
        reading = read_sheets(path, progress=progress)
        problems += reading.problems
        sheets = list(reading.sheets)
        for page in reading.pages:
            sheets += [found.sheet for found in text_sheets(page)]
        if reading.notices and sheets:
            sheets[0] = replace(sheets[0], notices=(*reading.notices, *sheets[0].notices))
        if reading.pages and not any(_has_figures(sheet) for sheet in sheets):
            problems.append(
                Problem(Place(str(path)), "no table was found in its text", "lines of labels and figures", "give the part with the table")
            )
        first = len(tables)
        for number, sheet in enumerate(sheets, 1):
            table = table_of(sheet)
            if table.numbers:
                tables.append(audit_table(table))
            if progress:
                progress(sheet.source, number, len(sheets))
        files.append(FileAudit(path, first, len(tables)))
    return FilesAudited(Audit(tuple(tables), find_ties(tables)), tuple(files), tuple(problems))


def _has_figures(sheet: Sheet) -> bool:
    return any(cell.text.strip() for row in sheet.rows for cell in row[1:])
