"""Revisions in the reader's words: what was said of a closed period, what is said now, and which delivery changed it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.emit.stored import decimal_of, title_of, where_of
from tulosvahti.emit.words import clean, quantity, subject_text, verdict_word, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.revision import Because, Revision
    from tulosvahti.core.verdict import Word
    from tulosvahti.emit.stored import Stored

_DIGITS = 12
_MOST_FILES = 3


def stored_revision(stored: Stored, item: Mapping[str, Any], language: str) -> tuple[str, str, str]:
    """Give a revision of a stored run: the rule, its name with period and subject, and what is said of it."""
    verdict = next((one for one in stored.verdicts if one["rule"] == item["rule"]), None)
    title = title_of(verdict, language) if verdict else item["rule"]
    unit = (verdict["unit"] if verdict else None) or ""

    def said(of: Mapping[str, Any]) -> str:
        value = quantity(decimal_of(of["observed"]), unit, language)
        kind = of["verdict"]
        return f"{word(f'verdict.{kind}', language)}, {value}" if kind else value

    because = "; ".join(
        word("revised.because", language, input=one["input"], files=_files(one["files"]), before=one["sha256_before"][:_DIGITS], now=one["sha256"][:_DIGITS])
        for one in item["because"]
    )
    if item["rules_changed"]:
        because += f"; {word('revised.rules', language)}"
    before = item["before"]
    told = word("revised.said", language, before=said(before), after=said(item["after"]), run=before["run"], because=because)
    return item["rule"], clean(f"{title} ({where_of(item)})"), clean(told)


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
    return word("revised.because", language, input=item.input, files=_files(item.files), before=item.before[:_DIGITS], now=item.now[:_DIGITS])


def _files(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_FILES]) + (" …" if len(names) > _MOST_FILES else "")
