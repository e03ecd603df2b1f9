"""The child of intake dies, hangs or swells: its own delivery is refused with a sentence, and no other."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load import intake_apart
from tulosvahti.load.files import File
from tulosvahti.load.intake_apart import MEMORY, Order, kept_open, read_apart
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Summary
from tulosvahti.problem import Place

CONTRACT = Contract("leads", Text(), "leads.csv", (Field("id"), Field("n", FieldType.INTEGER)), Place("inputs/leads.yaml"))


class Deed:
    """Does something in the process that reads the order, as a fault in a reader would."""

    def __init__(self, what: Any, *arguments: Any) -> None:
        self.deed = what, arguments

    def __reduce__(self) -> Any:
        return self.deed


def order(root: Path, number: int = 0, contract: Any = CONTRACT, content: bytes = b"id,n\na,1\n") -> Order:
    folder = root / str(number)
    folder.mkdir()
    (folder / "held").write_bytes(content)
    return Order(contract, [File("leads.csv", folder / "held", "0" * 64, len(content))], folder / "rows.parquet")


def sentence(found: object) -> str:
    assert isinstance(found, UnreadableError), found
    assert found.next_step
    return str(found)


ABORT = Deed(os.abort)
EXIT = Deed(os._exit, 3)
SWELL = Deed(bytearray, MEMORY + 1)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (ABORT, "the reader crashed on this file (SIGABRT)"),
        (EXIT, "the reader crashed on this file (exit code 3)"),
        (SWELL, "reading the file needs more memory than is allowed; allowed: at most 1 GB"),
        (Deed(int, "x"), "the reader failed on this file"),
        (Deed(os.write, 1, b"not a line of ours\n"), None),
    ],
)
def test_one_that_dies_takes_none_with_it(tmp_path: Path, deed: Deed, said: str | None) -> None:
    orders = [order(tmp_path, at, deed if at == 1 else CONTRACT) for at in range(4)]
    first, bad, *others = read_apart(orders)
    assert all(isinstance(item, Summary) and item.sound == 1 for item in (first, *others))
    assert all(item.place.is_file() for at, item in enumerate(orders) if at != 1)
    assert sentence(bad) == said if said else sentence(bad)
    assert not orders[1].place.exists()


def test_all_of_them_may_die(tmp_path: Path) -> None:
    assert [sentence(item) for item in read_apart([order(tmp_path, at, ABORT) for at in range(3)])] == [
        "the reader crashed on this file (SIGABRT)"
    ] * 3


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_apart, "SECONDS", 1.0)
    start = time.monotonic()
    (found,) = read_apart([order(tmp_path, contract=Deed(time.sleep, 600))])
    assert sentence(found) == "reading did not end in 1 seconds"
    assert time.monotonic() - start < 60


@pytest.mark.parametrize(("megabytes", "seconds"), [(0, 30), (0.5, 30), (1, 30), (2, 40), (4.5, 65), (58, 600), (5_000, 600)])
def test_small_files_have_30_seconds_and_large_ones_more(tmp_path: Path, megabytes: float, seconds: float) -> None:
    file = File("x.csv", tmp_path / "x", "0" * 64, int(megabytes * 1024 * 1024))
    assert Order(CONTRACT, [file], tmp_path / "rows").seconds == seconds


def test_what_fails_on_this_machine_is_no_fault_of_a_delivery(tmp_path: Path) -> None:
    broken = Deed(exec, f"raise OSError({errno.EIO}, 'a broken disk')")
    with pytest.raises(OSError, match="a broken disk"):
        read_apart([order(tmp_path, contract=broken)])


def test_secrets_stay_with_the_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PASSWORD", "hush")
    seen = tmp_path / "environment"
    with kept_open():
        read_apart([order(tmp_path, contract=Deed(os.system, f"env > {seen}"))])
    assert "PATH=" in seen.read_text(encoding="utf-8")
    assert "hush" not in seen.read_text(encoding="utf-8")


def test_a_child_that_is_kept_open_reads_on_and_is_replaced_when_it_dies(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    noted = Deed(os.system, f"echo $PPID >> {pids}")
    with kept_open():
        read_apart([order(tmp_path, 0, noted)])
        read_apart([order(tmp_path, 1, noted)])
        sentence(read_apart([order(tmp_path, 2, ABORT)])[0])
        read_apart([order(tmp_path, 3, noted)])
    first, second, third = pids.read_text(encoding="utf-8").split()
    assert first == second != third
    with pytest.raises(ProcessLookupError):
        os.kill(int(third), 0)


def test_a_child_that_was_started_ahead_reads_what_comes_or_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_apart, "_IDLE", [])
    intake_apart.start_ahead()
    intake_apart.start_ahead()
    (child,) = intake_apart._AHEAD
    assert isinstance(read_apart([order(tmp_path)])[0], Summary)
    assert not intake_apart._AHEAD
    assert child._process.poll() is not None
    intake_apart.start_ahead()
    (child,) = intake_apart._AHEAD
    intake_apart.end_ahead()
    assert child._process.poll() is not None


def test_pandera_loads_nothing_that_frames_of_polars_do_without() -> None:
    code = (
        "import sys; from tulosvahti.load.pandera_schema import pandera_polars; pandera_polars(); "
        "print(sorted({'hypothesis', 'pandas', 'pyspark'} & sys.modules.keys())); import pandas"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout == "[]\n"
