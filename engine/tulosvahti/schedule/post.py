"""The service's outbox loop: what waits is sent when its time comes, also while a run is under way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

LOG = logging.getLogger(__name__)


def keep_delivering(deliver: Callable[[], None], stop: threading.Event, tick_seconds: float = 15.0) -> None:
    """Call ``deliver`` at once and then at every tick, until ``stop`` is set. What goes wrong waits for the next tick."""
    while not stop.is_set():
        try:
            deliver()
        except Exception:
            LOG.exception("the outbox could not be seen to; trying again in %g s", tick_seconds)
        stop.wait(tick_seconds)
