"""An input that is measured in its database, from the contract to the verdict, on a real server."""

from __future__ import annotations

import postgresql
import pytest
import sqlalchemy

from .conftest import VISITS, VISITS_CONTRACT, words

ROWS_RULE = """\
  - id: visit-costs-known
    title: Kustannukset
    quote: Kustannukset
    owner: agency
    rows: {input: visits, require: "cost < 1000", key: [visit_id]}
"""


@pytest.fixture(scope="module")
def server():
    if postgresql.programs() is None:
        pytest.skip(postgresql.ABSENT)
    with postgresql.server() as url:
        yield url


@pytest.fixture
def table(server):
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        run = connection.exec_driver_sql
        run("DROP TABLE IF EXISTS visits")
        run("CREATE TABLE visits (visit_id text, visited_on date, cost numeric)")
        run("INSERT INTO visits VALUES ('a', '2025-02-03', 1000.50), ('b', '2025-02-04', 2.25), ('c', '2025-02-05', 30)")
        yield run
    engine.dispose()


FREE = VISITS_CONTRACT.replace("primaryKey: [visit_id]\n", "").replace(", constraints: {required: true}", "")
FEW_RULES = """
  - id: visits-known
    title: Käynnit
    quote: Käynnit
    owner: agency
    measure: {input: visits, share: "visit_id = 'a'", period: visited_on, min_rows: {field: cost, least: 10}}
    target: {2025-Q1: "> 0", 2025-Q2: "> 0"}
  - id: visits-few
    title: Käynnit
    quote: Käynnit
    owner: agency
    measure: {input: visits, count: "*", period: visited_on, min_rows: {field: cost, least: 11}}
    target: {2025-Q1: "> 0"}
"""


def pushed(server: str, more: str = "", text: str = VISITS_CONTRACT) -> str:
    url = server.replace("+psycopg", "")
    contract = text.replace('dialect: {delimiter: ";"}\n', "")
    return contract.replace("path: visits.csv", f"fetch: {{database: {{url: '{url}', table: visits, push: true{more}}}}}")


def _input(found):
    return next(item for item in found["inputs"] if item["name"] == "visits")


def _told(found):
    """Give the words and numbers of the verdicts."""
    names = ("rule", "period", "verdict", "observed", "margin", "target", "provisional")
    counts = ("rows", "unknown_rows", "failing_rows", "workings")
    return [
        [item[name] for name in names] + [item["evidence"].get(name) for name in counts]
        for item in found["verdicts"]
        if item["rule"].startswith("visit")
    ]


def test_a_pushed_input_gives_the_verdicts_of_its_file(project, server, table):
    path = next(path for path in (project.root / "rules").glob("*.yaml") if "visit-costs" in path.read_text())
    path.write_text(path.read_text() + ROWS_RULE)
    project.write("inputs/visits.csv", VISITS)
    _, of_file = project.run("--rules", "visit*")
    project.write("inputs/visits.yaml", pushed(server))
    _, of_table = project.run("--rules", "visit*")
    assert _told(of_table) == _told(of_file)
    assert words(of_table) == {"visits": "met", "visit-costs": "met", "visit-costs-known": "missed"}
    evidence = next(item["evidence"] for item in of_table["verdicts"] if item["rule"] == "visit-costs-known")
    assert evidence["examples"] == [{"visit_id": "a"}]
    assert 'AS "input_visits"' in evidence["sql"]
    assert not list((project.root / ".tulosvahti" / "store" / "rows").glob("visits/*")) or _input(of_table)["sha256"] == ""
    table("INSERT INTO visits VALUES ('d', '2025-02-06', 2000)")
    _, after = project.run("--rules", "visit*")
    assert words(after)["visit-costs"] == "missed"


MAPPED = """\
agreement: agreement-1
section: "3"
title: Käynnit
rules:
  - id: visits-mapped
    title: Käynnit
    quote: Käynnit
    owner: agency
    measure: {input: visits, sum: cost, period: visited_on, by: [visit_id], mapping: {field: visit_id, input: changes, at: 2026-01-01}}
    target: {2025: ">= 3"}
"""
CHANGES = """\
title: Muutokset
path: changes.csv
mapping: {code: code, successor: successor, valid_from: valid_from, share: share}
fields:
  - {name: code, type: string}
  - {name: successor, type: string}
  - {name: valid_from, type: date}
  - {name: share, type: number}
"""


def test_mapped_and_shared_subjects_of_a_pushed_input(project, server, table):
    project.write("rules/3-mapped.yaml", MAPPED)
    project.write("inputs/changes.yaml", CHANGES)
    project.write("inputs/changes.csv", "code,successor,valid_from,share\na,x,2026-01-01,0.25\na,b,2026-01-01,0.75\nc,b,2026-01-01,\n")
    _, of_file = project.run("--rules", "visits-mapped")
    project.write("inputs/visits.yaml", pushed(server))
    _, of_table = project.run("--rules", "visits-mapped")
    assert _told(of_table) == _told(of_file)
    values = {item["subject"]["visit_id"]: item["observed"] for item in of_table["verdicts"]}
    assert values == {"x": "250.125", "b": "782.625"}
    project.write("inputs/changes.yaml", pushed(server).replace("period: visited_on", "mapping: {code: visit_id, successor: visit_id, valid_from: visited_on}"))
    assert "changes of organisations are read, not measured in their database" in project.call("lint").output


def test_the_contract_is_held_in_the_database(project, server, table):
    project.write("inputs/visits.yaml", pushed(server))
    table("INSERT INTO visits VALUES ('d', '2025-02-06', -5), (NULL, '2025-02-06', 'NaN')")
    _, found = project.run("--rules", "visit*")
    assert _input(found)["rows"] == 3
    assert "2 of 5 rows break the contract" in str(_input(found))
    assert words(found) == {"visits": "met", "visit-costs": "unknown"}, "what the two cost is not known"
    table("INSERT INTO visits VALUES ('a', '2025-02-06', 7)")
    _, found = project.run("--rules", "visit*")
    assert "1 values of visit_id stand more than once" in str(_input(found))
    assert set(words(found).values()) == {"unknown"}


def test_few_cases_and_hidden_values_are_the_same_in_the_database(project, server, table):
    path = next(path for path in (project.root / "rules").glob("*.yaml") if "visit-costs" in path.read_text())
    path.write_text(path.read_text() + FEW_RULES)
    project.write("inputs/visits.csv", "visit_id;visited_on;cost\na;03.02.2025;1\n..;04.02.2025;9\n..;01.04.2025;2\n")
    more = "missingValues: ['', {value: '..', means: suppressed}]\nfields:"
    project.write("inputs/visits.yaml", FREE.replace("fields:", more))
    _, of_file = project.run("--rules", "visit*")
    table("TRUNCATE visits")
    table("INSERT INTO visits VALUES ('a', '2025-02-03', 1), ('..', '2025-02-04', 9), ('..', '2025-04-01', 2)")
    project.write("inputs/visits.yaml", pushed(server, text=FREE).replace("fields:", more))
    _, of_table = project.run("--rules", "visit*")
    assert _told(of_table) == _told(of_file)
    found = {(item["rule"], item["period"]): (item["reason"], item["evidence"]["cases"]) for item in of_table["verdicts"] if "cases" in item["evidence"]}
    assert found == {("visits-known", "2025-Q1"): (None, "10"), ("visits-known", "2025-Q2"): ("suppressed", "2"), ("visits-few", "2025-Q1"): ("too_few_rows", "10")}


def test_a_column_of_numbers_has_no_words_in_their_place_and_one_of_texts_is_refused(project, server, table):
    worded = FREE.replace("type: number,", "type: number, censored: true, stated: {met: Toteutui},")
    project.write("inputs/visits.yaml", worded)
    _, of_file = project.run("--rules", "visit*")
    project.write("inputs/visits.yaml", pushed(server, text=worded))
    _, of_table = project.run("--rules", "visit*")
    assert _told(of_table) == _told(of_file)
    table("ALTER TABLE visits ALTER COLUMN cost TYPE text")
    table("UPDATE visits SET cost = 'alle 5'")
    _, found = project.run("--rules", "visit*")
    assert set(words(found).values()) == {"unknown"}
    assert "column 'cost' is text; allowed for number" in _input(found)["explanation"]


def test_codes_that_lost_their_zeros_are_filled_there_as_in_a_file(project, server, table):
    table("ALTER TABLE visits ADD kunta text")
    table("UPDATE visits SET kunta = CASE visit_id WHEN 'a' THEN '91' WHEN 'b' THEN '091' ELSE '5' END")
    field = '  - {name: kunta, type: string, constraints: {pattern: "[0-9]{3}"}}\n'
    rule = ROWS_RULE.replace("visit-costs-known", "visit-kunta").replace('rows: {input: visits, require: "cost < 1000", key: [visit_id]}', 'measure: {input: visits, count: "*", by: [kunta]}\n    target: {2025: ">= 1"}')
    project.write("rules/3-visits.yaml", "agreement: agreement-1\nsection: '3'\ntitle: T\nrules:\n" + rule)
    project.write("inputs/visits.yaml", pushed(server) + field)
    _, there = project.run("--no-expectations", "--rules", "visit-kunta")
    project.write("inputs/visits.yaml", VISITS_CONTRACT + field)
    project.write("inputs/visits.csv", "visit_id;visited_on;cost;kunta\na;03.02.2025;1000,50;91\nb;04.02.2025;2,25;091\nc;05.02.2025;30;5\n")
    _, here = project.run("--no-expectations", "--rules", "visit-kunta")
    counted = [[(item["subject"]["kunta"], item["observed"]) for item in found["verdicts"]] for found in (there, here)]
    assert counted == [[("005", "1"), ("091", "2")]] * 2
    assert "codes that lost their leading zeros are filled up in 2 rows" in _input(there)["notices"]


@pytest.mark.parametrize(("change", "said"), [
    ("ALTER TABLE visits ALTER cost TYPE double precision", "column 'cost' is float8; allowed for number: int2, int4, int8, numeric"),
    ("ALTER TABLE visits RENAME visited_on TO seen_on", "column 'visited_on' is missing"),
    ("DROP TABLE visits", "does not exist"),
])  # fmt: skip
def test_a_column_of_another_type_is_said_before_anything_is_computed(project, server, table, change, said):
    project.write("inputs/visits.yaml", pushed(server))
    table(change)
    result, found = project.run("--rules", "visit*")
    assert said in str(_input(found))
    assert set(words(found).values()) == {"unknown"}
    assert result.exit_code == 1


def test_a_lost_database_leaves_its_rules_unknown_and_the_run_incomplete(project, server, monkeypatch):
    monkeypatch.setattr("tulosvahti.compute.sql_database.PAUSE", 0.01)
    project.write("inputs/visits.yaml", pushed(server.split("?")[0] + "?host=/nowhere"))
    result, found = project.run()
    assert result.exit_code == 3
    assert words(found)["visits"] == "unknown"
    assert any(item["verdict"] != "unknown" for item in found["verdicts"])
    assert "could not be reached" in result.stderr


def test_what_cannot_be_pushed_is_a_problem(project):
    project.write("inputs/visits.yaml", pushed("mariadb://a@b/c"))
    assert "push: only PostgreSQL is measured in" in project.call("lint").output
