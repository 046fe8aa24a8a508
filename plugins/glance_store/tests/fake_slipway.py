"""A server with slipway's object API that keeps the objects in memory.

A test may look into `objects` and `requests`, ask for a token, and make single requests fail.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATH = re.compile(r"/slipway/v1/stores/(?P<store>[^/]+)/objects/(?P<id>[^/]+)")


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Objects:
    """What the server holds, and how it behaves."""

    stores: tuple[str, ...] = ("fast", "bulk")
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    tokens: set[str] | None = None  # those admitted; None: everybody
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)  # method → status, message; once each
    refuse_uploads_at_once: tuple[int, str] | None = None  # before the body is read
    lose_answers: set[str] = field(default_factory=set)  # methods whose work is done and not answered
    cut_downloads_after: int | None = None
    ignore_ranges: bool = False
    location: Callable[[str, str], str | None] = field(
        default=lambda store, name: (
            f"vsphere://vc.example/folder/openstack_glance/{secrets.token_hex(16)}/disk.vmdk"
            f"?dcPath=DC0&dsName={store}"
        )
    )
    checksum: Callable[[bytes], str | None] = field(default=lambda data: hashlib.md5(data).hexdigest())


class FakeSlipway:
    """Listens on a free port of the loopback interface."""

    def __init__(self, tls: tuple[Path, Path] | None = None, port: int = 0) -> None:
        """`tls`: files with a certificate and its key."""
        self.state = Objects()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.state = self.state
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: Objects

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The record is in `requests`."""

    def handle_request(self) -> None:
        state = self.server.state
        state.requests.append(Request(self.command, self.path, dict(self.headers)))
        match = PATH.fullmatch(self.path)
        if state.tokens is not None and self.headers.get("X-Auth-Token") not in state.tokens:
            return self.refuse(401, "sign in first")
        if match is None or match["store"] not in state.stores:
            return self.refuse(404, "there is no such store")
        if failure := state.failures.pop(self.command, None):
            if self.command == "PUT":
                for _ in self.body():
                    pass
            return self.refuse(*failure)
        getattr(self, self.command.lower())(match["store"], match["id"])

    do_PUT = do_GET = do_HEAD = do_DELETE = handle_request

    def put(self, store: str, name: str) -> None:
        state = self.server.state
        if state.refuse_uploads_at_once:
            self.close_connection = True
            return self.refuse(*state.refuse_uploads_at_once)
        if (store, name) in state.objects:
            return self.refuse(409, "the object exists")
        data = b"".join(self.body())
        state.objects[store, name] = data
        answer = {
            "url": state.location(store, name),
            "size": len(data),
            "checksum": state.checksum(data),
            "os_hash_value": hashlib.sha512(data).hexdigest(),
        }
        self.answer(201, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def get(self, store: str, name: str) -> None:
        state = self.server.state
        data = state.objects.get((store, name))
        if data is None:
            return self.refuse(404, "there is no such object")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None or state.ignore_ranges:
            return self.answer(200, data)
        first = int(asked[1])
        if first >= len(data):
            return self.refuse(416, "the range begins behind the end")
        part = data[first : int(asked[2]) + 1 if asked[2] else None]
        headers = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}
        self.answer(206, part, headers)

    head = get

    def delete(self, store: str, name: str) -> None:
        if self.server.state.objects.pop((store, name), None) is None:
            return self.refuse(404, "there is no such object")
        self.answer(204, None)

    def refuse(self, status: int, message: str) -> None:
        error = {"error": {"code": status, "title": "no", "message": message}}
        self.answer(status, json.dumps(error).encode(), {"Content-Type": "application/json"})

    def answer(self, status: int, body: bytes | None, headers: dict[str, str] | None = None) -> None:
        if self.command in self.server.state.lose_answers:
            self.close_connection = True
            return
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if body is None or self.command == "HEAD":
            return
        cut = self.server.state.cut_downloads_after
        if cut is not None and status in (200, 206):
            self.close_connection = True
            body = body[:cut]
        self.wfile.write(body)

    def body(self) -> Iterator[bytes]:
        """The blocks of an upload, as they came."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            left = int(self.headers["Content-Length"])
            while left:
                yield (block := self.block(min(left, 1 << 20)))
                left -= len(block)
            return
        while size := int(self.rfile.readline() or b"x", 16):
            yield self.block(size)
            self.rfile.readline()
        self.rfile.readline()

    def block(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the client left in the middle")
        return data
