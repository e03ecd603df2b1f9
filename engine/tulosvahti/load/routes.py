"""``alerts/routes.yaml``: who hears of what. A project without it mails nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tulosvahti.core.route import Recipient, Route, Routes
from tulosvahti.load.addresses import is_address, not_an_address
from tulosvahti.load.models import RoutesShape
from tulosvahti.load.shapes import shaped, text_of
from tulosvahti.load.source import read_yaml
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path


def load_routes(root: Path) -> tuple[Routes, list[Problem]]:
    """Read the routes; broken ones give no mail, and their problems."""
    path = root / "alerts" / "routes.yaml"
    if not path.exists():
        return Routes(), []
    source = read_yaml(path, "alerts/routes.yaml")
    shape = None if source.problems else shaped(RoutesShape, source.data, source)
    if shape is None:
        return Routes(), source.problems
    known = ", ".join(shape.recipients)
    if shape.default not in shape.recipients:
        source.problems.append(Problem(source.place(("default",)), f"default: no recipient {shape.default!r}", known))
    for index, route in enumerate(shape.routes):
        for key in route.also:
            if key not in shape.recipients:
                place = source.place(("routes", index, "also"))
                source.problems.append(Problem(place, f"also: no recipient {key!r}", known))
    for key, recipient in shape.recipients.items():
        for address in recipient.mail:
            if not is_address(address):
                source.problems.append(not_an_address(source.place(("recipients", key, "mail")), "mail", address))
        if not all(re.fullmatch(r"([a-z]+:)?[A-Za-z_]\w*", one, re.ASCII) for one in recipient.channels):
            # What stands there is not told: it may be a secret.
            place = source.place(("recipients", key, "channels"))
            message = "channels: not the name of an environment variable"
            allowed = "names such as TEAMS_URL: the URL is a secret and stays out of the file"
            source.problems.append(Problem(place, message, allowed, "set the variable where the service starts"))
        if not recipient.mail and not recipient.channels:
            place = source.place(("recipients", key))
            source.problems.append(Problem(place, f"{key}: nobody would hear of it", "mail, channels, or both"))
    recipients = {
        key: Recipient(key, text_of(item.name), tuple(item.mail), item.language, tuple(item.channels))
        for key, item in shape.recipients.items()
    }
    routes = tuple(
        Route(
            tuple((key, tuple(values)) for key, values in route.match.model_dump(exclude_none=True).items()),
            tuple(route.also),
        )
        for route in shape.routes
    )
    return Routes(recipients, routes, shape.default), source.problems
