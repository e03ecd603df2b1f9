"""``alerts/routes.yaml``: who hears of what, and when. A project without it mails nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tulosvahti.core.alert import RANK
from tulosvahti.core.arrival import Fate
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.route import (
    DELIVERY_KIND,
    INPUT_KIND,
    Escalation,
    Matter,
    Quiet,
    Recipient,
    Route,
    Routes,
    Summary,
    delivery_matter,
    input_matter,
    rule_matter,
)
from tulosvahti.core.rule import Severity
from tulosvahti.load.addresses import is_address, not_an_address
from tulosvahti.load.quick_yaml import Path_
from tulosvahti.load.route_models import HolidaysShape, QuietShape, RecipientShape, RouteShape, RoutesShape
from tulosvahti.load.shapes import shaped, text_of, wait_of
from tulosvahti.load.source import Source, read_yaml
from tulosvahti.problem import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Rule

ROUTES = "alerts/routes.yaml"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INPUT_STATES = (DeliveryState.LATE, DeliveryState.MISSING, DeliveryState.QUARANTINED)
_DELIVERY_STATES = (Fate.QUARANTINED, Fate.PARTLY)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "severity": tuple(map(str, Severity)),
    "verdict": (*map(str, RANK), str(Fate.PARTLY)),
    "kind": ("target", "crossfoot", "milestone", "narrative", "rows", "expectation", INPUT_KIND, DELIVERY_KIND),
}
"""What a match can name that is the same in every project."""


def load_routes(
    root: Path, rules: Sequence[Rule] = (), contracts: Mapping[str, Contract] | None = None, broken: Collection[str] = ()
) -> tuple[Routes, list[Problem]]:
    """Read the routes; broken parts are left out, with their problems.

    ``rules`` and ``contracts`` are what routes can match; ``broken`` names those left out because of their own
    problems, which are not held against a route.
    """
    path = root / ROUTES
    if not path.exists():
        return Routes(), []
    source = read_yaml(path, ROUTES)
    shape = None if source.problems else shaped(RoutesShape, source.data, source)
    if shape is None:
        return Routes(), source.problems
    known = shape.recipients
    _is_known(source, ("default",), "default", shape.default, known)
    matters = _matters(rules, contracts or {})
    routes = [
        _route(item, ("routes", index), source, known, matters if not broken else None)
        for index, item in enumerate(shape.routes)
    ]
    recipients = {key: _recipient(key, item, source, known) for key, item in shape.recipients.items()}
    _circles(recipients, source)
    sound = "holidays" not in source.data or _holidays(shape.holidays.country, shape.holidays.subdivision, source)
    declared = shape.holidays if sound else HolidaysShape()
    summaries = [
        Summary(item.to, WEEKDAYS.index(item.day))
        for index, item in enumerate(shape.summaries)
        if _is_known(source, ("summaries", index, "to"), "to", item.to, known)
    ]
    return Routes(
        recipients,
        tuple(routes),
        shape.default,
        _days(shape.repeat) or 0,
        _quiet(shape.quiet),
        declared.country,
        declared.subdivision,
        tuple(sorted(shape.reminders.before, reverse=True)),
        tuple(sorted(shape.reminders.after)),
        tuple(summaries),
    ), source.problems


def _is_known(source: Source, at: Path_, key: str, name: str, known: Collection[str]) -> bool:
    if name in known:
        return True
    source.problems.append(Problem(source.place(at), f"{key}: no recipient {name!r}", ", ".join(known), nearest(name, known)))
    return False


def _recipient(key: str, shape: RecipientShape, source: Source, known: Collection[str]) -> Recipient:
    at = ("recipients", key)
    for address in shape.mail:
        if not is_address(address):
            source.problems.append(not_an_address(source.place((*at, "mail")), "mail", address))
    if not all(re.fullmatch(r"([a-z]+:)?[A-Za-z_]\w*", one, re.ASCII) for one in shape.channels):
        # What stands there is not told: it may be a secret.
        message = "channels: not the name of an environment variable"
        allowed = "names such as TEAMS_URL: the URL is a secret and stays out of the file"
        next_step = "set the variable where the service starts"
        source.problems.append(Problem(source.place((*at, "channels")), message, allowed, next_step))
    if not shape.mail and not shape.channels:
        source.problems.append(Problem(source.place(at), f"{key}: nobody would hear of it", "mail, channels, or both"))
    stand_ins = {}
    for role, name in (("deputy", shape.deputy), ("manager", shape.manager)):
        good = not name or _is_known(source, (*at, role), role, name, known)
        if name == key:
            good = False
            message = f"{role}: {key!r} cannot stand in for itself"
            source.problems.append(Problem(source.place((*at, role)), message, "another recipient"))
        stand_ins[role] = name if good else ""
    escalation = None
    if shape.escalation and _is_known(source, (*at, "escalation", "to"), "to", shape.escalation.to, known):
        escalation = Escalation(_span(shape.escalation.after), shape.escalation.to)
    return Recipient(
        key, text_of(shape.name), tuple(shape.mail), shape.language, None if shape.repeat is None else _days(shape.repeat),
        escalation, stand_ins["deputy"], stand_ins["manager"], _quiet(shape.quiet), tuple(shape.channels),
    )  # fmt: skip


def _circles(recipients: dict[str, Recipient], source: Source) -> None:
    """Report escalations that come back to somebody who has heard already, once each, and leave them out."""
    for start in list(recipients):
        chain = [start]
        while (step := recipients[chain[-1]].escalation) and step.to not in chain:
            chain.append(step.to)
        if step and step.to == start:
            message = f"escalation goes in a circle: {' → '.join([*chain, start])}"
            place = source.place(("recipients", chain[-1], "escalation", "to"))
            source.problems.append(Problem(place, message, "a chain that ends", "leave out the last step"))
            recipients[chain[-1]] = replace(recipients[chain[-1]], escalation=None)


def _route(
    shape: RouteShape, at: Path_, source: Source, known: Collection[str], matters: Sequence[Matter] | None
) -> Route:
    match = shape.match.model_dump(exclude_none=True)
    sound = True
    for key, values in match.items():
        for value in values:
            if key in _WORDS and not any(fnmatchcase(word, value) for word in _WORDS[key]):
                sound = False
                place = source.place((*at, "match", key))
                source.problems.append(
                    Problem(place, f"{key}: {value!r} is not known", ", ".join(_WORDS[key]), nearest(value, _WORDS[key]))
                )
    also = tuple(key for key in shape.also if _is_known(source, (*at, "also"), "also", key, known))
    if not shape.also and shape.for_ is None:
        place = source.place(at)
        source.problems.append(Problem(place, "the route tells nobody", "also, for", "name recipients in also"))
    route = Route(tuple((key, tuple(values)) for key, values in match.items()), also, wait_of(shape.for_))
    if sound and matters is not None and not any(map(route.matches, matters)):
        message = "the route matches no rule and no input of the project"
        written = ", ".join(f"{key} {' or '.join(values)}" for key, values in match.items())
        source.problems.append(
            Problem(source.place((*at, "match")), f"{message}: {written}", "globs of what is in rules/ and inputs/", "see tulosvahti alerts test-route RULE")
        )
    return route


def _matters(rules: Sequence[Rule], contracts: Mapping[str, Contract]) -> list[Matter]:
    """Give everything that a route can ever be asked about."""
    return [
        *(rule_matter(rule, word) for rule in rules for word in ("unknown", "at_risk", "missed")),
        *(input_matter(contract, state, rules) for contract in contracts.values() for state in _INPUT_STATES),
        *(delivery_matter(contract, state, rules) for contract in contracts.values() for state in _DELIVERY_STATES),
    ]


def _holidays(country: str, subdivision: str, source: Source) -> bool:
    import holidays  # noqa: PLC0415 (only where they are declared)

    countries = holidays.list_supported_countries(include_aliases=False)
    if country not in countries:
        place, message = source.place(("holidays", "country")), f"country: the holidays of {country!r} are not known"
        source.problems.append(Problem(place, message, "ISO codes such as FI, SE or AX", nearest(country, countries)))
    elif subdivision and subdivision not in countries[country]:
        place, message = source.place(("holidays", "subdivision")), f"subdivision: {country} has no {subdivision!r}"
        source.problems.append(Problem(place, message, ", ".join(countries[country]) or "none: leave it out"))
    else:
        return True
    return False


def _quiet(shape: QuietShape | None) -> Quiet | None:
    if shape is None:
        return None
    hours = [None if text is None else time.fromisoformat(text) for text in (shape.start, shape.end)]
    return Quiet(hours[0], hours[1], shape.weekends, shape.holidays, shape.critical)


def _span(text: str) -> timedelta:
    count = int("".join(filter(str.isdigit, text)))
    unit = text.strip().lstrip("0123456789 ")[0]
    return timedelta(hours=count) if unit == "h" else timedelta(days=count * (7 if unit == "w" else 1))


def _days(text: str) -> int:
    return 0 if text.strip() == "never" else _span(text).days
