"""A run on the terminal: a table by section, then what came in badly, then problems, then one line that sums it up.

Signs and words carry the meaning; colour only repeats it.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.verdict import Word
from tulosvahti.emit.revisions import revision_name, revision_text
from tulosvahti.emit.told import told
from tulosvahti.emit.words import (
    SIGNS,
    clean,
    day,
    number,
    observed_text,
    reason_text,
    subject_text,
    target_text,
    verdict_word,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.rule import Agreement
    from tulosvahti.core.verdict import Finding, Outcome, Verdict
    from tulosvahti.emit.screens import Screen

_HEADS = ("indicator", "observed", "target", "verdict", "owner", "changed")
_STYLES = {
    Word.MET: "green",
    Word.MISSED: "bold red",
    Word.ON_TRACK: "green",
    Word.AT_RISK: "yellow",
    Word.UNKNOWN: "magenta",
    Word.NOT_DUE: "dim",
    Word.MONITORED: "dim",
}


def show(outcome: Outcome, agreements: Mapping[str, Agreement], screen: Screen, language: str) -> None:
    """Print a run."""
    by_key = {finding.verdict.key: finding for finding in outcome.findings}
    screen.text(word("ui.as_of", language, day=day(outcome.as_of, language)), "bold")
    named = ""
    for (key, section), verdicts in groupby(outcome.verdicts, key=_section):
        found = list(verdicts)
        title = clean(found[0].rule.cite.section_title.in_language(language))
        screen.text("")
        if key != named and key in agreements:
            screen.text(clean(agreements[key].title.in_language(language)), "bold underline")
        named = key
        screen.text(f"{section} {title}".strip(), "bold")
        heads = [word(f"ui.{name}", language) for name in _HEADS]
        screen.table(heads, (_row(verdict, by_key.get(verdict.key), outcome, language) for verdict in found))
        for verdict in found:
            if verdict.needs_attention and verdict.reason:
                said = f"{SIGNS[verdict.word]} {_name(verdict, language)}: {clean(reason_text(verdict.reason, language))}"
                screen.text(said, "dim", indent=2)
    _revisions(outcome, screen, language)
    _deliveries(outcome, screen, language)
    _problems(outcome, screen, language)
    screen.text("")
    screen.line(_summary(outcome, language), whole=True)


def _section(verdict: Verdict) -> tuple[str, str]:
    return verdict.rule.cite.agreement, verdict.rule.cite.section


def _row(verdict: Verdict, finding: Finding | None, outcome: Outcome, language: str) -> list[tuple[str, str]]:
    return [
        (_name(verdict, language), ""),
        (clean(observed_text(verdict, language)), ""),
        (clean(target_text(verdict.target, language)), ""),
        (f"{SIGNS[verdict.word]} {verdict_word(verdict.word, language)}", _STYLES[verdict.word]),
        (clean(verdict.rule.owner), ""),
        (change_text(verdict, finding, outcome, language), ""),
    ]


def _name(verdict: Verdict, language: str) -> str:
    where = ", ".join(part for part in (verdict.period.key if verdict.period else "", subject_text(verdict.subject)) if part)
    title = clean(verdict.rule.title.in_language(language))
    return f"{title} ({clean(where)})" if where else title


def change_text(verdict: Verdict, finding: Finding | None, outcome: Outcome, language: str) -> str:
    """Say what became of a verdict since the last run; nothing where it is as it was."""
    was = finding.was if finding and finding.was else outcome.previous.get(verdict.key)
    if finding:
        said = word(f"change.{finding.change}", language)
        if was and was is not verdict.word:
            return f"{said} ({word('change.was', language, was=verdict_word(was, language))})"
        return said
    if was and was is not verdict.word:
        return word("change.was", language, was=verdict_word(was, language))
    return ""


def _deliveries(outcome: Outcome, screen: Screen, language: str) -> None:
    bad = [item for item in outcome.deliveries if item.state is not DeliveryState.ACCEPTED or item.rejected_rows]
    if bad:
        screen.text("")
        screen.text(word("ui.deliveries_attention", language), "bold")
    for item in bad:
        screen.text(_delivery(item, language))
    synthetic = [item.name for item in outcome.deliveries if item.synthetic]
    if synthetic:
        screen.text("")
        names = ", ".join(clean(name) for name in synthetic)
        screen.line([(f"{word('ui.synthetic', language)}: ", "bold"), (names, "")])


def _delivery(item: Delivery, language: str) -> str:
    parts = [f"  {clean(item.name)}: {word(f'state.{item.state}', language)}"]
    if item.rejected_rows:
        parts.append(f"{word('ui.rejects', language).lower()} {item.rejected_rows}/{item.rows + item.rejected_rows}")
    if item.state is DeliveryState.LATE and item.covered_through and item.expected_through:
        parts.append(f"{day(item.covered_through, language)} < {day(item.expected_through, language)}")
    parts += [clean(told(text, language)) for text in (item.explanation, item.next_step) if text]
    return "; ".join(parts)


def _revisions(outcome: Outcome, screen: Screen, language: str) -> None:
    if outcome.revisions:
        screen.text("")
        screen.text(word("revised.title", language), "bold")
    for item in outcome.revisions:
        said = f"  {revision_name(item, language)}: {revision_text(item, language)}"
        screen.text(said)


def _problems(outcome: Outcome, screen: Screen, language: str) -> None:
    if outcome.problems:
        screen.text("")
        screen.text(word("ui.problems", language), "bold red")
    for problem in outcome.problems:
        screen.text(f"  {clean(str(problem))}")


def _summary(outcome: Outcome, language: str) -> list[tuple[str, str]]:
    line: list[tuple[str, str]] = []
    for kind in Word:
        count = sum(verdict.word is kind for verdict in outcome.verdicts)
        if count:
            line.append(("  " if line else "", ""))
            line.append((f"{SIGNS[kind]} {verdict_word(kind, language)} {count}", _STYLES[kind]))
    total = word("ui.total", language, count=number(Decimal(len(outcome.verdicts)), language))
    return [*line, (f"  {total}", "")]
