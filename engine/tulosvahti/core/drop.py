"""Where a producer drops the deliveries of an input, and how it says that one is whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

TAKEN, REFUSED = "taken", "refused"
"""The folders, inside the drop folder, to which deliveries are moved."""


class Whole(StrEnum):
    """How it is known that a file is whole: by its name as soon as it has it, by a list of sizes and digests, or by time."""

    RENAME = "rename"
    MANIFEST = "manifest"
    SETTLE = "settle"


@dataclass(frozen=True)
class Drop:
    """A drop folder. ``folder`` is relative to the project's; ``files`` is a glob of the names that are this input's.

    ``settle``: how long a file must have been left alone. ``leaves``: what was taken stays where it is.
    """

    folder: str
    files: str = "*"
    whole: Whole = Whole.SETTLE
    settle: timedelta = timedelta(seconds=30)
    leaves: bool = False
