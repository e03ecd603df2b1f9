"""One rule being read: where it stands, what it may name, and how its problems are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.expressed import Expression
from tulosvahti.core.expression import ExpressionError
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Kind
    from tulosvahti.core.rule import Agreement
    from tulosvahti.load.models import RuleShape
    from tulosvahti.load.source import Source


@dataclass
class Reading:
    """One rule being read: where it stands and what it may name."""

    source: Source
    at: tuple[str | int, ...]
    rule: RuleShape
    agreement: Agreement
    contracts: Mapping[str, Contract]
    broken: set[str]

    def say(self, path: tuple[str | int, ...], message: str, allowed: str = "", next_step: str = "", offset: int = 0) -> None:
        """Report a problem of this rule."""
        place = self.source.place((*self.at, *path), offset)
        self.source.problems.append(Problem(place, message, allowed, next_step, self.rule.id))

    def contract(self, path: tuple[str | int, ...], name: str) -> Contract | None:
        """Give the contract of an input, or report it."""
        if name in self.contracts:
            return self.contracts[name]
        if name in self.broken:
            self.say(path, f"input {name!r} has problems in its own file", "", f"mend inputs/{name}.yaml")
        else:
            self.say(path, f"no input {name!r}", ", ".join(self.contracts), f"write its contract to inputs/{name}.yaml")
        return None

    def has_field(self, path: tuple[str | int, ...], contract: Contract, name: str) -> bool:
        """Tell whether an input has a field, or report it."""
        if name in contract.kinds:
            return True
        self.say(path, f"input {contract.name!r} has no field {name!r}", ", ".join(contract.kinds))
        return False

    def only_numbers(self, path: tuple[str | int, ...], contract: Contract, names: Iterable[str]) -> bool:
        """Tell whether no words may stand in place of the numbers of fields, or report where they may."""
        found = [name for name in names if name in contract.kinds and contract.field(name).worded]
        for name in found:
            message = f"{path[0]}: words may stand in place of the numbers of field {name!r}, and would be read as missing here"
            self.say(path, message, "a field without censored and stated", "judge it by measure, or by rows: require")
        return not found

    def expression(
        self, path: tuple[str | int, ...], text: str, read: Callable[[str, Mapping[str, Kind]], Expression], contract: Contract
    ) -> Expression | None:
        """Parse an expression, or report where it is wrong."""
        try:
            return read(text, contract.kinds)
        except ExpressionError as error:
            self.say(path, f"{path[-1]}: {error}", error.allowed, error.next_step, error.offset)
            return None
