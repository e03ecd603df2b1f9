"""What a monitoring system asks the service: /healthz (alive), /readyz (the ledger answers) and /metrics (numbers)."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from tulosvahti.core.gauge import Gauge
from tulosvahti.emit.exposition import CONTENT_TYPE, exposition

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

LOG = logging.getLogger(__name__)
STUCK_AFTER = 900.0
"""Seconds without progress after which the service is not alive; the unit's WatchdogSec says the same."""
_PATIENCE = 5.0
"""Seconds that a client may take to say what it wants."""


class Progress:
    """When the ledger loop last came round. Called whenever it did: nothing else feeds systemd's watchdog."""

    def __init__(self, clock: Callable[[], float], tell: Callable[..., None]) -> None:
        """Start from now; ``clock`` gives seconds that never jump, ``tell`` sends words to systemd."""
        self._clock, self._tell = clock, tell
        self._at = clock()

    def __call__(self) -> None:
        """Note that the loop came round."""
        self._at = self._clock()
        self._tell("WATCHDOG=1")

    def age(self) -> float:
        """Give the seconds since then."""
        return self._clock() - self._at


@dataclass(frozen=True)
class Watched:
    """What is asked: seconds since progress, why the ledger cannot be used ("" where it can), and its gauges."""

    age: Callable[[], float]
    trouble: Callable[[], str]
    gauges: Callable[[], Sequence[Gauge]]


@contextmanager
def shown(listen: str, watched: Watched) -> Iterator[str]:
    """Answer at ``listen`` (ADDRESS:PORT; empty: nowhere) inside the ``with``; give the address, with the port chosen.

    The nights matter more: an address that cannot be had is logged, and the service goes on without.
    """
    server = _server(listen, watched) if listen else None
    if server is None:
        yield ""
        return
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    try:
        yield f"{listen.rpartition(':')[0]}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _server(listen: str, watched: Watched) -> ThreadingHTTPServer | None:
    host, _, port = listen.rpartition(":")

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = _family(host)

    class Asked(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version, sys_version = "tulosvahti", ""

        def do_GET(self) -> None:
            code, kind, text = answer(self.path, watched)
            content = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
            LOG.debug(format, *args)

    try:
        return Server((host.strip("[]"), int(port)), Asked)
    except (OSError, OverflowError) as error:
        LOG.error("service.listen: cannot listen at %s (%s); the nights go on without", listen, error)  # noqa: TRY400
        return None


def _family(host: str) -> socket.AddressFamily:
    import socket  # noqa: PLC0415

    return socket.AF_INET6 if ":" in host else socket.AF_INET


def answer(path: str, watched: Watched) -> tuple[int, str, str]:
    """Give the HTTP code, the content type and the text for a path."""
    age = watched.age()
    alive = age < STUCK_AFTER
    place = path.partition("?")[0]
    if place == "/healthz":
        return _json(alive, {"alive": alive, "progress_age_seconds": round(age, 3)})
    if place not in {"/readyz", "/metrics"}:
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "here are /healthz, /readyz and /metrics\n"
    try:
        trouble = watched.trouble()
        found = [] if trouble or place == "/readyz" else list(watched.gauges())
    except Exception as error:
        LOG.exception("%s could not be answered", place)
        trouble, found = f"{type(error).__name__}: {error}", []
    if place == "/readyz":
        return _json(alive and not trouble, {"ready": alive and not trouble, "trouble": trouble})
    own = [
        Gauge("ledger_up", "1 where the ledger can be read.", 0 if trouble else 1),
        Gauge("progress_age_seconds", "Time since the ledger loop last came round.", age),
    ]
    return HTTPStatus.OK, CONTENT_TYPE, exposition([*own, *found])


def _json(good: bool, said: dict[str, object]) -> tuple[int, str, str]:  # noqa: FBT001
    code = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return code, "application/json", json.dumps(said, ensure_ascii=False) + "\n"
