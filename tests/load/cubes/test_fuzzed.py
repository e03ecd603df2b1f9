"""Answers of offices with one part replaced by anything: each is a whole table or a sentence, never a fault of ours."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.fetched import SourceError
from tulosvahti.core.text import Text
from tulosvahti.load.cubes import read_cube
from tulosvahti.load.cubes.rows import records_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sources.pxweb_selection import SelectionError, Wanted, chosen, fault_of
from tulosvahti.load.sources.pxweb_servers import Answer, TooLargeError, Version1, Version2
from tulosvahti.problem import Place

STAT: dict[str, Any] = {
    "version": "2.0", "class": "dataset", "label": "Väestö", "source": "Virasto", "updated": "2026-04-01T05:00:00Z",
    "note": ["* ennakkotieto"], "id": ["Alue", "Vuosi", "Tiedot"], "size": [2, 2, 1],
    "role": {"time": ["Vuosi"], "metric": ["Tiedot"]},
    "dimension": {
        "Alue": {"label": "Alue", "category": {"index": {"SSS": 0, "A": 1}, "label": {"SSS": "Koko maa"}, "child": {"SSS": ["A"]}}},
        "Vuosi": {"label": "Vuosi", "category": {"index": ["2024", "2025"], "label": {"2025": "2025*"}, "note": {"2025": ["x"]}}},
        "Tiedot": {"category": {"label": {"n": "Määrä"}, "unit": {"n": {"base": "kpl", "decimals": 0}}}, "extension": {"elimination": True, "codelists": [{"id": "agg_x"}]}},
    },
    "value": [1, None, 3.5, "4"], "status": {"1": ".."},
    "extension": {"px": {"aggregallowed": False, "tableid": "T"}, "status": {"label": {"..": "puuttuu"}}, "tulosvahti": {"provisional": [3], "remarks": {"0": "Imputed"}}},
}  # fmt: skip
PX: dict[str, Any] = {
    "columns": [{"code": "Alue", "text": "Alue", "type": "d"}, {"code": "Vuosi", "type": "t", "comment": "* x\r\n"}, {"code": "n", "type": "c", "unit": "kpl"}],
    "comments": [{"variable": "Vuosi", "value": "2025", "comment": "* ennakkotieto\r\n"}],
    "data": [{"key": ["SSS", "2024"], "values": ["1"]}, {"key": ["SSS", "2025"], "values": [".."], "comment": ["x"]}],
    "metadata": [{"updated": "2024-07-26T05.00.00Z", "label": "x", "source": "y"}],
}  # fmt: skip
META = {"title": "x", "variables": [{"code": "Vuosi", "text": "v", "values": ["2024"], "valueTexts": ["2024"], "time": True}, {"code": "n", "text": "n", "values": ["a"], "valueTexts": ["A"], "elimination": True}]}
CONFIG = {"maxDataCells": 10, "maxCallsPerTimeWindow": 3, "timeWindow": 2, "languages": [{"id": "fi"}], "maxValues": 5, "maxCells": 9}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6) | st.sampled_from(["SSS", "2025", "..", "1 204", "-0", "1e999999", "²"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from(["0", "1", "index", "value", "id"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, whole: Any) -> bytes:
    made = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(made)))
        if not path:
            made = draw(ANYTHING)
            break
        node = made
        for key in path[:-1]:
            node = node[key]
        if draw(st.booleans()):
            node[path[-1]] = draw(ANYTHING)
        elif isinstance(node, dict):
            del node[path[-1]]
        else:
            node.insert(path[-1], draw(ANYTHING))
    return json.dumps(made).encode()


CONTRACT = Contract(
    "t", Text(), "t.json",
    (Field("v", FieldType.NUMBER, header="value"), Field("y", FieldType.YEAR, header="Vuosi"), Field("n", FieldType.INTEGER), Field("p", FieldType.BOOLEAN, header="provisional")),
    Place("t.yaml"),
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(mutated(STAT) | mutated({"dataset": STAT}) | mutated(PX))
def test_an_answer_is_a_whole_table_or_a_sentence(content: bytes) -> None:
    try:
        cube = read_cube(content)
    except UnreadableError as error:
        told = [str(error), error.next_step]
        cube = None
    else:
        told = ["a table, or other JSON"]
    assert all(told)
    if cube is None:
        return
    assert len(cube.values) == cube.cells
    assert all(cube.values[at] is None for at in cube.symbols)
    assert all(0 <= at < cube.cells for at in cube.provisional)
    records = records_of(CONTRACT, cube)
    lengths = {len(column) for column in records.columns if len(column)}
    assert lengths <= {len(records.numbers)}
    if records.numbers and records.keys is not None:
        assert records.keys[0]


@settings(max_examples=400, deadline=None)
@given(mutated(META), mutated(CONFIG), mutated(STAT), st.sampled_from([200, 200, 200, 400, 403, 404, 413]))
def test_what_servers_say_of_themselves_is_read_or_refused(meta: bytes, config: bytes, data: bytes, status: int) -> None:
    def ask(url: str, body: Any) -> Answer:
        if url.endswith("config"):
            return Answer(200, config)
        return Answer(status if body else 200, data if body or "metadata" in url else meta)

    for server in (Version1(ask, "https://x.example/api/v1/fi", "a.px"), Version2(ask, "https://x.example/api/v2", "T", "fi")):
        try:
            limits = server.limits()
            assert limits.cells >= 1
            table = server.table()
            selection = chosen(table.variables, {"Vuosi": Wanted(("top(1)",)), "n": Wanted(("*",))})
            server.data(selection)
        except (SourceError, SelectionError, TooLargeError) as error:
            said = str(error)
        else:
            said = "a table"
        assert said


@given(st.text(max_size=30) | st.from_regex(r"(top|from|to|range|bottom)\([^()]{0,9}\)", fullmatch=True))
def test_any_expression_has_a_fault_or_is_one(text: str) -> None:
    assert isinstance(fault_of(text), str)
