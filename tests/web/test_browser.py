"""The dashboard in Debian's Chromium: every page in three languages, by keyboard, on a phone, in the dark, and by axe-core."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest
from chromium import absent, chromium, served
from dashboard import LOCAL, PASSWORD, Clock, person_added

from tulosvahti.web.app import application
from tulosvahti.web.house import House
from tulosvahti.web.pages import PAGES

pytestmark = pytest.mark.skipif(bool(absent()), reason=absent())
ACCESSIBLE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SAMPLES = {"{name}": "visits", "{rule}": "visits", "{run}": "1"}
SENTENCES = {"fi": "Siirry sisältöön", "sv": "Gå till innehållet", "en": "Skip to the content"}


def looks() -> list[str]:
    """Give an address for each page that is one: no downloads, pictures or ways in and out."""
    found = []
    for page in PAGES:
        if page.method != "GET" or page.path.startswith(("/sign-", "/acknowledge")) or page.path.endswith((".svg", ".{form}")):
            continue
        path = page.path.replace("/values/{name}", "/values/figures")
        for part, sample in SAMPLES.items():
            path = path.replace(part, sample)
        if "{" not in path:
            found.append(path)
    return found


@pytest.fixture(scope="module")
def shown(judged, tmp_path_factory):
    """Give a dashboard with a person of every role but reader, and a browser that has signed in."""
    root = tmp_path_factory.mktemp("browser") / "project"
    shutil.copytree(judged, root)
    with (root / "config.toml").open("a") as config:
        config.write(LOCAL)
    clock = Clock()
    with closing(House(root, clock, clock.steady)) as house, served(application(house)) as at, chromium() as opened:
        person_added(house, "anna", "controller", "administrator", "owner", owners=("agency",))
        context = opened.new_context()
        page = context.new_page()
        page.goto(f"{at}/en/sign-in")
        page.fill("#f-name", "anna")
        page.fill("#f-password", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{at}/en/overview")
        yield at, opened, context.storage_state()


@pytest.fixture
def tab(shown):
    """Give a new tab of who has signed in; what the page complains about ends the test."""
    _, opened, state = shown
    context = opened.new_context(storage_state=state, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (only where it is installed)

    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": ACCESSIBLE}})
    return [f"{item['id']}: {node['html'][:200]}" for item in found.response["violations"] for node in item["nodes"]]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_page_in_every_language_has_no_violation_and_no_complaint(shown, tab, language):
    at = shown[0]
    wrong = []
    for path in looks():
        answer = tab.goto(f"{at}/{language}{path}")
        assert answer.status == 200, path
        assert tab.get_attribute("html", "lang") == language
        assert tab.text_content(".skip") == SENTENCES[language]
        wrong += [f"{path} {item}" for item in violations(tab)]
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_in_the_light_and_in_the_dark(shown, tab, scheme):
    at = shown[0]
    tab.set_viewport_size({"width": 320, "height": 640})
    tab.emulate_media(color_scheme=scheme)
    wrong = []
    for path in looks():
        tab.goto(f"{at}/fi{path}")
        # As after a touch on each: what opens has to fit and be read too.
        tab.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        if tab.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{path}: wider than the screen")
        wrong += [f"{path} {item}" for item in violations(tab)]
    assert wrong == []


def test_the_keyboard_reaches_the_content_first_and_the_menu_opens(shown, tab):
    at = shown[0]
    tab.goto(f"{at}/en/overview")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    tab.set_viewport_size({"width": 360, "height": 640})
    link = tab.get_by_role("navigation", name="Main navigation").get_by_role("link", name="Alerts")
    assert not link.is_visible()
    tab.locator(".menu summary").focus()
    tab.keyboard.press("Enter")
    link.click()
    tab.wait_for_url("**/en/alerts")


def test_the_language_is_changed_in_place(shown, tab):
    at = shown[0]
    tab.goto(f"{at}/en/deliveries?state=accepted")
    tab.get_by_role("link", name="Svenska").click()
    tab.wait_for_url("**/sv/deliveries?state=accepted")
    tab.goto(f"{at}/deliveries")
    assert tab.get_attribute("html", "lang") == "sv"


def test_an_alert_is_acknowledged_by_clicking(shown, tab):
    at = shown[0]
    tab.goto(f"{at}/en/alerts")
    tab.locator("details.more summary").first.click()
    tab.get_by_label("Note").first.fill("calling them")
    tab.get_by_role("button", name="Acknowledge").first.click()
    tab.wait_for_url("**/en/alerts?said=acknowledged")
    assert tab.get_by_role("status").text_content() == "Acknowledged."
    assert "acknowledged by anna" in tab.text_content("main")


def test_a_filter_is_sent_by_choosing(shown, tab):
    at = shown[0]
    tab.goto(f"{at}/en/alerts")
    tab.get_by_label("State").select_option("resolved")
    tab.wait_for_url("**/en/alerts?state=resolved*")


def test_cells_pasted_from_a_spreadsheet_fill_the_grid(shown, tab):
    at = shown[0]
    tab.goto(f"{at}/en/values/figures")
    tab.get_by_label("Year, row 1").focus()
    pasted = '2024\ta\t1 061,5\t"two\nlines"\r\n2024\tb\t71,5\t\r\n2023\ta\t5\tx\r\n2023\tb\t6\ty\r\n2022\ta\t7\tz\r\n'
    tab.evaluate(
        """text => { const data = new DataTransfer(); data.setData('text/plain', text);
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""",
        pasted,
    )
    assert tab.get_by_label("Score, row 1").input_value() == "1 061,5"
    assert tab.get_by_label("Unit, row 2").input_value() == "b"
    assert tab.get_by_label("Year, row 5").input_value() == "2022"
    tab.get_by_label("Score, row 1").fill("61,5")
    tab.get_by_role("button", name="See how the verdicts would change").click()
    tab.get_by_role("heading", name="How the verdicts would change").wait_for()
    tab.get_by_role("button", name="Keep as drafts").click()
    tab.wait_for_url("**/en/values/figures?said=entered*")
    assert tab.get_by_role("checkbox").count() == 5
    assert violations(tab) == []
    tab.get_by_role("checkbox").first.check()
    tab.get_by_role("button", name="Submit").click()
    tab.wait_for_url("**/en/values/figures?said=decided*")
    assert "submitted" in tab.text_content("main")


def test_a_delivery_is_looked_at_and_accepted_by_clicking(shown, tab, tmp_path):
    at = shown[0]
    (tmp_path / "visits.csv").write_text("visit_id;visited_on;cost\na;03.02.2025;1,00\nb;x;2,00\n")
    tab.goto(f"{at}/en/deliveries/visits")
    tab.get_by_label("File").set_input_files(tmp_path / "visits.csv")
    tab.get_by_role("button", name="See the result").click()
    tab.get_by_role("heading", name="Rejected rows").wait_for()
    assert violations(tab) == []
    tab.get_by_role("button", name="Accept").click()
    tab.wait_for_url("**/en/deliveries/visits?said=delivered")


def test_signing_out_ends_it(shown):
    at, opened, _ = shown
    context = opened.new_context()
    page = context.new_page()
    page.goto(f"{at}/sv/alerts")
    assert violations(page) == []
    page.get_by_label("Namn").fill("anna")
    page.get_by_label("Lösenord").fill(PASSWORD)
    page.get_by_role("button", name="Logga in").click()
    page.wait_for_url("**/sv/alerts")
    page.get_by_role("button", name="Logga ut").click()
    page.wait_for_url("**/sv/sign-in?said=signed_out")
    page.goto(f"{at}/sv/alerts")
    assert "/sign-in" in page.url
    context.close()
