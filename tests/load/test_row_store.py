"""The row store: read once, read again where anything changed, and never trusted where it is not what was written."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tulosvahti.compute.measuring import DuckDatabase, NotComputedError
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load import row_store
from tulosvahti.load.row_store import RowStore, installed
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

AS_OF = date(2023, 11, 30)
CONTRACT = Contract(
    "leads",
    Text(),
    "leads.csv",
    (Field("id", required=True), Field("euro", FieldType.NUMBER, decimal_char=","), Field("day", FieldType.DATE)),
    Place("inputs/leads.yaml"),
    delimiter=";",
    primary_key=("id",),
    period="day",
)
CONTENT = "id;euro;day\na;1,50;2023-01-31\nb;2,25;2023-11-01\nc;x;2023-12-24\nd;;\n" + "".join(f"e{at};1;2023-01-01\n" for at in range(10))


def take_in(root: Path, content: str = CONTENT, contract: Contract = CONTRACT, as_of: date = AS_OF) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / "leads.csv").write_text(content, encoding="utf-8")
    return take(contract, root, as_of)


def rows_of(taken: Taken) -> Path:
    assert taken.rows is not None, taken.delivery.explanation
    return taken.rows.path


def said(taken: Taken) -> Delivery:
    """Give what does not tell when the file was written."""
    return replace(taken.delivery, files=())


def made(taken: Taken) -> int:
    """Name the very file: one that is written again is another."""
    return rows_of(taken).stat().st_ino


def test_rows_lie_in_the_input_store_as_parquet(tmp_path: Path) -> None:
    taken = take_in(tmp_path)
    path = rows_of(taken)
    assert path.parent == tmp_path / ".tulosvahti" / "store" / "rows" / "leads"
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(path)).order("__row").limit(4)
        assert [f"{name} {kind}" for name, kind in zip(found.columns, found.types, strict=True)] == [
            "id VARCHAR", "euro DECIMAL(18,2)", "day DATE", "__row BIGINT", "__rejected BOOLEAN",
        ]  # fmt: skip
        assert [(row[0], str(row[1]), *row[3:]) for row in found.fetchall()] == [
            ("a", "1.50", 2, False), ("b", "2.25", 3, False), ("c", "None", 4, True), ("d", "None", 5, False),
        ]  # fmt: skip
    assert taken.rows is not None
    assert taken.rows.height == 14


def test_numbers_beyond_64_bits_stay_exact(tmp_path: Path) -> None:
    taken = take_in(tmp_path, "id;euro;day\na;12345678901234567890,12;\n")
    assert pl.read_parquet(rows_of(taken)).schema["euro"] == pl.Decimal(38, 2)
    assert taken.frame is not None
    assert str(taken.frame["euro"][0]) == "12345678901234567890.12"


def test_the_same_content_under_the_same_contract_is_read_once(tmp_path: Path) -> None:
    first = take_in(tmp_path)
    again = take_in(tmp_path)
    assert made(again) == made(first)
    assert said(again) == said(first)
    # What changes nothing of how the file is read changes no rows, but it is judged anew.
    stricter = take_in(tmp_path, contract=replace(CONTRACT, max_rejects_percent=Decimal(0)))
    assert stricter.delivery.state is DeliveryState.QUARANTINED
    assert len(list(rows_of(first).parent.glob("*.parquet"))) == 1


@pytest.mark.parametrize(
    ("content", "contract"),
    [
        (CONTENT + "z;1;\n", CONTRACT),
        (CONTENT, replace(CONTRACT, primary_key=())),
        (CONTENT, replace(CONTRACT, fields=(replace(CONTRACT.fields[0], max_length=9), *CONTRACT.fields[1:]))),
    ],
)
def test_other_content_or_another_contract_is_read(tmp_path: Path, content: str, contract: Contract) -> None:
    first = rows_of(take_in(tmp_path))
    assert rows_of(take_in(tmp_path, content, contract)) != first


@pytest.mark.parametrize("name", ["polars", "python-calamine"])
def test_another_release_of_a_library_that_reads_reads_again(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = take_in(tmp_path)
    monkeypatch.setattr(row_store, "installed", lambda asked: "999.0" if asked == name else installed(asked))
    row_store._engine.cache_clear()
    try:
        again = take_in(tmp_path)
    finally:
        row_store._engine.cache_clear()
    assert rows_of(again) != rows_of(first)
    assert said(again) == said(first)


@pytest.mark.parametrize("day", [date(2023, 10, 31), AS_OF, date(2024, 1, 1)])
def test_what_is_covered_follows_the_day_also_when_nothing_is_read(tmp_path: Path, day: date) -> None:
    take_in(tmp_path)
    known = {date(2023, 10, 31): date(2023, 1, 31), AS_OF: date(2023, 11, 1), date(2024, 1, 1): date(2023, 12, 24)}
    assert take_in(tmp_path, as_of=day).delivery.covered_through == known[day]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def _link(path: Path) -> None:
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


@pytest.mark.parametrize("suffix", ["parquet", "json"])
@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_entry_is_made_again(tmp_path: Path, suffix: str, damage) -> None:
    first = take_in(tmp_path)
    frame = first.frame
    damage(rows_of(first).with_suffix(f".{suffix}"))
    again = take_in(tmp_path)
    assert frame is not None
    assert again.frame is not None
    assert again.frame.equals(frame)
    assert said(again) == said(first)


def test_a_link_and_a_summary_of_another_entry_are_foreign(tmp_path: Path) -> None:
    first = rows_of(take_in(tmp_path))
    _link(first)
    assert not rows_of(take_in(tmp_path)).is_symlink()
    other = rows_of(take_in(tmp_path, CONTENT + "z;1;\n"))
    first.with_suffix(".json").write_bytes(other.with_suffix(".json").read_bytes())
    taken = take_in(tmp_path)
    assert taken.rows is not None
    assert taken.rows.height == 14
    assert json.loads(first.with_suffix(".json").read_bytes())["body"]["key"] == first.stem


def test_entries_that_were_not_used_for_long_go(tmp_path: Path) -> None:
    contents = [CONTENT + f"z{at};1;\n" for at in range(6)]
    for at, content in enumerate(contents):
        path = rows_of(take_in(tmp_path, content))
        # Days ago: a file that a run may still read stays a day longer than its entry.
        for file in (path, path.with_suffix(".json")):
            os.utime(file, (at * 1e5, at * 1e5))
    folder = path.parent
    (folder / ".part-dead").mkdir()
    os.utime(folder / ".part-dead", (1, 1))
    first = rows_of(take_in(tmp_path, contents[0]))
    assert first.stat().st_mtime > 1e6
    assert {len(list(folder.glob(f"*.{suffix}"))) for suffix in ("json", "parquet")} == {4}
    assert not list(folder.glob(".part-*"))


def test_the_connection_opens_nothing_else(tmp_path: Path) -> None:
    taken = take_in(tmp_path)
    other = tmp_path / "other.parquet"
    other.write_bytes(rows_of(taken).read_bytes())
    assert taken.rows is not None
    database = DuckDatabase({"leads": taken.rows})
    assert database.rows("SELECT count(*) FROM input_leads") == [(14,)]
    for sql in (
        f"FROM '{other}'",
        f"FROM read_text('{rows_of(taken)}/../../../../../other.parquet')",
        f"COPY input_leads TO '{rows_of(taken)}'",
        f"COPY input_leads TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'out.db'}'",
        f"SET allowed_paths = ['{other}']",
        "SET enable_external_access = true",
        "SELECT * FROM glob('/*')",
    ):
        with pytest.raises(NotComputedError):
            database.rows(sql)
    assert database.rows("SELECT count(*) FROM input_leads") == [(14,)]
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tulosvahti", "inputs", "other.parquet"]


def test_a_store_that_is_empty_finds_nothing(tmp_path: Path) -> None:
    assert RowStore.of(tmp_path).find("leads", "0" * 64) is None
    assert not (tmp_path / ".tulosvahti").exists()
