"""``deliveries``: what came, when and how, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import ATTENTION, INCOMPLETE, ProjectOption, open_project, refuse, say

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
    from tulosvahti.run.dropping import awaited  # noqa: PLC0415
    from tulosvahti.store import deliveries  # noqa: PLC0415

    opened = open_project(project)
    _known(opened, input_)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction(reading=True) as connection:
        found = deliveries.logged(connection, input_, None if every else 50)
        stands = [item for item in deliveries.newest_states(connection) if item["name"] == input_ or not input_]
        waits = [item for item in awaited(opened, deliveries.logged(connection), wiring.now()) if item[0] == input_ or not input_]
    typer.echo(as_json(found, stands, waits) if json else "\n".join(as_lines(found, stands, waits, opened)))


@app.command("take")
def take_deliveries(project: ProjectOption = None) -> None:
    """Take now what is whole in the drop folders, as the service does at every tick and a run before it judges."""
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.emit.words import clean  # noqa: PLC0415
    from tulosvahti.store.lock import LockedError  # noqa: PLC0415

    opened = open_project(project)
    try:
        with wiring.run_lock(opened) as lock, closing(wiring.open_ledger(opened)) as ledger:
            lock.alone()
            done = wiring.take_dropped(opened, ledger)
            wiring.deliver(opened, ledger)
    except LockedError as error:
        say(str(error))
        raise typer.Exit(INCOMPLETE) from None
    for item in done:
        became = item.logged.became
        said = f": {clean(became.explanation)}" if became.explanation else ""
        typer.echo(f"{item.logged.id} {item.logged.input}: {clean(item.logged.file.name)}: {became.state}{said}")
    if not done:
        say("nothing is whole in the drop folders; `tulosvahti deliveries list` shows what waits there")
    bad = any(item.logged.became.rejects or item.logged.became.state == "quarantined" for item in done)
    raise typer.Exit(ATTENTION if bad else 0)


@app.command()
def withdraw(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of a refused delivery, as `deliveries list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so. Default: the user of this computer.")] = "",
    project: ProjectOption = None,
) -> None:
    """Say that a refused delivery is not to be waited for: what was accepted before it is judged again."""
    import getpass  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.core.arrival import Fate  # noqa: PLC0415
    from tulosvahti.store import deliveries  # noqa: PLC0415

    if not reason.strip():
        raise refuse("--reason: say why; it is kept with the delivery")
    opened = open_project(project)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction() as connection:
        several = {name for name, contract in opened.contracts.items() if contract.several}
        open_ones = {item.id: name for name, item in deliveries.refusals(connection, several).items()}
        if number not in open_ones:
            listed = ", ".join(f"{one} ({name})" for one, name in open_ones.items()) or "none is waited for"
            raise refuse(f"{number} is no refused delivery that an input waits for; allowed: {listed}")
        became = deliveries.Became(Fate.WITHDRAWN, explanation=reason.strip(), by=by or getpass.getuser())
        deliveries.settle(connection, number, became, wiring.now())
    typer.echo(f"delivery {number} is withdrawn; the next run judges what lies there")


def _known(opened: Project, name: str) -> None:
    if name and name not in opened.contracts:
        raise refuse(f"--input: no input {name!r}; allowed: {', '.join(sorted(opened.contracts))}")
