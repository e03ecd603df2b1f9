"""Files that somebody handed in to have them looked at: kept an hour for whoever did, then gone. In memory and a folder of its own."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

if TYPE_CHECKING:
    from tulosvahti.web.house import House
    from tulosvahti.web.page import Page

_MOST = 20
_HOUR = 3600.0


@dataclass(frozen=True)
class Kept:
    """A file and what was found in it. ``folder`` goes with it; ``bound_to`` is the session or browser that it belongs to."""

    folder: Path
    path: Path
    bound_to: str
    until: float
    found: Any


_ALL: WeakKeyDictionary[House, OrderedDict[str, Kept]] = WeakKeyDictionary()
_FOLDERS: WeakKeyDictionary[House, Path] = WeakKeyDictionary()
_LOCK = threading.Lock()


def new_folder(page: Page) -> Path:
    """Make a folder for one file; all of a house's go when it does."""
    with _LOCK:
        if page.house not in _FOLDERS:
            folder = Path(tempfile.mkdtemp(prefix="tulosvahti-audit-"))
            _FOLDERS[page.house] = folder
            finalize(page.house, shutil.rmtree, folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=_FOLDERS[page.house]))


def keep(page: Page, folder: Path, path: Path, found: object) -> str:
    """Keep a file of a folder with what was found in it; give its name."""
    name = secrets.token_urlsafe(18)
    now = page.house.steady()
    with _LOCK:
        kept = _ALL.setdefault(page.house, OrderedDict())
        gone = [key for key, item in kept.items() if item.until <= now]
        gone += list(kept)[: max(len(kept) - len(gone) - _MOST + 1, 0)]
        for key in dict.fromkeys(gone):
            shutil.rmtree(kept.pop(key).folder, ignore_errors=True)
        kept[name] = Kept(folder, path, page.bound_to, now + _HOUR, found)
    return name


def kept(page: Page, name: str) -> Kept | None:
    """Give what was kept; None where it is gone, or somebody else's."""
    with _LOCK:
        mine = _ALL.get(page.house)
        found = mine.get(name) if mine is not None else None
    return found if found is not None and found.bound_to == page.bound_to and found.until > page.house.steady() else None
