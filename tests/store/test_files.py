"""Input store, mail files and the run lock."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tulosvahti.store.eml import write_eml
from tulosvahti.store.inputs import InputStore, InputStoreError
from tulosvahti.store.lock import LockedError, RunLock

if TYPE_CHECKING:
    from pathlib import Path


def test_inputs_are_kept_once_and_proved(tmp_path: Path) -> None:
    store = InputStore(tmp_path)
    digest = store.keep("ä;1\n".encode())
    assert store.keep("ä;1\n".encode()) == digest
    assert store.path(digest) == tmp_path / ".tulosvahti/store" / digest[:2] / digest[2:]
    assert store.read(digest) == "ä;1\n".encode()
    assert [p.name for p in store.path(digest).parent.iterdir()] == [digest[2:]]
    store.path(digest).write_bytes(b"other")
    with pytest.raises(InputStoreError, match="was altered"):
        store.read(digest)
    with pytest.raises(InputStoreError, match="not in the store"):
        store.read("0" * 64)
    with pytest.raises(ValueError, match="64 hex digits"):
        store.read("../../etc/passwd")


def test_mail_file_stays_in_its_folder(tmp_path: Path) -> None:
    one = write_eml(tmp_path / "outbox", "<1@x>", "../../a/b@example.org", b"mail")
    assert one.parent == tmp_path / "outbox"
    assert write_eml(tmp_path / "outbox", "<1@x>", "../../a/b@example.org", b"mail") == one
    assert one.read_bytes() == b"mail"
    assert write_eml(tmp_path / "outbox", "<2@x>", "../../a/b@example.org", b"mail") != one


HOLD = """
import sys, pathlib
from tulosvahti.store.lock import RunLock
with RunLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_compete(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    holder = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=rf"a run is under way \(process {holder.pid} since 20"), RunLock(path):
            pass
        holder.kill()
        holder.wait()
        with RunLock(path) as lock, pytest.raises(LockedError), RunLock(path):
            pass
        assert [owner.split("/")[1] for owner in lock.dead] == [str(holder.pid)], "its claims may be taken over at once"


def test_the_dead_are_remembered_until_their_claims_are_released(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with RunLock(path) as first:
        assert first.dead == ()
    with RunLock(path) as second:
        assert second.dead == (first.owner,)
    with RunLock(path) as third:
        assert third.dead == (first.owner, second.owner)
        third.alone()
        assert third.dead == ()
    with RunLock(path) as fourth:
        assert fourth.dead == (third.owner,)
