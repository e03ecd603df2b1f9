"""The API: tokens, parts of long lists, tags, errors, and a document that says what it does."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import timedelta

import httpx
import pytest
from chromium import served
from dashboard import browser, sent, signed_in

from tulosvahti.core.role import Person, Role
from tulosvahti.store import people
from tulosvahti.store.changes import Author
from tulosvahti.web.api.addresses import ADDRESSES
from tulosvahti.web.app import application
from tulosvahti.web.house import House


def token_for(house, role: str = "reader", days: int = 1) -> str:
    person = Person("robot", frozenset({Role(role)}), via="token")
    with house.ledger.transaction() as connection:
        return people.make_token(connection, Author("x", "command", house.clock()), person, house.clock() + timedelta(days=days))


def called(house, path: str, token: str = "", **headers: str):
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return browser(house).get(f"/api/v1{path}", headers=headers)


def test_a_token_opens_the_api_until_it_ends_or_is_revoked(signed, clock):
    token = token_for(signed)
    assert called(signed, "/runs", token).status_code == 200
    for wrong in ("", "tv_guess", token[:-1], token + "x"):
        answer = called(signed, "/runs", wrong)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert browser(signed).get("/api/v1/runs", headers={"Authorization": f"Basic {token}"}).status_code == 401
    with signed.ledger.transaction() as connection:
        people.revoke_token(connection, Author("x", "command", clock()), 1)
    assert called(signed, "/runs", token).status_code == 401
    other = token_for(signed)
    clock.pass_by(days=2)
    assert called(signed, "/runs", other).status_code == 401


def test_an_administrator_makes_a_token_on_a_page_and_sees_it_once(signed):
    visitor = signed_in(signed, "administrator")
    made = sent(visitor, "/en/people", "/en/tokens", name="export", role="reader", days="30")
    token = re.search(r"tv_[\w-]{40,}", made.text)[0]
    assert called(signed, "/rules", token).status_code == 200
    assert token not in visitor.get("/en/people").text
    assert sent(visitor, "/en/people", "/en/tokens/1/revoked").status_code == 303
    assert called(signed, "/rules", token).status_code == 401
    assert sent(visitor, "/en/people", "/en/tokens", name="export", role="reader", days="3000").status_code == 422


def test_it_says_the_same_numbers_as_the_run(house, root):
    stored = json.loads(house.reader.outcome_json("1"))
    told = called(house, "/runs/newest/verdicts?rule=visit-costs").json()
    (mine,) = [item for item in stored["verdicts"] if item["rule"] == "visit-costs"]
    assert told == {"items": [mine], "total": 1, "next": None}
    assert mine["observed"] == "1032.75"
    assert isinstance(called(house, "/runs/1").json()["id"], str)
    assert {item["name"] for item in called(house, "/runs/1/inputs").json()["items"]} >= {"visits"}


def test_long_lists_come_in_parts(house):
    whole = called(house, "/rules").json()
    seen, path = [], "/rules?size=2"
    while path:
        part = called(house, path).json()
        assert len(part["items"]) <= 2
        seen += part["items"]
        path = (part["next"] or "").removeprefix("/api/v1")
    assert seen == whole["items"]
    assert whole["total"] == len(seen)


def test_what_has_not_changed_is_not_sent_again(house):
    first = called(house, "/runs/1/verdicts")
    again = called(house, "/runs/1/verdicts", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert called(house, "/runs/1/findings", **{"If-None-Match": first.headers["etag"]}).status_code == 200


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/runs/99", 404, "99"), ("/runs/one", 404, "one"), ("/rules/no-such", 404, "no-such"), ("/runs?size=0", 400, "1 to 500"),
        ("/runs?size=x", 400, "1 to 500"), ("/runs?colour=1", 400, "no parameter"), ("/runs/1/verdicts?verdict=good", 400, "missed"),
        ("/runs?page=1&page=2", 400, "twice"), ("/nothing", 404, ""), ("/runs/1/verdicts?rule=%00", 400, "allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_as_a_problem(house, path, code, said):
    answer = called(house, path)
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == code
    assert said in answer.json()["detail"]


def test_other_methods_are_told_what_is_allowed(house):
    answer = browser(house).post("/api/v1/runs")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_too_many_calls_have_to_wait(house, clock):
    codes = [called(house, "/problems").status_code for _ in range(601)]
    assert codes == [200] * 600 + [429]
    clock.pass_by(seconds=61)
    assert called(house, "/problems").status_code == 200


def test_every_role_reads_and_nobody_else(signed):
    for role in Role:
        assert called(signed, "/runs", token_for(signed, role)).status_code == 200
    for at in ADDRESSES:
        path = at.path.replace("{run}", "1").replace("{rule}", "visits")
        assert called(signed, path).status_code == (200 if at.public else 401)


def test_schemathesis_finds_nothing_that_the_document_does_not_say(root, clock):
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (requirements-dev.txt)")
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415
    from schemathesis.checks import CHECKS  # noqa: PLC0415

    with (root / "config.toml").open("a") as config:
        config.write('[serve]\nsign_in = ["local"]\n')
    with closing(House(root, clock, clock.steady)) as house, served(application(house)) as at:
        token = token_for(house)
        house.api_calls.times = 1_000_000
        document = httpx.get(f"{at}/api/v1/openapi.json").json()
        document["servers"] = [{"url": f"{at}/api/v1"}]
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=f"{at}/api/v1")
        asked = 0
        for found in schema.get_all_operations():
            operation = found.ok()

            @given(case=operation.as_strategy())
            @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            def tried(case) -> None:
                nonlocal asked
                asked += 1
                response = case.call(headers={"Authorization": f"Bearer {token}"})
                case.validate_response(response, checks=[check for check in CHECKS.get_all() if check.__name__ != "ignored_auth"])

            tried()
    assert asked >= len(ADDRESSES)
