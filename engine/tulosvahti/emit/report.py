"""A run as one HTML page: no script, no request, printable; the first screen is enough for a director.

The view is plain data in the reader's form; the template only places it. Everything is escaped by the template.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tulosvahti.core.rule import TargetSpec
from tulosvahti.core.verdict import Change, Finding, Outcome, Verdict, Word
from tulosvahti.emit.charts import line_charts
from tulosvahti.emit.revisions import revision_name, revision_text
from tulosvahti.emit.terminal import change_text
from tulosvahti.emit.trends import trends
from tulosvahti.emit.words import (
    SIGNS,
    changed_cells,
    day,
    figure,
    has_word,
    number,
    observed_text,
    owner_name,
    printable,
    quantity,
    reason_text,
    subject_text,
    target_text,
    verdict_word,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tulosvahti.core.measure import Subject
    from tulosvahti.core.rule import Agreement, Rule

FIRST = 10
"""Findings in the summary."""
REJECTS = 10
_ORDER = [Word.MISSED, Word.AT_RISK, Word.UNKNOWN, Word.ON_TRACK, Word.MET, Word.NOT_DUE, Word.MONITORED]
_SEVERITIES = ["critical", "warning", "info"]
_TABLED = {"table", "marks", "faults", "broken", "sql", "workings"}


@dataclass(frozen=True)
class _Page:
    """What every part of the view needs."""

    outcome: Outcome
    agreements: Mapping[str, Agreement]
    language: str
    findings: Mapping[tuple[str, Subject, str], Finding] = field(default_factory=dict)
    pictures: Path | None = None

    def say(self, key: str, **details: object) -> str:
        return word(key, self.language, **details)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tulosvahti.emit"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(
    outcome: Outcome, agreements: Mapping[str, Agreement], languages: Sequence[str], language: str, docs_link: str | None,
    pictures: Path | None = None,
) -> str:
    """Give the page in one language; the other ``languages`` are linked as the files beside it."""
    page = _Page(outcome, agreements, language, {item.verdict.key: item for item in outcome.findings}, pictures)
    cited = list(dict.fromkeys(verdict.rule.cite.agreement for verdict in outcome.verdicts))
    named = [agreements[key] for key in cited if key in agreements]
    view: dict[str, Any] = {
        "say": partial(word, language=language),
        "language": language,
        "others": [(other, f"run-{outcome.run}.{other}.html") for other in languages if other != language],
        "title": named[0].title.in_language(language) if named else word("ui.report", language),
        "agreements": [(item.title.in_language(language), item.document, item.agency.in_language(language)) for item in named],
        "as_of": day(outcome.as_of, language),
        "run": outcome.run,
        "rules_sha256": outcome.rules_sha256,
        "engine": outcome.engine,
        "lookback": outcome.lookback,
        "docs_link": docs_link,
        "cards": _cards(page),
        "first_run": not outcome.previous and all(item.change is Change.OPENED for item in outcome.findings),
        "changes": _changes(page),
        "revisions": [(item.rule.id, revision_name(item, language), revision_text(item, language)) for item in outcome.revisions],
        "attention": _attention(page)[:FIRST],
        "attention_more": max(len(_attention(page)) - FIRST, 0),
        "synthetic": ", ".join(item.name for item in outcome.deliveries if item.synthetic),
        "problems": [
            {"place": str(item.place), "message": item.message, "allowed": item.allowed, "next_step": item.next_step, "rule": item.rule}
            for item in outcome.problems
        ],
        "deliveries": _deliveries(page),
        "sections": _sections(page),
    }
    return _environment().get_template("report.html.j2").render(view)


def _cards(page: _Page) -> list[dict[str, Any]]:
    counts = {kind: sum(verdict.word is kind for verdict in page.outcome.verdicts) for kind in _ORDER}
    return [{**_said(kind, page.language), "count": counts[kind]} for kind in _ORDER]


def _said(kind: Word, language: str) -> dict[str, str]:
    return {"kind": str(kind), "sign": SIGNS[kind], "word": verdict_word(kind, language)}


def _name(verdict: Verdict, language: str) -> dict[str, str]:
    where = [verdict.period.key if verdict.period else "", subject_text(verdict.subject)]
    return {"title": verdict.rule.title.in_language(language), "where": ", ".join(part for part in where if part), "id": verdict.rule.id}


def sentence(verdict: Verdict, language: str) -> str:
    """Say in one sentence why the verdict is what it is."""
    values = {"observed": quantity(verdict.observed, verdict.rule.unit, language), "target": target_text(verdict.target, language)}
    if verdict.reason:
        reason = reason_text(verdict.reason, language)
        if verdict.observed is not None and verdict.word in {Word.AT_RISK, Word.MISSED}:
            return f"{word(f'says.{verdict.word}', language, **values)} {reason}"
        return reason
    return word(f"says.{verdict.word}", language, **values)


def _line(verdict: Verdict, page: _Page) -> dict[str, Any]:
    return {
        **_name(verdict, page.language),
        **_said(verdict.word, page.language),
        "owner": owner_name(verdict.rule, page.agreements, page.language),
        "sentence": sentence(verdict, page.language),
        "severity": page.say(f"severity.{verdict.rule.severity}") if verdict.rule.severity == "critical" else "",
        "change": change_text(verdict, page.findings.get(verdict.key), page.outcome, page.language),
    }


def _changes(page: _Page) -> list[dict[str, Any]]:
    changed = []
    for verdict in page.outcome.verdicts:
        finding = page.findings.get(verdict.key)
        was = page.outcome.previous.get(verdict.key)
        if (finding and finding.change is not Change.CONTINUED) or (was and was is not verdict.word):
            changed.append(_line(verdict, page))
    return changed


def _attention(page: _Page) -> list[dict[str, Any]]:
    """Worst first: by severity, then missed before at risk before unknown, then new before old."""

    def weight(verdict: Verdict) -> tuple[int, int, bool]:
        finding = page.findings.get(verdict.key)
        old = finding is not None and finding.change is Change.CONTINUED
        return _SEVERITIES.index(verdict.rule.severity), _ORDER.index(verdict.word), old

    found = sorted((item for item in page.outcome.verdicts if item.needs_attention), key=weight)
    return [_line(verdict, page) for verdict in found]


def _deliveries(page: _Page) -> list[dict[str, Any]]:
    result = []
    for item in page.outcome.deliveries:
        rejects = [
            {
                "row": reject.row,
                "column": ", ".join(filter(None, (reject.file, reject.column, reject.cell))),
                "reason": reject.reason,
            }
            for reject in item.rejects[:REJECTS]
        ]
        result.append(
            {
                "name": item.name,
                "state": str(item.state),
                "state_word": page.say(f"state.{item.state}"),
                "rows": number(Decimal(item.rows), page.language),
                "rejected": number(Decimal(item.rejected_rows), page.language) if item.rejected_rows else "",
                "covered": day(item.covered_through, page.language) if item.covered_through else "",
                "synthetic": item.synthetic,
                "explanation": item.explanation,
                "next_step": item.next_step,
                "notices": [notice.message for notice in item.notices],
                "rejects": rejects,
                "more_rejects": max(len(item.rejects) - REJECTS, 0),
            }
        )
    return result


def _sections(page: _Page) -> list[dict[str, Any]]:
    charts = _charts(page)
    sections = []
    keyed = groupby(page.outcome.verdicts, key=lambda item: (item.rule.cite.agreement, item.rule.cite.section))
    for (key, section), verdicts in keyed:
        found = list(verdicts)
        agreement = page.agreements.get(key)
        years = [(year, binding) for year, binding in agreement.years] if agreement else []
        rules = [_rule(rule, list(group), years, charts, page) for rule, group in groupby(found, key=lambda item: item.rule)]
        sections.append(
            {
                "section": section,
                "title": found[0].rule.cite.section_title.in_language(page.language),
                "years": [
                    {"year": year, "binding": page.say("ui.binding" if binding else "ui.preliminary")} for year, binding in years
                ],
                "rules": rules,
            }
        )
    return sections


def _rule(
    rule: Rule, verdicts: list[Verdict], years: list[tuple[int, bool]], charts: Mapping[tuple[str, Subject], str], page: _Page
) -> dict[str, Any]:
    drawn = [(subject_text(subject), Markup(svg)) for (of, subject), svg in charts.items() if of == rule.id]  # noqa: S704 (own SVG)
    return {
        "id": rule.id,
        "title": rule.title.in_language(page.language),
        "in_state_budget": rule.in_state_budget,
        "owner": owner_name(rule, page.agreements, page.language),
        "targets": [_targets_of(rule, year, page.language) for year, _ in years] if isinstance(rule.spec, TargetSpec) else None,
        "target": target_text(verdicts[0].target, page.language),
        "verdicts": [_row(verdict, page) for verdict in verdicts],
        "charts": drawn,
        "quote": rule.cite.quote,
        "page": rule.cite.page,
        "note": rule.note.in_language(page.language),
        "open": any(verdict.word is Word.MISSED and "table" in verdict.evidence for verdict in verdicts),
    }


def _targets_of(rule: Rule, year: int, language: str) -> list[str]:
    assert isinstance(rule.spec, TargetSpec)  # noqa: S101 (told to mypy; the caller looked)
    found = [(period, target) for period, target in rule.spec.targets if period.start.year == year]
    lone = len(found) == 1 and found[0][0].key == str(year)
    return [("" if lone else f"{period.key.partition('-')[2]}: ") + target_text(target.text, language) for period, target in found]


def _row(verdict: Verdict, page: _Page) -> dict[str, Any]:
    return {
        **_line(verdict, page),
        "observed": observed_text(verdict, page.language),
        "margin": quantity(verdict.margin, verdict.rule.unit, page.language) if verdict.margin is not None else "",
        "provisional": verdict.provisional,
        "evidence": _evidence(verdict, page),
        "workings": [(_word_or_name("working", name, page), figure(str(text), page.language)) for name, text in _pairs(verdict)],
        "sql": str(verdict.evidence.get("sql") or ""),
        "table": _table(verdict, page),
        "broken": [_broken(item, page) for item in _listed(verdict, "broken")],
        "faults": [_fault(item, page) for item in _listed(verdict, "faults")],
    }


def _pairs(verdict: Verdict) -> list[tuple[str, Any]]:
    workings = verdict.evidence.get("workings")
    return list(workings.items()) if isinstance(workings, dict) else []


def _listed(verdict: Verdict, name: str) -> list[dict[str, Any]]:
    items = verdict.evidence.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _word_or_name(group: str, name: str, page: _Page) -> str:
    return page.say(f"{group}.{name}") if has_word(f"{group}.{name}", page.language) else name


def _evidence(verdict: Verdict, page: _Page) -> list[tuple[str, str]]:
    rows = []
    for name, value in verdict.evidence.items():
        if name in _TABLED or value in (None, "", []):
            continue
        rows.append((_word_or_name("evidence", name, page), spoken_value(name, value, page.language)))
    return rows


def spoken_value(name: str, value: Any, language: str) -> str:  # noqa: ANN401 (JSON data)
    """Write a fact of the evidence, of whatever shape, in the reader's form."""
    if name == "range" and isinstance(value, list):
        return " – ".join("…" if end is None else figure(str(end), language) for end in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {spoken_value('', item, language)}" for key, item in value.items())
    if isinstance(value, list):
        parts = [spoken_value("", item, language) for item in value]
        return ("; " if any(isinstance(item, dict | list) for item in value) else ", ").join(parts)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    return text if name in {"input", "input_sha256"} else figure(text, language)


def _broken(item: dict[str, Any], page: _Page) -> str:
    parts = [
        page.say(f"ui.{name}", value=figure(str(item[of]), page.language))
        for name, of in (("stated", "stated"), ("expected", "expected"), ("difference", "difference"))
        if item.get(of) is not None
    ]
    return f"{_word_or_name('axis', str(item.get('axis', '')), page)} {item.get('relation', '')}: {', '.join(parts)}"


def _fault(item: dict[str, Any], page: _Page) -> str:
    cause = item.get("cause")
    said = changed_cells(str(item.get("sentence", "")), page.language)
    return f"{said} ({_word_or_name('cause', str(cause), page)})" if cause else said


def _mark(text: str, page: _Page) -> str:
    """Put a mark's numbers and cause in the reader's words; the cell itself is where the mark stands."""
    said = re.sub(r"^[A-Z]+\d+ \(.*?\): (?=→)", "", text)
    said = re.sub(r"\((\w+)\)$", lambda found: f"({_word_or_name('cause', found[1], page)})", said)
    return re.sub(r"(?<=[→≠] )-?\d+(?:\.\d+)?|^-?\d+(?:\.\d+)?(?= ≠)", lambda found: figure(found[0], page.language), said)


def _table(verdict: Verdict, page: _Page) -> dict[str, Any] | None:
    """Lay a table out; row and column totals by the rule, marks by ``r1c1`` names."""
    table = verdict.evidence.get("table")
    if not isinstance(table, dict):
        return None
    given: Any = verdict.evidence.get("marks") or table.get("marks") or {}
    spec: Any = verdict.rule.spec
    totals = {getattr(spec, "total_row", ""), *(name for name, _ in getattr(spec, "subtotals", ()))} - {""}
    body: Any = table["rows"]
    columns: Any = table["columns"]
    total_column = getattr(spec, "total_column", "")
    rows = [
        {
            "label": row["label"],
            "total": row["label"] in totals,
            "cells": [
                {
                    "text": "–" if cell is None else figure(str(cell), page.language),
                    "mark": _mark(str(given.get(f"r{r}c{c}", "")), page),
                    "total": columns[c - 1] == total_column,
                }
                for c, cell in enumerate(row["cells"], 1)
            ],
        }
        for r, row in enumerate(body, 1)
    ]
    return {"columns": [{"name": name.replace("_", " "), "total": name == total_column} for name in columns], "rows": rows}


def _charts(page: _Page) -> dict[tuple[str, Subject], str]:
    """Draw what has three known values or more, in the order of the verdicts."""
    found = trends(page.outcome, page.language)
    return {key: svg for key, svg in zip(found, line_charts(list(found.values()), page.pictures), strict=True) if svg}
