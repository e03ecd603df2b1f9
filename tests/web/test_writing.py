"""The pages that change something: alerts, deliveries and values by hand; each change is kept with who and why."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from dashboard import PASSWORD, VISITS, sent, signed_in, token_of

from tulosvahti.core.entry import Deed as Done
from tulosvahti.core.entry import EntryState, Sort
from tulosvahti.load.project import load_project
from tulosvahti.store import alerting, deliveries
from tulosvahti.store.changes import changes, comments
from tulosvahti.wiring import values
from tulosvahti.wiring.values import entered_rows

BAD_VISITS = VISITS + "d;41.02.2025;-5\n"


def last_change(house):
    with house.reader.transaction() as connection:
        found = changes(connection, 1)[0]
    return found.deed, found.about, found.author.name, found.why


def memory(house):
    with house.reader.transaction() as connection:
        return alerting.remember(connection)


@pytest.fixture
def controller(signed):
    return signed_in(signed, "controller")


@pytest.fixture
def owner(signed):
    return signed_in(signed, "owner")


def test_alerts_are_listed_filtered_and_say_who_was_told(controller):
    page = controller.get("/en/alerts")
    assert "Number of visits" in page.text
    assert "&lt;b&gt;Cost" not in page.text
    assert controller.get("/en/alerts?state=muted").text.count('class="row"') == 0
    assert controller.get("/en/alerts?severity=critical").text.count('class="row"') == 0
    assert controller.get("/en/alerts?state=strange").status_code == 400
    mails = controller.get("/sv/alerts/mails")
    assert mails.status_code == 200
    assert "skrivet till en fil" in mails.text


def test_an_alert_is_acknowledged_by_whom_it_concerns(signed, owner):
    assert sent(owner, "/en/alerts", "/en/alerts/acknowledged", alert="visits", note="calling them").status_code == 303
    assert "acknowledged by owner" in owner.get("/en/alerts").text
    assert [(item.by, item.note) for item in memory(signed).acknowledgements] == [("owner", "calling them")]
    assert last_change(signed) == ("acknowledged", "visits", "owner", "calling them")
    assert sent(owner, "/en/alerts", "/en/alerts/acknowledged", alert="no-such").status_code == 404
    assert sent(owner, "/en/alerts", "/en/alerts/silenced", alert="visits", reason="x", until="2999-01-01").status_code == 403


def test_who_has_signed_in_comments_under_the_own_name(signed, controller):
    where = "/en/indicators/visits"
    hostile = "<script>alert(1)</script>\nthe register moved"
    said = sent(controller, where, f"{where}/comments", comment=hostile, kind="explanation", period="2025", subject="")
    assert (said.status_code, said.headers["location"].partition("?")[0]) == (303, where)
    page = controller.get(where).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert re.search(r'<b>controller</b>.*?2025.*?<span class="tag">Explanation</span>', page, re.DOTALL)
    assert last_change(signed) == ("explanation", "visits", "controller", hostile)
    with signed.reader.transaction() as connection:
        (kept,) = comments(connection, "visits")
    assert (kept.by, kept.kind, kept.period, kept.text, kept.at) == ("controller", "explanation", "2025", hostile, signed.clock())


@pytest.mark.parametrize(
    ("rule", "fields", "code"),
    [
        ("visits", {"comment": "  "}, 400),
        ("visits", {"comment": "x" * 4001}, 400),
        ("visits", {"comment": "x", "kind": "praise"}, 400),
        ("visits", {"comment": "x", "subject": "[1]"}, 400),
        ("no-such", {"comment": "x"}, 404),
    ],
)
def test_a_comment_that_cannot_be_kept_is_said_and_not_kept(signed, controller, rule, fields, code):
    assert sent(controller, "/en/indicators/visits", f"/en/indicators/{rule}/comments", **fields).status_code == code
    with signed.reader.transaction() as connection:
        assert comments(connection) == []


def test_a_reader_has_no_form_for_comments_and_may_not_send_one(signed):
    reader = signed_in(signed, "reader")
    assert 'name="comment"' not in reader.get("/en/indicators/visits").text
    assert sent(reader, "/en/indicators/visits", "/en/indicators/visits/comments", comment="x").status_code == 403


def test_silences_and_waivers_need_a_reason_and_an_end_to_come(signed, controller):
    def say(what, **fields):
        return sent(controller, "/en/alerts", f"/en/alerts/{what}", **fields)

    good = {"alert": "visits", "reason": "the register moves", "until": "2025-12-31"}
    for wrong, code in (({"reason": " "}, 400), ({"until": "2025-11-02"}, 422), ({"until": "soon"}, 422), ({"alert": "nothing-*"}, 422)):
        assert say("silenced", **(good | wrong)).status_code == code
    assert say("silenced", **good).status_code == 303
    assert last_change(signed) == ("silenced", "visits", "controller", "the register moves")
    for wrong in ({"limit": "much"}, {"limit": "NaN"}, {"limit": ""}, {"approver": ""}):
        assert say("waived", **(good | {"approver": "director", "limit": "1 000,5"} | wrong)).status_code in {400, 422}
    assert say("waived", **good, approver="director", limit="1 000,5").status_code == 303
    said = memory(signed)
    assert [(item.by, item.ends.isoformat()) for item in said.silences] == [("controller", "2025-12-31T22:00:00+00:00")]
    assert [(item.approver, str(item.limit)) for item in said.waivers] == [("director", "1000.5")]
    assert "the register moves" in controller.get("/en/alerts?state=muted").text


def test_a_delivery_is_looked_at_before_it_counts(signed, root, owner):
    page = owner.get("/en/deliveries/visits")
    assert "Upload" in page.text
    token = token_of(page)
    upload = {"file": ("visits-2.csv", BAD_VISITS.encode())}
    look = owner.post("/en/deliveries/visits/preview", data={"form_token": token}, files=upload)
    assert look.status_code == 200, look.text
    assert "41.02.2025" in look.text
    assert (root / "inputs/visits.csv").read_text() == VISITS
    ticket = re.search(r'name="ticket" value="([^"]+)"', look.text)[1]
    changed = {"form_token": token_of(look), "ticket": ticket[:-1] + ("0" if ticket[-1] != "0" else "1")}
    assert owner.post("/en/deliveries/visits/accepted", data=changed).status_code == 422
    other = signed_in(signed, "controller")
    foreign = {"form_token": token_of(other.get("/en/deliveries/visits")), "ticket": ticket}
    assert other.post("/en/deliveries/visits/accepted", data=foreign).status_code == 422
    taken = owner.post("/en/deliveries/visits/accepted", data={"form_token": token_of(look), "ticket": ticket, "note": "by mail"})
    assert taken.status_code == 303
    assert (root / "inputs/visits.csv").read_text() == BAD_VISITS
    assert last_change(signed) == ("delivered", "input:visits", "owner", "by mail")
    with signed.reader.transaction() as connection:
        newest = deliveries.logged(connection, "visits")[0]
    assert (str(newest.how), newest.file.by, str(newest.became.state)) == ("take", "owner", "accepted_with_rejects")
    assert "by hand, owner" in owner.get("/en/deliveries").text


@pytest.mark.parametrize(
    "content", [b"\x00" * 5000, b"PK\x03\x04" + b"x" * 100, b"a;b\n1;2\n", b"<html><table><tr><td>x</table>", b"%PDF-1.4", b'{"a": [' * 2000]
)
def test_hostile_and_foreign_uploads_are_refused_in_words(owner, root, content):
    page = owner.get("/en/deliveries/visits")
    look = owner.post(
        "/en/deliveries/visits/preview", data={"form_token": token_of(page)}, files={"file": ("../../x<script>.csv", content)}
    )
    assert look.status_code in {200, 422}
    assert 'name="ticket"' not in look.text
    assert "<script>." not in look.text
    assert "Traceback" not in look.text
    assert (root / "inputs/visits.csv").read_text() == VISITS


def test_an_owner_delivers_for_the_own_party_only(signed):
    with signed.ledger.transaction() as connection:
        from tulosvahti.core.role import Person, Role  # noqa: PLC0415
        from tulosvahti.store import people  # noqa: PLC0415
        from tulosvahti.store.changes import Author  # noqa: PLC0415

        people.set_rights(connection, Author("x", "command", signed.clock()), Person("owner", frozenset({Role.OWNER})))
    owner = signed_in(signed, "owner")
    page = owner.get("/en/deliveries/visits")
    assert "Upload" not in page.text
    sent_anyway = owner.post(
        "/en/deliveries/visits/preview", data={"form_token": token_of(page)}, files={"file": ("visits.csv", b"x")}
    )
    assert sent_anyway.status_code == 422
    assert sent(owner, "/en/values/figures", "/en/values/figures", **{"year.1": "2024", "unit.1": "a", "score.1": "1"}).status_code == 422


def enter(visitor, *rows, **fields):
    given = {f"{name}.{number}": value for number, row in enumerate(rows, 1) for name, value in row.items()}
    return sent(visitor, "/en/values/figures", "/en/values/figures", **given, **fields)


def row_ids(visitor) -> list[str]:
    return re.findall(r'name="row" value="(\d+)"', visitor.get("/en/values/figures").text)


def decide(visitor, deed, *ids, **fields):
    return sent(visitor, "/en/values/figures", "/en/values/figures/decided", deed=deed, row=list(ids), **fields)


def test_values_go_from_draft_to_approved_with_two_people_and_come_to_the_next_run(signed, root, owner, controller):
    rows = [{"year": "2024", "unit": "a", "score": "61,5", "words": "good"}, {"year": "2024", "unit": "b", "score": "71.5"}, {"year": ""}]
    shown = enter(owner, *rows, deed="try")
    assert shown.status_code == 200
    assert "How the verdicts would change" in shown.text
    assert "66.5" in shown.text
    assert row_ids(owner) == []
    assert enter(owner, *rows, deed="enter").status_code == 303
    ids = row_ids(owner)
    assert len(ids) == 2
    assert decide(owner, "approve", *ids).status_code == 422
    assert decide(owner, "submit").status_code == 422
    assert decide(owner, "submit", *ids).status_code == 303
    assert decide(controller, "return", ids[0]).status_code == 422
    assert decide(controller, "return", ids[0], reason="look again").status_code == 303
    assert "look again" in owner.get("/en/values/figures").text
    again = [{**rows[0], "score": "62,5", "seen": ids[0]}]
    assert enter(owner, *again, deed="enter").status_code == 303
    newest = row_ids(owner)
    assert decide(owner, "submit", newest[0]).status_code == 303
    assert decide(controller, "approve", *row_ids(controller)).status_code == 303
    assert last_change(signed)[:3] == ("approved", "input:figures", "controller")
    assert not list((root / "inputs").glob("figures.csv")) or "62,5" in (root / "inputs/figures.csv").read_text()
    contract = load_project(root).contracts["figures"]
    assert '"62,5"' in (root / "inputs" / contract.path).read_text()
    assert '"71,5"' in (root / "inputs" / contract.path).read_text()
    row = next(iter(entered_rows(signed.reader, "figures").values()))
    page = controller.get(f"/en/values/figures/rows/{row.newest.id}")
    assert page.text.count("<section>") == 2
    changed = [{**rows[0], "score": "63,5", "seen": str(row.newest.id)}]
    assert enter(owner, *changed, deed="enter").status_code == 422
    assert enter(owner, *changed, deed="enter", reason="mistyped").status_code == 303


def test_what_is_implausible_is_kept_and_not_approved(owner, controller):
    assert enter(owner, {"year": "2024", "unit": "a", "score": "161,5"}, deed="enter").status_code == 303
    ids = row_ids(owner)
    assert "cannot be approved until" in owner.get("/en/values/figures").text
    assert decide(owner, "submit", *ids).status_code == 303
    assert decide(controller, "approve", *ids).status_code == 422


def approved(owner, controller, *rows, **fields):
    """Enter rows and submit them; give the answer to their approval."""
    assert enter(owner, *rows, deed="enter").status_code == 303
    ids = row_ids(owner)[-len(rows) :]
    assert decide(owner, "submit", *ids).status_code == 303
    return decide(controller, "approve", *ids, **fields)


def test_a_jump_from_the_year_before_is_approved_with_a_reason_alone(signed, owner, controller):
    first = [{"year": "2022", "unit": "a", "score": "2"}, {"year": "2022", "unit": "b", "score": "50"}]
    assert approved(owner, controller, *first).status_code == 303
    assert enter(owner, {"year": "2023", "unit": "a", "score": "90"}, {"year": "2023", "unit": "b", "score": "90"}, deed="enter").status_code == 303
    page = owner.get("/fi/values/figures").text
    assert page.count("90 on hyppäys kauden 2022 arvosta 2: yli 10-kertainen muutos") == 1
    assert page.count("Hyväksytään vain perustellen.") == 1
    rows = [str(row.newest.id) for row in entered_rows(signed.reader, "figures").values() if row.key[0] == "2023"]
    assert decide(owner, "submit", *rows).status_code == 303
    refused = decide(controller, "approve", *rows)
    assert refused.status_code == 422
    assert "score: 90 is a jump from 2, the value of 2022" in refused.text
    assert decide(controller, "approve", *rows, reason="a new way of asking").status_code == 303
    assert last_change(signed) == ("approved", "input:figures", "controller", "a new way of asking")


def test_values_and_their_line_in_the_history_are_kept_together_or_not_at_all(signed, root):
    def breaks(*_: object) -> None:
        message = "the history cannot be written"
        raise RuntimeError(message)

    project, row = load_project(root), {"year": "2024", "unit": "a", "score": "5"}
    with pytest.raises(RuntimeError):
        values.enter(project, signed.ledger, "figures", [row], "owner", signed.clock(), beside=breaks)
    assert entered_rows(signed.reader, "figures") == {}
    values.enter(project, signed.ledger, "figures", [row], "owner", signed.clock())
    with pytest.raises(RuntimeError):
        values.decide(project, signed.ledger, "figures", [(("2024", "a"), Sort.ACTUAL)], Done.SUBMIT, "owner", signed.clock(), beside=breaks)
    (kept,) = entered_rows(signed.reader, "figures").values()
    assert kept.newest.state is EntryState.DRAFT


def test_somebody_elses_newer_version_is_not_overwritten(owner, controller):
    row = {"year": "2024", "unit": "a", "score": "1"}
    assert enter(owner, row, deed="enter").status_code == 303
    first = row_ids(owner)[0]
    assert enter(controller, {**row, "score": "2", "seen": first}, deed="enter").status_code == 303
    late = enter(owner, {**row, "score": "3", "seen": first}, deed="enter")
    assert late.status_code == 422
    assert 'value="3"' in late.text


def test_forecasts_are_apart_and_evidence_is_only_downloaded(signed, owner):
    row = {"year": "2024", "unit": "a", "score": "1"}
    assert enter(owner, row, deed="enter", sort="forecast").status_code == 303
    assert row_ids(owner) == []
    assert "2024" in owner.get("/en/values/figures?sort=forecast").text
    page = owner.get("/en/values/figures")
    files = {"evidence": ("bad\r\n<b>.html", b"<script>alert(1)</script>")}
    data = {"form_token": token_of(page), "deed": "enter", **{f"{name}.1": text for name, text in row.items()}}
    assert owner.post("/en/values/figures", data=data, files=files).status_code == 303
    found = next(row.newest for row in entered_rows(signed.reader, "figures").values() if row.newest.attachments)
    answer = owner.get(f"/en/values/figures/evidence/{found.attachments[0].sha256}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert owner.get(f"/en/values/figures/evidence/{'0' * 64}").status_code == 404


def test_a_workbook_is_compared_cell_by_cell_then_entered_and_comes_back_marked(owner):
    book = openpyxl.Workbook()
    for line in (["year", "unit", "score", "words"], [2024, "a", 55.5, "=1+1"], [2024, "b", 155, "x"], [2023, "c", 5, ""]):
        book.active.append(line)
    book.active["D2"].value = "plain"
    content = io.BytesIO()
    book.save(content)
    files = {"file": ("figures.xlsx", content.getvalue())}
    look = owner.post("/en/values/figures/import", data={"form_token": token_of(owner.get("/en/values/figures"))}, files=files)
    assert look.status_code == 200, look.text
    assert "155" in look.text
    assert row_ids(owner) == []
    ticket = re.search(r'name="ticket" value="([^"]+)"', look.text)[1]
    marked = owner.post("/en/values/figures/marked", data={"form_token": token_of(look), "ticket": ticket, "sort": "actual"})
    assert marked.status_code == 200
    openpyxl.load_workbook(io.BytesIO(marked.content))
    done = owner.post("/en/values/figures/imported", data={"form_token": token_of(look), "ticket": ticket, "sort": "actual"})
    assert done.status_code == 303, done.text
    assert len(row_ids(owner)) >= 2


def test_reading_people_see_no_forms(signed):
    reader = signed_in(signed, "reader", PASSWORD)
    for path in ("/en/alerts", "/en/deliveries/visits", "/en/values/figures"):
        page = reader.get(path)
        assert page.status_code == 200
        assert re.findall(r'<form method="post"[^>]*action="([^"]+)"', page.text) == ["/en/sign-out"]
