"""Cases met in published files and bug reports, from the file to the verdict: the right answer of each."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from delivered import workbook

from .test_alerts import ROUTES, Nights

TESTS = Path(__file__).parents[1]
CONTRACT = """\
title: Tapaus
path: {path}
{more}
fields:
{fields}
"""
RULE = """\
  - id: {id}
    title: Tapaus
    quote: Tapaus
    owner: agency
    {spec}
"""
HEAD = 'agreement: agreement-1\nsection: "9"\ntitle: Tapaukset\nrules:\n'


def published(name: str) -> bytes:
    """Give a case's own file."""
    (found, *_) = [path for folder in ("load/sheets/data", "audit/data") if (path := TESTS / folder / name).exists()]
    return found.read_bytes()


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(published(name).decode("utf-8-sig")), delimiter=";"))


@pytest.fixture
def judged(project):
    """Put an input and its rules into the project; the call judges them."""

    def judge(content: bytes, fields: str, *rules: str, as_of: str, more: str = "", path: str = "case.csv", source: str = ""):
        dialect = "" if "dialect" in more else 'dialect: {delimiter: ";"}\n'
        contract = CONTRACT.format(path=path, more=dialect + more, fields="".join(f"  - {{{field}}}\n" for field in fields.split("; ")))
        project.write("inputs/case.yaml", contract.replace(f"path: {path}", source) if source else contract)
        project.write(f"inputs/{path}", content)
        made = "".join(RULE.format(id=f"case-{at}", spec=rule.replace("\n", "\n    ")) for at, rule in enumerate(rules, 1))
        project.write("rules/9-case.yaml", HEAD + made)
        result, found = project.run("--no-expectations", "--rules", "case-*", as_of=as_of)
        assert found, result.output
        return found

    return judge


def told(found) -> dict[tuple[str, ...], tuple[str, str | None]]:
    return {(item["rule"], *item["subject"].values(), item["period"]): (item["verdict"], item["observed"]) for item in found["verdicts"]}


def delivery(found, name: str = "case"):
    (one,) = [item for item in found["inputs"] if item["name"] == name]
    return one


def test_b24_an_empty_file_leaves_the_other_sources_judged(project, judged):
    rule = 'measure: {input: case, count: "*"}\ntarget: {2025: ">= 1"}'
    found = judged(published("B24.csv"), "name: a, type: string", rule, as_of="2025-12-31")
    assert delivery(found)["explanation"] == "file is empty (0 bytes)"
    assert [(item["verdict"], item["reason"]) for item in found["verdicts"]] == [("unknown", "input_quarantined")]
    _, both = project.run("--no-expectations")
    assert told(both)["visits", "2025"] == ("met", "3")


def test_b26_a_column_of_nulls_fails_in_every_source(project, judged):
    rows = [["rivi", "sarake"], *([at, None] for at in (1, 2, 3))]
    lines = "".join(f"{rivi};\n" for rivi, _ in rows[1:])
    with sqlite3.connect(project.root / "case.db") as database:
        database.execute("CREATE TABLE t (rivi TEXT, sarake TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", rows[1:])
    for path, content, source in (
        ("B26.csv", published("B26.csv"), ""),
        ("case.csv", f"rivi;sarake\n{lines}".encode(), ""),
        ("case.xlsx", workbook(rows), ""),
        ("case.none", b"", 'fetch: {database: {url: "sqlite:///case.db", table: t}}'),
    ):
        for required in (True, False):
            field = "name: sarake, type: string" + (", constraints: {required: true}" if required else "")
            found = judged(content, field, 'rows: {input: case, require: "sarake IS NOT NULL"}', as_of="2025-12-31", path=path, source=source)
            words = [(item["verdict"], item["reason"]) for item in found["verdicts"]]
            assert words == [("unknown", "input_quarantined") if required else ("missed", "failing_rows")], (path, delivery(found))
            assert not required or delivery(found)["rejects"] == 3


def test_b28_freshness_is_that_of_the_content(judged):
    found = judged(
        published("B28.csv"), "name: rivi, type: string; name: metric_date, type: date; name: extracted_at, type: string",
        'measure: {input: case, count: rivi, period: metric_date}\ntarget: {2026: ">= 1"}',
        as_of="2026-08-10", more="period: metric_date\nfrequency: day\ngrace: 60 d",
    )  # fmt: skip
    assert delivery(found)["state"] == "late"
    assert "content reaches 2026-06-01; it was due to reach 2026-06-11 (one delivery a day, 60 days of grace)" in delivery(found)["explanation"]
    assert date(2026, 8, 10) - date(2026, 6, 1) == timedelta(70)


def test_b28_a_rule_that_was_never_run_says_so(project):
    never = "never run: no run has judged this rule yet"
    assert never in project.call("explain", "visits").stdout
    project.run("--no-expectations", "--rules", "visit-costs")
    assert never in project.call("explain", "visits").stdout
    assert never not in project.call("explain", "visit-costs").stdout


def test_b30_weeks_belong_to_their_own_year(judged):
    keys = ("2025-W52", "2026-W01", "2020-W53", "2025-W01")
    targets = ", ".join(f'"{key}": ">= 1"' for key in keys)
    found = judged(
        published("B30.csv"), "name: pvm, type: date; name: n, type: integer",
        f"measure: {{input: case, sum: n, period: pvm}}\ntarget: {{{targets}}}", as_of="2026-01-31",
    )  # fmt: skip
    values = {period: value for (_, period), (_, value) in told(found).items()}
    assert {key: values[key] for key in keys} == {"2025-W52": "1", "2026-W01": "2", "2020-W53": "1", "2025-W01": None}


def test_b34_one_record_with_two_dates_is_shown_and_counted_once(project, judged):
    rule = 'measure: {input: case, count: näyte, period: pvm}\ntarget: {2022: ">= 1"}'
    fields = "name: näyte, type: string; name: pvm, type: date"
    found = judged(published("B34.csv"), fields, rule, as_of="2022-12-31", more="primaryKey: [näyte]\nmax_rejects: 60 %")
    assert delivery(found)["rejects"] == 1
    assert told(found)["case-1", "2022"][0] == "met"
    assert "same key as record 2 with other values" in project.call("take", str(project.root / "inputs/case.csv"), "--input", "case").output
    head, first, second = published("B34.csv").decode().splitlines()
    project.write("inputs/case-1.csv", f"{head}\n{first}\n")
    found = judged(f"{head}\n{second}\n".encode(), fields, rule, as_of="2022-12-31", more="primaryKey: [näyte]", path="case-2.csv", source='path: "case-*.csv"')
    assert told(found)["case-1", "2022"] == ("met", "1")


@pytest.mark.parametrize(("repeat", "reminded"), [("", []), ("repeat: 30 d\n", ["1 open"])])
def test_b36_what_stops_coming_is_not_mended(project, repeat, reminded):
    rule = 'measure: {input: case, latest: arvo, period: aika}\n    target: {"2026-01": "<= 90", "2026-02": "<= 90", "2026-03": "<= 90", "2026-04": "<= 90"}'
    nights = Nights(project)
    project.write("alerts/routes.yaml", ROUTES + repeat)
    head, *months = published("B36.csv").decode().splitlines()
    project.write("inputs/case.yaml", CONTRACT.format(path="case.csv", more='dialect: {delimiter: ";"}', fields="  - {name: aika, type: yearmonth}\n  - {name: arvo, type: integer}\n"))
    project.write("rules/9-case.yaml", HEAD + RULE.format(id="case", spec=rule))
    said = []
    for count, day in enumerate((date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)), 1):
        project.write("inputs/case.csv", "\n".join([head, *[*months, "2026-04;80"][:count]]))
        mails = [str(mail["Subject"]).partition(": ")[2] for mail in nights.opened(30, as_of=day, rules="case")]
        said.append((mails, nights.states()["case"]))
    # The ordinary reminder, where one is declared, is all that is told of an alarm that stays open; a real value below the limit ends it.
    assert said == [(["1 new or changed"], "firing"), (reminded, "firing"), (reminded, "firing"), (["1 resolved"], "resolved")]


@pytest.mark.parametrize(("at", "target", "word"), [(0, "<= 0", "missed"), (1, ">= 10", "missed"), (2, ">= 10", "met")])
def test_b42_no_progress_is_made_up_where_target_or_start_is_zero(project, judged, at, target, word):
    name = table("B42.csv")[at]["mittari"]
    found = judged(
        published("B42.csv"), "name: mittari, type: string; name: start, header: lähtö, type: number; name: tavoite, type: number; name: toteuma, type: number",
        f"measure: {{input: case, value: sum(toteuma), where: \"mittari = '{name}'\"}}\ntarget: {{2025: \"{target}\"}}",
        f"measure: {{input: case, ratio: {{numerator: sum(toteuma - start), denominator: sum(tavoite - start)}}, where: \"mittari = '{name}'\"}}\ntarget: {{2025: \">= 1\"}}",
        as_of="2026-12-31",
    )  # fmt: skip
    progress = "0.5" if name == "b" else None
    assert told(found) == {
        ("case-1", "2025"): (word, table("B42.csv")[at]["toteuma"]),
        ("case-2", "2025"): ("missed" if progress else "unknown", progress),
    }
    csv_report = project.call("report", "--format", "csv").stdout.lower()
    assert not {"nan", "inf"} & set(csv_report.replace("\n", ";").split(";"))


def test_b46_a_symbol_of_one_field_is_hidden_in_that_field_alone(judged):
    found = judged(
        published("B46.csv"), 'name: alue, type: string; name: osuus, type: number, decimalChar: ",", missingValues: [{value: "..", means: suppressed}]; name: n, type: integer',
        'measure: {input: case, mean: osuus, by: [alue], min_rows: {field: n, least: 2}}\ntarget: {2025: ">= 70"}',
        'measure: {input: case, mean: n, by: [alue]}\ntarget: {2025: ">= 1"}', as_of="2026-12-31",
    )  # fmt: skip
    reasons = {(item["rule"], item["subject"]["alue"]): item["reason"] for item in found["verdicts"]}
    assert reasons == {("case-1", "A"): "too_few_rows", ("case-1", "B"): None, ("case-1", "C"): "suppressed", **{("case-2", name): None for name in "ABC"}}


@pytest.mark.parametrize(
    ("missing", "hidden"), [('[".."]', "too_few_rows"), ('[{value: "..", label: "peitetty: liian vähän tapauksia", means: suppressed}]', "suppressed")]
)
@pytest.mark.parametrize("measure", ["latest: osuus, period: vuosi", "mean: osuus", "value: sum(osuus * n) / sum(n)", "mean: osuus, missing: skip"])
def test_b46_few_cases_are_not_judged_and_what_is_hidden_alarms_nobody(project, judged, missing, hidden, measure):
    nights = Nights(project)
    head, *rows = published("B46.csv").decode().splitlines()
    found = judged(
        "\n".join([f"{head};vuosi", *[f"{row};2025" for row in rows]]).encode(),
        'name: alue, type: string; name: osuus, type: number, decimalChar: ","; name: n, type: integer; name: vuosi, type: year',
        f'measure: {{input: case, {measure}, by: [alue], min_rows: {{field: n, least: 30}}}}\ntarget: {{2025: ">= 70"}}',
        as_of="2026-12-31", more=f"missingValues: {missing}",
    )  # fmt: skip
    reasons = {item["subject"]["alue"]: item["reason"] for item in found["verdicts"]}
    skips = "skip" in measure
    assert reasons == {"A": "too_few_rows", "B": None, "C": "no_rows_in_scope" if skips and hidden != "suppressed" else hidden}
    assert told(found)["case-1", "B", "2025"] == ("met", "71.2")
    cases = {item["subject"]["alue"]: item["evidence"].get("cases") for item in found["verdicts"]}
    assert cases == {"A": "1", "B": "5000", "C": None if skips else "2"}
    notices = next(item for item in found["inputs"] if item["name"] == "case")["notices"]
    assert [notice for notice in notices if "hidden" in notice] == (["column 'osuus': 1 values are hidden by the source"] if hidden == "suppressed" else [])
    said = project.call("report", "--format", "csv", "--language", "en").stdout
    assert "Too few to judge: n 1 of at least 30." in said
    if reasons["C"] != "no_rows_in_scope":
        assert nights.run(30, as_of=date(2026, 12, 31), rules="case-*") == []
        assert nights.states() == {}


def test_r08_a_rounded_percent_hides_no_shortfall(judged):
    found = judged(
        published("R08.csv"),
        'name: momentti, type: string; name: ta, header: talousarvio, type: number, groupChar: " "; '
        'name: tp, header: tilinpäätös, type: number, decimalChar: ",", groupChar: " "; name: printed, header: toteutuma %, type: integer',
        'unit: percent\nmeasure: {input: case, value: "100 * sum(tp) / sum(ta)", by: [momentti]}\ntarget: {2025: ">= 100"}', as_of="2026-12-31",
    )  # fmt: skip
    assert {key[1]: word for key, (word, _) in told(found).items()} == {"12.28.50": "missed", "12.28.51": "missed"}
    observed = {key[1]: value[:5] for key, (_, value) in told(found).items() if value}
    assert observed == {"12.28.50": "99.81", "12.28.51": "99.89"}


def test_r18_a_target_that_refers_to_an_actual(judged):
    higher, lower = table("R18.csv")
    rows = [(at, year, row[f"{year} toteutuma"]) for at, row in (("ylös", higher), ("alas", lower)) for year in (2024, 2025, 2026)]
    fields = 'name: mittari, type: string; name: vuosi, type: year; name: arvo, type: number, decimalChar: ","'
    rule = "measure: {{input: case, latest: arvo, where: \"mittari = '{}'\", period: vuosi}}\ntarget: {{2025: \"{}\", 2026: \"{} previous\"}}"
    found = judged(
        "".join(["mittari;vuosi;arvo\n", *(f"{at};{year};{value}\n" for at, year, value in rows)]).encode(), fields,
        rule.format("ylös", higher["2025 tavoite"].replace(",", "."), ">="), rule.format("alas", lower["2025 tavoite"].replace(",", "."), "<="),
        as_of="2027-06-30",
    )  # fmt: skip
    words = {key: word for key, (word, _) in told(found).items()}
    assert (words["case-1", "2025"], words["case-1", "2026"]) == ("unknown", "unknown")
    assert (words["case-2", "2025"], words["case-2", "2026"]) == ("met", "missed")
    (late,) = [item for item in found["verdicts"] if (item["rule"], item["period"]) == ("case-1", "2026")]
    assert late["reason"] == "previous_unknown"


ACTUALS = (
    'name: mittari, type: string; name: toteuma, header: 2023 toteutuma, type: number, decimalChar: ",", censored: true, '
    "stated: {met: Toteutui, partly_met: [Toteutunut osittain], missed: Ei toteutunut}"
)


def test_r20_words_where_numbers_are_expected(project, judged):
    found = judged(
        published("R20.csv"), ACTUALS,
        """measure: {input: case, value: sum(toteuma), where: "mittari LIKE 'Lupasuor%'"}\ntarget: {2023: "< 0"}""",
        """measure: {input: case, value: sum(toteuma), where: "mittari LIKE 'Kantelut%'"}\ntarget: {2023: "<= 0"}""",
        """measure: {input: case, value: sum(toteuma), where: "mittari LIKE 'Lupien%'"}\ntarget: {2023: ">= 90"}""",
        as_of="2024-06-30",
    )  # fmt: skip
    assert [(item["verdict"], item["reason"], item["observed"], item["margin"]) for item in found["verdicts"]] == [
        ("missed", "stated_partly_met", None, None),
        ("missed", None, "45", "-45"),
        ("missed", None, None, None),
    ]
    assert found["verdicts"][0]["reason_text"] == {
        "fi": "Toimittaja ilmoittaa tavoitteen toteutuneen osittain, näillä sanoilla: ”Toteutunut osittain”. Mitään lukua ei verrattu.",
        "sv": "Leverantören uppger att målet har nåtts delvis, med dessa ord: ”Toteutunut osittain”. Inget tal jämfördes.",
        "en": "The deliverer states that the target was partly met, in these words: “Toteutunut osittain”. No number was compared.",
    }
    assert (found["verdicts"][0]["evidence"]["stated"], found["verdicts"][2]["evidence"]["censored"]) == ("Toteutunut osittain", "< 90")
    assert delivery(found)["rejects"] == 0
    page = project.root / "report.html"
    project.call("report", "--format", "html", "--language", "en", "--out", str(page))
    (mail,) = (project.root / ".tulosvahti").rglob("*.eml")
    letter = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",)).get_content()
    for shown in (page.read_text(encoding="utf-8"), letter):
        assert "partly met, stated: “Toteutunut osittain”" in shown
        assert "Observed under 90, target ≥\u00a090." in shown


def test_r20_without_a_word_of_it_in_the_contract_such_cells_are_rejects_that_say_what_to_do(project, judged):
    plain = ACTUALS.partition(", censored")[0]
    found = judged(published("R20.csv"), plain, "measure: {input: case, value: sum(toteuma), by: [mittari]}\ntarget: {2023: '>= 90'}", as_of="2024-06-30", more="max_rejects: 100 %")
    assert sorted(word for word, _ in told(found).values()) == ["missed", "unknown", "unknown"]
    reasons = {item["value"]: item["reason"] for item in delivery(found)["rejected"]}
    assert reasons["Alle 90"].endswith("`censored: true` of the field in the contract allows limits")
    assert reasons["Toteutunut osittain"].startswith("not a number: unexpected character 'T'")


STATED = [
    (["Toteutui"], "met", "stated"),
    (["toteutui "], "met", "stated"),
    (["Ei toteutunut"], "missed", "stated"),
    (["Toteutunut  osittain"], "missed", "stated_partly_met"),
    (["Toteutui", "Toteutui"], "met", "stated"),
    (["Toteutui", "Ei toteutunut"], "unknown", "stated_mixed"),
    (["Toteutui", "45"], "unknown", "stated_mixed"),
    (["Toteutui", "alle 5"], "unknown", "stated_mixed"),
    (["Toteutui", ""], "unknown", "stated_mixed"),
    (["45", "alle 5"], "missed", None),
    (["ei mitattu"], "unknown", "all_null"),
]


@pytest.mark.parametrize("measure", ["sum: toteuma", "mean: toteuma", "value: sum(toteuma)", "value: min(toteuma)", "latest: toteuma"])
@pytest.mark.parametrize("target", [">= 90", ">= previous"])
def test_r20_verdicts_in_words(judged, measure, target):
    cases = [item for item in STATED if len(item[0]) == 1 or not measure.startswith("latest")]
    rows = [f"{at};2023;{cell}\n" for at, (cells, *_) in enumerate(cases) for cell in cells]
    found = judged(
        ("nro;vuosi;toteuma\n" + "".join(rows)).encode(),
        "name: nro, type: integer; name: vuosi, type: year; " + ACTUALS.partition("; ")[2].replace("header: 2023 toteutuma, ", ""),
        f'measure: {{input: case, {measure}, by: [nro], period: vuosi}}\ntarget: {{2023: "{target}"}}',
        as_of="2024-06-30", more='missingValues: ["", ei mitattu]',
    )  # fmt: skip
    verdicts = sorted(found["verdicts"], key=lambda item: int(item["subject"]["nro"]))
    wanted = [("unknown", "previous_unknown") if reason is None and target == ">= previous" else (word, reason) for _, word, reason in cases]
    assert [(item["verdict"], item["reason"]) for item in verdicts] == wanted
    assert not any(item["evidence"]["unknown_rows"] for item in verdicts if item["reason"] in {"stated", "stated_partly_met"})


LIMITS = [
    ("Alle 90", ">= 90", "missed", "under 90"),
    ("alle 90", "<= 90", "met", "under 90"),
    ("under 90", "< 90", "met", "under 90"),
    ("enintään 90", "< 90", "unknown", "at most 90"),
    ("högst 90", "<= 90", "met", "at most 90"),
    ("at most 90", "> 90", "missed", "at most 90"),
    ("yli 50,0", "> 50", "met", "over 50"),
    ("över 50", "<= 50", "missed", "over 50"),
    ("more than 50", ">= 60", "unknown", "over 50"),
    ("vähintään 3", ">= 3", "met", "at least 3"),
    ("minst 3", "> 3", "unknown", "at least 3"),
    (">= 10", "< 10", "missed", "at least 10"),
    ("less than 1\u00a0234", ">= 2000", "missed", "under 1,234"),
    ("< 0,5", "= 0.5", "missed", "under 0.5"),
    ("ei mitattu", ">= 90", "unknown", "–"),
]


@pytest.mark.parametrize("measure", ["sum: toteuma", "mean: toteuma", "latest: toteuma", "value: sum(toteuma)", "value: max(toteuma)"])
def test_r20_limits_are_judged_without_knowing_the_number(project, judged, measure):
    found = judged(
        ("nro;vuosi;toteuma\n" + "".join(f"{at};2023;{cell}\n" for at, (cell, *_) in enumerate(LIMITS))).encode(),
        'name: nro, type: integer; name: vuosi, type: year; name: toteuma, type: number, decimalChar: ",", groupChar: " ", censored: true',
        *(f'measure: {{input: case, {measure}, where: nro = {at}, period: vuosi}}\ntarget: {{2023: "{target}"}}' for at, (_, target, *_) in enumerate(LIMITS)),
        as_of="2024-06-30", more='missingValues: ["", ei mitattu]',
    )  # fmt: skip
    verdicts = found["verdicts"]
    assert [(item["verdict"], item["observed"]) for item in verdicts] == [(word, None) for _, _, word, _ in LIMITS]
    reasons = ["all_null" if cell == "ei mitattu" else "censored" if word == "unknown" else None for cell, _, word, _ in LIMITS]
    assert [item["reason"] for item in verdicts] == reasons
    assert not any(item["evidence"]["unknown_rows"] for item in verdicts[:-1])
    if measure == "sum: toteuma":
        out = project.call("run", "--no-expectations", "--rules", "case-*", "--as-of", "2024-06-30").output
        assert [shown for *_, shown in LIMITS if f" {shown} " not in out] == []
        assert "The value is known only as at most 90, so whether the target is met cannot be said." in " ".join(out.split())


@pytest.mark.parametrize(("language", "said"), [("fi", "Toteuma alle 90 %, tavoite ≥ 90."), ("sv", "Utfall under 90 %, mål ≥ 90."), ("en", "Observed under 90 %, target ≥ 90.")])
def test_r20_a_limit_is_said_in_each_language(project, judged, language, said):
    rule = """unit: percent\nmeasure: {input: case, sum: toteuma, where: "mittari LIKE 'Lupien%'"}\ntarget: {2023: ">= 90"}"""
    judged(published("R20.csv"), ACTUALS, rule, as_of="2024-06-30", more="max_rejects: 100 %")
    for form in ("html", "csv"):
        path = project.root / f"report.{form}"
        project.call("report", "--format", form, "--language", language, "--out", str(path))
        assert said in path.read_text(encoding="utf-8").replace("\u00a0", " ")


def test_r26_totals_among_the_rows_and_a_cumulative_percent(judged):
    found = judged(
        published("R26.csv"),
        "name: state, header: Member State, type: string; name: year, header: Year, type: year; name: fund, header: Fund, type: string; "
        "name: paid, header: Total Paid, type: number; name: absorbed, header: Absorption (%), type: number",
        "measure: {input: case, sum: paid, where: \"fund <> 'TOTAL'\", by: [state], period: year}\ntarget: {2007: \">= 1\", 2008: \">= 1\"}",
        "measure: {input: case, latest: absorbed, where: \"fund = 'TOTAL' AND state = 'Ireland'\", period: year}\ntarget: {2007: \">= 1\", 2008: \">= 5\"}",
        as_of="2009-06-30", more='dialect: {delimiter: ","}',
    )  # fmt: skip
    assert told(found)["case-1", "Ireland", "2007"] == ("met", "15014494.8")
    assert told(found)["case-2", "2008"] == ("met", "5"), "the state at the end of 2008, not 2 + 5"


def test_r36_names_that_are_cut_and_written_otherwise_are_one_series(judged):
    years = [row["vuosi"] for row in table("R36.csv")]
    assert len({row["nimi"] for row in table("R36.csv")}) == 2
    found = judged(
        published("R36.csv"), "name: vuosi, type: year; name: koodi, type: string; name: nimi, type: string",
        f'measure: {{input: case, count: "*", by: [koodi], period: vuosi}}\ntarget: {{{years[0]}: ">= 1", {years[1]}: ">= previous"}}', as_of="2026-06-30",
    )  # fmt: skip
    assert told(found) == {("case-1", "32.01.02", year): ("met", "1") for year in years}


def test_b50_a_municipality_that_was_merged_has_not_fallen_to_nothing(judged):
    fields = "name: kunta, type: string; name: old, header: '2024', type: integer, groupChar: ' '; name: new, header: '2025', type: integer, groupChar: ' '"
    found = judged(published("B50.csv"), fields, 'measure: {input: case, sum: new, by: [kunta]}\ntarget: {2025: ">= 1"}', as_of="2026-06-30", more="max_rejects: 100 %")
    assert {key[1]: word for key, word in told(found).items() if key[1]} == {"Mäntyharju": ("unknown", "6350"), "Pertunmaa": ("unknown", None)}
    (wrong,) = delivery(found)["rejected"]
    assert (wrong["row"], wrong["column"]) == (4, "2025")
    assert wrong["reason"].startswith("the total row says 7980, the rows above sum up to 6350, difference 1630: rows are missing")
