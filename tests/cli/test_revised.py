"""A corrected delivery for a closed year: the year is judged anew, and every place says which verdicts changed and why."""

from __future__ import annotations

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
