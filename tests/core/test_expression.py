"""What an expression may say, and the message where it may not."""

from __future__ import annotations

import pytest

from tulosvahti.core.expressed import Kind
from tulosvahti.core.expression import ExpressionError, parse_aggregate, parse_condition

FIELDS = {
    "lead_id": Kind.TEXT,
    "score": Kind.NUMBER,
    "planned": Kind.NUMBER,
    "done_on": Kind.DATE,
    "result": Kind.TEXT,
    "in_scope": Kind.BOOLEAN,
}


@pytest.mark.parametrize(
    "text",
    [
        "result IN ('A', 'B')",
        "in_scope",
        "NOT in_scope",
        "done_on <= as_of AND done_on IS NOT NULL",
        "done_on BETWEEN period_start AND period_end",
        "done_on >= DATE '2023-01-01'",
        "coalesce(score, 0) BETWEEN 1 AND 5",
        "result LIKE 'Å%'",
        "year(done_on) = 2023",
        "CASE WHEN in_scope THEN score > 3 ELSE TRUE END",
        "score >= 0.9 * planned",
    ],
)
def test_condition(text):
    assert parse_condition(text, FIELDS).kind is Kind.BOOLEAN


@pytest.mark.parametrize(
    ("text", "said", "offset"),
    [
        ("score", "a condition is expected; this gives a number", 1),
        ("scor > 3", "unknown field 'scor'", 1),
        ("in_scope AND scor > 3", "unknown field 'scor'", 14),
        ("score > 'a'", "score is a number and 'a' is a text: they cannot be compared", 9),
        ("read_csv('/etc/passwd') = 1", "read_csv is not allowed", 1),
        ("result IN (SELECT 1)", "IN takes a list of values", 1),
        ("score / planned > 0.9", "division of row values is not exact", 1),
        ("sum(score) > 3", "sum() has no place here: this is read row by row", 1),
        ("list_sum(range(300000000)) > 1", "list_sum() is not allowed", 1),
        ("1 = 1; DROP TABLE x", "one expression is expected, not several", 0),
        ("'a", "a quote or bracket is not closed", 0),
        ("score::text = '1'", "CAST is not allowed", 1),
        ("other.score = 1", "other.score is not a field of the input", 1),
        ("score =", "something is missing here", 7),
        ("", "one expression is expected, not an empty text", 0),
        ("(" * 5000 + "score" + ")" * 5000, "longer than 2000 characters", 0),
    ],
)
def test_condition_refused(text, said, offset):
    with pytest.raises(ExpressionError) as raised:
        parse_condition(text, FIELDS)
    assert said in str(raised.value)
    assert raised.value.offset == offset


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score", "an aggregate is expected; this gives one value for each row"),
        ("sum(score) + planned", "field 'planned' stands outside an aggregate"),
        ("sum(score / planned)", "division inside an aggregate is not exact"),
        ("sum(sum(score))", "sum() stands inside another aggregate"),
        ("sum(score) OVER ()", "Window is not allowed"),
        ("median(score)", "median is not allowed"),
        ("min(done_on)", "a number is expected; this gives a date"),
        ("coalesce(sum(score), 0)", "coalesce has no place between aggregates"),
    ],
)
def test_aggregate_refused(text, said):
    with pytest.raises(ExpressionError) as raised:
        parse_aggregate(text, FIELDS)
    assert said in str(raised.value)


def test_unknown_field_names_the_nearest():
    with pytest.raises(ExpressionError) as raised:
        parse_condition("reslt = 'A'", FIELDS)
    assert raised.value.next_step == "did you mean 'result'?"
    assert "lead_id" in raised.value.allowed
