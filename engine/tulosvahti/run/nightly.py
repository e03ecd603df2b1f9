"""The run itself: inputs in, verdicts out, compared with the last run. Nothing here reads a clock or sends a mail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti import __version__
from tulosvahti.compute.duck_ahead import end_ahead
from tulosvahti.core.finding import compare
from tulosvahti.core.refusal import Refusal, refused
from tulosvahti.core.revision import History, revised
from tulosvahti.core.rule import ExpectationSpec, Rule
from tulosvahti.core.verdict import Outcome
from tulosvahti.load.tables import Taken, take_all
from tulosvahti.run.engines import engines_over, planner_ahead
from tulosvahti.run.judging import Facts, judge_rules, with_cited
from tulosvahti.run.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tulosvahti.compute.expectations import ExpectationJob, ExpectationOutcome
    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.core.measure import Measurement, Subject
    from tulosvahti.core.revision import Revision
    from tulosvahti.core.secrecy import SecretName
    from tulosvahti.core.verdict import Verdict, Word
    from tulosvahti.load.project import Project
    from tulosvahti.run.engines import Measures
    from tulosvahti.run.pushed import Pushed
    from tulosvahti.store.measured import MeasuredStore


@dataclass(frozen=True)
class Before:
    """What earlier runs left: open findings, newest verdicts, the newest day judged."""

    findings: Mapping[tuple[str, Subject, str], tuple[Word, str]]
    verdicts: Mapping[tuple[str, Subject, str], Word]
    newest_as_of: date | None
    history: Callable[[Sequence[Verdict], Sequence[Measurement], Sequence[Delivery]], History] = lambda *_: History()
    """What earlier runs said of what a run found."""
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    """Inputs whose newest delivery was refused before it came to its place."""


@dataclass(frozen=True)
class Request:
    """What is asked of a run."""

    run: str
    as_of: date
    rules: str = "*"
    expectations: bool = True
    work_folder: Path | None = None
    docs_folder: Path | None = None
    secret: Callable[[SecretName], str] | None = None
    """Gives secrets, for inputs that are measured in their database."""
    remembering: MeasuredStore | None = None
    """What earlier runs measured; None: everything is measured, and nothing remembered."""
    given: Mapping[str, Taken] = field(default_factory=dict)
    """Inputs as they would be, instead of what lies there."""


def chosen(rules: Sequence[Rule], pattern: str) -> list[Rule]:
    """Give the rules whose id matches a glob (several, with commas)."""
    patterns = [part.strip() for part in pattern.split(",") if part.strip()] or ["*"]
    return [rule for rule in rules if any(fnmatchcase(rule.id, part) for part in patterns)]


def needed_inputs(rules: Sequence[Rule]) -> list[str]:
    """Give the inputs that the rules read, each once, in their order."""
    return list(dict.fromkeys(name for rule in rules for name in rule.inputs))


def inputs_of(project: Project, pattern: str) -> list[str]:
    """Give the inputs that the rules of a glob read, and the rules that those cite."""
    every = {rule.id: rule for rule in project.rules}
    return needed_inputs(with_cited(chosen(project.rules, pattern), every))


def take_in(  # noqa: PLR0913 (what is taken, and what is known of it)
    project: Project, names: Sequence[str], as_of: date, keep: Callable[[bytes], str], refusals: Mapping[str, Refusal] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, Taken]:  # fmt: skip
    """Take in each input; what is delivered is held in the input store before it is read, refused or not."""
    result = take_all([project.contracts[name] for name in names], project.root, as_of, meanwhile)
    for name, taken in result.items():
        if taken.listed:
            keep(taken.listed)
        delivery = refused(taken.delivery, (refusals or {}).get(name))
        if delivery is not taken.delivery:
            result[name] = replace(taken, delivery=delivery, rows=None)
    return result


def evaluate(project: Project, request: Request, before: Before, keep: Callable[[bytes], str]) -> Outcome:
    """Judge the chosen rules on what has come in."""
    asked = chosen(project.rules, request.rules)
    every = {rule.id: rule for rule in project.rules}
    rules = with_cited(asked, every)
    taken = take_in(
        project, needed_inputs(rules), request.as_of, keep, before.refusals, partial(planner_ahead, project.config.compute)
    )
    taken |= {name: item for name, item in request.given.items() if name in taken}
    tables = {name: item.rows for name, item in taken.items() if item.rows is not None}
    pushed = _pushed(project, list(taken), request)
    deliveries = {name: pushed[name].delivery if name in pushed else item.delivery for name, item in taken.items()}
    there = frozenset(name for name, item in pushed.items() if item.database is not None)
    facts = Facts(request.as_of, deliveries, tables, project.contracts, project.agreements, there)
    engine = engines_over(project.config.compute, tables, pushed, project.contracts, request.as_of)
    memory = request.remembering
    if memory is not None:
        engine = Remembered(engine, tables, project.contracts, request.as_of, memory, request.run)
    jobs = _jobs(rules, request)
    try:
        collect = _expected(jobs, tables, request, engine)
        judged = judge_rules(rules, facts, engine, {}, every)
        if jobs:
            went = collect()
            if isinstance(engine, Remembered):
                engine.keep_expected(jobs, went)
            outcomes = {outcome.rule: outcome for outcome in went}
            last = [rule for rule in rules if isinstance(rule.spec, ExpectationSpec)]
            judged.verdicts += judge_rules(last, facts, engine, outcomes, every).verdicts
    finally:
        engine.close()
        end_ahead()
    if isinstance(engine, Remembered):
        engine.save()
    order = {rule.id: index for index, rule in enumerate(asked)}
    verdicts = sorted(
        (verdict for verdict in judged.verdicts if verdict.rule.id in order), key=lambda verdict: order[verdict.rule.id]
    )
    lookback = before.newest_as_of is not None and request.as_of < before.newest_as_of
    findings = compare(verdicts, {} if lookback else before.findings, request.run)
    changed: tuple[Revision, ...] = ()
    if not lookback:
        came = tuple(deliveries.values())
        changed = revised(verdicts, judged.measurements, came, before.history(verdicts, judged.measurements, came), project.rules_sha256)
    return Outcome(
        run=request.run,
        as_of=request.as_of,
        rules_sha256=project.rules_sha256,
        engine=__version__,
        deliveries=tuple(deliveries.values()),
        verdicts=tuple(verdicts),
        measurements=tuple(judged.measurements),
        findings=findings,
        problems=project.problems,
        previous=before.verdicts,
        lookback=lookback,
        revisions=changed,
        lost=engine.lost,
    )


def _pushed(project: Project, names: Sequence[str], request: Request) -> Mapping[str, Pushed]:
    """Hold the inputs that are measured in their database against their contracts."""
    if not any(project.contracts[name].pushed for name in names):
        return {}
    from tulosvahti.run.pushed import push_all  # noqa: PLC0415 (heavy)

    return push_all(project, names, request.as_of, request.secret)


def _jobs(rules: Sequence[Rule], request: Request) -> list[ExpectationJob]:
    """Give the expectations of the rules, if they are asked for."""
    if not request.expectations or request.work_folder is None:
        return []
    found = [(rule.id, rule.spec) for rule in rules if isinstance(rule.spec, ExpectationSpec)]
    if not found:
        return []
    from tulosvahti.compute.expectations import ExpectationJob  # noqa: PLC0415 (few projects have any)

    return [ExpectationJob(rule, spec.input, spec.type, dict(spec.kwargs), spec.columns) for rule, spec in found]


def _expected(
    jobs: Sequence[ExpectationJob], tables: Mapping[str, KeptRows], request: Request, engine: Measures
) -> Callable[[], tuple[ExpectationOutcome, ...]]:
    """Remember how expectations went, or start Great Expectations beside the run; give what waits for the outcome."""
    docs = request.docs_folder
    if isinstance(engine, Remembered) and (docs is None or (docs / "index.html").is_file()):
        known = engine.expected(jobs)
        if known is not None:
            return lambda: known
    if not jobs:
        return lambda: ()
    from tulosvahti.compute.expectations import ExpectationRun  # noqa: PLC0415 (most runs judge none anew)

    return ExpectationRun(jobs, tables, request.work_folder or Path(), docs).collect
