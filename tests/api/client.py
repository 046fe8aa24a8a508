"""Plain HTTP to slipway: no client library stands between a test and the wire."""

from __future__ import annotations

import hashlib
import random
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

PATCH_V21 = "application/openstack-images-v2.1-json-patch"
PATCH_V20 = "application/openstack-images-v2.0-json-patch"
OCTETS = "application/octet-stream"
ANSWER_SECONDS = 60.0
PATIENCE_SECONDS = 180.0

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str) -> Found:
    """What `look` finds as soon as that is true; only a hang makes this fail."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


def octets(count: int, seed: int = 1) -> bytes:
    """Bytes that do not compress and that no image format begins with."""
    return b"slipway!" + random.Random(seed).randbytes(count - 8) if count >= 8 else b"slipway!"[:count]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def iso_image(blocks: int = 64) -> bytes:
    """The smallest thing that is an ISO 9660 image: one primary volume descriptor."""
    data = bytearray(blocks * 2048)
    data[32768:32775] = b"\x01CD001\x01"
    data[32848:32856] = blocks.to_bytes(4, "little") + blocks.to_bytes(4, "big")
    data[32896:32900] = (2048).to_bytes(2, "little") + (2048).to_bytes(2, "big")
    data[34816:34823] = b"\xffCD001\x01"
    return bytes(data)


class Api:
    """One listener of a slipway."""

    def __init__(self, url: str, verify: str | bool = True) -> None:
        """`verify`: as requests takes it; whom to believe."""
        self.url = url
        self.verify = verify

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", ANSWER_SECONDS)
        options.setdefault("allow_redirects", False)
        options.setdefault("verify", self.verify)
        return requests.request(method, self.url + path, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self("GET", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self("PUT", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self("DELETE", path, **options)

    def create(self, **attributes: Any) -> dict[str, Any]:
        attributes.setdefault("name", "an image")
        attributes.setdefault("disk_format", "raw")
        attributes.setdefault("container_format", "bare")
        answer = self.post("/v2/images", json=attributes)
        assert answer.status_code == 201, answer.text
        image: dict[str, Any] = answer.json()
        return image

    def show(self, image_id: str) -> dict[str, Any]:
        answer = self.get(f"/v2/images/{image_id}")
        assert answer.status_code == 200, answer.text
        image: dict[str, Any] = answer.json()
        return image

    def images(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.get(f"/v2/images{query}")
        assert answer.status_code == 200, answer.text
        images: list[dict[str, Any]] = answer.json()["images"]
        return images

    def upload(
        self, image_id: str, data: bytes | Iterable[bytes], **headers: str
    ) -> requests.Response:
        """Chunked when `data` is an iterable; names of `headers` have _ for -."""
        fields = {"Content-Type": OCTETS}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.put(f"/v2/images/{image_id}/file", data=data, headers=fields)

    def stage(self, image_id: str, data: bytes | Iterable[bytes], **headers: str) -> requests.Response:
        """Chunked when `data` is an iterable; names of `headers` have _ for -."""
        fields = {"Content-Type": OCTETS}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.put(f"/v2/images/{image_id}/stage", data=data, headers=fields)

    def staged(self, data: bytes, **attributes: Any) -> str:
        """The id of a new image with this data staged."""
        image_id: str = self.create(**attributes)["id"]
        answer = self.stage(image_id, data)
        assert answer.status_code == 204, answer.text
        return image_id

    def import_image(self, image_id: str, method: str | dict[str, Any], **wishes: Any) -> requests.Response:
        """`method`: its name, or the whole object."""
        headers = wishes.pop("headers", None)
        name = {"name": method} if isinstance(method, str) else method
        return self.post(
            f"/v2/images/{image_id}/import", json={"method": name, **wishes}, headers=headers
        )

    def image_tasks(self, image_id: str) -> list[dict[str, Any]]:
        """The imports of an image, newest first."""
        answer = self.get(f"/v2/images/{image_id}/tasks")
        assert answer.status_code == 200, answer.text
        tasks: list[dict[str, Any]] = answer.json()["tasks"]
        return tasks

    def import_over(self, image_id: str) -> dict[str, Any]:
        """The latest import of the image, once it is over."""

        def look() -> dict[str, Any] | None:
            task = self.image_tasks(image_id)[0]
            return task if task["status"] in ("success", "failure") else None

        return eventually(look, f"the end of the import of {image_id}")

    def download(self, image_id: str, **headers: str) -> requests.Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.get(f"/v2/images/{image_id}/file", headers=fields)

    def active(self, data: bytes, **attributes: Any) -> dict[str, Any]:
        """A new image with this data."""
        image_id = self.create(**attributes)["id"]
        answer = self.upload(image_id, data)
        assert answer.status_code == 204, answer.text
        return self.show(image_id)

    def patch(self, image_id: str, operations: object, media_type: str = PATCH_V21) -> requests.Response:
        return self(
            "PATCH", f"/v2/images/{image_id}", json=operations, headers={"Content-Type": media_type}
        )

    def clone(self, image_id: str, **target: str) -> requests.Response:
        return self.post(f"/slipway/v1/images/{image_id}/clones", json=target)

    def started_clone(self, image_id: str, **target: str) -> str:
        """The id of the task."""
        answer = self.clone(image_id, **target)
        assert answer.status_code == 202, answer.text
        task_id: str = answer.json()["id"]
        return task_id

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.get(f"/slipway/v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def finished_task(self, task_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            task = self.task(task_id)
            return task if task["status"] in ("success", "failure", "cancelled") else None

        return eventually(look, f"the end of task {task_id}")

    def connect(self) -> socket.socket:
        address = urlsplit(self.url)
        return socket.create_connection((address.hostname, address.port), timeout=ANSWER_SECONDS)

    def begin_upload(
        self, image_id: str, announced: int, first: bytes, verb: str = "file"
    ) -> socket.socket:
        """An upload that has come as far as its first bytes; `verb`: or a stage."""
        connection = self.connect()
        head = (
            f"PUT /v2/images/{image_id}/{verb} HTTP/1.1\r\nHost: slipway\r\n"
            f"Content-Type: {OCTETS}\r\nContent-Length: {announced}\r\n\r\n"
        )
        connection.sendall(head.encode() + first)
        return connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the peer closes, also if it does so rudely."""
    answer = bytearray()
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return bytes(answer)


def read_head(connection: socket.socket) -> bytes:
    """One head of an answer, up to its empty line."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the connection ended within a head: {bytes(head)!r}"
        head += byte
    return bytes(head)
