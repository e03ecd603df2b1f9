"""A project as a run finds it: read once, and kept as plain data for as long as none of its files has changed.

What is kept is JSON in ``.tulosvahti/store/read/project.json``, under a name for the bytes of every file that was read, the code that read
them and what is installed beside it. It holds the problems too, with their places. Where it is missing, damaged, of other files
or open to others to write, the files are read.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti import __version__
from tulosvahti.load.plain_form import NotPlainError, read_back, written
from tulosvahti.load.settings import CONFIG, Config
from tulosvahti.problem import Place, Problem, ProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.route import Routes
    from tulosvahti.core.rule import Agreement, Rule

_KEPT = Path(".tulosvahti", "store", "read", "project.json")
_READ = (CONFIG, "rules/*.yaml", "inputs/*.yaml", "alerts/routes.yaml")
_OTHERS_WRITE = 0o022


@dataclass(frozen=True)
class Project:
    """What a project folder holds; ``unjudged`` are rules left out because of a problem."""

    root: Path
    config: Config
    agreements: Mapping[str, Agreement]
    rules: tuple[Rule, ...]
    contracts: Mapping[str, Contract]
    routes: Routes
    problems: tuple[Problem, ...]
    rules_sha256: str
    unjudged: tuple[str, ...] = ()


def find_root(start: Path) -> Path:
    """Give the nearest folder upward that is a project.

    Raises:
        ProblemsError: there is none.

    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONFIG).is_file():
            return folder
    raise ProblemsError([no_project(start / CONFIG)])


def no_project(path: Path) -> Problem:
    """Say that there is no project here."""
    return Problem(
        Place(str(path)),
        "no config.toml here nor in any folder above",
        "a project folder has a config.toml",
        "go to the project, give --project DIR, or make one with tulosvahti init DIR",
    )


def open_project(root: Path) -> Project:
    """Give a project as it was kept, or read it and keep it.

    Raises:
        ProblemsError: config.toml is missing or broken.

    """
    name = _name(root)
    kept = name and _kept(root, name)
    if kept:
        return kept
    from tulosvahti.load.project import load_project  # noqa: PLC0415 (what reads files is loaded where they are read)

    project = load_project(root)
    # A file that changed meanwhile belongs to another name.
    if name and name == _name(root):
        with suppress(OSError, NotPlainError):
            _keep(project, name)
    return project


def _name(root: Path) -> str:
    """Name all that reading a project depends on; empty where a file cannot be read."""
    digest = hashlib.sha256(repr((__version__, sys.version, _code(), _installed())).encode())
    try:
        for pattern in _READ:
            for path in sorted(root.glob(pattern)):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    except OSError:
        return ""
    return digest.hexdigest()


def _code() -> list[tuple[str, int, int]]:
    package = Path(__file__).resolve().parents[1]
    files = ((folder, entry) for folder in ("core", "load", "load/sources") for entry in os.scandir(package / folder))
    return sorted(
        (f"{folder}/{entry.name}", entry.stat().st_size, entry.stat().st_mtime_ns) for folder, entry in files if entry.name.endswith(".py")
    )


def _installed() -> list[tuple[str, int]]:
    """Give when something was last installed or removed: what is allowed in a file may depend on it."""
    places = [place for place in sys.path if place.endswith("-packages")]
    return [(place, Path(place).stat().st_mtime_ns) for place in places if Path(place).is_dir()]


def _kept(root: Path, name: str) -> Project | None:
    path = root / _KEPT
    try:
        facts = path.stat()
        if hasattr(os, "geteuid") and (facts.st_uid != os.geteuid() or facts.st_mode & _OTHERS_WRITE):
            return None
        head, _, body = path.read_bytes().partition(b"\n")
        if head.decode("ascii", "replace") != _head(name, body):
            return None
        config, agreements, rules, contracts, routes, problems, sha256, unjudged = read_back(body)
    except (OSError, NotPlainError, ValueError):
        return None
    return Project(root, config, agreements, rules, contracts, routes, problems, sha256, unjudged)


def _head(name: str, body: bytes) -> str:
    return f"{name} {hashlib.sha256(body).hexdigest()}"


def _keep(project: Project, name: str) -> None:
    parts = (
        project.config, dict(project.agreements), project.rules, dict(project.contracts), project.routes,
        project.problems, project.rules_sha256, project.unjudged,
    )  # fmt: skip
    body = written(parts)
    path = project.root / _KEPT
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        # Not synced: what a power cut leaves of it does not have its digest.
        with os.fdopen(handle, "wb") as stream:
            stream.write(_head(name, body).encode() + b"\n" + body)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
