"""A table written as one JSON-stat 2.0 dataset, the same bytes for the same table: what is kept of a fetched table.

Numbers are written with the digits they came with. What JSON-stat has no place for (marks of preliminary figures that
stood in comments, remarks on figures) is in ``extension.tulosvahti``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tulosvahti.core.cube import GEO, METRIC, TIME
from tulosvahti.load.cubes.jsonstat import OWN
from tulosvahti.load.cubes.marks import AGGREGATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.cube import Category, Cube, Dimension


def json_stat_of(cube: Cube, provenance: Mapping[str, Any] | None = None) -> bytes:
    """Write a table; ``provenance`` (plain JSON) says where it came from and with which selection."""
    own: dict[str, Any] = {
        "provisional": sorted(cube.provisional),
        "remarks": {str(at): text for at, text in sorted(cube.remarks.items())},
        **({"provenance": provenance} if provenance else {}),
    }
    extension: dict[str, Any] = {OWN: own}
    px: dict[str, Any] = {}
    if cube.table:
        px["tableid"] = cube.table
    if cube.not_additive == AGGREGATION:
        px["aggregallowed"] = False
    if px:
        extension["px"] = px
    if cube.symbol_texts:
        extension["status"] = {"label": dict(sorted(cube.symbol_texts.items()))}
    roles = {role: [item.code for item in cube.dimensions if item.role == role] for role in (GEO, METRIC, TIME)}
    status = {**cube.remarks, **cube.symbols}
    head: dict[str, Any] = {
        "version": "2.0",
        "class": "dataset",
        "label": cube.title,
        "source": cube.source,
        "updated": cube.updated,
        "note": list(cube.notes),
        "id": [item.code for item in cube.dimensions],
        "size": list(cube.sizes),
        "role": {role: names for role, names in roles.items() if names},
        "dimension": {item.code: _dimension(item) for item in cube.dimensions},
        "status": {str(at): text for at, text in sorted(status.items())},
        "extension": extension,
    }
    body = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    values = ",".join("null" if value is None else str(value) for value in cube.values)
    return f'{body[:-1]},"value":[{values}]}}\n'.encode()


def _dimension(item: Dimension) -> dict[str, Any]:
    children: dict[str, list[str]] = {}
    for one in item.categories:
        if one.parent:
            children.setdefault(one.parent, []).append(one.code)
    notes = {one.code: list(one.notes) for one in item.categories if one.notes}
    units = {one.code: _unit(one) for one in item.categories if one.unit or one.decimals is not None}
    category: dict[str, Any] = {
        "index": {one.code: at for at, one in enumerate(item.categories)},
        "label": {one.code: one.text for one in item.categories},
    }
    category |= {name: made for name, made in (("note", notes), ("unit", units), ("child", children)) if made}
    return {"label": item.text, "category": category, **({"note": list(item.notes)} if item.notes else {})}


def _unit(one: Category) -> dict[str, Any]:
    found: dict[str, Any] = {"base": one.unit} if one.unit else {}
    return found | ({} if one.decimals is None else {"decimals": one.decimals})
