"""Tables of statistical offices in each of their forms: the same figures, exact, and nothing that is not whole."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.core.cube import Category, Cube, Dimension
from tulosvahti.load.cubes import may_be_cube, read_cube
from tulosvahti.load.cubes.marks import AGGREGATION, read_stamp, says_preliminary, why_not_additive
from tulosvahti.load.cubes.writing import json_stat_of
from tulosvahti.load.records import UnreadableError

CASES = Path(__file__).parents[1] / "sheets" / "data"
REGION = {"label": "Alue", "category": {"index": {"SSS": 0, "KU091": 1}, "label": {"SSS": "KOKO MAA", "KU091": "Helsinki"}}}
YEAR = {"label": "Vuosi", "category": {"index": ["2024", "2025"], "label": {"2024": "2024", "2025": "2025*"}}}
WHAT = {"label": "Tiedot", "category": {"label": {"vaesto": "Väestö"}, "unit": {"vaesto": {"base": "henkilö", "decimals": 0}}}}


def data(**changes: Any) -> dict[str, Any]:
    base = {
        "version": "2.0",
        "class": "dataset",
        "label": "Väestö",
        "source": "Tilastokeskus",
        "updated": "2026-04-01T05:00:00Z",
        "id": ["Alue", "Vuosi", "Tiedot"],
        "size": [2, 2, 1],
        "role": {"time": ["Vuosi"], "metric": ["Tiedot"], "geo": ["Alue"]},
        "dimension": {"Alue": REGION, "Vuosi": YEAR, "Tiedot": WHAT},
        "value": [5_635_971, 5_652_881, 684_018, 694_392],
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def cube(content: Any, **options: Any) -> Cube:
    found = read_cube(content if isinstance(content, bytes) else json.dumps(content).encode(), **options)
    assert found is not None
    return found


def refusal(content: Any) -> str:
    with pytest.raises(UnreadableError) as caught:
        cube(content)
    assert caught.value.next_step
    return str(caught.value)


def test_version_2() -> None:
    found = cube(data())
    assert found.figure("KU091", "2025", "vaesto") == 694_392
    assert [item.role for item in found.dimensions] == ["geo", "time", "metric"]
    assert found.dimensions[2].categories[0] == Category("vaesto", "Väestö", (), "henkilö", 0)
    assert (found.title, found.source, found.cells) == ("Väestö", "Tilastokeskus", 4)


def test_version_1_wraps_the_dataset_and_its_shape() -> None:
    new = data()
    inner = {key: new[key] for key in ("label", "value", "updated")}
    inner["dimension"] = new["dimension"] | {key: new[key] for key in ("id", "size", "role")}
    assert cube({"dataset": inner}).values == cube(new).values
    assert cube({"dataset": inner}).dimensions == cube(new).dimensions


def test_one_of_several_datasets_is_named() -> None:
    both = {"väestö": data(), "työlliset": data(value=[1, 2, 3, 4])}
    assert "several datasets: väestö, työlliset" in refusal(both)
    assert cube(both, dataset="työlliset").figure("SSS", "2024", "vaesto") == 1
    with pytest.raises(UnreadableError, match="no dataset 'tyo'; found: väestö, työlliset"):
        cube(both, dataset="tyo")


def test_a_collection_with_one_table_in_it_is_that_table_and_one_of_links_is_none() -> None:
    item = data()
    inside = {"version": "2.0", "class": "collection", "link": {"item": [{"class": "dataset", "href": "https://x.example"}, item]}}
    assert cube(inside).values == cube(item).values
    inside["link"]["item"].pop()
    assert "collection of links" in refusal(inside)


def test_a_sparse_table_has_missing_figures_and_no_zeros() -> None:
    found = cube(data(value={"0": 5_635_971, "3": 694_392}, status={"1": ".."}))
    assert found.values == [5_635_971, None, None, 694_392]
    assert found.symbols == {1: ".."}
    assert found.meaning("..") == "not available"


@pytest.mark.parametrize(
    ("status", "symbols"),
    [
        (["", ".", "..", ""], {1: ".", 2: ".."}),
        ({"1": ".", "2": "..."}, {1: ".", 2: "..."}),
        (":", {1: ":", 2: ":"}),
        ([".."], {1: "..", 2: ".."}),
        (None, {}),
    ],
)
def test_status_in_each_of_its_forms(status: Any, symbols: dict[int, str]) -> None:
    found = cube(data(value=[1, None, None, 4], status=status))
    assert found.values == [1, None, None, 4]
    assert {at: symbol for at, symbol in found.symbols.items() if symbol} == symbols


def test_digits_are_kept_from_the_wire() -> None:
    text = json.dumps(data()).replace("5635971", "0.10").replace("694392", "12345678901234567890.123456789")
    found = cube(text.encode())
    assert str(found.figure("SSS", "2024", "vaesto")) == "0.10"
    assert str(found.figure("KU091", "2025", "vaesto")) == "12345678901234567890.123456789"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": [1, 2, 3]}, "it has 3 figures, and the product of its sizes is 4: the answer was cut"),
        ({"value": [1, 2, 3, 4, 5]}, "there are too many"),
        ({"value": {"4": 1}}, "there is a figure at '4', and the sizes give 4 places from 0"),
        ({"value": 17}, "`value` is neither a list nor an object"),
        ({"value": [1, 2, 3, "1 204"]}, "figure 3 of `value`: '1 204' is neither a number with a decimal point nor a symbol"),
        ({"value": [1, 2, 3, True]}, "'True' is neither a number nor a symbol"),
        ({"size": [2, 2]}, "`id` names 3 dimensions (Alue, Vuosi, Tiedot) and `size` has 2"),
        ({"size": [3, 2, 1]}, "dimension 'Alue' has 2 values, and its size is 3"),
        ({"size": ["2", 2, 1]}, "`size` is no list of whole numbers"),
        ({"id": ["Alue", "Vuosi", "Muu"]}, "dimension 'Muu' is named in `id` and is not there"),
        ({"status": ["a", "b"]}, "`status` has 2 items, and there are 4 figures"),
        ({"dimension": {"Alue": {"category": {"index": {"SSS": 0, "KU091": 2}}}, "Vuosi": YEAR, "Tiedot": WHAT}}, "the positions of the values of 'Alue' are not 0 to 1"),
        ({"dimension": {"Alue": {"category": {"index": ["SSS", "SSS"]}}, "Vuosi": YEAR, "Tiedot": WHAT}}, "dimension 'Alue' has the code 'SSS' twice"),
        ({"dimension": {"Alue": {"category": {"label": {"a": "A", "b": "B"}}}, "Vuosi": YEAR, "Tiedot": WHAT}}, "has 2 values and no `index` that orders them"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_whole_is_refused(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(data(**changes))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(data()).encode()[:-20], "answer is not whole JSON"),
        (json.dumps(data()).replace("694392", "NaN").encode(), "NaN is no number"),
        (b'{"dimension": {}, "value": [], "value": [1]}', "the name 'value' stands twice"),
        (b'{"dimension":' + b"[" * 200_000, "answer is"),
        (json.dumps(data()).encode("utf-16"), "answer is not whole JSON"),
        (json.dumps(data(size=[2, 2, 1], dimension={"Alue": {"category": {"index": [str(n) for n in range(6000)]}}, "Vuosi": {"category": {"index": [str(n) for n in range(6000)]}}, "Tiedot": WHAT}) | {"size": [6000, 6000, 1], "value": {}}).encode(), "it has 36000000 figures; allowed: at most 20000000"),
    ],
)  # fmt: skip
def test_hostile_answers_end_in_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_cube(content)


def test_preliminary_by_the_asterisk_of_a_period_a_note_or_a_flag() -> None:
    assert cube(data()).provisional == {1, 3}
    noted = YEAR["category"] | {"label": {}, "note": {"2024": ["Preliminära uppgifter\r\n"]}}
    assert cube(data(dimension={"Alue": REGION, "Vuosi": {"category": noted}, "Tiedot": WHAT})).provisional == {0, 2}
    plain = {"category": {"index": ["2024", "2025"]}}
    flagged = data(dimension={"Alue": REGION, "Vuosi": plain, "Tiedot": WHAT}, status={"0": "p", "1": "b", "2": "ep"})
    found = cube(flagged)
    assert found.provisional == {0, 2}
    assert found.remarks == {0: "p", 1: "b", 2: "ep"}
    labelled = flagged | {"extension": {"status": {"label": {"p": "break in series", "b": "provisional"}}}}
    assert cube(labelled).provisional == {1, 2}


def test_an_asterisk_that_the_table_explains_otherwise_is_no_mark() -> None:
    assert not cube(data(note=["* Aikasarja katkeaa"])).provisional
    assert cube(data(note=["* ennakkotieto"])).provisional == {1, 3}


@pytest.mark.parametrize(
    ("text", "preliminary"),
    [
        ("* ennakkotieto", True), ("Preliminary figures", True), ("Siffrorna är preliminära", True), ("alustava tieto", True),
        ("Foreløpige tall", True), ("Luvut ovat lopullisia", False), ("The figures are final, not preliminary", False), ("", False),
    ],
)  # fmt: skip
def test_words_for_preliminary(text: str, preliminary: bool) -> None:
    assert says_preliminary(text) is preliminary


@pytest.mark.parametrize(
    ("note", "additive"),
    [
        ("Röjandeskydd har införts med Cell Key Method (CKM). Redovisade delar summerar inte alltid till totalen.", False),
        ("Totals need not add up: random noise is added to all figures.", False),
        ("The source is not additive", False),
        ("Tietoihin on lisätty satunnaiskohinaa, joten osat eivät summaudu.", False),
        ("Due to rounding, the sums may not add up.", True),
        ("Pyöristysten vuoksi luvut eivät aina summaudu.", True),
        ("Mukana vain vakinainen väestö.", True),
    ],
)  # fmt: skip
def test_notes_that_say_that_parts_do_not_make_their_total(note: str, additive: bool) -> None:
    found = cube(data(note=[note]))
    assert found.not_additive == ("" if additive else note)
    assert found.notes == (note,)


def test_aggregallowed_alone_says_it_too() -> None:
    assert cube(data(extension={"px": {"aggregallowed": False}})).not_additive == AGGREGATION
    assert not cube(data(extension={"px": {"aggregallowed": True}})).not_additive
    assert why_not_additive(["kohinaa"], allowed=True) == "kohinaa"


def test_children_know_their_parent() -> None:
    tree = {"category": {"index": ["A", "A1", "A2"], "child": {"A": ["A1", "A2"]}}}
    found = cube(data(size=[3, 2, 1], dimension={"Alue": tree, "Vuosi": YEAR, "Tiedot": WHAT}, value=[1] * 6))
    assert [one.parent for one in found.dimensions[0].categories] == ["", "A", "A"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-07-26T05.00.00Z", "2024-07-26T05:00:00+00:00"),
        ("2024-07-26T05:00:00Z", "2024-07-26T05:00:00+00:00"),
        ("2026-07-01T18:34:16", "2026-07-01T18:34:16"),
        ("2026-07-01T08:00:00.1234567+03:00", "2026-07-01T08:00:00.123456+03:00"),
        ("2024-07-26T25.00.00Z", None),
        ("2024-07-26", None),
        ("tomorrow", None),
    ],
)
def test_times_of_update(text: str, moment: str | None) -> None:
    found = read_stamp(text)
    assert (found.isoformat() if found else None) == moment


def test_r32_statistics_finland_in_the_json_of_pxweb() -> None:
    found = cube((CASES / "R32.json").read_bytes())
    assert found.figure("2023Q4", "pks", "indeksi") == Decimal("94.8")
    at = found.at("2024Q1", "pks", "indeksi")
    assert (found.values[at], found.symbols[at]) == (None, ".")
    assert found.provisional == {found.at("2024Q2", "pks", "indeksi")}
    # The comment on the column explains the mark and marks nothing; line ends are gone.
    assert found.dimensions[0].notes == ("* ennakkotieto",)
    moment = read_stamp(found.updated)
    assert moment is not None
    assert moment.isoformat() == "2024-07-26T05:00:00+00:00"


def test_r34_the_same_code_in_two_dimensions_is_told_apart_by_position() -> None:
    found = cube((CASES / "R34.json").read_bytes())
    def people(region: str, sex: str) -> Decimal:
        figure = found.figure(region, sex, "2025", "vaesto")
        assert figure is not None
        return figure
    assert people("SSS", "1") + people("SSS", "2") == people("SSS", "SSS") == 5_652_881
    assert people("KU091", "1") + people("KU091", "2") == people("KU091", "SSS") == 694_392


def px_json(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "columns": [{"code": "Alue", "text": "Alue"}, {"code": "Kk", "text": "Kuukausi", "type": "t"}, {"code": "n", "text": "Määrä", "type": "c", "unit": "kpl"}, {"code": "osuus", "text": "Osuus", "type": "c"}],
        "comments": [],
        "data": [{"key": ["a", "2024M01"], "values": ["1", "0.50"]}, {"key": ["a", "2024M02"], "values": ["..", "-"], "comment": ["", "Imputed"]}],
        "metadata": [{"updated": "2024-07-26T05.00.00Z", "label": "Lupa", "source": "Virasto"}],
    }  # fmt: skip
    return base | changes


def test_px_json_with_two_contents() -> None:
    found = cube(px_json())
    assert found.sizes == (1, 2, 2)
    assert found.figure("a", "2024M01", "osuus") == Decimal("0.50")
    assert found.symbols == {2: "..", 3: "-"}
    assert found.meaning("-") == "nil: nothing occurred"
    assert found.remarks == {3: "Imputed"}
    assert found.dimensions[2].categories[0].unit == "kpl"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": [px_json()["data"][0], {"key": ["b", "2024M02"], "values": ["1", "2"]}]}, "it has 2 rows, and its codes make 2 x 2 = 4: the answer was cut"),
        ({"data": [px_json()["data"][0]] * 2}, "codes make 1 x 1 = 1"),
        ({"data": [{"key": ["a"], "values": ["1", "2"]}]}, "row 1 has 1 codes and 2 values; 2 codes and 2 values are expected"),
        ({"data": [{"key": ["a", "2024M01"], "values": ["1,5", "2"]}]}, "row 1 (a, 2024M01): '1,5' is neither"),
        ({"data": ["x"]}, "row 1 has no key and values"),
        ({"columns": [{"code": "Alue"}], "data": []}, "none of its columns has contents"),
    ],
)  # fmt: skip
def test_px_json_that_is_not_whole_is_refused(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(px_json(**changes))


@pytest.mark.parametrize("name", ["R38.json"])
def test_other_json_is_no_table_of_an_office(name: str) -> None:
    content = (CASES / name).read_bytes()
    assert not may_be_cube(content)
    assert read_cube(content) is None


def test_what_may_be_one_is_seen_without_reading() -> None:
    assert may_be_cube(json.dumps(data()).encode("utf-8-sig"))
    assert may_be_cube((CASES / "R32.json").read_bytes())
    assert not may_be_cube(b"a;b\n1;2\n")


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
CODES = st.lists(st.text("abÄ1. ", min_size=1, max_size=4), min_size=1, max_size=3, unique=True)


@st.composite
def cubes(draw: st.DrawFn) -> Cube:
    names = draw(st.lists(st.sampled_from(["Alue", "Vuosi", "Sukupuoli"]), min_size=1, max_size=3, unique=True))
    dimensions = tuple(
        Dimension(name, name, tuple(Category(code, " ".join(code.split()) or code) for code in draw(CODES)), "time" if name == "Vuosi" else "")
        for name in names
    )  # fmt: skip
    cells = 1
    for item in dimensions:
        cells *= len(item.categories)
    values = draw(st.lists(st.none() | NUMBERS, min_size=cells, max_size=cells))
    symbols = {at: draw(st.sampled_from([".", "..", ":"])) for at, value in enumerate(values) if value is None}
    places = st.sets(st.integers(0, cells - 1))
    remarks = {at: "Imputed" for at in draw(places) if values[at] is not None}
    return Cube(dimensions, values, symbols, frozenset(draw(places)), remarks, "Otsikko", "Virasto", "11ra", "2026-01-01", ("Huomautus",), draw(st.sampled_from(["", AGGREGATION])))  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(cubes())
def test_what_is_kept_reads_back_as_the_same_table(made: Cube) -> None:
    content = json_stat_of(made, {"address": "https://stat.example"})
    again = read_cube(content)
    assert again == made
    assert again is not None
    assert [str(value) for value in again.values] == [str(value) for value in made.values]
    assert json_stat_of(again, {"address": "https://stat.example"}) == content
