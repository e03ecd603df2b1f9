"""An outcome made by hand: every verdict, every change, a broken table, and names that try to break out."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.contract import Delivery, DeliveryState, Reject
from tulosvahti.core.measure import Measurement, Range, Reason
from tulosvahti.core.period import read_period
from tulosvahti.core.route import Recipient
from tulosvahti.core.rule import (
    Agreement,
    Cite,
    CrossfootSpec,
    Measure,
    MeasureKind,
    MilestoneSpec,
    Rule,
    Severity,
    TargetSpec,
)
from tulosvahti.core.target import read_target
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Change, Finding, Outcome, Verdict, Word
from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.stored import Point, Stored
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

YEARS = ("2023", "2024", "2025", "2026")
NASTY = "Tyytyväisyys <script>alert('å')</script> & \x1b[31mvärit"


def rule(key: str, title: str, targets: tuple[str, ...] = (), *, unit: str = "", section: str = "1.1", **more: object) -> Rule:
    """Make an indicator with yearly targets."""
    dated = tuple(
        (read_period(year), target) for year, text in zip(YEARS, targets, strict=False) if (target := read_target(text))
    )
    start = read_period("2023")
    spec = TargetSpec(Measure("crm", MeasureKind.COUNT, None), start.grain, dated)
    titles = {"1.1": "Elinvoima ja työllisyys", "3": "Määrärahat"}
    cite = Cite("kainuu-2023", section, Text(fi=titles[section], en=f"Section {section}"), 9, "sopimuksen “omat” sanat <b>näin</b>")
    given: dict[str, object] = {"spec": spec, "unit": unit, "place": Place("rules/a.yaml", 3, 5), **more}
    return Rule(key, Text(fi=title, sv=f"{title} (sv)", en=f"{title} (en)"), "tem", cite, **given)  # type: ignore[arg-type]


def verdict(of: Rule, word: Word, observed: str = "", reason: Reason | None = None, **more: object) -> Verdict:
    """Make a verdict of 2023."""
    period = read_period("2023")
    target = of.spec.target_of(period) if isinstance(of.spec, TargetSpec) else None
    evidence = more.pop("evidence", {"rows": 214, "unknown_rows": 1, "workings": {"rows known": "214"}, "sql": "SELECT 1 < 2"})
    given: dict[str, object] = {"target": target.text if target else None, **more}
    return Verdict(
        of, (), period, word, observed=Decimal(observed) if observed else None, reason=reason,
        evidence=evidence, **given,  # type: ignore[arg-type]
    )  # fmt: skip


def table_verdict() -> Verdict:
    """Make a crossfoot with one wrong cell."""
    spec = CrossfootSpec("appropriation_2023", "centre", ("jako_2022", "matkat_muut_menot"), "YHTEENSÄ", "maararaha_yhteensa")
    cells = [("Uusimaa", "14060741", "530080", "14590821"), ("Häme", "6028400", "203760", "6232160")]
    cells += [("Kainuu", "3678200", "188420", "3875620"), ("YHTEENSÄ", "23776341", "922260", "24698601")]
    sentence = "B4 (Kainuu / jako_2022) 3678200 → 3687200"
    evidence = {
        "input": "appropriation_2023",
        "table": {"columns": [*spec.columns, spec.total_column], "rows": [{"label": r[0], "cells": list(r[1:])} for r in cells]},
        "marks": {"r3c1": "B4 (Kainuu / jako_2022): → 3687200 (digits_swapped)"},
        "relations": 7,
        "broken": [
            {"relation": "Kainuu", "axis": "row", "stated": "3875620", "expected": "3866620", "difference": "9000"},
            {"relation": "jako_2022", "axis": "column", "stated": "23776341", "expected": "23767341", "difference": "9000"},
        ],
        "faults": [{"cells": ["B4"], "stated": ["3678200"], "implied": ["3687200"], "cause": "digits_swapped", "sentence": sentence}],
    }
    of = rule("appropriation-2023", "Toimintamenomäärärahat täsmäävät", section="3", spec=spec, unit="eur", severity=Severity.CRITICAL)
    reason = Reason.of("broken_sums", count=2, cell=sentence)
    return Verdict(of, (), None, Word.MISSED, reason=reason, evidence=evidence)


@pytest.fixture
def agreements() -> Mapping[str, Agreement]:
    """Give the one agreement."""
    tem = Text(fi="Työ- ja elinkeinoministeriö", sv="Arbets- och näringsministeriet", en="Ministry of Economic Affairs")
    return {
        "kainuu-2023": Agreement(
            "kainuu-2023", Text(fi="Kainuun ELY-keskuksen tulossopimus 2023", en="Performance agreement 2023"), "VN/9338/2019",
            Text(fi="Kainuun ELY-keskus"), date(2022, 12, 12), tuple((int(year), year == "2023") for year in YEARS), (), (("tem", tem),),
        )
    }  # fmt: skip


@pytest.fixture
def outcome() -> Outcome:
    """Give the outcome."""
    share = rule("food-chain", "Elintarvikeketjun turvallisuus", (">= 90",) * 4, unit="percent", in_state_budget=True)
    milestone = rule("seminar", "Patoturvallisuuden seminaari", spec=MilestoneSpec("crm", "dam", date(2023, 12, 31)))
    met = verdict(share, Word.MET, "92.31", margin=Decimal("2.31"))
    missed = verdict(
        rule("satisfaction", NASTY, ("> 4", "> 4", "> 4.2", "> 4.2"), unit="score"), Word.MISSED, "4", margin=Decimal(0)
    )
    expected = Reason.of("before_path", expected="75")
    on_track = verdict(rule("leads", "Kirjatut liidit", (">= 150", ">= 160"), unit="count"), Word.ON_TRACK, "81", expected, provisional=True)
    at_risk = verdict(rule("hectares", "Suojellut hehtaarit", (">= 1234.5",), unit="hectares"), Word.AT_RISK, "410.25", Reason.of("before_path", expected="617.25"), provisional=True)
    unknown = verdict(rule("lead-time", "Läpimenoaika", ("<= 38",), unit="days"), Word.UNKNOWN, "37", Reason.of("unknown_rows", low="36.5", high="39.25", rows=4))
    late = verdict(rule("grants", "Myönnetyt avustukset", (">= previous * 1.02",), unit="eur"), Word.UNKNOWN, "", Reason.of("input_late", input="grants", covered="2023-10-31", expected="2023-11-30"))
    not_due = verdict(milestone, Word.NOT_DUE, target="2023-12-31", evidence={"due": "2023-12-31"})
    monitored = verdict(rule("followed", "Seurattava luku", unit="index"), Word.MONITORED, "14060741.5")
    table = table_verdict()
    series = tuple(
        Measurement("food-chain", (), read_period(year), Fraction(value), Range.exact(Fraction(value)), 10)
        for year, value in (("2020", "88.5"), ("2021", "89.25"), ("2022", "91"), ("2023", "92.31"))
    )
    rejects = tuple(Reject(row, row, "jobs", "x", "is not a number") for row in range(2, 14))
    deliveries = (
        Delivery("crm", DeliveryState.ACCEPTED, "ab" * 32, 214, rejects, 12, date(2023, 11, 30), date(2023, 11, 30), synthetic=True),
        Delivery("grants", DeliveryState.LATE, "cd" * 32, 20, covered_through=date(2023, 10, 31), expected_through=date(2023, 11, 30)),
        Delivery("surveys", DeliveryState.QUARANTINED, "ef" * 32, explanation="column “score” is missing", next_step="ask for a new file"),
        Delivery("appropriation_2023", DeliveryState.ACCEPTED, "01" * 32, 4),
    )
    findings = (
        Finding(met, Change.RESOLVED, Word.AT_RISK, "1"),
        Finding(missed, Change.OPENED, None, "3"),
        Finding(at_risk, Change.CHANGED, Word.UNKNOWN, "2"),
        Finding(unknown, Change.CONTINUED, Word.UNKNOWN, "1"),
        Finding(late, Change.OPENED, None, "3"),
        Finding(table, Change.OPENED, None, "3"),
    )
    problem = Problem(Place("rules/a.yaml", 7, 3), "unknown field “jbos”", "jobs, lead_id", "did you mean jobs?", "leads-2")
    verdicts = (met, missed, on_track, at_risk, unknown, late, not_due, monitored, table)
    previous = {met.key: Word.AT_RISK, on_track.key: Word.AT_RISK, at_risk.key: Word.UNKNOWN, unknown.key: Word.UNKNOWN}
    return Outcome("3", date(2023, 12, 1), "0f" * 32, "0.1.0", deliveries, verdicts, series, findings, (problem,), previous)


@pytest.fixture
def recipient() -> Recipient:
    """Give somebody who reads Finnish."""
    return Recipient("tem", Text(fi="Työ- ja elinkeinoministeriö\r\nBcc: x@y.example", sv="Arbets- och näringsministeriet", en="Ministry"), ("ely@tem.example", "b@tem.example"), "fi")


@pytest.fixture
def stored(outcome: Outcome, agreements: Mapping[str, Agreement]) -> Stored:
    """Give the outcome as the ledger has it, with one year that was revised."""
    points = [Point((m.rule, m.subject, m.period.key), m.value, 10, 0) for m in outcome.measurements if m.period]
    data = json.loads(to_json(outcome, agreements))
    data["verdicts"][0]["evidence"] |= {"input": "crm", "workings": {"rows that meet the condition": "204", "rows known": "221", "rows in scope": "222"}}
    return Stored(data, points, {("food-chain", (), "2021"): [Fraction(88), Fraction(87)]})
