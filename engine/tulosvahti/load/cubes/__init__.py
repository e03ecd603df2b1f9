"""Tables of statistical offices: JSON-stat 1 and 2 and PxWeb's ``json`` become one kind of table, exact to the digit.

They are read the same whether they come from an office's server or lie in ``inputs/`` as a file.
"""

from __future__ import annotations

import re

from tulosvahti.core.cube import Cube
from tulosvahti.load.cubes.jsonstat import cube_of_json_stat, is_json_stat
from tulosvahti.load.cubes.parsing import parsed, refused
from tulosvahti.load.cubes.pxjson import CONTENTS, cube_of_px_json, is_px_json

__all__ = ["Cube", "may_be_cube", "read_cube"]
_NAMES = ((b'"dimension"', b'"value"'), (b'"columns"', b'"data"', b'"key"'))
_START = re.compile(rb"\s*\{")
_MOST_PARTS, _MOST_COMMAS = 2_000_000, 12_000_000
"""Beyond these a file is not read whole into memory here."""


def may_be_cube(content: bytes) -> bool:
    """Tell cheaply whether bytes may be such a table; false for every other kind of file."""
    if not _START.match(content.removeprefix(b"\xef\xbb\xbf")):
        return False
    if not any(all(name in content for name in names) for names in _NAMES):
        return False
    return content.count(b"{") + content.count(b"[") <= _MOST_PARTS and content.count(b",") <= _MOST_COMMAS


def read_cube(content: bytes, *, dataset: str = "", contents: str = CONTENTS) -> Cube | None:
    """Read a table; None where the JSON is something else.

    ``dataset`` names one of several; ``contents``: what the variable of what is measured is called, for a format that
    does not say it.

    Raises:
        UnreadableError: it is one, and cannot be trusted: with what is wrong.

    """
    data = parsed(content)
    if is_json_stat(data):
        return cube_of_json_stat(data, dataset)
    if is_px_json(data):
        return cube_of_px_json(data, contents)
    if isinstance(data, dict) and data.get("class") == "collection":
        msg = "it is a collection of links to tables, not a table"
        raise refused(msg, "ask for one of the tables it links to")
    return None
