"""Files at web addresses: a real server, honest and not."""

from __future__ import annotations

import gzip
import hashlib
import ssl
import time
import zlib

import pytest
import trustme
from web_server import Answer, free_port, web_server

from tulosvahti.load.sources.http import HttpSource

BODY = b"code;n\na;1\n"
SUM = hashlib.sha256(BODY).hexdigest()
ETAG = {"ETag": '"v1"', "Last-Modified": "Sun, 01 Mar 2026 00:00:00 GMT"}


def test_a_file_comes_once_and_again_when_it_has_changed(fetch, web):
    def answer(asked):
        return Answer(304) if asked.headers.get("if-none-match") == '"v1"' else Answer(body=BODY, headers=ETAG)

    source = HttpSource(url=web.on("/leads.csv", answer))
    first, second = fetch(source), fetch(source)
    assert (first.new, second.new) == (True, False)
    assert [(file.name, file.sha256, file.size) for file in second.kept.files] == [("leads.csv", SUM, len(BODY))]
    assert fetch.content(second) == BODY
    assert web.asked[1].headers["if-modified-since"] == ETAG["Last-Modified"]
    web.on("/leads.csv", Answer(body=BODY + b"b;2\n", headers={"ETag": '"v2"'}))  # the old tag has expired
    third = fetch(source)
    assert third.new
    assert fetch.content(third) == BODY + b"b;2\n"
    assert third.kept.facts == {"etag": '"v2"'}
    assert list((fetch.root / ".tulosvahti" / "work" / "fetching").iterdir()) == []


def test_what_is_no_longer_kept_is_asked_for_anew(fetch, web):
    source = HttpSource(url=web.on("/leads.csv", Answer(body=BODY, headers=ETAG)))
    first = fetch(source)
    (fetch.root / ".tulosvahti" / first.kept.files[0].place).unlink()
    assert fetch.content(fetch(source)) == BODY
    assert "if-none-match" not in web.asked[1].headers


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [
        ([Answer(503), Answer(500), Answer(body=BODY)], [1, 2]),
        ([Answer(429, headers={"Retry-After": "7"}), Answer(body=BODY)], [7]),
        ([Answer(429, headers={"Retry-After": "Sun, 01 Mar 2026 05:00:30 GMT"}), Answer(body=BODY)], [30]),
        ([Answer(raw=[b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + BODY]), Answer(body=BODY)], [1]),
        ([Answer(raw=[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncode;"]), Answer(body=BODY)], [1]),
        ([Answer(raw=[]), Answer(body=BODY)], [1]),
        ([Answer(raw=[b"SSH-2.0-x\r\n\r\n"]), Answer(body=BODY)], [1]),
        ([Answer(body=gzip.compress(BODY)[:-9], headers={"Content-Encoding": "gzip"}), Answer(body=BODY)], [1]),
        ([Answer(body=b""), Answer(body=BODY)], [1]),
    ],
)
def test_what_may_pass_is_tried_again(fetch, web, answers, pauses):
    came = fetch(HttpSource(url=web.on("/leads.csv", *answers)))
    assert came.kept.trouble is None
    assert fetch.content(came) == BODY
    assert fetch.pauses == pauses


@pytest.mark.parametrize(
    ("answer", "said", "asked"),
    [
        (Answer(503), r"answered 503 Service Unavailable \(6 attempts in \d+ s\)", 6),
        (Answer(429, headers={"Retry-After": "3600"}), "1 attempt in 0 s, and the server asks to wait 3600 s", 1),
        (Answer(404), "answered 404 Not Found: there is no such file", 1),
        (Answer(401), "answered 401 Unauthorized: it does not accept who asks", 1),
        (Answer(418), "answered 418", 1),
        (Answer(204), "answered 204", 1),
        (Answer(206, body=b"a"), "answered 206", 1),
        (Answer(body=b"x" * 200_000), "too large .195 kB.; allowed: at most 100 kB", 1),
        (Answer(body=b"x" * 200_000, length=False), "larger than 100 kB", 1),
        (Answer(body=zlib.compress(b"\0" * 10**6), headers={"Content-Encoding": "deflate"}), "larger than 100 kB", 1),
        (Answer(body=b"x", headers={"Content-Encoding": "br"}), "compressed as 'br'; allowed: none, gzip, deflate", 1),
        (Answer(body=b"xxxx", headers={"Content-Encoding": "gzip"}), "cannot be unfolded", 1),
        (Answer(body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}), "a web page instead of a file", 1),
        (Answer(302, headers={"Location": "/leads.csv"}), "leads from one address to another more than 5 times", 6),
        (Answer(302, headers={"Location": "ftp://localhost/x"}), "is no web address", 1),
        (Answer(304), "answered 304", 1),
    ],
)
def test_what_stays_wrong_is_told(fetch, web, answer, said, asked):
    came = fetch(HttpSource(url=web.on("/leads.csv", answer), max_bytes="100 kB"))
    assert came.kept.trouble is not None
    assert not came.kept.came
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(came.kept.trouble.message)
    assert came.kept.trouble.next_step
    assert len(web.asked) == asked
    assert not (fetch.root / ".tulosvahti" / "store").exists()


def test_a_bomb_unfolds_no_farther_than_its_limit(fetch, web):
    bomb = gzip.compress(b"\0" * (64 << 20))
    came = fetch(HttpSource(url=web.on("/leads.csv", Answer(body=bomb, headers={"Content-Encoding": "gzip"}))))
    assert "unfolds more than 250 times" in came.kept.trouble.message


@pytest.mark.parametrize("slow", [[b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"], [b"HTTP/1.1 200 OK\r\n"]])
def test_a_dripping_server_is_left_at_the_deadline(fetch, web, slow):
    web.on("/leads.csv", Answer(raw=[*slow, *([b"X: 1\r\n"] * 200)], pause=0.1))
    begun = time.monotonic()
    came = fetch(HttpSource(url=web.url + "/leads.csv", wait="1 s"))
    assert time.monotonic() - begun < 3
    assert "was not all there after 1 s" in came.kept.trouble.message


def test_what_came_last_stays_when_the_server_fails(fetch, web):
    source = HttpSource(url=web.on("/leads.csv", Answer(body=BODY), Answer(500)))
    fetch(source)
    came = fetch(source)
    assert "answered 500" in came.kept.trouble.message
    assert fetch.content(came) == BODY
    changed = fetch(HttpSource(url=web.on("/other.csv", Answer(500))))
    assert not changed.kept.came, "what another address gave is not used"


def test_redirects_are_followed_and_secrets_stay_at_home(fetch, web):
    fetch.secrets["TOKEN"] = "hush-hush"  # noqa: S105
    with web_server() as other:
        there = other.on("/data/leads.csv", Answer(body=BODY))
        url = web.on("/leads", Answer(302, headers={"Location": "/moved"}))
        web.on("/moved", Answer(307, headers={"Location": there}))
        source = HttpSource(
            url=url, token={"env": "TOKEN"}, headers={"X-Reader": {"env": "TOKEN"}, "Accept": "text/csv"}, parameters={"code": {"env": "TOKEN"}}
        )
        came = fetch(source)
        assert fetch.content(came) == BODY
    for asked in web.asked:
        assert asked.headers["authorization"] == "Bearer hush-hush"
        assert asked.headers["x-reader"] == "hush-hush"
        assert asked.path.endswith("?code=hush-hush")
    (foreign,) = other.asked
    assert foreign.headers["accept"] == "text/csv"
    assert "hush" not in repr(foreign)
    assert b"hush" not in (fetch.root / ".tulosvahti" / "fetched" / "leads.json").read_bytes()


@pytest.mark.parametrize("length", [True, False])
def test_an_end_that_cannot_be_seen_is_told(fetch, web, length):
    came = fetch(HttpSource(url=web.on("/leads.csv", Answer(body=BODY, length=length))))
    assert bool(came.kept.notices) is not length


def test_checksums(fetch, web):
    url = web.on("/leads.csv", Answer(body=BODY))
    assert fetch(HttpSource(url=url, sha256=SUM)).kept.trouble is None
    wrong = fetch(HttpSource(url=url, sha256="0" * 64), "wrong")
    assert "is not the file of its checksum" in wrong.kept.trouble.message
    sums = web.on("/leads.csv.sha256", Answer(body=f"{'0' * 64}  leads.csv\n".encode()), Answer(body=f"{SUM}  leads.csv\n".encode()))
    assert fetch(HttpSource(url=url, checksum_url=sums), "sums").kept.trouble is None
    web.on("/leads.csv.sha256", Answer(body=b"none here"))
    assert "holds no SHA-256" in fetch(HttpSource(url=url, checksum_url=sums), "none").kept.trouble.message


def test_certificates_are_verified_and_https_stays_https(fetch, web, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with web_server(context) as server:
        url = server.on("/leads.csv", Answer(body=BODY))
        assert "certificate of localhost cannot be trusted" in fetch(HttpSource(url=url), "a").kept.trouble.message
        assert fetch(HttpSource(url=url, trust="ca.pem"), "b").kept.trouble is None
        assert "holds no certificates" in fetch(HttpSource(url=url, trust="none.pem"), "c").kept.trouble.message
        url = server.on("/down", Answer(302, headers={"Location": web.on("/leads.csv", Answer(body=BODY))}))
        assert "leads from https to http" in fetch(HttpSource(url=url, trust="ca.pem"), "d").kept.trouble.message
        assert web.asked == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:PORT/leads.csv", "127.0.0.1 takes no connection"),
        ("http://nowhere.invalid/leads.csv", "the name nowhere.invalid is not known"),
    ],
)
def test_nobody_there(fetch, web, url, said):
    assert said in fetch(HttpSource(url=url.replace("PORT", str(free_port())))).kept.trouble.message
    assert fetch.pauses == [1, 2, 4, 8, 16]
