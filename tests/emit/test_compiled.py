"""Compiled templates are kept beside Python's own, and are never in the way."""

from __future__ import annotations

import sys

import pytest
from jinja2 import DictLoader, Environment

from tulosvahti.emit import compiled
from tulosvahti.emit.compiled import Compiled


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_FOLDER", tmp_path / "__pycache__")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "__pycache__"


def rendered(text: str) -> str:
    return Environment(loader=DictLoader({"a": text}), autoescape=True, bytecode_cache=Compiled()).get_template("a").render(x="<")


def test_a_template_is_compiled_once(folder, monkeypatch):
    assert rendered("{{ x }}!") == "&lt;!"
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(Environment, "compile", None)
    assert rendered("{{ x }}!") == "&lt;!"


@pytest.mark.parametrize("content", [b"", b"x" * 99])
def test_other_text_and_damage_are_compiled_anew(folder, content):
    rendered("{{ x }}!")
    assert rendered("{{ x }}?") == "&lt;?"
    next(folder.iterdir()).write_bytes(content)
    assert rendered("{{ x }}?") == "&lt;?"


def test_where_nothing_may_be_kept_nothing_is(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered("{{ x }}") == "&lt;"
    assert not folder.exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder.write_bytes(b"a file is in the way")
    assert rendered("{{ x }}") == "&lt;"
