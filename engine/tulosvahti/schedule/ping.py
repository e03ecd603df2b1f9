"""The dead man's switch: a run's start, success and failure are told to a URL that raises the alarm when nothing comes.

URL/start, URL and URL/fail, as healthchecks.io and its like have them. A run never fails, and never waits long, for it.
"""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
_TRIES = 3


def pinged(
    url: str,
    run: Callable[P, R],
    *,
    unless: tuple[type[Exception], ...] = (),
    deadline: float = 10.0,
) -> Callable[P, R]:
    """Give the run with its pings; an error of ``unless`` is no failure of it. ``deadline`` is in seconds, each ping."""
    if not url:
        return run

    def ping(suffix: str, before: threading.Thread | None = None) -> threading.Thread:
        # A thread of its own: no timeout of a socket bounds a name look-up or a server that drips.
        sender = threading.Thread(target=_send, args=(_with(url, suffix), deadline / _TRIES, before), daemon=True)
        sender.start()
        return sender

    def run_and_ping(*args: P.args, **kwargs: P.kwargs) -> R:
        started = ping("/start")
        try:
            result = run(*args, **kwargs)
        except unless:
            raise
        except BaseException:
            _await(ping("/fail", started), deadline)
            raise
        _await(ping("", started), deadline)
        return result

    return run_and_ping


def _await(sender: threading.Thread, deadline: float) -> None:
    sender.join(deadline)
    if sender.is_alive():
        LOG.warning("service.ping: no answer within %g s; the run goes on", deadline)


def _send(url: str, timeout: float, before: threading.Thread | None) -> None:
    if before is not None:
        before.join(timeout)  # In their order, where the server answers.
    why: Exception | None = None
    for _ in range(_TRIES):
        try:
            # config.toml allows http and https only; bytes make it a POST, which no cache answers.
            with urllib.request.urlopen(url, data=b"", timeout=timeout):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            why = error
            error.close()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is not the run's)
            why = error
    LOG.warning("service.ping: %s was not reached: %s", url, why)


def _with(url: str, suffix: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + suffix))
