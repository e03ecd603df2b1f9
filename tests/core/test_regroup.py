"""Text to cells: thousands and columns parted by the same spaces, and what is never guessed."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.core.page import TextPage
from tulosvahti.core.regroup import TextTable, text_sheets
from tulosvahti.core.regroup_blocks import runs_of
from tulosvahti.core.regroup_graph import FREE, Budget, ExhaustedError, graph_of, solutions
from tulosvahti.core.regroup_rows import patterns_in
from tulosvahti.core.regroup_words import figure, read_row

ROOT = Path(__file__).resolve().parents[2]
NB, THIN, NARROW = "\u00a0", "\u2009", "\u202f"

ANNEX = """\
Jako 2022
(pl. kerta-

luonteiset,
matkat,
muut me-
not, virkis-

tys)

Matkat,
muut me-
not ja vir-

kistys

Palkkaus-
ten tarkis-

tukset

Toimitila-
ja mat-

kasäästöt

Ympäristöso-
pimuksiin

(CAP27) liit-
tyvät sopi-

muskäsitte-
lyt

Monitorointi
(CAP27)

Luonnonsuojelu-
lain uudistami-

sesta johtuvat li-
sätehtävät

Vihreän siirty-
män vauhdit-

taminen

Rahoituskau-
den vaihtumi-

sen lisäresurs-
sit

HE kotoutu-
mislain

muuttami-
sesta, tila-

päinen suo-
jelu

Muut muu-
tokset

MÄÄRÄRAH
A YHTEENSÄ

Uusimaa 14 060 741 530 080 322 500 -40 100 73 200 39 900 180 300 525 000 38 200 263 200 0 15 993 021

Varsinais-Suomi 12 816 800 738 020 294 000 -106 400 187 300 64 700 120 100 375 000 97 600 197 400 60 900 14 845 420

Satakunta 2 350 400 124 500 53 900 -15 600 54 400 41 200 0 0 28 400 65 800 0 2 703 000

Häme 6 028 400 203 760 138 300 -25 400 93 500 44 400 180 700 375 000 48 700 131 600 75 000 7 293 960

Pirkanmaa 6 231 000 392 200 143 000 -52 300 82 000 54 800 120 500 450 000 42 700 65 800 0 7 529 700

Kaakkois-Suomi 9 054 100 412 480 207 700 -57 200 47 900 37 400 90 400 75 000 25 000 65 800 0 9 958 580

Etelä-Savo 5 737 459 245 840 131 600 -26 300 92 000 25 500 60 300 0 48 000 65 800 1 013 000 7 393 199

Pohjois-Savo 7 663 600 415 140 175 800 -54 100 132 200 46 600 120 500 150 000 68 900 65 800 0 8 784 440

Pohjois-Karjala 4 097 300 182 060 94 000 -18 600 58 500 26 100 60 300 0 30 500 65 800 60 900 4 656 860

Keski-Suomi 9 505 300 365 560 218 100 -46 400 62 000 33 300 60 300 75 000 32 300 65 800 60 900 10 432 160

Etelä-Pohjanmaa 9 902 600 486 340 227 200 -75 800 31 100 77 900 120 500 825 000 16 200 65 800 0 11 676 840

Pohjanmaa 3 285 200 175 340 75 400 -20 300 82 000 59 000 0 0 42 700 131 600 0 3 830 940

Pohjois-Pohjanmaa 9 188 800 437 260 210 800 -66 900 134 500 61 100 120 500 525 000 70 100 65 800 1 317 800 12 064 760

Kainuu 3 687 200 188 420 84 600 -27 100 30 000 12 500 60 300 75 000 15 600 65 800 0 4 192 320

Lappi 9 360 900 487 920 214 800 -82 200 48 100 18 400 60 300 75 000 25 100 65 800 25 000 10 299 120

KEHA oma toiminta 24 663 200 899 300 565 800 -105 300 0 0 0 0 0 197 400 183 000 26 403 400

KEHA/ELY-keskusten
yhteiset menot 36 559 868 0 0 -622 000 391 300 207 200 220 000 571 600 70 000 230 000 592 500 38 220 468

TE-ASPA 5 073 600 0 116 400 0 0 0 0 0 0 0 0 5 190 000

YHTEENSÄ 179 266 468 6 284 220 3 273 900 -1 442 000 1 600 000 850 000 1 575 000 4 096 600 700 000 1 875 000 3 389 000 201 468 188
"""


def _page(text: str, **more: int) -> TextPage:
    return TextPage("page.txt", tuple(text.splitlines()), **more)


def _table(text: str) -> TextTable:
    tables = text_sheets(_page(text))
    assert len(tables) == 1
    return tables[0]


def _texts(table: TextTable) -> list[list[str]]:
    return [[c.text for c in row] for row in table.sheet.rows]


def _codes(table: TextTable) -> set[str]:
    return {n.code for n in table.sheet.notices}


def _spaced(value: int) -> str:
    return f"{value:,}".replace(",", " ")


# The annex


def test_the_annex_of_the_agreement_comes_out_exactly() -> None:
    with (ROOT / "inputs" / "appropriation_2023.csv").open(encoding="utf-8") as file:
        expected = list(csv.reader(file, delimiter=";"))[1:]
    table = _table(ANNEX)
    names, *rows = _texts(table)
    assert len(rows) == 19
    assert all(len(row) == 13 for row in rows)
    assert rows == expected
    assert not table.ambiguous
    assert names[0] == ""
    assert names[1:3] == [
        "Jako 2022 (pl. kertaluonteiset, matkat, muut menot, virkistys)",
        "Matkat, muut menot ja virkistys",
    ]
    assert names[4] == "Toimitila- ja matkasäästöt"
    assert names[12] == "MÄÄRÄRAHA YHTEENSÄ"


def test_the_annex_says_what_decided_and_where_every_cell_stands() -> None:
    table = _table(ANNEX)
    (notice,) = table.sheet.notices
    assert notice.code == "regrouped"
    assert [d.rpartition(" ")[2] for d in notice.detail] == ["19/19", "12/12"]
    assert notice.detail[0].startswith("M = +B +C")
    lines = ANNEX.splitlines()
    for row in table.sheet.rows[1:]:
        for cell in row[1:]:
            line, column = map(int, cell.place.split(":"))
            assert lines[line - 1][column - 1 :].startswith(cell.text)


# Digits torn by kerning (case R14)

TORN = """\
Maksullisen toiminnan kokonaiskustannukset
— erilliskustannukset 4 000
— osuus yhteiskustannuksista 1 400
Kustannukset yhteensä 54 0 0
Kustannusvastaavuus (tuotot - kustannukset) -800
"""


def test_torn_digits_are_one_number_where_the_sum_demands_it() -> None:
    table = _table(TORN)
    assert _texts(table)[1:] == [
        ["— erilliskustannukset", "4 000"],
        ["— osuus yhteiskustannuksista", "1 400"],
        ["Kustannukset yhteensä", "5400"],
        ["Kustannusvastaavuus (tuotot - kustannukset)", "-800"],
    ]
    (notice,) = [n for n in table.sheet.notices if n.code == "torn_number"]
    assert (notice.where, notice.detail) == (("4:23",), ("54 0 0", "5400"))


def test_torn_digits_without_a_sum_are_said_to_be_open_and_both_readings_shown() -> None:
    table = _table(TORN.replace("4 000", "4 100"))
    (row,) = [a for a in table.ambiguous if a.text.startswith("Kustannukset")]
    assert row.readings == (("54", "0", "0"), ("54 0 0",))
    assert _texts(table)[row.row][1:] == [""] * (len(_texts(table)[row.row]) - 1)


def test_torn_digits_in_a_wide_table() -> None:
    table = _table(
        "Verot 1 234 567 1 300 000 2 534 567\nMaksut 200 345 15 0 0 00 350 345\n"
        "Muut 5 100 7 900 13 000\nYhteensä 1 440 012 1 457 900 2 897 912\n"
    )
    assert _texts(table)[1] == ["Maksut", "200 345", "150000", "350 345"]


# Shapes


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([[1200, 2300, 3500], [12300, 800, 13100], [0, 45, 45], [7110, 12007, 19117]], id="last column"),
        pytest.param([[3500, 1200, 2300], [13100, 12300, 800], [45, 0, 45], [19117, 7110, 12007]], id="first column"),
        pytest.param([[1200, 3500, 2300], [12300, 13100, 800], [45, 690, 645], [7110, 19117, 12007]], id="middle"),
        pytest.param([[98200, 2300, 95900], [12300, 800, 11500], [4001, 4500, -499], [17110, 12007, 5103]], id="a - b"),
        pytest.param(
            [
                [1200, 2300, 3500, 10400, 999, 11399],
                [12300, 800, 13100, 7, 120500, 120507],
                [10, 45, 55, 12, 345100, 345112],
                [7110, 12007, 19117, 800400, 1, 800401],
            ],
            id="two blocks",
        ),
    ],
)
@pytest.mark.parametrize("below", ["a total", "nothing"])
def test_relations_that_nobody_named_part_the_cells(rows: list[list[int]], below: str) -> None:
    rows = [*rows, [sum(column) for column in zip(*rows, strict=True)]] if below == "a total" else rows
    expected = [[f"Rivi {chr(97 + r)}", *map(_spaced, row)] for r, row in enumerate(rows)]
    table = _table("\n".join(" ".join(row) for row in expected))
    assert _texts(table) == expected


def test_column_sums_alone_part_the_cells_where_something_is_carried() -> None:
    rows = [[1867, 45], [2945, 12356], [718, 999], [12001, 7], [17531, 13407]]
    expected = [[f"Rivi {chr(97 + r)}", *map(_spaced, row)] for r, row in enumerate(rows)]
    assert _texts(_table("\n".join(" ".join(row) for row in expected))) == expected


def test_column_sums_without_a_carry_leave_every_row_open() -> None:
    table = _table("A 1 200 2 300\nB 1 300 2 400\nYhteensä 2 500 4 700\n")
    assert len(table.ambiguous) == 3
    for row in table.ambiguous:
        assert {2, 4} <= {len(r) for r in row.readings}
        assert _texts(table)[row.row][0] == row.text
        assert not any(_texts(table)[row.row][1:])
    assert "ambiguous_row" in _codes(table)


def test_no_relation_and_no_layout_is_never_guessed() -> None:
    table = _table("A 1 234 2 356\nB 18 378 421\nC 918 378 421\nD 4 560 123 1\n")
    assert len(table.ambiguous) == 4
    assert all(len(a.readings) > 1 for a in table.ambiguous)


def test_a_row_that_is_wrong_itself_is_settled_by_the_columns_or_left_open() -> None:
    rows = [[12400, 530080, 322500, 864980], [12816, 738020, 294000, 1044836], [2350, 124500, 53900, 180750]]
    rows.append([sum(c) for c in zip(*rows, strict=True)])
    expected = [[f"Rivi {chr(97 + r)}", *map(_spaced, row)] for r, row in enumerate(rows)]
    expected[1][2] = "783 020"
    assert _texts(_table("\n".join(" ".join(row) for row in expected))) == expected
    without = _table("\n".join(" ".join(row) for row in expected[:3]))
    assert all(row == known or not any(row[1:]) for row, known in zip(_texts(without), expected[:3], strict=True))


def test_rounded_figures_may_miss_their_sum() -> None:
    rows = [[1234, 5678, 6913], [12345, 678, 13022], [777, 19, 796], [450, 12001, 12452], [14806, 18376, 33182]]
    expected = [[f"Rivi {chr(97 + r)}", *map(_spaced, row)] for r, row in enumerate(rows)]
    assert _texts(_table("\n".join(" ".join(row) for row in expected))) == expected


# Spaces


@pytest.mark.parametrize("space", [NB, THIN, NARROW])
def test_a_no_break_or_thin_space_marks_thousands(space: str) -> None:
    text = "Palkat 1 234_567 123_400 7\nVuokrat 345 12_001 8\nMuut 5 999 1_000\n".replace("_", space)
    table = _table(text.replace("1 234", f"1{space}234"))
    assert _texts(table) == [
        ["Palkat", f"1{space}234{space}567", f"123{space}400", "7"],
        ["Vuokrat", "345", f"12{space}001", "8"],
        ["Muut", "5", "999", f"1{space}000"],
    ]
    assert table.sheet.notices[0].detail == ("spacing",)


LAYOUT = """
Taulukko 3. Menot ja tulot (1 000 euroa)

                                TP 2022      TA 2023     TAE 2024    Muutos
  3 § Palkat                     12 345       13 000      14 100      1 100
  Luku 23.01                      1 200                    1 300
  Vuokrat, toimitilat               345          300         280        -20
  Muut menot                         12            –           5          5
  Tulot                         123 456 1 234 567 89     345 678    111 111

Tässä kappaleessa kerrotaan, että vuonna 2023 menoja oli 13 300
tuhatta euroa ja tuloja 234 567 tuhatta euroa. Kasvua on 12
prosenttia, ja henkilötyövuosia 345.
"""


def test_a_page_that_kept_its_layout_is_read_by_it() -> None:
    table = _table(LAYOUT.replace("1 234 567 89", "    234 567 "))
    assert _texts(table)[1:] == [
        ["", "TP 2022", "TA 2023", "TAE 2024", "Muutos"],
        ["3 § Palkat", "12 345", "13 000", "14 100", "1 100"],
        ["Luku 23.01", "1 200", "", "1 300", ""],
        ["Vuokrat, toimitilat", "345", "300", "280", "-20"],
        ["Muut menot", "12", "–", "5", "5"],
        ["Tulot", "123 456", "234 567", "345 678", "111 111"],
    ]
    assert not table.ambiguous


def test_columns_that_one_space_parts_are_found_by_their_right_edges() -> None:
    table = _table(
        "Menot              123 456 789 012    1 000\nPalkat              12 345   1 234      900\n"
        "Vuokrat              1 200     345       12\nMuut                   100  12 345        1\n"
    )
    assert _texts(table)[0] == ["Menot", "123 456", "789 012", "1 000"]


# Numbers as people write them


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("0", 0),
        ("1 234 567", 1234567),
        ("-40 100", -40100),
        ("\u221240 100", -40100),
        ("40 100-", -40100),
        ("(40 100)", -40100),
        ("1'234'567", 1234567),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1 234,50", 123450),
        ("12,5 %", 125),
        ("5 400 1)", 5400),
        ("14060741", 14060741),
    ],
)
def test_a_number_in_its_forms(text: str, digits: int) -> None:
    found = figure(text)
    assert found is not None
    assert found.digits == digits


@pytest.mark.parametrize(
    "text", ["060", "0 123", "1 23", "12 34 567", "1 2345", "(1 234", "-(5)", "12.5.2023", "1 234 56"]
)
def test_what_is_no_number(text: str) -> None:
    assert figure(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Palkat 1 234,50 −100,25 1 134,25\nVuokrat 12 345,00 678,10 13 023,10\nMuut −1 000,00 200,00 −800,00\n",
            ["1 234,50", "−100,25", "1 134,25"],
        ),
        (
            "Palkat 1 234 567 100- 1 234 467\nVuokrat 12 345 678- 11 667\nMuut (1 000) 1 200 200\n",
            ["1 234 567", "100-", "1 234 467"],
        ),
        (
            "Palkat 1 234 1 300 5,3 %\nVuokrat 12 345 13 023 5,5 %\nMuut 1 980 2 200 11,1 %\nSumma 15 559 16 523 6,2 %",
            ["1 234", "1 300", "5,3 %"],
        ),
        (
            "Wages 1,234 1,300 66\nRent (200) 150 350\nOther 12,345 123 (12,222)\nTotal 13,379 1,573 (11,806)",
            ["1,234", "1,300", "66"],
        ),
        ("Löhne 1'234 1'300 2'534\nMieten 200 150 350\nTotal 1'434 1'450 2'884", ["1'234", "1'300", "2'534"]),
    ],
)
def test_tables_in_other_forms(text: str, expected: list[str]) -> None:
    table = _table(text)
    assert _texts(table)[0][1:] == expected
    assert not table.ambiguous


def test_a_dash_is_a_blank_cell_and_not_nought() -> None:
    table = _table("A 1 200 - 1 200\nB 12 345 678 13 023\nC – 999 999\nD 1 100 2 950 4 050\n")
    assert _texts(table)[0] == ["A", "1 200", "-", "1 200"]
    assert _texts(table)[2] == ["C", "–", "999", "999"]


# Labels and headers


def test_digits_in_labels_stay_there() -> None:
    table = _table(
        "Alue 1 400 500 900\nAlue 2 12 500 14 345 26 845\nAlue 3 13 345 13 350 26 695\n"
        "Hankkeet 1) 14 000 23 345 37 345\n3 § Menot 700 2 800 3 500\nYhteensä 40 945 54 340 95 285\n"
    )
    assert _texts(table) == [
        ["Alue 1", "400", "500", "900"],
        ["Alue 2", "12 500", "14 345", "26 845"],
        ["Alue 3", "13 345", "13 350", "26 695"],
        ["Hankkeet 1)", "14 000", "23 345", "37 345"],
        ["3 § Menot", "700", "2 800", "3 500"],
        ["Yhteensä", "40 945", "54 340", "95 285"],
    ]


def test_years_in_the_first_place_are_labels_and_years_above_a_header() -> None:
    table = _table("Vuosi Menot Tulot Netto\n2019 12 345 13 345 1 000\n2020 12 500 14 345 1 845\n2021 345 350 5\n")
    assert [row[0] for row in _texts(table)[1:]] == ["2019", "2020", "2021"]
    headed = _table("2021 2022 2023\nHenkilöstö 123 145 167\nNaisia 23 45 67\nMiehiä 100 100 100\n")
    assert _texts(headed)[0] == ["", "2021", "2022", "2023"]
    assert _texts(headed)[1] == ["Henkilöstö", "123", "145", "167"]


def test_a_first_cell_that_may_be_torn_from_the_label_is_not_taken() -> None:
    rows = "A 12 400 530 080 542 480\nB 12 816 738 020 750 836\nC 00 350 124 500 126 850\nD 900 53 900 54 800\n"
    found = _texts(_table(rows))
    assert found[0][1:] == ["12 400", "530 080", "542 480"]
    assert not any(found[2][1:])


def test_prose_is_no_table() -> None:
    assert not text_sheets(_page(LAYOUT.partition("Tässä")[2]))
    assert not text_sheets(
        _page(
            "Vuonna 2023 menot olivat yhteensä 13 300\neuroa, ja tulot puolestaan 14 500 euroa. Henkilöitä oli 345\n"
            "henkilöä, joista naisia 200 ja miehiä\n145. Vuonna 2022 menot olivat 12\nmiljoonaa euroa.\n"
        )
    )


def test_tables_that_stand_close_are_told_apart() -> None:
    text = (
        "Tulot 1 200 2 300 3 500\nMenot 12 300 800 13 100\nMuut 7 110 12 007 19 117\nYhteensä 20 610 15 107 35 717\n\n"
        "Toinen taulukko\n2022 2023\nHenkilöstö 45 67\nNaisia 23 45\nMiehiä 22 22\n"
    )
    first, second = text_sheets(_page(text))
    assert _texts(first)[3] == ["Yhteensä", "20 610", "15 107", "35 717"]
    assert _texts(second) == [
        ["Toinen taulukko"],
        ["", "2022", "2023"],
        ["Henkilöstö", "45", "67"],
        ["Naisia", "23", "45"],
        ["Miehiä", "22", "22"],
    ]


def test_places_in_a_pdf_and_in_the_middle_of_a_file() -> None:
    text = "A 1 200 2 300 3 500\nB 12 300 800 13 100\nC 7 110 12 007 19 117\n"
    (table,) = text_sheets(_page(text, first_line=11, page=3))
    assert table.sheet.rows[1][2].place == "page 3, 12:10"
    assert table.sheet.source == "page.txt"


# Bounds


def test_a_search_that_is_too_long_says_so() -> None:
    chance = random.Random(5)  # noqa: S311
    rows = [[chance.randint(100_000, 999_999) for _ in range(12)] for _ in range(6)]
    text = "\n".join(f"R{chr(97 + r)} " + " ".join(map(_spaced, [*row, sum(row)])) for r, row in enumerate(rows))
    (table,) = text_sheets(_page(text), steps=500)
    assert "not_searched" in _codes(table)
    assert not any(any(row[1:]) for row in _texts(table))
    with pytest.raises(ExhaustedError):
        Budget(3).spend(4)


def test_a_long_page_of_prose_and_tables_gives_the_tables_alone() -> None:
    chance = random.Random(1)  # noqa: S311
    lines: list[str] = []
    for _ in range(40):
        lines += [" ".join(["sana"] * 9) + f" {chance.randint(1, 900)}"] * 20 + [""]
        figures = [[chance.randint(0, 10**6) for _ in range(3)] for _ in range(8)]
        lines += [f"Rivi {_spaced(a)} {_spaced(b)} {_spaced(c)} {_spaced(a + b + c)}" for a, b, c in figures] + ["", ""]
    tables = text_sheets(TextPage("book", tuple(lines)))
    assert len(tables) == 40
    assert all(len(t.sheet.rows) == 8 for t in tables)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "12", "a 1\n", "- - -\n- - -\n", "\x00 1 2\n\x00 3 4\n", "1 " * 400 + "\n" + "2 " * 400]
)
def test_odd_pages_do_no_harm(text: str) -> None:
    text_sheets(_page(text))


# Parts


def test_solutions_are_all_the_readings_with_the_sum() -> None:
    row = read_row(0, "A 14 060 741 530 080 322 500 14 913 321")
    assert row is not None
    graph = graph_of(row, FREE, 0)
    all_of_them = solutions(graph, 4, (), Budget(10**6))
    assert len(all_of_them) == graph.count(4)
    assert [r for r in all_of_them if sum(r.values[:-1]) == r.values[-1]] == solutions(
        graph, 4, ((1, 1, 1, -1),), Budget(10**6)
    )
    assert (1, 1, 1, -1) in patterns_in([14060741, 530080, 322500, 14913321])


def test_a_label_broken_over_lines_is_joined() -> None:
    (run,) = runs_of(["A", "B 1 200 300", "", "Pitkä nimi", "jatkuu 100 200", "", "C 4 5"])
    assert [r.label for r in run.rows] == ["A B", "Pitkä nimi jatkuu", "C"]


# Properties


@st.composite
def _tables(draw: st.DrawFn) -> list[list[int]]:
    columns, count = draw(st.integers(2, 6)), draw(st.integers(2, 9))
    sizes = draw(st.lists(st.sampled_from([30, 999, 9_999, 999_999, 20_000_000]), min_size=columns, max_size=columns))
    low = draw(st.sampled_from([0, 0, -1]))
    values = [[draw(st.integers(low * size, size)) for size in sizes] for _ in range(count)]
    rows = [[*row, sum(row)] for row in values]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def _wrong(rows: list[list[str]], text: str) -> list[tuple[list[str], list[str]]]:
    """Give the rows that were settled otherwise than they were printed."""
    result = []
    for table in text_sheets(_page(text)):
        for row in table.sheet.rows:
            if len(row) > 1 and any(c.text for c in row[1:]):
                line = int(row[0].place.partition(":")[0]) - 1
                given_cells = [c.text for c in row[1:]]
                if given_cells != rows[line]:
                    result.append((rows[line], given_cells))
    return result


@given(_tables())
@settings(max_examples=150, deadline=None)
def test_a_settled_row_is_the_one_that_was_printed(rows: list[list[int]]) -> None:
    printed = [[_spaced(v) for v in row] for row in rows]
    text = "\n".join(" ".join([f"Rivi {chr(97 + r)}", *row]) for r, row in enumerate(printed))
    assert not _wrong(printed, text)


@given(_tables(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_with_a_wrong_figure_a_settled_row_is_still_the_one_that_was_printed(
    rows: list[list[int]], chance: random.Random
) -> None:
    r, c = chance.randrange(len(rows)), chance.randrange(len(rows[0]))
    digits = list(str(abs(rows[r][c])))
    digits[chance.randrange(len(digits))] = chance.choice("123456789")
    rows[r][c] = int("".join(digits)) * (-1 if rows[r][c] < 0 else 1)
    printed = [[_spaced(v) for v in row] for row in rows]
    text = "\n".join(" ".join([f"Rivi {chr(97 + r)}", *row]) for r, row in enumerate(printed))
    assert not _wrong(printed, text)


@given(_tables())
@settings(max_examples=40, deadline=None)
def test_no_break_spaces_settle_everything(rows: list[list[int]]) -> None:
    printed = [[_spaced(v).replace(" ", NB) for v in row] for row in rows]
    lines = [" ".join([f"Rivi {chr(97 + r)}", *row]) for r, row in enumerate(printed)]
    if not any(NB in line for line in lines):
        return
    (table,) = text_sheets(_page("\n".join(lines)))
    assert [row[1:] for row in _texts(table)] == printed
