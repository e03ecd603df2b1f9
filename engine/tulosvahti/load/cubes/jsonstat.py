"""JSON-stat 1.x and 2.0: a dataset, or the one dataset of a bundle or of a collection.

Formats: https://json-stat.org/full/ (2.0; 1.x wraps datasets in an object and puts ``id``, ``size`` and ``role`` into
``dimension``). PxWeb adds ``extension.px`` (www.pxtools.net/PxWebApi). The figures are refused as a whole where their
number is not the product of the sizes.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from tulosvahti.core.cube import GEO, METRIC, TIME, Category, Cube, Dimension, strides
from tulosvahti.load.cubes.marks import (
    clean,
    figure_of,
    flagged_preliminary,
    items_of,
    notes_of,
    says_preliminary,
    starred,
    why_not_additive,
)
from tulosvahti.load.cubes.parsing import MOST_CELLS, refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

OWN = "tulosvahti"
"""Name of our own extension: marks that JSON-stat has no place for."""


def is_json_stat(content: Any) -> bool:  # noqa: ANN401 (JSON)
    """Tell whether parsed JSON is a dataset, or has datasets in it."""
    return bool(_datasets(content))


def cube_of_json_stat(content: Any, dataset: str = "") -> Cube:  # noqa: ANN401 (JSON)
    """Read a dataset; ``dataset`` names one of several.

    Raises:
        UnreadableError: with what is wrong.

    """
    found = _datasets(content)
    if dataset and dataset not in found:
        raise refused(f"it has no dataset {dataset!r}; found: {', '.join(found)}", "name one of them with `sheet`")
    if not dataset and len(found) > 1:
        raise refused(f"it has several datasets: {', '.join(found)}", "name one of them with `sheet`")
    return _cube(found[dataset] if dataset else next(iter(found.values())))


def _datasets(content: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    if not isinstance(content, dict):
        return {}
    if _is_dataset(content):
        return {"dataset": content}
    if content.get("class") == "collection":
        links = content.get("link")
        items = links.get("item") if isinstance(links, dict) else None
        listed = items if isinstance(items, list) else []
        return {
            str(item.get("label") or item.get("href") or f"item {at}"): item
            for at, item in enumerate(listed, 1)
            if _is_dataset(item)
        }
    return {name: item for name, item in content.items() if _is_dataset(item)}


def _is_dataset(item: Any) -> bool:  # noqa: ANN401
    return isinstance(item, dict) and isinstance(item.get("dimension"), dict) and "value" in item


def dimensions_of(data: Any) -> tuple[Dimension, ...]:  # noqa: ANN401 (JSON)
    """Read the dimensions of a dataset, which need have no figures.

    Raises:
        UnreadableError: with what is wrong.

    """
    if not isinstance(data, dict) or not isinstance(data.get("dimension"), dict):
        raise refused("it has no dimensions")
    dimension = data["dimension"]
    names = _texts(data.get("id", dimension.get("id")), "id")
    sizes = data.get("size", dimension.get("size"))
    if not isinstance(sizes, list) or any(not isinstance(size, int) or size < 0 for size in sizes):
        raise refused("`size` is no list of whole numbers")
    if len(sizes) != len(names) or len(set(names)) != len(names):
        raise refused(f"`id` names {len(names)} dimensions ({', '.join(names)}) and `size` has {len(sizes)}")
    roles = _roles(data.get("role", dimension.get("role")))
    return tuple(_dimension(name, dimension.get(name), size, roles) for name, size in zip(names, sizes, strict=True))


def _cube(data: Mapping[str, Any]) -> Cube:
    found = dimensions_of(data)
    cells = prod(len(item.categories) for item in found)
    if cells > MOST_CELLS:
        raise refused(f"it has {cells} figures; allowed: at most {MOST_CELLS}", "select less of the table")
    values, symbols = _values(data["value"], cells)
    extension = _object(data.get("extension"))
    px = _object(extension.get("px"))
    texts = {str(key): clean(text) for key, text in _object(_object(extension.get("status")).get("label")).items()}
    flags = _status(data.get("status"), cells)
    for at, flag in flags.items():
        if values[at] is None:
            symbols[at] = flag
    own = _object(extension.get(OWN))
    remarks = {at: flag for at, flag in flags.items() if values[at] is not None and flag}
    remarks |= {int(at): str(text) for at, text in _object(own.get("remarks")).items() if at.isdecimal() and int(at) < cells}
    flagged = {at for at, flag in flags.items() if flag and flagged_preliminary(flag, texts.get(flag, ""))}
    flagged |= {at for at, text in remarks.items() if says_preliminary(text)}
    flagged |= {at for at in items_of(own.get("provisional")) if isinstance(at, int) and 0 <= at < cells}
    notes = notes_of(data.get("note"))
    allowed = px.get("aggregallowed")
    return Cube(
        dimensions=found,
        values=values,
        symbols=symbols,
        provisional=provisional_of(found, notes) | flagged,
        remarks=remarks,
        title=clean(data.get("label")),
        source=clean(data.get("source")),
        table=clean(px.get("tableid") or px.get("matrix")),
        updated=clean(data.get("updated")),
        notes=notes,
        not_additive=why_not_additive(
            [*notes, *(note for item in found for note in item.notes)],
            allowed=allowed if isinstance(allowed, bool) else None,
        ),
        symbol_texts=texts,
    )


def provisional_of(dimensions: Sequence[Dimension], notes: Sequence[str]) -> frozenset[int]:
    """Give the positions whose codes are marked as preliminary: by a note on a value, or by a period's asterisk."""
    sizes = [len(item.categories) for item in dimensions]
    steps = strides(sizes)
    found: set[int] = set()
    for item, step in zip(dimensions, steps, strict=True):
        legends = (*notes, *item.notes)
        for index, category in enumerate(item.categories):
            by_note = any(map(says_preliminary, category.notes))
            by_mark = item.role == TIME and any(starred(name, legends) for name in (category.code, category.text))
            if by_note or by_mark:
                block = step * len(item.categories)
                for start in range(index * step, prod(sizes), block):
                    found.update(range(start, start + step))
    return frozenset(found)


def _dimension(name: str, raw: Any, size: int, roles: Mapping[str, str]) -> Dimension:  # noqa: ANN401
    if not isinstance(raw, dict):
        raise refused(f"dimension {name!r} is named in `id` and is not there")
    category = _object(raw.get("category"))
    texts, units, notes = (_object(category.get(key)) for key in ("label", "unit", "note"))
    codes = _codes(name, category, texts)
    if len(codes) != size:
        raise refused(f"dimension {name!r} has {len(codes)} values, and its size is {size}")
    parents = {
        str(child): str(parent)
        for parent, children in _object(category.get("child")).items()
        for child in (children if isinstance(children, list) else [])
    }
    return Dimension(
        name,
        clean(raw.get("label")) or name,
        tuple(
            Category(
                code,
                clean(texts.get(code)) or code,
                notes_of(notes.get(code)),
                clean(_object(units.get(code)).get("base")),
                _decimals(_object(units.get(code)).get("decimals")),
                parents.get(code, ""),
            )
            for code in codes
        ),
        roles.get(name, ""),
        notes_of(raw.get("note")),
    )


def _codes(name: str, category: Mapping[str, Any], texts: Mapping[str, Any]) -> list[str]:
    """Give the codes in order: ``index`` is a list, or an object of positions, or left out where there is one."""
    index = category.get("index")
    if index is None:
        if len(texts) > 1:
            raise refused(f"dimension {name!r} has {len(texts)} values and no `index` that orders them")
        return list(texts)
    if isinstance(index, list):
        codes = _texts(index, f"index of {name}")
    elif isinstance(index, dict) and all(isinstance(at, int) for at in index.values()):
        codes = sorted(index, key=lambda code: index[code])
        if sorted(index.values()) != list(range(len(index))):
            raise refused(f"the positions of the values of {name!r} are not 0 to {len(index) - 1}, each once")
    else:
        raise refused(f"`index` of dimension {name!r} is neither a list nor an object of positions")
    if len(set(codes)) != len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise refused(f"dimension {name!r} has the code {twice!r} twice")
    return codes


def _values(raw: Any, cells: int) -> tuple[list[Decimal | None], dict[int, str]]:  # noqa: ANN401
    values: list[Decimal | None] = [None] * cells
    symbols: dict[int, str] = {}
    if isinstance(raw, dict):
        strangers = [key for key in raw if not (key.isascii() and key.isdecimal() and int(key) < cells)]
        if strangers:
            raise refused(f"there is a figure at {strangers[0][:20]!r}, and the sizes give {cells} places from 0")
        listed = [(int(key), item) for key, item in raw.items()]
    elif isinstance(raw, list):
        if len(raw) != cells:
            cut = "the answer was cut" if len(raw) < cells else "there are too many"
            raise refused(f"it has {len(raw)} figures, and the product of its sizes is {cells}: {cut}")
        listed = list(enumerate(raw))
    else:
        raise refused("`value` is neither a list nor an object")
    for at, item in listed:
        try:
            value, symbol = figure_of(item)
        except ValueError as error:
            raise refused(f"figure {at} of `value`: {error}") from None
        values[at] = value
        if symbol:
            symbols[at] = symbol
    return values, symbols


def _status(raw: Any, cells: int) -> dict[int, str]:  # noqa: ANN401
    """Give the status of each figure that has one: a text is that of all, as is a list of one."""
    if raw is None:
        return {}
    if isinstance(raw, str):
        return dict.fromkeys(range(cells), raw.strip())
    if isinstance(raw, list):
        if len(raw) == 1:
            raw = raw * cells
        if len(raw) != cells:
            raise refused(f"`status` has {len(raw)} items, and there are {cells} figures")
        return {at: str(item).strip() for at, item in enumerate(raw) if item is not None and str(item).strip()}
    if isinstance(raw, dict) and all(key.isascii() and key.isdecimal() and int(key) < cells for key in raw):
        return {int(key): str(item).strip() for key, item in raw.items() if item is not None}
    raise refused("`status` is neither a text, a list nor an object of positions")


def _roles(raw: Any) -> dict[str, str]:  # noqa: ANN401
    found: dict[str, str] = {}
    for role in (GEO, METRIC, TIME):
        names = _object(raw).get(role)
        found |= {str(name): role for name in names} if isinstance(names, list) else {}
    return found


def _texts(raw: Any, what: str) -> list[str]:  # noqa: ANN401
    if not isinstance(raw, list) or any(isinstance(item, dict | list) or item is None for item in raw):
        raise refused(f"`{what}` is no list of names")
    return [str(item) for item in raw]


def _object(raw: Any) -> dict[str, Any]:  # noqa: ANN401
    return raw if isinstance(raw, dict) else {}


def _decimals(raw: Any) -> int | None:  # noqa: ANN401
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 30 else None  # noqa: PLR2004
