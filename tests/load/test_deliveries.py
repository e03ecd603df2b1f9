"""Several deliveries of one input, and archives: what is merged, what is listed, what is refused before it is unpacked."""

from __future__ import annotations

import io
import os
import random
import stat
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from delivered import delivered, workbook

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.arrivals import Arrivals
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

AS_OF = date(2026, 6, 30)
DATA = Path(__file__).parent / "sheets" / "data"
FIELDS = (Field("id"), Field("arvo", FieldType.NUMBER, decimal_char=","))
HEAD = "id;arvo\n"


def contract(path: str = "leads_*.csv", **changes: Any) -> Contract:
    base: dict[str, Any] = {
        "delimiter": ";", "primary_key": ("id",), "deliverer": "tem", "max_rejects_percent": Decimal(100),
    }  # fmt: skip
    return Contract("leads", Text(), path, FIELDS, Place("inputs/leads.yaml"), **(base | changes))


def take_in(root: Path, files: dict[str, str | bytes], *, of: Contract | None = None) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    for name, content in files.items():
        (root / "inputs" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return take(of or contract(), root, AS_OF)


def values(taken: Taken) -> list[tuple[Any, ...]]:
    assert taken.frame is not None, taken.delivery.explanation
    return taken.frame.drop("__row", "__rejected").rows()


def zipped(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def test_the_same_rows_delivered_again_count_once(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    files = {name: (DATA / name).read_bytes() for name in ("B32a.csv", "B32b.csv")}
    taken = take_in(tmp_path, files, of=contract("B32*.csv"))
    assert values(taken) == [("1", 10), ("2", 10), ("3", 5)]
    assert taken.delivery.notices[0].message == (
        "2 rows stand in several deliveries with the same values and are counted once"
    )
    assert (taken.delivery.rows, taken.delivery.rejected_rows) == (3, 0)
    assert [file.path.read_bytes() for file in taken.files] == list(files.values())


def test_the_same_content_counts_once(tmp_path: Path) -> None:
    taken = take_in(tmp_path, dict.fromkeys(("leads_1.csv", "leads_2.csv", "leads_3.csv"), HEAD + "a;1\n"))
    assert values(taken) == [("a", 1)]
    assert [notice.message for notice in taken.delivery.notices] == [
        "leads_2.csv has the same content as leads_1.csv and is counted once",
        "leads_3.csv has the same content as leads_2.csv and is counted once",
    ]
    assert len(taken.files) == 3


@pytest.mark.parametrize(
    ("of", "winner"),
    [
        (contract(), "leads_10.csv"),
        (contract("x", paths=("leads_10.csv", "leads_9.csv")), "leads_9.csv"),
    ],
)
def test_the_latest_wins_and_conflicts_are_listed(tmp_path: Path, of: Contract, winner: str) -> None:
    files = {"leads_9.csv": HEAD + "a;9\nb;1,5\n", "leads_10.csv": HEAD + "a;10\nc;2,25\n"}
    taken = take_in(tmp_path, files, of=of)
    loser, lost = next((name, text) for name, text in files.items() if name != winner)
    old, new = ("9", "10") if winner == "leads_10.csv" else ("10", "9")
    assert dict(values(taken)) == {"a": Decimal(new), "b": Decimal("1.5"), "c": Decimal("2.25")}
    assert lost
    (conflict,) = taken.delivery.rejects
    assert (conflict.file, conflict.row, conflict.value, conflict.duplicate) == (loser, 2, "a", True)
    assert conflict.reason == f"replaced by record 2 of {winner}: arvo {old} → {new}"
    assert taken.delivery.rejected_rows == 0
    assert taken.frame is not None
    assert taken.frame["__row"].is_unique().all()


def test_a_corrected_row_is_no_reject_and_a_broken_correction_is(tmp_path: Path) -> None:
    files = {"leads_1.csv": HEAD + "a;many\nb;2\n", "leads_2.csv": HEAD + "a;1\nb;few\n"}
    taken = take_in(tmp_path, files)
    assert sorted(values(taken)) == [("a", 1), ("b", None)]
    assert [(item.file, item.row) for item in taken.delivery.rejects if not item.duplicate] == [("leads_2.csv", 3)]
    assert (taken.delivery.rows, taken.delivery.rejected_rows) == (1, 1)


@pytest.mark.parametrize(
    ("files", "of", "state", "explanation"),
    [
        ({}, contract(), DeliveryState.MISSING, "no file matches leads_*.csv"),
        ({"b.csv": HEAD}, contract("x", paths=("a.csv", "b.csv")), DeliveryState.MISSING, "file a.csv does not exist"),
        ({"leads_1.csv": HEAD, "leads_2.csv": ""}, contract(), DeliveryState.QUARANTINED, "leads_2.csv: file is empty (0 bytes)"),
        ({"leads_1.csv": HEAD, "leads_2.csv": "id\n"}, contract(), DeliveryState.QUARANTINED, "leads_2.csv: column 'arvo' is missing; found: id"),
    ],
)  # fmt: skip
def test_not_taken(tmp_path: Path, files: dict[str, str | bytes], of: Contract, state: DeliveryState, explanation: str) -> None:
    delivery = take_in(tmp_path, files, of=of).delivery
    assert (delivery.state, delivery.explanation) == (state, explanation)


@pytest.mark.skipif(os.name == "nt", reason="no pipes and links there")
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    (tmp_path / "inputs").mkdir()
    place = tmp_path / "inputs" / "leads_1.csv"
    (tmp_path / "secret").write_text(HEAD + "a;1\n")
    {"pipe": lambda: os.mkfifo(place), "link": lambda: place.symlink_to(tmp_path / "secret"), "folder": place.mkdir}[kind]()
    delivery = take_in(tmp_path, {}).delivery
    assert delivery.state is DeliveryState.QUARANTINED
    assert delivery.explanation.startswith("leads_1.csv is a ")


def test_digests_of_arrivals_are_those_of_what_was_taken(tmp_path: Path) -> None:
    taken = take_in(tmp_path, {"leads_1.csv": HEAD + "a;1\n", "leads_2.csv": HEAD + "b;1\n"})
    later = datetime.now(UTC) + timedelta(hours=1)
    assert Arrivals().digests([contract()], tmp_path, later) == {"leads": taken.delivery.sha256}


def test_zip_of_several_formats(tmp_path: Path) -> None:
    files = {
        "leads_1.csv": HEAD + "a;1\nb;2\n",
        "2026/leads_2.xlsx": workbook([["id", "arvo"], ["b", 3], ["c", -4]]),
        "__MACOSX/._leads_1.csv": b"\0\0",
        ".DS_Store": b"\0",
    }
    taken = take_in(tmp_path, {"leads.zip": zipped(files)}, of=contract("leads.zip"))
    assert sorted(values(taken)) == [("a", 1), ("b", 2), ("c", -4)]
    assert [item.file for item in taken.delivery.rejects] == ["leads.zip/2026/leads_2.xlsx"]


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_workbook_is_no_archive(tmp_path: Path, ending: str) -> None:
    fields = (Field("code"),)
    of = Contract("leads", Text(), f"leads.{ending}", fields, Place("x"))
    assert len(values(take_in(tmp_path, {f"leads.{ending}": delivered(ending)}, of=of))) == 6


def _link() -> bytes:
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(info, "/etc/passwd")
    return out.getvalue()


def _lying() -> bytes:
    """Say in both places that a part is small, though it is not."""
    whole = zipped({"a.csv": b"x" * 100_000})
    return whole.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        pytest.param(lambda: zipped({"../a.csv": "x"}), "the name '../a.csv' leads out of the archive", id="traversal"),
        pytest.param(lambda: zipped({"b/..\\..\\a.csv": "x"}), "the name 'b/..\\\\..\\\\a.csv' leads out of the archive", id="backslashes"),
        pytest.param(lambda: zipped({"/etc/a.csv": "x"}), "the name '/etc/a.csv' leads out of the archive", id="absolute"),
        pytest.param(lambda: zipped({"C:/a.csv": "x"}), "the name 'C:/a.csv' leads out of the archive", id="drive"),
        pytest.param(_link, "'a.csv' is a link", id="link"),
        pytest.param(lambda: zipped({"a.zip": "x"}), "'a.zip' in it is an archive itself", id="nested"),
        pytest.param(lambda: zipped({"a.csv": zipped({"b.csv": "x"})}), "'a.csv' in it is an archive itself", id="nested-by-content"),
        pytest.param(lambda: zipped({"a.csv": b"0" * 25_000_000}), "'a.csv' unfolds 10", id="bomb"),
        pytest.param(lambda: zipped({f"{at}.csv": "" for at in range(1001)}), "it has 1001 files; allowed: at most 1000", id="parts"),
        pytest.param(lambda: zipped({"a/": ""}), "there is no file in it", id="only-folders"),
    ],
)  # fmt: skip
def test_archive_is_refused(tmp_path: Path, content: Any, explanation: str) -> None:
    delivery = take_in(tmp_path, {"leads.zip": content()}, of=contract("leads.zip")).delivery
    assert delivery.state is DeliveryState.QUARANTINED
    assert delivery.explanation.startswith(f"zip archive is refused: {explanation}")
    assert delivery.next_step == "deliver the files themselves, or an archive of nothing but them"


@pytest.mark.parametrize("name", ["r.zip", "r", "r.csv", "R.ZIP", "a/r.txt", "r.parquet"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_archive_in_an_archive_is_never_opened_so_that_one_that_holds_itself_ends(tmp_path: Path, name: str, method: int) -> None:
    """Of an inner archive nothing but its list of names is looked at: no part of it is unfolded, whatever it holds."""
    for inner in (b"PK\x03\x04", b"PK\x03\x04" + os.urandom(500), zipped({name: HEAD + "a;1\n"}, method)):
        delivery = take_in(tmp_path, {"leads.zip": zipped({"good.csv": HEAD, name: inner}, method)}, of=contract("leads.zip")).delivery
        assert (delivery.state, delivery.rows) == (DeliveryState.QUARANTINED, 0)
        whole = inner[-22:-18] == b"PK\x05\x06"
        wanted = f"zip archive is refused: '{name}' in it is an archive itself" if whole or name.lower().endswith(".zip") else "file is a damaged"
        assert delivery.explanation.startswith(wanted)


def test_a_workbook_in_an_archive_that_holds_archives_is_read_as_a_workbook(tmp_path: Path) -> None:
    inner = zipped({"xl/workbook.xml": "x", "xl/r.zip": zipped({"r.zip": "x"})})
    delivery = take_in(tmp_path, {"leads.zip": zipped({"r.xlsx": inner})}, of=contract("leads.zip")).delivery
    assert (delivery.state, delivery.rows) == (DeliveryState.QUARANTINED, 0)


@pytest.mark.parametrize("content", [_lying, lambda: zipped({"a.csv": "x;y\n" * 50})[:-40]])
def test_damaged_archive(tmp_path: Path, content: Any) -> None:
    delivery = take_in(tmp_path, {"leads.zip": content()}, of=contract("leads.zip")).delivery
    assert delivery.state is DeliveryState.QUARANTINED
    assert delivery.explanation.startswith("file is a damaged or unfinished zip archive")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_mutated_archives_are_taken_or_refused_with_a_reason(tmp_path: Path, method: int) -> None:
    whole = zipped({"a.csv": HEAD + "a;1\n" * 30, "b.csv": HEAD + "b;2\n"}, method)
    chance = random.Random(method)  # noqa: S311 - the same files every time
    ends = set()
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(chance.choice([1, 3, 20])):
            changed[chance.randrange(4, len(changed))] = chance.randrange(256)
        if chance.random() < 0.2:  # noqa: PLR2004
            del changed[chance.randrange(4, len(changed)) :]
        delivery = take_in(tmp_path, {"leads.zip": bytes(changed)}, of=contract("leads.zip")).delivery
        ends.add(delivery.state)
        assert delivery.usable or (delivery.explanation and delivery.next_step)
    assert DeliveryState.QUARANTINED in ends


def test_archive_of_several_needs_a_key(tmp_path: Path) -> None:
    files = {"leads.zip": zipped({"a.csv": HEAD + "a;1\n", "b.csv": HEAD + "a;2\n"})}
    delivery = take_in(tmp_path, files, of=contract("leads.zip", primary_key=())).delivery
    assert delivery.explanation == "2 deliveries and no primaryKey by which their rows could be told apart"


@pytest.mark.parametrize(
    ("path", "key", "message"),
    [
        ("[a.csv, b.csv]", "", "path: several deliveries cannot be merged without a key"),
        ("a_*.csv", "", "path: several deliveries cannot be merged without a key"),
        ("/srv/*.csv", "primaryKey: id", "path: the glob '/srv/*.csv' is not inside inputs/"),
        ("a_*.csv", "primaryKey: id", ""),
        ("[a.csv, b_*.csv]", "primaryKey: id", ""),
    ],
)
def test_contract(tmp_path: Path, path: str, key: str, message: str) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.yaml").write_text(f"title: A\npath: {path}\n{key}\nfields: [{{name: id}}]\n")
    contracts, problems = load_contracts(tmp_path)
    assert [item.message for item in problems] == ([message] if message else [])
    assert bool(contracts) is not bool(message)
