"""The house of the pages: languages, headers, limits, hosts, files, and what is said where something is wrong."""

from __future__ import annotations

import re
import string
from contextlib import closing
from pathlib import Path

import pytest
from dashboard import browser, make_project

from tulosvahti.core.alert_plan import MailKind
from tulosvahti.core.arrival import Fate, How
from tulosvahti.core.contract import DeliveryState, FieldType
from tulosvahti.core.delivery import MailState
from tulosvahti.core.delivery_note import Note
from tulosvahti.core.entry import EntryState, Sort
from tulosvahti.core.role import HARMLESS, Deed, Role
from tulosvahti.emit.locale import en, fi, sv
from tulosvahti.load.config import load_config
from tulosvahti.problem import ProblemsError
from tulosvahti.web import guarding
from tulosvahti.web.app import application
from tulosvahti.web.house import House
from tulosvahti.web.page import PageAt
from tulosvahti.web.pages import PAGES

WEB = Path(application.__code__.co_filename).parent
WORDS = {"fi": fi.WORDS, "sv": sv.WORDS, "en": en.WORDS}
LOOKS = [page.path for page in PAGES if page.method == "GET" and "{" not in page.path and page.path != "/" and page.deed in HARMLESS and not page.path.startswith(("/sign", "/acknowledge")) and not page.path.endswith(".svg")]


def test_every_text_is_in_all_three_languages_with_the_same_details():
    def details(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    mine = {code: {key: text for key, text in words.items() if key.startswith("web.")} for code, words in WORDS.items()}
    assert mine["fi"].keys() == mine["sv"].keys() == mine["en"].keys()
    for key, text in mine["fi"].items():
        assert all((text, mine["sv"][key], mine["en"][key])), key
        assert details(text) == details(mine["sv"][key]) == details(mine["en"][key]), key


def test_every_text_that_pages_name_is_in_the_catalogue():
    named = set()
    for path in (*WEB.glob("*/**/*.py"), *WEB.glob("[a-z]*.py"), *WEB.rglob("*.j2")):
        named |= set(re.findall(r"""["'](web\.[a-z0-9_.]+[a-z0-9_])["']""", path.read_text(encoding="utf-8")))
    assert named
    assert named - set(fi.WORDS) == set()


@pytest.mark.parametrize(("asked", "leads"), [("/", "/overview"), ("/sv/", "/sv/overview")])
def test_the_address_without_a_path_leads_to_the_overview(reading, asked, leads):
    answer = reading.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, leads)


def test_no_template_has_words_of_its_own():
    for path in WEB.rglob("*.j2"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"<[^>]*>", " ", text)
        assert not re.findall(r"[A-Za-zÅÄÖåäö]{2,}", text.replace("htmx", "")), path.name


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("path", LOOKS)
def test_every_page_opens_in_every_language_with_its_headers(reading, path, language):
    answer = reading.get(f"/{language}{path}")
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}"' in answer.text
    assert not re.findall(r"\bweb\.[a-z_]+\.[a-z_]+", answer.text)
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"""<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|(src|href)="https?:""", answer.text)


def test_the_language_is_that_of_path_then_cookie_then_browser_then_project(house):
    visitor = browser(house)
    assert visitor.get("/overview").headers["content-language"] == house.project.config.languages[0]
    assert visitor.get("/overview", headers={"Accept-Language": "de, en;q=0.5, sv;q=0.8"}).headers["content-language"] == "sv"
    assert visitor.get("/en/overview").headers["content-language"] == "en"
    assert visitor.get("/overview", headers={"Accept-Language": "sv"}).headers["content-language"] == "en"
    assert visitor.get("/sv/problems").headers["content-language"] == "sv"


def test_a_page_that_is_not_there_says_so(reading):
    answer = reading.get("/sv/nothing-here")
    assert answer.status_code == 404
    assert "Det finns ingen sådan sida" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_fault_of_the_program_is_a_sentence_and_a_number_that_the_log_has(house, caplog):
    def broken(_page):
        return 1 // 0

    answer = browser(house, PageAt("/broken", broken)).get("/en/broken")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "Traceback" not in answer.text
    number = re.search(r"number ([0-9a-f]{8})", answer.text)[1]
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_without_sign_in_nothing_can_be_changed(house):
    wanted = PageAt("/change", lambda page: page.done("/", "web.said.x"), Deed.MUTE, method="POST")
    assert browser(house, wanted).post("/en/change").status_code == 403


def test_a_name_that_is_not_ours_is_refused(house):
    for host in ("evil.example", "127.0.0.1.evil.example", "[::2]"):
        assert browser(house).get("/", headers={"Host": host}).status_code == 421
    for host in ("localhost", "LOCALHOST:9", "[::1]:8470", "127.0.0.1"):
        assert browser(house).get("/overview", headers={"Host": host}).status_code == 200


def test_what_is_too_large_is_refused_whatever_it_declares(house):
    big = b"x=" + b"y" * (guarding.SMALL + 10)
    form = {"content-type": "application/x-www-form-urlencoded"}
    wanted = PageAt("/take", lambda page: page.done("/", "web.said.x"), method="POST")
    visitor = browser(house, wanted)
    answer = visitor.post("/en/take", content=big, headers=form)
    assert answer.status_code == 413
    assert "too large" in answer.text

    def pieces():
        for _ in range(30):
            yield b"y" * 50_000

    assert visitor.post("/en/take", content=pieces(), headers=form).status_code == 413


def test_files_are_kept_for_ever_under_the_name_of_their_content(reading):
    page = reading.get("/en/overview")
    for address in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)):
        answer = reading.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert re.search(r"\.[0-9a-f]{12}\.", address)
    assert reading.get("/static/house.000000000000.css").status_code == 404
    assert reading.get("/static/..%2f..%2fapp.py").status_code == 404


def test_an_empty_project_says_what_is_missing(tmp_path, clock):
    root = make_project(tmp_path / "p")
    for path in (root / "rules").glob("*.yaml"):
        if path.name != "agreements.yaml":
            path.unlink()
    with closing(House(root, clock, clock.steady)) as house:
        answer = browser(house).get("/en/overview")
        assert answer.status_code == 200
        assert "no rules yet" in answer.text
        assert "Nothing has been run yet" in answer.text


def test_a_project_with_problems_shows_them_and_goes_on(root, clock):
    with closing(House(root, clock, clock.steady)) as house:
        visitor = browser(house)
        assert "There are no problems" in visitor.get("/en/problems").text
        (root / "rules" / "9.yaml").write_text("agreement: <script>alert(1)</script>\nrules: [", encoding="utf-8")
        clock.pass_by(seconds=5)
        told = visitor.get("/en/problems").text
        assert "rules/9.yaml" in told
        assert "<script>alert" not in told
        (root / "config.toml").write_text("no = [", encoding="utf-8")
        clock.pass_by(seconds=5)
        assert visitor.get("/en/overview").status_code == 200


def test_a_ledger_that_is_gone_is_told(house, root):
    house.reader.engine.dispose()
    for path in (root / ".tulosvahti").glob("ledger.db*"):
        path.unlink()
    answer = browser(house).get("/en/overview")
    assert answer.status_code == 503
    assert "ledger cannot be reached" in answer.text


BAD_SETTINGS = [
    ('listen = "0.0.0.0:8470"', "nobody has to sign in"),
    ('listen = "8470"', "listen: '8470' has not the right form"),
    ('listen = "127.0.0.1:99999"', "no such port"),
    ('hosts = ["https://a.example"]', "is not a name"),
    ('sign_in = ["password"]', "'password' is not known"),
    ('sign_in = ["proxy"]', "proxy.trusted is missing"),
    ('sign_in = ["proxy"]\nproxy = {trusted = ["nowhere"], secret_env = "X"}', "neither an address nor a network"),
    ('sign_in = ["oidc"]', "oidc.issuer is missing"),
    ('sign_in = ["oidc"]\noidc = {issuer = "http://login.example", client_id = "t", roles = {a = "owner"}}', "without https"),
    ('sign_in = ["oidc"]\noidc = {issuer = "https://login.example", client_id = "t", roles = {a = "boss"}}', "'boss' is not known"),
    ("idle_minutes = 0", "idle_minutes"),
    ("colour = 1", "unknown key 'colour'"),
]


@pytest.mark.parametrize(("settings", "said"), BAD_SETTINGS)
def test_settings_that_cannot_be_are_problems_with_a_place(tmp_path, settings, said):
    root = make_project(tmp_path / "p", f"[serve]\n{settings}\n")
    with pytest.raises(ProblemsError) as error:
        load_config(root)
    assert said in str(error.value)
    assert str(error.value).startswith("config.toml:")


def test_every_word_that_the_ledger_has_for_something_has_a_text():
    groups = {
        "web.mails.kind": [*MailKind, *Note, "operator"], "web.mails.state": MailState, "web.deliveries.how": How,
        "web.deliveries.fate": Fate, "web.type": FieldType, "web.values.state": EntryState, "web.values.sort": Sort,
        "web.role": Role, "web.may": Deed, "state": DeliveryState,
    }  # fmt: skip
    named = {f"{group}.{word}" for group, words in groups.items() for word in words}
    assert named - set(fi.WORDS) == set()
