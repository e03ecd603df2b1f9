"""What was measured, as plain data and back: so that what did not change is not measured again. Numbers stay exact."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.expectations import ExpectationOutcome
from tulosvahti.compute.found import Measured, RowsMeasured
from tulosvahti.core.measure import Parts
from tulosvahti.core.period import Grain, containing
from tulosvahti.core.ranges import Range
from tulosvahti.core.worded import Worded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTED = tuple(item.name for item in fields(Parts) if item.name not in {"values", "missing", "bounds", "ambiguous", "cases", "worded"})


_LIMIT = 5
"""Parts of a limit; a verdict in words has three."""


def plain_of(found: Measured | RowsMeasured) -> dict[str, Any]:
    """Give plain data, as JSON has them."""
    if isinstance(found, RowsMeasured):
        return {
            "met": found.met, "failed": found.failed, "unknown": found.unknown, "sql": found.sql,
            "examples": [dict(example) for example in found.examples],
        }  # fmt: skip
    groups = [
        [
            [list(pair) for pair in subject],
            None if period is None else [period.start.isoformat(), str(period.grain)],
            [getattr(parts, name) for name in _COUNTED],
            {name: _text(value) for name, value in parts.values.items()},
            dict(parts.missing),
            {name: [_text(low), _text(high)] for name, (low, high) in parts.bounds.items()},
            parts.ambiguous,
            _text(parts.cases),
            *([{name: _limits(words) for name, words in parts.worded.items()}] if parts.worded else []),
        ]
        for subject, period, parts in found.groups
    ]
    return {"groups": groups, "sql": found.sql}


def plain_expected(found: ExpectationOutcome) -> dict[str, Any]:
    """Give how an expectation went as plain data, without the rule and the run that are given beside."""
    plain = asdict(found)
    del plain["rule"], plain["run"]
    return plain


def expected_of(plain: Mapping[str, Any], rule: str, run: str) -> ExpectationOutcome:
    """Give how an expectation of a rule went, which ``run`` judged.

    Raises:
        LookupError, TypeError, ValueError: they are not what ``plain_expected`` gives.

    """
    return ExpectationOutcome(**{**plain, "rule": rule, "run": run, "examples": tuple(map(str, plain["examples"]))})


def found_of(plain: Mapping[str, Any], run: str) -> Measured | RowsMeasured:
    """Give what plain data hold; ``run`` measured it.

    Raises:
        LookupError, TypeError, ValueError: they are not what ``plain_of`` gives.

    """
    if "groups" not in plain:
        examples = tuple(dict(example) for example in plain["examples"])
        return RowsMeasured(int(plain["met"]), int(plain["failed"]), int(plain["unknown"]), examples, str(plain["sql"]), run)
    groups = []
    for subject, period, counts, values, missing, bounds, ambiguous, cases, *words in plain["groups"]:
        parts = Parts(
            **{name: int(count) for name, count in zip(_COUNTED, counts, strict=True)},
            values={name: _number(value) for name, value in values.items()},
            missing={name: int(count) for name, count in missing.items()},
            bounds={name: (_number(low), _number(high)) for name, (low, high) in bounds.items()},
            ambiguous=bool(ambiguous),
            cases=_number(cases),
            worded={name: _words(limits) for item in words for name, limits in item.items()},
        )
        when = None if period is None else containing(date.fromisoformat(period[0]), Grain(period[1]))
        groups.append((tuple((str(name), str(value)) for name, value in subject), when, parts))
    return Measured(tuple(groups), str(plain["sql"]), run)


def plain_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give rows as plain data.

    Raises:
        TypeError: they hold what plain data cannot.

    """
    columns = list(rows[0]) if rows else []
    return {"columns": columns, "values": [[_plain(row[name]) for name in columns] for row in rows]}


def rows_of(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the rows that plain data hold.

    Raises:
        LookupError, TypeError, ValueError: they are not what ``plain_rows`` gives.

    """
    return [dict(zip(plain["columns"], map(_cell, row), strict=True)) for row in plain["values"]]


def _plain(value: object) -> object:
    if type(value) is date:
        return [value.year, value.month, value.day]
    if isinstance(value, Decimal):
        return [str(value)]
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(value)


def _cell(plain: Any) -> Any:  # noqa: ANN401 (a cell)
    if not isinstance(plain, list):
        return plain
    return Decimal(plain[0]) if len(plain) == 1 else date(*plain)
def _limits(words: Worded) -> list[list[Any]]:
    limits = [[_text(item.low), _text(item.high), item.low_open, item.high_open, count] for item, count in words.limits]
    return [*limits, *map(list, words.stated)]


def _words(plain: list[list[Any]]) -> Worded:
    limits = [(Range(_number(low), _number(high), bool(one), bool(two)), int(count)) for low, high, one, two, count in (item for item in plain if len(item) == _LIMIT)]
    return Worded(tuple(limits), tuple((str(said), str(words), int(count)) for said, words, count in (item for item in plain if len(item) != _LIMIT)))


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
