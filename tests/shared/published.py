"""A run with something in every table, for tests that need a ledger that is not empty."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_plan import Tell
from tulosvahti.core.contract import Delivery, DeliveryState, Reject
from tulosvahti.core.delivery import Posting
from tulosvahti.core.finding import compare
from tulosvahti.core.measure import Measurement, Reason
from tulosvahti.core.period import Grain, Period
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule
from tulosvahti.core.slots import Due, Plan
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome, Verdict, Word
from tulosvahti.problem import Place, Problem

NOW = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
DAY = date(2023, 5, 31)
YEAR = Period(date(2023, 1, 1), date(2024, 1, 1), Grain.YEAR)
KAJAANI = (("municipality", "Kajaani"), ("area", "Ä"))


def publish_run(ledger, sha256="ff", word=Word.MISSED, at=NOW, value="ä\0b"):
    """Publish a nightly run with one verdict, a reject with a NUL in it, a mail, and everything else; give its id."""
    plan = Plan(Due(f"{at:%Y-%m-%dT%H:%M} {secrets.token_hex(4)}", at, "*"))
    claim, _ = ledger.slots.claim("nightly", lambda _known: plan, at, "published", lambda: at)
    number = ledger.start_run(DAY, at, "abc", "0.1.0", claim=claim)
    rule = Rule("leads", Text(), "mmm", Cite("kainuu", "1", Text()), MilestoneSpec("m", "k", DAY), Place("rules/a.yaml", 1, 1))
    verdict = Verdict(
        rule, KAJAANI, YEAR, word, observed=Decimal("99.81"), target=">= 100", margin=Decimal("-0.19"),
        reason=Reason.of("late", input="crm"), evidence={"rows": 3},
    )  # fmt: skip
    outcome = Outcome(
        number, DAY, "abc", "0.1.0",
        (Delivery("crm", DeliveryState.QUARANTINED, sha256, 3, (Reject(2, 2, "n", value, "not a number"),), 1, DAY),),
        (verdict,),
        (Measurement("leads", KAJAANI, YEAR, Fraction(1200, 13), rows=13),),
        compare((verdict,), ledger.open_findings(), number),
        (Problem(Place("rules/b.yaml", 3, 1), "no such input"),),
    )  # fmt: skip
    mail = f"Subject: run {number}\n\n\xff".encode("latin-1")
    tells = (Tell(AlertKey(About.RULE, "leads", KAJAANI), words={"2023": str(word)}),)
    posting = Posting("owner", f"<{number}@tulosvahti>", mail, (("mail", "owner@example.org"),), tells=tells)
    ledger.publish(outcome, at, [posting], f'{{"run": "{number}"}}', claim=claim)
    return number
