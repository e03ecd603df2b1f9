"""The delivery of an input that is fetched: what came last, read like a file that was dropped.

Its content is the file; or, where there are several or the source marks its figures, the list of their digests and marks:
so a digest stands for all that was judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import How
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Notice
from tulosvahti.core.fetched import STATE, Kept, KeptFile, kept_of, kept_place
from tulosvahti.load.files import File, manifest, read_file
from tulosvahti.load.held import store_of
from tulosvahti.load.records import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.tables import Taken


def kept_now(contract: Contract, root: Path) -> Kept | None:
    """Give what the newest fetches of an input left; None where it was never fetched, or by another declaration."""
    try:
        found = kept_of(kept_place(root, contract.name).read_bytes())
    except FileNotFoundError:
        return None
    if found is None or contract.fetch is None or found.identity != contract.fetch.identity:
        return None
    return found


def pinned(kept: Kept) -> bytes | None:
    """Give the content that stands for several files or for marks; None where the one file itself is the content."""
    listed = manifest((file.name, file.sha256) for file in kept.files)
    if kept.marks:
        shape = json.loads(listed)
        shape["marks"] = [{"kind": mark.kind, "text": mark.text, "of": mark.of} for mark in kept.marks]
        return (json.dumps(shape, ensure_ascii=False, indent=1) + "\n").encode()
    return listed if len(kept.files) > 1 else None


def digest_of(kept: Kept) -> str:
    """Give the SHA-256 of the content; empty where nothing came."""
    if not kept.came:
        return ""
    content = pinned(kept)
    return kept.files[0].sha256 if content is None else hashlib.sha256(content).hexdigest()


def fetched_files(contract: Contract, root: Path, kept: Kept | None = None) -> tuple[Kept, list[File]]:
    """Give what came last, or what is given, and its files, as they are held.

    Raises:
        UnreadableError: a kept file is not there any more or is not what it was.
        FileNotFoundError: nothing ever came.

    """
    kept = kept or kept_now(contract, root)
    if kept is None or not kept.came:
        raise FileNotFoundError
    by = contract.fetch.shown if contract.fetch is not None else ""
    return kept, [replace(_read(root, file), written=kept.fetched_at, by=by, how=How.FETCH) for file in kept.files]


def with_marks(taken: Taken, kept: Kept) -> Taken:
    """Add to what was taken what is to know of how it came."""
    content = pinned(kept)
    if content is not None:
        digest = hashlib.sha256(content).hexdigest()
        marks = (*taken.delivery.marks, *kept.marks)
        taken = replace(taken, delivery=replace(taken.delivery, sha256=digest, marks=marks), listed=content)
    notices = (*map(Notice, kept.notices), *taken.delivery.notices)
    if kept.trouble is not None:
        notices = (Notice(f"{kept.trouble.message}; what was there at {kept.checked_at} is used"), *notices)
    return replace(taken, delivery=replace(taken.delivery, notices=notices))


def as_files(contract: Contract, kept: Kept) -> Contract:
    """Give the contract as if the files had been dropped."""
    # A server's names may look like globs, and are none.
    names = tuple(re.sub(r"[*?\[]", "_", file.name) for file in kept.files)
    return replace(contract, fetch=None, path=", ".join(names), paths=names if len(names) > 1 else ())


def never_came(contract: Contract, root: Path, as_of: date) -> Delivery:
    """Say that nothing was ever fetched, why, and what to do."""
    kept = kept_now(contract, root)
    where = contract.fetch.shown if contract.fetch is not None else contract.path
    explanation = f"nothing was fetched from {where} yet"
    step = f"fetch it: tulosvahti fetch {contract.name}"
    if kept is not None and kept.trouble is not None:
        explanation, step = kept.trouble.message, kept.trouble.next_step
    return Delivery(
        contract.name,
        DeliveryState.MISSING,
        expected_through=contract.expected_through(as_of),
        explanation=explanation,
        next_step=step,
        synthetic=contract.synthetic,
    )


def _read(root: Path, wanted: KeptFile) -> File:
    path = root / STATE / wanted.place
    try:
        file = read_file(path, wanted.name, store_of(root), links=False)
    except FileNotFoundError as error:
        msg = f"{wanted.name} is no longer in the input store ({wanted.place})"
        raise UnreadableError(msg, "fetch it again, or restore a backup") from error
    if file.sha256 != wanted.sha256:
        msg = f"{wanted.name} in the input store is no longer what was fetched"
        raise UnreadableError(msg, "fetch it again, or restore a backup")
    return file
