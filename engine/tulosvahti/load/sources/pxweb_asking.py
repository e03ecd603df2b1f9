"""Asking a statistical office's server at its own pace: its window is kept to, also by several inputs at once.

A server counts calls by who asks, not by what for: so every fetch of one process that asks the same server shares one
account of its calls. 429 waits as long as the server says, or one window.
"""

from __future__ import annotations

import io
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tulosvahti.core.fetched import SourceError
from tulosvahti.load.sources.patience import AgainError, patiently
from tulosvahti.load.sources.pxweb_servers import Answer, Limits
from tulosvahti.load.sources.web import Call, Web

if TYPE_CHECKING:
    from tulosvahti.core.fetched import Given

_READ = frozenset({200, 400, 403, 404, 413, 429})
_SLOW = 10.0
"""Seconds to wait after a refusal for asking too often, where neither the answer nor the configuration says how long."""
_POLICY = re.compile(r"\s*(\d+)\s*;\s*w\s*=\s*(\d+)")


@dataclass
class _Account:
    """The calls of one server, and what holds them back; seconds of the steady clock.

    ``times``: of each call when it is to be made, and once it is answered that moment: the server counted it before.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    times: deque[list[float]] = field(default_factory=lambda: deque(maxlen=100_000))
    not_before: float = 0.0


_ACCOUNTS: dict[tuple[tuple[str, str, int], Callable[[], float]], _Account] = {}
_ALL = threading.Lock()


class Asking:
    """Questions of one fetch to one server. ``limits`` are set as soon as they are known."""

    def __init__(self, given: Given, web: Web, origin: tuple[str, str, int]) -> None:
        """Share the server's account with the other fetches."""
        self._given, self._web = given, web
        self.limits = Limits()
        self.calls = 0
        with _ALL:
            self._account = _ACCOUNTS.setdefault((origin, given.steady), _Account())

    def ask(self, url: str, body: Any) -> Answer:  # noqa: ANN401 (JSON)
        """Ask, in turn; try again where the server asks to come later.

        Raises:
            SourceError: there is no answer in time.

        """
        return patiently(self._given, self._web.until, lambda: self._once(url, body), "fetch again later, or select less")

    def _once(self, url: str, body: Any) -> Answer:  # noqa: ANN401
        mine = self._wait_for_turn(url)
        self.calls += 1
        out = io.BytesIO()
        call = Call(url, "GET" if body is None else "POST", {"Accept": "application/json"}, body, _READ)
        try:
            reply = self._web.ask(call, out)
        finally:
            mine[0] = self._given.steady()
        self._learn(reply.headers)
        if reply.status == 429:  # noqa: PLR2004 (too many requests)
            asked = reply.headers.get("retry-after", "").strip()
            after = float(min(int(asked), 86_400)) if asked.isdecimal() else self.limits.window or _SLOW
            with self._account.lock:
                self._account.not_before = max(self._account.not_before, self._given.steady() + after)
            msg = f"{url.partition('?')[0]} answered 429: asked too often"
            raise AgainError(msg, after)
        return Answer(reply.status, out.getvalue())

    def _wait_for_turn(self, url: str) -> list[float]:
        """Take the next place in the server's window, and wait for it; give the place in the account."""
        limits, account = self.limits, self._account
        with account.lock:
            now = self._given.steady()
            turn = max(now, account.not_before)
            if limits.calls and len(account.times) >= limits.calls:
                turn = max(turn, account.times[-limits.calls][0] + limits.window)
            if turn >= self._web.until:
                msg = f"{url.partition('?')[0]} may be asked again only in {turn - now:.0f} s, which is too late"
                raise SourceError(msg, "raise `wait` in the contract, or select less")
            mine = [turn]
            account.times.append(mine)
        if turn > now:
            self._given.sleep(turn - now)
        return mine

    def _learn(self, headers: Mapping[str, str]) -> None:
        """Heed limits that only headers tell: ``x-ratelimit-policy: 40;w=60s``, ``x-rate-limit-remaining: 0``."""
        found = _POLICY.match(headers.get("x-ratelimit-policy", ""))
        if found and not self.limits.calls:
            self.limits = Limits(self.limits.cells, self.limits.values, int(found[1]), float(found[2]), self.limits.told)
        left = headers.get("x-ratelimit-remaining", headers.get("x-rate-limit-remaining", "")).strip()
        if left == "0" and self.limits.window:
            with self._account.lock:
                self._account.not_before = max(self._account.not_before, self._given.steady() + self.limits.window)
