"""A run whose input lies on a server, from the contract to the verdict; what is wrong with a declaration."""

from __future__ import annotations

import pytest
from web_server import Answer, web_server

from .conftest import VISITS, VISITS_CONTRACT, words


@pytest.fixture
def web(monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with web_server() as server:
        yield server


def _contract(fetch: str) -> str:
    return VISITS_CONTRACT.replace("path: visits.csv", f"fetch: {fetch}")


def _input(result):
    return next(item for item in result["inputs"] if item["name"] == "visits")


def test_a_run_fetches_what_it_judges(project, web):
    web.on("/visits.csv", Answer(body=VISITS.encode()), Answer(404))
    project.write("inputs/visits.yaml", _contract(f"{{http: {{url: {web.url}/visits.csv}}}}"))
    _, first = project.run("--rules", "visit*")
    assert words(first) == {"visits": "met", "visit-costs": "met"}
    _, second = project.run("--rules", "visit*")
    assert words(second) == words(first), "the server fails, and what came last is used"
    assert _input(second)["sha256"] == _input(first)["sha256"]
    assert len(web.asked) == 2
    project.run("--rules", "visit*", "--no-fetch")
    assert len(web.asked) == 2


def test_fetch_says_what_came(project, web):
    web.on("/visits.csv", Answer(body=VISITS.encode()), Answer(body=VISITS.encode()), Answer(404))
    project.write("inputs/visits.yaml", _contract(f"{{http: {{url: {web.url}/visits.csv}}}}"))
    first = project.call("fetch")
    assert first.exit_code == 0
    assert first.stdout == f"visits: new content, 1 file, 84 bytes ({web.url}/visits.csv)\n"
    assert "visits: the same content, 1 file" in project.call("fetch", "visits").stdout
    third = project.call("fetch")
    assert third.exit_code == 3
    assert "answered 404 Not Found" in third.stdout
    assert "  what was there at 20" in third.stdout
    fourth = project.call("fetch", "survey")
    assert fourth.exit_code == 2
    assert "no input 'survey' that is fetched; allowed: visits" in fourth.stderr


def test_take_fetches_and_keeps_nothing_unless_asked(project, web):
    web.on("/visits.csv", Answer(body=VISITS.encode()))
    project.write("inputs/visits.yaml", _contract(f"{{http: {{url: {web.url}/visits.csv}}}}"))
    shown = project.call("take", "--input", "visits")
    assert shown.exit_code == 0, shown.output
    assert "visits: accepted\nrows: 3 sound, 0 rejected" in shown.stdout
    web.on("/visits.csv", Answer(404))
    assert words(project.run("--rules", "visits")[1]) == {"visits": "unknown"}
    failed = project.call("take", "--input", "visits")
    assert failed.exit_code == 3
    assert "answered 404" in failed.stderr
    web.on("/visits.csv", Answer(body=VISITS.encode()), Answer(404))
    assert project.call("take", "--input", "visits", "--accept").exit_code == 0
    assert words(project.run("--rules", "visits")[1]) == {"visits": "met"}
    named = project.call("take", "--input", "visits", str(project.root / "inputs/visits.csv"))
    assert named.exit_code == 2
    assert "leave FILE out" in named.stderr
    assert "name a FILE" in project.call("take", "--input", "survey").stderr


def test_what_never_came_is_missing_and_the_others_are_judged(project, web):
    project.write("inputs/visits.yaml", _contract(f"{{http: {{url: {web.url}/visits.csv}}}}"))
    result, found = project.run()
    assert result.exit_code == 1
    assert words(found)["visits"] == "unknown"
    assert _input(found)["state"] == "missing"
    assert any(item["verdict"] != "unknown" for item in found["verdicts"])


@pytest.mark.parametrize(
    ("fetch", "said"),
    [
        ("§{}", "fetch: no server is named; allowed: one of database, http, pxweb, sftp"),
        ("{§ftp: {}}", "unknown key 'ftp'; allowed: database, http, pxweb, sftp"),
        ("{http: {url: §'leads.csv'}}", "url: 'leads.csv' has not the right form; allowed: an address such as https://data.agency.fi/leads.csv"),
        ("{http: {url: 'https://a.fi/x', password: §hunter2, user: me}}", "password: a secret stands in a file that is kept in git; allowed: {env: NAME}, {credential: NAME} or {file: PATH}"),
        ("{http: {url: 'https://a.fi/x', password: §{env: A, file: b}, user: me}}", "password: a mapping: give one of env, credential and file"),
        ("{http: §{url: 'https://a.fi/x', user: me}}", "user and password go together; allowed: both or neither"),
        ("{http: {url: §'https://me:hunter2@a.fi/x'}}", "url: a user or password stands in the address; allowed: an address without"),
        ("{http: {url: §'https://a.fi/x?api_key=hunter2'}}", "url: api_key: a secret stands in a file that is kept in git"),
        ("{http: {url: 'https://a.fi/x', headers: {X-Api-Key: §hunter2}}}", "X-Api-Key: a secret stands in a file that is kept in git"),
        ("{http: {url: §'http://a.fi/x', token: {env: A}}}", "url: a secret would cross the network for all to read; allowed: an https address"),
        ("{http: {url: 'https://a.fi/x', wait: §10}}", "wait: 10"),
        ("{http: {url: 'https://a.fi/x', wait: §'10 d'}}", "wait: '10 d' has not the right form; allowed: such as 45 s, 10 min or 1 h"),
        ("{sftp: §{host: a.fi, user: me, path: a.csv, key: {env: K}}}", "the server's key is not named: anyone could answer in its place; allowed: host_key or known_hosts; have it from the server's keeper, and compare: ssh-keyscan a.fi | ssh-keygen -lf -"),
        ("{sftp: {host: a.fi, user: me, path: a.csv, key: {env: K}, host_key: [§'MD5:aa']}}", "host_key: 'MD5:aa' is no fingerprint; allowed: SHA256: and 43 letters"),
        ("{sftp: {host: a.fi, user: me, path: a.csv, key: {env: K}, known_hosts: §hosts}}", "known_hosts: there is no file hosts"),
        ("{sftp: §{host: a.fi, user: me, path: a.csv, known_hosts: inputs/visits.yaml}}", "give password or key; allowed: one of them"),
        ("{sftp: {host: a.fi, user: me, path: §'*/a.csv', key: {env: K}, known_hosts: inputs/visits.yaml}}", "path: only the file's name may be a glob"),
        ("{database: {url: §'nonsense', table: t}}", "url: 'nonsense' has not the right form; allowed: a SQLAlchemy URL such as postgresql://"),
        ("{database: {url: §'postgresql://me:hunter2@db/x', table: t}}", "url: a secret stands in a file that is kept in git"),
        ("{database: {url: §'postgresql://me@db/x?password=hunter2', table: t}}", "url: a secret stands in a file that is kept in git"),
        ("{database: {url: §'postgresql://me@db', table: t}}", "url: it names no database"),
        ("{database: §{url: 'postgresql://me@db/x'}}", "give query or table; allowed: one of them"),
        ("{database: §{url: 'postgresql://me@db/x', query: SELECT 1, table: t}}", "give query or table; allowed: one of them"),
        ("{database: {url: 'postgresql://me@db/x', query: SELECT 1, schema: §s}}", "schema goes with table"),
        ("{database: {url: 'postgresql://me@db/x', query: §DELETE FROM t}}", "query: it is no SELECT but DELETE; allowed: one SELECT, also with WITH and UNION, that only reads"),
        ("{http: {url: 'https://a.fi/x', trust: §ca.pem}}", "trust: there is no file ca.pem; allowed: a PEM file of certificates"),
    ],
)  # fmt: skip
def test_a_broken_declaration_is_a_problem_with_its_place(project, fetch, said):
    project.write("inputs/visits.yaml", _contract(fetch.replace("§", "")))
    result = project.call("lint")
    assert result.exit_code == 2
    assert f"inputs/visits.yaml:2:{len('fetch: ') + fetch.index('§') + 1}: {said}" in result.output
    assert "hunter2" not in result.output


def test_several_files_need_a_key(project):
    fetch = "{sftp: {host: a.fi, user: me, path: 'a_*.csv', key: {env: K}, known_hosts: inputs/visits.yaml}}"
    project.write("inputs/visits.yaml", _contract(fetch).replace("primaryKey: [visit_id]\n", ""))
    assert "several deliveries cannot be merged without a key; allowed: a primaryKey, or the path of one file" in project.call("lint").output


def test_an_input_is_in_one_place(project):
    project.write("inputs/visits.yaml", _contract("{http: {url: 'https://a.fi/x'}}") + "path: visits.csv\n")
    assert "inputs/visits.yaml:2:1: path and fetch are two places of one input; allowed: one of them" in project.call("lint").output
    project.write("inputs/visits.yaml", VISITS_CONTRACT.replace("path: visits.csv\n", ""))
    assert "inputs/visits.yaml:1:1: 'path' is missing; add path: … for files, fetch: … for a server, or entered: true" in project.call("lint").output
