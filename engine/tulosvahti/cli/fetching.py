"""``fetch``, and ``take`` without a file: what servers give, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import INCOMPLETE, ProjectOption, open_project, refuse, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.load.project import Project
    from tulosvahti.run.fetching import Came


def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Inputs; default: all that are fetched.")] = None,
    project: ProjectOption = None,
) -> None:
    """Fetch inputs now, as a run does, and say what each server gave; nothing is judged."""
    from tulosvahti import wiring  # noqa: PLC0415

    opened = open_project(project)
    fetched = [name for name, contract in opened.contracts.items() if contract.fetch is not None]
    for name in names or ():
        if name not in fetched:
            raise refuse(f"no input {name!r} that is fetched; allowed: {', '.join(fetched) or 'none: see `fetch` in inputs/README.md'}")
    came = wiring.fetch(opened, list(names) if names else fetched)
    if not came:
        say("no input of this project is fetched")
    for one in came:
        for line in _lines(opened, one):
            typer.echo(line)
    raise typer.Exit(INCOMPLETE if any(one.kept.trouble is not None for one in came) else 0)


def _lines(project: Project, came: Came) -> Iterator[str]:
    from tulosvahti.emit.words import clean  # noqa: PLC0415
    from tulosvahti.load.amounts import amount  # noqa: PLC0415

    source, kept = project.contracts[came.name].fetch, came.kept
    where = source.shown if source is not None else ""
    if kept.trouble is not None:
        yield f"{came.name}: {clean(kept.trouble.message)}"
        yield f"  what to do: {clean(kept.trouble.next_step)}"
        yield f"  what was there at {kept.checked_at} is kept" if kept.came else "  nothing ever came"
        return
    files = "1 file" if len(kept.files) == 1 else f"{len(kept.files)} files"
    size = amount(sum(file.size for file in kept.files))
    yield f"{came.name}: {'new content' if came.new else 'the same content'}, {files}, {size} ({where})"
    yield from (f"  notice: {clean(notice)}" for notice in kept.notices)
