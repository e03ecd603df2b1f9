"""What holds for every answer: which host names are ours, how large a request may be, and the headers of safety."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from tulosvahti.load.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 1_000_000
"""Bytes of a request that uploads nothing."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_FOR_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class TooLargeError(Exception):
    """A request is larger than its address takes; ``limit`` is in bytes."""

    def __init__(self, limit: int) -> None:
        """Name the limit."""
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


def in_networks(address: str, networks: Collection[str]) -> bool:
    """Tell whether an address lies in one of the networks."""
    try:
        at = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(at in _network(text) for text in networks)


@lru_cache(maxsize=256)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


class Guard:
    """The outermost layer. ``large`` is the bytes of an upload; ``uploads`` are the beginnings of addresses that take one."""

    def __init__(  # noqa: PLR0913 (what is guarded)
        self, app: ASGIApp, hosts: Collection[str], forwarded_by: Collection[str], large: int, *, https: bool, prefix: str = ""
    ) -> None:
        """Name what is allowed."""
        self.app, self.hosts, self.forwarded_by, self.large, self.prefix = app, hosts, forwarded_by, large, prefix
        self.headers = {**_HEADERS, **(_FOR_HTTPS if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["peer"] = scope["client"][0] if scope.get("client") else ""
        state["client"] = self._client(state["peer"], headers.get("x-forwarded-for", ""))
        if not self._ours(headers.get("host", "")):
            said = "This name is not one of the dashboard's. Its administrator may add it to hosts in [serve] of config.toml.\n"
            await PlainTextResponse(said, 421)(scope, receive, sent)
            return
        if self.prefix and (scope["path"] == self.prefix or scope["path"].startswith(f"{self.prefix}/")):
            scope = {**scope, "path": scope["path"].removeprefix(self.prefix) or "/"}
        limit = self.large if headers.get("content-type", "").startswith("multipart/form-data") else SMALL
        await self.app(scope, _limited(receive, limit, headers.get("content-length", "")), sent)

    def _ours(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in self.hosts)

    def _client(self, peer: str, forwarded: str) -> str:
        """Give who asks: the nearest address that is no proxy of ours."""
        for address in (peer, *reversed([part.strip() for part in forwarded.split(",") if part.strip()])):
            if not in_networks(address, self.forwarded_by):
                return address
        return peer


def _limited(receive: Receive, limit: int, declared: str) -> Receive:
    """Stop reading a request where it becomes too large, whatever it declared."""
    seen = int(declared) if declared.isascii() and declared.isdecimal() else 0
    too_large = seen > limit
    seen = 0

    async def received() -> Message:
        nonlocal seen
        if too_large:
            raise TooLargeError(limit)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLargeError(limit)
        return message

    return received


def host_names(listen: str, hosts: Collection[str], dashboard: str) -> frozenset[str]:
    """Give the names that the dashboard answers to: those declared, the address's own, and of this machine its usual ones."""
    from urllib.parse import urlsplit  # noqa: PLC0415 (once)

    names = {host.lower() for host in hosts} | {listen.lower()}
    if is_loopback(listen) or listen in {"0.0.0.0", "::"}:  # noqa: S104 (asked for)
        names |= {"localhost", "127.0.0.1", "::1"}
    return frozenset(names | ({(urlsplit(dashboard).hostname or "").lower()} - {""}))
