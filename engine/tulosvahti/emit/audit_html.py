"""An audit as one HTML page: no script, no request, printable; each table as its sheet has it, the wrong cells marked.

The view is plain data in the reader's form; the template only places it. Everything is escaped by the template.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from tulosvahti.core.sheet import column_letters
from tulosvahti.emit.audit_cells import marks, name, notices_of, short, source_text
from tulosvahti.emit.audit_terminal import kind_of
from tulosvahti.emit.audit_view import (
    Counts,
    body_rows,
    cell_shown,
    counts,
    has_something,
    ranked,
    shown_rows,
    unit_text,
    with_gaps,
)
from tulosvahti.emit.audit_words import finding_text, notice_text, relation_text, tie_text
from tulosvahti.emit.told import told
from tulosvahti.emit.words import known, number, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jinja2 import Template

    from tulosvahti.core.audited import Audit, AuditedTable, Position
    from tulosvahti.problem import Problem

ROWS = 400
"""A table of more rows shows the parts that matter."""
PART = 60
COLUMNS = 80
HEADS = 6
NOTES = 12
"""Rows of text below the figures that are shown."""
RELATIONS = 300
"""Relations listed of one table; of tables with nothing wrong only while there are not too many in all."""
MOST_RELATIONS = 5000
FIRST = 20
LONGEST_TEXT = 90
_SIGNS = {"wrong": "✗", "doubt": "?", "remark": "*"}
_WORDS = {"wrong": "certain", "doubt": "doubtful", "remark": "remark"}


def _template(name: str) -> Template:
    from tulosvahti.emit.compiled import pages  # noqa: PLC0415 (loads Jinja)

    return pages("tulosvahti.emit").get_template(name)


def audit_page(audit: Audit, language: str, problems: Iterable[Problem] = ()) -> str:
    """Give the page in one language; ``problems``: the files that could not be read."""
    return _template("audit.html.j2").render(_view(audit, language, problems), linked=False)


def audit_body(audit: Audit, language: str, problems: Iterable[Problem] = ()) -> str:
    """Give what stands on the page, for another page: each figure leads to the relations that it is part of."""
    return _template("audit_body.html.j2").render(_view(audit, language, problems, every=True), linked=True)


def _view(audit: Audit, language: str, problems: Iterable[Problem], *, every: bool = False) -> dict[str, Any]:
    """Give what the templates place; ``every``: tables with nothing wrong are laid out too."""
    spoken = known(language)
    tables = [_Page(audited, f"t{number}", spoken) for number, audited in enumerate(audit.tables, 1)]
    total = sum((counts(audited) for audited in audit.tables), Counts())
    right = [page for page in tables if not (every and page.audited.relations) and not has_something(page.audited)]
    few = sum(len(page.audited.relations) for page in right) <= MOST_RELATIONS
    found = [item for page in tables for item in page.findings() if item["kind"] != "remark"]
    return {
        "say": partial(_say, spoken),
        "language": spoken,
        "cards": _cards(audit, total, spoken),
        "problems": [_problem(problem, spoken) for problem in problems],
        "needs": found[:FIRST],
        "needs_more": max(len(found) - FIRST, 0),
        "tables": [page.view() for page in tables if page.key not in {other.key for other in right}],
        "right": [page.line(listed=few) for page in right],
        "ties": [
            {
                "kind": {"differs": "wrong", "agrees": "right"}.get(tie.state, "remark"),
                "text": tie_text(audit, tie, spoken),
            }
            for tie in audit.ties
        ],
    }


def _problem(problem: Problem, language: str) -> str:
    said = replace(
        problem, message=told(problem.message, language), allowed=told(problem.allowed, language), next_step=told(problem.next_step, language)
    )
    return str(said).replace("; allowed: ", f"; {word('ui.allowed', language, allowed='').strip().lower()} ")


def _say(language: str, key: str, **details: object) -> str:
    return word(f"audit.{key}", language, **details)


def _cards(audit: Audit, total: Counts, language: str) -> list[dict[str, object]]:
    cards: list[dict[str, object]] = [
        {"kind": "plain", "count": number(Decimal(count), language), "word": word(f"audit.{key}", language)}
        for key, count in (("tables", len(audit.tables)), ("relations", total.relations))
    ]
    said = total.said(language)
    return cards + [{"kind": kind, "count": count, "word": f"{sign} {text}"} for kind, sign, count, text in said]


@dataclass(frozen=True)
class _Page:
    """One table while its view is made; ``key`` begins the ids of its parts."""

    audited: AuditedTable
    key: str
    language: str

    def say(self, key: str, **details: object) -> str:
        return word(f"audit.{key}", self.language, **details)

    def findings(self) -> list[dict[str, Any]]:
        """Give the sentences with where they lead."""
        table = self.audited.table
        result = []
        for place, finding in enumerate(self.audited.findings, 1):
            kind = kind_of(finding)
            result.append(
                {
                    "id": f"{self.key}f{place}",
                    "number": place,
                    "kind": kind,
                    "sign": _SIGNS[kind],
                    "word": self.say(_WORDS[kind]),
                    "source": source_text(table.source, self.language),
                    "text": finding_text(self.audited, finding, self.language),
                }
            )
        return result

    def line(self, *, listed: bool) -> dict[str, Any]:
        """Give a table with nothing wrong in one line."""
        facts = [fact for _, fact in counts(self.audited).facts(self.language)]
        return {
            "source": source_text(self.audited.table.source, self.language),
            "facts": " · ".join(fact for fact in (*facts, unit_text(self.audited, self.language)) if fact),
            "empty": not self.audited.relations,
            "notices": self.notices(),
            "relations": self.relations() if listed else [],
            "count": len(self.audited.relations),
        }

    def view(self) -> dict[str, Any]:
        found = self.findings()
        return {
            **self.line(listed=True),
            "key": self.key,
            "grid": self.grid(found),
            "findings": [item for item in found if item["kind"] != "remark"],
            "remarks": [item for item in found if item["kind"] == "remark"],
        }

    def relations(self) -> list[dict[str, str]]:
        kinds = {"broken": "wrong", "incomplete": "doubt", "holds": "right"}
        return [
            {"kind": kinds[relation.state], "text": relation_text(self.audited, relation, self.language), "id": f"{self.key}r{place}"}
            for place, relation in enumerate(self.audited.relations[:RELATIONS])
        ]

    @cached_property
    def parts(self) -> Mapping[Position, list[str]]:
        """Name the relations that each cell is part of."""
        found: dict[Position, list[str]] = {}
        for place, relation in enumerate(self.audited.relations[:RELATIONS]):
            for position in (relation.total, *relation.items):
                found.setdefault(position, []).append(f"{self.key}r{place}")
        return found

    def notices(self) -> list[str]:
        texts = [notice_text(notice, self.language) for notice in notices_of(self.audited)]
        if self.audited.left_out:
            texts.append(
                self.say("left_out", what=", ".join(self.say(f"function.{name}") for name in self.audited.left_out))
            )
        return texts

    # the table

    def grid(self, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Lay the sheet out: its letters, its header, its rows, with what is left out told."""
        table = self.audited.table
        everything = body_rows(self.audited, NOTES)
        rows = everything if len(everything) <= ROWS else shown_rows(self.audited, PART)
        columns = self.columns(rows)
        lettered = not any(table.sheet.at(*p).place for p in list(table.numbers)[:1])
        titles, heads = self.heads(columns)
        numbered = {c for _, c in table.numbers}
        right = ["num" if c in numbered else "" for c in columns]
        marked = marks(self.audited)
        texts = {item["number"]: item for item in found}
        totals = {r.total[0] for r in self.audited.relations if r.axis == "column"}
        shown: list[dict[str, Any]] = []
        before = -1
        for row in with_gaps(rows, everything):
            if row is None:
                following = next((r for r in rows if r > before), None)
                left = sum(1 for r in everything if before < r and (following is None or r < following))
                shown.append({"gap": self.say("rows_left", count=left)})
                continue
            before = row
            shown.append({**self.row(row, columns, marked, texts), "total": row in totals})
        return {
            "titles": titles,
            "letters": [self.letter(c) for c in columns] if lettered else [],
            "heads": [list(zip(head, right, strict=True)) for head in heads],
            "rows": shown,
            "width": len(columns) + 1,
            "part": self.say("part", shown=len(rows), all=len(everything)) if len(rows) < len(everything) else "",
        }

    def columns(self, rows: Sequence[int]) -> list[int]:
        """Give the columns that hold anything in the header or the rows shown."""
        table = self.audited.table
        lines = [*range(max(0, table.body - HEADS), table.body), *rows]
        filled = [c for c in range(table.width) if any(not table.sheet.at(r, c).blank for r in lines)]
        if len(filled) <= COLUMNS:
            return filled
        ranks = ranked(self.audited, 1)
        return sorted(sorted(filled, key=lambda c: (ranks.get(c, 9), c))[:COLUMNS])

    def letter(self, column: int) -> dict[str, Any]:
        return {"text": column_letters(column), "hidden": column in self.audited.table.sheet.hidden_columns}

    def heads(self, columns: Sequence[int]) -> tuple[list[str], list[list[str]]]:
        """Part what stands above the figures into titles (alone in a first column) and the header's rows."""
        sheet, body = self.audited.table.sheet, self.audited.table.body
        titles: list[str] = []
        heads: list[list[str]] = []
        for row in range(body):
            filled = [c for c in columns if not sheet.at(row, c).blank]
            if filled == columns[:1] and len(columns) > 1 and not heads:
                titles.append(short(sheet.at(row, filled[0]).text, 3 * LONGEST_TEXT))
            elif filled:
                heads.append([short(sheet.at(row, c).text, LONGEST_TEXT) for c in columns])
        return titles[-3:], heads[-HEADS:]

    def row(
        self,
        row: int,
        columns: Sequence[int],
        marked: Mapping[Position, tuple[str, tuple[int, ...]]],
        texts: Mapping[int, Mapping[str, Any]],
    ) -> dict[str, Any]:
        table = self.audited.table
        number = (
            name(table, (row, columns[0]), self.language) if table.sheet.at(row, columns[0]).place else str(row + 1)
        )
        named = next((c for c in columns if (row, c) not in table.numbers and not table.sheet.at(row, c).blank), None)
        return {
            "gap": "",
            "number": number,
            "hidden": row in table.sheet.hidden_rows,
            "head": row in table.headers,
            "cells": [self.cell((row, c), marked.get((row, c)), texts, named=c == named) for c in columns],
        }

    def cell(
        self,
        position: Position,
        mark: tuple[str, tuple[int, ...]] | None,
        texts: Mapping[int, Mapping[str, Any]],
        *,
        named: bool,
    ) -> dict[str, Any]:
        kind, numbers = mark or ("", ())
        return {
            "text": cell_shown(self.audited.table, position, self.language, LONGEST_TEXT) or ("–" if mark else ""),
            "number": position in self.audited.table.numbers,
            "named": named,
            "hidden": position[1] in self.audited.table.sheet.hidden_columns,
            "kind": kind,
            "sign": _SIGNS.get(kind, ""),
            "word": self.say(_WORDS[kind]) if kind else "",
            "relations": self.parts.get(position, []),
            "key": self.key,
            "title": " ".join(str(texts[number]["text"]) for number in numbers),
            "notes": [{"number": number, "id": f"{self.key}f{number}"} for number in numbers],
        }
