"""What it would do if a delivery were accepted: rows replaced, verdicts changed, who would be told. Nothing is written."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tulosvahti.core.delivery_note import note_of
from tulosvahti.core.quantity import plain
from tulosvahti.core.rule import ExpectationSpec
from tulosvahti.emit.delivery_note import Told, note_text
from tulosvahti.emit.words import clean
from tulosvahti.load.files import read_file
from tulosvahti.load.held import store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.tables import take_files
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.run.notes import recipients_of
from tulosvahti.store import deliveries
from tulosvahti.wiring.base import now, open_ledger
from tulosvahti.wiring.dropping import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.core.verdict import Verdict
    from tulosvahti.load.project import Project
    from tulosvahti.load.tables import Taken
    from tulosvahti.wiring.taking import Judged

_MOST = 10


def consequences(project: Project, judged: Judged, as_of: date) -> Iterator[str]:
    """Say what accepting a delivery would replace and change, and the message that would go."""
    name = judged.delivery.name
    contract = project.contracts[name]
    if judged.taken is not None and judged.delivery.usable:
        if not contract.several:
            yield from _replaced(project, contract, judged, judged.taken, as_of)
        yield from _verdicts(project, name, judged.taken, as_of)
    yield from _message(project, contract, judged)


def _replaced(project: Project, contract: Contract, judged: Judged, new: Taken, as_of: date) -> Iterator[str]:
    try:
        lying = read_file(judged.place, contract.path, store_of(project.root))
    except (FileNotFoundError, UnreadableError):
        yield "replaces nothing: nothing that can be read lies there yet"
        return
    if lying.sha256 == judged.file.sha256:
        yield "the same content lies there already"
        return
    old = take_files([(contract, [lying])], project.root, as_of)[contract.name]
    yield f"replaces {old.delivery.rows} rows of {judged.place.name} (sha256 {lying.sha256[:12]}), which is kept"
    if contract.primary_key and old.rows is not None and new.rows is not None:
        yield from _compared(contract, old.rows, new.rows)


def _compared(contract: Contract, old: KeptRows, new: KeptRows) -> Iterator[str]:
    """Compare rows by key: how many are new, gone, or have other values, and the first of those."""
    import duckdb  # noqa: PLC0415 (not for --help)

    names = contract.kept
    keys = [_quoted(name) for name in contract.primary_key]
    rest = [name for name in names if name not in contract.primary_key]
    files: list[Any] = [str(old.path), str(new.path)]
    sides = "FROM read_parquet(?) AS o {} JOIN read_parquet(?) AS n ON " + " AND ".join(f"o.{key} = n.{key}" for key in keys)
    differs = " OR ".join(f"o.{_quoted(name)} IS DISTINCT FROM n.{_quoted(name)}" for name in rest) or "false"
    with duckdb.connect(":memory:") as connection:
        first = keys[0]
        counted = f"SELECT count(*) FILTER (o.{first} IS NULL), count(*) FILTER (n.{first} IS NULL) {sides.format('FULL')}"
        fresh, gone = connection.execute(counted, files).fetchone() or (0, 0)
        changed = f"{sides.format('INNER')} WHERE {differs}"
        (count,) = connection.execute(f"SELECT count(*) {changed}", files).fetchone() or (0,)
        both = ", ".join([*(f"o.{key}" for key in keys), *(f"o.{_quoted(name)}, n.{_quoted(name)}" for name in rest)])
        rows = connection.execute(f"SELECT {both} {changed} ORDER BY n.__row LIMIT {_MOST}", files).fetchall()
    yield f"by key: {fresh} rows are new, {gone} are no longer there, {count} have other values"
    for row in rows:
        said, values = ", ".join(map(_shown, row[: len(keys)])), row[len(keys) :]
        pairs = zip(rest, values[::2], values[1::2], strict=True)
        yield f"  {said}: " + ", ".join(f"{name} {_shown(was)} → {_shown(now_)}" for name, was, now_ in pairs if was != now_)
    if count > len(rows):
        yield f"  and {count - len(rows)} more"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(value: object) -> str:
    return "nothing" if value is None else clean(str(value))[:60]


def _verdicts(project: Project, name: str, taken: Taken, as_of: date) -> Iterator[str]:
    """Judge the rules that read the input on what lies there and on the delivery; say which verdicts differ."""
    rules = [rule.id for rule in project.rules if name in rule.inputs and not isinstance(rule.spec, ExpectationSpec)]
    if not rules:
        return
    asked, known = ",".join(rules), Before({}, {}, None, refusals=refusals(project))
    before, after = (
        _said(evaluate(project, Request("0", as_of, asked, expectations=False, given=given), known, lambda _content: "").verdicts)
        for given in ({}, {name: taken})
    )
    changes = [(key, before.get(key, "nothing"), after.get(key, "nothing")) for key in dict.fromkeys((*before, *after))]
    changes = [item for item in changes if item[1] != item[2]]
    yield f"verdicts that would change: {len(changes) or 'none'}" + (f" of {len(after)}" if changes else "")
    yield from (f"  {key}: {was} → {would}" for key, was, would in changes[:_MOST])
    if len(changes) > _MOST:
        yield f"  and {len(changes) - _MOST} more"


def _said(verdicts: tuple[Verdict, ...]) -> Mapping[str, str]:
    return {
        " ".join(filter(None, (item.rule.id, item.period.key if item.period else "", *(value for _, value in item.subject)))): str(item.word)
        + (f" {plain(item.observed)}" if item.observed is not None else "")
        for item in verdicts
    }


def _message(project: Project, contract: Contract, judged: Judged) -> Iterator[str]:
    """Show the message that the deliverer would get, to whom, in their language."""
    at, became = now(), deliveries.became(judged.delivery, judged.file.name)
    with closing(open_ledger(project)) as ledger, ledger.transaction(reading=True) as connection:
        notes = deliveries.open_notes(connection)
    place = judged.place.relative_to(project.root / "inputs").as_posix() if contract.several else contract.path
    was = notes.get((contract.name, place))
    note = note_of(became.state, judged.file.sha256, judged.file.name, became.rejects, was)
    if note is None:
        return
    heard = recipients_of(project, contract, note)
    if not heard:
        yield "message: nobody would get one; alerts/routes.yaml names no recipient for it"
        return
    yield f"message that would go to {', '.join(heard)}:"
    what = Told(note, contract, judged.file.arrived, judged.delivery, at, was.name if was else "")
    text = note_text(what, project.routes.recipients[heard[0]], ZoneInfo(project.config.time_zone))
    yield from (f"  | {line}".rstrip() for line in text.splitlines())
