"""The driver against a server with slipway's object API."""

from __future__ import annotations

import hashlib
import io
import logging
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import glance_store
import pytest
from fake_slipway import FakeSlipway
from glance_store import capabilities, exceptions, location
from keystoneauth1 import fixture as keystone_fixture
from oslo_config import cfg

ID = "961973d8-3360-4364-919e-2c197825dbb4"
OTHER_ID = "e03cf3b1-3070-4497-a37d-9703edfb615b"
DATA = bytes(range(256)) * 5000
SECRET = "the-secret-of-the-tests"

Configure = Callable[..., Any]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configure:
    """Loads the backends `fast` and `bulk` from a file, as Glance does, and returns the driver of `fast`."""

    def load(url: str | None, **options: str | int | bool | None) -> Any:
        lines = ["[DEFAULT]", "enabled_backends = fast:slipway, bulk:slipway"]
        lines += ["[glance_store]", "default_backend = fast"]
        for backend in ("fast", "bulk"):
            section = {"slipway_url": url, "slipway_store": backend, **options}
            lines += [
                f"[{backend}]",
                *(f"{key} = {value}" for key, value in section.items() if value is not None),
            ]
        file = tmp_path / "glance-api.conf"
        file.write_text("\n".join(lines), encoding="utf-8")
        conf = cfg.ConfigOpts()
        conf(["--config-file", str(file)], default_config_dirs=[])
        conf.register_opt(cfg.DictOpt("enabled_backends"))
        monkeypatch.setattr(location, "SCHEME_TO_CLS_BACKEND_MAP", {})
        monkeypatch.setattr(glance_store.multi_backend, "CONF", conf)
        glance_store.register_store_opts(conf)
        glance_store.create_multi_stores(conf)
        return glance_store.get_store_from_store_identifier("fast")

    return load


@pytest.fixture
def store(configure: Configure, slipway: FakeSlipway) -> Any:
    return configure(slipway.url)


def add(store: Any, data: bytes = DATA, size: int = 0, **more: Any) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = store.add(ID, io.BytesIO(data), size, "sha512", **more)
    return answer


def where(store: Any, url: str, backend: str = "fast") -> Any:
    return location.get_location_from_uri_and_backend(url, backend, conf=store.conf)


def read(answer: tuple[Iterator[bytes], int]) -> bytes:
    data = b"".join(answer[0])
    assert len(data) == answer[1]
    return data


@pytest.mark.parametrize("size", [0, len(DATA)], ids=["chunked", "with-length"])
def test_an_image_is_stored_as_it_is(store: Any, slipway: FakeSlipway, size: int) -> None:
    url, written, checksum, multihash, metadata = add(store, size=size)
    assert slipway.state.objects == {("fast", ID): DATA}
    assert url.startswith("vsphere://vc.example/folder/openstack_glance/")
    assert url.endswith(f"/disk.vmdk?dcPath=DC0&dsName=fast&object={ID}")
    assert written == len(DATA)
    assert checksum == hashlib.md5(DATA).hexdigest()
    assert multihash == hashlib.sha512(DATA).hexdigest()
    assert metadata == {"store": "fast"}
    headers = slipway.state.requests[-1].headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers.get("Content-Length") == (str(size) if size else None)
    assert headers.get("Transfer-Encoding") == (None if size else "chunked")


def test_each_backend_has_a_store_of_its_own(store: Any, slipway: FakeSlipway) -> None:
    first = add(store)
    bulk = glance_store.get_store_from_store_identifier("bulk")
    second = add(bulk)
    assert set(slipway.state.objects) == {("fast", ID), ("bulk", ID)}
    assert first[0] != second[0]
    assert second[4] == {"store": "bulk"}
    bulk.delete(where(bulk, second[0], "bulk"))
    assert set(slipway.state.objects) == {("fast", ID)}


def test_an_image_without_bytes_is_stored(store: Any, slipway: FakeSlipway) -> None:
    url, written, *_ = add(store, data=b"")
    assert written == 0
    assert slipway.state.objects == {("fast", ID): b""}
    assert read(store.get(where(store, url))) == b""


def test_an_id_in_upper_case_is_that_in_lower_case(store: Any, slipway: FakeSlipway) -> None:
    store.add(ID.upper(), io.BytesIO(DATA), 0, "sha512")
    assert set(slipway.state.objects) == {("fast", ID)}


def test_callers_of_old_releases_get_four_values(store: Any) -> None:
    assert len(store.add(ID, io.BytesIO(DATA), len(DATA))) == 4


def test_the_verifier_sees_every_byte(store: Any) -> None:
    seen = hashlib.sha256()
    add(store, verifier=seen)
    assert seen.digest() == hashlib.sha256(DATA).digest()


@pytest.mark.parametrize("size", [0, 128 << 20], ids=["chunked", "with-length"])
def test_an_upload_takes_no_more_memory_for_a_larger_image(
    store: Any, slipway: FakeSlipway, size: int
) -> None:
    class Zeros:
        left = 128 << 20

        def read(self, length: int) -> bytes:
            length = min(length, self.left)
            self.left -= length
            return bytes(length)

    slipway.state.failures["PUT"] = (507, "full")  # after the last byte; the server keeps none
    with peak_memory() as peak, pytest.raises(exceptions.StorageFull):
        store.add(ID, Zeros(), size, "sha512")
    assert peak() < 32 << 20


def test_a_download_takes_no_more_memory_for_a_larger_image(store: Any, slipway: FakeSlipway) -> None:
    slipway.state.objects["fast", ID] = bytes(128 << 20)
    with peak_memory() as peak:
        blocks, size = store.get(where(store, f"slipway://fast/{ID}"))
        assert sum(len(block) for block in blocks) == size == 128 << 20
    assert peak() < 32 << 20


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """What Python had allocated at most, the server's thread included."""
    tracemalloc.start()
    try:
        yield lambda: peak
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, None, DATA),
        (0, 10, DATA[:10]),
        (1000, None, DATA[1000:]),
        (1000, 77, DATA[1000:1077]),
        (len(DATA) - 1, 1, DATA[-1:]),
        (len(DATA) - 1, 100, DATA[-1:]),
        (len(DATA), None, b""),
        (len(DATA) + 5, 10, b""),
    ],
)
def test_any_part_is_read(store: Any, offset: int, length: int | None, expected: bytes) -> None:
    place = where(store, add(store)[0])
    assert read(store.get(place, offset=offset, chunk_size=length)) == expected


def test_a_large_image_is_read_in_chunks(configure: Configure, slipway: FakeSlipway) -> None:
    store = configure(slipway.url, slipway_chunk_size=1)
    place = where(store, add(store, data=bytes(5 << 20))[0])
    blocks, size = store.get(place)
    assert size == 5 << 20
    assert max(len(block) for block in blocks) <= 1 << 20


def test_a_download_can_be_left_early(store: Any) -> None:
    blocks, _ = store.get(where(store, add(store)[0]))
    blocks.close()
    assert list(blocks) == []


def test_the_size_is_told(store: Any) -> None:
    assert store.get_size(where(store, add(store)[0])) == len(DATA)


def test_a_deleted_image_is_gone(store: Any, slipway: FakeSlipway) -> None:
    place = where(store, add(store)[0])
    store.delete(place)
    assert slipway.state.objects == {}
    for call in (store.delete, store.get, store.get_size):
        with pytest.raises(exceptions.NotFound):
            call(place)


def test_a_second_upload_is_refused_before_its_first_byte(store: Any, slipway: FakeSlipway) -> None:
    add(store)
    with pytest.raises(exceptions.Duplicate):
        add(store, data=b"other")
    assert [each.method for each in slipway.state.requests] == ["HEAD", "PUT", "HEAD"]
    assert slipway.state.objects[("fast", ID)] == DATA


@pytest.mark.parametrize("url", [None, "", "file:///var/lib/slipway/images/x"])
def test_an_object_without_a_place_in_vsphere_has_a_location_of_ours(
    store: Any, slipway: FakeSlipway, url: str | None
) -> None:
    slipway.state.location = lambda store, name: url
    answered = add(store)[0]
    assert answered == f"slipway://fast/{ID}"
    assert answered.startswith(store.url_prefix)
    assert read(store.get(where(store, answered))) == DATA


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, exceptions.Invalid),
        (401, exceptions.Forbidden),
        (403, exceptions.Forbidden),
        (403, exceptions.StorageWriteDenied),
        (409, exceptions.Duplicate),
        (413, exceptions.StorageFull),
        (415, exceptions.Invalid),
        (500, exceptions.RemoteServiceUnavailable),
        (503, exceptions.RemoteServiceUnavailable),
        (503, exceptions.TimeoutError),
        (507, exceptions.StorageFull),
        (302, exceptions.RemoteServiceUnavailable),
    ],
)
def test_a_refused_upload_is_what_glance_knows(
    store: Any, slipway: FakeSlipway, status: int, expected: type[Exception]
) -> None:
    slipway.state.failures["PUT"] = (status, "the reason\nof it")
    with pytest.raises(expected, match=f"slipway answered {status}: the reason of it"):
        add(store)
    assert slipway.state.objects == {}


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 401, exceptions.Forbidden),
        ("GET", 503, exceptions.RemoteServiceUnavailable),
        ("HEAD", 403, exceptions.Forbidden),
        ("HEAD", 500, exceptions.RemoteServiceUnavailable),
        ("DELETE", 403, exceptions.Forbidden),
        ("DELETE", 409, exceptions.InUseByStore),
        ("DELETE", 503, exceptions.RemoteServiceUnavailable),
    ],
)
def test_other_refusals_are_what_glance_knows(
    store: Any, slipway: FakeSlipway, method: str, status: int, expected: type[Exception]
) -> None:
    place = where(store, add(store)[0])
    slipway.state.failures[method] = (status, "no")
    with pytest.raises(expected):
        {"GET": store.get, "HEAD": store.get_size, "DELETE": store.delete}[method](place)


def test_a_store_that_slipway_does_not_have_is_not_a_missing_image(
    configure: Configure, slipway: FakeSlipway
) -> None:
    """Glance would take NotFound for an image that was deleted during its upload, and delete it."""
    store = configure(slipway.url, slipway_store="nowhere")
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="there is no such store"):
        add(store)


def test_an_early_refusal_is_heard(store: Any, slipway: FakeSlipway) -> None:
    slipway.state.refuse_uploads_at_once = (507, "no datastore has room")
    with pytest.raises(exceptions.StorageFull, match="no datastore has room"):
        add(store, data=bytes(64 << 20))


def test_a_lost_answer_leaves_nothing_behind(store: Any, slipway: FakeSlipway) -> None:
    slipway.state.lose_answers.add("PUT")
    with pytest.raises(exceptions.RemoteServiceUnavailable):
        add(store)
    assert slipway.state.objects == {}
    slipway.state.lose_answers.clear()
    assert add(store)[1] == len(DATA)


def test_an_error_of_the_source_ends_the_upload(store: Any, slipway: FakeSlipway) -> None:
    class Broken(io.BytesIO):
        def read(self, length: int | None = -1) -> bytes:
            data = super().read(1000)
            if self.tell() > 5000:
                raise OSError("the client went away")
            return data

    with pytest.raises(OSError, match="the client went away"):
        store.add(ID, Broken(DATA), 0, "sha512")
    assert slipway.state.objects == {}


@pytest.mark.parametrize("announced", [len(DATA) - 1, len(DATA) + 1])
def test_an_image_of_another_length_than_announced_is_refused(
    store: Any, slipway: FakeSlipway, announced: int
) -> None:
    with pytest.raises(exceptions.Invalid, match=str(announced)):
        add(store, size=announced)
    assert slipway.state.objects == {}


def test_other_bytes_than_were_sent_are_not_kept(store: Any, slipway: FakeSlipway) -> None:
    slipway.state.checksum = lambda data: "0" * 32
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="other bytes"):
        add(store)
    assert slipway.state.objects == {}


@pytest.mark.parametrize("url", ["vsphere://vc/folder/g/a.vmdk", "vsphere://vc/g/a.vmdk?dcPath=a&dsName=b"])
def test_a_location_that_nova_could_not_read_is_not_taken(store: Any, slipway: FakeSlipway, url: str) -> None:
    slipway.state.location = lambda store, name: url
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="can not be read"):
        add(store)
    assert slipway.state.objects == {}


def test_a_download_that_ends_early_is_an_error(store: Any, slipway: FakeSlipway) -> None:
    place = where(store, add(store)[0])
    slipway.state.cut_downloads_after = 1000
    blocks, _ = store.get(place)
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="too early"):
        list(blocks)


def test_the_whole_image_is_not_taken_for_a_part(store: Any, slipway: FakeSlipway) -> None:
    place = where(store, add(store)[0])
    slipway.state.ignore_ranges = True
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="range"):
        store.get(place, offset=10)


def test_a_server_that_is_not_there_is_unavailable(configure: Configure, slipway: FakeSlipway) -> None:
    store = configure(slipway.url)
    url = add(store)[0]
    slipway.close()
    with pytest.raises(exceptions.RemoteServiceUnavailable, match="Connection refused"):
        store.get(where(store, url))
    with pytest.raises(exceptions.RemoteServiceUnavailable):
        store.add(OTHER_ID, io.BytesIO(DATA), 0, "sha512")


@pytest.mark.parametrize("image_id", ["", "not-a-uuid", "../stores", ID + "x"])
def test_ids_that_are_no_uuid_are_refused(store: Any, slipway: FakeSlipway, image_id: str) -> None:
    with pytest.raises(exceptions.Invalid, match="UUID"):
        store.add(image_id, io.BytesIO(DATA), 0, "sha512")
    assert slipway.state.requests == []


def test_locations_of_others_are_refused(store: Any) -> None:
    with pytest.raises(exceptions.BadStoreUri):
        where(store, "vsphere://vc.example/folder/x?dcPath=DC0&dsName=images")
    with pytest.raises(exceptions.UnknownScheme):
        where(store, "rbd://pool/image")


def test_a_location_is_read_back(store: Any) -> None:
    url = add(store)[0]
    assert where(store, url).get_store_uri() == url


def test_what_the_driver_can_do(store: Any) -> None:
    bits = capabilities.BitMasks
    assert store.is_capable(bits.READ_RANDOM, bits.RW_ACCESS, bits.DRIVER_REUSABLE)
    assert glance_store.get_store_from_store_identifier("fast") is store


# Credentials


def test_a_token_is_sent_and_never_logged(
    configure: Configure, slipway: FakeSlipway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slipway.state.tokens = {SECRET}
    store = configure(slipway.url, slipway_token=SECRET)
    add(store)
    store.conf.log_opt_values(logging.getLogger("options"), logging.DEBUG)
    slipway.state.tokens = {"another"}
    with pytest.raises(exceptions.Forbidden) as refused:
        store.add(OTHER_ID, io.BytesIO(DATA), 0, "sha512")
    assert SECRET not in str(refused.value)
    assert "fast.slipway_token" in caplog.text
    assert SECRET not in caplog.text


KEYSTONE = "http://keystone.example/v3"
KEYSTONE_USER = {
    "auth_type": "v3password",
    "auth_url": KEYSTONE,
    "username": "glance",
    "password": SECRET,
    "project_name": "service",
    "user_domain_id": "default",
    "project_domain_id": "default",
}


def test_a_user_of_keystone_gets_a_new_token_when_the_old_one_is_refused(
    configure: Configure, slipway: FakeSlipway, requests_mock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        {"json": keystone_fixture.V3Token(), "headers": {"X-Subject-Token": token}}
        for token in ("first", "second")
    ]
    requests_mock.post(f"{KEYSTONE}/auth/tokens", answers)
    store = configure(slipway.url, **KEYSTONE_USER)
    slipway.state.tokens = {"first"}
    add(store)
    slipway.state.tokens = {"second"}
    store.add(OTHER_ID, io.BytesIO(DATA), 0, "sha512")
    assert len(slipway.state.objects) == 2
    assert requests_mock.call_count == 2
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("status", "expected"), [(401, exceptions.Forbidden), (503, exceptions.RemoteServiceUnavailable)]
)
def test_a_keystone_that_gives_no_token_is_told_apart(
    configure: Configure, slipway: FakeSlipway, requests_mock: Any, status: int, expected: type[Exception]
) -> None:
    requests_mock.post(f"{KEYSTONE}/auth/tokens", status_code=status)
    store = configure(slipway.url, **KEYSTONE_USER)
    with pytest.raises(expected, match="Keystone"):
        add(store)
    assert slipway.state.requests == []


# Configuration


def test_tls_is_checked_with_the_ca_file(
    configure: Configure, certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeSlipway(tls=certificate)
    try:
        trusted = configure(server.url, slipway_ca_file=str(certificate[0]))
        assert read(trusted.get(where(trusted, add(trusted)[0]))) == DATA
        careless = configure(server.url, slipway_ca_file=None, slipway_insecure=True)
        careless.delete(where(careless, f"slipway://fast/{ID}"))
        strict = configure(server.url, slipway_insecure=False)
        with pytest.raises(exceptions.RemoteServiceUnavailable, match="not trusted"):
            add(strict)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"url": None}, "set slipway_url and slipway_store"),
        ({"slipway_store": None}, "set slipway_url and slipway_store"),
        ({"url": "slipway.example:9294"}, "https://HOST:PORT"),
        ({"url": "ftp://slipway.example"}, "https://HOST:PORT"),
        ({"url": "https://slipway.example:none"}, "https://HOST:PORT"),
        ({"url": "https://user:pass@slipway.example"}, "https://HOST:PORT"),
        ({"url": "https://slipway.example", "slipway_ca_file": "/nowhere.pem"}, "can not be read"),
        ({"url": "https://slipway.example", "slipway_ca_file": __file__}, "holds no certificate"),
        ({"auth_type": "v3password", "slipway_token": "t", "auth_url": "http://k"}, "leave one out"),
        ({"auth_type": "no-such-plugin"}, "Keystone options"),
    ],
)
def test_a_wrong_configuration_disables_the_store_and_says_why(
    configure: Configure, options: dict[str, str | None], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = configure(**{"url": "http://127.0.0.1:1", **options})
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("section [fast]" in text and reason in text for text in errors)
    with pytest.raises(exceptions.StoreAddDisabled):
        add(store)
    place = where(store, f"slipway://fast/{ID}")
    for call in (store.get, store.get_size):
        with pytest.raises(exceptions.StoreGetNotSupported):
            call(place)


def test_glance_starts_without_slipway(configure: Configure) -> None:
    store = configure("http://127.0.0.1:1")
    assert store.is_capable(capabilities.BitMasks.RW_ACCESS)
