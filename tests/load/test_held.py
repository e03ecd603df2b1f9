"""Deliveries are held before they are read: whole, once, and whatever lies there."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from tulosvahti.load.files import read_file
from tulosvahti.load.held import Syncing, hold, store_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.store.inputs import InputStore


class Growing(io.BytesIO):
    """A file to which somebody writes on while it is read."""

    def seek(self, *place: int) -> int:
        end = super().seek(0, io.SEEK_END)
        self.write(b"more")
        assert end
        return super().seek(*place)


def test_what_is_held_lies_where_the_input_store_looks(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    held = hold(io.BytesIO(content), store_of(tmp_path), len(content))
    assert (held.sha256, held.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert InputStore(tmp_path).read(held.sha256) == content
    assert InputStore(tmp_path).path(held.sha256) == held.path
    before = held.path.stat().st_ino
    assert hold(io.BytesIO(content), store_of(tmp_path), len(content)).path.stat().st_ino == before
    assert InputStore(tmp_path).keep(content) == held.sha256
    held.path.write_bytes(content[:-1])
    assert hold(io.BytesIO(content), store_of(tmp_path), len(content)).path.read_bytes() == content


def test_a_file_that_grows_while_it_is_read_is_what_the_copy_is(tmp_path: Path) -> None:
    held = hold(Growing(b"start "), tmp_path, 100)
    assert held.path.read_bytes() == b"start more"
    assert held.sha256 == hashlib.sha256(b"start more").hexdigest()
    with pytest.raises(UnreadableError, match="file grew to more than 8 bytes while it was read"):
        hold(Growing(b"start "), tmp_path, 8)
    assert not list(tmp_path.glob(".part-*"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_neither_pipe_nor_folder_is_waited_for(tmp_path: Path, make) -> None:
    make(tmp_path / "x")
    with pytest.raises(UnreadableError, match="x is a folder, a device or a pipe, not a file"):
        read_file(tmp_path / "x", "x", tmp_path / "store")


def test_a_large_file_is_held_like_a_small_one_and_announced_where_it_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tulosvahti.load.held._LARGE", 1000)
    contents = [os.urandom(10_001), os.urandom(10_001), os.urandom(2_000)]
    told: list[int] = []
    for at in (0, 0, 1, 2, 1):
        (tmp_path / "x").write_bytes(contents[at])
        with (tmp_path / "x").open("rb") as stream:
            held = hold(stream, tmp_path / "store", 10_001, lambda at=at: told.append(at))
        assert (held.sha256, held.size) == (hashlib.sha256(contents[at]).hexdigest(), len(contents[at]))
        assert held.path.read_bytes() == contents[at]
    assert told == [0, 1, 2]
    (tmp_path / "x").write_bytes(bytes(10_002))
    with (tmp_path / "x").open("rb") as stream, pytest.raises(UnreadableError, match="file grew to more than"):
        hold(stream, tmp_path / "store", 10_001)
    assert not list((tmp_path / "store").glob(".part-*"))


@pytest.mark.parametrize("large", [False, True])
def test_what_is_still_synced_is_readable_and_has_no_name_before_it_is_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large) -> None:
    monkeypatch.setattr("tulosvahti.load.held._LARGE", 1000 if large else 1 << 20)
    store, content = tmp_path / "store", os.urandom(10_001)
    (tmp_path / "x").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    place = store / sha256[:2] / sha256[2:]
    with Syncing() as syncing:
        file = read_file(tmp_path / "x", "x", store, syncing=syncing)
        assert (file.sha256, file.path.read_bytes(), place.exists()) == (sha256, content, False)
        assert syncing.place(file.path) == file.path
        syncing.settle()
        assert (syncing.place(file.path), place.read_bytes(), file.path.exists()) == (place, content, False)
        syncing.settle()
    assert place.exists()
    (tmp_path / "x").write_bytes(content[:-1])
    with Syncing() as syncing:
        read_file(tmp_path / "x", "x", store, syncing=syncing)
    assert [path for path in store.rglob("*") if path.is_file()] == [place]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list a process's open files there")
def test_few_copies_wait_for_the_disk_at_one_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is an open file, and a project may have a thousand new deliveries."""
    monkeypatch.setattr("tulosvahti.load.held._MOST_OPEN", 3)
    opened: list[int] = []

    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    monkeypatch.setattr(os, "fsync", lambda _: (opened.append(count()), time.sleep(0.002)))
    before = count()
    with Syncing() as syncing:
        for at in range(40):
            (tmp_path / "x").write_bytes(b"%d" % at)
            read_file(tmp_path / "x", "x", tmp_path / "store", syncing=syncing)
        syncing.settle()
    assert max(opened) < before + 12
    assert len([path for path in (tmp_path / "store").rglob("*") if path.is_file()]) == 40


def test_what_does_not_reach_the_disk_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "x").write_bytes(b"content")
    monkeypatch.setattr(os, "fsync", broken)
    with Syncing() as syncing:
        read_file(tmp_path / "x", "x", tmp_path / "store", syncing=syncing)
        with pytest.raises(OSError, match="Input/output error"):
            syncing.settle()
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
