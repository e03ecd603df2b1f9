"""The digest: one mail to one recipient, with only what concerns them, newest first. Same input, same bytes.

A project may replace the bodies with ``digest.txt.j2`` and ``digest.html.j2``; a template that fails costs nothing
but its own form: the built-in one is used and the fault is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti.core.verdict import Change, Word
from tulosvahti.emit.charts import chart_text, png_chart
from tulosvahti.emit.message import Letter, Picture, compose
from tulosvahti.emit.report import sentence
from tulosvahti.emit.templating import bodies
from tulosvahti.emit.trends import trends
from tulosvahti.emit.words import (
    SIGNS,
    clean,
    day,
    observed_text,
    owner_name,
    subject_text,
    target_text,
    verdict_word,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.route import Recipient
    from tulosvahti.core.rule import Agreement
    from tulosvahti.core.verdict import Finding, Outcome

_MOST_CHARTS = 8
"""A mail stays below what servers take."""
_NEW = {Change.OPENED, Change.CHANGED}


def digest(  # noqa: PLR0913 (each is one part of the mail)
    recipient: Recipient,
    findings: Sequence[Finding],
    outcome: Outcome,
    agreements: Mapping[str, Agreement],
    sender: str,
    message_id: str,
    sent_at: datetime,
    *,
    templates: Path | None = None,
    pictures: Path | None = None,
) -> tuple[bytes, str]:
    """Give the mail's bytes, and what went wrong with the project's templates in ``templates`` (nothing: '').

    ``pictures`` is a folder of charts drawn before.
    """
    language = recipient.language
    groups = _groups(findings, agreements, language)
    charts = _add_charts(groups, findings, outcome, language, pictures)
    view = _view(recipient, groups, findings, outcome, language)
    troubles: list[str] = []
    text, html = bodies(view, templates, troubles)
    name = recipient.name.in_language(language)
    one = findings[0].verdict.key if len(findings) == 1 else ()
    letter = Letter(
        message_id,
        sender,
        tuple((name, address) for address in recipient.mail),
        view["subject"],
        text,
        html,
        sent_at,
        language,
        thread=(recipient.key, *map(str, one or ("digest",))),
        pictures=charts,
    )
    return compose(letter), "; ".join(troubles)


def _add_charts(
    groups: list[tuple[str, list[dict[str, Any]]]],
    findings: Sequence[Finding],
    outcome: Outcome,
    language: str,
    pictures: Path | None,
) -> tuple[Picture, ...]:
    """Draw the trends of missed targets, the first few of them, and let the items name them."""
    known = trends(outcome, language)
    missed = {
        finding.verdict.key: known[finding.verdict.key[:2]]
        for finding in findings
        if finding.verdict.word is Word.MISSED and finding.verdict.key[:2] in known
    }
    drawn: list[Picture] = []
    for item in (item for _, items in groups for item in items if item["key"] in missed):
        series = missed[item["key"]]
        png = png_chart(series, pictures) if len(drawn) < _MOST_CHARTS else b""
        if png:
            drawn.append(Picture(f"chart{len(drawn) + 1}", png))
            item["chart"] = {"name": drawn[-1].name, "text": chart_text(series)}
    return tuple(drawn)


def _groups(
    findings: Sequence[Finding], agreements: Mapping[str, Agreement], language: str
) -> list[tuple[str, list[dict[str, Any]]]]:
    kinds = (("new", _NEW), ("resolved", {Change.RESOLVED}), ("continued", {Change.CONTINUED}))
    return [(name, [_item(item, agreements, language) for item in findings if item.change in changes]) for name, changes in kinds]


def _item(finding: Finding, agreements: Mapping[str, Agreement], language: str) -> dict[str, Any]:
    verdict, rule = finding.verdict, finding.verdict.rule
    agreement = agreements.get(rule.cite.agreement)
    title = agreement.title.in_language(language) if agreement else rule.cite.agreement
    cite = word("mail.cite", language, agreement=title, section=rule.cite.section)
    page = f", {word('ui.page', language, page=rule.cite.page)}" if rule.cite.page else ""
    where = [verdict.period.key if verdict.period else "", subject_text(verdict.subject)]
    moved = finding.was is not None and finding.was is not verdict.word
    return {
        "key": verdict.key,
        "rule": rule.id,
        "title": clean(rule.title.in_language(language)),
        "where": clean(", ".join(part for part in where if part)),
        "verdict": str(verdict.word),
        "sign": SIGNS[verdict.word],
        "word": verdict_word(verdict.word, language),
        "was": word("change.was", language, was=verdict_word(finding.was, language)) if moved and finding.was else "",
        "change": str(finding.change),
        "severity": word(f"severity.{rule.severity}", language) if rule.severity == "critical" else "",
        "sentence": clean(sentence(verdict, language)),
        "observed": observed_text(verdict, language),
        "target": target_text(verdict.target, language),
        "owner": owner_name(rule, agreements, language),
        "cite": clean(cite + page),
        "quote": clean(rule.cite.quote),
        "chart": None,
    }


def _view(
    recipient: Recipient,
    groups: list[tuple[str, list[dict[str, Any]]]],
    findings: Sequence[Finding],
    outcome: Outcome,
    language: str,
) -> dict[str, Any]:
    counts = [
        word(f"mail.count_{name}", language, count=len(items)) for name, items in groups if items
    ]
    used = {name for finding in findings for name in finding.verdict.rule.inputs}
    return {
        "language": language,
        "subject": word("mail.subject", language, day=day(outcome.as_of, language), counts=", ".join(counts)),
        "recipient": clean(recipient.name.in_language(language)),
        "as_of": day(outcome.as_of, language),
        "run": outcome.run,
        "groups": [(word(f"mail.{name}", language), items) for name, items in groups if items],
        "synthetic": ", ".join(item.name for item in outcome.deliveries if item.synthetic and item.name in used),
    }
