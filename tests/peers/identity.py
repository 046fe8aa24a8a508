"""An identity service that tells nobody about projects, for clients that ask it before they share an image.

Keystone does the same for a user without the role to see other projects: its version is public, the
project is 403. `openstack` then takes what it was given as the project's id.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class SilentIdentity:
    """Listens on a free port of the loopback interface, from `with` to the end of its block."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="identity", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v3"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v3":
            here = f"http://{self.headers['Host']}/v3/"
            self._answer(
                200,
                {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": here}]}},
            )
        else:
            self._answer(403, {"error": {"code": 403, "title": "Forbidden", "message": "not for you"}})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass
