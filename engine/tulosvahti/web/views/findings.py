"""Findings: what is open and what was said of it, where findings come again and again, and how punctual inputs are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_mute import matches
from tulosvahti.emit.stored import key_of, title_of
from tulosvahti.emit.words import owner_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Agreement, Rule
    from tulosvahti.emit.stored import Stored
    from tulosvahti.store.alerting import Memory
    from tulosvahti.store.changes import Comment
    from tulosvahti.store.looking import Followed, Punctual

STANDINGS = ("open", "acknowledged", "explained", "waived", "silenced")
"""What has been done about a finding: nothing, or what people said of it."""
MOST = 10
"""Lines of a list of hotspots."""


@dataclass(frozen=True)
class Said:
    """What people said: acknowledgements, silences and waivers, and comments that explain."""

    memory: Memory
    comments: Sequence[Comment]
    now: datetime

    def of(self, finding: Followed) -> list[tuple[str, str]]:
        """Give what was said of a finding: each standing with who and why."""
        key = AlertKey(About.RULE, finding.rule, finding.subject)
        alert = self.memory.alerts.get(key)
        found = []
        known = [item for item in self.memory.acknowledgements if alert is not None and item.covers(alert)]
        if known:
            found.append(("acknowledged", ": ".join(filter(None, (known[-1].by, known[-1].note)))))
        explained = [
            item
            for item in self.comments
            if item.kind == "explanation" and item.rule == finding.rule
            and (not item.period or item.period == finding.period) and (not item.subject or item.subject == finding.subject)
        ]  # fmt: skip
        if explained:
            found.append(("explained", f"{explained[-1].by}: {explained[-1].text}"))
        waived = [item for item in self.memory.waivers if matches(item.pattern, key) and item.at <= self.now < item.ends]
        if waived:
            found.append(("waived", f"{waived[-1].approver}: {waived[-1].reason}"))
        silenced = [item for item in self.memory.silences if matches(item.pattern, key) and item.in_force(self.now)]
        if silenced:
            found.append(("silenced", f"{silenced[-1].by}: {silenced[-1].reason}"))
        return found


def listed(found: Sequence[Followed], said: Said, rules: Mapping[str, Rule], stored: Stored | None, language: str) -> list[dict[str, Any]]:
    """Say each finding in a line."""
    judged = {key_of(verdict): verdict for verdict in stored.verdicts} if stored else {}
    lines = []
    for item in found:
        verdict = judged.get((item.rule, item.subject, item.period))
        rule = rules.get(item.rule)
        title = title_of(verdict, language) if verdict else rule.title.in_language(language) if rule else item.rule
        told = said.of(item)
        lines.append(
            {
                "finding": item,
                "title": title,
                "where": ", ".join(part for part in (item.period, ", ".join(value for _, value in item.subject)) if part),
                "owner": stored.owner(verdict, language) if stored and verdict else rule.owner if rule else "",
                "verdict": verdict["verdict"] if verdict and not item.resolved_run else item.verdict,
                "days": (item.last_day - item.first_day).days if not item.resolved_day else (item.resolved_day - item.first_day).days,
                "said": told,
                "standing": told[0][0] if told else "open",
            }
        )
    return lines


def hotspots(
    times: Mapping[str, int], rules: Mapping[str, Rule], contracts: Mapping[str, Contract], agreements: Mapping[str, Agreement], language: str
) -> dict[str, list[tuple[str, int]]]:
    """Count the findings ever opened by owner, input, section and indicator; the most first."""
    counted: dict[str, Counter[str]] = {"owner": Counter(), "input": Counter(), "section": Counter(), "indicator": Counter()}
    for name, count in times.items():
        rule = rules.get(name)
        if rule is None:
            continue
        agency = agreements[rule.cite.agreement].agency.in_language(language) if len(agreements) > 1 else ""
        counted["owner"][owner_name(rule, agreements, language)] += count
        for source in rule.inputs:
            counted["input"][contracts[source].title.in_language(language) or source if source in contracts else source] += count
        section = f"{rule.cite.section} {rule.cite.section_title.in_language(language)}".strip()
        counted["section"][_of(section, agency)] += count
        counted["indicator"][_of(rule.title.in_language(language), agency)] += count
    return {kind: sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:MOST] for kind, counter in counted.items()}


def _of(name: str, agency: str) -> str:
    return f"{name} · {agency}" if agency else name


def deliverers(found: Sequence[Punctual], contracts: Mapping[str, Contract], language: str) -> list[dict[str, Any]]:
    """Say how punctual and how complete each input is, by deliverer, the worst first."""
    lines = []
    for item in found:
        contract = contracts.get(item.input)
        rows = item.rows + item.rejects
        lines.append(
            {
                "input": item.input,
                "title": contract.title.in_language(language) if contract else item.input,
                "deliverer": contract.deliverer if contract else "",
                "runs": item.runs,
                "on_time": round(100 * item.on_time / item.runs, 1) if item.runs else None,
                "complete": round(100 * item.rows / rows, 1) if rows else None,
                "state": item.state,
            }
        )
    return sorted(lines, key=lambda line: (line["on_time"] or 0, line["complete"] or 0, line["input"]))
