"""Rows of an Excel sheet many at once: pieces of its XML that are written as programs write them become columns of cells.

``cells_of`` takes a piece of whole rows only where every character of it is what a pattern allows; any other piece is the
XML parser's (``ooxml_rows``). What it gives is what the parser would have found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import numpy as np
import polars as pl

from tulosvahti.core.sheet import column_index
from tulosvahti.load.sheets.ooxml_book import unescaped
from tulosvahti.load.sheets.shared_formula import COLUMNS, ROWS

if TYPE_CHECKING:
    import numpy.typing as npt

_ROW, _TAG = "\x01", "\x02"
_ODD = (b"]]>", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"<!", b"<?")
"""What no piece has that is taken here: what XML forbids, comments, sections and instructions."""
_SPACE = 32
"""What comes before it are control characters."""
_HEAD = r'^([A-Z]{1,3})[0-9]+(?:" s="([0-9]{1,9}))?(?:" t="([A-Za-z]{1,12}))?$'
_FORMULA = r'^<f(?:>(?:[^<&]|&(?:amp|lt|gt|quot|apos);)+</f>| t="shared" si="[0-9]{1,9}"/>)'
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_TEXTS = ("s", "str", "inlineStr")


@dataclass(frozen=True)
class Bulk:
    """Rows and their cells.

    ``numbers``: of the rows, from 0; ``hidden``: which of them are; ``cells``: those that have a value, by row (its place
    among these), column (from 0), ``kind`` and ``style`` as the file has them, and ``text``. ``formulas`` and ``zeros``: how many of
    them are results, and how many of these are 0.
    """

    numbers: npt.NDArray[np.int64]
    hidden: npt.NDArray[np.bool_]
    cells: pl.DataFrame
    formulas: int = 0
    zeros: int = 0


def cells_of(piece: bytes, after: int) -> Bulk | None:
    """Take whole rows; ``after``: the row before them. None: the piece is the XML parser's."""
    if not piece.startswith(b"<row ") or any(mark in piece for mark in _ODD) or not _is_text(piece):
        return None
    lines = _lines(piece)
    if lines is None:
        return None
    heads, bodies, rests = lines
    is_row = heads.str.starts_with("row ")
    closed = bodies.str.ends_with("</row>").fill_null(value=False) | rests.str.ends_with("</row>").fill_null(value=False) | heads.str.ends_with("/></row>")
    closed = closed | (is_row & heads.str.ends_with("/>"))
    begins = is_row.to_numpy()
    if not begins[0] or not np.array_equal(closed.to_numpy()[:-1], begins[1:]) or not closed[-1]:
        return None
    rows = _rows(heads.filter(is_row), bodies.filter(is_row), after)
    if rows is None or rests.filter(is_row).count():
        return None
    numbers, hidden = rows
    is_cell = ~is_row
    at = (np.cumsum(begins) - 1)[~begins]
    cells = _cells(heads.filter(is_cell), bodies.filter(is_cell), rests.filter(is_cell), at)
    if cells is None:
        return None
    results = cells.filter("formula")["text"]
    return Bulk(numbers, hidden, cells.drop("formula"), len(results), int((results == "0").sum()))


def _is_text(piece: bytes) -> bool:
    controls = int(np.count_nonzero(np.frombuffer(piece, np.uint8) < _SPACE))
    if controls and controls != piece.count(b"\n") + piece.count(b"\t"):
        return False
    try:
        return piece.isascii() or bool(piece.decode())
    except UnicodeDecodeError:
        return False


def _lines(piece: bytes) -> tuple[pl.Series, pl.Series, pl.Series] | None:
    """Part a piece at its rows and cells, and each of these at the ends of its tags with attributes."""
    marked = piece.replace(b"<row ", b"\x01row ").replace(b'<c r="', b"\x01").replace(b'">', b"\x02")
    names = ("head", "body", "rest")
    try:
        frame = pl.read_csv(
            marked[1:],
            has_header=False,
            separator=_TAG,
            eol_char=_ROW,
            quote_char=None,
            missing_columns="insert",
            schema=dict.fromkeys(names, pl.String),
        )
    except pl.exceptions.PolarsError:
        return None
    return (frame["head"], frame["body"], frame["rest"]) if frame.height == marked.count(b"\x01") else None


def _rows(heads: pl.Series, bodies: pl.Series, after: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]] | None:
    """Give the numbers of rows, which have to rise, and which are hidden."""
    if (bodies.is_not_null() & (bodies != "</row>")).any():
        return None
    shapes = heads.str.replace_all("[0-9]+", "0")
    if not all(_is_tag(shape) for shape in shapes.unique().to_list()):
        return None
    numbers = (heads.str.extract(' r="([0-9]{1,7})(?:"|$)').cast(pl.Int64) - 1).to_numpy()
    hidden = heads.str.contains(' hidden="(?:1|true)(?:"|$)') | heads.str.contains(' ht="0(?:"|$)')
    if heads.str.extract(' r="([0-9]{1,7})(?:"|$)').null_count() or not (np.diff(numbers, prepend=after) > 0).all() or numbers[-1] >= ROWS:
        return None
    return numbers, hidden.to_numpy()


@lru_cache(maxsize=1024)
def _is_tag(shape: str) -> bool:
    """Tell whether the start of a row is a tag, of double-quoted attributes one space apart."""
    whole = f"<{shape}" if shape.endswith(">") else f'<{shape}"/>'
    if not re.fullmatch(r'<row(?: [A-Za-z_:][\w:.-]*="[^"<&>]*")*/>(?:</row>)?', whole) or whole.endswith("</row>"):
        return False
    try:
        expat.ParserCreate().Parse(whole, True)  # noqa: FBT003 - the parser's own signature
    except expat.ExpatError:
        return False
    return True


def _cells(heads: pl.Series, bodies: pl.Series, rests: pl.Series, rows: npt.NDArray[np.int64]) -> pl.DataFrame | None:
    formula = bodies.str.starts_with("<f").fill_null(value=False)
    if formula.any():
        # What is calculated is its result; a formula that others share is left to the parser, which keeps it for them.
        bodies = bodies.str.replace(_FORMULA, "")
    frame = pl.DataFrame({"row": rows, "head": heads, "body": bodies.str.strip_suffix("</row>"), "rest": rests.str.strip_suffix("</row>")})
    blank = frame["head"].str.strip_suffix("</row>").str.ends_with('"/>')
    if blank.any():
        if frame.filter(blank)["body"].count():
            return None
        # A cell with nothing but a style: its place is looked at, and it is gone.
        frame = frame.with_columns(pl.when(blank).then(pl.col("head").str.strip_suffix("</row>").str.strip_suffix('"/>')).otherwise("head").alias("head"))
    parts = frame["head"].str.extract_groups(_HEAD).struct.unnest()
    letters = parts.to_series(0)
    if letters.null_count():
        return None
    names = letters.unique().to_list()
    columns = pl.Series(letters.name, [], dtype=pl.Int64)
    if names:
        columns = letters.replace_strict(names, [column_index(name) for name in names], return_dtype=pl.Int64)
    places = frame["row"].to_numpy() * COLUMNS + columns.to_numpy()
    if len(names) and (max(map(column_index, names)) >= COLUMNS or not (np.diff(places) > 0).all()):
        return None
    found = pl.DataFrame({"row": frame["row"], "column": columns, "kind": parts.to_series(2), "style": parts.to_series(1), "text": _bodies(frame), "formula": formula})
    found = found.filter(~blank) if blank.any() else found
    if found["text"].null_count():
        return None
    plain = _plain(found)
    # Of a formula, a blank text is a text.
    if plain is not None and formula.any() and plain.select((pl.col("formula") & (pl.col("kind").eq("s").fill_null(value=False) | (pl.col("text").str.strip_chars() == ""))).any()).item():
        return None
    return plain


def _bodies(frame: pl.DataFrame) -> pl.Series:
    """Give what stands in the value or the text of a cell; null where a cell is written otherwise."""
    whole = frame.select(
        pl.when(pl.col("rest").is_null()).then(pl.col("body"))
        # A text that keeps its spaces: the end of its tag parted it.
        .when(pl.col("body").is_in(['<is><t xml:space="preserve', '<v xml:space="preserve']))
        .then(pl.col("body").str.slice(0, 3).replace({"<is": "<is><t>", "<v ": "<v>"}) + pl.col("rest"))
        .alias("whole")
    )  # fmt: skip
    inner = (
        pl.when(pl.col("whole").str.starts_with("<v>") & pl.col("whole").str.ends_with("</v></c>"))
        .then(pl.col("whole").str.strip_prefix("<v>").str.strip_suffix("</v></c>"))
        .when(pl.col("whole").str.starts_with("<is><t>") & pl.col("whole").str.ends_with("</t></is></c>"))
        .then(pl.col("whole").str.strip_prefix("<is><t>").str.strip_suffix("</t></is></c>"))
    )
    return whole.select(pl.when(~inner.str.contains("<", literal=True)).then(inner).alias("text")).to_series()


def _plain(cells: pl.DataFrame) -> pl.DataFrame | None:
    """Give texts without their entities and escapes; None: there are others than the five."""
    text = pl.col("text")
    marked = cells["text"].str.contains("&", literal=True)
    if marked.any():
        texts = cells["text"].filter(marked)
        for name, sign in _ENTITIES[:-1]:
            texts = texts.str.replace_all(name, sign, literal=True)
        if int(texts.str.count_matches("&", literal=True).sum()) != int(texts.str.count_matches("&amp;", literal=True).sum()):
            return None
        texts = texts.str.replace_all("&amp;", "&", literal=True)
        cells = _replaced(cells, marked, texts)
    escaped = cells.select(text.str.contains("_x", literal=True) & pl.col("kind").is_in(_TEXTS[1:])).to_series().fill_null(value=False)
    if escaped.any():
        cells = _replaced(cells, escaped, pl.Series([unescaped(one) for one in cells["text"].filter(escaped).to_list()], dtype=pl.String))
    return cells


def _replaced(cells: pl.DataFrame, where: pl.Series, texts: pl.Series) -> pl.DataFrame:
    whole: Any = cells["text"].scatter(where.arg_true(), texts)
    return cells.with_columns(whole.alias("text"))
