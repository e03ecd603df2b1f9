"""People: accounts and their roles, tokens of the API, one's own password, and who changed what."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from tulosvahti.core.role import PERMITTED, Deed, Person, Role
from tulosvahti.store import changes, people
from tulosvahti.web import passwords
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.whoever import cookie_name

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from starlette.responses import Response

_ON_A_PAGE = 50
_LONGEST_NAME = 100
_TOKEN_DAYS = 365


def everybody(page: Page, token: str = "") -> Response:
    """Show accounts, tokens, and what each role may do."""
    with page.ledger.transaction(reading=True) as connection:
        accounts, tokens = people.accounts(connection), people.tokens(connection)
    return page.show(
        "people.html.j2", page.say("web.people.title"), accounts=accounts, tokens=tokens, roles=list(Role), parties=parties(page),
        permitted=PERMITTED, token=token, local="local" in page.house.serve.sign_in,
    )  # fmt: skip


def parties(page: Page) -> list[tuple[str, str]]:
    """Give the parties of the agreements, and their names."""
    return sorted(page.parties().items(), key=lambda item: item[1])


def _rights(page: Page, name: str, via: str) -> Person:
    roles = [one for one in page.several.get("role", []) if one in {str(role) for role in Role}]
    known = {key for key, _ in parties(page)}
    return Person(name, frozenset(Role(one) for one in roles), frozenset(page.several.get("owner", [])) & known, via)


def add(page: Page) -> Response:
    """Add an account."""
    name, password = page.field("name", needed=True, longest=_LONGEST_NAME), page.form.get("password", "")
    if weak := passwords.weakness(password, name):
        raise page.refused(weak)
    person, hashed = _rights(page, name, "local"), passwords.hashed(password)
    if not person.roles:
        raise page.refused("web.people.no_role")
    with page.house.ledger.transaction() as connection:
        if people.account(connection, name) is not None:
            raise page.refused("web.people.there_is", name=name)
        people.add(connection, page.author, person, hashed)
    return page.done("/people", "web.said.kept")


def set_rights(page: Page) -> Response:
    """Give an account other roles; an administrator cannot take the last administrator's away."""
    person = _rights(page, page.part("name"), "local")
    with page.house.ledger.transaction() as connection:
        _must_be(page, connection, person.name)
        people.set_rights(connection, page.author, person)
        _must_remain(page, connection)
    return page.done("/people", "web.said.kept")


def disable(page: Page) -> Response:
    """Let an account in no more, or again."""
    name, disabled = page.part("name"), page.field("disabled") == "yes"
    with page.house.ledger.transaction() as connection:
        _must_be(page, connection, name)
        people.disable(connection, page.author, name, disabled=disabled)
        _must_remain(page, connection)
    return page.done("/people", "web.said.kept")


def end_sessions(page: Page) -> Response:
    """End every session of a person."""
    name = page.part("name")
    with page.change("sessions_ended", name) as connection:
        people.end_sessions(connection, name)
    return page.done("/people", "web.said.sessions_ended")


def _must_be(page: Page, connection: Connection, name: str) -> None:
    if people.account(connection, name) is None:
        raise page.missing("web.people.no_such", name=name)


def _must_remain(page: Page, connection: Connection) -> None:
    """Refuse, and so undo, what would leave nobody who can administer."""
    left = [item for item in people.accounts(connection) if not item.disabled and Role.ADMINISTRATOR in item.person.roles]
    if not left and page.person.via == "local":
        raise page.refused("web.people.last_administrator")


def make_token(page: Page) -> Response:
    """Make a token of the API, and show it this once."""
    name = page.field("name", needed=True, longest=_LONGEST_NAME)
    person = _rights(page, name, "token")
    if not person.roles:
        raise page.refused("web.people.no_role")
    days = page.field("days") or "90"
    if not (days.isascii() and days.isdecimal() and 1 <= int(days) <= _TOKEN_DAYS):
        raise page.refused("web.people.days", most=_TOKEN_DAYS)
    with page.house.ledger.transaction() as connection:
        token = people.make_token(connection, page.author, person, page.now + timedelta(days=int(days)))
    return everybody(page, token)


def revoke_token(page: Page) -> Response:
    """Let a token count no more."""
    number = page.part("id")
    if not (number.isascii() and number.isdecimal()):
        raise page.missing("web.error.no_page")
    try:
        with page.house.ledger.transaction() as connection:
            people.revoke_token(connection, page.author, int(number))
    except people.PeopleError:
        raise page.missing("web.people.no_token") from None
    return page.done("/people", "web.said.kept")


def account(page: Page, problem: str = "", status: int = 200) -> Response:
    """Show one's own account."""
    return page.show("account.html.j2", page.say("web.account.title"), status, problem=problem)


def set_password(page: Page) -> Response:
    """Change one's own password; the other sessions end."""
    if page.person.via != "local":
        raise page.missing("web.error.no_page")
    name, new = page.person.name, page.form.get("new_password", "")
    if wait := page.house.sign_in_as.wait(name.casefold(), counts=False):
        return account(page, page.say("web.sign_in.too_often", minutes=-(-wait // 60)), HTTPStatus.TOO_MANY_REQUESTS)
    with page.ledger.transaction(reading=True) as connection:
        found = people.account(connection, name)
    if found is None or not passwords.right(found.password_hash, page.form.get("password", "")):
        page.house.sign_in_as.wait(name.casefold())
        return account(page, page.say("web.account.wrong"), HTTPStatus.UNPROCESSABLE_ENTITY)
    if weak := passwords.weakness(new, name):
        return account(page, page.say(weak), HTTPStatus.UNPROCESSABLE_ENTITY)
    hashed, mine = passwords.hashed(new), page.request.cookies.get(cookie_name(page.house, "session"), "")
    with page.house.ledger.transaction() as connection:
        people.set_password(connection, page.author, name, hashed, keep=mine)
    return page.done("/account", "web.said.kept")


def history(page: Page) -> Response:
    """Show who changed what, and why."""
    number = page.asked_number("page", 1)
    with page.ledger.transaction(reading=True) as connection:
        found = changes.changes(connection, _ON_A_PAGE, (number - 1) * _ON_A_PAGE)
        count = changes.count(connection)
    pages = max(-(-count // _ON_A_PAGE), 1)
    return page.show("changes.html.j2", page.say("web.changes.title"), changes=found, number=number, pages=pages)


PAGES = (
    PageAt("/changes", history, Deed.READ_CHANGES, menu="web.nav.changes"),
    PageAt("/people", everybody, Deed.ADMINISTER, menu="web.nav.people"),
    PageAt("/people", add, Deed.ADMINISTER, method="POST"),
    PageAt("/people/{name}/rights", set_rights, Deed.ADMINISTER, method="POST"),
    PageAt("/people/{name}/disabled", disable, Deed.ADMINISTER, method="POST"),
    PageAt("/people/{name}/sessions", end_sessions, Deed.ADMINISTER, method="POST"),
    PageAt("/tokens", make_token, Deed.ADMINISTER, method="POST"),
    PageAt("/tokens/{id}/revoked", revoke_token, Deed.ADMINISTER, method="POST"),
    PageAt("/account", account),
    PageAt("/account", set_password, method="POST"),
)
