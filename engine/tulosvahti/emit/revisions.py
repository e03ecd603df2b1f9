"""Revisions in the reader's words: what was said of a closed period, what is said now, and which delivery changed it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.emit.words import clean, quantity, subject_text, verdict_word, word

if TYPE_CHECKING:
    from tulosvahti.core.revision import Because, Revision
    from tulosvahti.core.verdict import Word

_DIGITS = 12
_MOST_FILES = 3


def revision_name(revision: Revision, language: str) -> str:
    """Name the rule, period and subject."""
    where = ", ".join(part for part in (revision.period, subject_text(revision.subject)) if part)
    return clean(f"{revision.rule.title.in_language(language)} ({where})")


def revision_text(revision: Revision, language: str) -> str:
    """Say what was and what is, with both values, and because of which content."""
    because = "; ".join(_because(item, language) for item in revision.because)
    if revision.rules_changed:
        because += f"; {word('revised.rules', language)}"
    said = word(
        "revised.said",
        language,
        before=_said(revision, revision.before_word, revision.before_observed, language),
        after=_said(revision, revision.word, revision.observed, language),
        run=revision.before_run,
        because=because,
    )
    return clean(said)


def _said(revision: Revision, verdict: Word | None, observed: str | None, language: str) -> str:
    value = quantity(None if observed is None else Decimal(observed), revision.rule.unit, language)
    return f"{verdict_word(verdict, language)}, {value}" if verdict is not None else value


def _because(item: Because, language: str) -> str:
    files = ", ".join(item.files[:_MOST_FILES]) + (" …" if len(item.files) > _MOST_FILES else "")
    return word("revised.because", language, input=item.input, files=files, before=item.before[:_DIGITS], now=item.now[:_DIGITS])
