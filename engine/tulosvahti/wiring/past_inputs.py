"""The inputs of a past run, taken again from the input store as that run had them: by the digests that it was published with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.fetched import Kept, KeptFile, Mark, MarkKind
from tulosvahti.load.fetched import as_files, fetched_files, with_marks
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.tables import Taken, take_files
from tulosvahti.store.inputs import InputStore, InputStoreError
from tulosvahti.wiring.base import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.files import File
    from tulosvahti.load.project import Project


@dataclass
class Then:
    """Inputs as a run had them; ``gone`` are those that cannot be had again: as they are now, they are judged instead."""

    taken: dict[str, Taken] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


def inputs_then(project: Project, inputs: Iterable[Mapping[str, Any]], names: Sequence[str], as_of: date) -> Then:
    """Take inputs as a run had them; ``inputs`` are those of its JSON. Contracts are the project's, as they are now."""
    was = {item["name"]: item for item in inputs}
    then = Then()
    wanted: list[tuple[Contract, Sequence[File]]] = []
    fetched: dict[str, Kept] = {}
    for name in names:
        contract, item = project.contracts[name], was.get(name)
        if item is None or contract.pushed:
            then.gone.append(name)
        elif not item["sha256"]:
            then.taken[name] = Taken(_as_it_was(Delivery(name, DeliveryState.MISSING), item), None)
        else:
            try:
                kept = _kept(project.root, name, item["sha256"], contract)
                files = fetched_files(contract, project.root, kept)[1]
            except (InputStoreError, UnreadableError, FileNotFoundError, LookupError, ValueError, TypeError):
                then.gone.append(name)
                continue
            if contract.fetch is not None:
                fetched[name] = kept
                contract = as_files(contract, kept)
            wanted.append((contract, files))
    for name, taken in take_files(wanted, project.root, as_of).items():
        marked = with_marks(taken, fetched[name]) if name in fetched else taken
        if was[name]["state"] == DeliveryState.QUARANTINED and marked.delivery.usable:
            marked = replace(marked, delivery=_as_it_was(replace(marked.delivery, state=DeliveryState.QUARANTINED), was[name]), rows=None)
        then.taken[name] = marked
    return then


def _as_it_was(delivery: Delivery, item: Mapping[str, Any]) -> Delivery:
    return replace(delivery, explanation=item["explanation"], next_step=item["next_step"])


def _kept(root: Path, name: str, sha256: str, contract: Contract) -> Kept:
    """Find what a digest stands for: one file, or the list of several, with their marks where the source gave some."""
    store = InputStore(root)
    listed: Any = None
    if contract.several or contract.fetch is not None:
        try:
            listed = json.loads(store.read(sha256))
        except ValueError:
            listed = None
    found = listed.get("deliveries") if isinstance(listed, dict) else None
    if found is None:
        listed, found = {}, [{"name": contract.path or name, "sha256": sha256}]
    files = tuple(_file(store, root, item["name"], item["sha256"]) for item in found)
    marks = tuple(Mark(MarkKind(item["kind"]), item["text"], item["of"]) for item in listed.get("marks", ()))
    return Kept("", fetched_at="then", files=files, marks=marks)


def _file(store: InputStore, root: Path, name: str, sha256: str) -> KeptFile:
    place = store.held(sha256)
    return KeptFile(name, sha256, place.stat().st_size, place.relative_to(root / STATE).as_posix())
