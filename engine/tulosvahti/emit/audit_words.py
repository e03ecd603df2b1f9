"""What an audit found, in sentences and formulas: findings, relations, notices, ties.

Figures are exact, in the form of the language; cells have their A1 name, or line and column, with their labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.emit.audit_cells import (
    blocks,
    cell_text,
    figure_text,
    has_grid,
    name,
    place_text,
    source_text,
)
from tulosvahti.emit.audit_said import PLACES, cause_text, finding_text, sentence
from tulosvahti.emit.words import clean, figure, has_word, listed, number, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.audited import Audit, AuditedRelation, AuditedTable, Tie
    from tulosvahti.core.sheet import Notice

__all__ = ["cause_text", "finding_text", "formula_text", "notice_text", "relation_text", "sentence", "tie_text"]
_BLOCK = 4
"""So many items side by side are written as a block."""


def relation_text(audited: AuditedTable, relation: AuditedRelation, language: str) -> str:
    """Write a relation as a formula of its cells, with what stands and what comes out."""
    table = audited.table
    said = f"{cell_text(table, relation.total, language)} = {formula_text(audited, relation, language)}"
    stated = figure_text(table, relation.total, relation.stated, language)
    expected = figure_text(table, relation.total, relation.expected, language)
    if relation.state == "incomplete" or relation.expected is None:
        return f"? {said}: {stated} ({word('audit.unjudged', language)})"
    if relation.state == "holds" and relation.rounding == "exact":
        return f"✓ {said} = {expected}"
    sign = "≈" if relation.state == "holds" else "✗"
    difference = figure_text(table, relation.total, relation.difference, language)
    equals = "≈" if relation.state == "holds" else "≠"
    return f"{sign} {said}: {stated} {equals} {expected} ({difference})"


def formula_text(audited: AuditedTable, relation: AuditedRelation, language: str) -> str:
    """Write what a relation computes: ``Σ(B2:B9) − B12``, ``C4 / D4``, ``(D4 − C4) / C4``."""
    table = audited.table
    names = [name(table, item, language) for item in relation.items]
    if relation.function in {"share", "relative_change"} and len(names) == 2:
        times = " × 100" if relation.percent else ""
        first, second = names
        return (
            f"{first} / {second}{times}" if relation.function == "share" else f"({second} − {first}) / {first}{times}"
        )
    if relation.function == "average":
        return f"{word('audit.average', language)}({'; '.join(blocks(table, relation.items, language)[:PLACES])})"
    plus = [item for item, weight in zip(relation.items, relation.weights, strict=True) if weight > 0]
    texts: list[str] = []
    if len(plus) >= _BLOCK and has_grid(table, relation.total):
        texts = [f"+ Σ({'; '.join(blocks(table, plus, language))})"]
        names = [name(table, item, language) for item in relation.items if item not in plus]
        texts += [f"− {text}" for text in names]
    else:
        signs = ["+" if weight > 0 else "−" for weight in relation.weights]
        texts = [f"{sign} {text}" for sign, text in zip(signs, names, strict=True)]
    if len(texts) > 2 * PLACES:
        texts = [*texts[:PLACES], f"… ({len(texts)})", texts[-1]]
    return " ".join(texts).removeprefix("+ ")


def notice_text(notice: Notice, language: str) -> str:
    """Say what a reader or the table noticed; a code without a sentence in a readable form, with its places."""
    places = [place_text(place, language) for place in notice.where]
    where = listed(places, language, most=PLACES)
    key = f"notice.{notice.code}"
    details = [clean(text) for text in notice.detail]
    if not has_word(key, language):
        said = ": ".join(part for part in (clean(notice.code).replace("_", " "), where) if part)
        return sentence(f"{said} ({'; '.join(details)})" if details else said)
    if notice.code == "regrouped":
        details = [
            word(f"notice.why.{text}", language) if has_word(f"notice.why.{text}", language) else text
            for text in details
        ]
    first, second = (*[figure(text, language) for text in details[:2]], "–", "–")[:2]
    shown = "; ".join(details[:PLACES]) + (" …" if len(details) > PLACES else "")
    return word(
        key, language, where=where or "–", detail=shown or "–", first=first, second=second, count=len(notice.where)
    )


def tie_text(audit: Audit, tie: Tie, language: str) -> str:
    """Say what the same figure in two places shows."""
    one, other = (_tied(audit, place, language) for place in (tie.one, tie.other))
    if tie.parts:
        table = audit.tables[tie.other[0]].table
        other = f"{source_text(table.source, language)} Σ({'; '.join(blocks(table, tie.parts, language))})"
    tables = [audit.tables[place[0]].table for place in (tie.one, tie.other)]
    values = [
        figure_text(t, p[1:], v, language) for t, p, v in zip(tables, (tie.one, tie.other), tie.values, strict=True)
    ]
    # A tie's own difference is the other less the one, as the sentence reads.
    details: Mapping[str, object] = {
        "label": clean(tie.label) or word(f"tie.kind.{tie.kind}", language),
        "one": one,
        "other": other,
        "value": values[0],
        "second": values[1],
        "difference": number(abs(tie.difference), language) if tie.difference is not None else "–",
    }
    return sentence(word(f"tie.{tie.state}", language, **details))


def _tied(audit: Audit, place: tuple[int, int, int], language: str) -> str:
    table = audit.tables[place[0]].table
    return f"{source_text(table.source, language)} {cell_text(table, place[1:], language)}"
