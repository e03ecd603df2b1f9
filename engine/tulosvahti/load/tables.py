"""Deliveries: the file of a contract becomes typed rows, rejects with reasons, and a state with a next step.

``take`` gives the delivery as it is judged on a day, and its rows as ``core.kept_rows.KeptRows``: a Parquet file in the row
store (``row_store``), made by ``rows_read`` where the same content was not read under the same contract before. Whoever
reads the rows reads them from that file, and only the columns that it needs.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Notice
from tulosvahti.core.fetched import Mark, MarkKind
from tulosvahti.load.fetched import as_files, fetched_files, never_came, with_marks
from tulosvahti.load.files import File, manifest, paths_of, read_file
from tulosvahti.load.held import Syncing, store_of
from tulosvahti.load.newest import Reach
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Entry, RowStore, Summary, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from tulosvahti.core.fetched import Kept
    from tulosvahti.core.kept_rows import KeptRows

MAX_REJECTS_PERCENT = Decimal(10)
_LISTED = 20


@dataclass(frozen=True)
class Taken:
    """A delivery with its rows; ``rows`` is None where nothing can be measured."""

    delivery: Delivery
    rows: KeptRows | None
    listed: bytes = field(default=b"", repr=False)
    """The list of the files' names and digests, which the delivery's own digest is of, where the contract has several."""
    files: tuple[File, ...] = ()
    """The files, as they are held in the input store."""

    @property
    def frame(self) -> pl.DataFrame | None:
        """All the rows in memory, numbers as DECIMAL(38, s): for looking at a small table, never for a run."""
        if self.rows is None:
            return None
        import polars as pl  # noqa: PLC0415 - a run reads the file itself

        frame = pl.read_parquet(self.rows.path)
        longer = {name: pl.Decimal(38, kind.scale) for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)}
        return frame.cast(longer)  # type: ignore[arg-type]


def take(contract: Contract, root: Path, as_of: date) -> Taken:
    """Take the deliveries of a contract as they are known on ``as_of``."""
    return take_all([contract], root, as_of)[contract.name]


def take_all(
    contracts: Sequence[Contract], root: Path, as_of: date, meanwhile: Callable[[], None] | None = None
) -> dict[str, Taken]:
    """Take the deliveries of several contracts; those that are read anew are read together, by a child that loads ``meanwhile``."""
    with _child_ahead() as coming, Syncing() as syncing:
        found = {contract.name: _held(contract, root, as_of, coming, syncing) for contract in contracts}
        taken = take_files([item[:2] for item in found.values() if not isinstance(item, Taken)], root, as_of, syncing, meanwhile)
    result = {}
    for name, item in found.items():
        if isinstance(item, Taken):
            result[name] = item
        else:
            result[name] = taken[name] if item.kept is None else with_marks(taken[name], item.kept)
    return result


@contextmanager
def _child_ahead() -> Iterator[Callable[[], None]]:
    """Give what starts a child for something to read, while that is copied; if nothing is read then, the child ends."""
    with ExitStack() as stack:

        def coming() -> None:
            from tulosvahti.load.intake_apart import end_ahead, start_ahead  # noqa: PLC0415 - most runs read nothing anew

            start_ahead()
            stack.callback(end_ahead)

        yield coming


def take_files(
    wanted: Sequence[tuple[Contract, Sequence[File]]], root: Path, as_of: date, syncing: Syncing | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, Taken]:  # fmt: skip
    """Take deliveries that are held already, of each contract the latest last; what is ``syncing`` is settled.

    Raises:
        OSError: this machine failed.

    """
    syncing = syncing or Syncing()
    entries = _entries(wanted, RowStore.of(root), syncing, meanwhile)
    result = {}
    with Reach() as reach:
        for contract, files in wanted:
            listed = manifest((file.name, file.sha256) for file in files) if contract.several else b""
            sha256 = hashlib.sha256(listed).hexdigest() if contract.several else files[0].sha256
            entry = entries[contract.name]
            if isinstance(entry, UnreadableError):
                taken = _quarantined(contract, sha256, contract.expected_through(as_of), entry)
            else:
                taken = _judged(contract, sha256, as_of, entry, reach)
            delivery = replace(taken.delivery, files=tuple(file.arrived for file in files))
            lying = [replace(file, path=syncing.place(file.path)) for file in files]
            result[contract.name] = replace(taken, delivery=delivery, listed=listed, files=tuple(lying))
    return result


class _Held(NamedTuple):
    contract: Contract
    files: Sequence[File]
    kept: Kept | None = None
    """What the newest fetches left, of an input that is fetched."""


def _held(contract: Contract, root: Path, as_of: date, coming: Callable[[], None], syncing: Syncing) -> _Held | Taken:
    """Hold the files of a contract; where there are none that can be read, say so. ``coming``, ``syncing``: as ``hold`` has them."""
    if contract.pushed:
        return Taken(Delivery(contract.name, DeliveryState.MISSING, explanation="it is measured in its database"), None)
    names = {path: os.path.relpath(path, root / "inputs") for path in paths_of(contract, root)}
    store = store_of(root)
    try:
        if contract.fetch is not None:
            kept, files = fetched_files(contract, root)
            return _Held(as_files(contract, kept), files, kept)
        if contract.several:
            files = [read_file(path, name, store, links=False, coming=coming, syncing=syncing) for path, name in names.items()]
        else:
            files = [read_file(path, contract.path, store, coming=coming, syncing=syncing) for path in names]
    except FileNotFoundError as error:
        if contract.fetch is not None:
            return Taken(never_came(contract, root, as_of), None)
        return _missing(contract, as_of, f"file {names[Path(error.filename)]} does not exist")
    except UnreadableError as error:
        return _quarantined(contract, hashlib.sha256(b"").hexdigest(), contract.expected_through(as_of), error)
    return _Held(contract, files) if files else _missing(contract, as_of, f"no file matches {', '.join(contract.sources)}")


def _entries(
    wanted: Sequence[tuple[Contract, Sequence[File]]], store: RowStore, syncing: Syncing, meanwhile: Callable[[], None] | None
) -> dict[str, Entry | UnreadableError]:
    """Give the rows of each input: as the store has them, or read anew in a child process, while their files are synced."""
    keys = {contract.name: key_of(contract, ((file.name, file.sha256) for file in files)) for contract, files in wanted}
    found: dict[str, Entry | UnreadableError] = {}
    for contract, _ in wanted:
        entry = store.find(contract.name, keys[contract.name])
        if entry is not None:
            found[contract.name] = entry
    missing = [(contract, files) for contract, files in wanted if contract.name not in found]
    if not missing:
        syncing.settle()
        return found
    from tulosvahti.load.intake_apart import Order, read_apart  # noqa: PLC0415 - most runs read nothing anew

    if meanwhile is not None:
        meanwhile()
    with ExitStack() as stack:
        places = [stack.enter_context(store.making(contract.name)) / "rows.parquet" for contract, _ in missing]
        orders = [Order(contract, files, place) for (contract, files), place in zip(missing, places, strict=True)]
        read = read_apart(orders)
        # Rows are kept of nothing that could be gone.
        syncing.settle()
        for order, came in zip(orders, read, strict=True):
            name = order.contract.name
            found[name] = came if isinstance(came, UnreadableError) else store.keep(name, keys[name], order.place, came)
    return found


def _missing(contract: Contract, as_of: date, explanation: str) -> Taken:
    delivery = Delivery(
        contract.name,
        DeliveryState.MISSING,
        expected_through=contract.expected_through(as_of),
        explanation=explanation,
        next_step=f"ask {contract.sender} for the file, or mend `path` in {contract.place.file}",
        synthetic=contract.synthetic,
    )
    return Taken(delivery, None)


def _quarantined(contract: Contract, sha256: str, expected: date | None, fault: UnreadableError) -> Taken:
    delivery = Delivery(
        contract.name,
        DeliveryState.QUARANTINED,
        sha256=sha256,
        expected_through=expected,
        explanation=str(fault),
        next_step=fault.next_step,
        synthetic=contract.synthetic,
    )
    return Taken(delivery, None)


def _judged(contract: Contract, sha256: str, as_of: date, entry: Entry, reach: Reach) -> Taken:
    read = entry.summary
    total, rejected, rejects = read.total, read.rejected, read.rejects
    expected = contract.expected_through(as_of)
    limit = MAX_REJECTS_PERCENT if contract.max_rejects_percent is None else contract.max_rejects_percent
    if rejected * 100 > limit * total:
        worst = next(item for item in rejects if not item.duplicate)
        msg = (
            f"{rejected} of {total} rows are rejected, more than {limit:f} %; the first: "
            f"{worst.where}, {worst.column or 'whole row'}: {worst.reason}"
        )
        step = f"ask {contract.sender} to mend the rows and deliver again"
        fault = UnreadableError(msg, step)
        taken = _quarantined(contract, sha256, expected, fault)
        told = tuple(map(Notice, read.notices))
        counted = replace(
            taken.delivery, rows=read.sound, rejected_rows=rejected, rejects=rejects, notices=told
        )
        return replace(taken, delivery=counted)
    covered = reach.covered(contract, entry, as_of)
    late = expected is not None and bool(contract.period) and (covered is None or covered < expected)
    notices = (*map(Notice, read.notices), *_notices(contract, read))
    explanation = step = ""
    if late and expected is not None:
        content = f"content reaches {covered.isoformat()}" if covered else "no row is known yet"
        explanation = f"{content}; it was due to reach {expected.isoformat()}{_limit(contract)}"
        step = f"ask {contract.sender} for content up to {expected.isoformat()}"
    elif rejected:
        explanation = f"{rejected} of {total} rows are rejected"
        step = f"ask {contract.sender} to mend the rejected rows"
    elif not total:
        explanation = "file has a header and no rows"
    delivery = Delivery(
        contract.name,
        DeliveryState.LATE if late else DeliveryState.ACCEPTED,
        sha256=sha256,
        rows=read.sound,
        rejects=rejects,
        rejected_rows=rejected,
        covered_through=covered,
        expected_through=expected,
        explanation=explanation,
        next_step=step,
        notices=notices,
        marks=(*read.marks, *_declared(contract)),
        synthetic=contract.synthetic,
        header=read.header,
    )
    return Taken(delivery, entry.rows)


def _limit(contract: Contract) -> str:
    """Name the limit that was passed: how often content is promised, and how many days it may be late."""
    days = contract.grace.days if contract.grace is not None else 0
    return f" (one delivery a {contract.frequency}, {days} days of grace)" if contract.frequency is not None else ""


def _declared(contract: Contract) -> tuple[Mark, ...]:
    """Give what the contract itself says of the figures."""
    return (Mark(MarkKind.NOT_ADDITIVE, contract.not_additive),) if contract.not_additive else ()


def _notices(contract: Contract, read: Summary) -> tuple[Notice, ...]:
    wanted = {item.column for item in contract.fields}
    strangers = [name for name in read.header if name not in wanted and name]
    found = [Notice(f"column {name!r} is not in the contract and is ignored") for name in strangers[:_LISTED]]
    if len(strangers) > _LISTED:
        found.append(Notice(f"{len(strangers) - _LISTED} more columns are not in the contract and are ignored"))
    if read.copies:
        found.append(Notice(f"{read.copies} rows are exact copies of earlier rows and are counted once"))
    return tuple(found)
