"""``serve``: the dashboard, until it is told to stop."""

from __future__ import annotations

import gc
import logging
import socket
from typing import TYPE_CHECKING

from tulosvahti.problem import ProblemsError
from tulosvahti.store.database import LedgerError
from tulosvahti.store.secret import SecretError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBLEM, INCOMPLETE = 2, 3
LOG = logging.getLogger("tulosvahti.web")


def serve(root: Path, say: Callable[[str], None]) -> int:
    """Answer until a signal comes; give the exit code."""
    try:
        import uvicorn  # noqa: PLC0415 (an extra)

        from tulosvahti.web.app import application  # noqa: PLC0415
        from tulosvahti.web.house import House  # noqa: PLC0415
        from tulosvahti.web.warming import Warming  # noqa: PLC0415
    except ModuleNotFoundError as error:
        say(f"{error}; install the dashboard's libraries first: pip install 'tulosvahti[serve]'")
        return PROBLEM
    try:
        house = House(root)
    except ProblemsError as error:
        for problem in error.problems:
            say(str(problem))
        return PROBLEM
    except (LedgerError, SecretError) as error:
        say(str(error))
        return INCOMPLETE
    gc.enable()  # A service lives for months.
    host, port = house.serve.address
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
        )
    except OSError as error:
        say(f"serve.listen: cannot listen at {house.serve.listen} ({error.strerror}); name another address in [serve] of config.toml")
        house.close()
        return INCOMPLETE
    at = f"{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    say(f"dashboard: {house.project.config.dashboard or f'http://{at}'} (listening at {at})")
    if house.open_to_all:
        say("nobody signs in, so it is for this machine alone and for reading only; sign_in in [serve] of config.toml changes that")
    config = uvicorn.Config(
        application(house), log_config=None, access_log=False, proxy_headers=False, server_header=False,
        lifespan="off", timeout_keep_alive=30, h11_max_incomplete_event_size=32_000, timeout_graceful_shutdown=10,
    )  # fmt: skip
    warming = Warming(house)
    warming.start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        warming.stop()
        listening.close()
        house.close()
    return 0
