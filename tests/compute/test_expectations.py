"""Expectations: one run of Great Expectations with what it meets, fails and never evaluates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.compute.expectations import ExpectationJob, ExpectationRun

if TYPE_CHECKING:
    from pathlib import Path

BETWEEN = "expect_column_values_to_be_between"


def _job(rule: str, kind: str = BETWEEN, source: str = "leads", **kwargs: object) -> ExpectationJob:
    column = kwargs.get("column")
    return ExpectationJob(rule, source, kind, kwargs, (str(column),) if column else ())


def test_one_run(tmp_path: Path) -> None:
    frames = {
        "leads": pl.DataFrame(
            {
                "score": [Decimal("1.50"), Decimal("3.00"), Decimal("9.00"), Decimal("99.00")],
                "day": [date(2023, 1, 1), date(2023, 2, 1), None, None],
                "nothing": pl.Series([None] * 4, dtype=pl.String),
                "__rejected": [False, False, False, True],
            }
        ),
        "empty": pl.DataFrame({"n": pl.Series([], dtype=pl.Int64)}),
        "units": pl.DataFrame({"n": [1, 2]}),
    }
    jobs = [
        _job("met", column="score", min_value=0, max_value=10),
        _job("failed", column="score", min_value=0, max_value=Decimal(5)),
        _job("dates", column="day", min_value=date(2023, 1, 15), max_value=date(2023, 12, 31)),
        _job("all-null", "expect_column_values_to_match_regex", column="nothing", regex="^x$"),
        _job("mean", "expect_column_mean_to_be_between", column="score", max_value=4),
        _job("no-rows", source="empty", column="n", min_value=0),
        _job("other-input", "expect_column_values_to_be_unique", source="units", column="n"),
        _job("typing-error", "expect_column_values_to_be_betwen", column="score", min_value=0),
        _job("bad-argument", column="score", least=0),
        _job("bad-column", column="scores", min_value=0),
        _job("gone", source="gone", column="n", min_value=0),
    ]
    docs = tmp_path / "docs"
    run = ExpectationRun(jobs, frames, tmp_path / "work", docs)
    outcomes = {item.rule: item for item in run.collect()}
    assert list(outcomes) == [job.rule for job in jobs]
    seen = {rule: (item.success, item.evaluated, item.unexpected, item.reason) for rule, item in outcomes.items()}
    assert seen == {
        "met": (True, 3, 0, ""),
        "failed": (False, 3, 1, ""),
        "dates": (False, 2, 1, ""),
        "all-null": (None, 0, 0, "no_element"),
        "mean": (False, 3, 0, ""),
        "no-rows": (None, 0, 0, "no_element"),
        "other-input": (True, 2, 0, ""),
        "typing-error": (None, 0, 0, "not_computed"),
        "bad-argument": (None, 0, 0, "not_computed"),
        "bad-column": (None, 0, 0, "not_computed"),
        "gone": (None, 0, 0, "not_computed"),
    }
    assert outcomes["failed"].examples == ("9.0",)
    assert outcomes["typing-error"].detail.startswith(
        "Great Expectations has no expectation 'expect_column_values_to_be_betwen'; "
        "allowed: expect_column_values_to_be_between"
    )
    assert outcomes["gone"].detail == "input 'gone' has no rows that can be measured"
    assert (docs / "index.html").is_file()


def test_a_child_that_is_too_slow(tmp_path: Path) -> None:
    run = ExpectationRun(
        [_job("slow", column="n", min_value=0)], {"leads": pl.DataFrame({"n": [1]})}, tmp_path, None, 0.01
    )
    (outcome,) = run.collect()
    assert (outcome.success, outcome.reason) == (None, "not_computed")
    assert outcome.detail == "Great Expectations did not finish in 0.01 seconds"
