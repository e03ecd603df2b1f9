"""``deliveries``: what came, when and how, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import ProjectOption, open_project, refuse

if TYPE_CHECKING:
    from tulosvahti.load.project import Project

app = typer.Typer(no_args_is_help=True, help="What came, when and how, and what became of it.")
InputName = Annotated[str, typer.Option("--input", metavar="NAME", help="Only of this input.")]


@app.command("list")
def list_deliveries(
    project: ProjectOption = None,
    input_: InputName = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,  # noqa: FBT002
    every: Annotated[bool, typer.Option("--all", help="Every arrival ever; without it the newest 50.")] = False,  # noqa: FBT002
) -> None:
    """List the arrivals, newest first, and the inputs of which nothing usable has come."""
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.cli.deliveries_shown import as_json, as_lines  # noqa: PLC0415
    from tulosvahti.store import deliveries  # noqa: PLC0415

    opened = open_project(project)
    _known(opened, input_)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction(reading=True) as connection:
        found = deliveries.logged(connection, input_, None if every else 50)
        stands = [item for item in deliveries.newest_states(connection) if item["name"] == input_ or not input_]
    typer.echo(as_json(found, stands) if json else "\n".join(as_lines(found, stands, opened)))


def _known(opened: Project, name: str) -> None:
    if name and name not in opened.contracts:
        raise refuse(f"--input: no input {name!r}; allowed: {', '.join(sorted(opened.contracts))}")
