"""An audit as JSON in the shape of DESIGN §5: the same audit gives the same bytes.

Convention: numbers are plain decimal strings without exponent and trailing zeros: equal figures are equal texts. A cell
is its A1 name, or ``line:column`` (a PDF's with its page before) where its source is text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tulosvahti.core.quantity import plain
from tulosvahti.core.sheet import a1
from tulosvahti.core.text import LANGUAGES
from tulosvahti.emit.audit_cells import notices_of
from tulosvahti.emit.audit_words import finding_text, notice_text, tie_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from tulosvahti.core.audited import Audit, AuditedRelation, AuditedTable, AuditFinding, Position, Remedy, Tie
    from tulosvahti.core.sheet import Notice
    from tulosvahti.core.table import Table
    from tulosvahti.problem import Problem


def audit_json(audit: Audit, problems: Iterable[Problem] = ()) -> str:
    """Write an audit and the files that could not be read, ending with a newline."""
    shape = {
        "tables": [_table(audited) for audited in audit.tables],
        "ties": [_tie(audit, tie) for tie in audit.ties],
        "problems": [{**problem.parts(), "rule": problem.rule or None} for problem in problems],
    }
    return json.dumps(shape, ensure_ascii=False, indent=1) + "\n"


def _table(audited: AuditedTable) -> dict[str, Any]:
    table = audited.table
    area = _area(table)
    return {
        "source": table.source,
        **({"area": area} if area else {}),
        "rounded_to": "0" if audited.exact else _number(audited.units[0]) if audited.units else None,
        "relations": [_relation(table, relation) for relation in audited.relations],
        "findings": [_finding(audited, finding) for finding in audited.findings],
        "notices": [_notice(notice) for notice in notices_of(audited)],
        "left_out": list(audited.left_out),
    }


def _area(table: Table) -> str:
    """Give the block that holds everything, where the source has a grid."""
    there = list(table.numbers)
    if not there or table.sheet.at(*there[0]).place:
        return ""
    return f"{a1(0, 0)}:{a1(table.height - 1, table.width - 1)}"


def _relation(table: Table, relation: AuditedRelation) -> dict[str, Any]:
    weighted = any(weight != 1 for weight in relation.weights)
    return {
        "function": relation.function,
        "axis": relation.axis,
        "label": relation.label,
        "total": table.sheet.place(*relation.total),
        "items": _cells(table, relation.items),
        **({"weights": list(relation.weights)} if weighted else {}),
        **({"percent": True} if relation.percent else {}),
        "holds": {"holds": True, "broken": False}.get(relation.state),
        "stated": _number(relation.stated),
        "expected": _number(relation.expected),
        "difference": _number(relation.difference),
        "rounding": relation.rounding,
    }


def _finding(audited: AuditedTable, finding: AuditFinding) -> dict[str, Any]:
    table = audited.table
    return {
        "cells": _cells(table, finding.cells),
        "stated": [_number(value) for value in finding.stated],
        "implied": [_number(value) for value in finding.implied],
        "cause": finding.cause,
        "explains": finding.explains,
        "explained": finding.explained,
        "alternatives": [_remedy(table, remedy) for remedy in finding.remedies],
        "because": _cells(table, finding.because),
        "cut": finding.cut,
        "text": _in_languages(lambda language: finding_text(audited, finding, language)),
    }


def _remedy(table: Table, remedy: Remedy) -> dict[str, Any]:
    return {
        "cells": _cells(table, remedy.cells),
        "stated": [_number(value) for value in remedy.stated],
        "implied": [_number(value) for value in remedy.implied],
        "cause": remedy.cause,
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "code": notice.code,
        "where": list(notice.where),
        "detail": list(notice.detail),
        "text": _in_languages(lambda language: notice_text(notice, language)),
    }


def _tie(audit: Audit, tie: Tie) -> dict[str, Any]:
    return {
        "kind": tie.kind,
        "state": tie.state,
        "label": tie.label,
        "cells": [
            {"source": (table := audit.tables[place[0]].table).source, "cell": table.sheet.place(*place[1:])}
            for place in (tie.one, tie.other)
        ],
        **({"parts": _cells(audit.tables[tie.other[0]].table, tie.parts)} if tie.parts else {}),
        "values": [_number(value) for value in tie.values],
        "difference": _number(tie.difference),
        "text": _in_languages(lambda language: tie_text(audit, tie, language)),
    }


def _cells(table: Table, positions: Iterable[Position]) -> list[str]:
    return [table.sheet.place(*position) for position in positions]


def _in_languages(say: Callable[[str], str]) -> dict[str, str]:
    return {language: say(language) for language in LANGUAGES}


def _number(value: Decimal | None) -> str | None:
    """Write a decimal shortest: ``12.50`` is ``12.5``, a zero of any kind is ``0``."""
    if value is None:
        return None
    text = plain(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
