"""A stored run as one HTML page: no script, no request, printable; the first screen is enough for a director.

The view is plain data in the reader's form; the template only places it. Everything is escaped by the template.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tulosvahti.core.verdict import ATTENTION, Change, Word
from tulosvahti.emit.charts import line_charts
from tulosvahti.emit.compiled import pages
from tulosvahti.emit.revisions import stored_revision
from tulosvahti.emit.stored import (
    change_of,
    decimal_of,
    observed_of,
    sentence_of,
    title_of,
    titled_input,
    where_of,
    word_or_name,
)
from tulosvahti.emit.told import told
from tulosvahti.emit.trends import stored_trends
from tulosvahti.emit.words import (
    SIGNS,
    bounds_text,
    changed_cells,
    day,
    figure,
    number,
    quantity,
    target_text,
    verdict_word,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tulosvahti.emit.stored import Stored

    Judged = Mapping[str, Any]
    """A verdict, as the run's JSON has it."""
    _Charts = dict[str, list[tuple[str, Markup, str]]]
    """By rule: subject, picture and forecast in words."""

FIRST = 10
"""Findings in the summary."""
REJECTS = 10
MOST_CHARTS = 200
"""Charts on a page. Drawing one takes about 20 ms, and of a project with a thousand the page could not be read any more."""
ORDER = [Word.MISSED, Word.AT_RISK, Word.UNKNOWN, Word.ON_TRACK, Word.MET, Word.NOT_DUE, Word.MONITORED]
_SEVERITIES = ["critical", "warning", "info"]
_TABLED = {"table", "marks", "faults", "broken", "sql", "workings"}


@dataclass(frozen=True)
class _Page:
    """What every part of the view needs."""

    stored: Stored
    language: str
    pictures: Path | None = None

    def say(self, key: str, **details: object) -> str:
        return word(key, self.language, **details)

    def named(self, group: str, name: str) -> str:
        return word_or_name(group, name, self.language)

    @cached_property
    def attention(self) -> list[dict[str, Any]]:
        """Worst first: by severity, then missed before at risk before unknown, then new before old."""

        def weight(verdict: Judged) -> tuple[int, int, bool]:
            old = verdict["change"] == Change.CONTINUED
            return _SEVERITIES.index(verdict["severity"]), ORDER.index(Word(verdict["verdict"])), old

        found = sorted((item for item in self.stored.verdicts if item["verdict"] in ATTENTION), key=weight)
        return [_line(verdict, self) for verdict in found]


def render(
    stored: Stored, languages: Sequence[str], language: str, docs_link: str | None = None, pictures: Path | None = None
) -> str:
    """Give the page in one language; the other ``languages`` are linked as the files beside it.

    ``pictures`` is a folder of charts that were drawn before.
    """
    view = view_of(stored, language, pictures)
    others = [(other, f"run-{stored.run['id']}.{other}.html") for other in languages if other != language]
    return pages("tulosvahti.emit").get_template("report.html.j2").render(view, others=others, docs_link=docs_link)


def view_of(stored: Stored, language: str, pictures: Path | None) -> dict[str, Any]:
    """Give what the templates place."""
    page = _Page(stored, language, pictures)
    charts, charts_left = _charts(page)
    return {
        "say": partial(word, language=language),
        "language": language,
        "title": stored.first_title(language),
        "agreements": stored.documents(language),
        "as_of": day(stored.as_of, language),
        "run": stored.run["id"],
        "rules_sha256": stored.run["rules_sha256"],
        "engine": stored.run["engine"],
        "lookback": stored.run["lookback"],
        "cards": _cards(page),
        "first_run": stored.is_first,
        "changes": _changes(page),
        "revisions": [stored_revision(stored, item, language) for item in stored.data.get("revisions", [])],
        "attention": page.attention[:FIRST],
        "attention_more": max(len(page.attention) - FIRST, 0),
        "synthetic": stored.made_up_named(language),
        "problems": [_problem(item, language) for item in stored.data["problems"]],
        "deliveries": _deliveries(page),
        "charts_left": charts_left,
        "most_charts": MOST_CHARTS,
        "sections": _sections(page, charts),
    }


def _problem(item: Mapping[str, Any], language: str) -> dict[str, str]:
    place = ":".join(str(part) for part in (item["file"], item["line"], item["column"]) if part)
    said = {name: told(item[name], language) for name in ("message", "allowed", "next_step")}
    return {**said, "place": place, "rule": item["rule"] or ""}


def _cards(page: _Page) -> list[dict[str, Any]]:
    counts = {kind: sum(verdict["verdict"] == kind for verdict in page.stored.verdicts) for kind in ORDER}
    return [{**_said(kind, page.language), "count": counts[kind]} for kind in ORDER]


def _said(kind: Word, language: str) -> dict[str, str]:
    return {"kind": str(kind), "sign": SIGNS[kind], "word": verdict_word(kind, language)}


def _line(verdict: Judged, page: _Page) -> dict[str, Any]:
    return {
        "title": title_of(verdict, page.language),
        "where": where_of(verdict),
        "id": verdict["rule"],
        **_said(Word(verdict["verdict"]), page.language),
        "owner": page.stored.owner(verdict, page.language),
        "agency": page.stored.agency(verdict, page.language),
        "sentence": sentence_of(verdict, page.language),
        "severity": page.say(f"severity.{verdict['severity']}") if verdict["severity"] == "critical" else "",
        "change": change_of(verdict, page.language),
    }


def _changes(page: _Page) -> list[dict[str, Any]]:
    return [
        _line(verdict, page)
        for verdict in page.stored.verdicts
        if (verdict["change"] not in {None, Change.CONTINUED}) or (verdict.get("was") and verdict["was"] != verdict["verdict"])
    ]


def _deliveries(page: _Page) -> list[dict[str, Any]]:
    return [_delivery(item, page) for item in page.stored.data["inputs"]]


def _delivery(item: Mapping[str, Any], page: _Page) -> dict[str, Any]:
    rejects = [
        {
            "row": reject["row"],
            "column": ", ".join(filter(None, (reject.get("file"), reject["column"], reject.get("cell")))),
            "reason": told(reject["reason"], page.language),
        }
        for reject in item["rejected"][:REJECTS]
    ]
    return {
        "name": item["name"],
        "title": titled_input(item, page.language),
        "state": item["state"],
        "state_word": page.say(f"state.{item['state']}"),
        "rows": number(Decimal(item["rows"]), page.language),
        "rejected": number(Decimal(item["rejects"]), page.language) if item["rejects"] else "",
        "covered": figure(item["covered_through"] or "", page.language),
        "synthetic": item.get("synthetic", False),
        "explanation": told(item["explanation"], page.language),
        "next_step": told(item["next_step"], page.language),
        "notices": [told(text, page.language) for text in item.get("notices", [])],
        "rejects": rejects,
        "more_rejects": max(len(item["rejected"]) - REJECTS, 0),
    }


def _sections(page: _Page, charts: _Charts) -> list[dict[str, Any]]:
    sections = []
    for (key, section), verdicts in page.stored.sections():
        years = page.stored.years(key)
        rules = [_rule(list(group), years, charts, page) for _, group in groupby(verdicts, key=lambda item: item["rule"])]
        sections.append(
            {
                "section": section,
                "name": page.stored.section_name(verdicts[0], page.language),
                "years": [
                    {"year": year, "binding": page.say("ui.binding" if binding else "ui.preliminary")} for year, binding in years
                ],
                "rules": rules,
            }
        )
    return sections


def _rule(
    verdicts: list[Judged], years: Sequence[tuple[int, bool]], charts: _Charts, page: _Page
) -> dict[str, Any]:
    first = verdicts[0]
    name = first["rule"]
    targets = page.stored.targets(name)
    return {
        "id": name,
        "title": title_of(first, page.language),
        "in_state_budget": first["in_state_budget"],
        "owner": page.stored.owner(first, page.language),
        "targets": [_targets_of(targets, year, page.language) for year, _ in years] if targets is not None else None,
        "target": target_text(first["target"], page.language),
        "verdicts": [_row(verdict, page) for verdict in verdicts],
        "charts": charts.get(name, []),
        "quote": first["cite"]["quote"],
        "page": first["cite"]["page"],
        "note": page.stored.note(name, page.language),
        "open": any(verdict["verdict"] == Word.MISSED and "table" in verdict["evidence"] for verdict in verdicts),
    }


def _targets_of(targets: Mapping[str, Mapping[str, str]], year: int, language: str) -> list[str]:
    found = [(period, target["text"]) for period, target in targets.items() if period[:4] == str(year)]
    lone = len(found) == 1 and found[0][0] == str(year)
    return [("" if lone else f"{period.partition('-')[2]}: ") + target_text(text, language) for period, text in found]


def _row(verdict: Judged, page: _Page) -> dict[str, Any]:
    unit, language = verdict["unit"] or "", page.language
    return {
        **_line(verdict, page),
        "observed": observed_of(verdict, language),
        "target": target_text(verdict["target"], language),
        "margin": quantity(decimal_of(verdict["margin"]), unit, language) if verdict["margin"] is not None else "",
        "provisional": verdict["provisional"],
        "evidence": _evidence(verdict, page),
        "workings": [(page.named("working", name), figure(str(text), language)) for name, text in _pairs(verdict)],
        "sql": str(verdict["evidence"].get("sql") or ""),
        "table": _table(verdict, page),
        "broken": [_broken(item, page) for item in _listed(verdict, "broken")],
        "faults": [_fault(item, page) for item in _listed(verdict, "faults")],
    }


def verdict_view(verdict: Judged, stored: Stored, language: str) -> dict[str, Any]:
    """Give one verdict with its evidence in the reader's form, as a page or a report places it."""
    return _row(verdict, _Page(stored, language))


def _pairs(verdict: Judged) -> list[tuple[str, Any]]:
    workings = verdict["evidence"].get("workings")
    return list(workings.items()) if isinstance(workings, dict) else []


def _listed(verdict: Judged, name: str) -> list[dict[str, Any]]:
    items = verdict["evidence"].get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _evidence(verdict: Judged, page: _Page) -> list[tuple[str, str]]:
    rows = []
    for name, value in verdict["evidence"].items():
        if name in _TABLED or value in (None, "", []):
            continue
        rows.append((page.named("evidence", name), spoken_value(name, value, page.language)))
    return rows


def spoken_value(name: str, value: Any, language: str) -> str:  # noqa: ANN401 (JSON data)
    """Write a fact of the evidence, of whatever shape, in the reader's form."""
    if name == "range" and isinstance(value, list):
        return " – ".join("…" if end is None else figure(str(end), language) for end in value)
    if name == "censored":
        return bounds_text(str(value), language)
    if isinstance(value, dict):
        known = [(word_or_name("evidence", key, language) if name == "mapping" else key, item) for key, item in value.items() if item not in ({}, [])]
        return ", ".join(f"{key} {spoken_value('', item, language)}" for key, item in known)
    if isinstance(value, list):
        parts = [spoken_value(name if isinstance(item, str) else "", item, language) for item in value]
        return ("; " if any(isinstance(item, dict | list) for item in value) else ", ").join(parts)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = told(str(value), language) if name in {"rounding", "structure"} else str(value)
    return text if name in {"input", "input_sha256"} else figure(text, language)


def _broken(item: dict[str, Any], page: _Page) -> str:
    parts = [
        page.say(f"ui.{name}", value=figure(str(item[of]), page.language))
        for name, of in (("stated", "stated"), ("expected", "expected"), ("difference", "difference"))
        if item.get(of) is not None
    ]
    return f"{page.named('axis', str(item.get('axis', '')))} {item.get('relation', '')}: {', '.join(parts)}"


def _fault(item: dict[str, Any], page: _Page) -> str:
    cause = item.get("cause")
    said = changed_cells(str(item.get("sentence", "")), page.language)
    return f"{said} ({page.named('cause', str(cause))})" if cause else said


def _mark(text: str, page: _Page) -> str:
    """Put a mark's numbers and cause in the reader's words; the cell itself is where the mark stands."""
    said = re.sub(r"^[A-Z]+\d+ \(.*?\): (?=→)", "", text)
    said = re.sub(r"\((\w+)\)$", lambda found: f"({page.named('cause', found[1])})", said)
    return re.sub(r"(?<=[→≠] )-?\d+(?:\.\d+)?|^-?\d+(?:\.\d+)?(?= ≠)", lambda found: figure(found[0], page.language), said)


def _table(verdict: Judged, page: _Page) -> dict[str, Any] | None:
    """Lay a table out; row and column totals by the rule, marks by ``r1c1`` names."""
    table = verdict["evidence"].get("table")
    if not isinstance(table, dict):
        return None
    given: Any = verdict["evidence"].get("marks") or table.get("marks") or {}
    sums: Any = verdict.get("sums") or {}
    totals = {sums.get("total_row", ""), *sums.get("subtotals", {})} - {""}
    body: Any = table["rows"]
    columns: Any = table["columns"]
    total_column = sums.get("total_column", "")
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


def _charts(page: _Page) -> tuple[_Charts, int]:
    """Draw what has three known values or more, first what needs attention; say how many charts would be too many."""
    found = stored_trends(page.stored, page.language)
    first = {(item["rule"], tuple(item["subject"].items())) for item in page.stored.verdicts if item["verdict"] in ATTENTION}
    wanted = sorted((key for key, series in found.items() if series.enough), key=lambda key: key not in first)
    chosen = set(wanted[:MOST_CHARTS])
    shown = {key: series for key, series in found.items() if key in chosen}
    drawn = line_charts(list(shown.values()), page.pictures)
    charts: _Charts = {}
    for ((rule, subject), series), svg in zip(shown.items(), drawn, strict=True):
        if svg:
            name = ", ".join(value for _, value in subject)
            charts.setdefault(rule, []).append((name, Markup(svg), series.foretold))  # noqa: S704 (own SVG)
    return charts, len(wanted) - len(chosen) if charts else 0
