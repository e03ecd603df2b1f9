"""The dashboard over a ledger on a PostgreSQL server: its pages, and what people send."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from dashboard import LOCAL, START, Clock, make_project, person_added, sent, signed_in

from tulosvahti import wiring
from tulosvahti.load.project import load_project
from tulosvahti.store.changes import changes
from tulosvahti.web.house import House

PAGES = (
    "/overview", "/overview?verdict=missed", "/indicators/visits", "/indicators/visits/chart.svg?kind=periods", "/compare", "/findings", "/alerts",
    "/deliveries", "/values", "/values/figures", "/runs", "/runs/1", "/rules", "/rules/2-visits.yaml", "/problems", "/people",
)  # fmt: skip


@pytest.fixture(scope="module")
def on_postgresql(postgresql, tmp_path_factory):
    """Give a house whose ledger is on a server, with a run and a person of two roles."""
    from postgresql import new_schema  # noqa: PLC0415 (where there is a server)

    root = make_project(tmp_path_factory.mktemp("served") / "project")
    config = root / "config.toml"
    text = config.read_text(encoding="utf-8")
    assert "sqlite:///.tulosvahti/ledger.db" in text
    config.write_text(text.replace("sqlite:///.tulosvahti/ledger.db", new_schema(postgresql, "dashboard")) + LOCAL, encoding="utf-8")
    wiring.run_once(load_project(root), START.date() - timedelta(days=1), expectations=False, clock=lambda: START)
    clock = Clock()
    with closing(House(root, clock, clock.steady)) as house:
        person_added(house, "anna", "controller", "auditor", "administrator", "owner", owners=("agency",))
        yield house


@pytest.fixture(scope="module")
def anna(on_postgresql):
    return signed_in(on_postgresql, "anna")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there(anna, path):
    # Two visits in one year are no chart.
    assert anna.get(f"/fi{path}").status_code == (404 if "chart.svg" in path else 200)


@pytest.mark.parametrize(
    ("page", "action", "fields", "deed"),
    [
        ("/indicators/visits", "/indicators/visits/comments", {"comment": "looked at", "kind": "comment", "period": "2025"}, "comment"),
        ("/alerts", "/alerts/acknowledged", {"alert": "visits", "note": "calling them"}, "acknowledged"),
        ("/alerts", "/alerts/silenced", {"alert": "visits", "reason": "it moves", "until": "2025-12-31"}, "silenced"),
        ("/values/figures", "/values/figures", {"year.1": "2024", "unit.1": "a", "score.1": "61,5", "deed": "enter"}, "entered"),
    ],
)
def test_what_is_sent_is_kept_with_who_and_why(on_postgresql, anna, page, action, fields, deed):
    assert sent(anna, f"/en{page}", f"/en{action}", **fields).status_code == 303
    with on_postgresql.reader.transaction() as connection:
        newest = changes(connection, 1)[0]
    assert (newest.deed, newest.author.name) == (deed, "anna")
