"""``test``: the cases in tests/rules, run through the same judging as a night."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.expectations import ExpectationJob, ExpectationRun
from tulosvahti.core.rule import ExpectationSpec
from tulosvahti.load.models import CasesShape
from tulosvahti.load.shapes import shaped
from tulosvahti.load.source import read_yaml
from tulosvahti.problem import Place, Problem
from tulosvahti.run.cases import Case, CaseOutcome, facts_of, run_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.load.project import Project


def run_cases(project: Project, path: Path | None) -> tuple[list[CaseOutcome], tuple[Problem, ...]]:
    """Run every case of a file or folder; Great Expectations starts once for all cases that need it."""
    cases, problems = read_cases(project, path)
    rules = {rule.id: rule for rule in project.rules}
    expectations = _expectations(project, cases)
    outcomes = []
    for number, case in enumerate(cases):
        found = expectations.get(str(number))
        given = {case.rule: found} if found is not None else {}
        outcomes.append(run_case(case, rules, project.contracts, project.agreements, project.routes, given))
    return outcomes, problems


def read_cases(project: Project, path: Path | None) -> tuple[list[Case], tuple[Problem, ...]]:
    """Read the case files; a file that is no list of cases is a problem."""
    where = path or project.root / "tests" / "rules"
    files = sorted(where.rglob("*.yaml")) if where.is_dir() else [where]
    cases: list[Case] = []
    problems: list[Problem] = []
    for file in files:
        name = file.relative_to(project.root).as_posix() if file.is_relative_to(project.root) else str(file)
        source = read_yaml(file, name)
        entries = source.data if isinstance(source.data, list) else [source.data]
        for index, entry in enumerate(entries if not source.problems else []):
            shape = shaped(CasesShape, entry, source, (index,) if isinstance(source.data, list) else ())
            if shape is not None:
                cases += _cases(shape, source.place((index,)), problems)
        problems += source.problems
    if not files:
        problems.append(Problem(Place(str(where)), "no case files here", "YAML files with rule and cases"))
    return cases, tuple(problems)


def _cases(shape: CasesShape, place: Place, problems: list[Problem]) -> list[Case]:
    result = []
    for item in shape.cases:
        as_of = item.as_of or shape.as_of
        if as_of is None:
            problems.append(Problem(place, f"case {item.name!r} of {shape.rule!r} has no as_of", "a date"))
            continue
        result.append(Case(shape.rule, item.name, as_of, item.inputs, item.expect, str(place)))
    return result


def _expectations(project: Project, cases: Sequence[Case]) -> dict[str, Any]:
    rules = {rule.id: rule for rule in project.rules}
    jobs, frames = [], {}
    for number, case in enumerate(cases):
        rule = rules.get(case.rule)
        if rule is None or not isinstance(rule.spec, ExpectationSpec) or rule.spec.input not in case.inputs:
            continue
        facts = facts_of(case, rule, project.contracts, project.agreements)
        name = f"case{number}"
        frames[name] = facts.tables[rule.spec.input]
        jobs.append(ExpectationJob(str(number), name, rule.spec.type, dict(rule.spec.kwargs), rule.spec.columns))
    if not jobs:
        return {}
    work = Path(tempfile.mkdtemp(prefix="tulosvahti-"))
    try:
        return {outcome.rule: outcome for outcome in ExpectationRun(jobs, frames, work, None).collect()}
    finally:
        shutil.rmtree(work, ignore_errors=True)
