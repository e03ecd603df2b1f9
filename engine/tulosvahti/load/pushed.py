"""What can be asked of an input that is measured in its database, and what of its contract can be held there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tulosvahti.core.rule import RowsSpec, TargetSpec
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Rule

_PLAIN_PATTERN = re.compile(r"(?:[\w \-/,:;_^$.|()*+?\[\]]|\\[d.\-/()]|\{\d+(?:,\d*)?\})*")


def pushed_problems(contracts: Mapping[str, Contract], rules: Iterable[Rule]) -> list[Problem]:
    """Say what cannot be held in a database, and which rules need the rows themselves."""
    found = []
    for contract in contracts.values():
        if contract.pushed and contract.mapping is not None:
            step = f"leave `push` out of inputs/{contract.name}.yaml: changes of organisations are few rows"
            found.append(Problem(contract.place, "changes of organisations are read, not measured in their database", "mapping without push", step))
        for item in contract.fields:
            if contract.pushed and item.pattern and not _PLAIN_PATTERN.fullmatch(item.pattern):
                message = f"the pattern of {item.name!r} reads differently in a database"
                step = "leave `push` out, or write the pattern without what only Python knows"
                found.append(Problem(contract.place, message, "letters, classes [a-z], \\d, . * + ? {n} | ( )", step))
    for rule in rules:
        for name in rule.inputs:
            if name in contracts and contracts[name].pushed and not isinstance(rule.spec, TargetSpec | RowsSpec):
                message = f"a {rule.kind} rule needs the rows of {name!r}, which are measured in their database and not fetched"
                found.append(Problem(rule.place, message, "measure and rows", f"leave `push` out of inputs/{name}.yaml"))
    return found
