"""The bytes of a mail. Same letter, same bytes; every line is ASCII and short, so that any server passes it on unchanged.

Data is made safe here: it cannot end a header, begin another one, or stand for a text that it is not.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

from tulosvahti.emit.words import clean, printable

if TYPE_CHECKING:
    from datetime import datetime

_LONGEST_LINE = 76
_NOWHERE = "tulosvahti.invalid"


@dataclass(frozen=True)
class Picture:
    """A PNG inside a mail: the HTML shows it as ``<img src="cid:NAME">``."""

    name: str
    png: bytes


@dataclass(frozen=True)
class Letter:
    """All that a mail says. ``to`` holds names and addresses; ``thread`` names the series that the mail belongs to.

    Mails of one thread to one recipient lie together in a mail program: a finding has one thread, the digests another.
    """

    message_id: str
    sender: str
    to: tuple[tuple[str, str], ...]
    subject: str
    text: str
    html: str
    sent_at: datetime
    language: str
    thread: tuple[str, ...] = ()
    series: str = "digest"
    pictures: tuple[Picture, ...] = ()


def compose(letter: Letter) -> bytes:
    """Give the bytes that are stored, sent, and sent again."""
    domain = domain_of(letter.sender)
    headers = [
        ("From", _mailbox("From", *parseaddr(clean(letter.sender)))),
        ("To", ",\r\n ".join(filter(None, (_mailbox("To", *one) for one in letter.to))) or "undisclosed-recipients:;"),
        ("Subject", _text("Subject", letter.subject)),
        ("Date", format_datetime(letter.sent_at)),
        ("Message-ID", _token(letter.message_id)),
        ("List-Id", f"Tulosvahti <{re.sub(r'[^a-z0-9-]', '-', letter.series.lower())}.{domain}>"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", letter.language),
    ]
    if letter.thread:
        root = thread_root(letter.thread, domain)
        headers += [("In-Reply-To", root), ("References", root)]
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii") + _body(letter, domain)


def thread_root(thread: tuple[str, ...], domain: str) -> str:
    """Give the made-up Message-ID that all mails of a thread refer to."""
    return made_id("thread", repr(thread), domain)


def made_id(prefix: str, key: str, domain: str) -> str:
    """Give the Message-ID that belongs to a key, whatever characters the key has."""
    return f"<{prefix}.{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def domain_of(sender: str) -> str:
    """Give the domain of the sender's address, in ASCII."""
    try:
        return ascii_address(parseaddr(clean(sender))[1]).rpartition("@")[2].strip("[]").replace(":", ".")
    except ValueError:
        return _NOWHERE


def ascii_address(address: str) -> str:
    """Give an address as it stands on the wire, its domain in ASCII.

    Raises:
        ValueError: the part before @ is not ASCII (few servers take it), or there is no domain.

    """
    name, _, domain = address.rpartition("@")
    written = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    if not name or not name.isascii() or not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f.:]+\]", written):
        message = f"{address!r} is not an address; allowed: name@domain, the name of the letters a to z, digits and signs"
        raise ValueError(message)
    return f"{name}@{written}"


def _mailbox(header: str, name: str, address: str) -> str:
    """Write a name and an address; an address that no mail program could read is left out."""
    try:
        local, _, domain = ascii_address(clean(address).strip()).rpartition("@")
        written = Address(username=local.removeprefix('"').removesuffix('"'), domain=domain).addr_spec
    except ValueError:
        return ""
    return f"{_text(header, name)}\r\n <{written}>" if name.strip() else written


def _text(header: str, text: str) -> str:
    """Write a text in a header: as it is where it is short and plain, else in encoded words, folded."""
    safe = re.sub(r"=\?", "= ?", clean(text)).strip()
    plain = re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*" if header != "Subject" else r"[ -~]*", safe)
    if plain and len(header) + 2 + len(safe) <= _LONGEST_LINE:
        return safe
    return Header(safe, "utf-8", maxlinelen=_LONGEST_LINE, header_name=header).encode(linesep="\r\n")


def _token(text: str) -> str:
    return re.sub(r"[^!-~]", "", text)


def _body(letter: Letter, domain: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    text, html = (str(printable(body)).encode(errors="replace").decode() for body in (letter.text, letter.html))
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    rich = message.get_payload(1)
    if letter.pictures and isinstance(rich, EmailMessage):
        for picture in letter.pictures:
            rich.add_related(picture.png, "image", "png", cid=f"<{picture.name}>", filename=f"{picture.name}.png", disposition="inline")
    seed = hashlib.sha256(f"{letter.message_id}\n{domain}\n{text}\n{html}".encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_tulosvahti_{number}_{seed}")
    return message.as_bytes()
