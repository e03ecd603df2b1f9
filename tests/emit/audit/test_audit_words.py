"""Sentences: what an auditor reads of a finding, a relation, a notice and a tie."""

from __future__ import annotations

import string
from dataclasses import replace
from decimal import Decimal

import pytest

from tulosvahti.core.audited import Audit
from tulosvahti.core.sheet import Cell, Notice
from tulosvahti.emit.audit_cells import blocks, listed, marks, notices_of, short, shown
from tulosvahti.emit.audit_words import cause_text, finding_text, notice_text, relation_text, tie_text
from tulosvahti.emit.locale import audit_en, audit_fi, audit_sv

LANGUAGES = ("fi", "sv", "en")
CAUSES = [
    "digits_swapped", "sign", "factor_10", "factor_100", "factor_1000", "digit_replaced", "digit_omitted", "digit_added",
    "rounding", "left_out", "counted_twice", "unmarked_subtotal", "neighbours_exchanged", "unit_change", "stale_total",
    "hard_coded", "short_range", "not_calculated", "rows_not_shown", "sign_reversed", "decimal_mark", "doubled_rows",
    "unreadable", "absent", None, "something_new",
]  # fmt: skip
CODES = [
    "number_as_text", "opened_by_content", "encoding", "characters_lost", "mark_guessed", "mark_odd", "marks_mixed",
    "stray_space", "no_leading_digit", "ambiguous_row", "regrouped", "not_searched", "torn_number", "hidden_rows",
    "hidden_columns", "hidden_sheet", "separator_line", "unclosed_quote", "zeros_not_results", "value_under_merge",
    "days_from_1904", "formulas_unread", "pages_without_text", "text_lost", "formula_lost", "unreadable",
]  # fmt: skip


def test_a_certain_cell(broken_budget) -> None:
    (finding,) = broken_budget.findings
    assert finding_text(broken_budget, finding, "fi") == (
        "Solussa B4 (Kainuu / Jako 2022) on 3\u00a0678\u00a0200, mutta siinä pitäisi olla 3\u00a0687\u00a0200: "
        "kaksi numeroa on vaihtanut paikkaa. Korjaus saa 2 summaa täsmäämään."
    )
    assert finding_text(broken_budget, finding, "sv") == (
        "I cell B4 (Kainuu / Jako 2022) står 3\u00a0678\u00a0200, men där borde stå 3\u00a0687\u00a0200: "
        "två siffror har bytt plats. Rättelsen får 2 summor att stämma."
    )
    assert finding_text(broken_budget, finding, "en") == (
        "Cell B4 (Kainuu / Jako 2022) says 3,678,200 but should say 3,687,200: two digits are swapped. "
        "That makes 2 sums hold."
    )


def test_what_cannot_be_decided_accuses_nobody(undecided, printed, make) -> None:
    said = finding_text(undecided, undecided.findings[0], "en")
    assert said.startswith("Either B5 (Yhteensä / 2023: 1,000\u00a0→ 1,040, wrong digit), B2 (Palkat / 2023: 700\u00a0→ 660), B3")
    assert "or one other is wrong; the numbers cannot decide which. The sum does not hold: cell B5" in said
    said = finding_text(printed, printed.findings[0], "fi")
    assert said.startswith("Väärin on 13:25 (Yhteensä / 2024: 250\u00a0→ 205), 11:25 (Pohjoinen")
    assert "kohdassa 13:25 (Yhteensä / 2024) on 250, mutta osista laskien tulee 205 (ero 45)" in said
    made = make("X;1.1.2024\nA;1\nB;2\nC;4\n").relation("B4", "B2:B3")
    made.find(remedies=(made.remedy("B4", "3"), made.remedy("B2 B3", "1.5 2.5")))
    said = finding_text(made.done(), made.findings[0], "sv")
    assert "Antingen B4 (C" in said
    assert "1,5) och B3 (B" in said
    assert "2,5) tillsammans är fel" in said


def test_remarks_are_no_errors(explained) -> None:
    shown_rows, rounding = (finding_text(explained, finding, "fi") for finding in explained.findings)
    assert "näkyvistä riveistä tulee 91\u00a0355: ero 167 kuuluu riveille, joita taulukossa ei ole: ”1) Summassa" in shown_rows
    assert rounding.endswith("tulee 93\u00a0677: ero 1 johtuu pyöristyksestä.")
    assert not any("pitäisi" in text or "Korjaus" in text for text in (shown_rows, rounding))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("form", ["certain", "one", "several", "many", "undecided", "nothing", "explained"])
def test_every_cause_in_every_form_is_a_sentence(make, cause, language, form) -> None:
    cells = {"E4": Cell("3848520", Decimal(3848520), "number", formula="=SUM(B4:C4)")}
    made = make("A;B;C;D;E\nk;1;2;3;6\nl;1;2;3;6\nm;1;2;3;7\nY;3;6;9;19\n", cells=cells).foot("B2", "D4", 5, "E")
    more = {"because": "C4", "detail": ("1", "selitys")}
    if form == "certain":
        made.find("E4", "6", cause, **more)
    elif form == "one":
        made.find("B4", "-", cause, relations=())
    elif form == "several":
        made.find("B4 B3", "2 4", cause)
    elif form == "many":
        made.find("B2 B3 B4 C2 C3", "9 8 7 6 5", cause)
    elif form == "undecided":
        made.find(cause=cause, remedies=(made.remedy("E4", "6", cause), made.remedy("B4 C4", "9 2")), **more)
    elif form == "nothing":
        made.find(cause=cause, cut=True)
    else:
        made.find("E4", "6", cause, explained=True, relations=("2",), **more)
    said = finding_text(made.done(), made.findings[0], language)
    assert said[0].isupper() or said[0].isdigit()
    assert said.endswith(".")
    assert not {"{", "}", "None", "audit."} & set(said.replace("{", " { ").split())
    assert "audit." not in said
    assert "_" not in said
    assert said.count(". ") <= 3


def test_catalogues_have_the_same_keys_and_details() -> None:
    def details(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for words in (audit_fi.WORDS, audit_sv.WORDS):
        assert list(words) == list(audit_en.WORDS)
        assert all(details(text) == details(audit_en.WORDS[key]) for key, text in words.items())


def test_relations_as_formulas(wide, explained, make) -> None:
    assert relation_text(wide, wide.relations[0], "en").startswith("✓ N2 (Kunta 01, jolla on melko pitkä nimi / Koko vuosi) = Σ(B2:M2) = ")
    assert relation_text(explained, explained.relations[1], "fi").endswith("= C2 + C3: 93\u00a0678 ≈ 93\u00a0677 (1)")
    assert relation_text(explained, explained.relations[0], "fi").startswith("✗ B4 (Menot yhteensä / 2024) = B2 + B3: ")
    made = make("L;a;b;c;d\nx;10;4;40 %;6\ny;;2;;\n").relation("E2", "B2 C2", "difference", minus="C2")
    made.relation("D2", "C2 B2", "share", percent=True).relation("E3", "B3:D3").relation("C2", "B2:E2", "average")
    texts = [relation_text(made.done(), relation, "fi") for relation in made.relations]
    assert "= B2 − C2 = 6" in texts[0]
    assert "= C2 / B2 × 100 = 40,0\u00a0%" in texts[1]
    assert texts[2].startswith("? E3")
    assert "keskiarvo(B2:E2)" in texts[3]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_notices(code, language) -> None:
    said = notice_text(Notice(code, ("B2", "page 3, 12:4"), ("relations", "2")), language)
    assert code not in said or "_" not in code
    assert "{" not in said
    assert said.endswith(".")
    assert said == notice_text(Notice(code, ("B2", "page 3, 12:4"), ("relations", "2")), language)


def test_an_unknown_notice_is_readable() -> None:
    assert notice_text(Notice("page_turned", ("B2",), ("90",)), "fi") == "Page turned: B2 (90)."
    assert cause_text("very_odd", "sv") == "very odd"


def test_ties(audit: Audit) -> None:
    agrees, differs = (tie_text(audit, tie, "en") for tie in audit.ties)
    assert agrees == "YHTEENSÄ: budjetti.csv E6 (YHTEENSÄ / Määräraha yhteensä) and oikea.csv E6 (YHTEENSÄ / Määräraha yhteensä) agree (29,817,401)."
    assert differs.endswith("they contradict each other (difference 9,000).")
    for state in ("rounding", "moved", "unit"):
        assert "{" not in tie_text(audit, replace(audit.ties[1], state=state, label=""), "fi")


def test_hidden_places_and_spreadsheet_noise(explained, make) -> None:
    codes = [(notice.code, notice.where) for notice in notices_of(explained)]
    assert ("hidden_rows", ("3",)) in codes
    cell = Cell("0.3", Decimal("0.30000000000000004"), "number")
    made = make("A;B\nx;1\n", cells={"B2": cell})
    made.find("B2", "0.4")
    assert shown(made.table, (1, 1), Decimal("0.30000000000000004")) == Decimal("0.3")
    assert "says 0.3 but should say 0.4" in finding_text(made.done(), made.findings[0], "en")
    assert shown(make("A;B\nx;0.30000000000000004\n").table, (1, 1), Decimal("0.30000000000000004")) == Decimal("0.30000000000000004")


def test_small_pieces(broken_budget, undecided) -> None:
    assert short("Jako 2022 (pl. kertaluonteiset, matkat, muut menot, virkistys)") == "Jako 2022 (pl. kertaluonteiset, matkat…"
    assert short("x\x1b[31m\n y") == "x[31m y"
    assert blocks(broken_budget.table, [(1, 1), (1, 2), (3, 1)], "fi") == ["B2:C2", "B4"]
    assert blocks(broken_budget.table, [(1, 1), (2, 1), (3, 1), (5, 3)], "fi") == ["B2:B4", "D6"]
    assert listed(["a", "b", "c", "d"], "sv", most=2) == "a, b och 2 andra"
    assert marks(broken_budget) == {(3, 1): ("wrong", (1,))}
    assert {mark for mark, _ in marks(undecided).values()} == {"doubt"}
