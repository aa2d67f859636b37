"""What shows control over a name; attempts against real servers on this machine; the queue."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import ec_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from issuance_testbed import START
from name_server import name_server

from trustworks.core.addresses import is_public
from trustworks.issuance.config.acme import AcmeSettings
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import validation as rules
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts, Proof
from trustworks.issuance.enrolment.acme.validation.queue import open_queue
from trustworks.issuance.enrolment.acme.validation.resolver import DnsResolver
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from acme_testbed import Acme

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
NAME = "www.example.com"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
EXPECTED = f"{TOKEN}.thumbprint"
DIGEST = hashlib.sha256(EXPECTED.encode()).digest()


def proof(type_: str, name: str = NAME) -> Proof:
    return Proof(type=type_, name=name, token=TOKEN, thumbprint="thumbprint")


class Names:
    """A resolver that knows what it was told."""

    def __init__(self, addresses: Mapping[str, Sequence[str]], texts: Sequence[bytes] = ()) -> None:
        self._addresses = addresses
        self._texts = texts
        self.asked: list[str] = []

    def addresses(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self._addresses.get(name, ())

    def texts(self, name: str) -> Sequence[bytes]:
        self.asked.append(name)
        return self._texts


def settings(**changes: Any) -> AcmeSettings:
    given = {"secret-source": "x", "allow-private-addresses": True, "validation-seconds": 5.0}
    return AcmeSettings.model_validate(
        {**given, **{name.replace("_", "-"): value for name, value in changes.items()}}
    )


def code_of(attempts: Attempts, given: Proof) -> str:
    with pytest.raises(Problem) as refused:
        attempts.attempt(given)
    return refused.value.code


# http-01


@contextmanager
def web(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """A web server on this machine; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """The client goes away when it has seen enough."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def give(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_http_01_takes_the_file_at_its_place() -> None:
    seen = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.path, handler.headers["host"]))
        give(handler, 200, f"{EXPECTED}\r\n".encode())

    with web(answer) as port:
        names = Names({NAME: ["127.0.0.1"]})
        Attempts(settings(http_port=port), names).attempt(proof("http-01"))
    assert seen == [(f"/.well-known/acme-challenge/{TOKEN}", f"{NAME}:{port}")]
    assert names.asked == [NAME]


@pytest.mark.req("RFC8555:8.3-BODY")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"another"),
        (200, EXPECTED[:-1].encode()),
        (200, b" " + EXPECTED.encode()),
        (200, EXPECTED.encode() + b"x" * 5000),
        (404, EXPECTED.encode()),
        (500, EXPECTED.encode()),
        (206, EXPECTED.encode()),
    ],
)
def test_http_01_takes_nothing_else(status: int, body: bytes) -> None:
    with web(lambda handler: give(handler, status, body)) as port:
        attempts = Attempts(settings(http_port=port), Names({NAME: ["127.0.0.1"]}))
        assert code_of(attempts, proof("http-01")) == "unauthorized"


@pytest.mark.req("RFC8555:8.3-REDIRECT", "RFC8555:10.2-ADDRESS")
def test_http_01_follows_redirections_to_names_and_checks_each() -> None:
    targets: dict[str, str] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/moved":
            give(handler, 200, EXPECTED.encode())
        else:
            give(handler, 302, location=targets["to"])

    with web(answer) as port:
        addresses = {NAME: ["127.0.0.1"], "other.example.com": ["127.0.0.1"]}
        attempts = Attempts(settings(http_port=port), Names(addresses))
        targets["to"] = f"http://other.example.com:{port}/moved"
        attempts.attempt(proof("http-01"))
        targets["to"] = "/moved"
        attempts.attempt(proof("http-01"))
        for bad in (
            f"http://127.0.0.1:{port}/moved",
            f"http://[::1]:{port}/moved",
            "ftp://other.example.com/moved",
            "file:///etc/passwd",
            "http://other.example.com:22/moved",
            f"http://user@other.example.com:{port}/moved",
            f"http://localhost:{port}/moved",
            f"http://other_name.example.com:{port}/moved",
            f"http://other.example.com:{port}/\x7fmoved",
            "http://[bad/moved",
            "http://other.example.com:99999/",
            "",
            "x" * 3000,
            "/again",
        ):
            targets["to"] = bad
            assert code_of(attempts, proof("http-01")) == "connection", bad


@pytest.mark.req("RFC8555:10.2-ADDRESS")
def test_validation_reaches_no_private_network() -> None:
    reached = []
    with web(lambda handler: reached.append(handler.path)) as port:
        closed = settings(http_port=port, tls_port=port, allow_private_addresses=False)
        for address in ("127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"):
            attempts = Attempts(closed, Names({NAME: [address]}))
            for one in ("http-01", "tls-alpn-01"):
                assert code_of(attempts, proof(one)) == "connection"
    assert reached == []


@pytest.mark.req("RFC8555:10.2-ADDRESS")
@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("0.0.0.0", False),  # noqa: S104 - not listened on
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert is_public(address) is public
    assert rules.reachable([address], private_too=False) == ((address,) if public else ())
    assert rules.reachable([address], private_too=True) == (address,)


def test_an_attempt_is_bounded_in_time() -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "4000")
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    with web(drip) as port:
        attempts = Attempts(settings(http_port=port, validation_seconds=0.5), Names({NAME: ["127.0.0.1"]}))
        # Who waited for the last octet would have a whole answer, and another objection to it.
        assert code_of(attempts, proof("http-01")) == "connection"
        stop.set()


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
    with web(lambda handler: give(handler, 200, EXPECTED.encode())) as port:
        both = Names({NAME: ["127.9.9.9", "127.0.0.1"]})
        Attempts(settings(http_port=port), both).attempt(proof("http-01"))
    attempts = Attempts(settings(http_port=closed, tls_port=closed), Names({NAME: ["127.0.0.1"]}))
    for one in ("http-01", "tls-alpn-01"):
        assert code_of(attempts, proof(one)) == "connection"


def test_a_server_that_speaks_no_http_is_a_connection_problem() -> None:
    class Mute(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"220 mail.example.com ESMTP\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mute) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.server_address[1]
        attempts = Attempts(settings(http_port=port, tls_port=port), Names({NAME: ["127.0.0.1"]}))
        assert code_of(attempts, proof("http-01")) == "connection"
        assert code_of(attempts, proof("tls-alpn-01")) == "tls"
        server.shutdown()
        thread.join()


# dns-01


@pytest.mark.req("RFC8555:8.4-RECORD")
def test_dns_01_takes_the_digest_among_other_records() -> None:
    record = encoding.encode(DIGEST).encode()
    names = Names({}, [b"other", record])
    Attempts(settings(), names).attempt(proof("dns-01"))
    assert names.asked == [f"_acme-challenge.{NAME}"]
    bad: list[list[bytes]] = [[], [b""], [record + b"="], [EXPECTED.encode()], [DIGEST], [record[:-1]]]
    for one in bad:
        assert code_of(Attempts(settings(), Names({}, one)), proof("dns-01")) == "unauthorized"


def test_the_resolver_that_is_configured_is_asked() -> None:
    zone = {
        (NAME, "A"): ["192.0.2.7"],
        (NAME, "AAAA"): ["2001:db8::7"],
        (f"_acme-challenge.{NAME}", "TXT"): ['"one" "two"', '"three"'],
        ("empty.example.com", "MX"): ["1 mail.example.com."],
    }
    with name_server(zone) as address:
        resolver = DnsResolver(address, seconds=1.0)
        assert list(resolver.addresses(NAME)) == ["2001:db8::7", "192.0.2.7"]
        assert sorted(resolver.texts(f"_acme-challenge.{NAME}")) == [b"onetwo", b"three"]
        assert list(resolver.texts("nowhere.example.com")) == []
        assert list(resolver.addresses("a.localhost")) == ["::1", "127.0.0.1"]
        for name in ("nowhere.example.com", "empty.example.com", "broken.example.com", "mute.example.com"):
            with pytest.raises(Problem) as refused:
                resolver.addresses(name)
            assert refused.value.code == "dns"
        with pytest.raises(Problem):
            resolver.texts("broken.example.com")


# tls-alpn-01


def alpn_certificate(
    key: Any, names: Sequence[Any] = (NAME,), value: bytes = b"\x04\x20" + DIGEST, *, critical: bool = True
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1))
    )
    if names:
        listed = [x509.DNSName(one) if isinstance(one, str) else one for one in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
    if value:
        extension = x509.UnrecognizedExtension(rules.ACME_IDENTIFIER, value)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


@contextmanager
def tls_server(folder: Path, certificate: x509.Certificate, key: Any, alpn: str | None) -> Iterator[int]:
    file = folder / "alpn.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if alpn is not None:
        context.set_alpn_protocols([alpn])

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with context.wrap_socket(self.request, server_side=True) as session:
                    session.recv(1)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.req("RFC8737:3-ALPN", "RFC8737:3-CERTIFICATE")
def test_tls_alpn_01_takes_the_certificate_that_says_the_digest(tmp_path: Path) -> None:
    key = ec_key()
    good = alpn_certificate(key)
    for alpn, expected in (("acme-tls/1", None), ("h2", {"tls", "unauthorized"}), (None, {"unauthorized"})):
        with tls_server(tmp_path, good, key, alpn) as port:
            attempts = Attempts(settings(tls_port=port), Names({NAME: ["127.0.0.1"]}))
            if expected is None:
                attempts.attempt(proof("tls-alpn-01"))
            else:
                assert code_of(attempts, proof("tls-alpn-01")) in expected


@pytest.mark.req("RFC8737:3-CERTIFICATE")
@pytest.mark.parametrize(
    "changes",
    [
        {"names": ["other.example.com"]},
        {"names": [NAME, "other.example.com"]},
        {"names": []},
        {"value": b""},
        {"value": b"\x04\x20" + b"\0" * 32},
        {"value": DIGEST},
        {"critical": False},
    ],
)
def test_tls_alpn_01_takes_no_other_certificate(changes: dict[str, Any]) -> None:
    der = alpn_certificate(ec_key(), **changes).public_bytes(Encoding.DER)
    with pytest.raises(Problem) as refused:
        rules.check_alpn_certificate(der, NAME, EXPECTED)
    assert refused.value.code == "unauthorized"
    with pytest.raises(Problem):
        rules.check_alpn_certificate(b"", NAME, EXPECTED)


@pytest.mark.req("RFC8737:3-CERTIFICATE")
def test_tls_alpn_01_takes_an_address_as_an_address_alone(tmp_path: Path) -> None:
    address, key = x509.IPAddress(ipaddress.ip_address("127.0.0.1")), ec_key()
    with tls_server(tmp_path, alpn_certificate(key, [address]), key, "acme-tls/1") as port:
        Attempts(settings(tls_port=port), Names({})).attempt(proof("tls-alpn-01", "127.0.0.1"))
    for names in (["127.0.0.1"], [address, NAME], [x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]):
        der = alpn_certificate(key, names).public_bytes(Encoding.DER)
        with pytest.raises(Problem):
            rules.check_alpn_certificate(der, "127.0.0.1", EXPECTED)
    with pytest.raises(Problem):
        rules.check_alpn_certificate(
            alpn_certificate(key, [address]).public_bytes(Encoding.DER), NAME, EXPECTED
        )


def test_http_01_asks_an_address_itself_and_no_other_that_it_redirects_to() -> None:
    seen, target = [], {"to": ""}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["host"])
        if target["to"] and handler.path != "/moved":
            give(handler, 302, location=target["to"])
        else:
            give(handler, 200, EXPECTED.encode())

    with web(answer) as port:
        names = Names({"other.example.com": ["127.0.0.1"]})
        attempts = Attempts(settings(http_port=port), names)
        attempts.attempt(proof("http-01", "127.0.0.1"))
        assert seen == [f"127.0.0.1:{port}"]
        for good in (f"http://127.0.0.1:{port}/moved", f"http://other.example.com:{port}/moved"):
            target["to"] = good
            attempts.attempt(proof("http-01", "127.0.0.1"))
        target["to"] = f"http://127.0.0.2:{port}/moved"
        assert code_of(attempts, proof("http-01", "127.0.0.1")) == "connection"
        closed = Attempts(settings(http_port=port, allow_private_addresses=False), names)
        assert code_of(closed, proof("http-01", "127.0.0.1")) == "connection"
    assert names.asked == ["other.example.com"]


@pytest.mark.req("RFC8737:3-ALPN")
@pytest.mark.parametrize("chosen", [None, "h2", "acme-tls/1.0", ""])
def test_a_server_that_chose_no_acme_is_not_validated(chosen: str | None) -> None:
    with pytest.raises(Problem):
        rules.check_alpn_protocol(chosen)


# The queue


@pytest.mark.req("RFC8555:8.2-RETRY")
def test_a_failure_is_tried_again_and_then_final(acme: Acme) -> None:
    acme.failing[NAME] = Problem("connection", "nobody is there")
    client = acme.client()
    made = client.order(NAME, "two.example.com")
    url = made.header("location")
    assert url is not None
    (authorization,) = (
        one for one in made.json["authorizations"] if client.post(one).json["identifier"]["value"] == NAME
    )
    challenge = client.answer(authorization).json
    for attempt in range(1, 4):
        acme.validate()
        assert len(acme.attempts) == attempt
        acme.validate()  # not before its time
        assert len(acme.attempts) == attempt
        shown = client.post(challenge["url"])
        assert shown.json["error"]["type"].endswith(":connection")
        assert shown.json["error"]["identifier"] == {"type": "dns", "value": NAME}
        assert shown.json["status"] == ("processing" if attempt < 3 else "invalid")
        acme.provider.clock.advance(seconds=10)
    acme.validate()
    assert len(acme.attempts) == 3
    assert client.post(authorization).json["status"] == "invalid"
    order = client.post(url).json
    assert order["status"] == "invalid"
    assert order["error"]["detail"] == "nobody is there"
    events = acme.events()
    assert events.count("acme.validation-failed") == 2
    assert events.count("acme.authorization-invalid") == 1


def test_what_comes_true_meanwhile_is_seen_at_the_next_attempt(acme: Acme) -> None:
    acme.failing[NAME] = Problem("dns", "not yet")
    client = acme.client()
    url, order = client.ready(NAME)
    assert order["status"] == "pending"
    acme.failing.clear()
    acme.provider.clock.advance(seconds=10)
    acme.validate()
    assert client.post(url).json["status"] == "ready"


def test_an_attempt_that_a_dead_process_left_is_made_by_another(acme: Acme) -> None:
    client = acme.client()
    made = client.order(NAME)
    client.answer(made.json["authorizations"][0])
    now = acme.provider.clock.moment
    with acme.provider.database.begin() as connection:
        (id_,) = records.due_challenges(connection, now, 10)
        assert records.claim_challenge(connection, id_, now, now + timedelta(seconds=30))
        assert not records.claim_challenge(connection, id_, now, now + timedelta(seconds=30))
    acme.validate()
    assert acme.attempts == []
    acme.provider.clock.advance(seconds=31)
    another = acme.another_queue()
    assert another.round() == 1
    another.wait(60)
    acme.queue = acme.another_queue()
    acme.validate()
    assert client.post(made.header("location") or "").json["status"] == "ready"
    assert len(acme.attempts) == 1


@ONE
def test_one_challenge_is_enough_and_others_are_not_tried_any_more(acme: Acme) -> None:
    client = acme.client()
    authorization = client.order(NAME).json["authorizations"][0]
    client.answer(authorization, "http-01")
    client.answer(authorization, "dns-01")
    acme.validate()
    assert client.post(authorization).json["status"] == "valid"
    tried = len(acme.attempts)
    for _ in range(3):
        acme.provider.clock.advance(minutes=5)
        acme.validate()
    assert len(acme.attempts) == tried <= 2


@ONE
def test_what_a_strangers_server_makes_us_fail_at_is_a_failed_attempt(acme: Acme) -> None:
    acme.configure(validation_attempts=2)
    acme.failing[NAME] = ValueError("a fault of ours")  # type: ignore[assignment] # that is the point
    client = acme.client()
    url, _ = client.ready(NAME)
    for _ in range(4):
        acme.provider.clock.advance(minutes=5)
        acme.validate()
    assert len(acme.attempts) == 2
    order = client.post(url).json
    assert order["status"] == "invalid"
    assert "fault of ours" not in json.dumps(order)


@ONE
def test_an_answer_that_comes_too_late_changes_nothing(acme: Acme) -> None:
    client = acme.client()
    made = client.order(NAME)
    authorization = made.json["authorizations"][0]
    client.answer(authorization)
    acme.failing[NAME] = Problem("connection", "x")
    original = acme.queue._attempt

    def meanwhile(given: Proof) -> None:
        client.post(authorization, {"status": "deactivated"})
        original(given)

    acme.queue._attempt = meanwhile
    acme.validate()
    assert client.post(authorization).json["status"] == "deactivated"
    assert "acme.validation-failed" not in acme.events()


@ONE
def test_an_issuance_that_was_broken_off_ends_its_order(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready(NAME)
    error = RuntimeError("killed")
    acme.provider.key.error = error
    answer = client.finalize(order)
    assert (answer.status, answer.type) == (500, "serverInternal")
    assert "killed" not in answer.raw.body.decode()
    assert client.post(url).json["status"] == "processing"
    acme.provider.clock.advance(minutes=6)
    acme.queue.sweep()
    assert client.post(url).json["status"] == "invalid"


@ONE
def test_the_queue_of_the_settings_validates_for_real(acme: Acme) -> None:
    client = acme.client()
    order = client.order("www.localhost").json
    challenge = client.answer(order["authorizations"][0]).json
    shown = f"{challenge['token']}.{client.thumbprint}".encode()
    provider = acme.provider
    with web(lambda handler: give(handler, 200, shown)) as port:
        queue = open_queue(
            settings(http_port=port, resolver="127.0.0.1:9"),
            corroboration=Corroboration(lab=True),
            database=provider.database,
            recorder=provider.recorder,
            clock=provider.clock,
        )
        assert queue.round() == 1
        queue.close()
    assert client.post(order["authorizations"][0]).json["status"] == "valid"


@pytest.mark.req("RFC8555:8.3-REDIRECT")
@pytest.mark.parametrize(
    ("scheme", "port", "good"),
    [
        ("http", None, True),
        ("https", 443, True),
        ("http", 80, True),
        ("http", 22, False),
        ("https", 8443, False),
        ("ftp", None, False),
        ("file", None, False),
        ("gopher", 80, False),
        ("", None, False),
    ],
)
def test_redirections_lead_to_http_at_its_ports_alone(scheme: str, port: int | None, good: bool) -> None:
    if good:
        rules.check_redirect(scheme, port, ports=(80, 443))
        return
    with pytest.raises(Problem) as refused:
        rules.check_redirect(scheme, port, ports=(80, 443))
    assert refused.value.code == "connection"
