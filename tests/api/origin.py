"""A web server on loopback, for what slipway fetches: files with ranges, and answers that go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


class Origin:
    """`files` by path, such as "/disk.raw"; `answers` by path, also without the query, take the whole request in hand."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], Answer]] = {}
        self.requests: list[str] = []
        # While cleared, GETs stop after their first bytes.
        self.flowing = threading.Event()
        self.flowing.set()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web.serve(self)

            do_HEAD = do_GET
            do_POST = do_GET
            do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"{request.command} {request.path}")
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        status, headers, body = self.answer(request)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "HEAD":
            return
        try:
            request.wfile.write(body[:1000])
            self.flowing.wait()
            request.wfile.write(body[1000:])
        except OSError:
            request.close_connection = True  # slipway has gone away

    def answer(self, request: BaseHTTPRequestHandler) -> Answer:
        for path in (request.path, request.path.split("?")[0]):
            if path in self.answers:
                return self.answers[path](request)
        data = self.files.get(request.path)
        if data is None:
            return 404, {}, b""
        wanted = request.headers.get("Range")
        if wanted is None:
            return 200, {}, data
        first, last = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
        return 206, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first : last + 1]

    def stop(self) -> None:
        self.flowing.set()
        self.server.shutdown()
        self.server.server_close()
