"""``[serve]`` in config.toml: where the dashboard listens, who signs in and how, and what is wrong with it.

Secrets stand in environment variables, or in systemd's credentials, that the file names.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tulosvahti.core.role import Role
from tulosvahti.load.settings import LISTEN, OidcConfig, ProxyConfig, ServeConfig, is_loopback
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.load.source import Source

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Several = Annotated[list[str], BeforeValidator(_as_list)]
SignIn = Literal["local", "proxy", "oidc"]
Roles = dict[str, Literal["reader", "owner", "controller", "auditor", "administrator"]]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProxyShape(_Shape):
    """A reverse proxy that signs people in and says who they are."""

    trusted: Several = Field(default=[], description="addresses or networks, such as 127.0.0.1 or 10.1.0.0/24")
    secret_env: str = ""
    signed: bool = True


class OidcShape(_Shape):
    """An OpenID Connect provider."""

    issuer: str = Field(default="", pattern=r"^(|https?://\S+)$", description="the provider's address, such as https://login.agency.fi/realms/staff")
    client_id: str = ""
    secret_env: str = ""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: Roles = {}
    owners_claim: str = "groups"
    owners: dict[str, str] = {}


class ServeShape(_Shape):
    """The dashboard."""

    listen: str = Field(default=LISTEN, pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):\d{1,5}$", description="ADDRESS:PORT")
    hosts: Several = Field(default=[], description="names that people may call it by, such as tulosvahti.agency.fi")
    sign_in: Annotated[list[SignIn], BeforeValidator(_as_list)] = []
    forwarded_by: Several = Field(default=[], description="addresses or networks of proxies whose X-Forwarded headers are believed")
    idle_minutes: int = Field(default=60, ge=1, le=24 * 60)
    longest_hours: int = Field(default=12, ge=1, le=24 * 30)
    upload_mb: int = Field(default=50, ge=1, le=2000)
    proxy: ProxyShape = ProxyShape()
    oidc: OidcShape = OidcShape()


def read_serve(shape: ServeShape, dashboard: str, source: Source) -> ServeConfig:
    """Give the settings; what is wrong with them is added to the source's problems."""
    proxy = ProxyConfig(tuple(shape.proxy.trusted), shape.proxy.secret_env, shape.proxy.signed)
    given = shape.oidc.model_dump() | {"roles": {claim: Role(role) for claim, role in shape.oidc.roles.items()}}
    oidc = OidcConfig(**(given | {"issuer": shape.oidc.issuer.rstrip("/")}))
    config = ServeConfig(
        shape.listen, tuple(shape.hosts), tuple(dict.fromkeys(shape.sign_in)), tuple(shape.forwarded_by),
        shape.idle_minutes, shape.longest_hours, shape.upload_mb, proxy, oidc,
    )  # fmt: skip
    for problem_of in (_where, _networks, _proxy, _oidc):
        source.problems.extend(problem_of(config, dashboard, source))
    return config


def _where(config: ServeConfig, dashboard: str, source: Source) -> Iterator[Problem]:
    place = source.place(("serve", "listen"))
    if not 0 <= config.address[1] < 2**16:
        yield Problem(place, f"listen: {config.listen!r} has no such port", "ports from 0 (any free one) to 65535")
    if not config.sign_in and not config.own_machine:
        message = f"listen: {config.listen} can be reached from other machines, and nobody has to sign in"
        yield Problem(place, message, "127.0.0.1:PORT or [::1]:PORT without sign-in", 'add sign_in = ["local"], ["proxy"] or ["oidc"] to [serve]')
    for host in config.hosts:
        if not _HOST.fullmatch(host):
            yield Problem(source.place(("serve", "hosts")), f"hosts: {host!r} is not a name", "names without https:// and without a port, such as tulosvahti.agency.fi")
    if config.sign_in and not config.own_machine and not (config.hosts or dashboard):
        step = 'give hosts = ["tulosvahti.agency.fi"] in [serve], or url in [dashboard]'
        yield Problem(source.place(("serve", "sign_in")), "the dashboard does not know the name that people call it by", "", step)


def _networks(config: ServeConfig, _dashboard: str, source: Source) -> Iterator[Problem]:
    for path, texts in ((("serve", "proxy", "trusted"), config.proxy.trusted), (("serve", "forwarded_by"), config.forwarded_by)):
        for text in texts:
            try:
                ipaddress.ip_network(text)
            except ValueError:
                yield Problem(source.place(path), f"{path[-1]}: {text!r} is neither an address nor a network", "such as 127.0.0.1 or 10.1.0.0/24")


def _proxy(config: ServeConfig, _dashboard: str, source: Source) -> Iterator[Problem]:
    if "proxy" not in config.sign_in:
        return
    for key, value, step in (
        ("trusted", config.proxy.trusted, 'name the proxy: trusted = ["127.0.0.1"]'),
        ("secret_env", config.proxy.secret_env, "name the environment variable that holds the secret shared with the proxy"),
    ):
        if not value:
            yield Problem(source.place(("serve", "proxy", key)), f"sign_in has proxy, but proxy.{key} is missing", "", step)


def _oidc(config: ServeConfig, dashboard: str, source: Source) -> Iterator[Problem]:
    if "oidc" not in config.sign_in:
        return
    for key in ("issuer", "client_id"):
        if not getattr(config.oidc, key):
            yield Problem(source.place(("serve", "oidc", key)), f"sign_in has oidc, but oidc.{key} is missing", "", "it is what the provider's administrator gave you")
    if not config.oidc.roles:
        step = 'add [serve.oidc.roles], such as "tulosvahti-controllers" = "controller"'
        yield Problem(source.place(("serve", "oidc", "roles")), "no claim gives any role: nobody could sign in", "", step)
    issuer = urlsplit(config.oidc.issuer)
    if issuer.scheme == "http" and not is_loopback(issuer.hostname or ""):
        yield Problem(source.place(("serve", "oidc", "issuer")), "issuer: without https anybody on the way can sign in as anybody", "an https address")
    if not dashboard:
        step = 'add [dashboard] url = "https://tulosvahti.agency.fi", and give the provider that address with /sign-in/oidc/back'
        yield Problem(source.place(("serve", "oidc")), "the provider must know where to send people back to", "", step)
