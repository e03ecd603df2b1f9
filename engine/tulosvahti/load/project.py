"""A project: everything in its folder, or every problem of it. One broken file never takes the others with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tulosvahti.core.rule import CrossfootSpec
from tulosvahti.load import models
from tulosvahti.load.config import load_config
from tulosvahti.load.contract_models import ContractShape
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.foreign_keys import foreign_key_rules, lines_of
from tulosvahti.load.opened import Project, find_root
from tulosvahti.load.pushed import pushed_problems
from tulosvahti.load.route_models import RoutesShape
from tulosvahti.load.routes import load_routes
from tulosvahti.load.rulebook import load_rulebook
from tulosvahti.load.schedule import unmatched

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tulosvahti.core.rule import Rule

__all__ = ["Project", "find_root", "json_schemas", "load_project"]


def load_project(root: Path) -> Project:
    """Read a project.

    Raises:
        ProblemsError: config.toml is missing or broken.

    """
    config = load_config(root)
    contracts, contract_problems = load_contracts(root)
    names = {path.stem for path in (root / "inputs").glob("*.yaml")}
    book = load_rulebook(root, contracts, names - set(contracts))
    refers, refer_problems = foreign_key_rules(contracts, names - set(contracts), book.agreements, {rule.id for rule in book.rules})
    book.rules += refers
    summed = _summed(book.rules)
    contracts = {name: replace(item, keeps_total=item.keeps_total or name in summed) for name, item in contracts.items()}
    routes, route_problems = load_routes(root, book.rules, contracts, [*book.unjudged, *names - set(contracts)])
    named = {key: item.name for key, item in routes.recipients.items()}
    named |= {key: name for agreement in reversed(book.agreements.values()) for key, name in agreement.parties}
    first = config.languages[0]
    contracts = {
        name: replace(item, deliverer_name=named[item.deliverer].in_language(first) if item.deliverer in named else "")
        for name, item in contracts.items()
    }
    digest = hashlib.sha256()
    for path in sorted((root / "rules").glob("*.yaml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for line in lines_of(contracts):
        digest.update(line.encode() + b"\0")
    job_problems = unmatched(config.schedule, [*(rule.id for rule in book.rules), *book.unjudged], names)
    there = pushed_problems(contracts, book.rules)
    problems = tuple(sorted([*there, *refer_problems, *contract_problems, *book.problems, *route_problems, *job_problems]))
    return Project(
        root, config, book.agreements, tuple(book.rules), contracts, routes, problems, digest.hexdigest(), tuple(book.unjudged)
    )


def _summed(rules: Iterable[Rule]) -> frozenset[str]:
    """Give the inputs whose sums a rule judges: their total rows are what it is about."""
    return frozenset(name for rule in rules if isinstance(rule.spec, CrossfootSpec) for name in rule.inputs)


def json_schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of every kind of file."""
    shapes: dict[str, type[models.Shape]] = {
        "config": models.ConfigShape,
        "agreements": models.AgreementsShape,
        "rules": models.RuleFileShape,
        "contract": ContractShape,
        "routes": RoutesShape,
        "cases": models.CasesShape,
    }
    return {name: shape.model_json_schema() for name, shape in shapes.items()}
