"""The driver `slipway` of glance_store.

It streams an image to slipway, which stores it in a vSphere datastore, and gives Glance the
`vsphere://` URL of the file as location. Reading and deleting go through slipway too.
"""

from __future__ import annotations

import hashlib
import logging
import os
import ssl
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

from glance_store import capabilities, driver, exceptions, location
from oslo_config import cfg

from slipway_glance_store import auth, errors
from slipway_glance_store.client import Client, Download, Settings, Stored
from slipway_glance_store.location import SCHEMES, is_object_id, named, object_id_of, own_url, url_prefix

LOG = logging.getLogger(__name__)

MIB = 1 << 20

_OPTIONS = [
    cfg.StrOpt("slipway_url", help="Address of slipway, as https://slipway.example.org:9294."),
    cfg.StrOpt("slipway_store", help="The store of slipway that takes the images of this backend."),
    cfg.StrOpt(
        "slipway_ca_file", help="CA certificates that slipway's is checked with. Default: the system's."
    ),
    cfg.BoolOpt("slipway_insecure", default=False, help="Do not check slipway's certificate."),
    cfg.StrOpt(
        "slipway_token",
        secret=True,
        help="A token for slipway. With Keystone set auth_type and its options in this section instead.",
    ),
    cfg.IntOpt(
        "slipway_timeout", default=60, min=1, help="Seconds to connect, and between two parts of a body."
    ),
    cfg.IntOpt(
        "slipway_commit_timeout",
        default=3600,
        min=1,
        help="Seconds from the last byte of an upload to the answer; slipway may convert in between.",
    ),
    cfg.IntOpt("slipway_chunk_size", default=4, min=1, help="MiB that are read and sent at once."),
]


class StoreLocation(location.StoreLocation):
    """A location of this driver; glance_store finds the class by its name."""

    def process_specs(self) -> None:
        self._set(own_url(self.specs["store"], self.specs["object_id"]))

    def get_uri(self) -> str:
        return self._url

    def parse_uri(self, uri: str) -> None:
        location.StoreLocation.validate_schemas(uri, tuple(f"{scheme}://" for scheme in SCHEMES))
        self._set(uri)

    def _set(self, url: str) -> None:
        try:
            self.object_id = object_id_of(url)
        except ValueError as error:
            raise exceptions.BadStoreUri(uri=url) from error
        self._url = url


class Store(driver.Store):
    _CAPABILITIES = (
        capabilities.BitMasks.READ_RANDOM
        | capabilities.BitMasks.WRITE_ACCESS
        | capabilities.BitMasks.DRIVER_REUSABLE
    )
    OPTIONS = [*_OPTIONS, *auth.options()]

    def get_schemes(self) -> tuple[str, ...]:
        return SCHEMES

    def configure_add(self) -> None:
        """Reads the options and makes the client. Nothing is sent: Glance starts without slipway."""
        group = self.backend_group or "glance_store"
        options = self.conf[group]
        try:
            settings = _settings(options)
            self._client = Client(settings, auth.from_configuration(self.conf, group, options.slipway_token))
        except ValueError as error:
            LOG.error("Glance can not use the store in section [%s]: %s", group, error)
            self.unset_capabilities(capabilities.BitMasks.READ_ACCESS)  # the caller does so for writes
            raise exceptions.BadStoreConfiguration(store_name=group, reason=str(error)) from error
        self._store = settings.store
        self._chunk_bytes = settings.chunk_bytes
        self._url_prefix = url_prefix(settings.store)

    @driver.back_compat_add
    @capabilities.check
    def add(
        self,
        image_id: str,
        image_file: Any,
        image_size: int,
        hashing_algo: str,
        context: Any = None,
        verifier: Any = None,
    ) -> tuple[str, int, str, str, dict[str, str]]:
        """Stream the file to slipway; hash and verify what passes."""
        object_id = image_id.lower()
        if not is_object_id(object_id):
            raise exceptions.Invalid(f"slipway takes images with a UUID as id, not {image_id!r}")
        self._refuse_duplicate(object_id)
        passing = _Passing(image_file, image_size or None, hashing_algo, verifier, self._chunk_bytes)
        try:
            stored = self._client.put(object_id, iter(passing), image_size or None)
        except errors.RequestFailed as error:
            if error.status is None:
                self._discard(object_id)  # the answer may be lost and the object there
            raise errors.translated(error, "PUT") from error
        try:
            url = self._location_of(object_id, stored, passing)
        except exceptions.GlanceStoreException:
            self._discard(object_id)
            raise
        metadata = {"store": self.backend_group} if self.backend_group else {}
        return url, passing.size, passing.checksum, passing.multihash, metadata

    @capabilities.check
    def get(
        self, location: Any, offset: int = 0, chunk_size: int | None = None, context: Any = None
    ) -> tuple[Iterator[bytes], int]:
        """An iterator over the bytes, and how many they are. `chunk_size` is the length of the part."""
        object_id = location.store_location.object_id
        download = self._call("GET", lambda: self._client.get(object_id, offset, chunk_size or None))
        return _Reading(download), download.size

    def get_size(self, location: Any, context: Any = None) -> int:
        object_id = location.store_location.object_id
        return self._call("HEAD", lambda: self._client.size(object_id))

    @capabilities.check
    def delete(self, location: Any, context: Any = None) -> None:
        object_id = location.store_location.object_id
        self._call("DELETE", lambda: self._client.delete(object_id))

    def _call(self, method: str, action: Callable[[], Any]) -> Any:
        if not self.is_capable(capabilities.BitMasks.READ_ACCESS):
            raise exceptions.StoreGetNotSupported()  # get_size, which glance_store does not check
        try:
            return action()
        except errors.RequestFailed as error:
            raise errors.translated(error, method) from error

    def _refuse_duplicate(self, object_id: str) -> None:
        """Ask before the first byte: this also shows whether slipway is there and knows us."""
        try:
            self._client.size(object_id)
        except errors.RequestFailed as error:
            if error.status == 404:
                return
            raise errors.translated(error, "HEAD") from error
        raise exceptions.Duplicate(image=object_id)

    def _location_of(self, object_id: str, stored: Stored, passing: _Passing) -> str:
        """The URL for Glance, once slipway's account of the upload agrees with ours."""
        if stored.size != passing.size or stored.checksum not in (None, "", passing.checksum):
            raise errors.Unavailable("slipway stored other bytes than were sent; try again")
        if not stored.url or not stored.url.startswith("vsphere://"):
            return own_url(self._store, object_id)
        url = named(stored.url, object_id)
        try:
            object_id_of(url)
        except ValueError as error:
            raise errors.Unavailable("slipway answered with a location that can not be read") from error
        return url

    def _discard(self, object_id: str) -> None:
        """An object that Glance will not know of must not block the next upload."""
        try:
            self._client.delete(object_id)
        except errors.RequestFailed as error:
            if error.status != 404:
                LOG.warning("What was uploaded of image %s may be left in slipway: %s", object_id, error)


class _Passing:
    """The image file on its way: counted, hashed, shown to the verifier; `size` where it is known."""

    def __init__(
        self, image_file: Any, size: int | None, hashing_algo: str, verifier: Any, chunk_bytes: int
    ) -> None:
        self._file = image_file
        self._expected = size
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hash = hashlib.new(hashing_algo, usedforsecurity=False)
        self._verifier = verifier
        self._chunk_bytes = chunk_bytes
        self.size = 0

    @property
    def checksum(self) -> str:
        return self._md5.hexdigest()

    @property
    def multihash(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(self._chunk_bytes):
            self.size += len(block)
            if self._expected is not None and self.size > self._expected:
                raise exceptions.Invalid(f"the image is longer than the {self._expected} bytes announced")
            self._md5.update(block)
            self._hash.update(block)
            if self._verifier is not None:
                self._verifier.update(block)
            yield block
        if self._expected not in (None, self.size):
            raise exceptions.Invalid(f"the image ended after {self.size} of {self._expected} bytes")


class _Reading:
    """A download that raises what Glance knows."""

    def __init__(self, download: Download) -> None:
        self._download = download

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._download)
        except errors.RequestFailed as error:
            raise errors.translated(error, "GET") from error

    def close(self) -> None:
        self._download.close()


def _settings(options: Any) -> Settings:
    """The options as values; a ValueError says what to set."""
    if not options.slipway_url or not options.slipway_store:
        raise ValueError("set slipway_url and slipway_store")
    url = urllib.parse.urlsplit(options.slipway_url)
    try:
        usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment or url.username or url.password:
        raise ValueError("slipway_url is not of the form https://HOST:PORT")
    return Settings(
        url=url,
        store=options.slipway_store,
        tls=_tls(options) if url.scheme == "https" else None,
        timeout=options.slipway_timeout,
        commit_timeout=options.slipway_commit_timeout,
        chunk_bytes=options.slipway_chunk_size * MIB,
    )


def _tls(options: Any) -> ssl.SSLContext:
    ca_file = options.slipway_ca_file
    if ca_file and not os.access(ca_file, os.R_OK):
        raise ValueError(f"slipway_ca_file {ca_file} can not be read")
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise ValueError(f"slipway_ca_file {ca_file} holds no certificate") from error
    if options.slipway_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
