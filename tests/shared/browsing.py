"""A browser without pictures: keeps cookies, follows nothing by itself, and asks an application in this process."""

from __future__ import annotations

import asyncio
import atexit

import httpx

_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)


class Browser:
    """Asks an ASGI application; ``peer`` is the address that it comes from."""

    def __init__(self, app, base_url: str = "http://127.0.0.1:8470", peer: str = "127.0.0.1") -> None:
        self.base_url = base_url
        self.transport = httpx.ASGITransport(app, client=(peer, 50_000))
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url=self.base_url, cookies=self.cookies, timeout=60) as client:
                answer = await client.request(method, path, **options)
                self.cookies = client.cookies
                return answer

        content = options.get("content")
        if hasattr(content, "__next__"):

            async def pieces():
                for piece in content:
                    yield piece

            options["content"] = pieces()
        return _RUNNER.run(asked())

    def get(self, path: str, **options) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options) -> httpx.Response:
        return self.request("POST", path, **options)
