"""One mail's bytes, from what it says. Same input, same bytes.

A project may replace the bodies: of every kind with ``digest.txt.j2`` and ``digest.html.j2``, of one kind with its own
name, as ``reminder.txt.j2``. A template that fails costs nothing but its own form: the built-in one is used and the
fault is told.
"""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tulosvahti.emit.letters import Desk, view_of
from tulosvahti.emit.words import clean, printable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.core.alert_plan import Message

TEXT, HTML = "txt", "html"
_POLICY = SMTP.clone(max_line_length=200)
"""Longer than 78, or folding puts a second space into a subject."""


def letter(  # noqa: PLR0913 (each is one part of the mail)
    told: Message, desk: Desk, sender: str, message_id: str, sent_at: datetime, *, templates: Path | None = None
) -> tuple[bytes, str]:
    """Give the mail's bytes, and what went wrong with the project's templates in ``templates`` (nothing: '')."""
    recipient = desk.recipients[told.recipient]
    language = recipient.language
    view = view_of(told, desk)
    troubles: list[str] = []
    bodies = [_body(form, view, templates, troubles) for form in (TEXT, HTML)]
    message = EmailMessage(policy=_POLICY)
    message["From"] = _header(sender)
    message["To"] = [_address(recipient.name.in_language(language), mail) for mail in recipient.mail]
    message["Subject"] = _header(view["subject"])
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = _header(message_id)
    message["List-Id"] = f"Tulosvahti <digest.{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language
    message.set_content(bodies[0], cte="quoted-printable")
    message.add_alternative(bodies[1], subtype="html", cte="quoted-printable")
    seed = "\n".join((message_id, *bodies)).encode()
    message.set_boundary("=_tulosvahti_" + hashlib.sha256(seed).hexdigest()[:32])
    return message.as_bytes(), "; ".join(troubles)


def _header(text: str) -> str:
    """Make data safe in a header: no control characters, nothing that decodes to another text."""
    return re.sub(r"=\?", "= ?", clean(text))


def _address(name: str, mail: str) -> Address:
    return Address(_header(name), addr_spec=clean(mail).strip())


def _domain(sender: str) -> str:
    found = re.search(r"@([A-Za-z0-9.-]+)", sender)
    return found[1] if found else "tulosvahti.invalid"


@lru_cache(maxsize=1)
def _built_in() -> Environment:
    return Environment(
        loader=PackageLoader("tulosvahti.emit"), autoescape=True, undefined=StrictUndefined, finalize=printable, trim_blocks=True, lstrip_blocks=True
    )


def _body(form: str, view: dict[str, Any], templates: Path | None, troubles: list[str]) -> str:
    own = [name for name in (f"{view['kind']}.{form}.j2", f"digest.{form}.j2") if templates and (templates / name).is_file()]
    if templates is not None and own:
        try:
            environment = ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(templates),
                autoescape=form == HTML,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            return environment.get_template(own[0]).render(view)
        except Exception as error:  # noqa: BLE001 (a project's template can fail in any way; the mail must still go)
            line = getattr(error, "lineno", None)
            place = f"{templates.name}/{own[0]}" + (f":{line}" if line else "")
            troubles.append(f"{place}: {clean(str(error)) or type(error).__name__}; the built-in form was used")
    if form == TEXT:
        # Plain text has nothing to escape.
        return _built_in().overlay(autoescape=False).get_template("digest.txt.j2").render(view)
    return _built_in().get_template("digest.html.j2").render(view)
