"""A reverse proxy that counts the image bytes a peer downloads.

It stands between a real peer and slipway and changes nothing: method, path, headers and bodies pass in
both directions as streams. What it adds is a record of every request.
"""

from __future__ import annotations

import http.client
import re
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK_BYTES = 1 << 20
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}
IMAGE_DATA = re.compile(r"/v2[^/]*/images/[^/]+/file$")


@dataclass(frozen=True)
class Exchange:
    """One request that went through, with the bytes of both bodies."""

    method: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int

    @property
    def is_image_data(self) -> bool:
        return bool(IMAGE_DATA.match(urllib.parse.urlsplit(self.path).path))


class CountingProxy:
    """Listens on a free port of the loopback interface and forwards to one upstream."""

    def __init__(self, upstream: str) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._server = _Server(urllib.parse.urlsplit(upstream), self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def exchanges(self) -> list[Exchange]:
        with self._lock:
            return list(self._exchanges)

    @property
    def image_bytes_out(self) -> int:
        """Bytes of image data that the peer received."""
        return sum(each.bytes_out for each in self.exchanges if each.method == "GET" and each.is_image_data)

    @property
    def image_bytes_in(self) -> int:
        """Bytes of image data that the peer sent."""
        return sum(each.bytes_in for each in self.exchanges if each.method == "PUT" and each.is_image_data)

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> CountingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: urllib.parse.SplitResult, proxy: CountingProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.proxy = proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The record is kept in the proxy; nothing is printed."""

    def forward(self) -> None:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=600)
        body = _RequestBody(self)
        received = 0
        status = 0
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            headers["Host"] = self.headers.get("Host", upstream.netloc)
            if body.chunked:
                headers["Transfer-Encoding"] = "chunked"
            connection.request(
                self.command,
                upstream.path.rstrip("/") + self.path,
                body=iter(body) if body.present else None,
                headers=headers,
                encode_chunked=body.chunked,
            )
            response = connection.getresponse()
            status = response.status
            received = self._answer(response)
        finally:
            connection.close()
            self.server.proxy.add(Exchange(self.command, self.path, status, body.count, received))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    def _answer(self, response: http.client.HTTPResponse) -> int:
        """Pass the answer on; the connection ends where its length is not told beforehand."""
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if response.getheader("Content-Length") is None and response.status not in (204, 304):
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        count = 0
        while block := response.read1(BLOCK_BYTES):
            self.wfile.write(block)
            count += len(block)
        return count


class _RequestBody:
    """The request's body as an iterator of blocks, counted as it passes."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._stream = handler.rfile
        self._length = int(handler.headers.get("Content-Length") or 0)
        self.chunked = "chunked" in handler.headers.get("Transfer-Encoding", "").lower()
        self.present = self.chunked or self._length > 0
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        blocks = self._chunks() if self.chunked else self._read(self._length)
        for block in blocks:
            self.count += len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._stream.readline().split(b";")[0], 16):
            yield from self._read(size)
            self._stream.readline()
        while self._stream.readline().strip():
            pass  # trailers

    def _read(self, length: int) -> Iterator[bytes]:
        while length > 0:
            block = self._stream.read(min(length, BLOCK_BYTES))
            if not block:
                raise ConnectionError("the peer closed in the middle of its body")
            length -= len(block)
            yield block
