"""Mails to the operator: what did not arrive and what to do, and templates that failed. Same input, same bytes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tulosvahti.core.delivery import MAIL, Posting
from tulosvahti.emit.message import Letter, compose, domain_of, made_id
from tulosvahti.emit.words import clean, has_word, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tulosvahti.core.route import Recipient


def fault_text(reason: str, said: str, language: str, **details: object) -> str:
    """Say why an address was not reached, and what to do; ``details``: address, id, channel and server."""
    key = f"delivery.{reason}"
    return word(key, language, said=clean(said) or "–", **details) if has_word(key, language) else clean(said) or reason


def unreached(operator: Recipient, told: Sequence[tuple[str, str]], sender: str, key: str, at: datetime) -> Posting:
    """Make the mail about addresses that are not tried any more: each as what it is, and why; ``key`` is this mail's own."""
    language = operator.language
    subject = word("operator.subject_one" if len(told) == 1 else "operator.subject", language, count=len(told))
    return _posting(operator, subject, word("operator.intro", language), told, sender, key, at)


def template_failed(operator: Recipient, troubles: Sequence[str], run: str, sender: str, at: datetime) -> Posting:
    """Make the mail about project templates that the built-in form stood in for."""
    language = operator.language
    intro = word("operator.template_intro", language, run=run)
    subject = word("operator.template_subject", language)
    return _posting(operator, subject, intro, [(one, "") for one in troubles], sender, f"template {run} {troubles}", at)


def _posting(  # noqa: PLR0913 (each is one part of the mail)
    operator: Recipient, subject: str, intro: str, told: Sequence[tuple[str, str]], sender: str, key: str, at: datetime
) -> Posting:
    greeting = word("operator.greeting", operator.language)
    lines = [(clean(what), clean(why)) for what, why in told]
    text = "\n".join([greeting, "", intro, "", *(f"- {what}\n  {why}".rstrip() for what, why in lines), ""])
    listed = "".join(f"<li><b>{escape(what)}</b><br>{escape(why)}</li>" for what, why in lines)
    html = (
        f'<!DOCTYPE html>\n<html lang="{operator.language}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
        f'<body style="font:15px/1.5 Arial,sans-serif"><p>{escape(greeting)}</p><p>{escape(intro)}</p><ul>{listed}</ul></body></html>\n'
    )
    message_id = made_id("operator", key, domain_of(sender))
    name = operator.name.in_language(operator.language)
    letter = Letter(
        message_id,
        sender,
        tuple((name, address) for address in operator.mail),
        subject,
        text,
        html,
        at,
        operator.language,
        thread=(operator.key, "operator"),
        series="operator",
    )
    return Posting(operator.key, message_id, compose(letter), tuple((MAIL, one) for one in operator.mail), kind="operator")
