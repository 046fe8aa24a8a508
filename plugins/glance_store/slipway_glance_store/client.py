"""Speaks slipway's object API: PUT, GET, HEAD and DELETE of /slipway/v1/stores/STORE/objects/ID.

One connection for each operation, so that a client can be shared by threads. Bodies are streams: no more
than one chunk is in memory. Every failure is a RequestFailed.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from slipway_glance_store.errors import RequestFailed

ERROR_BODY_BYTES = 64 * 1024
MESSAGE_CHARACTERS = 500
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/\d+")


class Credentials(Protocol):
    """Where the headers come from that say who we are."""

    def headers(self) -> Mapping[str, str]:
        """For one request; a RequestFailed when they can not be had."""

    def renew(self) -> bool:
        """After a 401: forget what was refused. Whether another try makes sense."""


@dataclass(frozen=True)
class Settings:
    """How to reach one store of one slipway; times are in seconds."""

    url: urllib.parse.SplitResult
    store: str
    tls: ssl.SSLContext | None
    timeout: float
    commit_timeout: float  # from the last byte of an upload to the answer
    chunk_bytes: int


@dataclass(frozen=True)
class Stored:
    """What slipway says about an object that it has taken."""

    url: str | None
    size: int
    checksum: str | None


class Download:
    """The bytes of an answer, once. It ends with an error when the connection ends too early."""

    def __init__(
        self,
        connection: http.client.HTTPConnection | None,
        response: http.client.HTTPResponse | None,
        size: int,
        chunk_bytes: int,
    ) -> None:
        self._connection = connection
        self._response = response
        self._left = size
        self._chunk_bytes = chunk_bytes
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._response is None or not self._left:
            self.close()
            raise StopIteration
        try:
            block = self._response.read(min(self._chunk_bytes, self._left))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise RequestFailed(None, f"the download from slipway broke: {_reason(error)}") from error
        if not block:
            self.close()
            raise RequestFailed(None, f"slipway closed the connection {self._left} bytes too early")
        self._left -= len(block)
        return block

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._response = None


class Client:
    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials

    def put(self, object_id: str, blocks: Iterator[bytes], size: int | None) -> Stored:
        """Store an object; `size` None when it is not known beforehand.

        What `blocks` raises passes through, and slipway then keeps nothing. The caller has made sure by a
        request before that the credentials are accepted: a stream can not be sent twice.
        """
        connection = self._connect()
        try:
            connection.putrequest("PUT", self._path(object_id), skip_accept_encoding=True)
            for name, value in self._credentials.headers().items():
                connection.putheader(name, value)
            connection.putheader("Content-Type", "application/octet-stream")
            if size is None:
                connection.putheader("Transfer-Encoding", "chunked")
            else:
                connection.putheader("Content-Length", str(size))
            self._send(connection, None)
            for block in blocks:
                self._send(connection, block if size is not None else b"%x\r\n%b\r\n" % (len(block), block))
            if size is None:
                self._send(connection, b"0\r\n\r\n")
            if connection.sock is not None:
                connection.sock.settimeout(self._settings.commit_timeout)
            return _stored(self._checked(connection))
        finally:
            connection.close()

    def get(self, object_id: str, offset: int = 0, length: int | None = None) -> Download:
        """The object, or the part of it that begins at `offset`; what lies behind the end is not there."""
        headers = {"Accept-Encoding": "identity"}
        if offset or length is not None:
            last = "" if length is None else offset + length - 1
            headers["Range"] = f"bytes={offset}-{last}"
        try:
            connection, response = self._ask("GET", object_id, headers)
        except RequestFailed as error:
            if error.status == 416:
                return Download(None, None, 0, self._settings.chunk_bytes)
            raise
        try:
            size = _announced(response, "Range" in headers, offset)
        except RequestFailed:
            connection.close()
            raise
        return Download(connection, response, size, self._settings.chunk_bytes)

    def size(self, object_id: str) -> int:
        connection, response = self._ask("HEAD", object_id)
        connection.close()
        return _announced(response, ranged=False, offset=0)

    def delete(self, object_id: str) -> None:
        self._ask("DELETE", object_id)[0].close()

    def _ask(
        self, method: str, object_id: str, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A request without a body; once more with new credentials when the old ones are refused."""
        for last_try in (False, True):
            connection = self._connect()
            try:
                all_headers = {**self._credentials.headers(), **(headers or {})}
                connection.request(method, self._path(object_id), headers=all_headers)
                return connection, self._checked(connection)
            except RequestFailed as error:
                connection.close()
                if error.status != 401 or last_try or not self._credentials.renew():
                    raise
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                raise RequestFailed(None, f"slipway can not be reached: {_reason(error)}") from error
        raise AssertionError("the second try returns or raises")

    def _send(self, connection: http.client.HTTPConnection, data: bytes | None) -> None:
        """Send the header (None) or a part of the body.

        A server that refuses an upload answers while we still send, and closes. The answer says more
        than the broken pipe does.
        """
        try:
            if data is None:
                connection.endheaders()
            else:
                connection.send(data)
        except OSError as error:
            if connection.sock is not None:
                with suppress(OSError, http.client.HTTPException):
                    _raise_for_status(connection.getresponse())
            raise RequestFailed(None, f"the upload to slipway broke: {_reason(error)}") from error

    def _checked(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise RequestFailed(None, f"slipway did not answer: {_reason(error)}") from error
        _raise_for_status(response)
        return response

    def _connect(self) -> http.client.HTTPConnection:
        url = self._settings.url
        if self._settings.tls is not None:
            return http.client.HTTPSConnection(
                url.hostname or "", url.port, timeout=self._settings.timeout, context=self._settings.tls
            )
        return http.client.HTTPConnection(url.hostname or "", url.port, timeout=self._settings.timeout)

    def _path(self, object_id: str) -> str:
        store, name = (urllib.parse.quote(part, safe="") for part in (self._settings.store, object_id))
        return f"{self._settings.url.path.rstrip('/')}/slipway/v1/stores/{store}/objects/{name}"


def _raise_for_status(response: http.client.HTTPResponse) -> None:
    if response.status in (200, 201, 204, 206):
        return
    try:
        text = _message(response.read(ERROR_BODY_BYTES))
    except (OSError, http.client.HTTPException):
        text = ""
    status = f"slipway answered {response.status}"
    raise RequestFailed(response.status, f"{status}: {text}" if text else status)


def _message(body: bytes) -> str:
    """The sentence of an error object, on one line; nothing when the body is something else."""
    try:
        text = json.loads(body)["error"]["message"]
    except (ValueError, LookupError, TypeError):
        return ""
    return " ".join(str(text).split())[:MESSAGE_CHARACTERS]


def _stored(response: http.client.HTTPResponse) -> Stored:
    try:
        answer = json.loads(response.read(ERROR_BODY_BYTES))
        url, checksum = answer.get("url"), answer.get("checksum")
        if not all(value is None or isinstance(value, str) for value in (url, checksum)):
            raise TypeError
        return Stored(url, int(answer["size"]), checksum)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RequestFailed(None, "slipway's answer to the upload can not be read") from error


def _announced(response: http.client.HTTPResponse, ranged: bool, offset: int) -> int:
    """How many bytes follow. An answer that is not the range that we asked for is an error."""
    length = response.getheader("Content-Length")
    if length is None or not length.isdecimal():
        raise RequestFailed(None, "slipway's answer has no length")
    if ranged:
        match = _CONTENT_RANGE.fullmatch(response.getheader("Content-Range") or "")
        if response.status != 206 or match is None or int(match["first"]) != offset:
            raise RequestFailed(None, "slipway did not answer with the range that was asked for")
        if int(match["last"]) - offset + 1 != int(length):
            raise RequestFailed(None, "slipway's answer has another length than its range")
    return int(length)


def _reason(error: BaseException) -> str:
    """What went wrong, without the address: that is in the configuration."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
