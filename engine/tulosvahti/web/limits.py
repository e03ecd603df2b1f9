"""How often something may be tried: a number of times in a span, for each key. Kept in memory, and forgotten at restart."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = 20_000


class Limit:
    """At most ``times`` in ``seconds``; ``clock`` gives seconds that never jump."""

    def __init__(self, times: int, seconds: float, clock: Callable[[], float]) -> None:
        """Start with nothing tried."""
        self.times, self.seconds, self._clock = times, seconds, clock
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str, *, counts: bool = True) -> int:
        """Note a try, unless it ``counts`` not; give the seconds to wait where there were too many, else 0."""
        now = self._clock()
        with self._lock:
            tried = self._tried.setdefault(key, deque())
            self._tried.move_to_end(key)
            while tried and tried[0] <= now - self.seconds:
                tried.popleft()
            if len(tried) >= self.times:
                return max(int(tried[0] + self.seconds - now) + 1, 1)
            if counts:
                tried.append(now)
            if len(self._tried) > _KEYS:
                self._tried.popitem(last=False)
        return 0

    def forget(self, key: str) -> None:
        """Forget what was tried: it succeeded."""
        with self._lock:
            self._tried.pop(key, None)
