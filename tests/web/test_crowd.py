"""A hundred readers at once while runs are written: nobody gets an error, and no run waits for them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
from chromium import served
from dashboard import START

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.web.app import application

PATHS = ("/en/alerts", "/en/overview", "/sv/runs", "/fi/indicators/visits", "/en/deliveries", "/en/problems")


def _run(project, day: int):
    at = START + timedelta(days=day + 1)
    return wiring.run_once(project, at.date() - timedelta(days=1), expectations=False, clock=lambda: at)


def test_a_hundred_readers_get_their_pages_while_runs_are_written(house, root):
    project, stop = load_project(root), threading.Event()
    with served(application(house)) as at:

        def read(number: int) -> list[int]:
            codes = []
            with httpx.Client(base_url=at, timeout=120) as client:
                while not stop.is_set() or not codes:
                    codes.append(client.get(PATHS[(number + len(codes)) % len(PATHS)]).status_code)
            return codes

        with ThreadPoolExecutor(100) as pool:
            crowd = [pool.submit(read, number) for number in range(100)]
            try:
                done = [_run(project, day) for day in range(3)]
            finally:
                stop.set()
            codes = [code for one in crowd for code in one.result()]
    assert len(done) == 3
    assert len(codes) >= 100
    assert set(codes) == {200}
    assert house.reader.newest_done() == 4
