"""The shape of errors, routes that are not there, and requests that are no proper HTTP."""

from __future__ import annotations

import uuid

import pytest
from client import Api, read_all

HTML = "text/html; charset=UTF-8"
PLAIN = "text/plain; charset=UTF-8"
JSON = "application/json"


@pytest.mark.parametrize(
    ("accept", "shape"),
    [
        ("application/json", JSON),
        ("*/*", HTML),
        ("text/html", HTML),
        ("text/*", HTML),
        ("application/json, */*", HTML),
        ("application/json, */*;q=0.1", JSON),
        ("application/json;q=0.5, text/html;q=0.9", HTML),
        ("application/json;q=0.9, text/html;q=0.5", JSON),
        ("text/plain", PLAIN),
        ("application/xml", PLAIN),
        ("", PLAIN),
        (None, PLAIN),
    ],
)
def test_the_accept_header_chooses_the_shape(api: Api, accept: str | None, shape: str) -> None:
    answer = api.get(f"/v2/images/{uuid.uuid4()}", headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == shape
    if shape == JSON:
        body = answer.json()
        assert set(body) == {"message", "code", "title"}
        assert (body["code"], body["title"]) == ("404 Not Found", "Not Found")
    elif shape == HTML:
        assert "<title>404 Not Found</title>" in answer.text
        assert "<h1>404 Not Found</h1>" in answer.text
    else:
        assert answer.text.startswith("404 Not Found\n\n")


def test_html_is_escaped(api: Api) -> None:
    answer = api.get("/v2/images?sort_key=%3Cscript%3E", headers={"Accept": "*/*"})
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def test_errors_of_our_own_api_are_always_json(api: Api) -> None:
    answer = api.get("/slipway/v1/tasks/nothing", headers={"Accept": "*/*"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == JSON
    error = answer.json()["error"]
    assert (error["code"], error["title"]) == (404, "Not Found")
    assert error["message"]


def test_every_answer_has_a_request_id(api: Api) -> None:
    for path in ("/v2/images?limit=0", "/v2/images/none"):
        assert api.get(path).headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v2/images", {"GET", "POST"}),
        ("POST", "/v2/images/{id}", {"GET", "PATCH", "DELETE"}),
        ("PATCH", "/v2/images/{id}/members", {"GET", "POST"}),
        ("GET", "/v2/images/{id}/tags/x", {"PUT", "DELETE"}),
        ("GET", "/v2/images/{id}/actions/deactivate", {"POST"}),
        ("DELETE", "/v2/schemas/image", {"GET"}),
        ("HEAD", "/v2/images/{id}", {"GET", "PATCH", "DELETE"}),
        ("PUT", "/v2/images/{id}/locations", {"POST"}),
    ],
)
def test_a_known_path_names_its_methods(api: Api, method: str, path: str, allow: set[str]) -> None:
    answer = api(method, path.replace("{id}", str(uuid.uuid4())))
    assert answer.status_code == 405
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == allow


@pytest.mark.parametrize("path", ["/v2/images/{id}/tasks", "/v2/info/usage"])
def test_some_paths_are_there_for_one_method_only(api: Api, path: str) -> None:
    path = path.replace("{id}", api.create()["id"])
    assert api.get(path).status_code == 200
    for method in ("HEAD", "POST", "PUT", "DELETE", "PATCH"):
        assert api(method, path).status_code == 404, method


@pytest.mark.parametrize(
    ("path", "allow"), [("/v2/images", {"GET", "POST"}), ("/v2.7/images/{id}", {"GET", "PATCH", "DELETE"})]
)
def test_options_of_a_path_are_told(api: Api, path: str, allow: set[str]) -> None:
    answer = api("OPTIONS", path.replace("{id}", str(uuid.uuid4())))
    assert (answer.status_code, answer.content) == (200, b"")
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == allow


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/images/a/tasks", "/v2/info/usage", "/slipway/v1/nothing"])
def test_options_of_any_path_are_answered(api: Api, path: str) -> None:
    answer = api("OPTIONS", path)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "target",
    ["/v2/%ff", "/v2/images/%ff", "/v2/images/%c3", "/v2/images/%c0%af", "/v2/images?name=%ff", "/v2/images/%zz"],
)
def test_what_is_no_utf8_in_a_url_is_refused(api: Api, target: str) -> None:
    with api.connect() as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


def test_what_is_no_utf8_in_a_header_breaks_no_answer(api: Api) -> None:
    image_id = api.create(disk_format="raw", container_format="bare")["id"]
    for method, path, field in [
        ("PUT", f"/v2/images/{image_id}/file", b"x-image-meta-store: \xff\xfe"),
        ("PUT", f"/v2/images/{image_id}/file", b"x-openstack-image-size: \xff"),
        ("GET", f"/v2/images/{image_id}/file", b"Range: bytes=\xff-"),
        ("PATCH", f"/v2/images/{image_id}", b"Content-Type: \xff/\xff"),
        ("GET", f"/v2/images/{image_id}", b"X-OpenStack-Request-ID: \xff"),
        ("GET", f"/v2/images/{image_id}", b"X-Auth-Token: \xff"),
    ]:
        with api.connect() as connection:
            connection.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: application/json\r\n".encode()
                + b"Content-Length: 0\r\n" + field + b"\r\n\r\n"
            )
            answer = read_all(connection)
        assert int(answer[9:12]) < 500, (field, answer)
        answer.decode("utf-8")


@pytest.mark.parametrize("path", ["/v2/", "/v2/nothing", "/v2/images/", "/v2/images.json", "/v2/images/a/b/c/d"])
def test_unknown_paths_are_not_found(api: Api, path: str) -> None:
    assert api.get(path).status_code == 404


def test_an_unknown_method_on_an_unknown_path_is_not_implemented(api: Api) -> None:
    assert api("BREW", "/v2/nothing").status_code == 501


def test_a_doubled_slash_after_the_version_is_forgiven(api: Api) -> None:
    assert api.get("/v2//images?limit=0").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/images/{id}"),
        ("DELETE", "/v2/images/{id}"),
        ("GET", "/v2/images/{id}/file"),
        ("PUT", "/v2/images/{id}/tags/x"),
        ("POST", "/v2/images/{id}/actions/deactivate"),
        ("GET", "/v2/schemas/image"),
        ("POST", "/v2/metadefs/namespaces/none/tags/x"),
    ],
)
def test_a_body_where_none_belongs_is_refused(api: Api, method: str, path: str) -> None:
    image_id = api.create()["id"]
    assert api(method, path.replace("{id}", image_id), data=b"{}").status_code == 400
    assert api.show(image_id)["status"] == "queued"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v2/images", 200), ("/v2/tasks", 200), ("/v2/tasks/{id}", 404), ("/v2/metadefs/namespaces", 200)],
)
def test_a_body_that_nobody_reads_is_let_pass(api: Api, path: str, status: int) -> None:
    assert api.get(path.replace("{id}", str(uuid.uuid4())), data=b"{}").status_code == status


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"7", b"null", b'{"name": "\xff"}', b'{"name": 1e999}', b"[" * 100_000],
)
def test_a_body_that_is_no_image_is_refused(api: Api, body: bytes) -> None:
    assert api.post("/v2/images", data=body).status_code == 400


def test_a_huge_document_is_refused(api: Api) -> None:
    body = b'{"name": "' + b"x" * (2 << 20) + b'"}'
    assert api.post("/v2/images", data=body).status_code in (400, 413)


FRAMING = {
    "length-and-chunked": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked-and-length": (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
    "identity": (b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "xchunked": (b"Transfer-Encoding: xchunked\r\n\r\nGET /versions HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "gzip-chunked": (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "two-encodings": (b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two-lengths": (b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "length-list": (b"Content-Length: 4, 4\r\n\r\nabcd", 400),
    "length-plus": (b"Content-Length: +4\r\n\r\nabcd", 400),
    "length-minus": (b"Content-Length: -1\r\n\r\n", 400),
    "length-hex": (b"Content-Length: 0x4\r\n\r\nabcd", 400),
    "length-beyond-64-bits": (b"Content-Length: 18446744073709551616\r\n\r\n", 400),
    "folded": (b"X-A: b\r\n c\r\n\r\n", 400),
    "blank-before-colon": (b"X-A : b\r\n\r\n", 400),
    "two-hosts": (b"Host: b\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused_and_ends_the_connection(api: Api, name: str) -> None:
    fields, status = FRAMING[name]
    with api.connect() as connection:
        connection.sendall(b"POST /v2/images HTTP/1.1\r\nHost: a\r\n" + fields)
        answer = read_all(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /versions HTTP/1.1\r\n\r\n",
        b"GET http://a/versions HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v\xc3\xa9rsions HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /ver\x00sions HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /versions HTTP/1.1\nHost: a\n\n",
        b"POST /v2/images HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_head_is_refused(api: Api, head: bytes) -> None:
    with api.connect() as connection:
        connection.sendall(head)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 "), answer


@pytest.mark.parametrize(
    "fields",
    [
        b"".join(b"X-%d: a\r\n" % n for n in range(200)),
        b"X-Long: " + b"a" * 20000 + b"\r\n",
        b"X" * 300 + b": a\r\n",
    ],
)
def test_too_many_or_too_long_fields_are_refused(api: Api, fields: bytes) -> None:
    with api.connect() as connection:
        connection.sendall(b"GET /versions HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 431 "), answer


def test_trailers_are_ignored(api: Api) -> None:
    image_id = api.create()["id"]
    with api.connect() as connection:
        connection.sendall(
            b"PUT /v2/images/" + image_id.encode() + b"/file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\nContent-Length: 999\r\nX-Roles: admin\r\n\r\n"
        )
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 204 "), answer
    assert api.show(image_id)["size"] == 3
