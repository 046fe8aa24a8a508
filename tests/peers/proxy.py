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


@dataclass
class Exchange:
    """One request with the bytes of both bodies; each byte is counted before it is passed on."""

    method: str
    path: str
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def is_image_data(self) -> bool:
        return bool(IMAGE_DATA.match(urllib.parse.urlsplit(self.path).path))


class CountingProxy:
    """Listens on a free port of the loopback interface and forwards to one upstream."""

    def __init__(self, upstream: str, client: str | None = None) -> None:
        """`client`: the address that the upstream is told instead of ours."""
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._server = _Server(urllib.parse.urlsplit(upstream), self, client)
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

    def clear(self) -> None:
        with self._lock:
            self._exchanges.clear()

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

    def __init__(
        self, upstream: urllib.parse.SplitResult, proxy: CountingProxy, client: str | None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.proxy = proxy
        self.client = client


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The record is kept in the proxy; nothing is printed."""

    def forward(self) -> None:
        exchange = Exchange(self.command, self.path)
        self.server.proxy.add(exchange)
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=600)
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        headers["Host"] = self.headers.get("Host", upstream.netloc)
        if self.server.client:
            headers["X-Forwarded-For"] = self.server.client
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        try:
            connection.request(
                self.command,
                upstream.path.rstrip("/") + self.path,
                body=self._body(exchange, chunked=chunked),
                headers=headers,
                encode_chunked=chunked,
            )
            self._answer(exchange, connection.getresponse())
        finally:
            connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    def _answer(self, exchange: Exchange, response: http.client.HTTPResponse) -> None:
        """Pass the answer on; the connection ends where its length is not told beforehand."""
        exchange.status = response.status
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if response.getheader("Content-Length") is None and response.status not in (204, 304):
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        while block := response.read1(BLOCK_BYTES):
            exchange.bytes_out += len(block)
            self.wfile.write(block)

    def _body(self, exchange: Exchange, *, chunked: bool) -> Iterator[bytes] | None:
        length = int(self.headers.get("Content-Length") or 0)
        if not chunked and not length:
            return None
        return self._counted(exchange, self._chunks() if chunked else self._read(length))

    def _counted(self, exchange: Exchange, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            exchange.bytes_in += len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield from self._read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _read(self, length: int) -> Iterator[bytes]:
        while length > 0:
            block = self.rfile.read(min(length, BLOCK_BYTES))
            if not block:
                raise ConnectionError("the peer closed in the middle of its body")
            length -= len(block)
            yield block
