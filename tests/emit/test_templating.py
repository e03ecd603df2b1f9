"""A project's template in its child: whatever it does, there are two bodies, and the fault has a place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tulosvahti.emit.templating import bodies

if TYPE_CHECKING:
    from pathlib import Path

VIEW: dict[str, Any] = {
    "language": "fi", "kind": "digest", "subject": "<Tulos>", "recipient": "Åsa & Öljy", "intro": "Tilanne", "as_of": "1.12.2023",
    "run": "3", "groups": [], "reminded": [], "silences": [], "counts": [], "synthetic": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "did not end in 1.5 seconds"),
        ("a\n{{ 'a' * 3000000000 }}", "memory"),
        ("{{ ('a' * 9000000) }}", "longer than"),
        ("a\n{{ nobody }}", "digest.txt.j2:2: 'nobody' is undefined"),
        ("a\n\n{% if %}", "digest.txt.j2:3: "),
        ("{{ ''.__class__.__mro__ }}", "digest.txt.j2:1: access to attribute '__class__'"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("{% include '../../secret' %}", "secret"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_template_that_fails_is_replaced_and_told(tmp_path: Path, template: str, fault: str) -> None:
    (tmp_path / "digest.txt.j2").write_text(template, encoding="utf-8")
    (tmp_path / "digest.html.j2").write_text("<b>{{ recipient }}</b> {{ say('ui.as_of', day=as_of) }}", encoding="utf-8")
    troubles: list[str] = []
    start = time.monotonic()
    text, html = bodies(VIEW, tmp_path, troubles, seconds=1.5)
    assert time.monotonic() - start < 6
    assert text.startswith("Åsa & Öljy: ")
    (trouble,) = (one for one in troubles if "digest.txt.j2" in one)
    assert fault in trouble
    assert "the built-in form was used" in trouble
    if "did not end" not in fault:
        assert html.startswith("<b>Åsa &amp; Öljy</b> Tilanne")
        assert len(troubles) == 1
    else:  # the one after it had no time left
        assert "Åsa &amp; Öljy" in html


def test_without_templates_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a process was started"))
    troubles: list[str] = []
    for folder in (None, tmp_path):
        text, html = bodies(VIEW, folder, troubles)
        assert ("Åsa & Öljy" in text, "Åsa &amp; Öljy" in html, troubles) == (True, True, [])
