"""The commands of the dashboard: ``serve`` and ``users``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tulosvahti.cli import people
from tulosvahti.cli.shared import ProjectOption, root_of, say

if TYPE_CHECKING:
    from typer import Typer


def add_to(app: Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.add_typer(people.app, name="users")


def serve(project: ProjectOption = None) -> None:
    """Show the dashboard at the address that config.toml names, until told to stop."""
    from tulosvahti.cli.serving import serve as answer  # noqa: PLC0415

    raise typer.Exit(answer(root_of(project), say))
