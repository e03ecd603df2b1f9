"""``alerts``: what fires, and what people say to it. Everything said is a row that stays, with who and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import AsOf, ProjectOption, day_of, open_project, refuse, say_problems, who_says

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tulosvahti.core.alert_plan import Standing
    from tulosvahti.load.project import Project
    from tulosvahti.wiring import Overview

app = typer.Typer(no_args_is_help=True, help="What fires, who hears of it, and what people say to it.")
AlertName = Annotated[str, typer.Argument(metavar="ALERT", help="As `alerts list` writes it, e.g. leads or input:crm_leads; globs match several.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so. Default: the user of this computer.")]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help="Last day (YYYY-MM-DD), or the moment (YYYY-MM-DDTHH:MM), in the project's zone.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


@app.command("list")
def list_alerts(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,  # noqa: FBT002
    every: Annotated[bool, typer.Option("--all", help="Also those that are resolved, and silences and waivers that have ended.")] = False,  # noqa: FBT002
) -> None:
    """List what is pending or fires, what mutes it, and who was told."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.cli.alerts_shown import as_json, as_lines  # noqa: PLC0415

    opened = open_project(project)
    overview = wiring.overview(opened, wiring.now())
    typer.echo(as_json(overview, opened, every=every) if json else as_lines(overview, opened, every=every))


@app.command()
def acknowledge(
    alert: AlertName,
    project: ProjectOption = None,
    by: By = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What is being done.")] = "",
) -> None:
    """Say that somebody is on it: no reminder and no escalation until something new comes."""
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.store import alerting  # noqa: PLC0415

    opened = open_project(project)
    at = wiring.now()
    found = _active(alert, wiring.overview(opened, at))
    who = who_says(by)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction() as connection:
        for item in found:
            alerting.acknowledge(connection, item.key, who, at, note, "command")
    for item in found:
        typer.echo(f"{item.key}: acknowledged by {who}")


@app.command()
def silence(
    pattern: Annotated[str, typer.Argument(metavar="ALERT", help="As `alerts list` writes it; globs such as 'crm-*' match several.")],
    until: Until = "",
    reason: Reason = "",
    project: ProjectOption = None,
    by: By = "",
) -> None:
    """Hold mails back until a day; what happens goes on being recorded, and the end is announced."""
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.store import alerting  # noqa: PLC0415

    opened = open_project(project)
    at = wiring.now()
    _needed({"--until": until, "--reason": reason})
    ends = _end(until, opened, at)
    named = _named(pattern, opened)
    who = who_says(by)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction() as connection:
        alerting.silence(connection, pattern, who, at, ends=ends, reason=reason.strip())
    typer.echo(f"{pattern}: silenced by {who} until {_local(ends, opened)}; it matches {', '.join(named)}")


@app.command()
def waive(  # noqa: PLR0913 (each is compulsory)
    pattern: AlertName,
    approver: Annotated[str, typer.Option("--approver", metavar="NAME", help="Who approved the exception.")] = "",
    reason: Reason = "",
    until: Until = "",
    limit: Annotated[str, typer.Option("--limit", metavar="NUMBER", help="Worse than this fires again: the observed value; euros of a broken sum; failing rows; days late.")] = "",
    project: ProjectOption = None,
    by: By = "",
) -> None:
    """Record an approved exception: no mail until its end, unless it becomes worse than the limit."""
    from contextlib import closing  # noqa: PLC0415
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.store import alerting  # noqa: PLC0415

    opened = open_project(project)
    at = wiring.now()
    _needed({"--approver": approver, "--reason": reason, "--until": until, "--limit": limit})
    try:
        figure = Decimal(limit.strip().replace(",", "."))
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite():
        raise refuse(f"--limit: {limit!r} is not a number; allowed: the worst value that is still approved, e.g. 88.5")
    ends = _end(until, opened, at)
    named = _named(pattern, opened)
    who = who_says(by)
    with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction() as connection:
        alerting.waive(connection, pattern, who, at, approver=approver.strip(), reason=reason.strip(), ends=ends, limit=figure)
    typer.echo(f"{pattern}: waived until {_local(ends, opened)}, limit {figure:f}, approved by {approver}; it matches {', '.join(named)}")


@app.command("test-route")
def show_route(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule, or input:NAME.")],
    verdict: Annotated[str, typer.Option("--verdict", metavar="WORD", help="Only this verdict, e.g. missed; of an input late, missing, quarantined or accepted_with_rejects.")] = "",
    project: ProjectOption = None,
    as_of: AsOf = None,
) -> None:
    """Show who would hear of a rule or an input, and why; nothing is sent."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.cli.routing import routed, words_of  # noqa: PLC0415

    opened = open_project(project)
    say_problems(problem for problem in opened.problems if problem.place.file.startswith("alerts/"))
    _named(rule, opened, exactly=True)
    allowed = words_of(rule)
    if verdict and verdict not in allowed:
        raise refuse(f"--verdict: {verdict!r} is not known for {rule}; allowed: {', '.join(allowed)}")
    day = day_of(as_of, opened) if as_of is not None else None
    for line in routed(opened, rule, [verdict] if verdict else allowed, day, wiring.now(), judge=not verdict):
        typer.echo(line)


def _needed(options: dict[str, str]) -> None:
    missing = [name for name, value in options.items() if not value.strip()]
    if missing:
        raise refuse(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; nothing was recorded")


def _end(text: str, opened: Project, at: datetime) -> datetime:
    """Read an end: a day lasts until its midnight."""
    from datetime import UTC, datetime, time, timedelta  # noqa: PLC0415
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    zone = ZoneInfo(opened.config.time_zone)
    try:
        read = datetime.fromisoformat(text.strip())
        if len(text.strip()) == len("2023-12-31"):
            read = datetime.combine(read.date() + timedelta(days=1), time())
        ends = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse(f"--until: {text!r} is not a day; allowed: YYYY-MM-DD or YYYY-MM-DDTHH:MM, e.g. 2024-01-31") from None
    if ends <= at:
        raise refuse(f"--until: {text} is past; give a day from {at.astimezone(zone):%Y-%m-%d} on")
    return ends


def _local(moment: datetime, opened: Project) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return f"{moment.astimezone(ZoneInfo(opened.config.time_zone)):%Y-%m-%d %H:%M}"


def _named(pattern: str, opened: Project, *, exactly: bool = False) -> list[str]:
    """Give the rules and inputs that a glob means; a call that means none is refused."""
    from fnmatch import fnmatchcase  # noqa: PLC0415

    from tulosvahti.problem import nearest  # noqa: PLC0415

    names = [*(rule.id for rule in opened.rules), *(f"input:{name}" for name in opened.contracts)]
    wanted = pattern if exactly else pattern.partition("/")[0]
    found = [name for name in names if name == wanted or (not exactly and fnmatchcase(name, wanted))]
    if not found:
        hint = nearest(wanted, names)
        allowed = "the id of a rule, or input: and the name of an input" + ("" if exactly else "; * matches several")
        raise refuse(f"no rule or input {wanted!r}; allowed: {allowed}" + (f"; {hint}" if hint else ""))
    return found


def _active(pattern: str, overview: Overview) -> Sequence[Standing]:
    """Give the active alerts that a glob means; a call that means none is refused."""
    from tulosvahti.core.alert_mute import matches  # noqa: PLC0415

    active = [item for item in overview.standings if item.alert.active]
    found = [item for item in active if matches(pattern, item.key)]
    if not found:
        there = ", ".join(str(item.key) for item in active) or "none"
        raise refuse(f"no alert {pattern!r} is pending or fires; there are: {there}")
    return found
