"""OpenDocument formulas in Excel's words: ``of:=SUM([.B2:.B4];[$Other.A1])`` is ``=SUM(B2:B4,Other!A1)``."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r'(?P<text>"(?:[^"]|"")*")|\[(?P<range>(?:\'(?:[^\']|\'\')*\'|[^\]\'])*)\]|(?P<mark>;)|(?P<union>~)'
)
_PREFIX = re.compile(r"\A(?:[a-zA-Z]+:)?=")
_END = re.compile(r"(?:(?P<sheet>\$?'(?:[^']|'')*'|\$?[^.'\[\]:]*))?\.(?P<cell>[^:.]*)")


def translated(formula: str) -> str:
    """Give a formula with its ``=`` as Excel writes it; what is not understood stays as it is."""
    return "=" + _PARTS.sub(_piece, _PREFIX.sub("", formula))


def _piece(match: re.Match[str]) -> str:
    if match["text"] is not None:
        return match["text"]
    if match["range"] is not None:
        return _range(match["range"])
    return ","


def _range(text: str) -> str:
    ends = list(_END.finditer(text))
    if not ends or ":".join(match[0] for match in ends) != text:
        return text
    first = (ends[0]["sheet"] or "").removeprefix("$")
    cells = [match["cell"] for match in ends]
    if len(ends) > 1:
        last = (ends[1]["sheet"] or "").removeprefix("$")
        if last and last != first:
            return f"{first}:{last}!{':'.join(cells)}"
    return f"{first}!{':'.join(cells)}" if first else ":".join(cells)
