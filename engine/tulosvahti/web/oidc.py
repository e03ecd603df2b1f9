"""Sign-in by OpenID Connect: code flow with PKCE, state and nonce; roles and parties from the claims.

What the browser has to bring back lies in a cookie that is signed with the project's secret and good for ten minutes.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tulosvahti.core.role import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tulosvahti.load.settings import OidcConfig

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY = 60
_GOOD_FOR = 600
_AGAIN = 3600
_TIMEOUT = 10
BACK = "/sign-in/oidc/back"


class OidcError(Exception):
    """The provider did not sign anybody in. ``key`` is the sentence; the text is for the log."""

    def __init__(self, key: str, message: str) -> None:
        """Say both."""
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Leaving:
    """Where to send the browser, and what it keeps meanwhile."""

    url: str
    kept: str


class Provider:
    """One provider; what it says of itself is asked once an hour."""

    def __init__(self, config: OidcConfig, client_secret: str, back: str, secret: bytes) -> None:
        """Name the client; nothing is asked yet. ``back`` is the address that the provider sends people to."""
        self.config, self.back = config, back
        self._client_secret, self._secret = client_secret, secret
        self._lock = threading.Lock()
        self._found: tuple[float, dict[str, Any], dict[str, Any]] | None = None

    def leave(self, now: float, then: str) -> Leaving:
        """Begin a sign-in; ``then`` is the page to show after it.

        Raises:
            OidcError: the provider cannot be reached, or is not the one it should be.

        """
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415 (only where people sign in so)
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415

        url = prepare_grant_uri(
            self._metadata(now)["authorization_endpoint"], self.config.client_id, "code", redirect_uri=self.back,
            scope=self.config.scopes, state=state, nonce=nonce, code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )  # fmt: skip
        body = json.dumps([state, nonce, verifier, then, int(now) + _GOOD_FOR], separators=(",", ":"))
        return Leaving(str(url), self._signed(body))

    def come_back(self, now: float, kept: str, address: str, query: Mapping[str, str]) -> tuple[Person, str]:
        """Finish a sign-in; give who it is and the page to show.

        Raises:
            OidcError: nobody was signed in.

        """
        state, nonce, verifier, then = self._read(kept, now)
        if not hmac.compare_digest(query.get("state", ""), state):
            raise OidcError("web.sign_in.again", "the state is not that of this browser")
        if "error" in query:
            raise OidcError("web.sign_in.provider_refused", f"the provider said: {query['error'][:200]}")
        if query.get("iss", self.config.issuer) != self.config.issuer:
            raise OidcError("web.sign_in.again", "the answer is of another issuer")
        metadata = self._metadata(now)
        token = self._token(metadata["token_endpoint"], address, state, verifier)
        claims = self._claims(str(token["id_token"]), nonce, now)
        if not list(_values(claims, self.config.roles_claim)) and "userinfo_endpoint" in metadata:
            claims = {**self._userinfo(metadata["userinfo_endpoint"], token, claims["sub"]), **claims}
        return self._person(claims), then

    def _person(self, claims: Mapping[str, Any]) -> Person:
        config = self.config
        roles = frozenset(config.roles[one] for one in _values(claims, config.roles_claim) if one in config.roles)
        owners = frozenset(config.owners[one] for one in _values(claims, config.owners_claim) if one in config.owners)
        name = claims.get(config.name_claim) or claims.get("email") or claims["sub"]
        return Person(str(name)[:200], roles, owners, "oidc")

    def _claims(self, id_token: str, nonce: str, now: float) -> dict[str, Any]:
        from joserfc import jwt  # noqa: PLC0415 (only where people sign in so)
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        for fresh in (False, True):
            try:
                keys = KeySet.import_key_set(self._keys(now, fresh=fresh))  # type: ignore[arg-type]
                claims = dict(jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims)
                break
            except (JoseError, ValueError, KeyError) as error:
                # A key that is not known may have been made since; once is asked anew.
                if fresh:
                    raise OidcError("web.sign_in.again", f"the ID token is not signed as it should be: {error!r}") from error
        audience = claims.get("aud")
        ours = self.config.client_id in (audience if isinstance(audience, list) else [audience])
        for good, what in (
            (claims.get("iss") == self.config.issuer, "issuer"),
            (ours and claims.get("azp", self.config.client_id) == self.config.client_id, "audience"),
            (_moment(claims.get("exp"), 0) > now - _LEEWAY, "end"),
            (_moment(claims.get("nbf"), 0) < now + _LEEWAY and _moment(claims.get("iat"), 0) < now + _LEEWAY, "beginning"),
            (hmac.compare_digest(str(claims.get("nonce", "")), nonce), "nonce"),
            (bool(claims.get("sub")), "subject"),
        ):
            if not good:
                raise OidcError("web.sign_in.again", f"the {what} of the ID token is not as it should be")
        return claims

    def _token(self, endpoint: str, address: str, state: str, verifier: str) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 (as above)
        from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response, prepare_token_request  # noqa: PLC0415

        with httpx.Client(timeout=_TIMEOUT) as client, _told():
            code = parse_authorization_code_response(address, state)["code"]
            given: dict[str, str] = {"code": code, "code_verifier": verifier}
            if not self._client_secret:
                given["client_id"] = self.config.client_id
            body = prepare_token_request("authorization_code", redirect_uri=self.back, **given)
            form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            # RFC 6749, 2.3.1: name and secret are encoded as in a form before they are joined.
            known = (quote(self.config.client_id, safe=""), quote(self._client_secret, safe=""))
            auth = httpx.BasicAuth(*known) if self._client_secret else httpx.Auth()
            answer = client.post(endpoint, content=body, headers=form, auth=auth)
            if answer.is_client_error:
                raise OidcError("web.sign_in.again", f"the provider gave no token: {answer.text[:300]}")
            found: dict[str, Any] = answer.raise_for_status().json()
            if "id_token" not in found:
                raise OidcError("web.sign_in.provider_down", "the provider gave no ID token; is openid among the scopes?")
            return found

    def _userinfo(self, endpoint: str, token: Mapping[str, Any], subject: str) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 (as above)

        with httpx.Client(timeout=_TIMEOUT) as client, _told():
            bearer = {"Authorization": f"Bearer {token['access_token']}"}
            found: dict[str, Any] = client.get(endpoint, headers=bearer).raise_for_status().json()
        if found.get("sub") != subject:
            raise OidcError("web.sign_in.again", "the provider tells of somebody else")
        return found

    def _metadata(self, now: float) -> dict[str, Any]:
        return self._asked(now)[1]

    def _keys(self, now: float, *, fresh: bool) -> dict[str, Any]:
        return self._asked(now, fresh=fresh)[2]

    def _asked(self, now: float, *, fresh: bool = False) -> tuple[float, dict[str, Any], dict[str, Any]]:
        import httpx  # noqa: PLC0415 (as above)

        with self._lock:
            if self._found is None or fresh or self._found[0] < now - _AGAIN:
                with httpx.Client(timeout=_TIMEOUT) as client, _told():
                    place = f"{self.config.issuer}/.well-known/openid-configuration"
                    metadata = client.get(place).raise_for_status().json()
                    if str(metadata["issuer"]).rstrip("/") != self.config.issuer:
                        raise OidcError("web.sign_in.provider_down", f"{place} is of {metadata['issuer']!r}")
                    keys = client.get(metadata["jwks_uri"]).raise_for_status().json()
                self._found = now, metadata, keys
            return self._found

    def _signed(self, body: str) -> str:
        payload = base64.urlsafe_b64encode(body.encode()).decode()
        return f"{payload}.{self._mac(payload)}"

    def _read(self, kept: str, now: float) -> tuple[str, str, str, str]:
        payload, _, mac = kept.partition(".")
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise OidcError("web.sign_in.again", "the cookie of the sign-in is missing or not ours")
        state, nonce, verifier, then, ends = json.loads(base64.urlsafe_b64decode(payload))
        if ends < now:
            raise OidcError("web.sign_in.again", "the sign-in took too long")
        return state, nonce, verifier, then

    def _mac(self, payload: str) -> str:
        return hmac.new(self._secret, b"tulosvahti oidc " + payload.encode(), "sha256").hexdigest()


class _told:  # noqa: N801 (used as a word)
    """Tells what goes wrong on the way to the provider as one kind of error."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import httpx  # noqa: PLC0415 (as above)
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415

        if isinstance(error, AuthlibBaseError):
            raise OidcError("web.sign_in.again", f"the provider gave no token: {error!r}") from error
        if isinstance(error, (httpx.HTTPError, ValueError, KeyError, TypeError)):
            raise OidcError("web.sign_in.provider_down", f"the provider did not answer as it should: {error!r}") from error


def _values(claims: Mapping[str, Any], path: str) -> Iterator[str]:
    """Give the texts of a claim; dots lead into claims of claims, as in ``realm_access.roles``."""
    found: Any = claims
    for part in [path] if path in claims else path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        yield from found.split()
        yield found
    elif isinstance(found, list):
        yield from (item for item in found if isinstance(item, str))


def _moment(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default
