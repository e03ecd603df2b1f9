"""``explain``: one rule in words, its SQL, what is known of it now, and its history."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from tulosvahti import wiring
from tulosvahti.core.rule import CrossfootSpec, ExpectationSpec, MilestoneSpec, NarrativeSpec, RowsSpec, TargetSpec
from tulosvahti.emit.words import reason_text, verdict_word
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.run.planned import plan_of
from tulosvahti.store import revised

if TYPE_CHECKING:
    from datetime import date

    from tulosvahti.core.rule import Rule
    from tulosvahti.load.project import Project


def explanation(project: Project, rule: Rule, as_of: date) -> str:
    """Write the explanation; nothing is published."""
    language = project.config.languages[0]
    lines = [
        f"{rule.id}: {rule.title.in_language(language)}",
        f"  {rule.cite.agreement} {rule.cite.section} {rule.cite.section_title.in_language(language)}"
        + (f", p. {rule.cite.page}" if rule.cite.page else ""),
        f"  “{rule.cite.quote}”" if rule.cite.quote else "",
        f"  owner {rule.owner}, severity {rule.severity}, unit {rule.unit or '-'}"
        + (", in the state budget" if rule.in_state_budget else ""),
        f"  {rule.place}",
        *_meaning(rule),
        rule.note.in_language(language),
    ]
    outcome = evaluate(
        project, Request("0", as_of, rule.id, expectations=False, secret=wiring.secret_reader(project.root)), Before({}, {}, None, refusals=wiring.refusals(project)), lambda _content: ""
    )
    for verdict in outcome.verdicts:
        period = verdict.period.key if verdict.period else ""
        subject = ", ".join(f"{name} {value}" for name, value in verdict.subject)
        lines.append(
            f"as of {as_of.isoformat()} {period} {subject}: {verdict_word(verdict.word, language)}"
            f" observed {verdict.observed if verdict.observed is not None else '-'} target {verdict.target or '-'}"
        )
        if verdict.reason:
            lines.append(f"  {reason_text(verdict.reason, language)}")
        for name, value in verdict.evidence.items():
            if name == "table":
                continue
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)
            lines.append(f"  {name}: " + text.replace("\n", "\n    "))
    lines += _history(project, rule) or ["never run: no run has judged this rule yet"]
    return "\n".join(line for line in lines if line)


def plan_shown(project: Project, rule: Rule | None, as_of: date) -> str:
    """Write which rules share a query, with its SQL; of one rule: the query that it shares."""
    plan = plan_of(project, as_of, wiring.secret_reader(project.root))
    lines: list[str] = []
    for query in plan.queries:
        if rule is not None and rule.id not in query.rules:
            continue
        lines += [
            (f"{query.input}: {len(query.rules)} {'rules' if len(query.rules) > 1 else 'rule'} {query.how}; {query.rows} rows read"
            + (f", {query.cells} cells, {query.seconds * 1000:.0f} ms" if query.sql else "")
            + (f", {query.memory / 2**20:.1f} MiB held" if query.memory else "")),
            f"  rules: {', '.join(query.rules)}",
        ]
        lines += ["  sql: " + query.sql.replace("\n", "\n    ")] if query.sql else []
    for name, source in plan.alone.items():
        if rule is None or rule.id == name:
            lines.append(f"{source}: {name} by its own query (explain {name})")
    if not lines and rule is not None:
        lines = [f"{rule.id} needs no query: it is a {rule.kind} rule"]
    return "\n".join(lines)


def _meaning(rule: Rule) -> list[str]:
    spec = rule.spec
    if isinstance(spec, TargetSpec):
        measure = spec.measure
        parts = [f"  measure {measure.kind} of {measure.expression.text if measure.expression else '*'} in {measure.input}"]
        parts += [f"  where {measure.where.text}"] if measure.where else []
        parts += [f"  by {', '.join(measure.by)}"] if measure.by else []
        parts += ["  accumulates: judged against the expected path while the period is open"] if measure.accumulates else []
        parts += [f"  target {period.key}: {target.text}" for period, target in spec.targets]
        return parts + ([f"  warn {spec.warn.text}"] if spec.warn else [])
    if isinstance(spec, MilestoneSpec):
        return [f"  due {spec.due.isoformat()}, key {spec.key} in {spec.input}"]
    if isinstance(spec, NarrativeSpec):
        return [f"  report {period.key} due {due.isoformat()}, key {spec.key} in {spec.input}" for period, due in spec.due]
    if isinstance(spec, RowsSpec):
        return [f"  every row of {spec.input}: {spec.text}; missing operand: {spec.missing}"]
    if isinstance(spec, ExpectationSpec):
        return [f"  {spec.type} on {spec.input}: {dict(spec.kwargs)}"]
    if isinstance(spec, CrossfootSpec):
        ties = [f"  {tie.total} = {' + '.join(map(str, tie.items))}" for tie in spec.ties]
        return ([f"  sums of {spec.input}: total row {spec.total_row}, total column {spec.total_column}"] if spec.input else []) + ties  # fmt: skip
    return []


def _history(project: Project, rule: Rule) -> list[str]:
    with closing(wiring.open_ledger(project)) as ledger:
        rows = ledger.history(rule.id)
        with ledger.transaction(reading=True) as connection:
            changed = revised.revisions_of(connection, rule.id)
    return [
        f"run {item.run} revised {item.period}{''.join(f' {value}' for _, value in item.subject)}:"
        f" {item.before_word or 'value'} {item.before_observed or '-'} (run {item.before_run}) → {item.word or 'value'} {item.observed or '-'};"
        + "".join(f" {one.input} {', '.join(one.files)} {one.before[:12]} → {one.now[:12]}" for one in item.because)
        for item in changed
    ] + [
        f"run {past.run}, as of {past.as_of.isoformat()}: {past.period} {past.verdict}"
        + (f", observed {past.observed}" if past.observed is not None else "")
        for past in rows
    ]
