"""Who may do what in the dashboard: roles, deeds, and the one table that joins them.

A person may have several roles and may do what any of them may. A role ``owner`` is for the parties that the person
speaks for: what belongs to another party is not theirs to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles."""

    READER = "reader"
    OWNER = "owner"
    CONTROLLER = "controller"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Deed(StrEnum):
    """What a page or an address of the API does."""

    READ = "read"
    AUDIT = "audit"
    """Have a table file audited, a rule dry-run: computing, but nothing is kept."""
    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"
    DELIVER = "deliver"
    """Upload a delivery of an input."""
    ENTER = "enter"
    """Enter and submit values by hand."""
    MUTE = "mute"
    """Silence and waive alerts."""
    APPROVE = "approve"
    """Approve, return and lock values."""
    READ_CHANGES = "read_changes"
    """See who changed what: names of people."""
    ADMINISTER = "administer"
    """People, their roles, sessions and tokens."""


_EVERYBODY = frozenset(Role)
PERMITTED: Mapping[Deed, frozenset[Role]] = {
    Deed.READ: _EVERYBODY,
    Deed.AUDIT: _EVERYBODY,
    Deed.ACKNOWLEDGE: frozenset({Role.OWNER, Role.CONTROLLER}),
    Deed.COMMENT: frozenset({Role.OWNER, Role.CONTROLLER, Role.AUDITOR}),
    Deed.DELIVER: frozenset({Role.OWNER, Role.CONTROLLER}),
    Deed.ENTER: frozenset({Role.OWNER, Role.CONTROLLER}),
    Deed.MUTE: frozenset({Role.CONTROLLER}),
    Deed.APPROVE: frozenset({Role.CONTROLLER}),
    Deed.READ_CHANGES: frozenset({Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}),
    Deed.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
}
"""Which roles may do a deed. An administrator administers, and approves no figures."""
HARMLESS = frozenset({Deed.READ, Deed.AUDIT})
"""Deeds that change nothing: all there is where nobody signs in."""


@dataclass(frozen=True)
class Person:
    """Who asks. ``owners`` are the parties spoken for; ``via`` is how they came: local, proxy, oidc, token, or none."""

    name: str
    roles: frozenset[Role] = frozenset()
    owners: frozenset[str] = frozenset()
    via: str = ""

    def may(self, deed: Deed) -> bool:
        """Tell whether one of the roles permits a deed."""
        return bool(PERMITTED[deed] & self.roles) and (self.via != "none" or deed in HARMLESS)

    def may_for(self, deed: Deed, owner: str) -> bool:
        """Tell whether a deed is permitted on what belongs to a party: an owner's own, anybody's for the other roles."""
        if not self.may(deed):
            return False
        return bool(PERMITTED[deed] & (self.roles - {Role.OWNER})) or owner in self.owners


NOBODY = Person("")
"""Not signed in, where people must."""
LOCAL = Person("", frozenset({Role.AUDITOR}), via="none")
"""Whoever sits at this machine, where no sign-in is configured: reads everything and changes nothing."""
