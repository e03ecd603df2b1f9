"""``rules/*.yaml``: the agreements and their rules. A broken rule is left out with its problems; the others stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.core.rule import Agreement, Cite, Rule, Severity
from tulosvahti.load.models import AgreementShape, AgreementsShape, RuleFileShape, RuleShape
from tulosvahti.load.reading import Reading
from tulosvahti.load.shapes import shaped, text_of, wait_of
from tulosvahti.load.source import LARGEST, Source, read_yaml
from tulosvahti.load.specs import read_spec
from tulosvahti.problem import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.problem import Place

AGREEMENTS = "agreements.yaml"


@dataclass
class Rulebook:
    """Everything in rules/: agreements, sound rules in order, ids left out, problems."""

    agreements: dict[str, Agreement] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken_agreements: set[str] = field(default_factory=set)
    tied: dict[str, list[tuple[str, Place]]] = field(default_factory=dict)
    """Rule and the rules that its ties cite, with the place of each."""


def load_rulebook(root: Path, contracts: Mapping[str, Contract], broken_inputs: set[str]) -> Rulebook:
    """Read the agreements and every rule file."""
    book = Rulebook()
    folder = root / "rules"
    readable = _agreements(read_yaml(folder / AGREEMENTS, f"rules/{AGREEMENTS}"), book)
    seen: dict[str, Place] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name != AGREEMENTS:
            source = read_yaml(path, f"rules/{path.name}")
            if source.data is None and source.problems:
                book.unjudged += _ids_in(path)
            _rule_file(source, book, contracts, broken_inputs, seen, readable=readable)
    _cited(book)
    return book


def _agreements(source: Source, book: Rulebook) -> bool:
    """Read each agreement by itself; False where the file as a whole cannot be read."""
    data = source.data
    entries = data.get("agreements") if isinstance(data, dict) else None
    if source.problems or not isinstance(entries, dict):
        if not source.problems:
            shaped(AgreementsShape, data, source)
        book.problems += source.problems
        return False
    shaped(AgreementsShape, {**data, "agreements": {}}, source)
    for key, entry in entries.items():
        item = shaped(AgreementShape, entry, source, ("agreements", key))
        if item is None:
            book.broken_agreements.add(str(key))
            continue
        key = str(key)  # noqa: PLW2901 (a number as key)
        book.agreements[key] = Agreement(
            key,
            text_of(item.title),
            item.document,
            text_of(item.agency),
            item.signed_on,
            tuple((year, word == "binding") for year, word in sorted(item.years.items())),
            tuple(sorted(item.annual_report.items())),
            tuple((party, text_of(name)) for party, name in item.parties.items()),
        )
    book.problems += source.problems
    return True


def _ids_in(path: Path) -> list[str]:
    """Give the ids that stand in a file that is not YAML: these rules exist, and are not judged."""
    try:
        text = path.read_bytes()[:LARGEST].decode("utf-8", "replace")
    except OSError:
        return []
    return re.findall(r"^\s*-?\s*id:\s*[\"']?([a-z0-9]+(?:-[a-z0-9]+)*)[\"']?\s*(?:#.*)?$", text, re.MULTILINE)


def _rule_file(  # noqa: PLR0913
    source: Source, book: Rulebook, contracts: Mapping[str, Contract], broken: set[str], seen: dict[str, Place], *, readable: bool
) -> None:
    data = source.data
    if source.problems or data is None:
        if not source.problems:
            source.problems.append(Problem(source.place(()), "the file is empty", "agreement, section, title, rules"))
        book.problems += source.problems
        return
    entries = data.get("rules") if isinstance(data, dict) else None
    head = shaped(RuleFileShape, {**data, "rules": []} if isinstance(data, dict) and isinstance(entries, list) else data, source)
    if head is not None and head.agreement not in book.agreements:
        place = source.place(("agreement",))
        if not readable or head.agreement in book.broken_agreements:
            message = f"agreement {head.agreement!r} has problems in its own file"
            source.problems.append(Problem(place, message, "", f"mend rules/{AGREEMENTS}"))
        else:
            message = f"no agreement {head.agreement!r}"
            source.problems.append(Problem(place, message, ", ".join(book.agreements)))
        head = None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        before = len(source.problems)
        rule = _rule(source, index, entry, head, book, contracts, broken, seen)
        if rule is not None and len(source.problems) == before:
            book.rules.append(rule)
            book.tied[rule.id] = [
                (ref.target_of or ref.observed_of, source.place(("rules", index, "crossfoot", "ties", tie_at, *part)))
                for tie_at, tie in enumerate(getattr(rule.spec, "ties", ()))
                for part, ref in ((("total",), tie.total), *((("items", at), item) for at, item in enumerate(tie.items)))
            ]
        elif len(source.problems) > before or head is None:
            name = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(name, str):
                book.unjudged.append(name)
    book.problems += source.problems


def _rule(  # noqa: PLR0913
    source: Source, index: int, entry: object, head: RuleFileShape | None, book: Rulebook,
    contracts: Mapping[str, Contract], broken: set[str], seen: dict[str, Place],
) -> Rule | None:  # fmt: skip
    at = ("rules", index)
    name = str(entry.get("id", "")) if isinstance(entry, dict) else ""
    shape = shaped(RuleShape, entry, source, at, name)
    if name:
        place = source.place((*at, "id"))
        if name in seen:
            message = f"rule id {name!r} is already used at {seen[name]}"
            source.problems.append(Problem(place, message, "an id of its own", "", name))
        seen.setdefault(name, place)
    if shape is None or head is None or not shape.enabled:
        return None
    agreement = book.agreements[head.agreement]
    parties = dict(agreement.parties)
    if shape.owner not in parties:
        message = f"owner: {shape.owner!r} is not a party of {head.agreement}"
        source.problems.append(Problem(source.place((*at, "owner")), message, ", ".join(parties), "", name))
    reading = Reading(source, at, shape, agreement, contracts, broken)
    spec = read_spec(reading)
    if spec is None:
        return None
    cite = Cite(head.agreement, head.section, text_of(head.title), shape.page or head.page, shape.quote)
    return Rule(
        shape.id,
        text_of(shape.title),
        shape.owner,
        cite,
        spec,
        source.place(at),
        shape.unit,
        Severity(shape.severity),
        shape.direction,
        shape.in_state_budget,
        text_of(shape.note),
        wait_of(shape.for_),
    )


def _cited(book: Rulebook) -> None:
    """Report figures that cite a rule that is nowhere."""
    known = {rule.id for rule in book.rules} | set(book.unjudged)
    for rule in list(book.rules):
        unknown = [(cited, place) for cited, place in book.tied[rule.id] if cited and cited not in known]
        for cited, place in unknown:
            hint = nearest(cited, sorted(known))
            book.problems.append(Problem(place, f"ties: no rule {cited!r}", "ids of other rules", hint, rule.id))
        if unknown:
            book.rules.remove(rule)
            book.unjudged.append(rule.id)
