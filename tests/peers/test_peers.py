"""The harness measures what it says it measures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import disks
import driver_run
import harness
import pytest
import requests
import wsdl
from proxy import CountingProxy

DATA = bytes(range(256)) * 9000


class Echo(BaseHTTPRequestHandler):
    """Answers a GET with DATA, without a length where the path ends in `?open`, and takes any PUT."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path.endswith("?open"):
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def do_PUT(self) -> None:
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        self.rfile.readline()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[CountingProxy]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with CountingProxy(f"http://127.0.0.1:{upstream.server_port}") as counting:
        yield counting
    upstream.shutdown()
    upstream.server_close()


@pytest.mark.parametrize("query", ["", "?open"])
def test_the_proxy_counts_a_download(proxy: CountingProxy, query: str) -> None:
    assert requests.get(f"{proxy.url}/v2/images/an-id/file{query}", timeout=10).content == DATA
    assert proxy.image_bytes_out == len(DATA)


def test_the_proxy_counts_image_data_only(proxy: CountingProxy) -> None:
    assert requests.get(f"{proxy.url}/v2/images/an-id", timeout=10).content == DATA
    assert proxy.image_bytes_out == 0
    assert [(each.path, each.bytes_out) for each in proxy.exchanges] == [("/v2/images/an-id", len(DATA))]


def test_the_proxy_counts_an_upload_in_chunks(proxy: CountingProxy) -> None:
    parts = iter([b"a" * 1000, b"b" * 5_000_000])
    answer = requests.put(f"{proxy.url}/v2/images/an-id/file", data=parts, timeout=10)
    assert answer.status_code == 204
    assert proxy.image_bytes_in == 5_001_000


def test_a_difference_of_one_byte_in_a_disk_is_seen(tmp_path: Path) -> None:
    raw = disks.make_raw(tmp_path / "a.raw", 20 * disks.MIB)
    vmdk = disks.make_vmdk(raw, tmp_path / "a.vmdk")
    assert disks.same_guest_data(raw, vmdk, "vmdk")
    with raw.open("r+b") as file:
        file.seek(9 * disks.MIB + 77)
        changed = bytes([file.read(1)[0] ^ 1])
        file.seek(-1, 1)
        file.write(changed)
    assert not disks.same_guest_data(raw, vmdk, "vmdk")


def test_no_port_is_given_twice() -> None:
    ports = [harness.free_port() for _ in range(1000)]
    assert len(set(ports)) == len(ports)


def test_a_line_that_is_no_method_is_refused() -> None:
    with pytest.raises(ValueError, match="not a method"):
        wsdl.parse_methods("Good(name: string) ref\nBad(name: string ref\n")


def test_the_fault_behind_an_exception_is_found() -> None:
    class VimError(Exception):
        fault_list = ("FileNotFound",)

    try:
        try:
            raise VimError
        except VimError as cause:
            raise RuntimeError("boot failed") from cause
    except RuntimeError as error:
        assert driver_run.fault_of(error) == "FileNotFound"
