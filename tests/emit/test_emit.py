"""What comes out: catalogues, JSON, terminal, report and mail. ``UPDATE_GOLDEN=1`` writes the golden files anew."""

from __future__ import annotations

import io
import json
import os
import re
import string
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel import Locale
from babel.dates import format_date
from babel.numbers import parse_pattern
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tulosvahti.core.alert_plan import MailKind
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.measure import Reason
from tulosvahti.core.rule import Severity
from tulosvahti.core.verdict import Change, Outcome, Word
from tulosvahti.emit import report
from tulosvahti.emit.charts import Series, _drawn, forget_pictures, line_charts
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.pdf import print_html
from tulosvahti.emit.report import render
from tulosvahti.emit.screens import Terminal
from tulosvahti.emit.stored import stored_of
from tulosvahti.emit.terminal import show
from tulosvahti.emit.trends import stored_trends
from tulosvahti.emit.words import CATALOGUES, day, number, reason_text, target_text, verdict_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.rule import Agreement

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = ("fi", "sv", "en")
CODES = ["no_rows", "no_rows_in_scope", "all_null", "division_by_zero", "unknown_rows", "too_few_rows", "ambiguous_latest", "previous_unknown", "input_missing", "input_quarantined", "input_late", "nothing_due_yet", "not_computed", "no_element", "before_path", "within_warning", "late", "not_done", "incomplete", "total_absent", "broken_sums", "failing_rows", "unknown_operands", "unresolved_figure"]


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_catalogue_has_every_key_with_the_same_details() -> None:
    def details(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for language in LANGUAGES:
        assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
        for key, text in CATALOGUES[language].items():
            assert details(text) == details(CATALOGUES["en"][key]), (language, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_core_and_the_templates_is_in_the_catalogue(language: str) -> None:
    used = {f"verdict.{kind}" for kind in Word} | {f"change.{kind}" for kind in Change} | {f"says.{kind}" for kind in Word}
    used |= {f"state.{state}" for state in DeliveryState} | {f"severity.{kind}" for kind in Severity}
    used |= {f"reason.{code}" for code in CODES}
    folder = Path(__file__).parents[2] / "engine/tulosvahti/emit"
    for path in [*folder.glob("*.py"), *folder.glob("templates/*.j2")]:
        used |= set(re.findall(r"""['"]((?:ui|mail|change|says|book)\.[a-z_]+)['"]""", path.read_text(encoding="utf-8")))
    used |= {f"mail.{part}_{kind}" for part in ("subject", "intro") for kind in MailKind}
    used |= {f"mail.muted_{what}" for what in ("silence", "waiver", "input")} | {f"mail.due_{when}" for when in ("before", "today", "after")}
    used |= {f"mail.count_{what}" for what in ("new", "resolved", "continued", "open", "new_this_week")}
    assert used - CATALOGUES[language].keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_a_reason_without_its_details_still_makes_a_sentence(code: str, language: str) -> None:
    text = reason_text(Reason(code), language)
    assert text.endswith((".", "–"))
    assert "{" not in text


def test_words_and_numbers_in_the_readers_form() -> None:
    assert verdict_word(Word.NOT_DUE, "fi") == "ei vielä ajankohtainen"
    assert number(Decimal("14060741.50"), "fi") == "14\u00a0060\u00a0741,50"
    assert number(Decimal("-3.1"), "en") == "\u22123.1"
    assert target_text(">= previous * 1.02", "sv") == "≥\u00a0föregående × 1,02"
    assert reason_text(Reason("some_new_code"), "fi") == "some_new_code"
    said = reason_text(Reason.of("unknown_rows", low="36.5", high="39.25"), "fi")
    assert "36,5–39,25" in said
    assert "1.11.2023" in reason_text(Reason.of("late", done="2023-11-01"), "fi")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4), st.sampled_from(LANGUAGES), st.integers(0, 4))
def test_numbers_are_written_as_babel_writes_them(value: Decimal, language: str, places: int) -> None:
    value = value.quantize(Decimal(1).scaleb(-places))
    locale = {"fi": "fi_FI", "sv": "sv_FI", "en": "en_GB"}[language]
    pattern = parse_pattern("#,##0" + ("." + "0" * places if places else ""))
    assert number(value, language) == str(pattern.apply(value, Locale.parse(locale), decimal_quantization=False)).replace("-", "\u2212")


@pytest.mark.parametrize(("language", "locale", "pattern"), [("fi", "fi_FI", "d.M.y"), ("sv", "sv_FI", "d.M.y"), ("en", "en_GB", "d MMM y")])
def test_days_are_written_as_babel_writes_them(language: str, locale: str, pattern: str) -> None:
    for number_of_day in range(366):
        shown = date(2024, 1, 1) + timedelta(number_of_day)
        assert day(shown, language) == format_date(shown, pattern, locale=locale)


def test_json_has_the_shape_of_the_design(outcome: Outcome, agreements: Mapping[str, Agreement]) -> None:
    text = to_json(outcome, agreements)
    assert text.endswith("}\n")
    assert text == to_json(outcome, agreements)
    found = json.loads(text, parse_float=lambda text: pytest.fail(f"a binary float: {text}"))
    assert list(found) == ["run", "inputs", "verdicts", "findings", "revisions", "problems", "agreements", "rules"]
    assert found["run"]["as_of"] == "2023-12-01"
    first = found["verdicts"][0]
    expected = "rule kind subject period verdict provisional binding in_state_budget severity owner observed target margin unit reason cite evidence"
    assert set(expected.split()) < set(first)
    assert (first["observed"], first["margin"], first["period"], first["verdict"]) == ("92.31", "2.31", "2023", "met")
    assert {"agreement": "kainuu-2023", "section": "1.1"}.items() <= first["cite"].items()
    assert found["agreements"]["kainuu-2023"]["owners"]["tem"]["sv"] == "Arbets- och näringsministeriet"
    assert found["agreements"]["kainuu-2023"]["sections"]["1.1"]["en"] == "Section 1.1"
    assert {"name", "sha256", "rows", "rejects", "state", "synthetic", "explanation", "rejected"} < set(found["inputs"][0])
    assert set(found["findings"][0]) == {"rule", "subject", "period", "change", "was", "verdict"}
    assert set(found["problems"][0]) == {"file", "line", "column", "message", "allowed", "next_step", "rule"}
    assert {item["verdict"] for item in found["verdicts"]} == set(Word)


def test_terminal_fits_and_reads_without_colour(outcome: Outcome, agreements: Mapping[str, Agreement]) -> None:
    out = io.StringIO()
    show(outcome, agreements, Terminal(Console(file=out, width=100)), "fi")
    text = out.getvalue()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "✗ ei täyttynyt" in text
    assert "rules/a.yaml:7:3" in text
    assert text.rstrip().endswith("yhteensä 9".capitalize())
    golden("terminal.fi.txt", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_lets_nothing_through_unescaped(outcome: Outcome, agreements: Mapping[str, Agreement], language: str) -> None:
    html = render(stored_of(outcome, to_json(outcome, agreements)), LANGUAGES, language, "../data-docs/index.html")
    assert "<script" not in html
    assert "<b>näin" not in html
    assert "&lt;script&gt;" in html
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert not re.search(r"\b(?:ui|mail|verdict|change|says)\.[a-z_]+\b", re.sub(r"<svg.*?</svg>", "", html))


def test_report_golden(outcome: Outcome, agreements: Mapping[str, Agreement]) -> None:
    html = render(stored_of(outcome, to_json(outcome, agreements)), LANGUAGES, "fi")
    assert 'class="num broken"' in html
    assert "3\u00a0687\u00a0200" in html
    # Where the ink lies in a chart depends on the fonts of the machine.
    golden("report.fi.html", re.sub(r"(<svg[^>]*? role=)(.*?)</title>.*?</svg>", r"<svg role=\2</title></svg>", html, flags=re.DOTALL))


def test_charts_need_three_points_and_have_a_text_alternative() -> None:
    points = (("2021", 90.5), ("2022", 91.0), ("2023", 92.0))
    drawn = line_charts([Series("A < B", "percent", points, (("2023", 90.0, None),), "fi"), Series("", "", points[:2], (), "fi")])
    assert drawn[1] == ""
    assert 'role="img" aria-label="Toteuma ja tavoite: A &lt; B.' in drawn[0]


def test_a_page_draws_so_many_charts_first_of_what_needs_attention(
    outcome: Outcome, agreements: Mapping[str, Agreement], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = next(item.rule for item in outcome.verdicts if item.word is Word.MISSED and item.rule.unit)
    more = [replace(item, rule=bad.id) for item in outcome.measurements if item.rule == "food-chain"]
    outcome = replace(outcome, measurements=(*outcome.measurements, *more))
    stored = stored_of(outcome, to_json(outcome, agreements))
    every = {key for key, series in stored_trends(stored, "fi").items() if series.enough}
    assert len(every) > 1
    asked: list[Series] = []

    def drawing(series: Sequence[Series], _pictures: Path | None = None) -> list[str]:
        asked.extend(series)
        return ["<svg>" for _ in series]

    monkeypatch.setattr(report, "line_charts", drawing)
    monkeypatch.setattr(report, "MOST_CHARTS", 1)
    for language, said in (("fi", f"{len(every) - 1} muuta"), ("sv", f"{len(every) - 1} till"), ("en", f"{len(every) - 1} more are")):
        assert said in render(stored, LANGUAGES, language)
    assert said in print_html(stored, "en")
    assert {series.title for series in asked} == {bad.title.in_language(language) for language in LANGUAGES}
    monkeypatch.setattr(report, "MOST_CHARTS", len(every))
    assert "more are" not in render(stored, LANGUAGES, "en")


def test_pictures_that_nothing_shows_any_more_are_deleted(tmp_path: Path) -> None:
    one, two = (Series(title, "", (("2021", 1.0), ("2022", 2.0), ("2023", value)), (), "fi") for title, value in (("A", 3.0), ("B", 4.0)))
    line_charts([one, two], tmp_path)
    drawn = sorted(tmp_path.glob("*.svg"))
    assert len(drawn) == 2
    for path in drawn:
        os.utime(path, (1000, 1000))
    _drawn.cache_clear()
    line_charts([one], tmp_path)
    forget_pictures(tmp_path, 2000)
    assert len(list(tmp_path.iterdir())) == 1
    _drawn.cache_clear()
    assert line_charts([one, two], tmp_path) == line_charts([one, two])
    forget_pictures(tmp_path / "none", 2000)
