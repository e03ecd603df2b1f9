"""The project as the service reads it: anew when one of its files has changed, and the last sound one until then."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tulosvahti.load.project import Project, load_project
from tulosvahti.load.schedule import changing_hours
from tulosvahti.load.settings import CONFIG
from tulosvahti.problem import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

LOG = logging.getLogger(__name__)


class Reading:
    """A project folder; call it for the project."""

    def __init__(self, root: Path, clock: Callable[[], datetime]) -> None:
        """Name the folder; it is read at the first call."""
        self.root, self._clock = root, clock
        self._mark: list[tuple[str, int, int]] = []
        self._project: Project | None = None

    def __call__(self) -> Project:
        """Give the project; problems are logged once each time its files have changed.

        Raises:
            ProblemsError: config.toml is missing or broken, and never was sound.

        """
        mark = self._files()
        if mark != self._mark or self._project is None:
            self._mark = mark
            try:
                self._project = load_project(self.root)
            except ProblemsError as error:
                LOG.error("the project is kept as it was: %s", error)  # noqa: TRY400 - the problems say it all
                if self._project is None:
                    raise
            else:
                config = self._project.config
                for problem in (*self._project.problems, *changing_hours(config.schedule, config.time_zone, self._clock())):
                    LOG.warning("%s", problem)
        return self._project

    def _files(self) -> list[tuple[str, int, int]]:
        found = [self.root / CONFIG, *(path for name in ("rules", "inputs", "alerts") for path in (self.root / name).glob("*.yaml"))]
        marks = []
        for path in found:
            try:
                seen = path.stat()
            except OSError:
                continue
            marks.append((str(path), seen.st_mtime_ns, seen.st_size))
        return sorted(marks)
