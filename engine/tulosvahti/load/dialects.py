"""How a text parts its cells, where the contract leaves it open: by which of its columns stand in the header.

What two ways of reading would read differently is refused with both, never guessed.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from tulosvahti.load.headers import found_header
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets.dialect import chosen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.core.contract import Contract

SAMPLE = 1 << 16
"""Characters from the start of a text by which it is judged."""
_CANDIDATES = (",", ";", "\t", "|")
_QUOTES = ('"', "'")
_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}
_SAID = re.compile(r"\"?sep=([^\r\n\"])\"?\r?\n", re.IGNORECASE)
"""The line with which a file tells Excel its delimiter."""


@dataclass(frozen=True)
class Told:
    """How a text is parted; ``skip``: characters before its first record; ``notice``: what is to be said of it."""

    delimiter: str
    quote: str
    skip: int = 0
    notice: str = ""

    def records(self, lines: Iterable[str]) -> Any:  # noqa: ANN401 (what csv.reader gives has no name)
        """Part lines into records, as strictly as can be."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=True,
        )


@dataclass(frozen=True)
class _Fit:
    delimiter: str
    quote: str
    known: int
    ragged: int
    cells: tuple[tuple[str, ...], ...]


def told(contract: Contract, text: str) -> Told:
    """Tell how a text is parted from its start, where the contract does not say; ``text`` may be cut at ``SAMPLE``.

    Raises:
        UnreadableError: two ways fit and read different cells.

    """
    said = _SAID.match(text)
    skip = said.end() if said else 0
    if not {"delimiter", "quoteChar"} & set(contract.open):
        return Told(contract.delimiter, contract.quote_char, skip)
    sample = text[skip : SAMPLE + skip]
    cut = len(text) > SAMPLE + skip
    if cut:
        sample = sample[: sample.rfind("\n") + 1] or sample
    delimiters = _CANDIDATES if "delimiter" in contract.open else (contract.delimiter,)
    if said and "delimiter" in contract.open:
        delimiters = (said[1],)
    quotes = _QUOTES if "quoteChar" in contract.open and "'" in sample else (contract.quote_char,)
    if len(delimiters) == len(quotes) == 1:
        return Told(delimiters[0], quotes[0], skip, _notice(contract, delimiters[0], quotes[0], said=bool(said)))
    fits = [_fit(contract, sample, delimiter, quote, cut=cut) for quote, delimiter in product(quotes, delimiters)]
    found = _chosen(contract, fits, sample)
    return Told(found.delimiter, found.quote, skip, _notice(contract, found.delimiter, found.quote, said=bool(said)))


def _notice(contract: Contract, delimiter: str, quote: str, *, said: bool) -> str:
    parts = []
    if "delimiter" in contract.open and delimiter != ",":
        parts.append(f"delimiter {_named(delimiter)}" + (" (the file's own line sep= names it)" if said else ""))
    if "quoteChar" in contract.open and quote == "'":
        parts.append('quotes "\'"')
    return f"the dialect is not declared and was told from the file: {', '.join(parts)}" if parts else ""


def _named(delimiter: str) -> str:
    return f"{_NAMES.get(delimiter, 'character')} {delimiter!r}" if delimiter != "\t" else "tab"


def _chosen(contract: Contract, fits: list[_Fit], sample: str) -> _Fit:
    most = max(fit.known for fit in fits)
    if not most:
        # None of the contract's columns is there: what the text itself shows, so that its own columns can be named.
        shown = chosen(sample, table=True)
        delimiter = shown.delimiter if shown and shown.delimiter else ","
        return next((fit for fit in fits if fit.delimiter == delimiter), fits[0])
    best = [fit for fit in fits if fit.known == most]
    least = min(fit.ragged for fit in best)
    best = [fit for fit in best if fit.ragged == least]
    # The standard's quote is meant where it does as well: an apostrophe is a common letter.
    best = [fit for fit in best if fit.quote == best[0].quote]
    first = best[0]
    other = next((fit for fit in best if fit.cells != first.cells), None)
    if other is None:
        return first
    both = " and ".join(f"{_named(fit.delimiter)} with quotes {fit.quote!r}" for fit in (first, other))
    msg = f"no dialect is declared, and {both} read different cells"
    raise UnreadableError(msg, f"declare `dialect: {{delimiter: …}}` in {contract.place.file}")


def _fit(contract: Contract, sample: str, delimiter: str, quote: str, *, cut: bool) -> _Fit:
    records = _records(contract, sample, delimiter, quote)
    if cut and records:
        records.pop()
    wanted = {item.column for item in contract.fields}
    header = found_header(records, wanted, depth=contract.header_rows)
    below = records[header.at + header.rows :] if header else []
    ragged = sum(len(record) != len(header.names) for record in below) if header else len(records)
    cells = tuple(tuple(record) for record in records[header.at if header else 0 :])
    return _Fit(delimiter, quote, header.known if header else 0, ragged, cells)


def _records(contract: Contract, sample: str, delimiter: str, quote: str) -> list[list[str]]:
    lines = (line for line in io.StringIO(sample, newline="") if not (contract.comment_char and line.startswith(contract.comment_char)))
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote or None, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)
    with suppress(csv.Error):
        return [record for record in reader if record and any(cell.strip() for cell in record)]
    return []
