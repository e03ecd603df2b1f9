"""Who is told what of the deliveries: each refused or partly refused one once, and once when a later one is in order.

A message to somebody counts as having told them that the input is quarantined, or no longer is: the digest does not say
the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_calendar import held_until
from tulosvahti.core.alert_mute import matches
from tulosvahti.core.alert_plan import Tell
from tulosvahti.core.arrival import Fate
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.delivery import MAIL, Posting
from tulosvahti.core.delivery_note import Note, OpenNote, note_of
from tulosvahti.core.route import delivery_matter
from tulosvahti.load.free_days import free_days
from tulosvahti.store import deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.alert_mute import Silence
    from tulosvahti.core.arrival import Arrived
    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.emit.delivery_note import Told
    from tulosvahti.load.project import Project
    from tulosvahti.run.dropping import Settled
    from tulosvahti.store.deliveries import Became, Logged

OpenNotes = Mapping[tuple[str, str], OpenNote]
"""The newest message about each input and place."""


@dataclass(frozen=True)
class Candidate:
    """A delivery of which somebody may have to be told."""

    contract: Contract
    place: str
    file: Arrived
    became: Became
    judged: Delivery
    arrived_at: datetime


@dataclass(frozen=True)
class Scene:
    """What is known when messages are written: the project, the silences, the moment."""

    project: Project
    silences: Sequence[Silence]
    at: datetime


def of_run(project: Project, outcome: Outcome, logged: Sequence[Logged], at: datetime) -> list[Candidate]:
    """Give what a run found at the places of inputs. Of several files of a refused input, those that are at fault."""
    known = {(item.input, item.place, item.file.sha256): item for item in reversed(logged)}
    found = []
    for delivery in outcome.deliveries:
        seen: dict[str, str] = {}
        for file in _at_fault(delivery):
            became = deliveries.became(delivery, file.name, seen.get(file.sha256, ""))
            seen.setdefault(file.sha256, file.name)
            item = known.get((delivery.name, file.name, file.sha256))
            arrived = deliveries.moment_of(item.arrived_at) if item is not None else at
            mine = tuple(one for one in delivery.rejects if not one.file or one.file == file.name or one.file.startswith(f"{file.name}/"))
            judged = replace(delivery, rejects=mine, rejected_rows=became.rejects, explanation=became.explanation or delivery.explanation)
            found.append(Candidate(project.contracts[delivery.name], file.name, file, became, judged, arrived))
    return found


def _at_fault(delivery: Delivery) -> Sequence[Arrived]:
    if delivery.state is not DeliveryState.QUARANTINED or len(delivery.files) <= 1:
        return delivery.files
    bad = [file for file in delivery.files if delivery.explanation.startswith((f"{file.name}:", f"{file.name}/", f"{file.name} "))]
    bad = bad or [file for file in delivery.files if any(item.file.startswith(file.name) for item in delivery.rejects if not item.duplicate)]
    return bad or [max(delivery.files, key=lambda file: file.written)]


def of_settled(settled: Settled, at: datetime) -> Candidate:
    """Give what was taken from a drop folder, or by hand."""
    item = settled.logged
    return Candidate(settled.contract, item.place, item.file, item.became, settled.judged, at)


def postings(candidates: Sequence[Candidate], before: OpenNotes, about: Scene) -> tuple[list[Posting], list[str]]:
    """Write the messages that are due; give them, and what went wrong with the project's templates."""
    project = about.project
    mails: list[Posting] = []
    troubles: list[str] = []
    told = dict(before)
    for item in candidates:
        name = item.contract.name
        key = AlertKey(About.INPUT, name)
        if any(silence.in_force(about.at) and matches(silence.pattern, key) for silence in about.silences):
            continue
        was = told.get((name, item.place))
        note = note_of(item.became.state, item.file.sha256, item.file.name, item.became.rejects, was)
        if note is None:
            continue
        heard = was.recipients if note is Note.MENDED and was is not None else recipients_of(project, item.contract, note)
        told[name, item.place] = OpenNote(note, 0, item.file.name, item.file.sha256, heard)
        from tulosvahti.emit.delivery_note import Told  # noqa: PLC0415 (only where somebody is told)

        what = Told(note, item.contract, item.file, item.judged, item.arrived_at, was.name if was else "")
        for recipient in heard:
            posting, trouble = _posting(what, item, recipient, was, about)
            mails.append(posting)
            troubles += [trouble] if trouble else []
    return mails, list(dict.fromkeys(troubles))


def recipients_of(project: Project, contract: Contract, note: Note) -> tuple[str, ...]:
    """Give who hears of a delivery: its deliverer, and everybody whose route matches."""
    matter = delivery_matter(contract, WORDS[note], project.rules)
    return tuple(heard.recipient for heard in project.routes.heard_by(matter))


WORDS = {Note.REFUSED: Fate.QUARANTINED, Note.PARTLY: Fate.PARTLY, Note.MENDED: Fate.ACCEPTED}
"""What routes call it."""


def _posting(what: Told, item: Candidate, recipient: str, was: OpenNote | None, about: Scene) -> tuple[Posting, str]:
    from tulosvahti.emit.channels import addressed  # noqa: PLC0415 (only where somebody is told)
    from tulosvahti.emit.delivery_note import note_letter  # noqa: PLC0415
    from tulosvahti.emit.message import domain_of, made_id  # noqa: PLC0415

    project, sender = about.project, about.project.config.mail.sender
    zone = ZoneInfo(project.config.time_zone)
    to = project.routes.recipients[recipient]
    made_of = f"{what.contract.name}\n{item.place}\n{what.file.sha256} {what.file.written} {item.arrived_at.isoformat()}\n{what.note} {recipient}"
    message_id = made_id("delivery", made_of, domain_of(sender))
    content, trouble = note_letter(what, to, sender, message_id, about.at, zone, project.root / "alerts")
    quiet = project.routes.quiet_of(recipient)
    free = free_days(project.routes, about.at.year) if quiet and quiet.holidays else ()
    posting = Posting(
        recipient,
        message_id,
        content,
        (*((MAIL, one) for one in to.mail), *map(addressed, to.channels)),
        "delivery",
        _tells(what, was),
        held_until(quiet, about.at, zone, free),
        (what.contract.name, item.place, str(what.note)),
    )
    return posting, trouble


def _tells(what: Told, was: OpenNote | None) -> tuple[Tell, ...]:
    key = AlertKey(About.INPUT, what.contract.name)
    if what.note is Note.REFUSED:
        return (Tell(key, words={"": DeliveryState.QUARANTINED}),)
    return (Tell(key, firing=False),) if was is not None and was.kind is Note.REFUSED else ()


