"""``users``: the dashboard's accounts and tokens. Passwords are asked for or read from standard input, never given as options."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tulosvahti.cli.shared import ProjectOption, open_project, refuse, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tulosvahti.core.role import Person
    from tulosvahti.load.project import Project
    from tulosvahti.store.changes import Author

app = typer.Typer(no_args_is_help=True, help="Who may use the dashboard, and tokens of its API.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name that the person signs in with.")]
Roles = Annotated[list[str], typer.Option("--role", metavar="ROLE", help="reader, owner, controller, auditor or administrator; may be given again.")]
Owners = Annotated[list[str], typer.Option("--owner", metavar="PARTY", help="A party of the agreement that the person speaks for; may be given again.")]


@app.command("list")
def list_people(project: ProjectOption = None) -> None:
    """List the accounts: name, roles, parties."""
    from tulosvahti.store import people  # noqa: PLC0415

    with _ledger(open_project(project)) as (connection, _):
        found = people.accounts(connection)
    for item in found:
        typer.echo(f"{_line(item.person)}{'  disabled' if item.disabled else ''}")
    if not found:
        say("no account yet; `tulosvahti users add NAME --role administrator` makes one")


@app.command()
def add(name: Name, role: Roles, owner: Owners = [], project: ProjectOption = None) -> None:  # noqa: B006 (typer's own way)
    """Add an account; its password is asked for, or read from standard input."""
    from tulosvahti.store import people  # noqa: PLC0415
    from tulosvahti.web import passwords  # noqa: PLC0415

    opened = open_project(project)
    person = _person(opened, name.strip(), role, owner, "local")
    with _ledger(opened) as (connection, _):
        if people.account(connection, person.name) is not None:
            raise refuse(f"there is an account {person.name!r} already; `tulosvahti users role` changes its roles")
    hashed = passwords.hashed(_password(person.name))
    with _ledger(opened) as (connection, author):
        people.add(connection, author, person, hashed)
    typer.echo(f"{_line(person)}  added")
    if "local" not in opened.config.serve.sign_in:
        say('local accounts are not in use yet: sign_in = ["local"] in [serve] of config.toml')


@app.command()
def role(name: Name, role: Roles, owner: Owners = [], project: ProjectOption = None) -> None:  # noqa: B006 (as above)
    """Give an account these roles and parties instead of those it has; they hold at once."""
    from tulosvahti.store import people  # noqa: PLC0415

    opened = open_project(project)
    person = _person(opened, name, role, owner, "local")
    with _ledger(opened) as (connection, author):
        people.set_rights(connection, author, person)
    typer.echo(_line(person))


@app.command()
def password(name: Name, project: ProjectOption = None) -> None:
    """Give an account another password, asked for or from standard input; its sessions end."""
    from tulosvahti.store import people  # noqa: PLC0415
    from tulosvahti.web import passwords  # noqa: PLC0415

    opened = open_project(project)
    hashed = passwords.hashed(_password(name))
    with _ledger(opened) as (connection, author):
        people.set_password(connection, author, name, hashed)
    typer.echo(f"{name}: the password is changed and every session has ended")


@app.command()
def disable(name: Name, again: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False, project: ProjectOption = None) -> None:  # noqa: FBT002
    """Let an account in no more; its sessions end at once."""
    from tulosvahti.store import people  # noqa: PLC0415

    with _ledger(open_project(project)) as (connection, author):
        people.disable(connection, author, name, disabled=not again)
    typer.echo(f"{name}: {'let in again' if again else 'disabled, and every session has ended'}")


@app.command()
def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    role: Roles,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How long it counts.")] = 90,
    owner: Owners = [],  # noqa: B006 (as above)
    project: ProjectOption = None,
) -> None:
    """Make a token of the API and print it: it is not shown again."""
    from datetime import timedelta  # noqa: PLC0415

    from tulosvahti.store import people  # noqa: PLC0415

    opened = open_project(project)
    person = _person(opened, name, role, owner, "token")
    with _ledger(opened) as (connection, author):
        made = people.make_token(connection, author, person, author.at + timedelta(days=days))
    typer.echo(made)
    say(f"{_line(person)}: good for {days} days; keep it as a password, it is not shown again")


@app.command()
def tokens(
    project: ProjectOption = None,
    revoke: Annotated[int | None, typer.Option("--revoke", metavar="N", help="Let this one count no more.")] = None,
) -> None:
    """List the tokens of the API, or revoke one."""
    from tulosvahti.store import people  # noqa: PLC0415

    with _ledger(open_project(project)) as (connection, author):
        if revoke is not None:
            people.revoke_token(connection, author, revoke)
        found = people.tokens(connection)
    for item in found:
        ended = "  revoked" if item.revoked_at else "  ended" if item.ends_at <= author.at else ""
        typer.echo(f"{item.id}  {_line(item.person)}  until {item.ends_at:%Y-%m-%d}, made by {item.made_by}{ended}")


@contextmanager
def _ledger(opened: Project) -> Iterator[tuple[Connection, Author]]:
    """Give a transaction and who works here; what the ledger refuses ends the command."""
    import getpass  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    from tulosvahti import wiring  # noqa: PLC0415
    from tulosvahti.store.changes import Author  # noqa: PLC0415
    from tulosvahti.store.people import PeopleError  # noqa: PLC0415

    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = "unknown"
    try:
        with closing(wiring.open_ledger(opened)) as ledger, ledger.transaction() as connection:
            yield connection, Author(who, "command", wiring.now())
    except PeopleError as error:
        raise refuse(str(error)) from None


def _person(opened: Project, name: str, roles: list[str], owners: list[str], via: str) -> Person:
    from tulosvahti.core.role import Person, Role  # noqa: PLC0415
    from tulosvahti.problem import nearest  # noqa: PLC0415

    known = [str(one) for one in Role]
    parties = {key for agreement in opened.agreements.values() for key, _ in agreement.parties}
    if not name or len(name) > 100 or not name.isprintable():
        raise refuse("NAME is empty, too long or has signs that cannot be printed; allowed: up to 100 characters")
    for one in roles:
        if one not in known:
            raise refuse(f"--role: {one!r} is not known; allowed: {', '.join(known)}; {nearest(one, known)}".rstrip("; "))
    for one in owners:
        if one not in parties:
            raise refuse(f"--owner: {one!r} is no party; allowed: {', '.join(sorted(parties))}; {nearest(one, parties)}".rstrip("; "))
    return Person(name, frozenset(map(Role, roles)), frozenset(owners), via)


def _password(name: str) -> str:
    """Ask twice on a terminal, else read one line."""
    import getpass  # noqa: PLC0415

    from tulosvahti.emit.words import word  # noqa: PLC0415
    from tulosvahti.web.passwords import weakness  # noqa: PLC0415

    if sys.stdin.isatty():
        given = getpass.getpass(f"password of {name}: ")
        if getpass.getpass("again: ") != given:
            raise refuse("the two are not the same; nothing was changed")
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if weak := weakness(given, name):
        raise refuse(word(weak, "en"))
    return given


def _line(person: Person) -> str:
    return "  ".join(filter(None, (person.name, ", ".join(sorted(map(str, person.roles))), ", ".join(sorted(person.owners)))))
