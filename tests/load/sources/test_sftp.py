"""Files of an SSH server: a real OpenSSH, and by password Paramiko's."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
import ssh_server as ssh
from password_server import password_server
from web_server import free_port

from tulosvahti.load.sources.sftp import SftpSource

OLD = 1_700_000_000
PASSPHRASE = "avaa-minut"  # noqa: S105 (of a key that lives for a test)


@pytest.fixture(scope="session")
def server():
    if ssh.program() is None:
        pytest.skip(ssh.ABSENT)
    with ssh.ssh_server() as started:
        yield started


@pytest.fixture
def out(server, fetch):
    """Give an empty folder of the server, and the secrets of its user."""
    for path in server.folder.iterdir():
        path.unlink()
    fetch.secrets |= {"KEY": server.key.read_text(), "LOCKED": server.locked_key.read_text(), "PHRASE": PASSPHRASE, "WRONG": "väärä-salasana"}
    return server.folder


def put(folder, name, content, changed=OLD):
    (folder / name).write_bytes(content)
    os.utime(folder / name, (changed, changed))


def source(server, path="leads_*.csv", **changes):
    declared = {"host": "127.0.0.1", "port": server.port, "user": server.user, "key": {"env": "KEY"}, "host_key": [server.host_keys[0]]}
    return SftpSource(**{**declared, "path": path if path[0] == "/" else f"{server.folder}/{path}", **changes})


def test_files_that_match_come_in_order_and_once(fetch, server, out):
    put(out, "leads_10.csv", b"ten")
    put(out, "leads_9.csv", "yhdeksän å".encode())
    put(out, "other.csv", b"no")
    put(out, ".leads_1.csv", b"hidden")
    (out / "leads_link.csv").symlink_to("leads_9.csv")
    came = fetch(source(server))
    assert came.kept.trouble is None
    assert [file.name for file in came.kept.files] == ["leads_9.csv", "leads_10.csv", "leads_link.csv"]
    assert [fetch.content(came, at) for at in range(2)] == ["yhdeksän å".encode(), b"ten"]
    put(out, "leads_10.csv", b"TEN", OLD + 1)
    (out / "leads_9.csv").chmod(0)
    again = fetch(source(server))
    assert fetch.content(again, 1) == b"TEN"
    assert again.new
    assert not fetch(source(server)).new


def test_a_large_file_is_whole(fetch, server, out):
    content = os.urandom(1 << 20) * 9 + b"end"
    put(out, "leads_1.csv", content)
    assert fetch.content(fetch(source(server, "leads_1.csv"))) == content


@pytest.mark.parametrize(
    "changes",
    [{}, {"key": {"env": "LOCKED"}, "passphrase": {"env": "PHRASE"}}, {"host_key": [], "known_hosts": "known_hosts"}],
)
def test_ways_in(fetch, server, out, changes):
    (fetch.root / "known_hosts").write_text(server.known_hosts)
    put(out, "leads_1.csv", b"a")
    assert fetch(source(server, **changes)).kept.trouble is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host_key": ["SHA256:" + "A" * 43]}, r"another key than the one that is known \(ssh-ed25519 SHA256:"),
        ({"host_key": [], "known_hosts": "strange"}, "another key than the one that is known"),
        ({"host_key": [], "known_hosts": "empty"}, "another key than the one that is known"),
        ({"key": None, "password": {"env": "WRONG"}}, "does not accept"),
        ({"user": "nobody-known"}, "does not accept nobody-known"),
        ({"key": {"env": "LOCKED"}}, "the private key has a passphrase"),
        ({"key": {"env": "LOCKED"}, "passphrase": {"env": "WRONG"}}, "its passphrase is wrong"),
        ({"key": {"env": "WRONG"}}, "no private key"),
        ({"key": {"env": "NOWHERE"}}, "the environment variable NOWHERE is not set"),
        ({"path": "/nowhere/leads.csv"}, "there is no such file or folder"),
        ({"path": "/nowhere/*.csv"}, "there is no such file or folder"),
        ({"path": "/etc"}, "is no file"),
    ],
)
def test_what_is_wrong_is_told_at_once(fetch, server, out, changes, said):
    strange = f"[127.0.0.1]:{server.port} {(server.folder.parent / 'key.pub').read_text()}"
    (fetch.root / "strange").write_text(strange)
    (fetch.root / "empty").write_text("")
    put(out, "leads_1.csv", b"a")
    came = fetch(source(server, **changes))
    assert came.kept.trouble is not None
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(came.kept.trouble.message)
    assert "salasana" not in str(came.kept.trouble)
    assert fetch.pauses == []


def test_no_file_and_too_much(fetch, server, out):
    assert "there is no such file" in fetch(source(server)).kept.trouble.message
    put(out, "leads_1.csv", b"x" * 600_000)
    put(out, "leads_2.csv", b"x" * 600_000)
    assert "is too large (1.14 MB); allowed: at most 1 MB" in fetch(source(server, max_bytes="1 MB")).kept.trouble.message
    assert "more than 1 files match" in fetch(source(server, max_files=1)).kept.trouble.message


def test_a_file_that_grows_is_waited_for(fetch, server, out):
    """The clock of the test stands before the files' times, so that they count as new."""
    path = out / "leads_1.csv"
    put(out, "leads_1.csv", b"a", changed=2_000_000_000)
    grown = []

    def sleep(seconds):
        fetch.pauses.append(seconds)
        fetch.passed += seconds
        if len(grown) < 2:
            grown.append(path.write_bytes(path.read_bytes() + b"b"))
            os.utime(path, (2_000_000_000 + len(grown),) * 2)

    fetch.sleep = sleep
    came = fetch(source(server, settle="20 s"))
    assert came.kept.trouble is None
    assert fetch.content(came) == b"abb"
    assert fetch.pauses == [20, 20, 20]


def test_a_file_that_never_stops_growing_is_left(fetch, server, out):
    path = out / "leads_1.csv"
    put(out, "leads_1.csv", b"a", changed=2_000_000_000)

    def sleep(seconds):
        fetch.passed += seconds
        put(out, "leads_1.csv", path.read_bytes() + b"b", changed=2_000_000_000)

    fetch.sleep = sleep
    came = fetch(source(server, settle="30 s", wait="5 min"))
    assert "files are still being written" in came.kept.trouble.message
    assert not came.kept.came


def test_nobody_there_and_nobody_speaking(fetch, server, out):
    came = fetch(source(server, port=free_port()))
    assert "broke off" in came.kept.trouble.message
    assert "the name nowhere.invalid is not known" in fetch(source(server, host="nowhere.invalid")).kept.trouble.message
    with socket.socket() as dumb:
        dumb.bind(("127.0.0.1", 0))
        dumb.listen()
        begun = time.monotonic()
        came = fetch(source(server, port=dumb.getsockname()[1], wait="2 s"))
        assert time.monotonic() - begun < 20
        assert "did not give all of it within 2 s" in came.kept.trouble.message
    assert not [thread for thread in threading.enumerate() if "Timer" in thread.name]


@pytest.mark.parametrize(("secret", "said"), [("RIGHT", None), ("WRONG", "does not accept reader")])
def test_a_password_lets_in_and_is_told_nobody(fetch, tmp_path, secret, said):
    fetch.secrets |= {"RIGHT": "avaa-ovi", "WRONG": "väärä-ovi"}
    (tmp_path / "leads_1.csv").write_bytes(b"one")
    with password_server("reader", "avaa-ovi") as server:
        asked = {"host": "127.0.0.1", "port": server.port, "user": "reader", "path": f"{tmp_path}/leads_*.csv", "password": {"env": secret}, "host_key": [server.host_key]}
        came = fetch(SftpSource.model_validate(asked))
    assert server.tried == [said is None]
    if said is None:
        assert fetch.content(came) == b"one"
        return
    assert said in came.kept.trouble.message
    assert "ovi" not in str(came.kept.trouble)
