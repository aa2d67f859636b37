"""The client: what it sends, what it takes for an answer, and what it does not."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from foreign_tokens import DATA, ForeignAuthority, tst_info

from trustworks.core.der.algorithms import HASHES, algorithm_identifier
from trustworks.core.der.encode import (
    GENERALIZED_TIME,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    integer,
    oid,
    tlv,
)
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.timestamping import client, wire
from trustworks.timestamping.model import PkiFailureInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from trustworks.timestamping.service import TimestampingAuthority

URL = "http://tsa.test/tsa"


def answering(answer: httpx.Response | Exception) -> httpx.MockTransport:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/timestamp-query"
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handler)


def reply(body: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(200, content=body, headers={"content-type": client.REPLY} | headers)


def test_an_answer_is_handed_on(authority: TimestampingAuthority, query: Callable[..., bytes]) -> None:
    request = query(nonce=5)
    response = authority.stamp(request)
    got = client.request_token(URL, request, transport=answering(reply(response)))
    assert got == response
    client.check_answer(client.granted_token(got), request)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.ConnectError("refused"), "timestamping.unreachable"),
        (httpx.ReadTimeout("slow"), "timestamping.unreachable"),
        (httpx.Response(503), "timestamping.http"),
        (httpx.Response(302, headers={"location": "http://elsewhere.test/"}), "timestamping.http"),
    ],
    ids=["refused", "slow", "503", "redirect"],
)
def test_no_answer_of_the_protocol(answer: httpx.Response | Exception, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        client.request_token(URL, b"request", transport=answering(answer))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}),
        httpx.Response(200, content=b"no type"),
        reply(bytes(wire.MAX_RESPONSE + 1)),
    ],
    ids=["html", "no-type", "too-long"],
)
def test_answers_of_another_kind_are_refused(answer: httpx.Response) -> None:
    with pytest.raises(Malformed):
        client.request_token(URL, b"request", transport=answering(answer))


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://tsa.test/", "http://[::1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(Unavailable):
        client.request_token(url, b"request")


def test_a_server_that_is_not_trusted_is_told_with_the_way_to_trust_it() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    with pytest.raises(Unavailable, match="--tls-trust FILE") as caught:
        client.request_token("https://tsa.test/tsa", b"request", transport=answering(error))
    assert caught.value.code == "timestamping.unreachable"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["absent", "empty", "text"])
def test_anchors_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "anchor.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Malformed, match=r"anchor\.pem (cannot be read|holds no certificates)"):
        client.request_token("https://tsa.test/tsa", b"request", tls_trust=[file])


@pytest.mark.req("RFC3161:2.2-ANSWER", "RFC3161:2.4.2-NO-TOKEN")
def test_a_refusal_is_told_with_its_own_code(authority: TimestampingAuthority) -> None:
    with pytest.raises(Rejected, match="refused") as caught:
        client.granted_token(authority.stamp(b"nonsense"))
    assert caught.value.code == "badDataFormat"
    for failure in PkiFailureInfo:
        with pytest.raises(Rejected, match="in words") as caught:
            client.granted_token(wire.encode_failure(failure, "in words"))
        assert caught.value.code == failure.code


@pytest.mark.parametrize(
    "response",
    [b"", b"\x30\x00", bytes.fromhex("30053003020100"), bytes.fromhex("30053003020105")],
    ids=["empty", "no-status", "granted-without-token", "unknown-status"],
)
def test_answers_that_make_no_sense(response: bytes) -> None:
    with pytest.raises((Malformed, Rejected)):
        client.granted_token(response)


def test_a_refusal_that_carries_a_token_is_malformed(
    authority: TimestampingAuthority, query: Callable[..., bytes]
) -> None:
    response = authority.stamp(query())
    assert response[4:9] == bytes.fromhex("3003020100")
    with pytest.raises(Malformed, match="contradict"):
        client.granted_token(response[:8] + b"\x02" + response[9:])


@pytest.mark.req("RFC3161:2.2-ANSWER")
@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"data": b"another document"}, "imprint"),
        ({"nonce": 6}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"policy": "2.999.3161.8"}, "policy"),
    ],
)
def test_an_answer_to_another_request_is_not_taken(
    authority: TimestampingAuthority, query: Callable[..., bytes], other: dict[str, object], what: str
) -> None:
    token = client.granted_token(authority.stamp(query(nonce=5)))
    with pytest.raises(Rejected, match=what) as caught:
        client.check_answer(token, query(**{"nonce": 5, **other}))
    assert caught.value.code == "timestamp.other-answer"


@pytest.mark.req("RFC3161:2.2-ANSWER")
def test_a_hash_algorithm_with_null_parameters_is_the_same_as_one_without() -> None:
    """RFC 5754, 2: both are to be accepted; BouncyCastle writes NULL, whatever was asked with."""
    tsa = ForeignAuthority()
    digest = tlv(OCTET_STRING, sha256(DATA).digest())
    for parameters in (b"", tlv(NULL)):
        imprint = tlv(SEQUENCE, algorithm_identifier(HASHES["sha256"].oid, parameters), digest)
        token = tsa.token(tst_info(imprint=imprint, nonce=integer(7)))
        request = wire.encode_request(sha256(DATA).digest(), "sha256", nonce=7)
        assert client.check_answer(token, request).tst_info.nonce == 7


@pytest.mark.req("RFC3161:2.2-ANSWER")
@pytest.mark.parametrize("other", [HASHES["sha3_256"].oid, HASHES["sha512_256"].oid, "1.2.840.113549.2.5"])
def test_an_imprint_by_another_hash_function_is_not_taken(other: str) -> None:
    imprint = tlv(SEQUENCE, algorithm_identifier(other), tlv(OCTET_STRING, sha256(DATA).digest()))
    request = wire.encode_request(sha256(DATA).digest(), "sha256")
    with pytest.raises(Rejected, match="hash algorithm") as caught:
        client.check_answer(ForeignAuthority().token(tst_info(imprint=imprint)), request)
    assert caught.value.code == "timestamp.other-answer"


@pytest.mark.parametrize(
    "url", ["http://a..b/", f"http://{'a' * 300}.test/", "http://xn--\N{SNOWMAN}/", "http://xn--.../"]
)
def test_an_address_that_no_name_can_be_is_told(url: str) -> None:
    with pytest.raises(Unavailable, match=r"cannot be (reached|used): .*\.$") as caught:
        client.request_token(url, b"request")
    assert caught.value.code == "timestamping.unreachable"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("HTTP_PROXY", "ftp://127.0.0.1:9"),
        ("SSL_CERT_FILE", "/nowhere/at-all.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
    ids=["socks", "ftp", "absent", "no-certificate"],
)
def test_an_environment_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    for known in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(known, raising=False)
        monkeypatch.delenv(known.lower(), raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(Unavailable, match=r"cannot be reached: .*ALL_PROXY.*SSL_CERT_FILE") as caught:
        client.request_token("http://127.0.0.1:9/tsa", b"request")
    assert caught.value.code == "timestamping.unreachable"


STATUS = b"HTTP/1.1 200 OK\r\n"
HEADERS = STATUS + b"content-type: application/timestamp-reply\r\n"


@pytest.mark.parametrize(
    ("scheme", "at_once", "drips"),
    [
        ("http", b"", b""),
        ("http", b"", STATUS + b"a: " + b"a" * 1000),
        ("http", STATUS, b"a: " + b"a" * 1000),
        ("http", HEADERS + b"content-length: 1000\r\n\r\n", bytes(1000)),
        ("https", b"", b""),
    ],
    ids=["silence", "status", "headers", "body", "handshake"],
)
def test_an_answer_that_drips_is_given_up_when_the_time_is_over(
    scheme: str, at_once: bytes, drips: bytes
) -> None:
    """By a real server that sends an octet each 20 ms, so that no single wait for it is a long one."""
    over, dripped = threading.Event(), threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):  # the client may be gone
            connection.sendall(at_once)
            for one in drips:
                if over.wait(0.02):
                    return
                connection.sendall(bytes([one]))
            if drips:
                dripped.set()
            over.wait()

    with socket.create_server(("127.0.0.1", 0)) as here:
        here.settimeout(10)
        serving = threading.Thread(target=drip, args=(here,))
        serving.start()
        url = f"{scheme}://127.0.0.1:{here.getsockname()[1]}/tsa"
        try:
            with pytest.raises(Unavailable, match=r"did not answer in time: 0\.3 seconds") as caught:
                client.request_token(url, b"request", timeout=0.3)
            assert not dripped.is_set()  # nobody waited for the last octet
        finally:
            over.set()
            serving.join(10)
    assert caught.value.code == "timestamping.unreachable"


def test_an_answer_without_an_end_is_given_up_by_its_size() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1000)

    answer = httpx.Response(200, content=endless(), headers={"content-type": client.REPLY})
    with pytest.raises(Malformed, match="more than"):
        client.request_token(URL, b"request", transport=answering(answer))


@pytest.mark.req("RFC3161:2.2-ANSWER", "RFC3161:2.4.2-VERSION")
def test_an_answer_that_no_verifier_may_take_is_not_taken() -> None:
    request = wire.encode_request(sha256(DATA).digest(), "sha256")
    with pytest.raises(Refused, match="version 1") as caught:
        client.check_answer(ForeignAuthority().token(tst_info(version=integer(2))), request)
    assert caught.value.requirement == "RFC3161:2.4.2-VERSION"


@pytest.mark.req("RFC3161:2.2-SIGNED-ANSWER")
@pytest.mark.parametrize("cert_req", [True, False])
def test_an_answer_whose_signature_does_not_verify_is_not_taken(*, cert_req: bool) -> None:
    request = wire.encode_request(sha256(DATA).digest(), "sha256", cert_req=cert_req)
    token = ForeignAuthority().token()
    client.check_answer(token, request)
    with pytest.raises(Rejected) as caught:
        client.check_answer(token[:-1] + bytes([token[-1] ^ 1]), request)
    assert caught.value.code == "timestamp.signature"


@pytest.mark.req("RFC3161:2.2-SIGNED-ANSWER")
def test_an_answer_without_certificates_is_looked_at_as_far_as_it_can_be() -> None:
    tsa = ForeignAuthority()
    request = wire.encode_request(sha256(DATA).digest(), "sha256", cert_req=False)
    client.check_answer(tsa.token(certificates=[]), request)
    with pytest.raises(Refused) as refused:
        client.check_answer(tsa.token(certificates=[], digests=[]), request)
    assert refused.value.requirement == "RFC5652:5.1-DIGEST-ALGORITHMS"
    with pytest.raises(Rejected) as rejected:
        client.check_answer(tsa.token(certificates=[], signer={"reference_": b""}), request)
    assert rejected.value.code == "timestamp.no-reference"


@pytest.mark.req("RFC3161:2.4.1-CERTIFICATE-SENT")
@pytest.mark.parametrize("which", ["none", "another"])
def test_an_answer_has_the_certificate_that_was_asked_for(which: str) -> None:
    tsa = ForeignAuthority()
    token = tsa.token(certificates=[] if which == "none" else [tsa.ca])
    for asked in (True, False):
        request = wire.encode_request(sha256(DATA).digest(), "sha256", cert_req=asked)
        if not asked:
            assert client.check_answer(token, request).der == token
            continue
        with pytest.raises(Refused, match="--no-cert") as caught:
            client.check_answer(token, request)
        assert caught.value.requirement == "RFC3161:2.4.1-CERTIFICATE-SENT"


def test_a_refusal_s_text_moves_no_terminal() -> None:
    answer = wire.encode_failure(PkiFailureInfo.BAD_ALG, "\x1b[31mno\r\nok")
    with pytest.raises(Rejected) as caught:
        client.granted_token(answer)
    assert str(caught.value) == r"The time-stamping authority refused: \x1b[31mno\r\nok"


def test_a_proxy_of_the_environment_is_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # where nobody answers
    with socket.create_server(("127.0.0.1", 0)) as here:
        here.settimeout(10)
        asked = threading.Thread(target=_ask, args=(f"http://127.0.0.1:{here.getsockname()[1]}/tsa",))
        asked.start()
        with here.accept()[0] as connection:
            said = connection.recv(4096)
        asked.join(10)
    assert said.startswith(b"POST /tsa HTTP/1.1")


def _ask(url: str) -> None:
    with suppress(Unavailable):
        client.request_token(url, b"", timeout=5)


SECRET = [
    *("http://who:s3cret@tsa.test/tsa", "http://who:s@3cret@tsa.test/tsa", "http://s3cret@tsa.test/"),
    *("http://who:s3cret/x@tsa.test/", "http://who:s3cret?x@tsa.test/", "http://who:s3#cret@tsa.test/"),
    *("http://who:1234/s3cret@tsa.test/", "http://who:s3 cret@tsa.test/", "http:who:s3cret@tsa.test"),
    *("http://who:s3cret@[::/", "who:s3cret@tsa.test/tsa", "http://who:s3cret@127.0.0.1:99999/"),
]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("no way to http://who:s3cret@tsa.test/tsa"),
        httpx.ReadTimeout("too slow"),
        httpx.Response(500),
        httpx.Response(200, content=b"hello", headers={"content-type": "text/html"}),
        httpx.Response(200, content=bytes(300_000), headers={"content-type": client.REPLY}),
        OSError("no file for http://who:s3cret@tsa.test/tsa"),
    ],
    ids=["unreachable", "slow", "status", "type", "long", "system"],
)
@pytest.mark.parametrize("url", SECRET)
def test_a_password_in_the_address_is_told_to_nobody(url: str, answer: httpx.Response | Exception) -> None:
    with pytest.raises(TrustworksError) as caught:
        client.request_token(url, b"request", transport=answering(answer))
    assert not any(part in str(caught.value) for part in ("3cret", "1234", "s3", "who"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("lalala", "lalala"),
        ("ftp://tsa.test/a", "ftp://tsa.test/a"),
        ("", "''"),
        ("http://who:s3cret@tsa.test/tsa", "http://***@tsa.test/tsa"),
        ("who:s3cret@tsa.test?key=s3cret", "***@tsa.test?***"),
        ("tsa.test/tsa?key=s3cret", "tsa.test/tsa?***"),
        ("tsa.test/tsa#s3cret", "tsa.test/tsa#***"),
        ("ftp://tsa.test/?mail=a@b&key=s3cret", "***"),
        ("http://who:s3cret?x@tsa.test/&s3cret", "http://***"),
        ("l" * 100_000, "l" * 200 + "..."),
    ],
)
def test_of_an_address_that_cannot_be_used_all_is_shown_but_secrets(url: str, shown: str) -> None:
    with pytest.raises(Unavailable) as caught:
        client.request_token(url, b"request")
    assert str(caught.value).startswith(f"The address {shown} cannot be used: ")


def test_a_key_in_a_query_is_not_shown() -> None:
    with pytest.raises(Unavailable, match=r"^http://tsa\.test/tsa\?\*\*\* answered with") as caught:
        client.request_token(
            "http://tsa.test/tsa?key=s3cret", b"request", transport=answering(httpx.Response(500))
        )
    assert "s3cret" not in str(caught.value)


def test_an_address_with_a_name_and_a_password_is_refused_with_the_reason() -> None:
    answer = httpx.ConnectError("this was sent")
    for url in ("http://who:s3cret@tsa.test/tsa", "https://who@tsa.test/"):
        with pytest.raises(Unavailable, match=r"before an @.* without") as caught:
            client.request_token(url, b"request", transport=answering(answer))
        assert caught.value.code == "timestamping.unreachable"
    with pytest.raises(Unavailable, match="this was sent"):
        client.request_token("http://tsa.test/a@b", b"request", transport=answering(answer))


@pytest.mark.parametrize("port", [65536, 99999, 10**9])
def test_a_port_that_there_is_not_is_refused_before_anything_is_sent(port: int) -> None:
    with pytest.raises(Unavailable, match=f"port {port}, .* 65535") as caught:
        client.request_token(
            f"http://127.0.0.1:{port}/tsa", b"request", transport=answering(httpx.ConnectError("sent"))
        )
    assert caught.value.code == "timestamping.unreachable"


def test_several_errors_at_once_are_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a proxy with a port that there is not makes them."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:99999")
    with pytest.raises(
        Unavailable, match=r"cannot be reached: .*port must be 0-65535.* HTTP_PROXY"
    ) as caught:
        client.request_token(URL, b"request", timeout=5)
    assert caught.value.code == "timestamping.unreachable"


@pytest.mark.parametrize("scheme", ["http", "ftp"])
@pytest.mark.parametrize("rest", ["s3cret@127.0.0.1:99999", "s3cret/x@proxy.test", "s3cret?@proxy.test"])
def test_a_password_in_the_address_of_a_proxy_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch, scheme: str, rest: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"{scheme}://who:{rest}")
    with pytest.raises(Unavailable, match=r"cannot be reached: .* HTTP_PROXY") as caught:
        client.request_token(URL, b"request", timeout=5)
    assert "3cret" not in str(caught.value)


def test_a_refused_connection_is_told_in_the_system_s_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
    with pytest.raises(Unavailable, match=r"cannot be reached: Connection refused\. Look") as caught:
        client.request_token(f"http://127.0.0.1:{port}/tsa", b"request")
    assert caught.value.code == "timestamping.unreachable"


def test_a_name_that_is_not_resolved_is_given_up_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def resolve(*_given: object, **_more: object) -> list[object]:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "given up")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    before = set(threading.enumerate())
    try:
        with pytest.raises(Unavailable, match=r"did not answer in time: 0\.3 seconds"):
            client.request_token(URL, b"request", timeout=0.3)
        # Those that the interpreter would wait for when it ends.
        waiting = [one for one in threading.enumerate() if one not in before and not one.daemon]
    finally:
        over.set()
    for one in set(threading.enumerate()) - before:
        one.join(10)
    assert not waiting


@pytest.mark.parametrize("part", ["year", "subject", "unknown"])
def test_an_anchor_that_the_library_of_tls_does_not_take_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """One library reads of a certificate what it is asked for, the other all of it."""
    tsa, never = ForeignAuthority(), tlv(GENERALIZED_TIME, b"00000101000000Z")
    number = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid("2.5.4.3"), integer(5))))
    der = {
        "year": tsa.certify(validity=(never, never)),
        "subject": tsa.certify(subject=number),
        "unknown": tsa.ca,
    }[part]
    if part == "unknown":

        def refuse(*_given: object, **_more: object) -> None:
            raise ssl.SSLError(1, "not enough data: cadata does not contain a certificate")

        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    file = tmp_path / "anchor.pem"
    file.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    with pytest.raises(Malformed, match=r"anchor\.pem holds no certificates"):
        client.request_token("https://tsa.test/tsa", b"request", tls_trust=[file])
