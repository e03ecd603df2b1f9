"""Large deliveries of one input, merged on disk: the same rows, rejects, notices and counts as in memory."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.period import Grain
from tulosvahti.core.text import Text
from tulosvahti.load import merge_blocks, rows_read
from tulosvahti.load.files import File
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Summary
from tulosvahti.problem import Place

FIELDS = (
    Field("at", required=True, pattern="[A-Z]-[0-9]"),
    Field("n", FieldType.INTEGER, maximum=Decimal(90), missing_values=("", "x"), hidden_values=("x",)),
    Field("euro", FieldType.NUMBER, decimal_char=",", minimum=Decimal(0)),
    Field("day", FieldType.DATE),
    Field("on", FieldType.BOOLEAN, true_values=("k",), false_values=("e",)),
)
HEAD = "at;n;euro;day;on"


def contract(**changes: object) -> Contract:
    base = Contract("leads", Text(), "leads_*.csv", FIELDS, Place("inputs/leads.yaml"), delimiter=";", primary_key=("at",), frequency=Grain.MONTH, period="day")
    return replace(base, **changes)  # type: ignore[arg-type]


def read(of: Contract, contents: list[bytes], least: int) -> tuple[Summary | str, pl.DataFrame | None]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for at, content in enumerate(contents):
            path = folder / f"held{at}"
            path.write_bytes(content)
            files.append(File(f"leads_{at}.csv", path, hashlib.sha256(content).hexdigest(), len(content)))
        try:
            return rows_read.read_into(of, files, folder / "rows.parquet", least=least), pl.read_parquet(folder / "rows.parquet")
        except UnreadableError as error:
            return f"{error} {error.next_step}", None


def agree(of: Contract, contents: list[bytes]) -> tuple[Summary | str, pl.DataFrame | None]:
    found, frame = read(of, contents, 1)
    wanted, strict = read(of, contents, 1 << 60)
    assert found == wanted
    if frame is not None and strict is not None:
        assert frame.rows() == strict.rows()
        assert [str(kind).partition("(")[0] for kind in frame.schema.values()] == [str(kind).partition("(")[0] for kind in strict.schema.values()]
    return found, frame


LINES = st.tuples(
    st.sampled_from(["A-1", "A-2", "A-3", "B-1", "B-2", "C-0", "x", ""]),
    st.sampled_from(["1", "2", "91", "", "y"]),
    st.sampled_from(["1", "1,5", "1,50", "0,125", "", "-1", "z"]),
    st.sampled_from(["2023-01-01", "2023-03-05", "2024-02-30", ""]),
    st.sampled_from(["k", "e", ""]),
).map(";".join)
PARTS = st.lists(st.lists(st.one_of(LINES, st.sampled_from(["short;row", "A-1;1;1;2023-01-01;k"])), max_size=8), min_size=1, max_size=4)


@given(PARTS, st.sampled_from([("at",), ("at", "n"), ("n",)]), st.sampled_from([1, 2, 10_000]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree(parts: list[list[str]], key: tuple[str, ...], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_blocks, "_ROWS", 2)
        patch.setattr(rows_read, "MOST_LISTED", most)
        agree(contract(primary_key=key), ["\n".join([HEAD, *lines, ""]).encode() for lines in parts])


def test_the_latest_wins_and_what_it_replaced_is_listed() -> None:
    first = f"{HEAD}\nA-1;1;1,5;2023-01-01;k\nA-2;2;2;2023-01-01;k\nA-3;3;oops;2023-01-01;k\n"
    second = f"{HEAD}\nA-1;1;1,50;2023-01-01;k\nA-2;2;2,125;2023-02-01;k\nA-3;3;3;2023-01-01;k\nB-1;4;4;2023-04-01;e\n"
    summary, frame = agree(contract(), [first.encode(), second.encode()])
    assert isinstance(summary, Summary)
    assert frame is not None
    assert frame["at"].to_list() == ["A-1", "A-2", "A-3", "B-1"]
    assert frame["euro"].to_list() == [Decimal("1.500"), Decimal("2.125"), Decimal("3.000"), Decimal("4.000")]
    assert [(item.file, item.row, item.reason) for item in summary.rejects if item.reason.startswith("replaced")] == [
        ("leads_0.csv", 3, "replaced by record 3 of leads_1.csv: euro 2 → 2.125, day 2023-01-01 → 2023-02-01"),
        ("leads_0.csv", 4, "replaced by record 4 of leads_1.csv: euro nothing → 3"),
    ]
    assert summary.ends["day"].last == date(2023, 4, 1)
    assert "1 rows stand in several deliveries with the same values and are counted once" in summary.notices


def test_what_is_wrong_with_one_of_them_names_it() -> None:
    assert agree(contract(), [f"{HEAD}\nA-1;1;1;;\n".encode(), b"at;n\nA-1;1\n"])[0].startswith("leads_1.csv: column 'euro' is missing")  # type: ignore[union-attr]


def test_more_digits_than_can_be_kept_are_refused_alike() -> None:
    wide, deep = "9" * 30, "0," + "1" * 20
    found, _ = agree(contract(), [f"{HEAD}\nA-1;1;{wide};;\n".encode(), f"{HEAD}\nA-2;1;{deep};;\n".encode()])
    assert str(found).startswith("the numbers of the deliveries have more than 38 digits together")


def packed(*contents: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packing:
        for at, content in enumerate(contents, 1):
            packing.writestr(f"leads_{at}.csv", content)
    return out.getvalue()


def test_what_lies_in_an_archive_is_merged_alike() -> None:
    parts = packed(f"{HEAD}\nA-1;1;1;2023-01-01;k\n", f"{HEAD}\nA-1;2;1;2023-01-01;k\n")
    summary, frame = agree(contract(path="leads.zip"), [parts])
    assert isinstance(summary, Summary)
    assert frame is not None
    assert frame["n"].to_list() == [2]


@pytest.mark.parametrize("rows", [["A-1;1;1;2023-01-01;k", "A-1;1;1;2023-01-01;k", "A-2;1;1;2023-01-01;k"], ["A-1;1;1;2023-01-01;k"], []])
def test_one_delivery_alone_needs_no_key(rows: list[str]) -> None:
    text = "\n".join([HEAD, *rows, ""])
    for of, content in ((contract(primary_key=()), text.encode()), (contract(primary_key=(), path="leads.zip"), packed(text))):
        summary, _ = agree(of, [content])
        assert isinstance(summary, Summary)
        assert summary.total == len(rows)
        assert any("exact copies" in notice for notice in summary.notices) == (len(rows) > 1)
