"""The message to a deliverer: what was expected, what came, the first bad rows, what to do. Same input, same bytes.

Everything that came with the delivery is data: it is cleaned, shortened, and escaped by the templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import FieldType
from tulosvahti.core.delivery_note import Note
from tulosvahti.core.quantity import plain
from tulosvahti.emit.message import Letter, compose
from tulosvahti.emit.templating import bodies
from tulosvahti.emit.told import told
from tulosvahti.emit.words import clean, day, number, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, tzinfo
    from pathlib import Path

    from tulosvahti.core.arrival import Arrived
    from tulosvahti.core.contract import Contract, Delivery, Field, Reject
    from tulosvahti.core.route import Recipient

BAD_ROWS = 10
_COLUMNS = 40
_ALLOWED = 12
_LONGEST = 80


@dataclass(frozen=True)
class Told:
    """What a message tells: of which file, what the contract made of it, and which one it mends."""

    note: Note
    contract: Contract
    file: Arrived
    judged: Delivery
    arrived_at: datetime
    mends: str = ""


def note_letter(  # noqa: PLR0913 (each is one part of the mail)
    what: Told, recipient: Recipient, sender: str, message_id: str, sent_at: datetime, zone: tzinfo, templates: Path | None = None
) -> tuple[bytes, str]:
    """Give the mail's bytes, and what went wrong with the project's templates (nothing: '')."""
    view = note_view(what, recipient, zone)
    troubles: list[str] = []
    text, html = bodies(view, templates, troubles, base="delivery")
    name = recipient.name.in_language(recipient.language)
    letter = Letter(
        message_id,
        sender,
        tuple((name, address) for address in recipient.mail),
        view["subject"],
        text,
        html,
        sent_at,
        recipient.language,
        thread=(recipient.key, f"input:{what.contract.name}"),
        series="delivery",
    )
    return compose(letter), "; ".join(troubles)


def note_text(what: Told, recipient: Recipient, zone: tzinfo) -> str:
    """Give subject and plain text, for showing what would go."""
    view = note_view(what, recipient, zone)
    return f"{view['subject']}\n\n{bodies(view, None, [], base='delivery')[0]}"


def note_view(what: Told, recipient: Recipient, zone: tzinfo) -> dict[str, Any]:
    """Give what the templates fill in; all of it is plain text."""
    language, contract, judged = recipient.language, what.contract, what.judged
    say = partial(word, language=language)
    title, name = clean(contract.title.in_language(language)), short(what.file.name)
    bad = [item for item in judged.rejects if not item.duplicate] if what.note is not Note.MENDED else []
    arrived = what.arrived_at.astimezone(zone)
    came = [
        (say("note.file"), name),
        (say("note.arrived"), f"{day(arrived.date(), language)} {arrived:%H:%M}"),
        (say("note.size"), say("note.bytes", count=number(Decimal(what.file.size), language))),
        *([(say("note.digest"), what.file.sha256)] if what.file.sha256 else []),
    ]
    if judged.rows or judged.rejected_rows:
        rows, rejects = (number(Decimal(count), language) for count in (judged.rows, judged.rejected_rows))
        came.append((say("note.rows"), say("note.rows_said", rows=rows, rejects=rejects)))
    if judged.covered_through:
        came.append((say("note.reaches"), day(judged.covered_through, language)))
    return {
        "language": language,
        "kind": "delivery",
        "note": str(what.note),
        "subject": say(f"note.subject_{what.note}", title=title, file=name, count=number(Decimal(judged.rejected_rows), language)),
        "recipient": clean(recipient.name.in_language(language)),
        "intro": say(f"note.intro_{what.note}", title=title, input=contract.name, file=name, before=short(what.mends)),
        "title": title,
        "input": contract.name,
        "came": came,
        "wrong": clean(told(judged.explanation, language)) if what.note is not Note.MENDED else "",
        "bad": [_bad(item, language) for item in bad[:BAD_ROWS]],
        "more": say("note.more", count=number(Decimal(len(bad) - BAD_ROWS), language)) if len(bad) > BAD_ROWS else "",
        "expected": list(_expected(contract, judged, say, language)) if what.note is not Note.MENDED else [],
        "columns": [(clean(item.column), _column(item, say, language)) for item in contract.fields[:_COLUMNS]] if what.note is not Note.MENDED else [],
        "more_columns": say("note.more", count=len(contract.fields) - _COLUMNS) if len(contract.fields) > _COLUMNS else "",
        "todo": list(_todo(what, say, language)),
        "synthetic": contract.synthetic,
    }


def short(text: str) -> str:
    """Clean a text that came with a delivery, and shorten it."""
    safe = clean(text)
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"


def _bad(item: Reject, language: str) -> dict[str, str]:
    where = item.cell or word("note.record", language, row=item.row, line=item.line)
    return {
        "where": short(f"{item.file}: {where}" if item.file else where),
        "column": short(item.column) or word("note.whole_row", language),
        "value": short(item.value),
        "reason": clean(told(item.reason, language)),
    }


def _expected(contract: Contract, judged: Delivery, say: Callable[..., str], language: str) -> Iterator[tuple[str, str]]:
    if contract.primary_key:
        yield say("note.key"), ", ".join(clean(contract.field(name).column) for name in contract.primary_key)
    if contract.sheet:
        yield say("note.sheet"), clean(contract.sheet)
    if judged.expected_through:
        yield say("note.due"), day(judged.expected_through, language)
    if contract.max_rejects_percent is not None:
        yield say("note.most_rejects"), f"{number(contract.max_rejects_percent, language)}\u00a0%"


def _column(item: Field, say: Callable[..., str], language: str) -> str:
    parts = [say(f"note.type_{item.type}")]
    if item.type in {FieldType.DATE, FieldType.YEARMONTH} and item.date_format:
        parts.append(say("note.form", form=_written(item.date_format, say)))
    if item.type is FieldType.NUMBER:
        parts.append(say("note.decimal", mark=item.decimal_char))
    if item.type is FieldType.BOOLEAN:
        parts.append(say("note.allowed", values=_listed([*item.true_values, *item.false_values])))
    if item.enum:
        parts.append(say("note.allowed", values=_listed(item.enum)))
    if item.minimum is not None:
        parts.append(say("note.least", value=_limit(item.minimum, language)))
    if item.maximum is not None:
        parts.append(say("note.most", value=_limit(item.maximum, language)))
    if item.pattern:
        parts.append(say("note.pattern", pattern=item.pattern))
    if item.required:
        parts.append(say("note.required"))
    return clean(", ".join(parts))


def _written(form: str, say: Callable[..., str]) -> str:
    """Write the form of a date as people do: ``%d.%m.%Y`` becomes ``dd.mm.yyyy``."""
    day_, month, year = say("note.letters").split()
    for part, letters in (("%d", day_ * 2), ("%m", month * 2), ("%Y", year * 4), ("%y", year * 2)):
        form = form.replace(part, letters)
    return form


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:_ALLOWED]) + (" …" if len(values) > _ALLOWED else "")


def _limit(value: Decimal | date, language: str) -> str:
    return day(value, language) if isinstance(value, date) else number(Decimal(plain(value)), language)


def _todo(what: Told, say: Callable[..., str], language: str) -> Iterator[str]:
    if what.note is Note.MENDED:
        yield say("note.nothing_to_do")
        return
    if what.judged.rejected_rows:
        yield say("note.mend")
    elif what.judged.next_step and not what.judged.next_step.startswith(f"ask {what.contract.sender} "):
        yield clean(told(what.judged.next_step, language))
    if what.contract.drop is not None:
        yield say("note.drop_again", folder=clean(what.contract.drop.folder), files=clean(what.contract.drop.files))
    else:
        yield say("note.again")
    yield say("note.meanwhile_refused" if what.note is Note.REFUSED else "note.meanwhile_partly")
