"""The digest: one mail to one recipient, with only what concerns them, newest first. Same input, same bytes.

A project may replace the bodies with ``digest.txt.j2`` and ``digest.html.j2``; a template that fails costs nothing
but its own form: the built-in one is used and the fault is told.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tulosvahti.core.verdict import Change
from tulosvahti.emit.message import Letter, compose
from tulosvahti.emit.report import sentence
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

TEXT, HTML = "digest.txt.j2", "digest.html.j2"
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
) -> tuple[bytes, str]:
    """Give the mail's bytes, and what went wrong with the project's templates in ``templates`` (nothing: '')."""
    language = recipient.language
    groups = _groups(findings, agreements, language)
    view = _view(recipient, groups, findings, outcome, language)
    troubles: list[str] = []
    text, html = (_body(name, view, templates, troubles) for name in (TEXT, HTML))
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
    )
    return compose(letter), "; ".join(troubles)


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
        "say": partial(word, language=language),
        "language": language,
        "subject": word("mail.subject", language, day=day(outcome.as_of, language), counts=", ".join(counts)),
        "recipient": clean(recipient.name.in_language(language)),
        "as_of": day(outcome.as_of, language),
        "run": outcome.run,
        "groups": [(word(f"mail.{name}", language), items) for name, items in groups if items],
        "synthetic": ", ".join(item.name for item in outcome.deliveries if item.synthetic and item.name in used),
    }


@lru_cache(maxsize=1)
def _built_in() -> Environment:
    return Environment(
        loader=PackageLoader("tulosvahti.emit"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _body(name: str, view: dict[str, Any], templates: Path | None, troubles: list[str]) -> str:
    if templates is not None and (templates / name).is_file():
        try:
            own = ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(templates),
                autoescape=name == HTML,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            return own.get_template(name).render(view)
        except Exception as error:  # noqa: BLE001 (a project's template can fail in any way; the mail must still go)
            line = getattr(error, "lineno", None)
            place = f"{templates.name}/{name}" + (f":{line}" if line else "")
            troubles.append(f"{place}: {clean(str(error)) or type(error).__name__}; the built-in form was used")
    if name == TEXT:
        # Plain text has nothing to escape.
        return _built_in().overlay(autoescape=False).get_template(name).render(view)
    return _built_in().get_template(name).render(view)
