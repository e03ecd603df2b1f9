"""A corrected delivery for a closed year: the year is judged anew, and every place says which verdicts changed and why."""

from __future__ import annotations

from tulosvahti.core import revision as core
from tulosvahti.core.revision import History
from tulosvahti.store import revised

HEAD = "visit_id;visited_on;cost\n"
NEW = HEAD + "a;03.02.2025;1 000,50\nb;04.02.2025;2,25\n"


def test_a_corrected_year_is_told_everywhere(project):
    project.run("--no-expectations", as_of="2026-03-31")
    project.write("inputs/visits.csv", NEW)
    _, judged = project.run("--no-expectations", as_of="2026-04-01")
    told = {item["rule"]: item for item in judged["revisions"]}
    visits = told["visits"]
    assert (visits["period"], visits["before"], visits["after"]) == (
        "2025", {"run": "1", "verdict": "met", "observed": "3"}, {"verdict": "missed", "observed": "2"},
    )  # fmt: skip
    (because,) = visits["because"]
    assert (because["input"], because["files"]) == ("visits", ["visits.csv"])
    assert len({because["sha256_before"], because["sha256"]}) == 2
    assert told["visit-costs"]["before"]["observed"] == "1032.75"
    assert told["visit-costs"]["after"] == {"verdict": "met", "observed": "1002.75"}
    report = next((project.root / ".tulosvahti" / "reports").glob("run-2.*.html")).read_text(encoding="utf-8")
    assert because["sha256"][:12] in report
    explained = project.call("explain", "visits").stdout
    assert "run 2 revised 2025: met 3 (run 1) → missed 2; visits visits.csv " in explained
    mails = b"".join(path.read_bytes() for path in (project.root / ".tulosvahti" / "outbox").rglob("*.eml")).replace(b"=\r\n", b"")
    assert because["sha256"][:12].encode() in mails
    assert project.call("run", "--as-of", "2026-04-01", "--no-expectations").exit_code == 1
    _, again = project.run("--no-expectations", as_of="2026-04-02")
    assert again["revisions"] == []


def test_an_open_year_that_grows_is_no_revision(project):
    project.run("--no-expectations", as_of="2025-06-30")
    project.write("inputs/visits.csv", NEW)
    assert project.run("--no-expectations", as_of="2025-07-01")[1]["revisions"] == []


def test_what_was_said_over_the_years_is_read_only_where_it_may_be_revised(project, monkeypatch):
    """Whatever changed between runs: where nothing is read, all of it would revise nothing."""
    plain, read = revised.history, []

    def history(connection, verdicts, measurements, deliveries):
        given = plain(connection, verdicts, measurements, deliveries)
        with monkeypatch.context() as patched:
            patched.setattr(revised, "_as_before", lambda *_: False)
            whole = plain(connection, verdicts, measurements, deliveries)
        if given == History():
            assert core.revised(verdicts, measurements, deliveries, whole, "other rules") == ()
        read.append(given != History())
        return given

    monkeypatch.setattr(revised, "history", history)
    rules = (project.root / "rules/2-visits.yaml").read_text()
    first = (project.root / "inputs/visits.csv").read_text()
    steps = [
        ("2026-03-31", "*", None, None, False), ("2026-04-01", "*", None, None, False), ("2026-04-01", "visits", NEW, None, True),
        ("2026-04-02", "*", None, None, True), ("2026-04-02", "*", None, None, False), ("2026-04-02", "visits", None, None, False),
        ("2026-04-02", "visit-costs", None, None, True), ("2026-04-03", "visits", first, None, True), ("2026-04-03", "*", NEW, None, True),
        ("2026-04-03", "*", None, rules.replace(">= 3", ">= 2"), False), ("2026-04-04", "*", None, rules.replace('2025: ">= 3"', '2024: ">= 1"'), True),
        ("2026-04-04", "*", HEAD, None, True), ("2026-04-04", "*", NEW, None, True),
    ]  # fmt: skip
    for day, chosen, content, written, whole in steps:
        if content is not None:
            project.write("inputs/visits.csv", content)
        if written is not None:
            project.write("rules/2-visits.yaml", written)
        project.run("--no-expectations", "--rules", chosen, as_of=day)
        assert read.pop() is whole, (day, chosen)
