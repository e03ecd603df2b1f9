"""What is an address of a person: ``name@domain``, the name in ASCII, as mail servers take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from tulosvahti.problem import Place


def is_address(text: str) -> bool:
    """Tell whether a mail can be sent to it."""
    name, _, domain = text.rpartition("@")
    marks = any(c.isspace() or not c.isprintable() or c in '<>,;"()' for c in text)
    return bool(name) and name.isascii() and bool(domain) and not marks and ".." not in text


def not_an_address(place: Place, key: str, text: str) -> Problem:
    """Say so."""
    allowed = "name@domain, the name of the letters a to z, digits and signs"
    return Problem(place, f"{key}: {text!r} is not an address", allowed)
