"""What several commands share: exit codes, options, opening the project, sentences on standard error."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.load.project import Project
    from tulosvahti.problem import Problem

ATTENTION, PROBLEM, INCOMPLETE = 1, 2, 3
ProjectOption = Annotated[Path | None, typer.Option("--project", help="Project folder; default: found upward.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Day whose evening is known (YYYY-MM-DD). Default: config.toml's as_of, else yesterday."),
]  # fmt: skip


def say(text: str) -> None:
    """Write a line on standard error."""
    typer.echo(text, err=True)


def say_problems(problems: Iterable[Problem]) -> None:
    """Write each problem."""
    for problem in problems:
        say(str(problem))


def refuse(text: str) -> typer.Exit:
    """Say what is wrong with the call; raise what is given back."""
    say(text)
    return typer.Exit(PROBLEM)


def root_of(project: Path | None) -> Path:
    """Find the project's folder, or say that there is none and end with 2."""
    from tulosvahti.load.project import find_root  # noqa: PLC0415
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
    from tulosvahti import wiring  # noqa: PLC0415

    if text is None:
        day = wiring.default_as_of(opened, wiring.now())
        if opened.config.as_of is not None:
            say(f"as_of {day.isoformat()} comes from config.toml; --as-of DATE judges another day")
        return day
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(f"--as-of: {text!r} is not a date; allowed: YYYY-MM-DD, e.g. 2023-12-31") from None


def who_says(by: str) -> str:
    """Give who does something: ``--by``, or the user of this computer."""
    import getpass  # noqa: PLC0415

    if by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise refuse("--by: this computer does not say who you are; give --by NAME") from None
