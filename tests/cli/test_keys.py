"""Unique values and references, from files to verdicts: rules, and foreign keys of contracts."""

from __future__ import annotations

PLACES_CONTRACT = """\
title: {fi: Toimipisteet, sv: Verksamhetsställen, en: Places}
path: places.csv
primaryKey: [place_id]
max_rejects: 60 %
fields:
  - {name: place_id, type: integer, constraints: {required: true}}
  - {name: parent_id, type: integer}
  - {name: opened, type: date}
foreignKeys:
  - {fields: parent_id, reference: {resource: "", fields: place_id}}
"""
PLACES = "place_id,parent_id,opened\n1,,2020-01-01\n2,1,2020-01-01\n3,9,2020-01-01\n4,2,not a day\n"
CALLS_CONTRACT = """\
title: Puhelut
path: calls.csv
primaryKey: [call_id]
deliverer: agency
fields:
  - {name: call_id, type: integer}
  - {name: place, type: integer}
  - {name: hour, type: string}
foreignKeys:
  - {fields: [place], reference: {resource: places, fields: [place_id]}}
"""
CALLS = "call_id,place,hour\n1,1,a\n2,2,a\n3,,b\n4,2,a\n5,2,\n"
RULES = """\
agreement: agreement-1
section: "9"
title: Avaimet
rules:
  - id: one-call-an-hour
    title: Yksi puhelu tunnissa
    quote: puhelu
    owner: agency
    rows: {input: calls, unique: [place, hour], missing: pass}
  - id: known-places
    title: Tunnetut toimipisteet
    quote: toimipiste
    owner: agency
    rows: {input: calls, references: {fields: place, input: places}, where: "call_id <> 3"}
"""


def keyed(project) -> None:
    for name, text in (("inputs/places.yaml", PLACES_CONTRACT), ("inputs/places.csv", PLACES), ("inputs/calls.yaml", CALLS_CONTRACT),
                       ("inputs/calls.csv", CALLS), ("rules/9.yaml", RULES)):  # fmt: skip
        project.write(name, text)


def words(said) -> dict[str, str]:
    return {item["rule"]: item["verdict"] for item in said["verdicts"]}


def verdict(said, rule: str):
    return next(item for item in said["verdicts"] if item["rule"] == rule)


def test_doubles_and_orphans_are_found_with_their_keys(project) -> None:
    keyed(project)
    _, said = project.run()
    assert said["problems"] == []
    twice = verdict(said, "one-call-an-hour")
    assert (twice["verdict"], twice["evidence"]["failing_rows"]) == ("missed", 2)
    assert [item["call_id"] for item in twice["evidence"]["examples"]] == ["2", "4"]
    assert verdict(said, "known-places")["verdict"] == "met"
    # Of a contract: the input itself, where 9 is nobody, and another one. A row without a value refers to nothing.
    parents = verdict(said, "places-parent-id-in-places")
    assert (parents["verdict"], parents["evidence"]["failing_rows"], parents["evidence"]["examples"]) == ("missed", 1, [{"row": "4", "place_id": "3"}])
    calls = verdict(said, "calls-place-in-places")
    assert (calls["verdict"], calls["owner"], calls["evidence"]["referred_input"]) == ("met", "agency", "places")


def test_a_partner_that_is_a_reject_or_may_be_one_is_unknown(project) -> None:
    keyed(project)
    project.write("inputs/calls.csv", "call_id,place,hour\n1,4,a\n")
    assert words(project.run()[1])["known-places"] == "unknown", "place 4 came, in a row that broke its contract"
    project.write("inputs/calls.csv", "call_id,place,hour\n1,7,a\n")
    assert words(project.run()[1])["known-places"] == "missed"
    project.write("inputs/places.csv", PLACES + "x,1,2020-01-01\n")
    assert words(project.run()[1])["known-places"] == "unknown", "the unreadable place may be 7"


def test_what_is_referred_to_is_measured_anew_when_it_changes_and_missing_where_it_is(project) -> None:
    keyed(project)
    assert words(project.run()[1])["calls-place-in-places"] == "met"
    project.write("inputs/places.csv", "place_id,parent_id,opened\n1,,2020-01-01\n")
    assert words(project.run()[1])["calls-place-in-places"] == "missed"
    (project.root / "inputs/places.csv").unlink()
    said = verdict(project.run()[1], "calls-place-in-places")
    assert (said["verdict"], said["reason"]) == ("unknown", "input_missing")


def test_broken_foreign_keys_are_problems(project) -> None:
    keyed(project)
    for old, new, message in (
        ("fields: parent_id", "fields: parent", "foreignKeys: no field 'parent'"),
        ('resource: ""', "resource: plases", "foreignKeys: no input 'plases'"),
        ("fields: place_id}", "fields: place}", "foreignKeys: input 'places' has no field 'place'"),
        ("fields: place_id}", "fields: opened}", "foreignKeys: 'parent_id' is of type integer, and 'opened' of type date"),
        ("fields: place_id}", "fields: [place_id, opened]}", "foreignKeys: 1 fields refer to 2"),
    ):
        project.write("inputs/places.yaml", PLACES_CONTRACT.replace(old, new))
        assert message in project.call("lint").output, new


def test_explain_says_what_refers_to_what(project) -> None:
    keyed(project)
    assert "(place) in places (place_id)" in project.call("explain", "known-places").stdout
    assert "unique (place, hour)" in project.call("explain", "one-call-an-hour").stdout
