"""Files as they arrive: what is logged of each, and what has become of it. Moments are ISO 8601 texts in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """How a delivery came: put at its place by somebody, dropped, taken by hand, or fetched."""

    PATH = "path"
    DROP = "drop"
    TAKE = "take"
    FETCH = "fetch"


class Fate(StrEnum):
    """What has become of one delivery. ``arrived``: it is kept and not judged yet."""

    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    PARTLY = "accepted_with_rejects"
    LATE = "late"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    """The same content as a delivery before: logged, and counted once."""
    WITHDRAWN = "withdrawn"
    """A person has said that a refused delivery is not to be waited for."""


COUNTED = frozenset({Fate.ACCEPTED, Fate.PARTLY, Fate.LATE})
"""The content is measured."""


@dataclass(frozen=True)
class Arrived:
    """One file as it came. ``written`` is when its file was last written; empty where there is no such moment.

    ``by`` is the user that owns the file, or who delivered it by hand.
    """

    name: str
    sha256: str
    size: int
    written: str = ""
    by: str = ""
    how: How = How.PATH
