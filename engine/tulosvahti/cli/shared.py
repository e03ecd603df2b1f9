"""What several commands share: exit codes, options, opening the project, sentences on standard error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.saying import ATTENTION, INCOMPLETE, PROBLEM, BadCallError, chosen_day, say, say_problems

if TYPE_CHECKING:
    from datetime import date

    from tulosvahti.load.project import Project

__all__ = [
    "ATTENTION", "INCOMPLETE", "PROBLEM", "AsOf", "LanguageOption", "ProjectOption", "day_of", "open_project", "refuse", "root_of", "say",
    "say_problems", "spoken_in", "who_says",
]  # fmt: skip

ProjectOption = Annotated[Path | None, typer.Option("--project", help="Project folder; default: found upward.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Day whose evening is known (YYYY-MM-DD). Default: config.toml's as_of, else yesterday."),
]  # fmt: skip


LanguageOption = Annotated[str, typer.Option("--language", help="fi, sv or en; default: the project's first.")]


def spoken_in(language: str, opened: Project) -> str:
    """Give the language asked for, or the project's first; end with 2 where it is not known."""
    from tulosvahti.core.text import LANGUAGES  # noqa: PLC0415

    spoken = language or opened.config.languages[0]
    if spoken not in LANGUAGES:
        raise refuse(f"--language: {spoken!r} is not known; allowed: {', '.join(LANGUAGES)}")
    return spoken


def refuse(text: str) -> typer.Exit:
    """Say what is wrong with the call; raise what is given back."""
    say(text)
    return typer.Exit(PROBLEM)


def root_of(project: Path | None) -> Path:
    """Find the project's folder, or say that there is none and end with 2."""
    from tulosvahti.load.opened import find_root  # noqa: PLC0415
    from tulosvahti.problem import ProblemsError  # noqa: PLC0415

    try:
        return find_root(project or Path.cwd())
    except ProblemsError as error:
        say_problems(error.problems)
        raise typer.Exit(PROBLEM) from None


def open_project(project: Path | None) -> Project:
    """Read the project, or say every problem and leave."""
    from tulosvahti.load.project import load_project  # noqa: PLC0415
    from tulosvahti.problem import ProblemsError  # noqa: PLC0415

    try:
        return load_project(root_of(project))
    except ProblemsError as error:
        say_problems(error.problems)
        raise typer.Exit(PROBLEM) from None


def day_of(text: str | None, opened: Project) -> date:
    """Read ``--as-of``, or give the day that a run judges without it."""
    try:
        return chosen_day(text, opened)
    except BadCallError as error:
        raise refuse(str(error)) from None


def who_says(by: str) -> str:
    """Give who does something: ``--by``, or the user of this computer."""
    import getpass  # noqa: PLC0415

    if by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise refuse("--by: this computer does not say who you are; give --by NAME") from None
