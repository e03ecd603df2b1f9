"""Large JSON, read as it comes: the same rows, rejects and notices as read whole."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_ways import Came, agreed

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load import json_blocks, rows_read
from tulosvahti.load.block_rows import rows_of
from tulosvahti.load.files import File
from tulosvahti.load.json_blocks import JsonSource
from tulosvahti.load.records import UnreadableError
from tulosvahti.problem import Place

FIELDS = (
    Field("id", required=True, pattern="[A-Z]-[0-9]{2}"),
    Field("euro", FieldType.NUMBER, decimal_char=",", group_char=" ", minimum=Decimal(0), missing_values=("", "x"), hidden_values=("x",)),
    Field("n", FieldType.INTEGER, maximum=Decimal(90), missing_values=("", "x"), hidden_values=("x",)),
    Field("day", FieldType.DATE),
    Field("code", pattern="[0-9]{3}"),
    Field("on", FieldType.BOOLEAN, true_values=("k",), false_values=("e",)),
    Field("year", FieldType.YEAR),
)
RECORD = {"id": '"A-01"', "euro": "1.50", "n": "3", "day": '"2023-02-01"', "code": '"007"', "on": "true", "year": "2023", "extra": "[1, {}]"}


def contract(**changes: object) -> Contract:
    return replace(Contract("leads", Text(), "leads.json", FIELDS, Place("inputs/leads.yaml"), primary_key=("id",)), **changes)  # type: ignore[arg-type]


def read(of: Contract, content: str, folder: Path, *, rows: int | None, name: str) -> Came:
    held, place = folder / name, folder / "rows.parquet"
    held.write_text(content, encoding="utf-8", newline="\n")
    try:
        if rows is None:
            summary = rows_read.read_into(of, [File(name, held, "0" * 64, len(content))], place, least=1 << 60)
        else:
            summary = rows_of(of, JsonSource(of, held, folder, rows), place, rows_read.MOST_LISTED)
    except UnreadableError as error:
        return str(error), None
    return summary, pl.read_parquet(place)


def agree(of: Contract, content: str, name: str = "leads.json", rows: int = 3) -> bool:
    """Hold one way against the other; False: it is read whole."""
    return agreed(lambda folder: read(of, content, folder, rows=rows, name=name), lambda folder: read(of, content, folder, rows=None, name=name))


VALUES = st.sampled_from(
    ["1", "1.50", "-0", "0.1234567890123456789", "12345678901234567890", "1e3", "1E-7", "91", "5.0", "2023", "45000", "7", "true", "false", "null", '""', '" "', '"1,5"', '"x"', '"k"', '"2023-02-01"', '"2023-02-30"', '"\\u00e4\\ud800"', "[]", '{"a": 1.0}', '"A-09"', '"12"', "NaN"],
)
OBJECTS = st.fixed_dictionaries({}, optional=dict.fromkeys([*RECORD, " new"], VALUES)).flatmap(
    lambda changed: st.sampled_from(["A-01", "A-02", "B-10", "C-33", "D-07"]).map(lambda key: RECORD | {"id": f'"{key}"'} | changed)
)


def written(record: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in record.items()) + "}"


@given(st.lists(OBJECTS, min_size=1, max_size=10), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]), st.sampled_from([3, 20, 1 << 20]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree(records: list[dict[str, str]], lines: bool, end: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_blocks, "_PIECE", piece)
        patch.setattr(json_blocks, "_AT_ONCE", 2)
        text = end.join(map(written, records)) if lines else f"[{f' ,{end}'.join(map(written, records))}{end}]"
        agree(contract(), text)
        agree(contract(primary_key=()), text, "leads.ndjson")


MANY = [written(RECORD | {"id": f'"A-{at:02}"', "euro": f"{at}.5"}) for at in range(50)]


@pytest.mark.parametrize("text", ["\n".join(MANY), "\n".join(MANY) + "\r\n\n", "[" + ",".join(MANY) + "]", " [\n" + "\n,".join(MANY) + "\n]\n", "[" + ",".join([*MANY[:9], "{}", *MANY[9:]]) + "]"])
def test_these_are_read_as_they_come(text: str) -> None:
    assert agree(contract(), text, rows=20)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"data": [{",".join(MANY)}]}}', "[[1, 2], [3, 4]]", f"[{','.join(MANY)},]", f"[{','.join(MANY)}", f"[{','.join(MANY)}] 1", "[]",
        f"{MANY[0]}\n{{", MANY[0], '[{"a": 1}]', f"[{MANY[0]} {MANY[1]}]", f'{MANY[0]}\n{{"id ": 1}}',
    ],
)  # fmt: skip
def test_these_are_read_whole(text: str) -> None:
    assert not agree(contract(), text)


def test_a_large_file_that_ends_in_the_middle_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(json_blocks, "_SMALL", 10)
    said, _ = read(contract(), f"[{','.join(MANY)}", tmp_path, rows=20, name="leads.json")
    assert said == "file is not JSON: a comma or the end of the list is missing after record 50"
