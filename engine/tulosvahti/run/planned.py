"""The plan of a night, for people: which rules share a query, its SQL, and what it took. Nothing is judged."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.rule import RowsSpec, TargetSpec
from tulosvahti.run.engines import engines_over
from tulosvahti.run.nightly import needed_inputs, take_in
from tulosvahti.run.pushed import push_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from tulosvahti.core.secrecy import SecretName
    from tulosvahti.load.project import Project


@dataclass(frozen=True)
class Query:
    """One query of the plan, or what a file's footer told without one. ``rows`` were read, ``cells`` came out."""

    input: str
    how: str
    rules: tuple[str, ...]
    sql: str
    rows: int
    cells: int
    seconds: float
    memory: int
    """The most bytes that it held; 0: not known."""


@dataclass(frozen=True)
class Plan:
    """The queries, and the rules that are measured by their own query, with the input of each."""

    queries: tuple[Query, ...]
    alone: Mapping[str, str]


def plan_of(project: Project, as_of: date, secret: Callable[[SecretName], str] | None = None) -> Plan:
    """Plan and run the measurements of all rules on what has come in."""
    rules = [(rule, rule.spec) for rule in project.rules if isinstance(rule.spec, TargetSpec | RowsSpec)]
    taken = take_in(project, needed_inputs([rule for rule, _ in rules]), as_of, lambda _content: "")
    tables = {name: item.rows for name, item in taken.items() if item.rows is not None}
    pushed = push_all(project, list(taken), as_of, secret)
    heights = {name: item.height for name, item in tables.items()} | {name: item.height for name, item in pushed.items()}
    with closing(engines_over(project.config.compute, tables, pushed, project.contracts, as_of)) as engine:
        engine.prepare(spec for _, spec in rules)
        named: dict[str, list[str]] = {}
        for rule, spec in rules:
            named.setdefault(engine.query_of(spec), []).append(rule.id)
        queries = tuple(
            Query(
                step.input,
                step.how,
                tuple(rule for query in step.queries for rule in named[query]),
                step.sql,
                heights[step.input] if step.sql else 0,
                step.cells,
                step.seconds,
                step.memory,
            )
            for step in engine.steps
        )
    shared = {rule for query in queries for rule in query.rules}
    return Plan(queries, {rule.id: rule.inputs[0] for rule, _ in rules if rule.id not in shared})
