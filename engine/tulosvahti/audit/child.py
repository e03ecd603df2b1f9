"""The process of one audit: run as ``python -P -m tulosvahti.audit.child ORDER``, the order being JSON (see ``apart``).

Its standard output is one line of JSON: how many tables were found, or why it ended.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

from tulosvahti.audit.files import FilesAudited, audit_files
from tulosvahti.load.intake_child import allow_seconds, bound
from tulosvahti.store.files import write_atomically

FOUND = "found.pickle"


def main(order: str) -> None:
    """Make what is ordered."""
    wanted = json.loads(order)
    # What a library prints must not get into the answer.
    pipe = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    bound(wanted["bounds"])
    allow_seconds(int(wanted["bounds"]["seconds"]) + 1)
    try:
        said: dict[str, object] = {"tables": _made(Path(wanted["path"]), Path(wanted["folder"]), wanted["names"])}
    except (MemoryError, RecursionError):
        said = {"tables": None, "ended": "memory"}
    with os.fdopen(pipe, "w") as out:
        out.write(json.dumps(said))


def _made(path: Path, folder: Path, names: list[str]) -> int:
    found = _found(path, folder / FOUND)
    for name in names:
        what, _, rest = name.partition(".")
        language, _, ending = rest.partition(".")
        place = folder / name
        if what == "body":
            from tulosvahti.emit.audit_html import audit_body  # noqa: PLC0415 (each form loads what it needs)

            write_atomically(place, audit_body(found.audit, language, found.problems).encode())
        elif what == "marked":
            from tulosvahti.emit.audit_workbook import marked_workbook  # noqa: PLC0415

            part = place.with_name(f"part.{ending}")
            marked_workbook(path, found.audit.tables, part, language)
            part.replace(place)
        elif what == "rule":
            from tulosvahti.emit.audit_rule import crossfoot_rule  # noqa: PLC0415

            write_atomically(place, "\n".join(crossfoot_rule(audited) for audited in found.audit.tables).encode())
    return len(found.audit.tables)


def _found(path: Path, place: Path) -> FilesAudited:
    if place.exists():
        # Written below, by this very module, in a folder that is nobody else's.
        found: FilesAudited = pickle.loads(place.read_bytes())  # noqa: S301
        return found
    found = audit_files([path])
    write_atomically(place, pickle.dumps(found))
    return found


if __name__ == "__main__":
    main(sys.argv[1])
