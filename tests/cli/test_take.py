"""``take``: a file is judged and shown, and nothing is counted unless it is accepted."""

from __future__ import annotations

import pytest
from delivered import workbook

SOUND = "visit_id;visited_on;cost\nd;06.02.2025;7,00\n"
BAD = "visit_id;visited_on;cost\n" + "".join(f"{at};31.02.2025;x{at}\n" for at in range(12)) + "\n".join(
    f"s{at};01.02.2025;1" for at in range(20)
)


def test_shows_and_counts_nothing(project):
    project.write("new.csv", SOUND)
    before = (project.root / "inputs" / "visits.csv").read_bytes()
    result = project.call("take", str(project.root / "new.csv"), "--input", "visits", "--as-of", "2025-12-31")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "visits: accepted",
        "rows: 1 sound, 0 rejected",
        "content reaches 2025-02-06",
        "replaces 3 rows of visits.csv (sha256 25bd622b4b1e), which is kept",
        "by key: 1 rows are new, 3 are no longer there, 0 have other values",
        "verdicts that would change: 2 of 2",
        "  visits 2025: met 3 → missed 1",
        "  visit-costs 2025: met 1032.75 → met 7",
        "nothing is counted yet: --accept puts it in place (visits.csv)",
    ]
    assert (project.root / "inputs" / "visits.csv").read_bytes() == before


def test_first_ten_bad_rows(project):
    project.write("new.csv", BAD)
    result = project.call("take", str(project.root / "new.csv"), "--input", "visits")
    assert result.exit_code == 1
    told = result.stdout.splitlines()
    assert told[0].startswith("visits: accepted (12 of 32 rows are rejected)")
    at = told.index("rejected:")
    assert told[at + 1] == (
        "  record 2 (line 2), cost: 'x0': not a number: unexpected character 'x'; "
        "allowed: digits, decimal mark ',', thousands separated by ' '"
    )
    assert told[at + 11] == "  and 14 more"
    assert told[at + 12] == "what to do: ask the deliverer to mend the rejected rows"


def test_who_is_to_mend_it_is_called_by_name(project):
    contract = (project.root / "inputs" / "visits.yaml").read_text(encoding="utf-8")
    project.write("new.csv", BAD)
    for deliverer, name in (("agency", "The agency"), ("nobody", "nobody")):
        project.write("inputs/visits.yaml", f"{contract}deliverer: {deliverer}\n")
        told = project.call("take", str(project.root / "new.csv"), "--input", "visits").stdout
        assert f"what to do: ask {name} to mend the rejected rows" in told


def test_accepted_is_counted_and_what_it_replaced_is_kept(project):
    old = (project.root / "inputs" / "visits.csv").read_bytes()
    content = workbook([["visit_id", "visited_on", "cost"], ["d", "06.02.2025", 7.5], ["e", "07.02.2025", "1 000,25"]])
    project.write("new.xlsx", content)
    result = project.call("take", str(project.root / "new.xlsx"), "--input", "visits", "--accept")
    assert result.exit_code == 0, result.output
    assert (project.root / "inputs" / "visits.csv").read_bytes() == content
    kept = [path.read_bytes() for path in (project.root / ".tulosvahti" / "store").rglob("*") if path.is_file()]
    assert old in kept
    assert content in kept
    _, judged = project.run("--rules", "visit-costs", "--no-alerts", "--no-expectations")
    assert judged["verdicts"][0]["observed"] == "1007.75"


def test_what_it_would_do_is_shown_as_a_night_would(project):
    contract = (project.root / "inputs" / "visits.yaml").read_text(encoding="utf-8")
    project.write("inputs/visits.yaml", contract + "deliverer: register\n")
    project.write("alerts/routes.yaml", "default: register\nrecipients:\n  register: {name: R, mail: r@x.example, language: sv}\n")
    project.write("new.csv", "visit_id;visited_on;cost\na;03.02.2025;5\nb;04.02.2025;2,25\nc;05.02.2025;30,00\nd;31.02.2025;x\n")
    told = project.call("take", str(project.root / "new.csv"), "--input", "visits", "--as-of", "2025-12-31").stdout.splitlines()
    at = told.index("by key: 1 rows are new, 0 are no longer there, 1 have other values")
    assert told[at + 1] == "  a: cost 1000.50 → 5.00"
    assert "  visit-costs 2025: met 1032.75 → unknown 37.25" in told
    assert "message that would go to register:" in told
    assert "  | Leveransen godkändes delvis: Käynnit (new.csv), förkastade rader: 1" in told
    assert not (project.root / ".tulosvahti" / "outbox").exists()
    assert "nothing has come yet" in project.call("deliveries", "list").stdout
    project.call("take", str(project.root / "new.csv"), "--input", "visits", "--accept")
    project.run("--no-expectations", "--no-alerts")
    listed = project.call("deliveries", "list", "--input", "visits").stdout
    assert "1 visits: new.csv → visits.csv, take " in listed
    assert "2 visits" not in listed


def test_quarantined_is_not_put_in_place(project):
    project.write("new.csv", "visit_id;cost\n")
    before = (project.root / "inputs" / "visits.csv").read_bytes()
    result = project.call("take", str(project.root / "new.csv"), "--input", "visits", "--accept")
    assert result.exit_code == 1
    assert "nothing is counted, and --accept does not put a quarantined delivery in place" in result.stdout
    assert (project.root / "inputs" / "visits.csv").read_bytes() == before


@pytest.fixture
def several(project):
    contract = (project.root / "inputs" / "visits.yaml").read_text(encoding="utf-8")
    project.write("inputs/visits.yaml", contract.replace("path: visits.csv", "path: visits*.csv"))
    return project


def test_one_of_several_is_judged_beside_the_others(several):
    several.write("visits_2.csv", "visit_id;visited_on;cost\na;03.02.2025;5\nd;06.02.2025;7,00\n")
    result = several.call("take", str(several.root / "visits_2.csv"), "--input", "visits", "--accept")
    assert result.exit_code == 0, result.output
    assert "rows: 4 sound, 0 rejected" in result.stdout
    assert "replaced by record 2 of visits_2.csv: cost 1000.5 → 5" in result.stdout
    assert (several.root / "inputs" / "visits_2.csv").is_file()
    _, judged = several.run("--rules", "visit-costs", "--no-alerts", "--no-expectations")
    assert judged["verdicts"][0]["observed"] == "44.25"


@pytest.mark.parametrize(
    ("name", "input_", "told"),
    [
        ("visits.csv", "nothing", "--input: no input 'nothing'; allowed: "),
        ("other.csv", "visits", "the name 'other.csv' is none of the input's; allowed: visits*.csv: rename the file"),
        ("visits_9.csv", "visits", "visits_9.csv: there is no such file"),
    ],
)
def test_call_that_cannot_be_done(several, name, input_, told):
    several.write("other.csv", SOUND)
    result = several.call("take", str(several.root / name), "--input", input_)
    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fi", ["visits: hyväksytty (12/32 riviä on hylätty)", "rivejä: 20 kelvollista, 12 hylättyä", "hylätyt:", "ei ole luku: ", "mitä tehdä: pyydä"]),
        ("sv", ["rader: 20 godkända, 12 underkända", "underkända:", "vad som kan göras: "]),
    ],
)
def test_in_the_language_asked_for_or_the_projects_first(project, language, said):
    project.write("new.csv", BAD)
    asked = project.call("take", str(project.root / "new.csv"), "--input", "visits", "--language", language).stdout
    config = (project.root / "config.toml").read_text(encoding="utf-8")
    project.write("config.toml", config.replace('languages = ["en"', f'languages = ["{language}", "en"').replace(', "fi", "sv"', ""))
    assert project.call("take", str(project.root / "new.csv"), "--input", "visits").stdout == asked
    assert [text for text in said if text not in asked] == [], asked
    assert project.call("take", str(project.root / "new.csv"), "--input", "visits", "--language", "de").exit_code == 2


def test_lint_speaks_it_too(project):
    assert "ei ongelmia: " in project.call("lint", "--language", "fi").stdout
    project.write("inputs/visits.yaml", "title: x\n")
    english, finnish = (project.call("lint", "--language", language).stdout.splitlines() for language in ("en", "fi"))
    assert [line.split(" ", 1)[0] for line in finnish] == [line.split(" ", 1)[0] for line in english]
    assert not set(finnish) & set(english)
