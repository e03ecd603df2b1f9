"""The overview of each new run is made before anybody asks for it, so that the first reader waits no longer than the others."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from starlette.requests import Request

from tulosvahti.core.role import NOBODY
from tulosvahti.core.text import LANGUAGES
from tulosvahti.web.page import Page, compile_templates
from tulosvahti.web.pages.overview import made_ready

if TYPE_CHECKING:
    from tulosvahti.web.house import House

LOG = logging.getLogger("tulosvahti.web")
_EVERY = 5.0
"""Seconds between looks at whether there is a new run."""


class Warming:
    """A thread that makes ready what the newest run shows, from ``start`` to ``stop``."""

    def __init__(self, house: House, every: float = _EVERY) -> None:
        """Look after a house's runs every so many seconds."""
        self._house, self._every = house, every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="warming", daemon=True)
        self._seen: int | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, before the house is closed."""
        self._stopped.set()
        self._thread.join()

    def look(self) -> bool:
        """Make the newest run ready where it is a new one; tell whether it was."""
        newest = self._house.reader.newest_done()
        if newest is None or newest == self._seen:
            return False
        for page in pages_of(self._house):
            if self._stopped.is_set():
                return False
            made_ready(page)
        self._seen = newest
        return True

    def _go_on(self) -> None:
        compile_templates()
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 (whoever asks for the page is told; the next run may be sound)
                LOG.warning("the overview of the newest run was not made ready: %s", error)
            if self._stopped.wait(self._every):
                return


def pages_of(house: House) -> list[Page]:
    """Give the overview as nobody asks for it yet, in each language, with the language in its path and without."""
    spoken = [code for code in house.project.config.languages if code in LANGUAGES]
    found = []
    for language in spoken:
        for in_path in (language, ""):
            state = {"language": language, "path_language": in_path, "client": "", "peer": ""}
            scope = {"type": "http", "method": "GET", "path": "/overview", "query_string": b"", "headers": [], "state": state}
            found.append(Page(house, Request(scope), language, NOBODY, ""))
    return found
