"""Signing in: accounts, a proxy's headers, OpenID Connect; sessions and their end; what is refused."""

from __future__ import annotations

import re
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from dashboard import PASSWORD, browser, make_project, person_added, sent, signed_in, token_of
from oidc_provider import CLIENT, CLIENT_SECRET, provider

from tulosvahti.store import people, schema_people
from tulosvahti.store.changes import Author, changes
from tulosvahti.web.house import House
from tulosvahti.web.proxy import signature


def test_who_has_not_signed_in_is_led_to_where_they_can_and_back(signed):
    visitor = browser(signed)
    answer = visitor.get("/en/problems")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/en/sign-in?next=%2Fen%2Fproblems"
    page = visitor.get(answer.headers["location"])
    form = {"form_token": token_of(page), "name": "reader", "password": PASSWORD, "next": "/en/problems"}
    answer = visitor.post("/en/sign-in", data=form)
    assert answer.headers["location"] == "/en/problems"
    assert "reader" in visitor.get("/en/problems").text


def test_a_wrong_password_and_a_name_that_is_not_there_are_told_alike(signed):
    told = set()
    for name in ("reader", "nobody", "reader\x00", "' OR 1=1 --"):
        answer = sent(browser(signed), "/en/sign-in", "/en/sign-in", name=name, password="wrong wrong wrong")
        assert answer.status_code == 401
        told.add(re.search(r'role="alert">([^<]+)', answer.text)[1])
    assert len(told) == 1


def test_trying_again_and_again_is_put_off_and_then_let_in(signed, clock):
    visitor = browser(signed)
    answers = [sent(visitor, "/en/sign-in", "/en/sign-in", name="reader", password=f"wrong {n}").status_code for n in range(12)]
    assert answers == [401] * 10 + [429] * 2
    right = {"name": "reader", "password": PASSWORD}
    late = sent(browser(signed, peer="10.9.9.9"), "/en/sign-in", "/en/sign-in", **right)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    clock.pass_by(minutes=16)
    assert sent(visitor, "/en/sign-in", "/en/sign-in", **right).status_code == 303


def test_one_address_cannot_try_many_names(signed):
    visitor = browser(signed)
    codes = [sent(visitor, "/en/sign-in", "/en/sign-in", name=f"n{n}", password="x").status_code for n in range(22)]
    assert codes == [401] * 20 + [429] * 2
    assert sent(browser(signed, peer="10.9.9.9"), "/en/sign-in", "/en/sign-in", name="n1", password="x").status_code == 401


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", "\\\\evil"])
def test_nobody_is_led_elsewhere(signed, then):
    visitor = browser(signed)
    form = {"form_token": token_of(visitor.get("/en/sign-in")), "name": "reader", "password": PASSWORD, "next": then}
    assert visitor.post("/en/sign-in", data=form).headers["location"] == "/en/"


def test_a_session_ends_by_idleness_by_age_by_signing_out_and_by_force(signed, clock):
    visitor = signed_in(signed, "reader")
    for _ in range(11):
        clock.pass_by(minutes=59)
        assert visitor.get("/en/overview").status_code == 200
        signed.later(lambda: None).result()
    clock.pass_by(minutes=70)
    assert visitor.get("/en/overview").status_code == 303
    visitor = signed_in(signed, "reader")
    clock.pass_by(minutes=61)
    assert visitor.get("/en/overview").status_code == 303
    visitor, other = signed_in(signed, "reader"), signed_in(signed, "reader")
    kept = dict(visitor.cookies)
    assert sent(visitor, "/en/overview", "/en/sign-out").status_code == 303
    visitor.cookies.update(kept)
    assert visitor.get("/en/overview").status_code == 303
    assert other.get("/en/overview").status_code == 200
    with signed.ledger.transaction() as connection:
        people.disable(connection, Author("x", "command", clock()), "reader")
    assert other.get("/en/overview").status_code == 303


def test_signing_in_gives_a_new_session_and_only_its_hash_is_kept(signed):
    visitor = signed_in(signed, "reader")
    first = visitor.cookies["tulosvahti-session"]
    visitor.cookies.set("tulosvahti-session", "made-up-by-somebody", domain="127.0.0.1")
    visitor = signed_in(signed, "reader")
    assert visitor.cookies["tulosvahti-session"] != first
    with signed.reader.transaction() as connection:
        kept = [row.sha256 for row in connection.execute(schema_people.sessions.select())]
    assert len(kept) == 2
    assert first not in str(kept)


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(root, clock):
    with (root / "config.toml").open("a") as config:
        config.write('[dashboard]\nurl = "https://tulosvahti.example"\n[serve]\nsign_in = "local"\n')
    with closing(House(root, clock, clock.steady)) as house:
        person_added(house, "reader", "reader")
        visitor = browser(house, base_url="https://tulosvahti.example")
        page = visitor.get("/en/sign-in")
        form = {"form_token": token_of(page), "name": "reader", "password": PASSWORD}
        answer = visitor.post("/en/sign-in", data=form)
        for cookie in (*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")):
            assert "HttpOnly" in cookie
            assert "Secure" in cookie
            assert "samesite=lax" in cookie.lower()
        assert any(cookie.startswith("__Host-tulosvahti-session=") for cookie in answer.headers.get_list("set-cookie"))
        assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_forms_from_elsewhere_old_forms_and_foreign_forms_do_nothing(signed, clock):
    visitor, other = signed_in(signed, "administrator"), signed_in(signed, "administrator")
    token = token_of(visitor.get("/en/people"))
    add = {"name": "n", "password": PASSWORD, "role": "reader"}
    for data, headers in (
        (add, {}),
        ({**add, "form_token": "x" * 86}, {}),
        ({**add, "form_token": token_of(other.get("/en/people"))}, {}),
        ({**add, "form_token": token}, {"Origin": "https://evil.example"}),
        ({**add, "form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert visitor.post("/en/people", data=data, headers=headers).status_code == 403
    assert visitor.post("/en/people", data={**add, "form_token": token}, headers={"Origin": "http://127.0.0.1:8470"}).status_code == 303
    clock.pass_by(hours=2)
    gone = visitor.post("/en/people", data={**add, "form_token": token})
    assert gone.status_code == 401
    assert "session has ended" in gone.text


def test_an_administrator_looks_after_people_and_each_change_is_kept_with_who(signed):
    visitor = signed_in(signed, "administrator")
    assert sent(visitor, "/en/people", "/en/people", name="anna", password="short", role="reader").status_code == 422
    assert sent(visitor, "/en/people", "/en/people", name="anna", password="anna anna anna", role="reader").status_code == 422
    assert sent(visitor, "/en/people", "/en/people", name="anna", password=PASSWORD).status_code == 422
    good = {"name": "anna", "password": PASSWORD, "role": ["owner", "reader", "emperor"], "owner": ["agency", "nobody"]}
    assert sent(visitor, "/en/people", "/en/people", **good).status_code == 303
    assert sent(visitor, "/en/people", "/en/people", **good).status_code == 422
    anna = signed_in(signed, "anna")
    assert anna.get("/en/people").status_code == 403
    assert sent(visitor, "/en/people", "/en/people/anna/rights", role="administrator").status_code == 303
    assert anna.get("/en/people").status_code == 200
    assert sent(visitor, "/en/people", "/en/people/anna/rights", role="reader").status_code == 303
    last = sent(visitor, "/en/people", "/en/people/administrator/rights", role="reader")
    assert last.status_code == 422
    assert visitor.get("/en/people").status_code == 200
    assert sent(visitor, "/en/people", "/en/people/nobody/rights", role="reader").status_code == 404
    assert sent(visitor, "/en/people", "/en/people/anna/disabled", disabled="yes").status_code == 303
    assert anna.get("/en/overview").status_code == 303
    with signed.reader.transaction() as connection:
        done = [(item.deed, item.about, item.author.name, item.author.via) for item in changes(connection, 4)]
    assert done == [
        ("person_disabled", "anna", "administrator", "local"), ("rights_changed", "anna", "administrator", "local"),
        ("rights_changed", "anna", "administrator", "local"), ("person_added", "anna", "administrator", "local"),
    ]  # fmt: skip
    assert "anna" in signed_in(signed, "auditor").get("/en/changes").text


def test_a_person_changes_the_own_password_and_other_sessions_end(signed):
    visitor, other = signed_in(signed, "reader"), signed_in(signed, "reader")
    new = "another long sentence"
    assert sent(visitor, "/en/account", "/en/account", password="wrong", new_password=new).status_code == 422
    assert sent(visitor, "/en/account", "/en/account", password=PASSWORD, new_password="short").status_code == 422
    assert sent(visitor, "/en/account", "/en/account", password=PASSWORD, new_password=new).status_code == 303
    assert visitor.get("/en/overview").status_code == 200
    assert other.get("/en/overview").status_code == 303
    signed_in(signed, "reader", new)


@pytest.fixture
def by_proxy(tmp_path, clock, monkeypatch, request):
    monkeypatch.setenv("PROXY_SECRET", "shared")
    signed = "true" if getattr(request, "param", True) else "false"
    settings = f'[serve]\nsign_in = "proxy"\n[serve.proxy]\ntrusted = ["10.0.0.0/24"]\nsecret_env = "PROXY_SECRET"\nsigned = {signed}\n'
    with closing(House(make_project(tmp_path / "p", settings), clock, clock.steady)) as house:
        yield house


def headers_of(clock, user="anna", roles="owner,controller", owners="agency", secret="shared", late=0):
    time = str(int(clock().timestamp()) - late)
    return {
        "Tulosvahti-User": user, "Tulosvahti-Roles": roles, "Tulosvahti-Owners": owners, "Tulosvahti-Time": time,
        "Tulosvahti-Signature": signature(secret, time, user, roles, owners),
    }  # fmt: skip


def test_a_proxy_is_believed_by_its_signature_and_its_place(by_proxy, clock):
    from_proxy = browser(by_proxy, peer="10.0.0.7")
    answer = from_proxy.get("/en/overview", headers=headers_of(clock))
    assert answer.status_code == 200
    assert "anna" in answer.text
    raised = {**headers_of(clock), "Tulosvahti-Roles": "administrator"}
    for visitor, headers in (
        (browser(by_proxy, peer="10.0.1.7"), headers_of(clock)),
        (browser(by_proxy), {**headers_of(clock), "X-Forwarded-For": "10.0.0.7"}),
        (from_proxy, headers_of(clock, secret="guessed")),
        (from_proxy, headers_of(clock, late=61)),
        (from_proxy, headers_of(clock, roles="")),
        (from_proxy, raised),
        (from_proxy, {"Tulosvahti-User": "anna", "Tulosvahti-Secret": "shared"}),
        (from_proxy, {}),
    ):
        assert visitor.get("/en/overview", headers=headers).status_code == 303


@pytest.mark.parametrize("by_proxy", [False], indirect=True)
def test_a_proxy_that_cannot_sign_shows_the_secret(by_proxy):
    said = {"Tulosvahti-User": "Änna".encode(), "Tulosvahti-Roles": "reader", "Tulosvahti-Secret": "shared"}
    answer = browser(by_proxy, peer="10.0.0.7").get("/en/overview", headers=said)
    assert answer.status_code == 200
    assert "Änna" in answer.text
    assert browser(by_proxy, peer="10.0.0.7").get("/en/overview", headers={**said, "Tulosvahti-Secret": "guess"}).status_code == 303


@pytest.fixture
def oidc(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    with provider() as other:
        other.at = lambda: clock().timestamp()
        settings = f"""
[dashboard]
url = "http://127.0.0.1:8470"
[serve]
sign_in = "oidc"
[serve.oidc]
issuer = "{other.url}"
client_id = "{CLIENT}"
secret_env = "OIDC_SECRET"
roles_claim = "realm.groups"
owners_claim = "unit"
roles = {{"tulos-owners" = "owner", "tulos-admins" = "administrator"}}
owners = {{"unit-7" = "agency"}}
"""
        other.claims = {"preferred_username": "anna@agency.example", "realm": {"groups": ["tulos-owners", "x"]}, "unit": "unit-7"}
        with closing(House(make_project(tmp_path / "p", settings), clock, clock.steady)) as house:
            yield other, house


def go_and_come_back(visitor, next_="/en/problems"):
    """Follow the browser to the provider and back; give the answer to coming back."""
    leaving = visitor.get(f"/en/sign-in/oidc?next={next_}")
    if leaving.status_code != 303:
        return leaving
    return visitor.get(back_of(leaving))


def back_of(leaving) -> str:
    back = httpx.get(leaving.headers["location"]).headers["location"]
    assert back.startswith("http://127.0.0.1:8470/sign-in/oidc/back?")
    return back.removeprefix("http://127.0.0.1:8470")


def test_a_provider_signs_people_in_with_roles_and_parties_of_its_claims(oidc):
    _, house = oidc
    visitor = browser(house)
    assert "oidc" in visitor.get("/en/sign-in").text
    answer = go_and_come_back(visitor)
    assert answer.headers["location"] == "/en/problems"
    assert "anna@agency.example" in visitor.get("/en/overview").text
    assert visitor.get("/en/people").status_code == 403
    with house.reader.transaction() as connection:
        row = connection.execute(schema_people.sessions.select()).one()
    assert (row.roles_json, row.owners_json, row.via) == ('["owner"]', '["agency"]', "oidc")


@pytest.mark.parametrize("wrong", ["nonce", "audience", "issuer", "expired", "azp", "signature", "unsigned", "denied"])
def test_what_a_provider_says_wrong_signs_nobody_in(oidc, wrong, caplog):
    other, house = oidc
    other.wrong = wrong
    visitor = browser(house)
    answer = go_and_come_back(visitor)
    assert answer.status_code == 401
    assert visitor.get("/en/overview").status_code == 303
    assert ("the provider said: access_denied" if wrong == "denied" else "ID token") in caplog.text


@pytest.mark.parametrize("wrong", ["down", "metadata"])
def test_a_provider_that_does_not_answer_is_told(oidc, wrong):
    other, house = oidc
    other.wrong = wrong
    answer = go_and_come_back(browser(house))
    assert answer.status_code == 502
    assert "Try again in a while" in answer.text


def test_an_answer_is_taken_once_and_from_the_browser_that_asked(oidc, clock):
    _, house = oidc
    visitor, other = browser(house), browser(house)
    back = back_of(visitor.get("/en/sign-in/oidc"))
    assert other.get(back).status_code == 401
    changed = re.sub(r"state=[^&]+", "state=x", back)
    assert visitor.get(changed).status_code == 401
    kept = dict(visitor.cookies)
    assert visitor.get(back).status_code == 303
    again = browser(house)
    again.cookies.update(kept)
    assert again.get(back).status_code == 401
    late = browser(house)
    back = back_of(late.get("/en/sign-in/oidc"))
    clock.pass_by(minutes=11)
    assert late.get(back).status_code == 401


def test_who_has_no_role_there_is_told_so_and_new_keys_are_asked_for(oidc):
    other, house = oidc
    assert go_and_come_back(browser(house)).status_code == 303
    other.rotate()
    assert go_and_come_back(browser(house)).status_code == 303
    other.claims["realm"] = {"groups": ["strangers"]}
    answer = go_and_come_back(browser(house))
    assert answer.status_code == 403
    assert "no role" in answer.text


def test_roles_that_only_the_userinfo_tells_count(oidc):
    other, house = oidc
    del other.claims["realm"]
    other.userinfo = {"realm": {"groups": ["tulos-admins"]}}
    visitor = browser(house)
    assert go_and_come_back(visitor).status_code == 303
    # A claim of the ID token with dots is looked for in the userinfo too.
    assert visitor.get("/en/people").status_code == 200


def test_state_and_challenge_are_new_each_time(oidc):
    _, house = oidc
    asked = [parse_qs(urlsplit(browser(house).get("/en/sign-in/oidc").headers["location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({query[name][0] for query in asked}) == 2
        assert all(len(query[name][0]) >= 43 for query in asked)
