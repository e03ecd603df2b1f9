"""An OpenID Connect provider that signs everybody in at once: real HTTP, real keys, and faults on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, CLIENT_SECRET = "tulosvahti", "known to both"


class Provider:
    """What the provider is; ``claims`` are told of whoever signs in, and ``wrong`` names what it does wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.shown = KeySet([self.key])
        self.claims: dict[str, object] = {}
        self.userinfo: dict[str, object] = {}
        self.wrong = ""
        self.at = time.time
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def id_token(self, nonce: str) -> str:
        at = int(self.at())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "s-1", "iat": at, "exp": at + 300, "nonce": nonce, **self.claims}
        changed = {
            "nonce": {"nonce": "another"}, "audience": {"aud": "another"}, "issuer": {"iss": "https://other.example"},
            "expired": {"exp": at - 3600}, "azp": {"aud": [CLIENT, "another"], "azp": "another"},
        }  # fmt: skip
        claims |= changed.get(self.wrong, {})
        key = RSAKey.generate_key(2048, {"kid": "one"}) if self.wrong == "signature" else self.key
        if self.wrong == "unsigned":
            parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
            return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def rotate(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
        self.shown = KeySet([self.key])


def _handler(provider: Provider):  # noqa: C901 (its addresses)
    class Asked(BaseHTTPRequestHandler):
        def log_message(self, *_args):
            pass

        def _send(self, content: object, code: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            provider.asked.append(parts.path)
            if provider.wrong == "down":
                self._send({"error": "down"}, 500)
            elif parts.path == "/.well-known/openid-configuration":
                at = provider.url
                issuer = "https://other.example" if provider.wrong == "metadata" else at
                self._send({
                    "issuer": issuer, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
                    "jwks_uri": f"{at}/jwks", "userinfo_endpoint": f"{at}/userinfo",
                })  # fmt: skip
            elif parts.path == "/jwks":
                self._send(provider.shown.as_dict(private=False))
            elif parts.path == "/userinfo":
                good = self.headers.get("Authorization", "").startswith("Bearer ")
                self._send({"sub": "s-1", **provider.userinfo}, 200 if good else 401)
            elif parts.path == "/authorize":
                assert query["response_type"] == "code"
                assert query["code_challenge_method"] == "S256"
                assert "openid" in query["scope"].split()
                code = secrets.token_urlsafe(16)
                provider.codes[code] = query
                back = {"state": query["state"], "code": code}
                if provider.wrong == "denied":
                    back = {"state": query["state"], "error": "access_denied"}
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def do_POST(self):
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
            begun = provider.codes.pop(form.get("code", ""), None)
            verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
            who = base64.b64encode(f"{CLIENT}:{quote(CLIENT_SECRET)}".encode()).decode()
            if begun is None or begun["code_challenge"] != challenge or begun["redirect_uri"] != form["redirect_uri"]:
                self._send({"error": "invalid_grant"}, 400)
            elif self.headers.get("Authorization") != f"Basic {who}":
                self._send({"error": "invalid_client"}, 401)
            else:
                token = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": provider.id_token(begun["nonce"])}
                self._send(token)

    return Asked


@contextmanager
def provider():
    """Run one on a free port of this machine."""
    made = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
