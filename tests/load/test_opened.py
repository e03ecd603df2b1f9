"""A project is read once: what was kept is what reading gives, whatever is wrong with it, and no change is missed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.cli.starting import start_project
from tulosvahti.core.contract import FieldType
from tulosvahti.core.text import Text
from tulosvahti.load import opened
from tulosvahti.load.opened import open_project
from tulosvahti.load.plain_form import NotPlainError, read_back, written
from tulosvahti.load.project import load_project

DEMO = Path(__file__).resolve().parents[2]
BROKEN = 'agreement: agreement-1\nsection: "2"\ntitle: M\nrules:\n  - id: x\n    title: a\n    owner: nobody\n    measure: {input: survey, mean: scor}\n'


@pytest.fixture
def project(tmp_path):
    start_project(tmp_path)
    return tmp_path


@pytest.fixture
def readings(monkeypatch):
    """Count how often the files are read."""
    found = []
    monkeypatch.setattr("tulosvahti.load.project.load_project", lambda root: found.append(root) or load_project(root))
    return found


@pytest.mark.parametrize("broken", [False, True])
def test_what_was_kept_is_what_reading_gives(project, readings, broken):
    if broken:
        (project / "rules/2.yaml").write_text(BROKEN, encoding="utf-8")
    first, second = open_project(project), open_project(project)
    assert len(readings) == 1
    assert first == second == load_project(project)
    assert bool(second.problems) is broken


def test_the_demo_is_kept_whole(tmp_path):
    for name in ("config.toml", *(path.relative_to(DEMO).as_posix() for path in DEMO.glob("[ria]*/*.yaml"))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((DEMO / name).read_bytes())
    read = open_project(tmp_path)
    assert open_project(tmp_path) == read
    assert [rule.spec for rule in read.rules] == [rule.spec for rule in load_project(tmp_path).rules]


@pytest.mark.parametrize("name", ["config.toml", "rules/agreements.yaml", "inputs/survey.yaml", "alerts/routes.yaml"])
def test_any_changed_file_is_read_again(project, readings, name):
    open_project(project)
    path = project / name
    facts = path.stat()
    path.write_bytes(path.read_bytes() + b"\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    open_project(project)
    assert len(readings) == 2


def test_new_and_removed_files_are_seen(project):
    open_project(project)
    (project / "rules/2.yaml").write_text(BROKEN, encoding="utf-8")
    assert open_project(project).problems
    (project / "rules/2.yaml").unlink()
    assert not open_project(project).problems


@pytest.mark.parametrize("content", [b"", b"x", b"[]\n", b'{"a": 1}\n[["tuple"]]'])
def test_what_is_damaged_is_made_again(project, content):
    read = open_project(project)
    kept = project / ".tulosvahti/store/read/project.json"
    whole = kept.read_bytes()
    kept.write_bytes(content)
    assert open_project(project) == read
    assert kept.read_bytes() == whole


def test_every_cut_and_flipped_byte_is_noticed(project, readings):
    open_project(project)
    kept = project / ".tulosvahti/store/read/project.json"
    whole = kept.read_bytes()
    places = range(0, len(whole), len(whole) // 20)
    for at in places:
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert open_project(project) == load_project(project)
    assert len(readings) == 1 + len(places)


def test_a_file_that_others_can_write_is_not_believed(project, readings):
    open_project(project)
    (project / ".tulosvahti/store/read/project.json").chmod(0o666)
    open_project(project)
    assert len(readings) == 2


def test_other_code_reads_anew(project, readings, monkeypatch):
    open_project(project)
    monkeypatch.setattr(opened, "__version__", "another")
    open_project(project)
    assert len(readings) == 2


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False) | st.fractions() | st.dates() | st.timedeltas()
    | st.floats(allow_nan=False) | st.sampled_from(FieldType) | st.builds(Text, st.text(), st.text(), st.text()),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner) | st.frozensets(st.text()),
)  # fmt: skip


@given(PLAIN)
def test_values_come_back_as_they_were(value):
    found = read_back(written((value,)))
    assert found == (value,)
    assert repr(found) == repr((value,)) or "frozenset" in repr(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", print, Path()])
def test_other_values_are_refused(value):
    with pytest.raises(NotPlainError):
        written([value])


@pytest.mark.parametrize("kind", ["os:system", "core.rule:date", "problem:Problem.__class__", "load.opened:Project", "eval", "core.text:LANGUAGES"])
def test_nothing_else_can_be_made(kind):
    with pytest.raises(NotPlainError):
        read_back(json.dumps([[kind, "x"]]).encode())


def test_equal_parts_are_one_but_what_changes_is_not():
    found = read_back(written(([1], [1], Text("a"), Text("a"))))
    assert found[0] is not found[1]
    assert found[2] is found[3]
    assert replace(found[2], fi="b") != found[3]
