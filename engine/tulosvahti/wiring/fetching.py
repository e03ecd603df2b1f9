"""Fetching with the real clock, the real secrets and real pauses."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.run.fetching import Came, World, fetch_all, fetch_one
from tulosvahti.store.fetched import write_kept
from tulosvahti.wiring.base import now, steady
from tulosvahti.wiring.secrets import read_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.fetched import Source
    from tulosvahti.load.project import Project


def world_of(project: Project) -> World:
    """Give what fetches of a project are made with."""
    return World(project.root, partial(read_secret, project.root), now, steady, time.sleep, project.config.time_zone)


def fetch(project: Project, names: Sequence[str]) -> list[Came]:
    """Fetch those of the inputs that are fetched, and keep what came."""
    contracts = [project.contracts[name] for name in names]
    wanted = [contract for contract in contracts if contract.fetch is not None and not contract.pushed]
    return fetch_all(world_of(project), wanted) if wanted else []


def fetch_aside(project: Project, contract: Contract, source: Source) -> Came:
    """Fetch one input without making what came its content; ``keep_fetched`` does."""
    return fetch_one(world_of(project), contract, source)


def keep_fetched(project: Project, came: Came) -> None:
    """Make what came the input's content."""
    write_kept(project.root, came.name, came.kept)
