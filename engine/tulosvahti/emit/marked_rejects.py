"""A workbook given back with its errors marked: a copy of an XLSX or XLSM file, made in the archive itself.

Each cell that the contract rejects is red and has a note with the reason; a sheet lists them with links. Nothing else of
the file changes.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import a1, column_index
from tulosvahti.emit.audit_listing import MOST_NOTES, Row
from tulosvahti.emit.audit_package import UNMARKABLE, Package, mark_package, sheet_names
from tulosvahti.emit.told import told
from tulosvahti.emit.words import known, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tulosvahti.core.audited import Position
    from tulosvahti.core.contract import Reject

_ADDRESS = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))!([A-Z]{1,3})([1-9]\d{0,6})")


def marked_copy(source: Path, rejects: Sequence[Reject], out: Path, language: str) -> bool:
    """Write the copy; False, and nothing written, where the source is no workbook that can be marked safely.

    Raises:
        OSError: it cannot be written.

    """
    if not zipfile.is_zipfile(source):
        return False
    spoken = known(language)
    try:
        with zipfile.ZipFile(source) as archive:
            package = Package(archive)
            names = sheet_names(package)
            sheets: dict[str, dict[Position, tuple[str, str]]] = {}
            rows = []
            for item in rejects:
                place = _place(item.cell)
                if place is None or place[0] not in names:
                    continue
                sheet, at = place
                marks = sheets.setdefault(sheet, {})
                reason = told(item.reason, spoken)
                before = marks.get(at, ("wrong", ""))[1]
                note = "\n".join(part for part in (before, reason) if part)
                marks[at] = "wrong", note if len(marks) < MOST_NOTES else ""
                texts = (word("audit.certain", spoken), sheet, a1(*at), str(item.row), item.column, item.value, "", "", reason)
                rows.append(Row("wrong", texts, None, None, sheet, at))
            mark_package(package, sheets, rows, {name: name for name in names}, spoken)
            package.save(out)
    except UNMARKABLE:
        return False
    return True


def _place(address: str) -> tuple[str, Position] | None:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return None
    return (found[1] or found[2]).replace("''", "'"), (int(found[4]) - 1, column_index(found[3]))
