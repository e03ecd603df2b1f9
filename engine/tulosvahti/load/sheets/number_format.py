"""Number formats of spreadsheets: what a person sees of a stored number.

Convention: numbers travel as decimal text (``-1234.5``, never ``1,234.50``); the format code is the file's own, which
is always written the American way, and so is what is shown. Where a code asks for more than is known here (fractions,
exponents, conditions, digits with text between them), the plain number is shown: never a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Literal

GENERAL = "General"
BUILT_IN = {
    0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00",
    5: r"#,##0_);\(#,##0\)", 6: r"#,##0_);[Red]\(#,##0\)", 7: r"#,##0.00_);\(#,##0.00\)",
    8: r"#,##0.00_);[Red]\(#,##0.00\)", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss", 22: "m/d/yy h:mm", 37: r"#,##0_);\(#,##0\)", 38: r"#,##0_);[Red]\(#,##0\)",
    39: r"#,##0.00_);\(#,##0.00\)", 40: r"#,##0.00_);[Red]\(#,##0.00\)", 41: r'#,##0_);\(#,##0\);"-"_)',
    42: r'#,##0_);\(#,##0\);"-"_)', 43: r'#,##0.00_);\(#,##0.00\);"-"??_)', 44: r'#,##0.00_);\(#,##0.00\);"-"??_)',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
"""Codes that a file names by number only; the currency sign of 5 to 8 and 42 is the reader's own and left out."""

_PIECES = re.compile(
    r'"(?P<quoted>[^"]*)"?'
    r"|\\(?P<escaped>.)"
    r"|[_*](?P<width>.)"
    r"|\[(?P<bracket>[^\]]*)\]"
    r"|(?P<digits>[0#?,.]+)"
    r"|(?P<percent>%)"
    r"|(?P<end>;)"
    r"|(?P<general>General)"
    r"|(?P<power>[Ee][+-])"
    r"|(?P<meridian>AM/PM|A/P)"
    r"|(?P<letter>[A-Za-z/@])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_COLOUR = re.compile(r"(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?\d+)\Z", re.IGNORECASE)
_ELAPSED = re.compile(r"(?:h+|m+|s+)\Z", re.IGNORECASE)
_WIDE = Context(prec=400)
_SPACES = " \u00a0\u202f\u2009"


@dataclass(frozen=True)
class _Section:
    """One of the up to four parts of a code; ``whole`` and ``fraction`` are its placeholders.

    ``least``: digits of the whole part that are always shown; ``optional``: zeros at the end may be left out;
    ``scale``: powers of ten; ``gaps``: what stands between the digits of the whole part, by how many placeholders are
    to its right.
    """

    before: str
    after: str
    whole: str
    least: int
    fraction: str
    optional: bool
    grouped: bool
    scale: int
    gaps: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class NumberFormat:
    """A compiled code; ``kind`` date: the number is a date, a time or a duration, and ``code`` says which."""

    code: str
    kind: Literal["number", "date"]
    sections: tuple[_Section | None, ...] = ()

    def shown(self, number: str) -> str:
        """Write a number as the format does; the plain number where the format is not understood."""
        negative = number[0] == "-"
        section, sign = self._section(number, negative=negative)
        if section is None:
            return plain(number)
        text = _filled(section, number[1:] if negative else number).strip(_SPACES)
        if not text:
            return plain(number)
        return f"-{text}" if sign else text

    def _section(self, number: str, *, negative: bool) -> tuple[_Section | None, bool]:
        """Give the section a number is written with, and whether the minus sign is still to be written."""
        count = len(self.sections)
        if not count:
            return None, False
        if negative:
            return (self.sections[1], False) if count > 1 else (self.sections[0], True)
        if count > 2 and not number.strip("0."):  # noqa: PLR2004 - positive, negative, zero
            return self.sections[2], False
        return self.sections[0], False


@lru_cache(maxsize=4096)
def compiled(code: str) -> NumberFormat:
    """Compile a code; one that is not understood gives a format that shows plain numbers."""
    if code == GENERAL or not code:
        return NumberFormat(GENERAL, "number")
    parts: list[list[tuple[str, str]]] = [[]]
    for match in _PIECES.finditer(code):
        kind = match.lastgroup or "other"
        if kind == "end":
            parts.append([])
        else:
            parts[-1].append((kind, match[kind] if kind in ("quoted", "escaped", "bracket") else match[0]))
    if any(_dated(part) for part in parts[:2]):
        return NumberFormat(code, "date")
    sections = tuple(_section(part) for part in parts[:3])
    # A condition of any section moves the numbers between all of them.
    if any(kind == "bracket" and text[:1] in "<>=" for part in parts for kind, text in part if text):
        sections = ()
    return NumberFormat(code, "number", sections)


def _dated(part: list[tuple[str, str]]) -> bool:
    if any(kind in ("general", "power") for kind, _ in part):
        return False
    return any(
        (kind == "letter" and text in "yYmMdDhHsS")
        or kind == "meridian"
        or (kind == "bracket" and _ELAPSED.match(text) is not None)
        for kind, text in part
    )


def _literal(kind: str, text: str) -> str | None:
    """Give what a piece prints; None: more than is known here."""
    if kind in ("quoted", "escaped", "other"):
        return text
    if kind == "width":
        return ""
    if kind == "percent":
        return "%"
    if kind == "bracket":
        if text.startswith("$"):
            return text[1:].split("-", maxsplit=1)[0]
        return "" if _COLOUR.match(text) else None
    return None


def _section(part: list[tuple[str, str]]) -> _Section | None:
    """Compile one section; None where it is not understood."""
    places = [at for at, (kind, _) in enumerate(part) if kind == "digits"]
    first, last = (places[0], places[-1] + 1) if places else (len(part), len(part))
    literals = [_literal(*piece) for piece in part[:first]], [_literal(*piece) for piece in part[last:]]
    before, after = ("".join(item for item in side if item is not None) for side in literals)
    if None in literals[0] or None in literals[1]:
        return None
    pattern, gaps = "", []
    for kind, text in part[first:last]:
        if kind == "digits":
            pattern += text
        elif kind in ("quoted", "escaped", "other") and not text.strip(_SPACES) and "." not in pattern:
            gaps.append((len(pattern), text))
        elif kind != "width":
            return None
    whole, point, fraction = pattern.partition(".")
    if "." in fraction:
        return None
    scaled = fraction if point else whole
    scale = len(scaled) - len(scaled.rstrip(","))
    if point:
        scale += len(whole) - len(whole.rstrip(","))
    grouped = "," in whole.rstrip(",")
    digits, decimals = whole.replace(",", ""), fraction.replace(",", "")
    if gaps and (grouped or any("," in whole[:at] or at > len(digits) for at, _ in gaps)):
        return None
    percent = sum(kind == "percent" for kind, _ in part)
    return _Section(
        before,
        after,
        digits,
        digits.count("0"),
        decimals,
        decimals.endswith(("#", "?")),
        grouped,
        2 * percent - 3 * scale,
        tuple((len(digits) - at, text) for at, text in gaps),
    )


def _filled(section: _Section, number: str) -> str:
    """Write a number that is not negative; Excel rounds halves away from zero."""
    if not section.whole and not section.fraction:
        return section.before + section.after
    places = len(section.fraction)
    whole, _, fraction = number.partition(".")
    if section.scale or len(fraction) > places or not whole.isdigit() or "e" in fraction:
        exact = Decimal(number).scaleb(section.scale, _WIDE)
        whole, _, fraction = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE):f}".partition(".")
    fraction = fraction.ljust(places, "0")
    if section.optional:
        least = len(section.fraction.rstrip("#?"))
        fraction = fraction[:least] + fraction[least:].rstrip("0")
    if section.least > 1 or whole == "0":
        whole = whole.lstrip("0").rjust(section.least, "0")
    if section.grouped and len(whole) > 3:  # noqa: PLR2004 - thousands
        whole = f"{int(whole):,}" if whole[0] != "0" else _grouped(whole)
    for right, gap in section.gaps:
        if len(whole) > right:
            at = len(whole) - right
            whole = whole[:at] + gap + whole[at:]
    if fraction:
        return f"{section.before}{whole}.{fraction}{section.after}"
    return f"{section.before}{whole}{section.after}"


def _grouped(whole: str) -> str:
    """Group digits that begin with zeros."""
    return ",".join([whole[max(end - 3, 0) : end] for end in range(len(whole), 0, -3)][::-1])


def plain(number: str) -> str:
    """Write a number without exponent or needless zeros; with an exponent where it would be unreadably long."""
    if "e" not in number and "E" not in number:
        return number.rstrip("0").rstrip(".") if "." in number else number
    value = Decimal(number)
    if -15 <= value.adjusted() <= 20:  # noqa: PLR2004 - as a spreadsheet writes them
        return plain(f"{value:f}")
    return f"{value:E}"
