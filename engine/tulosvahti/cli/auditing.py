"""The audit command: files in, their tables with the broken cells out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tulosvahti.audit.files import audit_files
from tulosvahti.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress

    from tulosvahti.audit.files import FilesAudited

ATTENTION, PROBLEM = 1, 2


def default_language() -> str:
    """Give the language of the project around the working directory, else the environment's, else English."""
    from tulosvahti.load.config import load_config  # noqa: PLC0415
    from tulosvahti.load.project import find_root  # noqa: PLC0415
    from tulosvahti.problem import ProblemsError  # noqa: PLC0415

    try:
        return load_config(find_root(Path.cwd())).languages[0]
    except ProblemsError:
        pass
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(name, "")[:2].lower()
        if code in LANGUAGES:
            return code
    return "en"


def audit_paths(paths: Sequence[Path]) -> FilesAudited:
    """Audit files, with a progress bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        return audit_files(paths)
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        return audit_files(paths, _teller(bar))


class _teller:  # noqa: N801 (a function with a memory)
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def __call__(self, name: str, number: int, total: int) -> None:
        self._bar.update(self._task, description=name[-40:], completed=number, total=total or None)


def show(done: FilesAudited, language: str, *, json: str = "", every: bool = False) -> None:
    """Write the audit to standard output: as tables, or as JSON (``-``); JSON into a file otherwise."""
    if json:
        from tulosvahti.emit.audit_json import audit_json  # noqa: PLC0415

        text = audit_json(done.audit, done.problems)
        if json == "-":
            typer.echo(text, nl=False)
            return
        Path(json).write_text(text, encoding="utf-8")
    from rich.console import Console  # noqa: PLC0415

    from tulosvahti.emit.audit_terminal import show_audit  # noqa: PLC0415

    show_audit(done.audit, Console() if sys.stdout.isatty() else Console(width=110), language, every=every)


def write_outputs(done: FilesAudited, language: str, *, xlsx: Path | None, html: Path | None) -> Iterator[str]:
    """Write the marked workbooks and the page; yields what was written or why not.

    With several files ``xlsx`` is a folder.

    Raises:
        ValueError: a file would be overwritten by its own copy.

    """
    if html is not None:
        from tulosvahti.emit.audit_html import audit_page  # noqa: PLC0415

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(audit_page(done.audit, language, done.problems), encoding="utf-8")
        yield f"page: {html}"
    if xlsx is None:
        return
    from tulosvahti.emit.audit_workbook import marked_workbook  # noqa: PLC0415

    read = [file for file in done.files if file.last > file.first]
    for file in read:
        out = xlsx if len(read) == 1 and xlsx.suffix else xlsx / f"{file.path.stem}-audit{_ending(file.path)}"
        out.parent.mkdir(parents=True, exist_ok=True)
        marked_workbook(file.path, done.audit.tables[file.first : file.last], out, language)
        yield f"workbook: {out}"


def _ending(source: Path) -> str:
    """Give the ending of the copy: a workbook with macros does not open under another one."""
    return source.suffix if source.suffix.lower() == ".xlsm" else ".xlsx"


def rules(done: FilesAudited) -> Iterator[str]:
    """Give a rule that would guard each table every night, as YAML."""
    from tulosvahti.emit.audit_rule import crossfoot_rule  # noqa: PLC0415

    for audited in done.audit.tables:
        yield crossfoot_rule(audited)


def exit_code(done: FilesAudited) -> int:
    """2 where a file could not be read, 1 where a relation is broken, else 0."""
    if done.problems:
        return PROBLEM
    return ATTENTION if done.audit.needs_attention else 0
