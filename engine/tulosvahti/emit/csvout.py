"""A stored run as CSV, one row a verdict: UTF-8, commas, decimal strings with a point, column names that never change.

A spreadsheet takes a text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula: such a text gets an apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from tulosvahti.core.verdict import Word
from tulosvahti.emit.stored import reason_of, sentence_of, subject_of, title_of
from tulosvahti.emit.words import clean, verdict_word

if TYPE_CHECKING:
    from tulosvahti.emit.stored import Stored

COLUMNS = (
    "run", "as_of", "agreement", "section", "section_title", "rule", "kind", "title", "subject", "period", "verdict",
    "verdict_text", "change", "provisional", "binding", "in_state_budget", "severity", "owner", "owner_name", "observed",
    "target", "margin", "unit", "reason", "reason_text", "rows", "unknown_rows", "synthetic", "input", "input_sha256",
)  # fmt: skip
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FORMULA = re.compile(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r]")


def to_csv(stored: Stored, language: str) -> str:
    """Write the verdicts."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    synthetic = set(stored.synthetic)
    for verdict in stored.verdicts:
        evidence, cite = verdict["evidence"], verdict["cite"]
        row = {
            **{name: verdict[name] for name in COLUMNS if name in verdict},
            "run": stored.run["id"],
            "as_of": stored.run["as_of"],
            "agreement": cite["agreement"],
            "section": cite["section"],
            "section_title": stored.section_title(verdict, language),
            "title": title_of(verdict, language),
            "subject": subject_of(verdict),
            "verdict_text": verdict_word(Word(verdict["verdict"]), language),
            "owner_name": stored.owner(verdict, language),
            # Where there is no number, words say what is known in its place.
            "reason_text": reason_of(verdict, language) or (sentence_of(verdict, language) if "censored" in evidence else ""),
            "synthetic": evidence.get("input") in synthetic,
            **{name: evidence.get(name) for name in ("rows", "unknown_rows", "input", "input_sha256")},
        }
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return stream.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = clean(str(value))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
