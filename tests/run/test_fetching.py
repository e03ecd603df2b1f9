"""Fetches side by side: each whole or not at all, and none keeps the others waiting."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from tulosvahti.core.contract import Contract
from tulosvahti.core.fetched import Fetched, Mark, MarkKind, Part, SourceError, kept_of
from tulosvahti.core.text import Text
from tulosvahti.load.fetched import digest_of, kept_now
from tulosvahti.problem import Place
from tulosvahti.run.fetching import World, fetch_all
from tulosvahti.store.fetched import read_kept

NOW = datetime(2026, 3, 1, 5, tzinfo=UTC)


class Source:
    """A server of the test's own: does what it is told."""

    several = False

    def __init__(self, deed, identity="one"):
        self.deed, self.identity, self.shown = deed, identity, f"test://{identity}"

    def problems(self, place, root):
        return []

    def fetch(self, given):
        return self.deed(given)


def gives(content=b"a", **more):
    def deed(given):
        path = given.folder / "x"
        path.write_bytes(content)
        return Fetched((Part("leads.csv", path),), **more)

    return deed


def fails(given):
    (given.folder / "x").write_bytes(b"half")
    msg = "it broke off"
    raise SourceError(msg, "mend it")


def contract(name, source):
    return Contract(name, Text(), name, (), Place(f"inputs/{name}.yaml"), fetch=source)


def world(root, **changes):
    return World(root, lambda _: "", lambda: NOW, time.monotonic, time.sleep, **changes)


def fetch(root, sources, **changes):
    contracts = [contract(name, source) for name, source in sources.items()]
    return {came.name: came for came in fetch_all(world(root, **changes), contracts)}


def test_one_that_fails_keeps_the_others_from_nothing(tmp_path):
    came = fetch(tmp_path, {"a": Source(gives()), "b": Source(fails), "c": Source(gives(b"c"))})
    assert [one.kept.came for one in came.values()] == [True, False, True]
    assert came["b"].kept.trouble.message == "it broke off"
    assert list((tmp_path / ".tulosvahti" / "work" / "fetching").iterdir()) == []


def test_a_few_at_once_and_no_more(tmp_path):
    running, most, lock = [], [], threading.Lock()

    def deed(given):
        with lock:
            running.append(given.name)
            most.append(len(running))
        time.sleep(0.05)
        with lock:
            running.remove(given.name)
        return gives(given.name.encode())(given)

    came = fetch(tmp_path, {f"i{number}": Source(deed, str(number)) for number in range(12)}, at_once=3)
    assert all(one.kept.came for one in came.values())
    assert 1 < max(most) <= 3


def test_one_that_hangs_is_left_when_the_time_of_all_is_up(tmp_path):
    ends, done = threading.Event(), threading.Event()

    def hangs(given):
        ends.wait(20)
        done.set()
        return gives(b"late")(given)

    begun = time.monotonic()
    came = fetch(tmp_path, {"a": Source(hangs), "b": Source(gives())}, within=1)
    assert time.monotonic() - begun < 5
    assert came["b"].kept.came
    assert "was not fetched within 1 s, which all inputs have together" in came["a"].kept.trouble.message
    ends.set()
    done.wait(5)
    time.sleep(0.1)
    assert not read_kept(tmp_path, "a").came, "what comes afterwards is nobody's"


def test_what_came_last_stays_with_its_notice_and_digest(tmp_path):
    marks = (Mark(MarkKind.NOT_ADDITIVE, "rounded on its own"),)
    first = fetch(tmp_path, {"a": Source(gives(marks=marks, notices=("told",), facts={"etag": "1"}))})["a"]
    second = fetch(tmp_path, {"a": Source(fails)})["a"]
    assert second.kept.files == first.kept.files
    assert second.kept.trouble is not None
    assert digest_of(second.kept) == digest_of(first.kept)
    unmarked = fetch(tmp_path, {"a": Source(gives(facts={"etag": "2"}))})["a"]
    assert unmarked.new, "what a source says of its figures is part of what is judged"
    assert digest_of(unmarked.kept) != digest_of(first.kept)
    assert not fetch(tmp_path, {"a": Source(lambda _: Fetched(unchanged=True))})["a"].new


def test_another_declaration_begins_anew(tmp_path):
    fetch(tmp_path, {"a": Source(gives())})
    changed = Source(fails, "two")
    assert not fetch(tmp_path, {"a": changed})["a"].kept.came
    assert not kept_now(contract("a", changed), tmp_path).came


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 1}', b"\xff", b'{"format": 2, "identity": "x"}'])
def test_a_broken_state_is_none(tmp_path, content):
    assert kept_of(content) is None
    fetch(tmp_path, {"a": Source(gives())})
    (tmp_path / ".tulosvahti" / "fetched" / "a.json").write_bytes(content)
    assert fetch(tmp_path, {"a": Source(gives())})["a"].new


def test_an_answer_of_nothing_is_no_answer(tmp_path):
    assert fetch(tmp_path, {"a": Source(lambda _: Fetched())})["a"].kept.trouble.message == "no file came"
    assert fetch(tmp_path, {"b": Source(lambda _: Fetched(unchanged=True))})["b"].kept.trouble is not None
