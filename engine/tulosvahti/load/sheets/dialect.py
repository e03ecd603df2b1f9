"""Which character parts the cells of a text, judged by the whole of it; or that none does."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.load.sheets.quoting import Dialect, records

if TYPE_CHECKING:
    from collections.abc import Sequence

CANDIDATES = ";\t,|"
_SAMPLE = 1 << 18
_TYPED_RECORDS = 400
_LONG = 80
_UNSTEADY = 0.2

_NUMBER = r"[-+−–(]?\s*[€$£]?\s*\d[\d\s.,'\u00a0\u202f\u2009]*(?:[eE][-+]?\d+)?\s*[%€$£)]?-?"
_TYPED = re.compile(
    rf"(?:|{_NUMBER}|\d{{1,4}}[-./]\d{{1,2}}(?:[-./]\d{{1,4}})?(?:[T ]\d\d?:\d\d.*)?|\D.*|\d{{1,4}}\W?\s\D.*)",
    re.DOTALL,
)
_WIDE_GAP = re.compile(r"\S {2,}\S")
_DECIMAL = re.compile(r"(?<!\d),|,(?!\d)")
_LEADING = re.compile(r"(?:^|(?<=\s)),(?=\d)")
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class _Fit:
    """How well a delimiter fits, as shares of the records; ``score`` to compare.

    ``share``: as wide as a neighbour; ``parted``: of more than one cell.
    """

    dialect: Dialect
    share: float
    parted: float
    score: float


def chosen(text: str, *, table: bool) -> Dialect | None:
    """Choose how a text is parted; None where it is running text or is laid out with spaces.

    ``table``: the file's name says that it is one (``.csv``), so that less has to speak for it.
    """
    sample = text if len(text) <= _SAMPLE else text[: text.rfind("\n", 0, _SAMPLE) + 1 or _SAMPLE]
    lines = [line for line in sample.splitlines() if line.strip()]
    spaced = sum(1 for line in lines if _WIDE_GAP.search(line)) * 2 > len(lines)
    fits = []
    for delimiter in CANDIDATES:
        if delimiter not in sample or (delimiter == "," and _commas_are_decimal(sample, spaced=spaced)):
            continue
        fit = _fit(sample, delimiter)
        if fit is not None:
            fits.append(fit)
    best = max(fits, key=lambda fit: fit.score, default=None)
    if best is not None:
        return best.dialect if best.share >= _least(best, table=table, spaced=spaced) else None
    return Dialect("") if table and not spaced else None


def _least(fit: _Fit, *, table: bool, spaced: bool) -> float:
    """Give what share of the records must be steady; ragged ones do, but for commas, which are common in prose."""
    if fit.parted >= 0.6 and (table or fit.dialect.delimiter != ","):  # noqa: PLR2004 - most
        return 0.0
    if table and not spaced:
        return 0.1
    return 0.6 if fit.dialect.delimiter == "\t" else 0.8


def _fit(sample: str, delimiter: str) -> _Fit | None:
    skip = re.search(rf'{re.escape(delimiter)} +"[^"\n]*"\s*(?:{re.escape(delimiter)}|$)', sample, re.MULTILINE)
    dialect = Dialect(delimiter, skip is not None)
    lines = list(io.StringIO(sample, newline=""))
    found = [record for record in records(lines, dialect, []) if any(map(str.strip, record))]
    if not found:
        return None
    widths = [len(record) for record in found]
    around = zip([0, *widths], widths, [*widths[1:], 0], strict=False)
    steady = [width in (before, after) or len(widths) == 1 for before, width, after in around]
    parted = sum(width > 1 for width in widths) / len(found)
    if not parted:
        return None
    share = sum(width > 1 and same for width, same in zip(widths, steady, strict=True)) / len(found)
    pattern = sum(
        (width - 1) / width * (1 if same else _UNSTEADY) for width, same in zip(widths, steady, strict=True)
    ) / len(found)
    return _Fit(dialect, share, parted, pattern * _typed(found[:_TYPED_RECORDS], delimiter))


def _typed(found: Sequence[Sequence[str]], delimiter: str) -> float:
    """Give the share of cells that look like one value; a cell with another delimiter in it rarely is."""
    others = [other for other in CANDIDATES if other not in (delimiter, ",")]
    cells = [cell for record in found for cell in record]
    return max(sum(_one_value(cell.strip(), delimiter, others) for cell in cells) / len(cells), 0.01)


def _one_value(cell: str, delimiter: str, others: Sequence[str]) -> bool:
    """Tell a number, a date or a phrase from values that another delimiter parts."""
    if any(other in cell for other in others):
        return False
    if "," in cell and delimiter != "," and cell.count(",") > 1 and ", " not in cell:
        return re.fullmatch(_NUMBER, cell[:_LONG]) is not None
    return _TYPED.fullmatch(cell[:_LONG]) is not None


def _commas_are_decimal(sample: str, *, spaced: bool) -> bool:
    """Tell commas inside numbers from commas between cells, in a text of one column or one laid out with spaces."""
    bare = _QUOTED.sub("", sample)
    commas = bare.count(",")
    if not commas or _DECIMAL.search(_LEADING.sub("", bare)):
        return False
    counts = [line.count(",") for line in bare.splitlines() if line.strip()]
    # Numbers with commas parted by commas would give the same count on each line, a header's too.
    return spaced or (len(set(counts)) > 1 and sorted(counts)[len(counts) // 2] <= 1)
