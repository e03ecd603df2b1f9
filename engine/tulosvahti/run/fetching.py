"""Fetching the inputs of a run, a few side by side: each comes whole or not at all, and none keeps the others waiting.

Where a server gives nothing, what came last stays, and is told to be so. Clock, sleep and secrets are handed in.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from tulosvahti.core.fetched import Fetched, Given, Kept, Source, SourceError, Trouble
from tulosvahti.core.secrecy import SecretError, SecretName, masked
from tulosvahti.store.fetched import keep_parts, read_kept, write_kept

if TYPE_CHECKING:
    from tulosvahti.core.contract import Contract

LOG = logging.getLogger(__name__)
_LEFT = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """What fetches are made with, and their bounds: how many at once, and how many seconds for all of them."""

    root: Path
    secret: Callable[[SecretName], str]
    now: Callable[[], datetime]
    steady: Callable[[], float]
    sleep: Callable[[float], None]
    time_zone: str = "UTC"
    at_once: int = 4
    within: float = 1800.0


@dataclass(frozen=True)
class Came:
    """What came of one fetch: the state to keep, and whether the server gave other content than before."""

    name: str
    kept: Kept
    new: bool = False


def fetch_all(world: World, contracts: Sequence[Contract]) -> list[Came]:
    """Fetch every contract's input and keep what came; in their order. Never raises for a server's sake."""
    sources = {item.name: item.fetch for item in contracts if item.fetch is not None}
    declared = {item.name: item for item in contracts}
    waiting: SimpleQueue[str] = SimpleQueue()
    for name in sources:
        waiting.put(name)
    came: SimpleQueue[Came] = SimpleQueue()

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            came.put(fetch_one(world, declared[name], sources[name]))

    end = world.steady() + world.within
    for number in range(min(world.at_once, len(sources))):
        threading.Thread(target=work, name=f"fetch-{number}", daemon=True).start()
    found: dict[str, Came] = {}
    while len(found) < len(sources):
        try:
            one = came.get(timeout=max(end - world.steady(), 0.001))
        except Empty:
            break
        found[one.name] = one
    for name in sources.keys() - found.keys():
        # Its thread may hang for good: it has a folder of its own, and nothing of it is kept.
        msg = f"{sources[name].shown} was not fetched within {world.within:.0f} s, which all inputs have together"
        found[name] = _failed(world, name, sources[name], msg, "see why the servers are slow, or lower `wait` in the contracts")
    for name in sources:
        one = found[name]
        write_kept(world.root, name, one.kept)
        if one.kept.trouble is not None:
            LOG.warning("input %s: %s; %s", name, one.kept.trouble.message, one.kept.trouble.next_step)
    return [found[name] for name in sources]


def fetch_one(world: World, contract: Contract, source: Source) -> Came:
    """Fetch one input; its files go into the input store, the state that names them is given and not written."""
    name = contract.name
    scratch = world.root / ".tulosvahti" / "work" / "fetching"  # no backup takes it
    before = _before(world.root, name, source)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        _sweep(scratch, world.now())
        with tempfile.TemporaryDirectory(dir=scratch, prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
            given = Given(
                name, Path(folder), world.root, world.secret, world.now, world.steady, world.sleep, before,
                columns=tuple(item.column for item in contract.fields),
                key=tuple(contract.field(item).column for item in contract.primary_key),
                time_zone=world.time_zone,
            )  # fmt: skip
            fetched = source.fetch(given)
            return _kept(world, name, before, fetched)
    except (SourceError, SecretError) as error:
        return _failed(world, name, source, str(error.args[0]), error.next_step)
    except OSError as error:
        return _failed(world, name, source, f"what {source.shown} gave could not be stored: {error}", "mend the cause and fetch again")
    except Exception as error:  # noqa: BLE001 (a fault of one source keeps no other input back)
        # The trace goes through the mask: a driver's error may hold the address with its password.
        LOG.error("fetching input %s failed inside\n%s", name, masked(traceback.format_exc()))  # noqa: TRY400
        said = f"fetching {source.shown} failed inside: {type(error).__name__}: {error}"
        return _failed(world, name, source, said, "tell the keeper of this programme, with the log")


def _before(root: Path, name: str, source: Source) -> Kept:
    found = read_kept(root, name)
    if found is not None and found.identity == source.identity and _is_there(root, found):
        return found
    return Kept(source.identity)


def _is_there(root: Path, kept: Kept) -> bool:
    paths: Mapping[Path, int] = {root / ".tulosvahti" / file.place: file.size for file in kept.files}
    return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())


def _kept(world: World, name: str, before: Kept, fetched: Fetched) -> Came:
    at = world.now().isoformat(timespec="seconds")
    notices = tuple(masked(notice) for notice in fetched.notices)
    if fetched.unchanged and before.came:
        facts = dict(fetched.facts)
        return Came(name, replace(before, checked_at=at, trouble=None, notices=notices, facts=facts))
    if not fetched.parts:
        msg = "no file came"
        raise SourceError(msg, "see what the server has")
    files = keep_parts(world.root, fetched.parts)
    same = [(one.name, one.sha256) for one in files] == [(one.name, one.sha256) for one in before.files]
    same = same and fetched.marks == before.marks
    kept = Kept(before.identity, before.fetched_at if same else at, at, files, notices, fetched.marks, dict(fetched.facts))
    return Came(name, kept, new=not same)


def _failed(world: World, name: str, source: Source, message: str, next_step: str) -> Came:
    at = world.now().isoformat(timespec="seconds")
    trouble = Trouble(at, masked(message), masked(next_step))
    return Came(name, replace(_before(world.root, name, source), trouble=trouble))


def _sweep(scratch: Path, now: datetime) -> None:
    """Remove what processes that were killed left behind."""
    for folder in scratch.iterdir():
        try:
            old = now.timestamp() - folder.stat().st_mtime > _LEFT.total_seconds()
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)
