"""A real HTTP server whose answers are scripted, faults and all; it keeps what it was asked."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One question as it came: method, path with query, headers (names in small letters), body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What is answered. ``raw``: the bytes of the whole answer, written as they are with ``pause`` between pieces."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True
    raw: list[bytes] | None = None
    pause: float = 0.0


class WebServer:
    """Answers by path: each path has a list of answers, the last of which stays; or a function of the question."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, object] = {}
        self.url = ""
        self.over = threading.Event()

    def on(self, path: str, *answers: object) -> str:
        """Script a path; give its URL."""
        self.answers[path] = list(answers)
        return self.url + path

    def answer_to(self, asked: Asked) -> Answer:
        script = self.answers.get(asked.path.partition("?")[0])
        if script is None:
            return Answer(404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        return answer(asked) if callable(answer) else answer


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            server.asked.append(asked)
            answer = server.answer_to(asked)
            with suppress(OSError):
                self._write(answer)

        do_POST = do_HEAD = do_GET  # noqa: N815 (http.server's names)

        def _write(self, answer: Answer) -> None:
            if answer.raw is not None:
                self.close_connection = True
                for piece in answer.raw:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    if server.over.wait(answer.pause):
                        return
                return
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            if answer.length and answer.status != 304:
                self.send_header("Content-Length", str(len(answer.body)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def web_server(context: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
    """Run a server on a free port; over TLS where a context is given."""
    made = WebServer()
    server = ThreadingHTTPServer((host, 0), _handler(made))
    server.daemon_threads = True
    server.block_on_close = False
    server.handle_error = lambda *_: None
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made.url = f"{'https' if context else 'http'}://{'localhost' if context else host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
