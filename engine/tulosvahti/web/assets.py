"""The package's own files: each under a name with the digest of its content, so that a browser keeps it for ever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_YEAR = 31_536_000


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    name: str
    kind: str
    content: bytes
    packed: bytes


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """Give every file by its own name."""
    found = {}
    for item in files("tulosvahti.web").joinpath("static").iterdir():
        stem, dot, ending = item.name.rpartition(".")
        if dot + ending not in _KINDS:
            continue
        content = item.read_bytes()
        name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{ending}"
        found[item.name] = Asset(name, _KINDS[dot + ending], content, gzip.compress(content, mtime=0))
    return found


@lru_cache(maxsize=1)
def _by_address() -> Mapping[str, Asset]:
    return {asset.name: asset for asset in assets().values()}


def asset_name(name: str) -> str:
    """Give the name under which a file is sent.

    Raises:
        KeyError: there is no such file.

    """
    return assets()[name].name


async def asset(request: Request) -> Response:
    """Send a file; its name says its content, so it never changes."""
    found = _by_address().get(request.path_params["name"])
    if found is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "web.error.no_page")
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.content, media_type=found.kind, headers=headers)
