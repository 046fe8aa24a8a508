"""Both listeners over TLS, with certificates made for the test."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
import requests
from client import ANSWER_SECONDS, Api, octets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import Slipway


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """The paths of a certificate for 127.0.0.1, signed by itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "slipway")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "slipway.crt", folder / "slipway.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key_file.chmod(0o600)
    return certificate_file, key_file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-tls")
    certificate, key = make_certificate(work)
    options = {"DEFAULT": {"cert_file": certificate, "key_file": key}}
    server = Slipway(work, harness.local_backend(work), options, trust=certificate)
    yield server
    server.stop()


@pytest.fixture(params=["users", "services"])
def api(server: Slipway, request: pytest.FixtureRequest) -> Api:
    """Each of the two listeners."""
    return Api(server.url if request.param == "users" else server.service_url, server.verify)


def test_an_image_goes_up_and_comes_down(api: Api) -> None:
    data = octets((9 << 20) + 5)
    image_id = api.active(data)["id"]
    assert api.download(image_id).content == data
    part = api.download(image_id, Range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, data[1000:2000])
    chunked = api.create()["id"]
    assert api.upload(chunked, iter([data[:1], data[1:]])).status_code == 204
    assert api.download(chunked).content == data


def test_links_begin_with_https(api: Api) -> None:
    (version, *_) = api.get("/versions").json()["versions"]
    assert version["links"] == [{"rel": "self", "href": f"{api.url}/v2/"}]
    assert api.get("/v2").headers["Location"] == f"{api.url}/v2/"
    answer = api.post("/v2/images", json={})
    assert answer.headers["Location"] == f"{api.url}/v2/images/{answer.json()['id']}"


def test_a_client_that_trusts_others_does_not_trust_us(server: Slipway) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{server.url}/versions", timeout=ANSWER_SECONDS)
    assert Api(server.url, server.verify).get("/versions").status_code == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_before_tls_1_2_are_refused(server: Slipway) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=ANSWER_SECONDS) as plain:
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            context.wrap_socket(plain)


def test_plain_http_is_not_spoken_there(server: Slipway) -> None:
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=ANSWER_SECONDS) as plain:
        plain.sendall(b"GET /versions HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            assert not plain.recv(100).startswith(b"HTTP/")
        except ConnectionResetError:
            pass
    assert Api(server.url, server.verify).get("/versions").status_code == 200
