"""The command ``report``: a stored run in the form and language that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tulosvahti import wiring
from tulosvahti.cli.shared import INCOMPLETE, PROBLEM, say
from tulosvahti.core.text import LANGUAGES
from tulosvahti.store.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.project import Project

FORMS = ("html", "pdf", "xlsx", "docx", "csv", "json")
_NO_RUN = "no such run; `tulosvahti run` makes one, `tulosvahti explain RULE` lists them"


def report(project: Project, run: int | None, form: str, language: str | None, out: Path | None) -> int:
    """Write or print a report; give the exit code."""
    if form not in FORMS:
        say(f"--format: {form!r} is not known; allowed: {', '.join(FORMS)}")
        return PROBLEM
    spoken = language or project.config.languages[0]
    if spoken not in LANGUAGES:
        say(f"--language: {spoken!r} is not known; allowed: {', '.join(LANGUAGES)}")
        return PROBLEM
    try:
        made = _made(project, run, form, spoken)
    except ModuleNotFoundError as error:
        say(f"--format {form} needs {error.name}, which is not installed: pip install 'tulosvahti[reports]'")
        return PROBLEM
    if made is None:
        say(_NO_RUN)
        return PROBLEM
    name, content = made
    if out is None and form in {"csv", "json"}:
        typer.echo(content, nl=False)
        return 0
    return _write(out or wiring.state_folder(project) / "reports" / f"run-{name}.{spoken}.{form}", content)


def _made(project: Project, run: int | None, form: str, language: str) -> tuple[str, bytes] | None:
    if form != "json":
        return wiring.make_report(project, run, form, language)
    text = wiring.stored_json(project, run)
    return None if text is None else ("", text.encode())


def _write(path: Path, content: bytes) -> int:
    try:
        write_atomically(path, content)
    except OSError as error:
        say(f"--out: {path} cannot be written ({error.strerror}); name a file in a folder that you may write to")
        return INCOMPLETE
    typer.echo(str(path))
    return 0
