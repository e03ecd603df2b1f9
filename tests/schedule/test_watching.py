"""What watches the service: the pages, the numbers, systemd's socket, the dead man's switch and the log."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from answering import answered
from prometheus_client.parser import text_string_to_metric_families
from published import NOW, publish_run

from tulosvahti.core.delivery import MailState, Posting
from tulosvahti.core.gauge import Gauge
from tulosvahti.core.verdict import Outcome, Word
from tulosvahti.emit.exposition import exposition
from tulosvahti.emit.logs import in_run, start_log
from tulosvahti.schedule.health import STUCK_AFTER, Progress, Watched, answer, shown
from tulosvahti.schedule.ping import pinged
from tulosvahti.schedule.systemd import notify
from tulosvahti.store.gauges import gauges
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.lock import LockedError


def read(text: str) -> dict[tuple[str, ...], float]:
    """Read the text as Prometheus does."""
    return {
        (sample.name.removeprefix("tulosvahti_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_text_survives_any_label():
    awkward = 'a "b"\\\n{c="d"} ä'
    text = exposition([Gauge("b", "two\nlines \\", 0.1, {"x": awkward}), Gauge("a", "one", 1), Gauge("b", "", 2, {"x": ""})])
    assert read(text) == {("a",): 1, ("b", awkward): 0.1, ("b", ""): 2}
    assert [line for line in text.splitlines() if line.startswith("# TYPE")] == ["# TYPE tulosvahti_a gauge", "# TYPE tulosvahti_b gauge"]


def test_the_ledgers_numbers(tmp_path, ledger_url):
    with closing(Ledger(ledger_url, tmp_path)) as ledger:
        empty = read(exposition(gauges(ledger.engine, NOW)))
        assert empty["ledger_height",] == empty["outbox_waiting",] == empty["outbox_oldest_seconds",] == 0
        publish_run(ledger)
        publish_run(ledger, at=NOW + timedelta(hours=1), word=Word.MET)
        ledger.start_run(NOW.date(), NOW, "abc", "0.1.0")
        ledger.fail_run("3", NOW, "disk full")
        found = read(exposition(gauges(ledger.engine, NOW + timedelta(hours=2))))
        assert found == {
            ("ledger_height",): 3,
            ("runs", "done"): 2,
            ("runs", "failed"): 1,
            ("last_success_timestamp_seconds", "nightly"): (NOW + timedelta(hours=1)).timestamp(),
            ("lateness_seconds", "nightly"): 0,
            ("input_refused", "crm", "quarantined"): 1,
            ("inputs", "accepted"): 0,
            ("inputs", "quarantined"): 1,
            ("inputs", "late"): 0,
            ("inputs", "missing"): 0,
            ("outbox_waiting",): 2,
            ("outbox_oldest_seconds",): 7200,
            ("recipients_failed",): 0,
        }
        answered(ledger, "<1@tulosvahti>", MailState.FAILED, NOW)
        found = read(exposition(gauges(ledger.engine, NOW + timedelta(hours=2))))
        assert (found["outbox_waiting",], found["outbox_oldest_seconds",], found["recipients_failed",]) == (1, 3600, 1)
        answered(ledger, "<2@tulosvahti>", MailState.SENT, NOW)
        night = NOW + timedelta(hours=5)
        held = Posting("owner", "<held@x>", b"", (("mail", "a@example.org"), ("mail", "b@example.org")), hold=night)
        run = ledger.start_run(NOW.date(), NOW, "abc", "0.1.0")
        ledger.publish(Outcome(run, NOW.date(), "abc", "0.1.0", (), ()), NOW, [held])
        for hours, waits, age in ((2, 0, 0), (6, 1, 3600)):
            found = read(exposition(gauges(ledger.engine, NOW + timedelta(hours=hours))))
            assert (found["outbox_waiting",], found["outbox_oldest_seconds",]) == (waits, age)


def raise_it():
    message = "no such column"
    raise RuntimeError(message)


@pytest.mark.parametrize(
    ("path", "age", "trouble", "code", "says"),
    [
        ("/healthz", 1, "", 200, '"alive": true'),
        ("/healthz", STUCK_AFTER, "", 503, '"alive": false'),
        ("/healthz", 1, "disk full", 200, '"alive": true'),
        ("/readyz", 1, "", 200, '"ready": true'),
        ("/readyz?x=1", 1, "disk full", 503, "disk full"),
        ("/readyz", STUCK_AFTER, "", 503, '"ready": false'),
        ("/metrics", 1, "", 200, "tulosvahti_one 1"),
        ("/metrics", 1, "disk full", 200, "tulosvahti_ledger_up 0"),
        ("/", 1, "", 404, "/metrics"),
    ],
)
def test_pages(path, age, trouble, code, says):
    watched = Watched(lambda: age, lambda: trouble, lambda: [Gauge("one", "", 1)])
    given, _, text = answer(path, watched)
    assert given == code
    assert says in text


def test_a_fault_of_the_numbers_is_shown_and_logged(caplog):
    assert "tulosvahti_ledger_up 0" in answer("/metrics", Watched(lambda: 0, str, raise_it))[2]
    assert "no such column" in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_served_over_http_and_beside_a_client_that_says_nothing(host):
    with shown(f"{host}:0", Watched(lambda: 0.5, str, lambda: [Gauge("one", "a", 1)])) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection((host.strip("[]"), port)):
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answered:
                assert answered.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert read(answered.read().decode())["one",] == 1
            head = urllib.request.Request(f"http://{address}/healthz", method="HEAD")
            with urllib.request.urlopen(head, timeout=5) as answered:  # noqa: S310
                assert (answered.status, answered.read()) == (200, b"")


def test_an_address_that_is_taken_stops_no_night(caplog):
    watched = Watched(lambda: 0, str, list)
    with shown("127.0.0.1:0", watched) as address, shown(address, watched) as second:
        assert second == ""
    with shown("192.0.2.1:99999", watched) as third:
        assert third == ""
    assert "cannot listen" in caplog.text


def test_progress_feeds_the_watchdog_and_nothing_else_does(tmp_path):
    place = str(tmp_path / "notify")
    now = 100.0
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(place)
        systemd.settimeout(5)
        progress = Progress(lambda: now, lambda *words: notify(place, *words))
        now = 107.0
        assert progress.age() == 7
        progress()
        assert progress.age() == 0
        notify(place, "READY=1", "STATUS=ä")
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert systemd.recv(100).decode() == "READY=1\nSTATUS=ä"
    notify(place, "READY=1")
    notify("", "READY=1")


def test_an_abstract_socket():
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind("\0tulosvahti-test")
        notify("@tulosvahti-test", "READY=1")
        assert systemd.recv(100) == b"READY=1"


@contextmanager
def web(codes=(), wait=0.0):
    """A server that notes what was asked, answers with the codes in turn (then 200), each after ``wait`` seconds."""
    asked, left, stop = [], list(codes), threading.Event()

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            stop.wait(wait)
            self.send_response(left.pop(0) if left else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def failing(error):
    def run(_slot):
        raise error

    return run


def test_a_run_is_told_to_the_dead_mans_switch():
    with web() as (url, asked):
        assert pinged(f"{url}/uuid/?rid=1", lambda slot: slot + 1)(1) == 2
        assert asked == ["/uuid/start?rid=1", "/uuid?rid=1"]
        with pytest.raises(ZeroDivisionError):
            pinged(f"{url}/uuid", failing(ZeroDivisionError()))(1)
        assert asked[2:] == ["/uuid/start", "/uuid/fail"]
        with pytest.raises(LockedError):
            pinged(f"{url}/uuid", failing(LockedError()), unless=(LockedError,))(1)
        deadline = time.monotonic() + 5
        while len(asked) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert asked[4:] == ["/uuid/start"]
    assert pinged("", failing)(1) is not None


def test_a_refusal_is_tried_again():
    with web(codes=[500, 200, 503]) as (url, asked):
        pinged(f"{url}/u", lambda: None)()
    assert asked == ["/u/start", "/u/start", "/u", "/u"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/u", "http://nowhere.invalid/u", None])
def test_a_switch_out_of_reach_never_fails_the_run(url, caplog):
    with web(wait=60) as (slow, _):
        started = time.monotonic()
        assert pinged(url or f"{slow}/u", lambda: 7, deadline=0.6)() == 7
        assert time.monotonic() - started < 5
    assert "service.ping" in caplog.text


@pytest.fixture
def log(capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:], root.level = before


def test_json_log(log):
    start_log("json")
    with in_run("12"):
        logging.getLogger("a.b").warning("line\nbreak %s", "ä")
    try:
        raise_it()
    except RuntimeError:
        logging.getLogger("a").exception("went wrong")
    first, second = (json.loads(line) for line in log().splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {"level": "warning", "logger": "a.b", "message": "line\nbreak ä", "run": "12"}
    assert second["error"].endswith("RuntimeError: no such column")
    assert "run" not in second


def test_text_log(log):
    start_log("text")
    with in_run("12"):
        logging.getLogger("a").info("one\nline")
    logging.getLogger("a").info("no run")
    first, second = log().splitlines()
    assert first.endswith(" INFO [run 12] one\\nline")
    assert second.endswith(" INFO no run")
