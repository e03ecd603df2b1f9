"""JSON: answers of statistical offices (PxWeb, JSON-stat), lists of records, else every value with its path.

Convention: a sheet of texts as they stand, numbers with their exact value; the first row names the columns.
"""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.number_format import plain
from tulosvahti.load.sheets.reading import RefusedError
from tulosvahti.load.sheets.wire import NUMBER, TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tulosvahti.load.sheets.wire import WireCell, Writer

_LINES = frozenset({".jsonl", ".ndjson"})
Table = tuple[list[str], "Iterable[Iterable[Any]]"]


def read(path: Path, out: Writer) -> None:
    """Read the table of a file.

    Raises:
        RefusedError: it is not JSON, or a limit is passed.

    """
    read_as = decoded(path.read_bytes())
    content = _parsed(read_as.text if read_as else "")
    if path.suffix.lower() in _LINES and isinstance(content, dict):
        content = [content]
    header, rows = _pxweb(content) or _json_stat(content) or _records(content) or _paths(content)
    out.total(1)
    out.sheet("")
    out.row(list(header))
    for row in rows:
        out.row([cell_of(value) for value in row])
    out.end()


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    # Numbers keep their digits: 0.10 has two decimals.
    options: dict[str, Any] = {"parse_float": Decimal, "parse_int": Decimal, "parse_constant": str}
    try:
        return json.loads(text, **options)
    except ValueError as error:
        lines = [line for line in text.split("\n") if line.strip()]
        try:
            if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
                return [json.loads(line, **options) for line in lines]
        except ValueError:
            pass
        msg = f"file is not JSON: {error}"
        raise RefusedError(msg, next_step="deliver the file again, whole") from error


def cell_of(value: Any) -> WireCell:  # noqa: ANN401
    """Give a cell of a value."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not value.isascii() else value
    if isinstance(value, Decimal):
        return [str(value) if "E" not in str(value) else plain(str(value)), NUMBER, str(value)]
    if isinstance(value, bool):
        return ["TRUE" if value else "FALSE", TRUTH]
    return "" if value is None else json.dumps(value, ensure_ascii=True, default=str)


def _pxweb(content: Any) -> Table | None:  # noqa: ANN401
    """Take PxWeb's own form: ``columns`` and ``data`` of ``key`` and ``values``."""
    if not (isinstance(content, dict) and _dicts(content.get("columns")) and _dicts(content.get("data"))):
        return None
    header = [str(column.get("text") or column.get("code") or "") for column in content["columns"]]
    return header, ([*_list(row.get("key")), *_list(row.get("values"))] for row in content["data"])


def _json_stat(content: Any) -> Table | None:  # noqa: ANN401
    """Take JSON-stat 2 (and 1, which wraps it): a cube of values, written out one a row."""
    if isinstance(content, dict) and isinstance(content.get("dataset"), dict):
        content = content["dataset"]
    if not (isinstance(content, dict) and isinstance(content.get("dimension"), dict) and "value" in content):
        return None
    dimensions = content["dimension"]
    names = _list(content.get("id") or dimensions.get("id"))
    sizes = [int(size) for size in _list(content.get("size") or dimensions.get("size"))]
    axes = [_axis(dimensions.get(name), size) for name, size in zip(names, sizes, strict=False)]
    titles = [str((dimensions.get(name) or {}).get("label") or name) for name in names]
    return [*titles, "value"], _cube(axes, content["value"])


def _cube(axes: list[list[str]], values: Any) -> Iterator[list[Any]]:  # noqa: ANN401
    for at, labels in enumerate(product(*axes)):
        value = values.get(str(at)) if isinstance(values, dict) else values[at] if at < len(values) else None
        yield [*labels, value]


def _axis(dimension: Any, size: int) -> list[str]:  # noqa: ANN401
    """Give the labels of a dimension in order: the code where there is no label."""
    category = dimension.get("category", {}) if isinstance(dimension, dict) else {}
    labels, index = category.get("label", {}), category.get("index", {})
    codes = sorted(index, key=lambda code: index[code]) if isinstance(index, dict) else list(index)
    codes = codes or list(labels)
    codes += [str(at) for at in range(len(codes), min(size, 1_000_000))]
    return [str(labels.get(code, code)) for code in codes[:size]]


def _records(content: Any) -> Table | None:  # noqa: ANN401
    """Take a list of records or of rows, at the top or as the only such list in an object."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if _dicts(value) or _rows(value)]
        content = lists[0] if len(lists) == 1 else None
    if _rows(content):
        return _list(content[0]), content[1:]
    if not _dicts(content):
        return None
    names = list(dict.fromkeys(name for record in content for name in record))
    return names, ([record.get(name) for name in names] for record in content)


def _paths(content: Any) -> Table:  # noqa: ANN401
    """Give every value with the path to it: ``report.rows``, ``answers.0``."""
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [("", content)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict | list) and value:
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f"{path}.{name}" if path else str(name), item) for name, item in reversed(list(items))]
        else:
            found.append((path, value))
    return ["", "value"], found


def _dicts(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _rows(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and len(value) > 1 and all(isinstance(item, list) for item in value)


def _list(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []
