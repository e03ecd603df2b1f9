"""One mail's bytes, from what it says. Same input, same bytes.

A project may replace the bodies: of every kind with ``digest.txt.j2`` and ``digest.html.j2``, of one kind with its own
name, as ``reminder.txt.j2``. A template that fails costs nothing but its own form: the built-in one is used and the
fault is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti.core.alert_plan import MailKind
from tulosvahti.core.verdict import Word
from tulosvahti.emit.charts import chart_text, png_chart
from tulosvahti.emit.letters import Desk, view_of
from tulosvahti.emit.message import Letter, Picture, compose
from tulosvahti.emit.templating import bodies
from tulosvahti.emit.trends import trends

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.alert_plan import Message

_MOST_CHARTS = 8
"""A mail stays below what servers take."""


def letter(  # noqa: PLR0913 (each is one part of the mail)
    told: Message,
    desk: Desk,
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
    recipient = desk.recipients[told.recipient]
    language = recipient.language
    view = view_of(told, desk)
    charts = _add_charts(view, desk, language, pictures)
    troubles: list[str] = []
    text, html = bodies(view, templates, troubles)
    name = recipient.name.in_language(language)
    written = Letter(
        message_id,
        sender,
        tuple((name, address) for address in recipient.mail),
        view["subject"],
        text,
        html,
        sent_at,
        language,
        thread=(recipient.key, _thread(told)),
        pictures=charts,
    )
    return compose(written), "; ".join(troubles)


def _thread(told: Message) -> str:
    """Name the thread: an alert or due day that a mail is about alone has its own, and so have the summaries."""
    if told.kind is MailKind.SUMMARY:
        return str(told.kind)
    if told.kind is MailKind.DUE and len(told.reminded) == 1:
        due = told.reminded[0].due
        return f"due:{due.input} {due.day}"
    return str(told.tells[0].key) if len(told.tells) == 1 else "digest"


def _add_charts(view: dict[str, Any], desk: Desk, language: str, pictures: Path | None) -> tuple[Picture, ...]:
    """Draw the trends of missed targets, the first few of them, and let the items name them."""
    known = trends(desk.outcome, language)
    missed = {
        str(key): known[shown.verdict.key[:2]]
        for key, shown in desk.shown.items()
        if shown.verdict is not None and shown.verdict.word is Word.MISSED and shown.verdict.key[:2] in known
    }
    drawn: list[Picture] = []
    for item in (item for _, items in view["groups"] for item in items if item["alert"] in missed):
        series = missed[item["alert"]]
        png = png_chart(series, pictures) if len(drawn) < _MOST_CHARTS else b""
        if png:
            drawn.append(Picture(f"chart{len(drawn) + 1}", png))
            item["chart"] = {"name": drawn[-1].name, "text": chart_text(series)}
    return tuple(drawn)
