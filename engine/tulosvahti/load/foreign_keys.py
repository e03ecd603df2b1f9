"""``foreignKeys`` of contracts: each is a rule of its own, judged in a run, when the rows of both inputs are there.

A delivery alone cannot tell whether what it refers to will come, so rows without a partner are no rejects: they are what a rule
of kind ``rows`` finds, with their keys, and its finding opens and ends as any other. A row without a value refers to nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from tulosvahti.core.rule import Cite, Reference, RowsSpec, Rule
from tulosvahti.core.text import LANGUAGES, Text
from tulosvahti.load.row_rules import reference_faults
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Agreement
    from tulosvahti.load.contract_models import ContractShape
    from tulosvahti.load.source import Source

_TITLES = {
    "fi": "{one}: jokaisella rivillä ({fields}) on pari aineistossa {other}",
    "sv": "{one}: varje rad ({fields}) har en motsvarighet i {other}",
    "en": "{one}: every row ({fields}) has its partner in {other}",
}


def foreign_keys(name: str, shape: ContractShape, names: list[str], source: Source) -> tuple[Reference, ...]:
    """Read to what the rows of an input refer; whether that is there is seen when all contracts are."""
    for at, key in enumerate(shape.foreignKeys):
        for item in key.fields:
            if item not in names:
                source.problems.append(Problem(source.place(("foreignKeys", at, "fields")), f"foreignKeys: no field {item!r}", ", ".join(names)))
    return tuple(
        Reference(tuple(key.fields), key.reference.resource or name, tuple(key.reference.fields)) for key in shape.foreignKeys
    )


def foreign_key_rules(
    contracts: Mapping[str, Contract], broken: Container[str], agreements: Mapping[str, Agreement], taken: Container[str]
) -> tuple[list[Rule], list[Problem]]:
    """Make the rule of each foreign key. ``broken``: inputs with problems of their own; ``taken``: ids of the other rules."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for contract in contracts.values():
        for found in contract.foreign_keys:
            other = contracts.get(found.input)
            if other is None:
                if found.input not in broken:
                    problems.append(Problem(contract.place, f"foreignKeys: no input {found.input!r}", ", ".join(contracts)))
                continue
            absent = [name for name in found.to if name not in other.kinds]
            faults = [(f"input {other.name!r} has no field {name!r}", ", ".join(other.kinds)) for name in absent]
            faults = faults or reference_faults(found, contract, other)
            problems += [Problem(contract.place, f"foreignKeys: {message}", allowed) for message, allowed in faults]
            if not faults and agreements:
                name = _free(contract.name, found, {*(rule.id for rule in rules)}, taken)
                rules.append(_rule(name, contract, found, other, agreements))
    return rules, problems


def _rule(name: str, contract: Contract, found: Reference, other: Contract, agreements: Mapping[str, Agreement]) -> Rule:
    """Make a rule: the deliverer's, of the first agreement that they are a party of."""
    mine = [key for key, item in agreements.items() if contract.deliverer in dict(item.parties)]
    title = Text(**{
        language: _TITLES[language].format(
            one=contract.title.in_language(language), fields=", ".join(found.fields), other=other.title.in_language(language)
        )
        for language in LANGUAGES
    })  # fmt: skip
    cite = Cite((mine or list(agreements))[0], f"inputs/{contract.name}.yaml", contract.title)
    spec = RowsSpec(contract.name, missing="pass", key=contract.primary_key, references=found)
    return Rule(name, title, contract.deliverer, cite, spec, contract.place)


def _free(input_name: str, found: Reference, mine: Container[str], taken: Container[str]) -> str:
    text = unicodedata.normalize("NFKD", f"{input_name} {' '.join(found.fields)} in {found.input}").lower()
    name = re.sub(r"[^a-z0-9]+", "-", "".join(mark for mark in text if not unicodedata.combining(mark))).strip("-")
    again = 2
    while name in mine or name in taken:
        name, again = f"{name}-{again}", again + 1
    return name


def lines_of(contracts: Mapping[str, Contract]) -> Iterator[str]:
    """Give the foreign keys as lines, for the digest of the rules."""
    for name, contract in sorted(contracts.items()):
        yield from (f"{name}: {found}" for found in contract.foreign_keys)
