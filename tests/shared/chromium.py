"""Debian's Chromium through Playwright, and a dashboard for it on a free port of this machine."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from contextlib import contextmanager

import uvicorn

CHROMIUM = shutil.which("chromium")


def absent() -> str:
    """Say what is missing for tests in a browser; empty where nothing is."""
    try:
        import axe_playwright_python.sync_playwright  # noqa: F401, PLC0415
        import playwright.sync_api  # noqa: F401, PLC0415
    except ImportError as error:
        return f"{error.name} is not installed (requirements-dev.txt)"
    return "" if CHROMIUM else "there is no Chromium (Debian's package chromium)"


@contextmanager
def served(app):
    """Serve an application on a free port; give its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def chromium():
    """Give a browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where it is installed)

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        try:
            yield opened
        finally:
            opened.close()
