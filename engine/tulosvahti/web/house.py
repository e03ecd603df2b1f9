"""What every page stands on: the project as it is now, its ledger, the clock and the secret. One for each process."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tulosvahti import wiring
from tulosvahti.audit.apart import Bounds
from tulosvahti.schedule.reading import Reading
from tulosvahti.store.reading import ReadingLedger
from tulosvahti.store.secret import project_secret
from tulosvahti.web.limits import Limit
from tulosvahti.web.oidc import BACK, Provider
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from tulosvahti.load.project import Project
    from tulosvahti.load.settings import ServeConfig
    from tulosvahti.store.ledger import Ledger

LOG = logging.getLogger("tulosvahti.web")
_LOOK_AGAIN = 2.0
"""Seconds between looks at whether a file of the project has changed."""
_AT_ONCE = 2
_WAIT = 60.0


class House:
    """One project and its ledger. Settings of ``[serve]`` are those it was started with."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = wiring.now, steady: Callable[[], float] = wiring.steady) -> None:
        """Read the project and open its ledger, which is made or migrated where needed.

        Raises:
            ProblemsError: config.toml is missing or broken.
            LedgerError: the ledger cannot be used.
            SecretError: the project's secret cannot be used.

        """
        self.clock, self.steady = clock, steady
        self._reading, self._lock = Reading(root, clock), threading.Lock()
        self._project, self._looked = self._reading(), steady()
        self.serve: ServeConfig = self._project.config.serve
        self.ledger: Ledger = wiring.open_ledger(self._project)
        """For writing; pages read by ``reader``."""
        try:
            config = self._project.config
            self.reader = ReadingLedger(config.ledger, root, wiring.secret(config.ledger_password_env))
            self.secret = project_secret(wiring.state_folder(self._project))
        except BaseException:
            self.ledger.close()
            raise
        self._computing = threading.BoundedSemaphore(_AT_ONCE)
        self._later = ThreadPoolExecutor(max_workers=1, thread_name_prefix="later")
        self.proxy_secret = wiring.secret(self.serve.proxy.secret_env)
        self.audit_bounds = Bounds()
        """What the audit of one file may cost."""
        self.sign_in_from = Limit(20, 300, steady)
        """Tries of one address."""
        self.sign_in_as = Limit(10, 900, steady)
        """Failed tries of one name."""
        self.api_calls = Limit(600, 60, steady)

    def close(self) -> None:
        """Close every connection."""
        self._later.shutdown()
        self.reader.close()
        self.ledger.close()

    @property
    def project(self) -> Project:
        """The project as its files are now; while one request reads them anew, the others have it as it was."""
        if self.steady() - self._looked >= _LOOK_AGAIN and self._lock.acquire(blocking=False):
            try:
                self._project, self._looked = self._reading(), self.steady()
            finally:
                self._lock.release()
        return self._project

    @cached_property
    def https(self) -> bool:
        """Tell whether people reach the dashboard by https."""
        return self._project.config.dashboard.startswith("https://")

    @cached_property
    def prefix(self) -> str:
        """The path under which the dashboard lies; empty where it has a host of its own."""
        return urlsplit(self._project.config.dashboard).path.rstrip("/")

    @property
    def open_to_all(self) -> bool:
        """Tell whether nobody signs in, so that whoever sits at this machine may read."""
        return not self.serve.sign_in

    @cached_property
    def provider(self) -> Provider:
        """The OpenID Connect provider."""
        back = f"{self._project.config.dashboard}{BACK}"
        return Provider(self.serve.oidc, wiring.secret(self.serve.oidc.secret_env), back, self.secret)

    def later(self, deed: Callable[[], None]) -> Future[None]:
        """Do something that no answer waits for, one after the other; what fails is logged."""
        done = self._later.submit(deed)
        done.add_done_callback(_log_failure)
        return done

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Let few long computations go on at a time; one more waits, and is refused after a minute.

        Raises:
            Refusal: too many go on.

        """
        if not self._computing.acquire(timeout=_WAIT):
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "web.error.busy")
        try:
            yield
        finally:
            self._computing.release()


def _log_failure(done: Future[None]) -> None:
    if error := done.exception():
        LOG.warning("something that could wait was not done: %s", error)
