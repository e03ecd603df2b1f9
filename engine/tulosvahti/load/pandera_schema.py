"""Contracts compile to Pandera schemas; every constraint that a row breaks comes back with its reason.

Null handling is ours: a required field fails on null, every other constraint passes on it, and nothing passes because
a whole column is null. Pandera is imported only when a schema is compiled.
"""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import FieldType
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandera.polars as pa

    from tulosvahti.core.contract import Contract, Field

KEY = "same key as an earlier row"
REQUIRED = "required value is missing"
_NOT_NULLABLE = "not_nullable"


@dataclass(frozen=True)
class Break:
    """One broken constraint: the position of the row, the field, the reason."""

    at: int
    column: str
    reason: str


_UNUSED = frozenset({"hypothesis", "pandas", "pyspark"})
"""What Pandera imports where it is installed, and needs for no frame of Polars; it takes longer to load than Pandera."""


_LOADING = threading.Lock()


class _Hiding:
    """A finder of modules to which some do not exist."""

    def __init__(self, names: frozenset[str]) -> None:
        """Hide these."""
        self._names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Leave any other module to the next finder.

        Raises:
            ModuleNotFoundError: it is hidden.

        """
        if name in self._names:
            msg = f"No module named {name!r}"
            raise ModuleNotFoundError(msg, name=name)


def pandera_polars() -> Any:  # noqa: ANN401 (the module)
    """Import Pandera as where neither Pandas nor Spark is installed, unless they are loaded: it takes a third of the time.

    It imports the rest of itself when it first looks at a frame, so it is shown one.
    """
    with _LOADING:
        if "pandera" not in sys.modules:
            hiding: Any = _Hiding(_UNUSED - sys.modules.keys())
            sys.meta_path.insert(0, hiding)
            try:
                import pandera.polars as pa  # noqa: PLC0415

                check = pa.Check(_all(pl.lit(value=True)))
                pa.DataFrameSchema({"a": pa.Column(checks=check)}).validate(pl.DataFrame({"a": [1]}), lazy=True)
            finally:
                sys.meta_path.remove(hiding)
    import pandera.polars as pa  # noqa: PLC0415

    return pa


def compile_schema(contract: Contract, *, whole: bool = True) -> pa.DataFrameSchema:
    """Compile the constraints of a contract; the error of each Pandera check is the reason in words.

    ``whole``: the frame has all the rows, so that what may stand once only is seen too.
    """
    pandera = pandera_polars()
    columns: dict[str, Any] = {}
    for item in contract.fields:
        checks = [
            pandera.Check(_each(test) if fast is None else _all(fast), name=reason, error=reason, ignore_na=False)
            for reason, test, fast in _constraints(item)
        ]
        if item.unique and whole:
            reason = "same value as an earlier row; allowed: each value once"
            checks.append(pandera.Check(_first((item.name,)), name=reason, error=reason, ignore_na=False))
        if whole and contract.primary_key and item.name == contract.primary_key[0]:
            checks.append(pandera.Check(_first(contract.primary_key), name=KEY, error=KEY, ignore_na=False))
        needed = item.required or item.name in contract.primary_key
        columns[item.name] = pandera.Column(nullable=not needed, checks=checks)
    schema: pa.DataFrameSchema = pandera.DataFrameSchema(columns, strict=False, name=contract.name)
    return schema


def breaks(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> list[Break]:
    """Run a schema over a typed frame and give what broke, in row order."""
    pandera = pandera_polars()
    from pandera.config import ValidationDepth, config_context  # noqa: PLC0415

    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        found = []
        for case in error.failure_cases.iter_rows(named=True):
            if case["index"] is None:
                msg = f"Pandera failed without a row: {case['check']}"
                raise RuntimeError(msg) from error
            reason = REQUIRED if case["check"] == _NOT_NULLABLE else str(case["check"])
            if reason == REQUIRED and _has_words(frame, str(case["column"]), int(case["index"])):
                continue
            found.append(Break(int(case["index"]), str(case["column"]), reason))
        return sorted(found, key=lambda item: (item.at, item.column, item.reason))
    return []


def _has_words(frame: pl.DataFrame, name: str, at: int) -> bool:
    """Tell whether words stand in place of a number, so that it is not missing."""
    beside = words_of(name)
    return beside in frame.columns and frame[beside][at] is not None


def _each(test: Callable[[Any], bool]) -> Callable[[Any], pl.LazyFrame]:
    """Run a test on each distinct value; null passes."""

    def run(data: Any) -> pl.LazyFrame:  # noqa: ANN401 - Pandera's PolarsData
        values = data.lazyframe.select(data.key).collect().to_series().to_list()
        known = {value: value is None or test(value) for value in set(values)}
        return pl.LazyFrame({data.key: [known[value] for value in values]}, schema={data.key: pl.Boolean})

    return run


def _first(names: tuple[str, ...]) -> Callable[[Any], pl.LazyFrame]:
    """Pass rows whose values do not stand in an earlier row; a row with null among them passes here."""

    def run(data: Any) -> pl.LazyFrame:  # noqa: ANN401
        null = pl.any_horizontal(pl.col(name).is_null() for name in names)
        return data.lazyframe.select((null | pl.struct(names).is_first_distinct()).alias(data.key))  # type: ignore[no-any-return]

    return run


def _all(test: pl.Expr) -> Callable[[Any], pl.LazyFrame]:
    """Run a test on a column at once; null passes."""

    def run(data: Any) -> pl.LazyFrame:  # noqa: ANN401 - Pandera's PolarsData
        # Collected, for Pandera looks at what it gets more than once.
        return data.lazyframe.select(test.fill_null(value=True).alias(data.key)).collect().lazy()  # type: ignore[no-any-return]

    return run


_Constraint = tuple[str, "Callable[[Any], bool]", "pl.Expr | None"]


def _constraints(item: Field) -> list[_Constraint]:
    """Give the reason and the test of each constraint of single values, and the same test of a column where there is one."""
    found: list[_Constraint] = []
    column, is_text = pl.col(item.name), item.type is FieldType.STRING
    least, most, shortest, longest = item.minimum, item.maximum, item.min_length, item.max_length
    if least is not None:
        low = _bound(item, least)
        found.append((f"below the minimum; allowed: at least {_shown(least)}", lambda value: value >= low, _compared(item, low, column.ge)))
    if most is not None:
        high = _bound(item, most)
        found.append((f"above the maximum; allowed: at most {_shown(most)}", lambda value: value <= high, _compared(item, high, column.le)))
    if item.enum:
        allowed = _allowed(item)
        reason = f"not one of the allowed values; allowed: {', '.join(item.enum)}"
        found.append((reason, lambda value: value in allowed, column.is_in(sorted(allowed)) if is_text else None))
    if item.pattern:
        form = re.compile(item.pattern)
        reason = f"does not match the pattern; allowed: {item.pattern}"
        fast = column.str.contains(f"^(?:{item.pattern})$") if is_text and _is_plain(item.pattern) else None
        found.append((reason, lambda value: form.fullmatch(str(value)) is not None, fast))
    if shortest is not None:
        reason = f"too short; allowed: at least {shortest} characters"
        found.append((reason, lambda value: len(str(value)) >= shortest, column.str.len_chars() >= shortest if is_text else None))
    if longest is not None:
        reason = f"too long; allowed: at most {longest} characters"
        found.append((reason, lambda value: len(str(value)) <= longest, column.str.len_chars() <= longest if is_text else None))
    return found


def _compared(item: Field, bound: Any, compare: Callable[[Any], pl.Expr]) -> pl.Expr | None:  # noqa: ANN401 - as the column's values
    """Compare whole columns of whole numbers and days; exact decimals are compared one by one where polars would round."""
    if isinstance(bound, Decimal):
        if item.type is FieldType.NUMBER:
            return compare(pl.lit(bound))
        return compare(pl.lit(int(bound))) if bound == bound.to_integral_value() and abs(bound) < 2**63 else None
    return compare(pl.lit(bound))


_PLAIN = re.compile(
    r"(?:[\wÅÄÖåäö ,;:/_@#%=<>-]|\\[-./+()*?]|\[(?:[\w .]-[\w .]|[\w .ÅÄÖåäö])+\]|\{\d{1,3}(?:,\d{0,3})?\}(?![+?*])|[.|()]|[*+?](?![+?*]))*",
    re.ASCII,
)


def _is_plain(pattern: str) -> bool:
    """Tell a pattern that Python and Rust read alike: characters, simple sets, counts, alternatives."""
    return "(?" not in pattern and _PLAIN.fullmatch(pattern) is not None and "(|" not in pattern


def _bound(item: Field, bound: Decimal | date) -> Any:  # noqa: ANN401 - as the column's values
    return bound.year if isinstance(bound, date) and item.type is FieldType.YEAR else bound


def _shown(bound: Decimal | date) -> str:
    return plain(bound) if isinstance(bound, Decimal) else bound.isoformat()


def _allowed(item: Field) -> set[Any]:
    from tulosvahti.load.cells import read_column  # noqa: PLC0415 - cells are needed only here

    if item.type is FieldType.STRING:
        return set(item.enum)
    if item.type in {FieldType.NUMBER, FieldType.INTEGER, FieldType.YEAR}:
        return {Decimal(text) for text in item.enum}
    return set(read_column(item, item.enum).values.to_list())
