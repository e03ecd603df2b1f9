"""Deliveries: bad files and bad rows, each with its pinned sentence."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.period import Grain
from tulosvahti.core.text import Text
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = date(2023, 11, 30)
FIELDS = (
    Field("id", required=True, pattern="L-[0-9]{2}"),
    Field("euro", FieldType.NUMBER, header="Euro", decimal_char=",", group_char=" ", minimum=Decimal(0)),
    Field("day", FieldType.DATE, date_format="%d.%m.%Y"),
)
HEAD = "id;Euro;day\n"


def _contract(**changes: object) -> Contract:
    base: dict[str, object] = {
        "delimiter": ";",
        "comment_char": "#",
        "primary_key": ("id",),
        "deliverer": "tem",
        "max_rejects_percent": Decimal(100),
    }
    return Contract("leads", Text(), "leads.csv", FIELDS, Place("inputs/leads.yaml"), **(base | changes))  # type: ignore[arg-type]


def _take(root: Path, content: str | bytes | None, as_of: date = AS_OF, **changes: object) -> Taken:
    (root / "inputs").mkdir()
    if content is not None:
        data = content.encode() if isinstance(content, str) else content
        (root / "inputs" / "leads.csv").write_bytes(data)
    return take(_contract(**changes), root, as_of)


@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        (b"", "file is empty (0 bytes)"),
        (b"# only a comment\n\n", "file has no header"),
        (b"id;Euro\nL-01;1\n", "column 'day' is missing; found: id, Euro"),
        (b"id;Euros;day\n", "column 'Euro' is missing (renamed to 'Euros'?); found: id, Euros, day"),
        (b"id;id;Euro;day\n", "column 'id' stands 2 times in the header"),
        (b"id;Euro;day\nL-01;1;\xe4\n", "byte 19 on line 2 (0xe4) is not utf-8, the declared encoding"),
        (b"id;Euro;day\nL-01;\x00;\n", "file has a NUL byte on line 2 and is not text"),
        (b"PK\x03\x04\x14\x00", "file is a damaged or unfinished zip archive: File is not a zip file"),
        (b'id;Euro;day\n"L-01;1;\n', "record that starts on line 2 cannot be read: unexpected end of data"),
    ],
)
def test_quarantined(tmp_path: Path, content: bytes, explanation: str) -> None:
    taken = _take(tmp_path, content)
    assert taken.delivery.state is DeliveryState.QUARANTINED
    assert taken.delivery.explanation == explanation
    assert taken.delivery.next_step
    assert taken.frame is None


def test_a_hundred_thousand_columns_are_told_in_a_sentence(tmp_path: Path) -> None:
    header = ";".join(f"c{at}" for at in range(100_000))
    delivery = _take(tmp_path, f"{header}\n").delivery
    assert delivery.explanation.startswith("column 'id' is missing, ")
    assert delivery.explanation.endswith("c28, c29 and 99970 more")


def test_a_hundred_thousand_other_columns_are_few_notices(tmp_path: Path) -> None:
    header = "id;Euro;day;" + ";".join(f"c{at}" for at in range(100_000))
    notices = _take(tmp_path, f"{header}\n").delivery.notices
    assert len(notices) == 21
    assert notices[-1].message == "99980 more columns are not in the contract and are ignored"


def test_a_long_line(tmp_path: Path) -> None:
    delivery = _take(tmp_path, HEAD + "L-01;" + "1" * 5_000_000).delivery
    assert delivery.state is DeliveryState.QUARANTINED
    assert delivery.explanation == "record that starts on line 2 cannot be read: field larger than field limit (131072)"


def test_a_second_header_in_the_middle(tmp_path: Path) -> None:
    taken = _take(tmp_path, f"{HEAD}L-01;1;\n{HEAD}L-02;2;\n")
    assert [(item.row, item.value, item.reason.partition(":")[0]) for item in taken.delivery.rejects] == [
        (3, "id", "the header stands here again")
    ]
    assert taken.frame is not None
    assert taken.frame["id"].to_list() == ["L-01", None, "L-02"]


def test_missing(tmp_path: Path) -> None:
    delivery = _take(tmp_path, None).delivery
    assert delivery.state is DeliveryState.MISSING
    assert delivery.explanation == "file leads.csv does not exist"
    assert delivery.next_step == "ask tem for the file, or mend `path` in inputs/leads.yaml"


def test_header_only_is_accepted(tmp_path: Path) -> None:
    taken = _take(tmp_path, HEAD)
    assert (taken.delivery.state, taken.delivery.rows) == (DeliveryState.ACCEPTED, 0)
    assert taken.frame is not None
    assert taken.frame.height == 0


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        (
            "L-01;many;",
            "Euro",
            "many",
            "not a number: unexpected character 'm'; allowed: digits, decimal mark ',', thousands separated by ' '",
        ),
        (
            "L-01;1 23;",
            "Euro",
            "1 23",
            (
                "not a number: thousands are not in groups of three digits; "
                "allowed: digits, decimal mark ',', thousands separated by ' '"
            ),
        ),
        ("L-01;-1;", "Euro", "-1", "below the minimum; allowed: at least 0"),
        ("L-01;1;30.02.2023", "day", "30.02.2023", "not a date or no such day; allowed: %d.%m.%Y, such as 31.03.2023"),
        ("L-01x;1;", "id", "L-01x", "does not match the pattern; allowed: L-[0-9]{2}"),
        (";1;", "id", "", "required value is missing"),
        ("L-01;1", "", "L-01;1", "row has 2 cells; allowed: 3, as in the header"),
    ],
)
def test_rejected(tmp_path: Path, row: str, column: str, value: str, reason: str) -> None:
    taken = _take(tmp_path, f"# comment\n{HEAD}L-99;2,50;01.02.2023\n\n{row}\n")
    (reject,) = taken.delivery.rejects
    assert (reject.row, reject.line) == (3, 5)
    assert (reject.column, reject.value, reject.reason) == (column, value, reason)
    assert (taken.delivery.rows, taken.delivery.rejected_rows) == (1, 1)
    assert taken.frame is not None
    assert taken.frame["__rejected"].to_list() == [False, True]
    field = {"Euro": "euro"}.get(column, column)
    if field:
        assert taken.frame[field].to_list()[1] is None


def test_repeated_keys_leave_the_frame(tmp_path: Path) -> None:
    taken = _take(tmp_path, HEAD + "L-01;1;\nL-01;1;\nL-01;2;\n")
    copy, conflict = taken.delivery.rejects
    assert (copy.row, copy.duplicate, copy.reason) == (3, True, "exact copy of record 2")
    assert (conflict.row, conflict.duplicate) == (4, False)
    assert conflict.reason == "same key as record 2 with other values"
    assert taken.frame is not None
    assert taken.frame["__row"].to_list() == [2]
    assert (taken.delivery.rows, taken.delivery.rejected_rows) == (1, 1)


def test_a_null_column_does_not_pass_as_required(tmp_path: Path) -> None:
    fields = (*FIELDS[:2], Field("day", FieldType.DATE, required=True))
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "leads.csv").write_text(HEAD + "L-01;1;\nL-02;1;\n")
    contract = Contract("leads", Text(), "leads.csv", fields, Place("x"), delimiter=";")
    delivery = take(contract, tmp_path, AS_OF).delivery
    assert delivery.state is DeliveryState.QUARANTINED
    assert delivery.explanation == (
        "2 of 2 rows are rejected, more than 10 %; the first: record 2 (line 2), day: required value is missing"
    )
    assert [item.row for item in delivery.rejects] == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_types_quotes_and_marks(tmp_path: Path, encoding: str) -> None:
    text = 'id;Euro;day;more\nL-01;"1 234,50";01.02.2023;"a\nb"\nL-02;;;ä\n'
    taken = _take(tmp_path, text.encode(encoding))
    frame = taken.frame
    assert frame is not None
    assert frame.schema["euro"] == pl.Decimal(38, 2)
    assert frame.rows() == [
        ("L-01", Decimal("1234.50"), date(2023, 2, 1), 2, False),
        ("L-02", None, None, 3, False),
    ]
    assert [item.message for item in taken.delivery.notices] == ["column 'more' is not in the contract and is ignored"]


def test_late(tmp_path: Path) -> None:
    rows = HEAD + "L-01;1;03.08.2023\nL-02;1;01.12.2023\n"
    taken = _take(tmp_path, rows, frequency=Grain.MONTH, grace=timedelta(days=10), period="day")
    delivery = taken.delivery
    assert delivery.state is DeliveryState.LATE
    assert (delivery.covered_through, delivery.expected_through) == (date(2023, 8, 31), date(2023, 10, 31))
    assert delivery.explanation == "content reaches 2023-08-31; it was due to reach 2023-10-31 (one delivery a month, 10 days of grace)"
    assert delivery.next_step == "ask tem for content up to 2023-10-31"
    assert taken.frame is not None
