"""A run on the terminal: a table by section, then what came in badly, then problems, then one line that sums it up.

Signs and words carry the meaning; colour only repeats it.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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

    from rich.console import Console

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.rule import Agreement
    from tulosvahti.core.verdict import Finding, Outcome, Verdict

WIDTH = 100
_STYLES = {
    Word.MET: "green",
    Word.MISSED: "bold red",
    Word.ON_TRACK: "green",
    Word.AT_RISK: "yellow",
    Word.UNKNOWN: "magenta",
    Word.NOT_DUE: "dim",
    Word.MONITORED: "dim",
}


def show(outcome: Outcome, agreements: Mapping[str, Agreement], console: Console, language: str) -> None:
    """Print a run."""
    by_key = {finding.verdict.key: finding for finding in outcome.findings}
    console.print(Text(word("ui.as_of", language, day=day(outcome.as_of, language)), style="bold"))
    named = ""
    for (key, section), verdicts in groupby(outcome.verdicts, key=_section):
        found = list(verdicts)
        title = clean(found[0].rule.cite.section_title.in_language(language))
        console.print()
        if key != named and key in agreements:
            console.print(Text(clean(agreements[key].title.in_language(language)), style="bold underline"))
        named = key
        console.print(Text(f"{section} {title}".strip(), style="bold"))
        table = _table(language)
        for verdict in found:
            _add(table, verdict, by_key.get(verdict.key), outcome, language)
        console.print(table, width=min(console.width, WIDTH))
        for verdict in found:
            if verdict.needs_attention and verdict.reason:
                said = f"{SIGNS[verdict.word]} {_name(verdict, language)}: {clean(reason_text(verdict.reason, language))}"
                console.print(Padding(Text(said, style="dim"), (0, 0, 0, 2)), width=min(console.width, WIDTH))
    _revisions(outcome, console, language)
    _deliveries(outcome, console, language)
    _problems(outcome, console, language)
    console.print()
    console.print(_summary(outcome, language))


def _section(verdict: Verdict) -> tuple[str, str]:
    return verdict.rule.cite.agreement, verdict.rule.cite.section


def _table(language: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1), show_edge=False)
    table.add_column(word("ui.indicator", language), ratio=1, overflow="fold")
    table.add_column(word("ui.observed", language), justify="right", width=12, overflow="fold")
    table.add_column(word("ui.target", language), justify="right", width=12, overflow="fold")
    table.add_column(word("ui.verdict", language), width=15, overflow="fold")
    table.add_column(word("ui.owner", language), width=12, overflow="fold")
    table.add_column(word("ui.changed", language), width=12, overflow="fold")
    return table


def _add(table: Table, verdict: Verdict, finding: Finding | None, outcome: Outcome, language: str) -> None:
    rule = verdict.rule
    table.add_row(
        Text(_name(verdict, language)),
        Text(clean(observed_text(verdict, language))),
        Text(clean(target_text(verdict.target, language))),
        Text(f"{SIGNS[verdict.word]} {verdict_word(verdict.word, language)}", style=_STYLES[verdict.word]),
        Text(clean(rule.owner)),
        Text(change_text(verdict, finding, outcome, language)),
    )


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


def _deliveries(outcome: Outcome, console: Console, language: str) -> None:
    bad = [item for item in outcome.deliveries if item.state is not DeliveryState.ACCEPTED or item.rejected_rows]
    if bad:
        console.print()
        console.print(Text(word("ui.deliveries_attention", language), style="bold"))
    for item in bad:
        console.print(Text(_delivery(item, language)), soft_wrap=False, width=min(console.width, WIDTH))
    synthetic = [item.name for item in outcome.deliveries if item.synthetic]
    if synthetic:
        console.print()
        names = ", ".join(clean(name) for name in synthetic)
        line = Text(f"{word('ui.synthetic', language)}: ", style="bold")
        console.print(line.append(names, style="not bold"), width=min(console.width, WIDTH))


def _delivery(item: Delivery, language: str) -> str:
    parts = [f"  {clean(item.name)}: {word(f'state.{item.state}', language)}"]
    if item.rejected_rows:
        parts.append(f"{word('ui.rejects', language).lower()} {item.rejected_rows}/{item.rows + item.rejected_rows}")
    if item.state is DeliveryState.LATE and item.covered_through and item.expected_through:
        parts.append(f"{day(item.covered_through, language)} < {day(item.expected_through, language)}")
    parts += [clean(told(text, language)) for text in (item.explanation, item.next_step) if text]
    return "; ".join(parts)


def _revisions(outcome: Outcome, console: Console, language: str) -> None:
    if outcome.revisions:
        console.print()
        console.print(Text(word("revised.title", language), style="bold"))
    for item in outcome.revisions:
        said = f"  {revision_name(item, language)}: {revision_text(item, language)}"
        console.print(Text(said), width=min(console.width, WIDTH))


def _problems(outcome: Outcome, console: Console, language: str) -> None:
    if outcome.problems:
        console.print()
        console.print(Text(word("ui.problems", language), style="bold red"))
    for problem in outcome.problems:
        console.print(Text(f"  {clean(str(problem))}"), width=min(console.width, WIDTH))


def _summary(outcome: Outcome, language: str) -> Text:
    line = Text()
    for kind in Word:
        count = sum(verdict.word is kind for verdict in outcome.verdicts)
        if count:
            line.append("  " if line else "")
            line.append(f"{SIGNS[kind]} {verdict_word(kind, language)} {count}", style=_STYLES[kind])
    line.append(f"  {word('ui.total', language, count=number(Decimal(len(outcome.verdicts)), language))}")
    return line
