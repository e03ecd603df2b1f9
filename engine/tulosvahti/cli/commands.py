"""The commands: arguments in, results on standard output, everything else on standard error.

Data libraries load inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tulosvahti.cli import alerts, dashboard, deliveries, fetching, values
from tulosvahti.cli.running import Order, code_of, run_project, show
from tulosvahti.cli.shared import ATTENTION, INCOMPLETE, PROBLEM, AsOf, LanguageOption, ProjectOption
from tulosvahti.cli.shared import day_of as _day
from tulosvahti.cli.shared import open_project as _open
from tulosvahti.cli.shared import root_of as _root_of
from tulosvahti.cli.shared import say as _say
from tulosvahti.cli.shared import say_problems as _problems
from tulosvahti.cli.shared import spoken_in as _spoken

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Judges every target of a performance agreement on the data that came in, and proves each verdict.",
    pretty_exceptions_enable=False,
)
app.add_typer(alerts.app, name="alerts")
app.add_typer(deliveries.app, name="deliveries")
dashboard.add_to(app)
app.command()(fetching.fetch)
app.add_typer(values.app, name="values")
Rules = Annotated[str, typer.Option("--rules", metavar="GLOB", help="Only rules whose id matches; commas separate globs.")]


@app.command()
def run(  # noqa: PLR0913 (each is an option)
    project: ProjectOption = None,
    as_of: AsOf = None,
    rules: Rules = "*",
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output.")] = None,  # fmt: skip
    no_alerts: Annotated[bool, typer.Option("--no-alerts", help="Write and send no mail.")] = False,  # noqa: FBT002
    no_expectations: Annotated[bool, typer.Option("--no-expectations", help="Leave Great Expectations rules out.")] = False,  # noqa: FBT002
    no_fetch: Annotated[bool, typer.Option("--no-fetch", help="Judge what was fetched last; ask no server.")] = False,  # noqa: FBT002
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Measure also what did not change since it was measured.")] = False,  # noqa: FBT002
) -> None:
    """Judge everything now."""
    order = Order(
        project, as_of, rules, json, alerts=not no_alerts, expectations=not no_expectations, fetching=not no_fetch, cached=not no_cache
    )
    raise typer.Exit(run_project(order))


@app.command()
def lint(project: ProjectOption = None, language: LanguageOption = "") -> None:
    """List every problem of the project's files."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.emit.told import told  # noqa: PLC0415
    from tulosvahti.load.schedule import changing_hours  # noqa: PLC0415

    opened = _open(project)
    spoken = _spoken(language, opened)
    for problem in (*opened.problems, *changing_hours(opened.config.schedule, opened.config.time_zone, wiring.now())):
        typer.echo(problem.line(partial(told, language=spoken)))
    if opened.problems:
        raise typer.Exit(PROBLEM)
    typer.echo(told(f"no problems: {len(opened.rules)} rules, {len(opened.contracts)} inputs", spoken))


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="Id of a rule; with --plan it may be left out.")] = "",
    project: ProjectOption = None,
    as_of: AsOf = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show which rules share a query, and its SQL.")] = False,  # noqa: FBT002
) -> None:
    """Show meaning, citation, SQL, current evidence and history of one rule, or the plan of the queries."""
    from tulosvahti.cli.explaining import explanation, plan_shown  # noqa: PLC0415

    opened = _open(project)
    found = next((item for item in opened.rules if item.id == rule), None)
    if found is None and (rule or not plan):
        from difflib import get_close_matches  # noqa: PLC0415

        near = get_close_matches(rule, [item.id for item in opened.rules], n=3)
        said = f"no rule {rule!r}" if rule else "name a rule, or ask for the plan of all of them with --plan"
        _say(said + (f"; did you mean {', '.join(near)}?" if near else ""))
        _problems(tuple(problem for problem in opened.problems if problem.rule == rule))
        raise typer.Exit(PROBLEM)
    day = _day(as_of, opened)
    if plan or found is None:
        typer.echo(plan_shown(opened, found, day))
    else:
        typer.echo(explanation(opened, found, day))


@app.command()
def test(
    path: Annotated[Path | None, typer.Argument(help="A case file or a folder; default: tests/rules.")] = None,
    project: ProjectOption = None,
) -> None:
    """Run the rules' own cases."""
    from tulosvahti.cli.testing import run_cases  # noqa: PLC0415

    opened = _open(project)
    _problems(opened.problems)
    outcomes, problems = run_cases(opened, path)
    _problems(problems)
    failed = [outcome for outcome in outcomes if outcome.differences]
    for outcome in failed:
        for difference in outcome.differences:
            typer.echo(f"{outcome.case.place}: {outcome.case.rule} / {outcome.case.name}: {difference}")
    typer.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    untested = sorted({item.id for item in opened.rules} - {outcome.case.rule for outcome in outcomes})
    if untested and path is None:
        typer.echo(f"rules without a case: {', '.join(untested)}")
    if problems or opened.problems:
        raise typer.Exit(PROBLEM)
    raise typer.Exit(ATTENTION if failed else 0)


@app.command()
def take(
    input_: Annotated[str, typer.Option("--input", metavar="NAME", help="The input whose contract judges it.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A delivery, of any format; none for an input that is fetched.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Put it in place for the next run, unless it is quarantined.")] = False,  # noqa: FBT002
    project: ProjectOption = None,
    as_of: AsOf = None,
    language: LanguageOption = "",
) -> None:
    """Show what the contract of an input makes of a file, or of what is fetched, before anything is counted."""
    from tulosvahti.load.intake_apart import started_ahead  # noqa: PLC0415

    with started_ahead():
        # Imported while the child starts, which takes longer.
        from tulosvahti.cli import intake  # noqa: PLC0415
        from tulosvahti.core.contract import DeliveryState  # noqa: PLC0415

        opened = _open(project)
        day, spoken = _day(as_of, opened), _spoken(language, opened)
        try:
            judged, put_it = intake.judge_fetched(opened, input_, day) if file is None else intake.judge_file(opened, file, input_, day)
        except intake.CallError as error:
            _say(str(error))
            raise typer.Exit(INCOMPLETE if error.outside else PROBLEM) from None
    delivery = judged.delivery
    put = accept and delivery.state is not DeliveryState.QUARANTINED
    if put:
        put_it()
    for line in intake.lines(judged, put=put, language=spoken):
        typer.echo(line)
    raise typer.Exit(ATTENTION if delivery.rejected_rows or delivery.state is not DeliveryState.ACCEPTED else 0)


@app.command()
def contract(file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of the input to be: CSV, workbook, JSON, Parquet.")]) -> None:  # fmt: skip
    """Draft the contract of a file, for a person to finish."""
    from tulosvahti.load.drafting import UndraftableError, drafted  # noqa: PLC0415

    try:
        typer.echo(drafted(file), nl=False)
    except UndraftableError as error:
        _say(str(error))
        raise typer.Exit(PROBLEM) from None


@app.command()
def audit(  # noqa: PLR0913 (each is an option)
    files: Annotated[list[Path], typer.Argument(help="CSV, XLSX, XLS, ODS, HTML, JSON, PDF or text files.")],
    json: Annotated[str, typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output.")] = "",
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="OUT", help="Write a marked copy of the workbook; a folder for several files.")] = None,  # fmt: skip
    html: Annotated[Path | None, typer.Option("--html", metavar="OUT", help="Write a page.")] = None,
    rule: Annotated[bool, typer.Option("--rule", help="Print a crossfoot rule that would guard each table.")] = False,  # noqa: FBT002
    every: Annotated[bool, typer.Option("--all", help="Show every table whole, also those that are right.")] = False,  # noqa: FBT002
    language: Annotated[str, typer.Option("--language", metavar="fi|sv|en", help="Default: the project's, else the environment's.")] = "",  # fmt: skip
) -> None:
    """Find the sums of any table, and the cells that break them, with no rule written."""
    from tulosvahti.cli import auditing  # noqa: PLC0415
    from tulosvahti.core.text import LANGUAGES  # noqa: PLC0415

    spoken = language or auditing.default_language()
    if spoken not in LANGUAGES:
        _say(f"--language: {spoken!r} is not known; allowed: {', '.join(LANGUAGES)}")
        raise typer.Exit(PROBLEM)
    done = auditing.audit_paths(files)
    _problems(done.problems)
    if rule:
        for text in auditing.rules(done):
            typer.echo(text, nl=False)
    else:
        auditing.show(done, spoken, json=json, every=every)
    try:
        for line in auditing.write_outputs(done, spoken, xlsx=xlsx, html=html):
            _say(line)
    except (ValueError, OSError) as error:
        _say(str(error))
        raise typer.Exit(PROBLEM) from None
    raise typer.Exit(auditing.exit_code(done))


@app.command()
def schema(folder: Annotated[Path | None, typer.Argument(help="Folder to write to; default: standard output.")] = None) -> None:  # fmt: skip
    """Write JSON Schemas of every file."""
    import json  # noqa: PLC0415

    from tulosvahti.load.project import json_schemas  # noqa: PLC0415

    schemas = json_schemas()
    if folder is None:
        typer.echo(json.dumps(schemas, indent=2, ensure_ascii=False, sort_keys=True))
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in schemas.items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        typer.echo(str(path))


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder of the new project; it must not hold one.")]) -> None:
    """Make a new project that runs at once."""
    from tulosvahti.cli.starting import start_project  # noqa: PLC0415

    try:
        written = start_project(folder)
    except FileExistsError as error:
        _say(f"{error}; nothing was written: choose another folder")
        raise typer.Exit(PROBLEM) from None
    for path in written:
        typer.echo(str(path))
    typer.echo(f"next: cd {folder} && tulosvahti run")


@app.command()
def schedule(
    project: ProjectOption = None,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, then exit.")] = False,  # noqa: FBT002
    list_: Annotated[bool, typer.Option("--list", help="Show each job's next slot and how the newest went.")] = False,  # noqa: FBT002
) -> None:
    """Run the nights: the service."""
    from tulosvahti.cli import nights  # noqa: PLC0415
    from tulosvahti.emit.logs import start_log  # noqa: PLC0415

    opened = _open(project)
    if list_:
        for line in nights.listing(opened):
            typer.echo(line)
        return
    start_log(opened.config.service.log)
    if not once:
        nights.serve_nights(opened)
        return
    _problems(opened.problems)
    done, failed = nights.run_due_now(opened)
    for item in done:
        show(opened, item)
    if not done and not failed:
        _say("nothing was run; `tulosvahti schedule --list` shows what comes next")
    raise typer.Exit(INCOMPLETE if failed else max((code_of(opened, item) for item in done), default=0))


@app.command()
def outbox(
    project: ProjectOption = None,
    retry: Annotated[str, typer.Option("--retry", metavar="ID|all", help="Make what waits or failed due now; what was accepted is left alone.")] = "",  # fmt: skip
    send: Annotated[bool, typer.Option("--send", help="Send what is due now.")] = False,  # noqa: FBT002
    every: Annotated[bool, typer.Option("--all", help="List what was sent or written too.")] = False,  # noqa: FBT002
) -> None:
    """List the messages that wait or did not arrive, and why."""
    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.cli import outgoing  # noqa: PLC0415

    opened = _open(project)
    if retry:
        if retry != "all" and not (retry.isascii() and retry.isdecimal()):
            _say(f"--retry: {retry!r} is not known; allowed: the number of a message in the list, or all")
            raise typer.Exit(PROBLEM)
        due = outgoing.retry(opened, None if retry == "all" else int(retry))
        _say(f"due now: {due} addresses" if due else "nothing to retry: no such message, or all of it was accepted or is being sent")
    if send:
        done = wiring.deliver(opened)
        _say(f"mails sent: {done.sent}, written: {len(done.written)}")
    lines, failed = outgoing.listing(opened, everything=every)
    for line in lines:
        typer.echo(line)
    if not lines:
        _say("nothing waits and nothing failed")
    raise typer.Exit(ATTENTION if failed else 0)


@app.command()
def backup(
    target: Annotated[Path | None, typer.Argument(metavar="[DIR|FILE]", help="Default: backups/ in the project.")] = None,
    project: ProjectOption = None,
) -> None:
    """Write ledger, inputs, reports and mails to one verified archive, while everything goes on."""
    from tulosvahti.cli.keeping import back_up  # noqa: PLC0415

    code, path = back_up(_root_of(project), target, _say)
    if path:
        typer.echo(path)
    raise typer.Exit(code)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `tulosvahti backup` wrote.")],
    project: ProjectOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there; the old state is kept aside.")] = False,  # noqa: FBT002
) -> None:
    """Verify a backup and put it in place, in either database."""
    from tulosvahti.cli.keeping import restore  # noqa: PLC0415

    raise typer.Exit(restore(_root_of(project), file, force=force, say=_say))


@app.command()
def report(  # noqa: PLR0913 (each is an option)
    project: ProjectOption = None,
    run: Annotated[int | None, typer.Option("--run", help="Number of the run; default: the newest.")] = None,
    form: Annotated[str, typer.Option("--format", help="html, xlsx, docx, csv or json.")] = "html",
    language: Annotated[str | None, typer.Option("--language", help="fi, sv or en; default: the project's first.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: the state folder; CSV and JSON are printed.")] = None,
) -> None:
    """Give the report of a stored run, as it was judged: a file's path, or CSV and JSON themselves."""
    from tulosvahti.cli.reporting import report  # noqa: PLC0415

    raise typer.Exit(report(_open(project), run, form, language, out))
