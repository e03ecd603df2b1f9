"""Tables of statistical offices over real sockets: both versions, their limits and windows, and servers that misbehave."""

from __future__ import annotations

import json
import random
import re
import threading
from dataclasses import replace
from math import ceil, prod
from pathlib import Path
from typing import Any

import pytest
from pxweb_server import NAME, PATH, V1, V2, Office
from web_server import Answer

from tulosvahti.core.cube import Cube
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.cubes import read_cube
from tulosvahti.load.sources.pxweb import PxwebSource
from tulosvahti.problem import Place

REGIONS = ["SSS", *(f"KU{number:03}" for number in range(1, 30))]
MONTHS = [f"{year}M{month:02}" for year in (2023, 2024) for month in range(1, 13)]
SEXES = ["SSS", "1", "2"]


def table(**changes: Any) -> Office:
    variables = {"Alue": REGIONS, "Sukupuoli": SEXES, "Kuukausi": MONTHS, "Tiedot": ["vaesto"]}
    made = Office(variables, {"Alue": "Alue", "SSS": "KOKO MAA"}, "Kuukausi", "Tiedot", ("Sukupuoli",))
    return replace(made, **changes)


ALL = {"Alue": "*", "Sukupuoli": "*", "Kuukausi": "*", "Tiedot": "*"}


def source(web, api: int = 1, select: dict[str, Any] | None = None, **more: Any) -> PxwebSource:
    base = {"url": web.url + (V1 if api == 1 else V2), "table": PATH if api == 1 else NAME, "api": api, "select": select or ALL}
    return PxwebSource.model_validate(base | more)


@pytest.fixture
def open_office(web, fetch):
    def opened(office: Office) -> Office:
        office.clock = fetch.steady
        web.answer_to = office.answer_to
        return office

    return opened


def cube_of(fetch, came) -> Cube:
    assert came.kept.trouble is None, came.kept.trouble
    found = read_cube(fetch.content(came))
    assert found is not None
    return found


def check(office: Office, cube: Cube, selected: dict[str, list[str]]) -> None:
    """See that each cell of the selection came once, with its own figure."""
    assert {item.code: list(item.codes) for item in cube.dimensions} == selected
    wanted = [None if place in office.symbols else place for _, place in office.cells(selected)]
    assert [None if value is None else int(value) for value in cube.values] == wanted


WHOLE = {"Alue": REGIONS, "Sukupuoli": SEXES, "Kuukausi": MONTHS, "Tiedot": ["vaesto"]}


@pytest.mark.parametrize(("api", "form"), [(1, "json-stat2"), (1, "json-stat"), (1, "json"), (2, "json-stat2")])
def test_a_whole_table_in_one_query(fetch, web, open_office, api, form) -> None:
    office = open_office(table(symbols={5: ".", 7: ".."}, value_notes={"Kuukausi": {"2024M12": ["* ennakkotieto"]}}))
    came = fetch(source(web, api, format=form))
    cube = cube_of(fetch, came)
    check(office, cube, WHOLE)
    assert office.answered == 1
    assert cube.symbols == {5: ".", 7: ".."}
    assert {place % 24 for place in cube.provisional} == {23}
    assert [file.name for file in came.kept.files] == ["11ra.json" if api == 1 else "TAB1.json"]
    assert came.kept.facts["provisional"] == "90"


@pytest.mark.parametrize("api", [1, 2])
@pytest.mark.parametrize("cells", [1000, 97, 24, 7])
def test_any_limit_gives_the_same_table(fetch, web, open_office, api, cells) -> None:
    select = {"Alue": ["SSS", "KU0*"], "Kuukausi": "top(7)", "Sukupuoli": "*", "Tiedot": "vaesto"} if cells < 50 else ALL
    selected = WHOLE | ({"Kuukausi": MONTHS[-7:]} if cells < 50 else {})
    whole = cube_of(fetch, (open_office(table()), fetch(source(web, api, select)))[1])
    office = open_office(table(most_cells=cells))
    parts = cube_of(fetch, fetch(source(web, api, select), "again"))
    check(office, parts, selected)
    assert parts == whole
    assert max(office.sizes) <= cells
    assert office.answered <= ceil(prod(map(len, selected.values())) / cells) * 2


def test_any_selection_under_any_limits(fetch, web, open_office) -> None:
    chance = random.Random(20260301)  # noqa: S311 (a seeded order, no secret)
    for round_ in range(25):
        selected = {name: sorted(chance.sample(codes, chance.randint(1, min(len(codes), 9))), key=codes.index) for name, codes in WHOLE.items()}
        office = open_office(table(most_cells=chance.randint(1, 300), most_values=chance.choice([0, 12]), calls=chance.choice([0, 9]), window=10))
        select = {name: chance.sample(codes, len(codes)) for name, codes in selected.items()}
        cube = cube_of(fetch, fetch(source(web, chance.choice([1, 2]), select), f"round{round_}"))
        check(office, cube, selected)
        assert not office.refused


def test_b40_the_window_is_kept_and_no_call_is_refused(fetch, web, open_office) -> None:
    office = open_office(table(most_cells=50, calls=30, window=10))
    check(office, cube_of(fetch, fetch(source(web))), WHOLE)
    assert (office.answered, office.refused) == (45, 0)
    moments = [moment for moment, _ in office.asked]
    assert all(later - earlier >= 9.99 for earlier, later in zip(moments, moments[30:], strict=False))
    assert 0 < sum(fetch.pauses) < 11


def test_b40_over_its_own_figures(fetch, web, open_office) -> None:
    """The case's table, limits and answers, each hundredth cell of it."""
    case = json.loads((Path(__file__).parents[1] / "sheets" / "data" / "B40.json").read_text(encoding="utf-8"))
    server, cells = case["server"], case["cells_wanted"] // 100
    regions = [f"KU{number:04}" for number in range(cells // len(MONTHS))]
    faults = {at: lambda _answer: Answer(429, b"Too many requests", {"Retry-After": "1"}) for at, status in enumerate(case["answers"], 1) if status == 429}
    office = open_office(table(variables={"Alue": regions, "Kuukausi": MONTHS, "Tiedot": ["vaesto"]}, optional=(), most_cells=server["maxValues"] // 100, calls=server["maxCalls"], window=server["timeWindow"], faults=faults))
    wanted = {"Alue": regions, "Kuukausi": MONTHS, "Tiedot": ["vaesto"]}
    cube = cube_of(fetch, fetch(source(web, select=dict.fromkeys(wanted, "*"))))
    check(office, cube, wanted)
    assert len(cube.values) == cells
    assert office.answered > server["maxCalls"]


def test_b40_429_is_waited_out(fetch, web, open_office) -> None:
    # Somebody else asks from the same address: the window is full although we kept to it.
    office = open_office(table(most_cells=800, calls=30, window=10))
    office.asked += [(fetch.steady(), "somebody else")] * 28
    check(office, cube_of(fetch, fetch(source(web))), WHOLE)
    assert office.refused >= 1
    assert fetch.passed >= 10


def test_429_without_retry_after_waits_one_window(fetch, web, open_office) -> None:
    office = open_office(table(most_cells=800, calls=30, window=60, retry_after=False))
    office.asked += [(fetch.steady(), "somebody else")] * 28
    check(office, cube_of(fetch, fetch(source(web))), WHOLE)
    assert 60 <= fetch.passed < 130


def test_two_inputs_share_the_window_of_their_server(fetch, web, open_office) -> None:
    office = open_office(table(most_cells=100, calls=10, window=10))
    came: dict[str, Any] = {}
    threads = [threading.Thread(target=lambda name=name: came.update({name: fetch(source(web), name)})) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in came.values():
        check(office, cube_of(fetch, one), WHOLE)
    assert office.answered >= 44


def test_limits_that_only_headers_tell(fetch, web, open_office) -> None:
    office = open_office(table(most_cells=100))
    limited = replace(office, calls=12, window=60)

    def answer(asked):
        reply = limited.answer_to(asked)
        reply.headers["X-RateLimit-Policy"] = "12;w=60s"
        if asked.path.endswith("/config"):
            reply.body = reply.body.replace(b'"maxCallsPerTimeWindow": 12, "timeWindow": 60', b'"maxCallsPerTimeWindow": 0, "timeWindow": 0')
        return reply

    web.answer_to = answer
    check(office, cube_of(fetch, fetch(source(web, 2))), WHOLE)
    assert limited.refused == 0


def broken(what: str) -> Answer:
    return {
        "500": Answer(500, b"<html>"),
        "503": Answer(503),
        "cut off": Answer(raw=[b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{"]),
        "hung up": Answer(raw=[]),
    }[what]


@pytest.mark.parametrize("what", ["500", "503", "cut off", "hung up"])
@pytest.mark.parametrize("api", [1, 2])
def test_what_may_pass_is_tried_again(fetch, web, open_office, api, what) -> None:
    office = open_office(table(most_cells=900, faults={2: lambda _: broken(what), 3: lambda _: broken(what)}))
    check(office, cube_of(fetch, fetch(source(web, api))), WHOLE)
    assert fetch.pauses == [1, 2]


def test_all_or_nothing(fetch, web, open_office) -> None:
    good = fetch((open_office(table(most_cells=900)), source(web))[1])
    open_office(table(most_cells=900, updated="2026-05-01T05:00:00Z", faults={number: lambda _: Answer(503) for number in range(2, 99)}))
    came = fetch(source(web))
    assert came.kept.trouble is not None
    assert "answered 503 Service Unavailable (6 attempts" in came.kept.trouble.message
    assert not came.new
    assert came.kept.files == good.kept.files
    assert list((fetch.root / ".tulosvahti" / "work" / "fetching").iterdir()) == []


@pytest.mark.parametrize("api", [1, 2])
def test_an_answer_that_is_silently_cut_is_asked_for_in_smaller_parts(fetch, web, open_office, api) -> None:
    office = open_office(table(cut=300))
    cube = cube_of(fetch, fetch(source(web, api)))
    check(office, cube, WHOLE)
    # The limit is learnt once: what comes after it is not tried whole first.
    assert office.answered <= 14


def test_an_answer_that_is_cut_however_small_is_refused(fetch, web, open_office) -> None:
    office = open_office(table(cut=1))
    trouble = fetch(source(web)).kept.trouble
    assert trouble is not None
    assert "does not give what is asked for, not even in small parts: of Tiedot 1 of 1 values are missing (vaesto)" in trouble.message
    assert office.answered <= 10


def short(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def test_json_that_ends_early_is_no_answer(fetch, web, open_office) -> None:
    office = open_office(table(faults={1: short}))
    check(office, cube_of(fetch, fetch(source(web))), WHOLE)
    assert office.answered == 3


def test_a_table_that_changes_between_two_parts_is_begun_again(fetch, web, open_office) -> None:
    def publish(office: Office) -> None:
        if office.answered == 2:
            office.updated = "2026-05-01T05:00:00Z"

    office = open_office(table(most_cells=700, before_data=publish))
    cube = cube_of(fetch, fetch(source(web)))
    check(office, cube, WHOLE)
    assert cube.updated == "2026-05-01T05:00:00Z"
    assert office.answered == 3 + 4


def test_a_table_that_never_stops_changing_is_given_up(fetch, web, open_office) -> None:
    def publish(office: Office) -> None:
        office.updated = f"2026-05-01T05:00:{office.answered:02}Z"

    open_office(table(most_cells=700, before_data=publish))
    trouble = fetch(source(web)).kept.trouble
    assert trouble is not None
    assert trouble.message.endswith("was updated while it was fetched, 3 times")


def test_a_server_that_drips_is_given_up_at_the_deadline(fetch, web, open_office) -> None:
    office = open_office(table())
    answer = office.answer_to

    def dripping(asked):
        if asked.method == "POST":
            return Answer(raw=[b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *([b" "] * 99)], pause=0.2)
        return answer(asked)

    web.answer_to = dripping
    trouble = fetch(source(web, wait="2 s")).kept.trouble
    assert trouble is not None
    assert "was not all there after 2 s" in trouble.message


def test_what_takes_longer_than_there_is_time_is_refused_at_once(fetch, web, open_office) -> None:
    office = open_office(table(most_cells=10, calls=10, window=60))
    trouble = fetch(source(web, wait="5 min")).kept.trouble
    assert trouble is not None
    assert "select takes 216 queries" in trouble.message
    assert "raise `wait`" in trouble.next_step
    assert office.answered == 0


def test_a_table_too_large_to_hold_is_refused_at_once(fetch, web, open_office) -> None:
    many = [str(number) for number in range(3000)]
    office = open_office(Office({"a": many, "b": many}, most_cells=10**9))
    trouble = fetch(source(web, select={"a": "*", "b": "*"})).kept.trouble
    assert trouble is not None
    assert "select takes 9000000 figures" in trouble.message
    assert office.answered == 0


@pytest.mark.parametrize("api", [1, 2])
def test_all_that_is_wrong_with_a_selection_is_told_at_once(fetch, web, open_office, api) -> None:
    office = open_office(table())
    select = {"Aleu": "*", "Kuukausi": ["2024M13", "range(2024M05, 2024M01)"], "Tiedot": ["Vaesto"], "Alue": ["KOKO MAA", "KU9*"]}
    trouble = fetch(source(web, api, select)).kept.trouble
    assert trouble is not None
    for said in (
        "there is no variable 'Aleu' (did you mean 'Alue'?); allowed: Alue, Sukupuoli, Kuukausi, Tiedot",
        "variable 'Kuukausi': there is no value '2024M13' (did you mean '2023M12'?)" if "2023M12'?" in trouble.message else "there is no value '2024M13'",
        "range(2024M05, 2024M01) selects nothing: the first comes after the second",
        "variable 'Tiedot': there is no value 'Vaesto' (did you mean 'vaesto'?); there are 1: vaesto",
        "there is no value 'KOKO MAA'; that is the name of 'SSS'",
        "no value fits 'KU9*'; there are 30: SSS, KU001",
    ):
        assert said in trouble.message
    assert office.answered == 0


def test_a_code_whose_zeros_were_lost_is_found(fetch, web, open_office) -> None:
    open_office(Office({"Kunta": ["020", "091"], "Vuosi": ["2024"]}, time="Vuosi"))
    trouble = fetch(source(web, select={"Kunta": [20, "091"], "Vuosi": 2024})).kept.trouble
    assert trouble is not None
    assert "there is no value '20' (did you mean '020'? a code with leading zeros stands in quotes)" in trouble.message


def test_a_variable_that_may_be_left_out_is_and_is_said(fetch, web, open_office) -> None:
    for api in (1, 2):
        office = open_office(table())
        came = fetch(source(web, api, {"Alue": "SSS", "Kuukausi": "top(2)", "Tiedot": "*"}), f"a{api}")
        check(office, cube_of(fetch, came), {"Alue": ["SSS"], "Kuukausi": ["2024M11", "2024M12"], "Tiedot": ["vaesto"]})
        assert "not selected, so the office's total is taken: Sukupuoli" in came.kept.notices
    trouble = fetch(source(web, 1, {"Alue": "SSS"}), "b").kept.trouble
    assert trouble is not None
    assert "variable 'Kuukausi' cannot be left out; select some of its values, or \"*\"" in trouble.message


@pytest.mark.parametrize(
    ("expression", "months"),
    [
        ("top(3)", MONTHS[-3:]),
        ("TOP(2, 1)", MONTHS[-3:-1]),
        ("bottom(2)", MONTHS[:2]),
        ("from(2024M11)", MONTHS[-2:]),
        ("to(2023M02)", MONTHS[:2]),
        ("range(2023M12,2024M01)", ["2023M12", "2024M01"]),
        ("*M12", ["2023M12", "2024M12"]),
        ("2023M1?", ["2023M10", "2023M11", "2023M12"]),
        (["top(1)", "2023M01"], ["2023M01", "2024M12"]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_expressions_go_by_time_whatever_the_order_of_the_office(fetch, web, open_office, expression, months, turned) -> None:
    listed = MONTHS[::-1] if turned else MONTHS
    office = open_office(table(variables={"Alue": REGIONS, "Kuukausi": listed, "Tiedot": ["vaesto"]}))
    cube = cube_of(fetch, fetch(source(web, 1, {"Alue": ["top(2)"], "Kuukausi": expression, "Tiedot": "*"})))
    check(office, cube, {"Alue": REGIONS[:2], "Kuukausi": [code for code in listed if code in months], "Tiedot": ["vaesto"]})


def test_codelists(fetch, web, open_office) -> None:
    office = open_office(table(optional=("Alue", "Sukupuoli"), codelists={"agg_Maakunta": ["MK01", "MK02", "MK04"]}))
    rest = {"Kuukausi": "top(1)", "Tiedot": "*"}
    cube = cube_of(fetch, fetch(source(web, 2, {"Alue": {"codelist": "agg_Maakunta", "values": ["MK0?"]}, **rest}), "two"))
    assert cube.dimensions[0].codes == ("MK01", "MK02", "MK04")
    cube = cube_of(fetch, fetch(source(web, 1, {"Alue": {"codelist": "agg:Maakunta", "values": ["MK02"]}, **rest}), "one"))
    assert cube.dimensions[0].codes == ("MK02",)
    trouble = fetch(source(web, 2, {"Alue": {"codelist": "agg_Maakunat", "values": "*"}, **rest}), "three").kept.trouble
    assert trouble is not None
    assert "has no codelist 'agg_Maakunat' (did you mean 'agg_Maakunta'?); allowed: agg_Maakunta" in trouble.message
    assert office.answered == 2


def test_values_that_the_office_keeps_back_are_named(fetch, web, open_office) -> None:
    office = open_office(table(hidden=("Alue",)))
    cube = cube_of(fetch, fetch(source(web, 1, {"Alue": ["KU003", "SSS"], "Kuukausi": "top(1)", "Tiedot": "*"})))
    assert set(cube.dimensions[0].codes) == {"SSS", "KU003"}
    trouble = fetch(source(web, 1, ALL), "b").kept.trouble
    assert trouble is not None
    assert "variable 'Alue': the office does not list its values; name the codes themselves" in trouble.message
    assert office.answered == 1


def test_an_old_server_that_tells_no_limits_is_asked_carefully(fetch, web, open_office) -> None:
    office = open_office(table(config=False, variables={"Kunta": [str(n) for n in range(500)], "Vuosi": [str(n) for n in range(1990, 2030)]}, time="Vuosi"))
    came = fetch(source(web, 1, {"Kunta": "*", "Vuosi": "*"}))
    cube_of(fetch, came)
    assert max(office.sizes) <= 10_000
    assert any("does not tell its limits" in notice for notice in came.kept.notices)


@pytest.mark.parametrize(
    ("changes", "said", "step"),
    [
        ({"table": "StatFin/vaerak/11rb.px"}, "11rb.px is no table: answered 404", "mend url and table"),
        ({"table": "StatFin/vaerak"}, "is no table: it is a folder of tables", "mend url and table"),
        ({"api": 2, "language": "da", "table": NAME}, "has no language 'da'; allowed: fi, sv, en", "mend `language`"),
        ({"api": 2, "table": "TAB9"}, "TAB9/metadata is no table: answered 404", "mend url and table"),
    ],
)
def test_what_is_not_there_is_told(fetch, web, open_office, changes, said, step) -> None:
    open_office(table())
    trouble = fetch(source(web, **changes)).kept.trouble
    assert trouble is not None
    assert said in trouble.message
    assert trouble.next_step.startswith(step)


def test_version_1_taken_for_version_2(fetch, web, open_office) -> None:
    open_office(table())
    trouble = fetch(PxwebSource(url=web.url + V1, table=NAME, api=2, select=ALL)).kept.trouble
    assert trouble is not None
    assert "/config" in trouble.message


def test_version_2_is_not_asked_again_while_nothing_changes_unless_figures_are_preliminary(fetch, web, open_office) -> None:
    office = open_office(table())
    first, second = fetch(source(web, 2)), fetch(source(web, 2))
    assert (office.answered, second.new, second.kept.files) == (1, False, first.kept.files)
    office = open_office(table(value_notes={"Kuukausi": {"2024M12": ["Preliminära uppgifter"]}}, updated="2026-04-02T05:00:00Z"))
    third = fetch(source(web, 2))
    assert third.new
    # The office says that nothing changed; what is preliminary is asked for all the same, and a revision comes.
    revised = open_office(replace(office, answered=0, symbols={3: ".."}))
    assert fetch(source(web, 2)).new
    assert revised.answered == 1


def test_the_same_figures_give_the_same_bytes(fetch, web, open_office) -> None:
    open_office(table(most_cells=500))
    first = fetch(source(web), "a")
    open_office(table(most_cells=70))
    second = fetch(source(web), "b")
    assert first.kept.files[0].sha256 == second.kept.files[0].sha256
    assert not fetch(source(web), "b").new


def test_a_secret_header_goes_to_the_office_alone(fetch, web, open_office) -> None:
    office = open_office(table())
    seen: list[str] = []

    def answer(asked):
        seen.append(asked.headers.get("pw", ""))
        return office.answer_to(asked)

    web.answer_to = answer
    fetch.secrets["PX_PASSWORD"] = "hunter22"  # noqa: S105 (made up)
    cube_of(fetch, fetch(source(web, headers={"un": "ely", "pw": {"env": "PX_PASSWORD"}})))
    assert set(seen) == {"hunter22"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"language": "fi"}, "language: in version 1 it is a part of the url"),
        ({"api": 2, "format": "json"}, "format: version 2 has no json"),
        ({"url": "https://stat.example/api/v1/fi?x=1"}, "url: it ends before any ? or #"),
        ({"select": {"Vuosi": "top(0)"}}, "Vuosi: 'top(0)': top takes a count from 1"),
        ({"select": {"Vuosi": "range(2020)"}}, "Vuosi: 'range(2020)': range takes two codes"),
        ({"select": {"Vuosi": []}}, "Vuosi: nothing is selected"),
        ({"select": {"Alue": {"codelist": "agg:MK", "values": ["*"]}}}, "Alue: version 1 does not tell the values of agg:MK"),
        ({"headers": {"pw": "hunter22"}}, "pw: a secret stands in a file that is kept in git"),
    ],
)  # fmt: skip
def test_problems_of_a_declaration(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    base = {"url": "https://stat.example/api/v1/fi", "table": PATH, "api": 1, "select": {"Vuosi": "*"}}
    made = PxwebSource.model_validate(base | changes)
    problems = made.problems(lambda _: Place("inputs/x.yaml"), tmp_path)
    assert any(said in problem.message for problem in problems), problems
    assert all("hunter22" not in problem.message for problem in problems)


def test_a_sound_declaration_has_no_problems(tmp_path: Path) -> None:
    made = PxwebSource(url="https://stat.example/api/v1/fi", table=PATH, api=1, select={"Vuosi": "top(4)", "Alue": ["SSS"]})
    assert made.problems(lambda _: Place("inputs/x.yaml"), tmp_path) == []
    assert made.shown == "https://stat.example/api/v1/fi/StatFin/vaerak/11ra.px"
    assert made.identity != made.model_copy(update={"select": {"Vuosi": ["top(5)"]}}).identity


def test_the_examples_of_the_how_to_are_sound_contracts(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "inputs" / "README.md").read_text(encoding="utf-8")
    examples = [fence for fence in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "  pxweb:" in fence]
    (tmp_path / "inputs").mkdir()
    for number, example in enumerate(examples):
        (tmp_path / "inputs" / f"example{number}.yaml").write_text(example, encoding="utf-8")
    contracts, problems = load_contracts(tmp_path)
    assert problems == []
    assert len(contracts) == len(examples) == 2
