"""What ``config.toml`` gives, as plain data: it is there without anything that reads files."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.core.slots import Job
from tulosvahti.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tulosvahti.core.role import Role
    from tulosvahti.problem import Place

CONFIG = "config.toml"
NIGHTLY = "0 5 * * *"
LISTEN = "127.0.0.1:8470"


@dataclass(frozen=True)
class Schedule:
    """The jobs, and where each part of them stands."""

    jobs: tuple[Job, ...] = (Job("nightly", NIGHTLY),)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    """By job and key: ``cron``, ``rules``, ``on_delivery``."""


@dataclass(frozen=True)
class ProxyConfig:
    """Whom to believe: peers that are ``trusted`` and know the secret; ``signed`` headers never carry the secret itself."""

    trusted: tuple[str, ...] = ()
    secret_env: str = ""
    signed: bool = True


@dataclass(frozen=True)
class OidcConfig:
    """A provider, and what its claims mean: ``roles`` and ``owners`` by the value of a claim."""

    issuer: str = ""
    client_id: str = ""
    secret_env: str = ""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: Mapping[str, Role] = field(default_factory=dict)
    owners_claim: str = "groups"
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServeConfig:
    """Where the dashboard listens and whom it lets in. Without ``sign_in`` it is read-only and for this machine alone."""

    listen: str = LISTEN
    hosts: tuple[str, ...] = ()
    sign_in: tuple[str, ...] = ()
    forwarded_by: tuple[str, ...] = ()
    idle_minutes: int = 60
    longest_hours: int = 12
    upload_mb: int = 50
    proxy: ProxyConfig = ProxyConfig()
    oidc: OidcConfig = OidcConfig()

    @property
    def address(self) -> tuple[str, int]:
        """The address and port to listen at."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def own_machine(self) -> bool:
        """Tell whether only this machine can reach the address."""
        return is_loopback(self.address[0])


def is_loopback(host: str) -> bool:
    """Tell whether an address or a name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True)
class MailConfig:
    """Where mail goes; without a host it is written to files."""

    sender: str
    host: str = ""
    port: int = 587
    starttls: bool = True
    username: str = ""
    password_env: str = ""
    trust: str = ""
    operator: tuple[str, ...] = ()
    """Who hears of mail that does not arrive; without them, the default recipient of the routes."""


@dataclass(frozen=True)
class ServiceConfig:
    """What the service shows (``listen``: ADDRESS:PORT), writes (``log``: text or json) and calls (``ping``: a URL)."""

    listen: str = ""
    log: str = "text"
    ping: str = ""


@dataclass(frozen=True)
class ComputeConfig:
    """What measures (``duckdb`` or ``spark``), and what one query may take: seconds, bytes, threads (0: all processors)."""

    engine: str = "duckdb"
    seconds: float = 300.0
    memory: int = 1 << 30
    threads: int = 0
    master: str = "local[*]"
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Config:
    """The project's settings."""

    name: Text
    languages: tuple[str, ...]
    time_zone: str
    as_of: date | None
    schedule: Schedule
    mail: MailConfig
    ledger: str
    compute: ComputeConfig = ComputeConfig()
    data_docs: bool = True
    dashboard: str = ""
    """Address of the dashboard, without a slash at its end; empty: none."""
    service: ServiceConfig = ServiceConfig()
    ledger_password_env: str = ""
    serve: ServeConfig = field(default_factory=ServeConfig)
