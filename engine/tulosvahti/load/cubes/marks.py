"""What offices write beside figures: symbols for missing ones, marks of preliminary ones, notes on what may be added.

Symbols: www.scb.se "PX file format", data and optional keywords (``.`` to ``......`` and ``-``). Preliminary figures are
marked by an asterisk behind a period's name, by a flag (Eurostat's ``p``), or only by a note on a value or a figure.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tulosvahti.core.period_codes import PRELIMINARY

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRELIMINARY_WORD = re.compile(
    r"ennakko|ennakollis|alustav|preliminär|prelimin|provisional|foreløpi|forelopig|bráðabirgð|esialgne", re.IGNORECASE
)
_FINAL = re.compile(r"\bei\s+ennakko|not\s+preliminar|inte\s+preliminär|lopullis|slutlig|definitiv|\bfinal\b", re.IGNORECASE)
_NOISE = re.compile(
    r"cell[- ]?key|\bCKM\b|not\s+additive|non-additive|non\s+additive|random\s+noise|perturb"
    r"|(?:do|does|need|may|might|will)\s+not\s+(?:necessarily\s+|always\s+)?(?:add|sum)"
    r"|summerar\s+(?:\w+\s+)?inte|inte\s+(?:alltid\s+)?summer|slumpmässig\s+(?:osäkerhet|justering)"
    r"|ei(?:vät)?\s+(?:\w+\s+)?(?:summaudu|summautu)|satunnais(?:ta\s+)?(?:kohina|virhe|poikkeama)|kohina|häivyte|soluavain",
    re.IGNORECASE,
)
_ROUNDING = re.compile(r"round(?:ing|ed)|pyörist|avrund", re.IGNORECASE)
_FLAGS = re.compile(r"[bcdefinprsuz]{1,4}")
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})[.:](\d{2})[.:](\d{2})((?:[.,]\d+)?)(Z|[+-]\d{2}:?\d{2})?")
AGGREGATION = "the office marks the table as one whose figures are not to be added (aggregallowed is false)"


def figure_of(raw: Any) -> tuple[Decimal | None, str]:  # noqa: ANN401 (JSON)
    """Read one figure as it came: the exact number, or None and the symbol.

    Raises:
        ValueError: it is neither; the message has what stands there.

    """
    if raw is None:
        return None, ""
    if isinstance(raw, Decimal):
        return raw, ""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return Decimal(raw), ""
    if not isinstance(raw, str):
        msg = f"{str(raw)[:60]!r} is neither a number nor a symbol"
        raise ValueError(msg)  # noqa: TRY004 (what a file holds, not a fault of the caller)
    text = raw.strip()
    if re.fullmatch(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", text, re.ASCII):
        try:
            return Decimal(text), ""
        except InvalidOperation:  # pragma: no cover - the pattern has no such text
            pass
    if any(mark.isdigit() for mark in text):
        msg = f"{text[:60]!r} is neither a number with a decimal point nor a symbol"
        raise ValueError(msg)
    return None, text[:20]


def says_preliminary(text: str) -> bool:
    """Tell whether a note says that what it stands at is preliminary."""
    return bool(_PRELIMINARY_WORD.search(text)) and not _FINAL.search(text)


def is_flag(symbol: str) -> bool:
    """Tell whether a symbol is a flag beside a figure and not the sign of a missing one."""
    return bool(_FLAGS.fullmatch(symbol))


def flagged_preliminary(flag: str, meaning: str = "") -> bool:
    """Tell whether a flag beside a figure says that it is preliminary."""
    if meaning:
        return says_preliminary(meaning)
    return flag == PRELIMINARY or (is_flag(flag) and "p" in flag) or says_preliminary(flag)


def starred(name: str, legends: Iterable[str]) -> bool:
    """Tell whether a period's code or name ends with the mark of preliminary figures.

    ``legends``: notes that may say what the asterisk means; one that says something else wins.
    """
    if not name.rstrip().endswith(PRELIMINARY):
        return False
    said = [text for text in legends if text.lstrip().startswith(PRELIMINARY)]
    return not said or any(says_preliminary(text) for text in said)


def why_not_additive(notes: Iterable[str], *, allowed: bool | None) -> str:
    """Say why parts need not make their total; empty where nothing says so.

    ``allowed`` is the table's ``aggregallowed``. A note on nothing but rounding does not count: rounding has its bounds.
    """
    told = [text for text in notes if _NOISE.search(text) and not (_ROUNDING.search(text) and not _hard(text))]
    if told:
        return told[0]
    return AGGREGATION if allowed is False else ""


def _hard(text: str) -> bool:
    return bool(re.search(r"cell[- ]?key|\bCKM\b|noise|perturb|slumpmässig|kohina|satunnais", text, re.IGNORECASE))


def items_of(raw: Any) -> list[Any]:  # noqa: ANN401 (JSON)
    """Give the items of a list; none where there is something else."""
    return raw if isinstance(raw, list) else []


def clean(text: Any) -> str:  # noqa: ANN401 (JSON)
    """Take the line ends and doubled spaces out of a note: comments of PxWeb end in CR LF."""
    return " ".join(text.split()) if isinstance(text, str) else ""


def notes_of(raw: Any) -> tuple[str, ...]:  # noqa: ANN401 (JSON)
    """Give the notes of one or several texts."""
    items = raw if isinstance(raw, list) else [raw]
    return tuple(dict.fromkeys(note for item in items if (note := clean(item))))


def read_stamp(text: str) -> datetime | None:
    """Read when a table was updated; PxWeb writes dots for colons at times (``2024-07-26T05.00.00Z``).

    Gives a time with its zone where one is written, else without; None where it is no time.
    """
    found = _STAMP.fullmatch(text.strip())
    if not found:
        return None
    day, hours, minutes, seconds, part, zone = found.groups()
    fraction = f".{part[1:7]:0<6}" if part else ""
    offset = "+00:00" if zone == "Z" else zone or ""
    try:
        return datetime.fromisoformat(f"{day}T{hours}:{minutes}:{seconds}{fraction}{offset}")
    except ValueError:
        return None
