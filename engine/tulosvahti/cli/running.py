"""``run``: everything judged now, and what is shown of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.cli.saying import ATTENTION, INCOMPLETE, PROBLEM, BadCallError, chosen_day, say, say_problems

if TYPE_CHECKING:
    from tulosvahti.load.opened import Project
    from tulosvahti.wiring import Done


@dataclass(frozen=True)
class Order:
    """What a run is asked to do."""

    project: Path | None = None
    as_of: str | None = None
    rules: str = "*"
    json: Path | None = None
    alerts: bool = True
    expectations: bool = True
    fetching: bool = True
    cached: bool = True


_OPTIONS = {"--project": ("project", Path), "--as-of": ("as_of", str), "--rules": ("rules", str), "--json": ("json", Path)}
_FLAGS = {"--no-alerts": "alerts", "--no-expectations": "expectations", "--no-fetch": "fetching", "--no-cache": "cached"}


def order_of(words: list[str]) -> Order | None:
    """Read the words of a plain run; None: another command, or words that only the whole command line can judge."""
    if words[:1] != ["run"]:
        return None
    found: dict[str, Any] = {}
    rest = iter(words[1:])
    for name in rest:
        if name in _FLAGS:
            found[_FLAGS[name]] = False
            continue
        if name not in _OPTIONS:
            return None
        value = next(rest, "--")
        if value.startswith("-") and value != "-":
            return None
        key, kind = _OPTIONS[name]
        found[key] = kind(value)
    return replace(Order(), **found)


def run_project(order: Order) -> int:
    """Judge everything now; give the exit code."""
    from tulosvahti import wiring  # noqa: PLC0415 (loads the ledger)
    from tulosvahti.compute.duck_ahead import end_ahead  # noqa: PLC0415
    from tulosvahti.load.opened import find_root, open_project  # noqa: PLC0415
    from tulosvahti.problem import ProblemsError  # noqa: PLC0415
    from tulosvahti.run.engines import engine_ahead  # noqa: PLC0415
    from tulosvahti.store.lock import LockedError  # noqa: PLC0415

    try:
        opened = open_project(find_root(order.project or Path.cwd()))
        day = chosen_day(order.as_of, opened)
    except ProblemsError as error:
        say_problems(error.problems)
        return PROBLEM
    except BadCallError as error:
        say(str(error))
        return PROBLEM
    if order.rules != "*":
        from tulosvahti.run.nightly import chosen  # noqa: PLC0415 (after what starts ahead)

        if not chosen(opened.rules, order.rules):
            say(f"--rules: no rule matches {order.rules!r}; allowed: globs of rule ids, e.g. 'crm-*'")
            return PROBLEM
    if not order.cached:
        engine_ahead(opened.config.compute)
    try:
        done = wiring.run_once(
            opened, day, rules=order.rules, expectations=order.expectations, alerts=order.alerts, fetching=order.fetching,
            cached=order.cached,
        )  # fmt: skip
    except LockedError as error:
        say(str(error))
        return INCOMPLETE
    finally:
        end_ahead()
    if order.json is not None and str(order.json) == "-":
        sys.stdout.write(done.json)
    else:
        if order.json is not None:
            order.json.write_text(done.json, encoding="utf-8")
        show(opened, done)
    return code_of(opened, done)


def show(opened: Project, done: Done) -> None:
    """Print what a run found, and what became of it."""
    from tulosvahti.emit.screens import screen_of  # noqa: PLC0415 (only where a run is shown)
    from tulosvahti.emit.terminal import show as show_outcome  # noqa: PLC0415

    coloured = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE"))
    show_outcome(done.outcome, opened.agreements, screen_of(sys.stdout, coloured=coloured), opened.config.languages[0])
    say(f"report: {done.report}")
    if done.mails:
        say(f"mails written: {len(done.mails)} in {done.mails[0].parent}")
    if done.sent:
        say(f"mails sent: {done.sent}")
    if done.outcome.lookback:
        say("this day is before the newest run's: findings and mails are left as they were")
    for trouble in (*done.troubles, *filter(None, [done.outcome.lost])):
        say(trouble)


def code_of(opened: Project, done: Done) -> int:
    """Give the exit code of a run."""
    if done.outcome.lost or opened.problems:
        return INCOMPLETE if done.outcome.lost else PROBLEM
    return ATTENTION if any(verdict.needs_attention for verdict in done.outcome.verdicts) else 0
