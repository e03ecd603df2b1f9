"""``http``: a file at a web address, fetched again only where the server says that it has changed."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field

from tulosvahti.core.fetched import Fetched, Part, SourceError
from tulosvahti.core.secrecy import kept_secret
from tulosvahti.load.sources.declared import (
    Declared,
    Secret,
    SecretShape,
    Size,
    Wait,
    bytes_of,
    says_secret,
    seconds_of,
    secret_in_file,
)
from tulosvahti.load.sources.patience import AgainError, patiently
from tulosvahti.load.sources.web import Access, Call, Reply, Web, origin_of
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tulosvahti.core.fetched import Given

_SUM = re.compile(rb"(?:^|\s|=)([0-9A-Fa-f]{64})(?=\s|$)")
_LARGEST_SUM = 1 << 16
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class HttpSource(Declared):
    """A file at a web address."""

    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$", description="an address such as https://data.agency.fi/leads.csv")
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    headers: dict[str, SecretShape | str] = Field(default_factory=dict)
    parameters: dict[str, SecretShape | str] = Field(default_factory=dict)
    sha256: str = Field(default="", pattern=r"^([0-9A-Fa-f]{64})?$", description="64 hex digits")
    checksum_url: str = Field(default="", pattern=r"^(https?://[^\s/]+/\S*)?$", description="an address of a SHA-256")
    trust: str = ""
    name: str = Field(default="", pattern=r"^[^/\\\s][^/\\]*$|^$", description="a file name without a folder")
    max_bytes: Size = "500 MB"
    wait: Wait = "10 min"

    @property
    def shown(self) -> str:
        """The address."""
        return self.url

    @property
    def identity(self) -> str:
        """The address and the names of what is asked of it."""
        plain = sorted((key, value if isinstance(value, str) else "") for key, value in self.parameters.items())
        return f"http {self.url} {plain}"

    def problems(self, place: Callable[[tuple[str | int, ...]], Place], root: Path) -> list[Problem]:
        """See to what the form alone does not tell."""
        found = [*url_problems(self.url, place(("url",)))]
        if self.checksum_url:
            found += url_problems(self.checksum_url, place(("checksum_url",)), "checksum_url")
        if bool(self.user) != bool(self.password):
            found.append(Problem(place(()), "user and password go together", "both or neither"))
        if self.token and self.user:
            found.append(Problem(place(("token",)), "token and user are two ways of saying who asks", "one of them"))
        if self.sha256 and self.checksum_url:
            found.append(Problem(place(("sha256",)), "sha256 and checksum_url are two sums of one file", "one of them"))
        for key, values in (("headers", self.headers), ("parameters", self.parameters)):
            found += [
                secret_in_file(place((key, name)), name)
                for name, value in values.items()
                if isinstance(value, str) and says_secret(name)
            ]
        secret = self.password or self.token or any(isinstance(value, SecretShape) for value in (*self.headers.values(), *self.parameters.values()))
        if secret and self.url.startswith("http://") and urlsplit(self.url).hostname not in _LOCAL:
            message = "url: a secret would cross the network for all to read"
            found.append(Problem(place(("url",)), message, "an https address"))
        return found + trust_problems(self.trust, place(("trust",)), root)

    def fetch(self, given: Given) -> Fetched:
        """Ask for the file, unless it is as it was."""
        kept = given.kept if given.kept is not None and given.kept.files else None
        access = Access(
            origin_of(self.url),
            {key: value for key, value in self.headers.items() if isinstance(value, str)},
            self._secrets(given),
            {key: value if isinstance(value, str) else given.secret(value.name) for key, value in self.parameters.items()},
            given.root / self.trust if self.trust else None,
        )
        with Web(given, seconds_of(self.wait), access, bytes_of(self.max_bytes)) as web:
            def attempt() -> Fetched:
                wanted = self.sha256.lower() or self._sum(web)
                same = kept is not None and wanted in {"", kept.files[0].sha256}
                headers = _conditions(kept.facts) if kept is not None and same else {}
                call = Call(self.url, headers=headers, allowed=frozenset({200, 304} if headers else {200}))
                path = given.folder / "file"
                with path.open("w+b") as out:
                    reply = web.ask(call, out)
                if reply.status == 304 and kept is not None:  # noqa: PLR2004 (not modified)
                    return Fetched(unchanged=True, facts=kept.facts, notices=kept.notices)
                return self._checked(reply, path, wanted)

            return patiently(given, web.until, attempt, f"ask the keeper of {self.url} for file and checksum that agree")

    def _secrets(self, given: Given) -> dict[str, str]:
        found = {
            key: given.secret(value.name) for key, value in self.headers.items() if isinstance(value, SecretShape)
        }
        if self.password is not None:
            pair = f"{self.user}:{given.secret(self.password.name)}".encode()
            found["Authorization"] = f"Basic {kept_secret(base64.b64encode(pair).decode())}"
        if self.token is not None:
            found["Authorization"] = f"Bearer {given.secret(self.token.name)}"
        for key, value in found.items():
            if not value.isprintable() or not value.isascii():
                msg = f"the secret of {key} has characters that no header may have"
                raise SourceError(msg, "store it again, as one line of plain letters, digits and signs")
        return found

    def _sum(self, web: Web) -> str:
        if not self.checksum_url:
            return ""
        out = io.BytesIO()
        web.ask(Call(self.checksum_url, most=_LARGEST_SUM), out)
        found = _SUM.search(out.getvalue())
        if found is None:
            msg = f"{self.checksum_url} holds no SHA-256"
            raise SourceError(msg, "name the address of a file as sha256sum writes it")
        return found[1].decode().lower()

    def _checked(self, reply: Reply, path: Path, wanted: str) -> Fetched:
        if reply.headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml")):
            msg = f"{self.url} answered with a web page instead of a file (to sign in?)"
            raise SourceError(msg, "see with a browser what is at the address, and mend the contract")
        if not reply.size:
            msg = f"{self.url} gave an empty file"
            raise AgainError(msg)
        notices = []
        if wanted:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != wanted:
                msg = f"{self.url} is not the file of its checksum (SHA-256 {found}, not {wanted})"
                raise AgainError(msg)
        elif not reply.measured:
            notices.append("the server does not say how long the file is: if it was cut off, that cannot be seen")
        facts = {key: reply.headers[key] for key in ("etag", "last-modified") if reply.headers.get(key)}
        return Fetched((Part(self._name(), path),), tuple(notices), facts=facts)

    def _name(self) -> str:
        last = unquote(urlsplit(self.url).path).rpartition("/")[2]
        return self.name or "".join(mark for mark in last if mark.isprintable() and mark not in '\\/"') or "file"


def _conditions(facts: Mapping[str, str]) -> dict[str, str]:
    pairs = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
    return {header: facts[key] for key, header in pairs if facts.get(key)}


def url_problems(url: str, place: Place, key: str = "url") -> list[Problem]:
    """See that a URL holds no secret."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        queried = parse_qsl(parts.query)
    except ValueError as error:
        return [Problem(place, f"{key}: not an address ({error})")]
    if parts.username or parts.password:
        step = "give user and password as keys of their own"
        return [Problem(place, f"{key}: a user or password stands in the address", "an address without", step)]
    named = [name for name, value in queried if value and says_secret(name)]
    return [secret_in_file(place, f"{key}: {name}") for name in named]


def trust_problems(trust: str, place: Place, root: Path) -> list[Problem]:
    """See that a file of certificates is there."""
    if not trust or (root / trust).is_file():
        return []
    return [Problem(place, f"trust: there is no file {trust}", "a PEM file of certificates, relative to the project folder")]
