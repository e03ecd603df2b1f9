"""PxWeb's own ``json``: columns, rows of a key and values, comments. Values are texts; what is no number is a symbol.

Documented in "PxWeb API 1.0" (www.scb.se, format ``json``): a column is of type ``d`` (dimension, the default), ``t``
(time) or ``c`` (contents); the key follows the columns that are not contents, the values those that are. Preliminary
figures are marked by comments only: one with a ``value`` marks that value, one on the column explains its marks.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from tulosvahti.core.cube import METRIC, TIME, Category, Cube, Dimension
from tulosvahti.load.cubes.jsonstat import provisional_of
from tulosvahti.load.cubes.marks import clean, figure_of, items_of, notes_of, says_preliminary, why_not_additive
from tulosvahti.load.cubes.parsing import MOST_CELLS, refused

if TYPE_CHECKING:
    from decimal import Decimal

CONTENTS = "contents"
"""Name of the dimension of what is measured: this format has none for it."""


def is_px_json(content: Any) -> bool:  # noqa: ANN401 (JSON)
    """Tell whether parsed JSON is a table in this format."""
    if not (isinstance(content, dict) and isinstance(content.get("columns"), list) and isinstance(content.get("data"), list)):
        return False
    return all(isinstance(item, dict) and "code" in item for item in content["columns"]) and bool(content["columns"])


def cube_of_px_json(content: Any, contents: str = CONTENTS) -> Cube:  # noqa: ANN401 (JSON)
    """Read a table; ``contents``: the code of the variable of what is measured, where it is known.

    Raises:
        UnreadableError: with what is wrong.

    """
    axes = [item for item in content["columns"] if item.get("type") != "c"]
    measured = [item for item in content["columns"] if item.get("type") == "c"]
    if not measured:
        raise refused("none of its columns has contents (type c)")
    rows = content["data"]
    for number, row in enumerate(rows, 1):
        if not (isinstance(row, dict) and isinstance(row.get("key"), list) and isinstance(row.get("values"), list)):
            raise refused(f"row {number} has no key and values")
        if len(row["key"]) != len(axes) or len(row["values"]) != len(measured):
            wanted = f"{len(axes)} codes and {len(measured)} values are expected"
            raise refused(f"row {number} has {len(row['key'])} codes and {len(row['values'])} values; {wanted}")
    codes: list[dict[str, int]] = []
    for at in range(len(axes)):
        index: dict[str, int] = {}
        for row in rows:
            index.setdefault(str(row["key"][at]), len(index))
        codes.append(index)
    cells = prod(len(index) for index in codes)
    if cells > MOST_CELLS:
        raise refused(f"it has {cells} figures; allowed: at most {MOST_CELLS}", "select less of the table")
    if len(rows) != cells:
        product = " x ".join(str(len(index)) for index in codes)
        raise refused(f"it has {len(rows)} rows, and its codes make {product} = {cells}: the answer was cut")
    remarked, on_columns = _comments(content.get("comments"))
    dimensions = _dimensions(axes, codes, remarked, on_columns)
    metric = Dimension(
        contents,
        contents,
        tuple(
            Category(str(item["code"]), clean(item.get("text")) or str(item["code"]),
                     (*notes_of(item.get("comment")), *remarked.get((contents, str(item["code"])), ())), clean(item.get("unit")))
            for item in measured
        ),
        METRIC,
    )  # fmt: skip
    every = (*dimensions, metric)
    values, symbols, remarks = _figures(rows, codes, len(measured), cells * len(measured))
    described = next((item for item in items_of(content.get("metadata")) if isinstance(item, dict)), {})
    notes = on_columns.get("", ())
    marked = frozenset(at for at, text in remarks.items() if says_preliminary(text))
    return Cube(
        dimensions=every,
        values=values,
        symbols=symbols,
        provisional=provisional_of(every, notes) | marked,
        remarks=remarks,
        title=clean(described.get("label")),
        source=clean(described.get("source")),
        updated=clean(described.get("updated")),
        notes=notes,
        not_additive=why_not_additive([*notes, *(note for item in every for note in item.notes)], allowed=None),
    )


def _figures(
    rows: list[dict[str, Any]], codes: list[dict[str, int]], width: int, cells: int
) -> tuple[list[Decimal | None], dict[int, str], dict[int, str]]:
    values: list[Decimal | None] = [None] * cells
    symbols: dict[int, str] = {}
    remarks: dict[int, str] = {}
    seen = bytearray(cells // width if width else 0)
    for number, row in enumerate(rows, 1):
        place = 0
        for index, code in zip(codes, row["key"], strict=True):
            place = place * len(index) + index[str(code)]
        if seen[place]:
            raise refused(f"row {number} has the key {', '.join(map(str, row['key']))} a second time")
        seen[place] = 1
        comments = row.get("comment")
        said = comments if isinstance(comments, list) else [comments] * width
        for column, raw in enumerate(row["values"]):
            at = place * width + column
            try:
                values[at], symbol = figure_of(raw)
            except ValueError as error:
                raise refused(f"row {number} ({', '.join(map(str, row['key']))}): {error}") from None
            if symbol:
                symbols[at] = symbol
            if remark := clean(said[column] if column < len(said) else None):
                remarks[at] = remark
    return values, symbols, remarks


def _comments(raw: Any) -> tuple[dict[tuple[str, str], tuple[str, ...]], dict[str, tuple[str, ...]]]:  # noqa: ANN401
    """Sort comments: those on a value, by variable and code; those on a variable, or on the table (an empty name)."""
    on_values: dict[tuple[str, str], tuple[str, ...]] = {}
    on_columns: dict[str, tuple[str, ...]] = {}
    for item in items_of(raw):
        if not isinstance(item, dict):
            continue
        variable, value = str(item.get("variable") or ""), item.get("value")
        texts = notes_of(item.get("comment"))
        if variable and value is not None:
            key = (variable, str(value))
            on_values[key] = (*on_values.get(key, ()), *texts)
        else:
            on_columns[variable] = (*on_columns.get(variable, ()), *texts)
    return on_values, on_columns


def _dimensions(
    axes: list[dict[str, Any]],
    codes: list[dict[str, int]],
    remarked: dict[tuple[str, str], tuple[str, ...]],
    on_columns: dict[str, tuple[str, ...]],
) -> tuple[Dimension, ...]:
    found = []
    for item, index in zip(axes, codes, strict=True):
        name = str(item["code"])
        marked = {key[1]: texts for key, texts in remarked.items() if key[0] in {name, clean(item.get("text"))}}
        found.append(
            Dimension(
                name,
                clean(item.get("text")) or name,
                tuple(Category(code, code, marked.get(code, ())) for code in index),
                TIME if item.get("type") == "t" else "",
                tuple(dict.fromkeys((*notes_of(item.get("comment")), *on_columns.get(name, ())))),
            )
        )
    return tuple(found)
