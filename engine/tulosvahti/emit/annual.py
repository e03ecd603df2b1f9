"""The annual report's tables as a Word document: per section what was aimed at, what came true, and the years before.

Every look is a named style ("Tulosvahti …"): who restyles them in Word restyles the tables. Notes stand under their table.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.period import read_period
from tulosvahti.core.verdict import Word
from tulosvahti.emit.annual_styles import add_styles
from tulosvahti.emit.stored import key_of, observed_of, reason_of, subject_of, title_of, value_text
from tulosvahti.emit.words import SIGNS, clean, day, figure, number, target_text, unit_word, verdict_word, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.emit.stored import Key, Stored

YEARS_BEFORE = 3
_STAMP = (2000, 1, 1, 0, 0, 0)
_CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_WIDTHS_MM = (78, 27, 27, 25, 25, 25, 60)
_DUE_MM = (110, 40, 37, 80)
_ORDER = [Word.MET, Word.ON_TRACK, Word.AT_RISK, Word.MISSED, Word.UNKNOWN, Word.NOT_DUE, Word.MONITORED]


def annual_report(stored: Stored, language: str) -> bytes:
    """Make the document; the same run gives the same bytes.

    Raises:
        ModuleNotFoundError: python-docx is not installed.

    """
    import docx  # noqa: PLC0415 (an extra)

    document = docx.Document()
    add_styles(document, language)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = clean(stored.title(language))[:255], "Tulosvahti", ""
    properties.created = properties.modified = _CREATED
    properties.language = language
    _Report(document, stored, language).write()
    stream = io.BytesIO()
    document.save(stream)
    return _same_bytes(stream)


def _same_bytes(stream: io.BytesIO) -> bytes:
    """Give the package anew, without the moment it was written."""
    kept = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, _STAMP)
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name))
    return kept.getvalue()


class _Notes:
    """The notes of one table: the same text has the same number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        if text not in self.texts:
            self.texts.append(text)
        return str(self.texts.index(text) + 1)


class _Report:
    """The document under way."""

    def __init__(self, document: Any, stored: Stored, language: str) -> None:  # noqa: ANN401 (python-docx is an extra)
        self.document, self.stored, self.language = document, stored, language
        self.synthetic = set(stored.synthetic)
        self.year = stored.year
        self.before = [self.year - n for n in range(1, YEARS_BEFORE + 1)]

    def say(self, key: str, **details: object) -> str:
        return word(f"book.{key}", self.language, **details)

    def write(self) -> None:
        stored = self.stored
        self._paragraph(stored.title(self.language), "Title")
        self._paragraph(self.say("annual_title", year=self.year), "Subtitle")
        self._paragraph(stored.agencies(self.language), "Tulosvahti Text")
        intro = self.say("annual_intro", day=day(stored.as_of, self.language), run=stored.run["id"])
        self._paragraph(intro, "Tulosvahti Text")
        if stored.synthetic:
            text = f"{word('ui.synthetic', self.language)}. {word('ui.synthetic_long', self.language, names=stored.made_up_named(self.language))}"
            self._paragraph(text, "Tulosvahti Warning")
        self._counts()
        for _, verdicts in stored.sections():
            targets = [v for v in verdicts if v["kind"] == "target"]
            dues = [v for v in verdicts if v["kind"] in {"milestone", "narrative"}]
            if targets or dues:
                self._paragraph(stored.section_name(verdicts[0], self.language), "Heading 1")
            if targets:
                self._targets(targets)
            if dues:
                self._dues(dues)
        self._paragraph(self.say("annual_rest"), "Tulosvahti Note")

    def _counts(self) -> None:
        found = Counter(Word(v["verdict"]) for v in self.stored.verdicts if v["kind"] == "target")
        if not found:
            return
        counts = ", ".join(f"{verdict_word(kind, self.language)} {found[kind]}" for kind in _ORDER if found[kind])
        told = number(Decimal(found.total()), self.language)
        self._paragraph(self.say("annual_counts", all=told, counts=counts), "Tulosvahti Text")

    def _paragraph(self, text: str, style: str) -> None:
        self.document.add_paragraph(clean(text), style=style)

    def _targets(self, verdicts: Sequence[Mapping[str, Any]]) -> None:
        heads = [
            word("ui.indicator", self.language), self.say("target_of", year=self.year), self.say("actual_of", year=self.year),
            *(str(year) for year in self.before), self.say("assessment"),
        ]  # fmt: skip
        table = self._table(heads, _WIDTHS_MM, range(1, 3 + len(self.before)))
        notes = _Notes()
        for verdict in verdicts:
            actual = observed_of(verdict, self.language)
            # What is made up is so in every year: the mark stands at the name.
            made_up = [notes.mark(self.say("note_synthetic"))] if verdict["evidence"].get("input") in self.synthetic else []
            target_marks = [] if verdict["binding"] else [notes.mark(self.say("note_preliminary"))]
            target_marks += [notes.mark(self.say("note_budget"))] if verdict["in_state_budget"] else []
            marks = [notes.mark(self.say("note_provisional"))] if verdict["provisional"] else []
            marks += self._revised(key_of(verdict), verdict, notes)
            cells = [(self._name(verdict), made_up), (self._target(verdict), target_marks), (actual, marks)]
            cells += [self._past(verdict, year, notes) for year in self.before]
            cells.append((self._assessment(verdict), []))
            self._row(table, cells, range(1, 3 + len(self.before)))
        self._notes(notes)

    def _name(self, verdict: Mapping[str, Any]) -> str:
        period = verdict["period"] if verdict["period"] != str(self.year) else ""
        where = ", ".join(part for part in (period, subject_of(verdict)) if part)
        title = title_of(verdict, self.language)
        return f"{title} ({where})" if where else title

    def _target(self, verdict: Mapping[str, Any]) -> str:
        """Write the target with its unit, where it is a number and not a part of another."""
        text, unit = target_text(verdict["target"], self.language), unit_word(verdict["unit"] or "", self.language)
        return f"{text}\u00a0{unit}" if unit and text[-1:].isdigit() and "previous" not in verdict["target"] else text

    def _past(self, verdict: Mapping[str, Any], year: int, notes: _Notes) -> tuple[str, list[str]]:
        """Give the value of the same period of an earlier year."""
        rule, subject, period = key_of(verdict)
        own = str(read_period(period).start.year) if period else ""
        key = rule, subject, period.replace(own, str(year), 1)
        value = self.stored.values.get(key)
        # A target of another year has its own past: it is not this column's.
        if value is None or not own or int(own) <= year:
            return "–", []
        return value_text(value, verdict["unit"] or "", self.language), self._revised(key, verdict, notes)

    def _revised(self, key: Key, verdict: Mapping[str, Any], notes: _Notes) -> list[str]:
        old = self.stored.revised.get(key)
        if not old:
            return []
        was = value_text(old[-1], verdict["unit"] or "", self.language)
        return [notes.mark(self.say("note_revised", year=key[2], value=was))]

    def _assessment(self, verdict: Mapping[str, Any]) -> str:
        kind = Word(verdict["verdict"])
        said = f"{SIGNS[kind]} {verdict_word(kind, self.language)}"
        reason = reason_of(verdict, self.language)
        return f"{said}. {reason}" if reason else said

    def _dues(self, verdicts: Sequence[Mapping[str, Any]]) -> None:
        self._paragraph(self.say("annual_due"), "Heading 2")
        heads = [word("ui.indicator", self.language), self.say("due"), self.say("done"), self.say("assessment")]
        table = self._table(heads, _DUE_MM, range(1, 3))
        notes = _Notes()
        for verdict in verdicts:
            due = figure(str(verdict["evidence"].get("due") or verdict["target"] or "–"), self.language)
            marks = [] if verdict["binding"] else [notes.mark(self.say("note_preliminary"))]
            made_up = verdict["evidence"].get("input") in self.synthetic and verdict["evidence"].get("done_on")
            done = [notes.mark(self.say("note_synthetic"))] if made_up else []
            cells = [(title_of(verdict, self.language), []), (due, marks), (observed_of(verdict, self.language), done)]
            self._row(table, [*cells, (self._assessment(verdict), [])], range(1, 3))
        self._notes(notes)

    def _table(self, heads: Sequence[str], widths: Sequence[int], numbers: range) -> Any:  # noqa: ANN401
        from docx.oxml import OxmlElement  # noqa: PLC0415
        from docx.shared import Mm  # noqa: PLC0415

        table = self.document.add_table(rows=1, cols=len(heads), style="Tulosvahti Table")
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for k, (cell, head) in enumerate(zip(table.rows[0].cells, heads, strict=True)):
            cell.width = Mm(widths[k])
            self._text(cell, head, [], "Tulosvahti Head Number" if k in numbers else "Tulosvahti Head")
        # The heading stands on every page the table goes on to.
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 (python-docx has no name for it)
        return table

    def _row(self, table: Any, cells: Sequence[tuple[str, list[str]]], numbers: range) -> None:  # noqa: ANN401
        from docx.oxml import OxmlElement  # noqa: PLC0415

        row = table.add_row()
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 (as above)
        for k, (cell, (text, marks)) in enumerate(zip(row.cells, cells, strict=True)):
            cell.width = table.columns[k].width
            self._text(cell, text, marks, "Tulosvahti Number" if k in numbers else "Tulosvahti Cell")

    def _text(self, cell: Any, text: str, marks: Sequence[str], style: str) -> None:  # noqa: ANN401
        paragraph = cell.paragraphs[0]
        paragraph.style = style
        paragraph.add_run(clean(text))
        if marks:
            paragraph.add_run(" " + ", ".join(sorted(marks, key=int)), style="Tulosvahti Mark")

    def _notes(self, notes: _Notes) -> None:
        for n, text in enumerate(notes.texts, 1):
            paragraph = self.document.add_paragraph(style="Tulosvahti Note")
            paragraph.add_run(str(n), style="Tulosvahti Mark")
            paragraph.add_run(f" {clean(text)}")
