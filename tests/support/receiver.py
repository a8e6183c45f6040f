"""A platform that receives webhooks as it should, and a network before it that does what it likes."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clausal.enforcement.delivery.signature import SignatureError, verify


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Whatever is still asleep in the network when a test ends may sleep on.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what this is about."""


class Handler(BaseHTTPRequestHandler):
    """Reads bodies and answers."""

    protocol_version = "HTTP/1.1"
    # Else each answer waits for an acknowledgement that comes 40 ms later.
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def body(self) -> bytes:
        """The body.

        Raises:
            ConnectionError: if the sender died before it was whole.
        """
        length = int(self.headers.get("content-length", "0"))
        found = self.rfile.read(length)
        if len(found) < length:
            raise ConnectionError
        return found

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a free port of this machine, which is given."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Platform:
    """Does each id once, in the order of arrival. ``refused`` counts what was not genuine."""

    secrets: list[bytes]
    done: list[dict[str, Any]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    again: int = 0
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    connections: set[tuple[str, int]] = field(default_factory=set)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """What becomes of a request: its status."""
        try:
            name = verify(self.secrets, headers, body, time.time())
        except SignatureError as error:
            self.refused.append(str(error))
            return 401
        with self.lock:
            if name in self.seen:
                self.again += 1
            else:
                self.seen.add(name)
                self.done.append(json.loads(body))
        return 204

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """Its URL, while it serves."""
        platform = self

        class Receiving(Handler):
            def do_POST(self) -> None:
                platform.connections.add(self.client_address)
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.answer(platform.take(headers, self.body()))

        with serving(Receiving) as port:
            yield f"http://127.0.0.1:{port}/measures"


@dataclass
class Network:
    """A proxy that loses requests and answers, holds them up, repeats them, and answers itself."""

    seed: int
    share: float
    """Of the requests, how many come to harm."""

    slow: float
    """Seconds by which they are held up: more than the sender waits."""

    harm: dict[str, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def before(self, url: str) -> Iterator[str]:
        """A URL that leads to another, at times."""
        network, chance, lock = self, random.Random(self.seed), threading.Lock()
        host, path = url.removeprefix("http://").split("/", 1)

        def on(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
            there = http.client.HTTPConnection(host, timeout=10)
            try:
                there.request("POST", "/" + path, body, headers)
                answer = there.getresponse()
                return answer.status, answer.read()
            finally:
                there.close()

        def later(headers: dict[str, str], body: bytes) -> None:
            time.sleep(network.slow)
            with contextlib.suppress(OSError, http.client.HTTPException):
                on(headers, body)

        class Harming(Handler):
            def do_POST(self) -> None:
                body = self.body()
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.startswith("webhook-")
                }
                with lock:
                    harmed = chance.random() < network.share
                    what = chance.choice(
                        [
                            "lost",
                            "answer lost",
                            "late",
                            "twice",
                            "busy",
                            "broken",
                            "done but broken",
                        ]
                    )
                    if harmed:
                        network.harm[what] = network.harm.get(what, 0) + 1
                self.answer_with(what if harmed else "well", headers, body)

            def answer_with(self, what: str, headers: dict[str, str], body: bytes) -> None:
                match what:
                    case "lost":
                        self.close_connection = True
                    case "answer lost":
                        on(headers, body)
                        self.close_connection = True
                    case "late":
                        # It arrives when the sender has long given up on it, and on its own.
                        threading.Thread(target=later, args=(headers, body), daemon=True).start()
                        self.close_connection = True
                    case "twice":
                        threading.Thread(target=later, args=(headers, body), daemon=True).start()
                        self.answer(*on(headers, body))
                    case "busy":
                        self.answer(503, b"try again", retry_after="0")
                    case "broken":
                        self.answer(500, b"oh")
                    case "done but broken":
                        on(headers, body)
                        self.answer(502)
                    case _:
                        self.answer(*on(headers, body))

        with serving(Harming) as port:
            yield f"http://127.0.0.1:{port}/measures"
