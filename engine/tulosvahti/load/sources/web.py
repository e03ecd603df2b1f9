"""Asking servers over HTTP: retries, redirects, sizes and one deadline for all of it. ``httpx`` loads where it is used.

Convention: a secret is sent to the origin (scheme, host, port) that was declared and to no other; from https nothing
leads to http. Whatever a server does, nothing lasts longer than the deadline: at that moment its connections are cut.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import urlsplit

from tulosvahti import __version__
from tulosvahti.core.fetched import SourceError
from tulosvahti.load.amounts import amount
from tulosvahti.load.sources.patience import AgainError, patiently
from tulosvahti.load.sources.unfolding import Unfolded

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import httpx

    from tulosvahti.core.fetched import Given

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_SILENCE = 30.0
"""Seconds that a server may say nothing before an attempt is given up."""
_LEAST = 0.05


@dataclass(frozen=True)
class Access:
    """How servers are asked: headers for each, and secret headers and parameters for one origin; whom to trust besides."""

    origin: tuple[str, str, int] = ("", "", 0)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust: Path | None = None


@dataclass(frozen=True)
class Call:
    """One question. ``allowed``: the statuses whose body is wanted; ``most``: bytes of it, where fewer than the web's."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    allowed: frozenset[int] = frozenset({200})
    most: int = 0


@dataclass(frozen=True)
class Reply:
    """What came: status, headers (names in small letters), how many bytes, and whether their end was sure.

    ``measured``: the server said how long it is, so that a cut would have been seen.
    """

    status: int
    headers: Mapping[str, str]
    size: int
    measured: bool


class Web:
    """Questions of one fetch, under one deadline; used with ``with``."""

    def __init__(self, given: Given, wait: float, access: Access, most: int) -> None:
        """Give the seconds for everything and the most bytes of one reply."""
        self._given, self._access, self._most = given, access, most
        self.until = given.steady() + wait
        self._wait = wait
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._timer = threading.Timer(wait, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Make ready."""
        import httpx  # noqa: PLC0415 (heavy)

        trusted = ssl.create_default_context()
        if self._access.trust is not None:
            try:
                trusted.load_verify_locations(self._access.trust)
            except (OSError, ssl.SSLError) as error:
                msg = f"trust: {self._access.trust} holds no certificates that can be read ({error})"
                raise SourceError(msg, "put a PEM file of certificates there") from error
        agent = {"User-Agent": f"tulosvahti/{__version__}", "Accept-Encoding": "identity"}
        self._client = httpx.Client(
            verify=trusted, timeout=_SILENCE, follow_redirects=False, headers=agent | dict(self._access.headers)
        )
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything."""
        self._timer.cancel()
        self._client.close()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def ask(self, call: Call, out: BinaryIO) -> Reply:
        """Ask until there is an answer, and write its body to ``out``, which is emptied before each attempt.

        Raises:
            SourceError: there is no answer, or none that can be used.

        """
        return patiently(self._given, self.until, lambda: self._attempt(call, out), f"see that {call.url} answers")

    def _attempt(self, call: Call, out: BinaryIO) -> Reply:
        import httpx  # noqa: PLC0415 (heavy)

        out.seek(0)
        out.truncate()
        try:
            with self._answered(call) as response:
                return self._taken(call, response, out)
        except httpx.TimeoutException as error:
            if self._passed():
                raise self._too_long(call) from error
            msg = f"{call.url} did not answer for {_SILENCE:.0f} s"
            raise AgainError(msg) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if self._passed():
                raise self._too_long(call) from error
            raise _unanswered(call, error) from error

    @contextmanager
    def _answered(self, call: Call) -> Iterator[httpx.Response]:
        """Ask and follow redirects; give the last answer, its body unread."""
        url = self._client.build_request(call.method, call.url).url
        for _ in range(_MOST_REDIRECTS + 1):
            ours = origin_of(str(url)) == self._access.origin
            asked = url.copy_merge_params(dict(self._access.parameters)) if ours and self._access.parameters else url
            request = self._client.build_request(
                call.method,
                asked,
                headers=dict(call.headers) | (dict(self._access.secrets) if ours else {}),
                json=call.json,
                timeout=max(min(_SILENCE, self.until - self._given.steady()), _LEAST),
                extensions={"trace": self._trace},
            )
            response = self._client.send(request, stream=True)
            try:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    yield response
                    return
                url = self._led(call, response)
            finally:
                response.close()
        msg = f"{call.url} leads from one address to another more than {_MOST_REDIRECTS} times"
        raise SourceError(msg, "give the address that the file is at")

    def _led(self, call: Call, response: httpx.Response) -> httpx.URL:
        target = response.url.join(response.headers["location"])
        if call.method != "GET":
            msg = f"{call.url} leads a question elsewhere, to {_bare(target)}"
            raise SourceError(msg, "give that address, if it is right")
        if target.scheme not in {"http", "https"} or not target.host:
            msg = f"{call.url} leads to {_bare(target)}, which is no web address"
            raise SourceError(msg, "give the address that the file is at")
        if response.url.scheme == "https" and target.scheme == "http":
            msg = f"{call.url} leads from https to http ({_bare(target)}), where anyone could change the file"
            raise SourceError(msg, "ask its keeper for an https address")
        return target

    def _taken(self, call: Call, response: httpx.Response, out: BinaryIO) -> Reply:
        status = response.status_code
        if status not in call.allowed:
            raise self._refused(call, response)
        length, most = response.headers.get("content-length", ""), call.most or self._most
        if length.isdecimal() and int(length) > most:
            msg = f"{call.url} is too large ({amount(int(length))}); allowed: at most {amount(most)}"
            raise SourceError(msg, "raise max_bytes in the contract, or ask for less")
        encoding = response.headers.get("content-encoding", "").strip().lower()
        try:
            unfolded = Unfolded(encoding, most)
            for chunk in response.iter_raw(1 << 16):
                if self._passed():
                    raise self._too_long(call)
                out.writelines(unfolded.pieces(chunk))
            unfolded.ended()
        except ValueError as error:
            msg = f"{call.url}: {error}"
            raise SourceError(msg, "ask its keeper for the file as it is, or raise max_bytes if it is right") from error
        except EOFError as error:
            msg = f"{call.url} broke off in the middle"
            raise AgainError(msg) from error
        out.flush()
        measured = bool(length) or bool(encoding) or "chunked" in response.headers.get("transfer-encoding", "").lower()
        return Reply(status, {key.lower(): value for key, value in response.headers.items()}, unfolded.size, measured)

    def _refused(self, call: Call, response: httpx.Response) -> AgainError | SourceError:
        status, phrase = response.status_code, response.reason_phrase
        said = f"{call.url} answered {status}{f' {phrase}' if phrase else ''}"
        if status in _PASSING:
            return AgainError(said, self._asked_to_wait(response.headers.get("retry-after", "")))
        if status in {401, 403, 407}:
            return SourceError(f"{said}: it does not accept who asks", "see that user, password, token and headers are right")
        if status in {404, 410}:
            return SourceError(f"{said}: there is no such file", "mend the url in the contract, or ask its keeper where the file is")
        return SourceError(said, "see with a browser what is at the address, and mend the contract")

    def _asked_to_wait(self, text: str) -> float | None:
        """Read Retry-After: seconds, or a moment."""
        text = text.strip()
        if text.isdecimal():
            return float(min(int(text), 10**6))
        with suppress(ValueError, TypeError, IndexError):
            return max((parsedate_to_datetime(text) - self._given.now()).total_seconds(), 0.0)
        return None

    def _too_long(self, call: Call) -> SourceError:
        msg = f"{call.url} was not all there after {self._wait:.0f} s"
        return SourceError(msg, "see why the server is slow, or raise `wait` in the contract")

    def _passed(self) -> bool:
        return self._over.is_set() or self._given.steady() >= self.until

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of each connection, by a handle of our own: one that is wrapped in TLS leaves its first handle."""
        if event.endswith("connect_tcp.complete"):
            found = info["return_value"].get_extra_info("socket")
            with self._lock, suppress(OSError):
                self._sockets.append(found.dup())
            if self._over.is_set():
                self._cut()

    def _cut(self) -> None:
        self._over.set()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def origin_of(url: str) -> tuple[str, str, int]:
    """Give scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def _bare(url: httpx.URL) -> str:
    """Give a URL without user, query and fragment: a server may put secrets into them."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def _unanswered(call: Call, error: Exception) -> AgainError | SourceError:
    """Say in a sentence why there is no answer."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(causes) < 10:  # noqa: PLR2004
        causes.append(cause)  # type: ignore[arg-type] # what ends a process is not caught
    host = urlsplit(call.url).hostname
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            msg = f"the certificate of {host} cannot be trusted: {one.verify_message or one.reason}"
            step = "see that the address is right; for a server of your own, name its certificates under `trust`"
            return SourceError(msg, step)
        if isinstance(one, socket.gaierror):
            return AgainError(f"the name {host} is not known ({one.strerror})")
        if isinstance(one, ConnectionRefusedError):
            return AgainError(f"{host} takes no connection (refused)")
    text = " ".join(str(error).split()) or type(error).__name__
    return AgainError(f"{call.url} broke off: {text}")
