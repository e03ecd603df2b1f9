"""What a workbook says of an audit: the note of each marked cell, and the rows of the sheet of findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.quantity import plain
from tulosvahti.emit.audit_cells import (
    STORED_DIGITS,
    blocks,
    column_label,
    figure_text,
    marks,
    relations_of,
    row_label,
    shown,
    source_text,
    what_stands,
)
from tulosvahti.emit.audit_terminal import kind_of
from tulosvahti.emit.audit_words import cause_text, finding_text
from tulosvahti.emit.words import listed, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tulosvahti.core.audited import AuditedTable, AuditFinding, Position

SHEET = "Tulosvahti"
HEADS = ("kind", "sheet", "cell", "row", "column", "stated", "implied", "cause", "text")
WIDTHS = (12, 22, 12, 28, 24, 16, 16, 22, 90)
"""Of the columns of the sheet of findings, in characters."""
_KINDS = {"wrong": "certain", "doubt": "doubtful", "remark": "remark"}
_MOST = 3
MOST_NOTES = 2000
"""Of one sheet: more make a workbook slow to open."""
_LONGEST_NAME = 31
_ENDS = " '"
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))


@dataclass(frozen=True)
class Row:
    """A finding's row: texts, and where it is one figure ``stated`` and ``implied`` as numbers; ``place`` is linked."""

    kind: str
    texts: tuple[str, ...]
    stated: Decimal | None
    implied: Decimal | None
    source: str
    place: Position | None


def headings(language: str) -> list[str]:
    """Name the columns of the sheet of findings."""
    return [word(f"audit.head.{name}", language) for name in HEADS]


def rows_of(audited: AuditedTable, language: str) -> list[Row]:
    """Give a row for each finding."""
    return [_row(audited, finding, language) for finding in audited.findings]


def _row(audited: AuditedTable, finding: AuditFinding, language: str) -> Row:
    table = audited.table
    known = relations_of(audited)
    totals = tuple(known[name].total for name in finding.relations if name in known)
    places = finding.suspects or totals[:1]
    place = places[0] if places else None
    one = len(finding.cells) == 1
    stated = finding.stated[0] if one else None
    implied = finding.implied[0] if one else None
    texts = (
        word(f"audit.{_KINDS[kind_of(finding)]}", language),
        source_text(table.source, language),
        listed(blocks(table, places, language), language, most=6),
        row_label(table, place[0]) if place else "",
        column_label(table, place) if place else "",
        figure_text(table, place, stated, language) if place and stated is not None else "",
        figure_text(table, place, implied, language) if place and implied is not None else "",
        cause_text(finding.cause, language),
        finding_text(audited, finding, language),
    )
    numbers = [shown(table, place, v) if place and v is not None and _is_kept(v) else None for v in (stated, implied)]
    return Row(kind_of(finding), texts, numbers[0], numbers[1], table.source, place)


def _is_kept(value: Decimal) -> bool:
    return len(plain(value).strip("-0.").replace(".", "")) <= STORED_DIGITS


def notes_of(audited: AuditedTable, language: str) -> Mapping[Position, tuple[str, str]]:
    """Give each marked cell's mark and note: the sentences, what stands, what would have to, and why.

    Where very many cells are marked, the first of the surest have a note, the others an empty one.
    """
    rank = ("wrong", "doubt", "remark")
    result: dict[Position, tuple[str, str]] = {}
    ordered = sorted(marks(audited).items(), key=lambda item: (rank.index(item[1][0]), item[0]))
    for position, (kind, numbers) in ordered:
        if len(result) >= MOST_NOTES:
            result[position] = kind, ""
            continue
        findings = [audited.findings[number - 1] for number in numbers]
        said = [_note(audited, finding, position, language) for finding in findings[:_MOST]]
        if len(findings) > _MOST:
            said.append(word("audit.more", language, count=len(findings) - _MOST))
        result[position] = kind, "\n\n".join(said)
    return result


def _note(audited: AuditedTable, finding: AuditFinding, position: Position, language: str) -> str:
    table = audited.table
    lines = [finding_text(audited, finding, language)]
    number = table.numbers.get(position)
    if finding.explained:
        return lines[0]
    now = what_stands(table, position, number.value if number else None, language)
    lines.append(f"{word('audit.head.stated', language)}: {now}")
    certain = position in finding.cells
    pairs = [*zip(finding.cells, finding.implied, strict=False)]
    pairs += [pair for remedy in finding.remedies for pair in zip(remedy.cells, remedy.implied, strict=False)]
    implied = next((value for cell, value in pairs if cell == position and value is not None), None)
    if implied is not None:
        head = word("audit.head.implied" if certain else "audit.head.if_wrong", language)
        lines.append(f"{head}: {figure_text(table, position, implied, language)}")
    causes = (
        [finding.cause] if certain else [r.cause for r in finding.remedies if position in r.cells] or [finding.cause]
    )
    if causes[0]:
        lines.append(f"{word('audit.head.cause', language)}: {cause_text(causes[0], language)}")
    return "\n".join(lines)


def sheet_name(wanted: str, taken: Sequence[str]) -> str:
    """Give a name that a workbook takes: short, without forbidden characters, and not there yet."""
    base = " ".join(wanted.translate(_FORBIDDEN).split()).strip(_ENDS) or SHEET
    base = f"{base}_" if base.casefold() == "history" else base
    used = {name.casefold() for name in taken}
    for number in range(1, len(used) + 2):
        suffix = "" if number == 1 else f" {number}"
        name = f"{base[: _LONGEST_NAME - len(suffix)].rstrip(_ENDS)}{suffix}"
        if name.casefold() not in used:
            return name
    return base[:_LONGEST_NAME]


def link_to(sheet: str, cell: str) -> str:
    """Give the place that a link inside a workbook leads to."""
    return "'{}'!{}".format(sheet.replace("'", "''"), cell)
