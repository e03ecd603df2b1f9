"""Every role at every address: what the table of permissions says, and nothing else."""

from __future__ import annotations

import re

import pytest
from dashboard import browser, signed_in, token_of

from tulosvahti.core.role import HARMLESS, LOCAL, NOBODY, PERMITTED, Deed, Person, Role
from tulosvahti.web.pages import PAGES

REFUSED = {403}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_it_may_and_nothing_else(signed, role):
    visitor = signed_in(signed, str(role))
    token = token_of(visitor.get("/en/account"))
    for page in PAGES:
        path = f"/en{re.sub(r'{[a-z_:]+}', 'x', page.path)}"
        if page.public or page.path == "/sign-out":
            continue
        answer = visitor.request(page.method, path, **({"data": {"form_token": token}} if page.method == "POST" else {}))
        allowed = role in PERMITTED[page.deed]
        assert (answer.status_code not in REFUSED) == allowed, (page.method, page.path, answer.status_code)
        assert answer.status_code < 500, (page.method, page.path)


def test_who_has_not_signed_in_opens_nothing_but_the_ways_in(signed):
    visitor = browser(signed)
    for page in PAGES:
        path = f"/en{re.sub(r'{[a-z_:]+}', 'x', page.path)}"
        answer = visitor.request(page.method, path)
        if page.public:
            assert answer.status_code in {200, 401, 403, 404, 422}, page.path
        else:
            assert answer.status_code in ({303} if page.method == "GET" else {401}), page.path


def test_without_sign_in_only_what_changes_nothing_opens(house):
    visitor = browser(house)
    for page in PAGES:
        path = f"/en{re.sub(r'{[a-z_:]+}', 'x', page.path)}"
        if page.public or page.method != "GET":
            continue
        assert (visitor.get(path).status_code == 403) == (page.deed not in HARMLESS), page.path


def test_the_table_says_it_all():
    assert set(PERMITTED) == set(Deed)
    for deed in Deed:
        assert not NOBODY.may(deed)
        assert LOCAL.may(deed) == (deed in HARMLESS)
        for role in Role:
            assert Person("a", frozenset({role}), via="local").may(deed) == (role in PERMITTED[deed])
    assert {deed for deed in Deed if Role.ADMINISTRATOR in PERMITTED[deed]} & {Deed.APPROVE, Deed.ENTER, Deed.MUTE} == set()


def test_an_owner_does_for_the_own_party_only():
    owner = Person("a", frozenset({Role.OWNER}), frozenset({"tem"}), "local")
    assert owner.may_for(Deed.ENTER, "tem")
    assert not owner.may_for(Deed.ENTER, "mmm")
    assert not owner.may_for(Deed.APPROVE, "tem")
    assert Person("b", frozenset({Role.OWNER, Role.CONTROLLER}), via="local").may_for(Deed.ENTER, "mmm")
