"""``values``: values entered by hand, from draft to approved. Every version and every deed is a row that stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import AsOf, ProjectOption, day_of, open_project, refuse, who_says

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.entry import Deed, Entry, Key, Row, Sort
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.wiring.values import Change

app = typer.Typer(no_args_is_help=True, help="Values that people enter: drafts, submitted, approved, locked.")
InputName = Annotated[str, typer.Argument(metavar="INPUT", help="An input whose contract says `entered: true`.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Rows by their keys; the parts of one key with commas between. `all`: every row that it can be done with.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does it. Default: the user of this computer.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]
Forecast = Annotated[bool, typer.Option("--forecast", help="A forecast, which is kept apart and never judged.")]


@app.command("list")
def list_values(
    name: InputName,
    project: ProjectOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output, with every version.")] = False,  # noqa: FBT002
) -> None:
    """List the rows of an input: the newest version of each, who entered it, how far it has come."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.wiring import values  # noqa: PLC0415

    def listed(opened: Project, ledger: Ledger) -> None:
        contract = values.entered_contract(opened, name)
        rows = list(values.entered_rows(ledger, name).values())
        typer.echo(json.dumps([_row_shape(row) for row in rows], ensure_ascii=False, indent=1) if as_json else _lines(rows, contract, opened))

    _with_ledger(open_project(project), wiring.open_ledger, listed)


@app.command()
def enter(  # noqa: PLR0913 (a value, its sort, who and why)
    name: InputName,
    given: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="The values of one row, as the contract writes them.")],
    project: ProjectOption = None,
    by: By = "",
    reason: Reason = "",
    forecast: Forecast = False,  # noqa: FBT002
    attach: Annotated[list[Path] | None, typer.Option("--attach", metavar="FILE", help="Evidence to keep with it.")] = None,
) -> None:
    """Enter a version of a row, as a draft; what the contract has against it is said, and blocks only its approval."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.core.entry import Sort  # noqa: PLC0415
    from tulosvahti.wiring import values  # noqa: PLC0415

    wrong = [part for part in given if "=" not in part]
    if wrong:
        raise refuse(f"{wrong[0]!r} is no value; allowed: FIELD=VALUE, e.g. period=2023")
    row = dict(part.split("=", 1) for part in given)
    files = [_evidence(path) for path in attach or ()]

    def entered(opened: Project, ledger: Ledger) -> None:
        who, at = who_says(by), wiring.now()
        sort = Sort.FORECAST if forecast else Sort.ACTUAL
        made = values.enter(opened, ledger, name, [row], who, at, sort=sort, reason=reason)
        if not made:
            typer.echo("the row says so already: nothing was entered")
        for entry in made:
            for filename, content in files:
                values.attach(opened, ledger, entry, filename, content, who, at)
            typer.echo(f"{_named(entry)}: draft by {who}")
            _say_faults(opened, entry)

    _with_ledger(open_project(project), wiring.open_ledger, entered)


@app.command("try")
def try_values(name: InputName, project: ProjectOption = None, as_of: AsOf = None) -> None:
    """Show which verdicts would change if everything that is under way were approved; nothing is written."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.wiring import values  # noqa: PLC0415

    opened = open_project(project)
    day = day_of(as_of, opened)

    def tried(_: Project, ledger: Ledger) -> None:
        changes = values.try_out(opened, ledger, name, day, by=who_says(""))
        moved = [change for change in changes if change.moved]
        for change in moved:
            typer.echo(_change_line(change))
        typer.echo(f"{len(moved)} of {len(changes)} verdicts would change" if changes else f"no rule reads {name}")

    _with_ledger(opened, wiring.open_ledger, tried)


@app.command("import")
def import_values(  # noqa: PLR0913 (a file, what to do with it, who and why)
    name: InputName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table with the contract's columns, in any format that a delivery may have.")],
    project: ProjectOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Enter what is shown, as drafts. Without it nothing is written.")] = False,  # noqa: FBT002
    marked: Annotated[Path | None, typer.Option("--marked", metavar="FILE", help="Write a copy of the workbook with its errors marked.")] = None,
    by: By = "",
    reason: Reason = "",
    forecast: Forecast = False,  # noqa: FBT002
) -> None:
    """Show what a file of values would change, cell by cell; with --apply, enter it. Rows it leaves out stay."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.core.entry import Sort  # noqa: PLC0415
    from tulosvahti.load.records import UnreadableError  # noqa: PLC0415
    from tulosvahti.wiring import values_import  # noqa: PLC0415

    sort = Sort.FORECAST if forecast else Sort.ACTUAL

    def imported(opened: Project, ledger: Ledger) -> None:
        try:
            found = values_import.read_import(opened, ledger, name, file, sort)
        except FileNotFoundError:
            raise refuse(f"{file} does not exist") from None
        except UnreadableError as error:
            raise refuse(f"{error}; {error.next_step}") from None
        for change in found.changes:
            before = "new" if change.before is None else change.before or "–"
            wrong = f"  blocks approval: {change.fault}" if change.fault else ""
            typer.echo(f"{', '.join(change.key)} {change.field}: {before} → {change.after or '–'} ({change.place}){wrong}")
        for text in found.left_out:
            typer.echo(f"left out: {text}", err=True)
        typer.echo(f"{len(found.rows)} rows would be entered, {found.unchanged} say what is there, {len(found.left_out)} are left out")
        if marked is not None:
            language = opened.config.languages[0]
            done = values_import.marked_rejects(file, found.rejects, marked, language)
            typer.echo(f"marked: {marked}" if done else f"{file.name} is no workbook (XLSX, XLSM) that can be marked", err=not done)
        if apply and found.rows:
            made = values_import.apply_import(opened, ledger, name, found, who_says(by), wiring.now(), sort=sort, reason=reason)
            typer.echo(f"entered as drafts: {len(made)}")

    _with_ledger(open_project(project), wiring.open_ledger, imported)


def _deed(deed: str, help_text: str) -> None:
    """Register the command of a deed."""

    def run(name: InputName, keys: Keys, project: ProjectOption = None, by: By = "", reason: Reason = "", forecast: Forecast = False) -> None:  # noqa: FBT002, PLR0913
        from tulosvahti import wiring  # noqa: PLC0415
        from tulosvahti.core.entry import Deed, Sort  # noqa: PLC0415
        from tulosvahti.wiring import values  # noqa: PLC0415

        sort = Sort.FORECAST if forecast else Sort.ACTUAL

        def done(opened: Project, ledger: Ledger) -> None:
            values.entered_contract(opened, name)
            wanted = _keys_of(keys, values.entered_rows(ledger, name), Deed(deed), sort)
            who = who_says(by)
            for entry in values.decide(opened, ledger, name, wanted, Deed(deed), who, wiring.now(), reason):
                typer.echo(f"{_named(entry)}: {entry.state} by {who}")

        _with_ledger(open_project(project), wiring.open_ledger, done)

    run.__doc__ = help_text
    app.command(deed)(run)


for _word, _help in (
    ("submit", "Hand drafts over for approval."),
    ("withdraw", "Take back what is not approved."),
    ("return", "Give back what was submitted, with the reason."),
    ("approve", "Approve what was submitted: it counts from then on."),
    ("lock", "Lock approved rows: no new version until they are unlocked."),
    ("unlock", "Unlock rows, with the reason."),
    ("retract", "Take approved rows out of what counts, with the reason."),
):
    _deed(_word, _help)


def _with_ledger(opened: Project, opener: Callable[[Project], Ledger], work: Callable[[Project, Ledger], None]) -> None:
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti.core.entry import EntryRefusedError  # noqa: PLC0415

    try:
        with closing(opener(opened)) as ledger:
            work(opened, ledger)
    except EntryRefusedError as error:
        raise refuse(str(error)) from None


def _keys_of(texts: Iterable[str], rows: dict[tuple[Key, Sort], Row], deed: Deed, sort: Sort) -> list[tuple[Key, Sort]]:
    from tulosvahti.core.entry import may_start  # noqa: PLC0415

    wanted: list[tuple[Key, Sort]] = []
    for text in texts:
        if text == "all":
            wanted += [at for at, row in rows.items() if at[1] is sort and may_start(row.newest, deed)]
        else:
            wanted.append((tuple(part.strip() for part in text.split(",")), sort))
    if not wanted:
        raise refuse(f"there is no row to {deed}")
    return list(dict.fromkeys(wanted))


def _evidence(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise refuse(f"--attach: {path} cannot be read: {error.strerror}") from None


def _named(entry: Entry) -> str:
    sort = "" if entry.sort == "actual" else f" ({entry.sort})"
    return f"{entry.input} {', '.join(entry.key)}{sort}"


def _say_faults(opened: Project, entry: Entry) -> None:
    from tulosvahti.load.entered import faults_of  # noqa: PLC0415

    for field, why in faults_of(opened.contracts[entry.input], entry.values).items():
        typer.echo(f"  blocks approval: {field} {entry.values[field]!r}: {why}", err=True)


def _lines(rows: Sequence[Row], contract: Contract, opened: Project) -> str:
    from tulosvahti.load.entered import entered_fields, faults_of_rows  # noqa: PLC0415
    from tulosvahti.wiring.values import jumps_of_chosen  # noqa: PLC0415

    if not rows:
        return f"{contract.name}: nothing has been entered yet"
    lines = []
    faults, jumps = faults_of_rows(contract, [row.newest.values for row in rows]), jumps_of_chosen(contract, rows, rows)
    for row, wrong, far in zip(rows, faults, jumps, strict=True):
        entry = row.newest
        shown = ", ".join(f"{item.name} {entry.values.get(item.name) or '–'}" for item in entered_fields(contract) if item.name not in contract.primary_key)
        step = entry.steps[-1] if entry.steps else None
        last = f"{entry.state} by {step.by if step else entry.by}, {_local(step.at if step else entry.at, opened)}"
        why = f" ({step.reason})" if step and step.reason else ""
        lines.append(f"{_named(entry)}: {shown}; {last}{why}")
        counting = row.counting
        if counting is not None and counting is not entry:
            lines.append(f"  counts until then: version of {_local(counting.at, opened)}")
        if not entry.counts:
            lines += [f"  blocks approval: {field}: {why}" for field, why in wrong.items()]
            lines += [f"  needs a reason to be approved: {field}: {why}" for field, why in far.items()]
    return "\n".join(lines)


def _local(at: datetime, opened: Project) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return f"{at.astimezone(ZoneInfo(opened.config.time_zone)):%Y-%m-%d %H:%M}"


def _row_shape(row: Row) -> dict[str, object]:
    counting = row.counting
    return {
        "key": list(row.key),
        "sort": row.sort.value,
        "counts": None if counting is None else counting.id,
        "versions": [
            {
                "id": entry.id, "values": dict(entry.values), "by": entry.by, "at": entry.at.isoformat(), "reason": entry.reason,
                "state": entry.state.value,
                "steps": [{"deed": step.deed.value, "by": step.by, "at": step.at.isoformat(), "reason": step.reason} for step in entry.steps],
                "attachments": [{"name": item.name, "sha256": item.sha256, "size": item.size, "by": item.by} for item in entry.attachments],
            }
            for entry in row.versions
        ],
    }  # fmt: skip


def _change_line(change: Change) -> str:
    shown = change.after or change.before
    if shown is None:
        return ""
    rule, subject, period = shown.key
    of = " ".join([rule, *(str(value) for _, value in subject), *([period] if period else [])])
    before, after = (("none" if item is None else f"{item.word} ({'–' if item.observed is None else f'{item.observed:f}'})") for item in (change.before, change.after))
    return f"{of}: {before} → {after}"
