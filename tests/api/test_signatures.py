"""Signed images: the signature is verified over the bytes that are uploaded or imported."""

from __future__ import annotations

import base64
import datetime
import gzip
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import harness
import pytest
from client import Api, octets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509.oid import NameOID
from servers import Slipway
from origin import Answer, Origin

DATA = octets(100_000)


def certificate_of(key: Any, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def pss(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    return key.sign(data, scheme, hashes.SHA256())


class Keys:
    """A key manager that gives certificates by their ids."""

    def __init__(self, web: Origin) -> None:
        self.web = web
        self.tokens: list[str | None] = []
        self.deleted: list[str] = []

    def keep(self, payload: bytes) -> str:
        secret = str(uuid.uuid4())

        def give(request: BaseHTTPRequestHandler) -> Answer:
            self.tokens.append(request.headers["X-Auth-Token"])
            return 200, {"Content-Type": "application/octet-stream"}, payload

        def remove(request: BaseHTTPRequestHandler) -> Answer:
            assert request.command == "DELETE"
            self.deleted.append(secret)
            return 204, {}, b""

        self.web.answers[f"/v1/secrets/{secret}/payload"] = give
        self.web.answers[f"/v1/secrets/{secret}"] = remove
        return secret


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    web = Origin()
    yield Keys(web)
    web.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-signed")
    options: dict[str, dict[str, object]] = {
        "barbican": {"barbican_endpoint": keys.web.url},
        "import_filtering_opts": {"allowed_hosts": "127.0.0.1", "allowed_ports": str(keys.web.port)},
    }
    server = Slipway(work, harness.local_backend(work), options)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def unpacking(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Api]:
    work = tmp_path_factory.mktemp("slipway-unpacking")
    options: dict[str, dict[str, object]] = {
        "barbican": {"barbican_endpoint": keys.web.url},
        "image_import_opts": {"image_import_plugins": "['image_decompression']"},
    }
    server = Slipway(work, harness.local_backend(work), options)
    yield Api(server.url)
    server.stop()


@pytest.fixture
def api(server: Slipway) -> Api:
    return Api(server.url)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def signed(api: Api, signature: bytes, secret: str, **more: str) -> str:
    properties = {
        "img_signature": base64.b64encode(signature).decode(),
        "img_signature_hash_method": "SHA-256",
        "img_signature_key_type": "RSA-PSS",
        "img_signature_certificate_uuid": secret,
    }
    image_id: str = api.create(**(properties | more))["id"]
    return image_id


def test_a_signed_image_is_taken(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    image_id = signed(api, pss(rsa_key, DATA), keys.keep(certificate_of(rsa_key)))
    assert api.upload(image_id, DATA).status_code == 204
    assert api.show(image_id)["status"] == "active"


@pytest.mark.parametrize("kind", ["DSA", "ECC_SECP384R1", "ECC_SECP521R1"])
def test_every_kind_of_key_is_known(api: Api, keys: Keys, kind: str) -> None:
    key: Any = {
        "DSA": lambda: dsa.generate_private_key(2048),
        "ECC_SECP384R1": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ECC_SECP521R1": lambda: ec.generate_private_key(ec.SECP521R1()),
    }[kind]()
    sign = key.sign(DATA, hashes.SHA256()) if kind == "DSA" else key.sign(DATA, ec.ECDSA(hashes.SHA256()))
    image_id = signed(api, sign, keys.keep(certificate_of(key)), img_signature_key_type=kind)
    assert api.upload(image_id, DATA).status_code == 204


def test_other_bytes_are_refused_and_leave_nothing(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    image_id = signed(api, pss(rsa_key, DATA), keys.keep(certificate_of(rsa_key)))
    other = DATA[:-1] + b"?"
    assert api.upload(image_id, other).status_code == 400
    image = api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("queued", None, None)
    assert api.upload(image_id, DATA).status_code == 204


def test_what_can_not_be_verified_is_refused(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    good = keys.keep(certificate_of(rsa_key))
    signature = pss(rsa_key, DATA)
    for wrong in (
        {"img_signature": "no base64"},
        {"img_signature_hash_method": "MD5"},
        {"img_signature_key_type": "RSA"},
        {"img_signature_key_type": "DSA"},
        {"img_signature_certificate_uuid": "no-uuid"},
        {"img_signature_certificate_uuid": str(uuid.uuid4())},
        {"img_signature_certificate_uuid": keys.keep(b"no certificate")},
        {"img_signature_certificate_uuid": keys.keep(certificate_of(rsa_key, days=-1))},
        {"img_signature_certificate_uuid": keys.keep(certificate_of(rsa.generate_private_key(65537, 2048)))},
    ):
        image_id = signed(api, signature, good, **wrong)
        assert api.upload(image_id, DATA).status_code == 400, wrong
        assert api.show(image_id)["status"] == "queued"


def imported(api: Api, image_id: str, data: bytes) -> dict[str, Any]:
    """The task of an import of staged data."""
    assert api.stage(image_id, data).status_code == 204
    assert api.import_image(image_id, "glance-direct").status_code == 202
    task: dict[str, Any] = api.import_over(image_id)
    return task


def test_an_import_is_verified(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    image_id = signed(api, pss(rsa_key, DATA), keys.keep(certificate_of(rsa_key)))
    refused = imported(api, image_id, DATA[:-1] + b"?")
    assert (refused["status"], "not those that were signed" in refused["message"]) == ("failure", True)
    image = api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("queued", None, None)
    assert api.download(image_id).status_code == 204

    assert imported(api, image_id, DATA)["status"] == "success"
    assert api.show(image_id)["status"] == "active"
    assert api.download(image_id).content == DATA


def test_a_certificate_may_be_binary(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    der = x509.load_pem_x509_certificate(certificate_of(rsa_key)).public_bytes(serialization.Encoding.DER)
    image_id = signed(api, pss(rsa_key, DATA), keys.keep(der))
    assert imported(api, image_id, DATA)["status"] == "success"


def test_a_download_by_us_is_verified(api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey) -> None:
    for data, status in ((DATA, "active"), (DATA + b"?", "queued")):
        keys.web.files["/disk"] = data
        image_id = signed(api, pss(rsa_key, DATA), keys.keep(certificate_of(rsa_key)))
        method = {"name": "web-download", "uri": f"{keys.web.url}/disk"}
        answer = api.import_image(image_id, method)
        assert answer.status_code == 202, answer.text
        api.import_over(image_id)
        assert api.show(image_id)["status"] == status


def test_an_import_that_could_not_be_verified_is_refused_at_once(
    api: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey
) -> None:
    for secret in (str(uuid.uuid4()), keys.keep(b"no certificate")):
        image_id = signed(api, pss(rsa_key, DATA), secret)
        assert api.stage(image_id, DATA).status_code == 204
        assert api.import_image(image_id, "glance-direct").status_code == 400
        assert api.show(image_id)["status"] == "uploading"


def test_a_plug_in_that_changes_what_was_signed_fails_the_import(
    unpacking: Api, keys: Keys, rsa_key: rsa.RSAPrivateKey
) -> None:
    packed = gzip.compress(DATA)
    image_id = signed(unpacking, pss(rsa_key, packed), keys.keep(certificate_of(rsa_key)))
    task = imported(unpacking, image_id, packed)
    assert (task["status"], "plug-ins" in task["message"]) == ("failure", True), task
    assert unpacking.show(image_id)["status"] == "queued"

    image_id = signed(unpacking, pss(rsa_key, DATA), keys.keep(certificate_of(rsa_key)))
    assert imported(unpacking, image_id, packed)["status"] == "success", "of the bytes that are kept"
    assert unpacking.download(image_id).content == DATA


def test_three_of_the_four_properties_mean_nothing(api: Api) -> None:
    image_id = api.create(
        img_signature="x", img_signature_hash_method="y", img_signature_key_type="z"
    )["id"]
    assert api.upload(image_id, DATA).status_code == 204


def test_a_key_goes_with_its_image_where_that_is_wanted(api: Api, keys: Keys) -> None:
    kept, gone = keys.keep(b""), keys.keep(b"")
    for secret, policy in ((kept, "do_not_delete"), (gone, "on_image_deletion")):
        image_id = api.create(
            cinder_encryption_key_id=secret, cinder_encryption_key_deletion_policy=policy
        )["id"]
        assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert keys.deleted == [gone]


def test_an_image_goes_also_when_its_key_does_not(api: Api) -> None:
    image_id = api.create(
        cinder_encryption_key_id=str(uuid.uuid4()),
        cinder_encryption_key_deletion_policy="on_image_deletion",
    )["id"]
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert api.get(f"/v2/images/{image_id}").status_code == 404
