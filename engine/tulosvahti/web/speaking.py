"""Which language a request is answered in: that of the path (``/sv/runs``), of the cookie, of the browser, of the project."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from tulosvahti.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tulosvahti-language"
_YEAR = 31_536_000


class Speaking:
    """Takes the language out of the path, and remembers it in a cookie."""

    def __init__(self, app: ASGIApp, languages: Callable[[], Sequence[str]], *, https: bool) -> None:
        """Name how the project's languages are asked for, its first language first."""
        self.app, self.languages, self.https = app, languages, https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose a language."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        spoken = [code for code in self.languages() if code in LANGUAGES] or list(LANGUAGES)
        first, _, rest = scope["path"].lstrip("/").partition("/")
        headers = Headers(scope=scope)
        remembered = _cookie(headers.get("cookie", ""))
        state = scope.setdefault("state", {})
        state["path_language"] = first if first in spoken else ""
        if first in spoken:
            scope = {**scope, "path": f"/{rest}"}
        wished = (state["path_language"], remembered, _accepted(headers.get("accept-language", ""), spoken))
        state["language"] = next((code for code in wished if code in spoken), spoken[0])

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and state["path_language"] not in {"", remembered}:
                secure = "; Secure" if self.https else ""
                said = f"{COOKIE}={state['path_language']}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("Set-Cookie", said)
            await send(message)

        await self.app(scope, receive, sent)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _accepted(header: str, spoken: Sequence[str]) -> str:
    """Give the language that the browser likes best, of those spoken."""
    wishes = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            liking = float(weight) if weight else 1.0
        except ValueError:
            liking = 0.0
        wishes.append((-liking, place, tag.split("-")[0].lower()))
    return next((code for liking, _, code in sorted(wishes) if code in spoken and liking < 0), "")
