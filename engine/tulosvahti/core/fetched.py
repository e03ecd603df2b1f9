"""What is fetched for an input: the interface between a source, which knows one kind of server, and all the rest.

A source gives files, whole and checked, or raises; it never gives a part. What it gave last is ``Kept``: the files are in
the input store, by digest. Moments are aware.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tulosvahti.core.secrecy import SecretName

if TYPE_CHECKING:
    from tulosvahti.problem import Place, Problem

FORMAT = 1
STATE = ".tulosvahti"


class SourceError(Exception):
    """Nothing came of a fetch; the message says why in a sentence, ``next_step`` what to do."""

    def __init__(self, message: str, next_step: str) -> None:
        """Keep both sentences."""
        super().__init__(message)
        self.next_step = next_step


class MarkKind(StrEnum):
    """What the source says of its figures: they may still change, or do not add up and need not."""

    PROVISIONAL = "provisional"
    NOT_ADDITIVE = "not_additive"


@dataclass(frozen=True)
class Mark:
    """Something the source says of its figures that changes how they are judged; part of what is kept and judged.

    ``text``: in the source's words; ``of``: what it is said of, as a period; empty: of everything.
    """

    kind: MarkKind
    text: str
    of: str = ""


@dataclass(frozen=True)
class Part:
    """One file: ``name`` as it is shown (no folder) and where its bytes are now."""

    name: str
    path: Path


@dataclass(frozen=True)
class Fetched:
    """What came, the files in the order in which later ones win.

    ``facts`` are the source's own, handed to it the next time (an ETag, a time of change); no secrets.
    ``notices`` are sentences for people that change no figure.
    ``unchanged``: the server says that what is kept is still what there is; ``parts`` are empty then.
    """

    parts: tuple[Part, ...] = ()
    notices: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    unchanged: bool = False


@dataclass(frozen=True)
class KeptFile:
    """A file as it is kept: its name, SHA-256, size in bytes, and its path below the state folder."""

    name: str
    sha256: str
    size: int
    place: str


@dataclass(frozen=True)
class Trouble:
    """Why the newest attempt gave nothing."""

    at: str
    message: str
    next_step: str


@dataclass(frozen=True)
class Kept:
    """What an input has now.

    ``identity``: of the declaration it was fetched by; ``checked_at``: when it was last found to be what the server
    has. Moments are ISO texts; both are empty where nothing ever came.
    """

    identity: str
    fetched_at: str = ""
    checked_at: str = ""
    files: tuple[KeptFile, ...] = ()
    notices: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None

    @property
    def came(self) -> bool:
        """Tell whether there is content."""
        return bool(self.fetched_at)

    def written(self) -> bytes:
        """Give it as JSON."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n").encode()


def kept_of(content: bytes) -> Kept | None:
    """Read what ``written`` gave; None where it is something else."""
    try:
        data: dict[str, Any] = json.loads(content)
        if data.pop("format") != FORMAT:
            return None
        trouble = data.pop("trouble")
        return Kept(
            files=tuple(KeptFile(**item) for item in data.pop("files")),
            marks=tuple(Mark(MarkKind(item["kind"]), item["text"], item["of"]) for item in data.pop("marks")),
            notices=tuple(data.pop("notices")),
            trouble=Trouble(**trouble) if trouble else None,
            **data,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def kept_place(root: Path, name: str) -> Path:
    """Give where the state of an input's fetches is, in the project folder ``root``."""
    return root / STATE / "fetched" / f"{name}.json"


@dataclass(frozen=True)
class Given:
    """What a source is handed for one fetch.

    ``folder``: an empty folder of its own for its files, gone after they were kept; ``root``: the project folder, under
    which relative paths of the declaration stand; ``secret`` raises SecretError; ``steady`` and ``sleep`` are in
    seconds; ``kept``: what came last by the same declaration, with ``path_of`` to read it; ``columns`` and ``key``: of the
    contract, by the names that they have at the source; ``time_zone``: the project's.
    """

    name: str
    folder: Path
    root: Path
    secret: Callable[[SecretName], str]
    now: Callable[[], datetime]
    steady: Callable[[], float]
    sleep: Callable[[float], None]
    kept: Kept | None = None
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    time_zone: str = "UTC"

    def path_of(self, file: KeptFile) -> Path:
        """Give where the bytes of a kept file are."""
        return self.root / STATE / file.place


class Source(Protocol):
    """One kind of server, as a contract declares it under ``fetch``."""

    @property
    def shown(self) -> str:
        """Name it for people, without secrets: ``https://data.agency.fi/leads.csv``."""

    @property
    def identity(self) -> str:
        """Say what is fetched, so that a changed declaration is not answered with what another one gave."""

    @property
    def several(self) -> bool:
        """Tell whether more than one file may come, whose rows are then told apart by the contract's key."""

    def problems(self, place: Callable[[tuple[str | int, ...]], Place], root: Path) -> list[Problem]:
        """Give what is wrong with the declaration, without network; ``place`` knows where its keys stand."""

    def fetch(self, given: Given) -> Fetched:
        """Fetch all of it.

        Raises:
            SourceError: nothing can be given now.
            SecretError: a secret is not there or may not be used.

        """
