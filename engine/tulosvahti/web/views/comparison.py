"""Two runs compared: which verdicts differ, and because of which input, rule, day or engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tulosvahti.emit.stored import key_of, observed_of, title_of, where_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tulosvahti.emit.stored import Stored

    Judged = Mapping[str, Any]


@dataclass(frozen=True)
class Differing:
    """A verdict that differs; one side is None where that run did not give it. ``causes`` are names with what differs."""

    rule: str
    title: str
    where: str
    period: str
    before: Judged | None
    after: Judged | None
    before_value: str
    after_value: str
    causes: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Compared:
    """What differs between two runs. ``inputs``: name, and both digests, of those whose content differs."""

    differing: Sequence[Differing]
    same: int
    inputs: Sequence[tuple[str, str, str]]
    rules_changed: bool
    engine_changed: bool
    days_differ: bool


def compare(before: Stored, after: Stored, language: str, inputs_of: Callable[[str], Collection[str]]) -> Compared:
    """Compare two runs; ``inputs_of`` gives the inputs that a rule reads, as far as they are known."""
    digests = [{item["name"]: item["sha256"] or item["state"] for item in run.data["inputs"]} for run in (before, after)]
    moved = {
        name: (digests[0].get(name, ""), digests[1].get(name, ""))
        for name in sorted({*digests[0], *digests[1]})
        if digests[0].get(name) != digests[1].get(name)
    }
    general = [
        ("day", f"{before.run['as_of']} → {after.run['as_of']}") if before.run["as_of"] != after.run["as_of"] else None,
        ("engine", f"{before.run['engine']} → {after.run['engine']}") if before.run["engine"] != after.run["engine"] else None,
    ]
    first, second = ({key_of(item): item for item in run.verdicts} for run in (before, after))
    differing, same = [], 0
    for key in dict.fromkeys((*second, *first)):
        one, two = first.get(key), second.get(key)
        if one is not None and two is not None and _said(one) == _said(two):
            same += 1
            continue
        of = two or one
        assert of is not None  # noqa: S101 (the key is of one of them)
        read = {*inputs_of(of["rule"]), *([of["evidence"]["input"]] if isinstance(of["evidence"].get("input"), str) else [])}
        causes = [("input", name) for name in moved if name in read]
        if _rule(before, one) != _rule(after, two):
            causes.append(("rule", of["rule"]))
        causes += [cause for cause in general if cause is not None]
        if not causes and before.run["rules_sha256"] != after.run["rules_sha256"]:
            causes.append(("rules", ""))
        differing.append(
            Differing(
                of["rule"], title_of(of, language), where_of(of), of["period"] or "", one, two,
                observed_of(one, language) if one else "–", observed_of(two, language) if two else "–", causes,
            )
        )  # fmt: skip
    return Compared(
        differing, same, [(name, *pair) for name, pair in moved.items()],
        before.run["rules_sha256"] != after.run["rules_sha256"], before.run["engine"] != after.run["engine"],
        before.run["as_of"] != after.run["as_of"],
    )  # fmt: skip


def _said(verdict: Judged) -> tuple[Any, ...]:
    words = [verdict["evidence"].get(name) for name in ("censored", "stated")]
    return verdict["verdict"], verdict["observed"], *words, verdict["target"], verdict["reason"], verdict["provisional"]


def _rule(run: Stored, verdict: Judged | None) -> object:
    """Give what a run knew of a rule; its query too, which changes when the rule does."""
    if verdict is None:
        return None
    sql = verdict["evidence"].get("sql")
    plain = _without_days(sql) if isinstance(sql, str) else sql
    return run.targets(verdict["rule"]), verdict["kind"], verdict["unit"], verdict["severity"], verdict["owner"], plain


def _without_days(sql: str) -> str:
    return re.sub(r"\d{4}-\d{2}-\d{2}", "", sql)
