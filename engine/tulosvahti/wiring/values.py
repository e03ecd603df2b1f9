"""Values entered by hand: entered, decided on, attached to, tried out, and written as the file that a run reads."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tulosvahti.core.entry import (
    OPEN,
    Attachment,
    Deed,
    Entry,
    EntryRefusedError,
    EntryState,
    Row,
    Sort,
    Step,
    may_do,
    may_enter,
    rows_of,
    told_key,
)
from tulosvahti.load.entered import approved_file, faults_of_rows, read_entry
from tulosvahti.load.jumps import jumps_of_rows
from tulosvahti.run.nightly import Before, Request, evaluate
from tulosvahti.store import entries as stored
from tulosvahti.store.files import write_atomically
from tulosvahti.store.inputs import InputStore

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.entry import Key
    from tulosvahti.core.measure import Subject
    from tulosvahti.core.verdict import Verdict
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger

_GONE = (EntryState.WITHDRAWN, EntryState.RETRACTED)
MOST_ATTACHED = 25 * 2**20
"""Bytes of a file of evidence."""


Beside = Callable[["Connection", list[Entry]], None]
"""Called with what was done, in the transaction that keeps it: what it writes is kept too, or neither is."""


@dataclass(frozen=True)
class Change:
    """A verdict as it stands and as it would be; one of them is None where there is none."""

    before: Verdict | None
    after: Verdict | None

    @property
    def moved(self) -> bool:
        """Tell whether anything that people see would change."""
        return _shown(self.before) != _shown(self.after)


def entered_contract(project: Project, name: str) -> Contract:
    """Give the contract of an input that people enter.

    Raises:
        EntryRefusedError: there is none, or its values are delivered as files.

    """
    allowed = ", ".join(sorted(item.name for item in project.contracts.values() if item.entered)) or "none in this project"
    contract = project.contracts.get(name)
    if contract is None:
        raise EntryRefusedError(f"there is no input {name!r}; inputs whose values are entered: {allowed}")
    if not contract.entered:
        raise EntryRefusedError(f"input {name!r} comes in files, as inputs/{name}.yaml says; inputs whose values are entered: {allowed}")
    return contract


def entered_rows(ledger: Ledger, name: str) -> dict[tuple[Key, Sort], Row]:
    """Give the rows of an input with all their versions."""
    with ledger.transaction(reading=True) as connection:
        return rows_of(stored.entries(connection, name))


def enter(  # noqa: PLR0913 (what a version is made of)
    project: Project, ledger: Ledger, name: str, given: Sequence[Mapping[str, str]], by: str, at: datetime,
    *, sort: Sort = Sort.ACTUAL, reason: str = "", seen: Mapping[Key, int] | None = None, beside: Beside | None = None,
) -> list[Entry]:  # fmt: skip
    """Enter versions of rows, all of them or none; rows that say what is there already are left as they are.

    ``seen``: by key, the version that the person looked at; None: whatever is newest.

    Raises:
        EntryRefusedError: with every row that was refused.

    """
    contract = entered_contract(project, name)
    refused: list[str] = []
    made: list[int] = []
    taken: set[Key] = set()
    with ledger.transaction() as connection:
        rows = rows_of(stored.entries(connection, name))
        for one in given:
            try:
                key, values = read_entry(contract, one)
                _once(key, taken)
                row = rows.get((key, sort))
                if row is not None and dict(row.newest.values) == values and row.newest.state not in _GONE:
                    continue
                newest = row.newest.id if row is not None else 0
                may_enter(row, values, reason, newest if seen is None else seen.get(key, 0))
            except EntryRefusedError as error:
                refused.append(str(error))
                continue
            if not refused:
                made.append(stored.enter(connection, name, key, values, by, at, sort=sort, reason=reason))
        if refused:
            # Leaving the transaction by an exception takes back what it wrote.
            raise EntryRefusedError("; ".join(refused))
        entries = [entry for entry in stored.entries(connection, name) if entry.id in made]
        if beside is not None:
            beside(connection, entries)
    return entries


def decide(  # noqa: PLR0913 (a deed, who does it, why)
    project: Project, ledger: Ledger, name: str, keys: Sequence[tuple[Key, Sort]], deed: Deed, by: str, at: datetime,
    reason: str = "", beside: Beside | None = None,
) -> list[Entry]:  # fmt: skip
    """Do something with the newest versions of rows, with all of them or none.

    Raises:
        EntryRefusedError: with every row that was refused.

    """
    contract = entered_contract(project, name)
    refused: list[str] = []
    with ledger.transaction() as connection:
        rows = rows_of(stored.entries(connection, name))
        against = _against(contract, rows, [at_row for at_row in keys if at_row in rows]) if deed is Deed.APPROVE else {}
        for at_row in keys:
            row = rows.get(at_row)
            if row is None:
                refused.append(f"there is no row {told_key(at_row[0])} ({at_row[1]})")
                continue
            try:
                faults, jumps = against.get(at_row, ((), ()))
                may_do(row.newest, deed, by, reason, faults=faults, jumps=jumps, four_eyes=contract.four_eyes)
            except EntryRefusedError as error:
                refused.append(str(error))
                continue
            if not refused:
                stored.do(connection, row.newest.id, deed, by, at, reason)
        if refused:
            raise EntryRefusedError("; ".join(refused))
        found = rows_of(stored.entries(connection, name))
        done = [found[at_row].newest for at_row in keys]
        if beside is not None:
            beside(connection, done)
    write_entered(project, ledger, [name])
    return done


def _against(
    contract: Contract, rows: Mapping[tuple[Key, Sort], Row], keys: Sequence[tuple[Key, Sort]]
) -> dict[tuple[Key, Sort], tuple[list[str], list[str]]]:
    """Give what speaks against approving rows: what the contract says, and which values jump."""
    chosen = [rows[at_row] for at_row in keys]
    faults = faults_of_rows(contract, [row.newest.values for row in chosen])
    jumps = jumps_of_chosen(contract, chosen, rows.values())
    return {
        at_row: ([f"{field}: {why}" for field, why in wrong.items()], [f"{field}: {why}" for field, why in far.items()])
        for at_row, wrong, far in zip(keys, faults, jumps, strict=True)
    }


def jumps_of_chosen(contract: Contract, chosen: Sequence[Row], every: Iterable[Row]) -> list[dict[str, str]]:
    """Give the jumps of rows, each held against the rows of its own sort."""
    found: dict[tuple[Key, Sort], dict[str, str]] = {}
    for sort in Sort:
        mine = [row for row in chosen if row.sort is sort]
        found |= zip(((row.key, sort) for row in mine), jumps_of_rows(contract, mine, [row for row in every if row.sort is sort]), strict=True)
    return [found[row.key, row.sort] for row in chosen]


def kept_evidence(project: Project, filename: str, content: bytes, by: str, at: datetime) -> Attachment:
    """Keep a file of evidence in the input store, to be attached to versions of rows.

    Raises:
        EntryRefusedError: it is empty or too large, or has no name.

    """
    name = Path(filename.replace("\\", "/")).name.strip()
    if not name or not content or len(content) > MOST_ATTACHED:
        raise EntryRefusedError(
            f"file {name or filename!r} has {len(content)} bytes; allowed: a name, and 1 to {MOST_ATTACHED} bytes"
        )
    return Attachment(name, InputStore(project.root).keep(content), len(content), by, at)


def attach(  # noqa: PLR0913 (a file, whose it is, and when)
    project: Project, ledger: Ledger, entry: Entry, filename: str, content: bytes, by: str, at: datetime
) -> Attachment:
    """Keep a file of evidence with a version of a row.

    Raises:
        EntryRefusedError: as ``kept_evidence``.

    """
    found = kept_evidence(project, filename, content, by, at)
    with ledger.transaction() as connection:
        stored.attach(connection, entry.id, found)
    return found


def write_entered(project: Project, ledger: Ledger, names: Iterable[str] | None = None) -> None:
    """Write the approved values of inputs where their runs read them; a file that says so already is left alone."""
    zone = ZoneInfo(project.config.time_zone)
    for contract in project.contracts.values():
        if not contract.entered or (names is not None and contract.name not in names):
            continue
        with ledger.transaction(reading=True) as connection:
            content = approved_file(contract, _counting(connection, contract.name), zone)
        place = project.root / "inputs" / contract.path
        if not place.is_file() or place.read_bytes() != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, content)


def try_out(  # noqa: PLR0913 (what would be approved and by whom)
    project: Project, ledger: Ledger, name: str, as_of: date, given: Sequence[Mapping[str, str]] = (), *, by: str
) -> list[Change]:  # fmt: skip
    """Judge the rules that read an input as they stand and as they would with values approved on ``as_of``.

    Nothing is written. ``given``: rows that were not entered yet; the newest versions that are under way count too.

    Raises:
        EntryRefusedError: a row of ``given`` cannot be read.

    """
    contract = entered_contract(project, name)
    rows = entered_rows(ledger, name)
    now = {key: row.counting for (key, sort), row in rows.items() if sort is Sort.ACTUAL}
    standing = {key: entry for key, entry in now.items() if entry is not None}
    at = datetime.combine(as_of, time(12), ZoneInfo(project.config.time_zone))
    approval = Step(Deed.APPROVE, by, at)
    would = dict(standing)
    for (key, sort), row in rows.items():
        if sort is Sort.ACTUAL and row.newest.state in OPEN:
            would[key] = replace(row.newest, steps=(approval,))
    for one in given:
        key, values = read_entry(contract, one)
        would[key] = Entry(0, name, key, Sort.ACTUAL, values, by, at, steps=(approval,))
    before, after = (_judged(project, contract, list(some.values()), as_of) for some in (standing, would))
    return [Change(before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]


def _once(key: Key, taken: set[Key]) -> None:
    if key in taken:
        raise EntryRefusedError(f"row {told_key(key)} is there twice")
    taken.add(key)


def _judged(
    project: Project, contract: Contract, entries: Sequence[Entry], as_of: date
) -> dict[tuple[str, Subject, str], Verdict]:
    content = approved_file(contract, entries, ZoneInfo(project.config.time_zone))
    wanted = ",".join(rule.id for rule in project.rules if contract.name in rule.inputs)
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
        place = Path(folder) / "values.csv"
        place.write_bytes(content)
        tried = replace(contract, path=str(place))
        trial = replace(project, contracts={**project.contracts, contract.name: tried})
        request = Request("0", as_of, wanted, expectations=False)
        outcome = evaluate(trial, request, Before({}, {}, None), lambda some: hashlib.sha256(some).hexdigest())
    return {verdict.key: verdict for verdict in outcome.verdicts}


def _counting(connection: Connection, name: str) -> list[Entry]:
    rows = rows_of(stored.entries(connection, name)).values()
    return [entry for row in rows if row.sort is Sort.ACTUAL and (entry := row.counting) is not None]


def _shown(verdict: Verdict | None) -> object:
    return None if verdict is None else (verdict.word, verdict.observed, verdict.provisional, verdict.reason)
