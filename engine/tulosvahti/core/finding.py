"""Findings: the run's verdicts compared with what was open before. Unknown freezes and never resolves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.verdict import FROZEN, Change, Finding, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.measure import Subject

Key = tuple[str, "Subject", str]


def compare(
    verdicts: Sequence[Verdict], open_before: Mapping[Key, tuple[Word, str]], run: str
) -> tuple[Finding, ...]:
    """Give the findings of a run, in the order of the verdicts.

    ``open_before`` has the verdict and the first run of every finding that was open. A key that was not judged now
    stays open and gives no finding.
    """
    findings = []
    for verdict in verdicts:
        before = open_before.get(verdict.key)
        if before is None:
            if verdict.needs_attention:
                findings.append(Finding(verdict, Change.OPENED, None, run))
            continue
        was, first_run = before
        if verdict.word is was:
            change = Change.CONTINUED
        elif verdict.needs_attention:
            change = Change.CONTINUED if verdict.word in FROZEN else Change.CHANGED
        else:
            change = Change.RESOLVED
        findings.append(Finding(verdict, change, was, first_run))
    return tuple(findings)
