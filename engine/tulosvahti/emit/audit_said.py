"""What a finding says, for somebody who has the table before them and has never seen the program.

One sentence for a finding, two at most (a third only where the search was cut short). Figures are exact, in the form of
the language; cells have their A1 name, or line and column, with their labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.emit.audit_cells import (
    at_text,
    blocks,
    cell_text,
    figure_text,
    lines_text,
    relations_of,
    what_stands,
)
from tulosvahti.emit.words import clean, figure, has_word, listed, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tulosvahti.core.audited import AuditedRelation, AuditedTable, AuditFinding, Position, Remedy

NAMED = 3
"""Cells, or possibilities, that a sentence names; the others are counted."""
PLACES = 6
LINE_CAUSES = frozenset({"left_out", "counted_twice", "unmarked_subtotal", "sign"})
"""Causes that lie in what is counted: one of these with one remedy is said as it is, not as a suspicion."""
TOLD = frozenset(
    {"rows_not_shown", "sign_reversed", "not_calculated", "doubled_rows", "absent", "formula_differs", "formulas_differ", "unit_change"}
)
"""Causes with a sentence of their own."""
_FACTOR = re.compile(r"factor_(\d+)")
_AMOUNT = re.compile(r"-?\d+(?:\.\d+)?(?:E[+-]?\d+)?")


def finding_text(audited: AuditedTable, finding: AuditFinding, language: str) -> str:
    """Say what is wrong, what stands, what would have to stand, why, and how many relations that mends."""
    return " ".join(_Said(audited, finding, language).sentences())


def cause_text(cause: str | None, language: str) -> str:
    """Name a cause in a word or two; a code without a word in a readable form, nothing where there is no cause."""
    if cause is None:
        return ""
    return word(f"cause.{cause}", language) if has_word(f"cause.{cause}", language) else clean(cause).replace("_", " ")


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


@dataclass(frozen=True)
class _Said:
    """One finding while it is put into words."""

    audited: AuditedTable
    finding: AuditFinding
    language: str

    def say(self, key: str, **details: object) -> str:
        return word(f"audit.{key}", self.language, **details)

    def sentences(self) -> list[str]:
        finding = self.finding
        said = [self.told(finding.cause)] if finding.cause in TOLD and self.place() else self.parts()
        said = [sentence(text) for text in said if text]
        return [*said, self.say("cut")] if finding.cut and not finding.explained else said

    def parts(self) -> list[str]:
        finding = self.finding
        if finding.explained and self.place():
            return [self.told("rounding" if finding.cause == "rounding" else "explained")]
        if finding.cells:
            first = self.certain(finding.cells, finding.stated, finding.implied, finding.cause)
            left = [r for r in finding.remedies if not set(r.cells) <= set(finding.cells)]
            return [first, self.either(left) if left else self.mends()]
        if len(finding.remedies) == 1:
            return self.only(finding.remedies[0])
        if finding.cause and finding.because:
            cause = self.cause(finding.cause)
            return [self.broken() or cause, self.say("likely", cause=cause) if finding.relations else ""]
        if finding.remedies:
            return [self.either(finding.remedies), self.broken() or self.affected()]
        return [self.broken() or (self.cause(finding.cause) if finding.cause else self.named(finding.because))]

    # what is wrong

    def certain(
        self,
        cells: Sequence[Position],
        stated: Sequence[Decimal | None],
        implied: Sequence[Decimal | None],
        cause: str | None,
    ) -> str:
        table = self.audited.table
        if len(cells) == 1:
            now = what_stands(table, cells[0], stated[0], self.language)
            at = at_text(table, cells[0], self.language)
            if implied[0] is None or implied[0] == stated[0]:
                said = self.say("stands", at=at, stated=now)
            else:
                said = self.say(
                    "wrong", at=at, stated=now, implied=figure_text(table, cells[0], implied[0], self.language)
                )
        else:
            changes = [self.change(*one) for one in zip(cells, stated, implied, strict=True)]
            if cause == "neighbours_exchanged" and len(cells) == len(changes) == 2:
                return self.say("exchanged", one=changes[0], other=changes[1])
            said = self.say("several", list=listed(changes, self.language, most=NAMED))
        return f"{said}: {self.cause(cause, cells[0], stated[0], implied[0])}"

    def only(self, remedy: Remedy) -> list[str]:
        """Say the one remedy of a finding whose cells are not certain."""
        finding = self.finding
        cause = finding.cause or remedy.cause
        if cause in LINE_CAUSES:
            changes = [self.change(*one) for one in zip(remedy.cells, remedy.stated, remedy.implied, strict=True)]
            return [f"{self.cause(cause)}: {listed(changes, self.language, most=NAMED)}", self.mends()]
        if finding.because and cause is None:
            items = listed(blocks(self.audited.table, finding.because, self.language), self.language, most=PLACES)
            cell, implied = remedy.cells[0], remedy.implied[0]
            return [
                self.say(
                    "suspect",
                    at=at_text(self.audited.table, cell, self.language),
                    stated=what_stands(self.audited.table, cell, remedy.stated[0], self.language),
                    because=items,
                    implied=figure_text(self.audited.table, cell, implied, self.language),
                )
            ]
        said = self.certain(remedy.cells, remedy.stated, remedy.implied, cause)
        return [self.say("perhaps", text=said), self.mends()]

    def either(self, remedies: Sequence[Remedy]) -> str:
        texts = [self.remedy(remedy) for remedy in remedies[:NAMED]]
        if len(remedies) == len(texts) == 2:
            return self.say("either.two", one=texts[0], other=texts[1])
        if len(remedies) == 1:
            return self.say("perhaps", text=texts[0])
        rest = len(remedies) - len(texts)
        if rest:
            texts.append(self.say("others.one") if rest == 1 else self.say("either.others", count=rest))
        return self.say("either", list=listed(texts, self.language, last="or"))

    def remedy(self, remedy: Remedy) -> str:
        changes = list(zip(remedy.cells, remedy.stated, remedy.implied, strict=True))
        cause = cause_text(remedy.cause, self.language)
        texts = [self.change(*one, cause if len(changes) == 1 else "") for one in changes]
        return texts[0] if len(texts) == 1 else self.say("together", list=listed(texts, self.language, most=NAMED))

    def change(self, cell: Position, stated: Decimal | None, implied: Decimal | None, cause: str = "") -> str:
        """Give a cell with what stands and what would have to: ``B4 (Kainuu / 2022: 100 → 120)``."""
        table = self.audited.table
        extra = what_stands(table, cell, stated, self.language)
        if implied is not None:
            extra = f"{extra}\u00a0→ {figure_text(table, cell, implied, self.language)}"
        return cell_text(table, cell, self.language, f"{extra}, {cause}" if cause else extra)

    # why

    def cause(
        self,
        cause: str | None,
        cell: Position | None = None,
        stated: Decimal | None = None,
        implied: Decimal | None = None,
    ) -> str:
        factor = _FACTOR.fullmatch(cause or "")
        key = cause or "none"
        if factor:
            key = "small" if stated is not None and implied is not None and abs(stated) < abs(implied) else "large"
        because = self.named(self.finding.because)
        if not because and has_word(f"audit.cause.{key}.bare", self.language):
            key = f"{key}.bare"
        if not has_word(f"audit.cause.{key}", self.language):
            return cause_text(cause, self.language) + self.note()
        return self.say(
            f"cause.{key}",
            because=because,
            times=figure(factor[1], self.language) if factor else "",
            formula=self.formula(cell),
            text=clean(self.audited.table.sheet.at(*cell).text) if cell else "",
        )

    def named(self, positions: Sequence[Position]) -> str:
        """Name the rows or columns of cells: rows where a column is summed."""
        relation = self.relation()
        by_row = relation is None or relation.axis == "column"
        return lines_text(self.audited.table, positions, self.language, by_row=by_row)

    def told(self, cause: str | None) -> str:
        """Say a cause that has a sentence of its own."""
        place = self.place()
        relation, finding, table = self.relation(), self.finding, self.audited.table
        if place is None:
            return ""
        stated = finding.stated[0] if finding.cells else relation.stated if relation else None
        given = (finding.implied if finding.cells else finding.remedies[0].implied if finding.remedies else ())[:1]
        implied = given[0] if given else None
        reversed_sign = cause == "sign_reversed" and implied is not None
        expected = relation.expected if relation and not reversed_sign else implied
        difference = None if stated is None or expected is None else stated - expected
        key = f"told.{cause}"
        if implied is None and has_word(f"audit.{key}.bare", self.language):
            key = f"{key}.bare"
        return self.say(
            key,
            at=at_text(table, place, self.language),
            stated=what_stands(table, place, stated, self.language),
            expected=figure_text(table, place, expected, self.language),
            difference=figure_text(table, place, difference, self.language),
            implied=figure_text(table, place, implied, self.language),
            formula=self.formula(place),
            usual=clean(next(iter(finding.detail), "")),
            absent=listed(blocks(table, finding.because, self.language), self.language, most=NAMED),
            cause=cause_text(finding.cause, self.language),
            note=self.note(),
        )

    def note(self) -> str:
        """Give what the detail says in words, in brackets; its amounts are in the sentence already."""
        texts = [clean(text) for text in self.finding.detail if text and not _AMOUNT.fullmatch(text)]
        return self.say("note", text="; ".join(texts)) if texts else ""

    def formula(self, cell: Position | None) -> str:
        formula = self.audited.table.sheet.at(*cell).formula if cell else ""
        return clean(formula or next(iter(self.finding.detail), ""))

    # the relations concerned

    def relation(self) -> AuditedRelation | None:
        known = relations_of(self.audited)
        return next((known[name] for name in self.finding.relations if name in known), None)

    def place(self) -> Position | None:
        relation = self.relation()
        if self.finding.cells or relation is None:
            return next(iter((*self.finding.cells, *self.finding.because)), None)
        return relation.total

    def broken(self) -> str:
        """Say the first broken relation and how many more there are."""
        relation = self.relation()
        if relation is None:
            return ""
        table, total = self.audited.table, relation.total
        details = {
            "function": self.say(f"function.{relation.function}"),
            "at": at_text(table, total, self.language),
            "stated": what_stands(table, total, relation.stated, self.language),
            "expected": figure_text(table, total, relation.expected, self.language),
            "difference": figure_text(table, total, relation.difference, self.language),
        }
        said = self.say("incomplete" if relation.expected is None else "broken", **details)
        rest = len(self.finding.relations) - 1
        key = "broken.more.one" if rest == 1 else "broken.more"
        return self.say(key, broken=said, count=rest) if rest else said

    def affected(self) -> str:
        return self.say("affected", count=self.finding.explains) if self.finding.explains else ""

    def mends(self) -> str:
        wanted = set(self.finding.relations)
        if not wanted:
            return ""
        known = relations_of(self.audited)
        functions = {known[name].function for name in wanted if name in known}
        kind = "sum" if functions == {"sum"} else "other"
        return self.say(f"mends.{kind}.one") if len(wanted) == 1 else self.say(f"mends.{kind}", count=len(wanted))
