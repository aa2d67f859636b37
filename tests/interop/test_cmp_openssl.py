"""OpenSSL's CMP client against the server: it enrols, confirms, updates, revokes."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cmp_testbed import open_server, serial_of
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import open_provider

from trustworks.core.http import RawRequest
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.time import LabClock
from trustworks.issuance.http.cmp import routes
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cmp_testbed import Server

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]


class Judge:
    """A server on a port of this machine, and OpenSSL with the certificates in files."""

    def __init__(self, server: Server, folder: Path, address: str) -> None:
        self.server = server
        self.folder = folder
        self.address = address
        self.root = self.write("root", server.provider.issuance.authority("root").certificate)
        self.issuing = self.write("issuing", server.provider.issuance.authority("issuing").certificate)

    def write(self, name: str, der: bytes) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        return file

    def key(self, name: str, *kind: str) -> Path:
        file = self.folder / f"{name}.key"
        options = kind or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        subprocess.run(["openssl", "genpkey", *options, "-out", file], check=True, capture_output=True)
        return file

    def cmp(self, command: str, *options: object) -> str:
        """`openssl cmp`; what it said. Its exit code is 0."""
        code, said = self.try_cmp(command, *options)
        assert code == 0, said
        return said

    def try_cmp(self, command: str, *options: object) -> tuple[int, str]:
        run = subprocess.run(
            [
                *("openssl", "cmp", "-config", "", "-cmd", command, "-server", self.address),
                *("-trusted", str(self.root), *map(str, options)),
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return run.returncode, run.stdout + run.stderr

    def secret(self, **changes: Any) -> tuple[str, ...]:
        given = self.server.secret("CN=*", **changes)
        return ("-ref", given["reference"], "-secret", f"pass:{given['secret']}")

    def certificate(self, name: str) -> bytes:
        """The certificate that OpenSSL wrote, after `openssl verify` accepted it."""
        file = self.folder / f"{name}.pem"
        subprocess.run(
            ["openssl", "verify", "-CAfile", self.root, "-untrusted", self.issuing, file],
            check=True,
            capture_output=True,
        )
        return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)

    def enrol(self, name: str, *more: str, command: str = "ir", by: tuple[str, ...] | None = None) -> bytes:
        out = ("-newkey", self.key(name), "-certout", self.folder / f"{name}.pem")
        self.cmp(command, *(by or self.secret()), "-subject", "/CN=pump 7 TEST", *out, *more)
        return self.certificate(name)

    def signed(self, name: str) -> tuple[str, ...]:
        return ("-cert", str(self.folder / f"{name}.pem"), "-key", str(self.folder / f"{name}.key"))

    def reason(self, certificate: bytes) -> RevocationReason | None:
        found = self.server.provider.issuance.status(serial_of(certificate))
        assert found is not None
        return None if found.revocation is None else found.revocation.reason


@contextmanager
def deciding(server: Server) -> Iterator[None]:
    """An officer who approves the first request that waits, once its client has asked after it in vain."""
    over = threading.Event()

    def decide() -> None:
        seen: set[bytes | None] = set()
        while not over.wait(0.1):
            for one in server.authority.waiting.list(all_states=False, limit=1):
                seen.add(one.conversation.nonce)  # another one with each answer
                if len(seen) < 2:
                    continue
                server.authority.waiting.decide(one.id, approve=True, by="officer", why="seen")
                return

    officer = threading.Thread(target=decide)
    officer.start()
    try:
        yield
    finally:
        over.set()
        officer.join()


@contextmanager
def served(server: Server) -> Iterator[str]:
    (route,) = (one for one in routes(server.authority, server.settings) if one.path == "/cmp")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] in route.content_types
            request = RawRequest(method="POST", path="/cmp", raw_path=b"/cmp", headers={}, body=body)

            async def call() -> Any:
                return await route.handler(request)

            answer = asyncio.run(call())
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"127.0.0.1:{listening.server_port}/cmp"
        listening.shutdown()
        thread.join()


@pytest.fixture
def judge(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[Judge]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        root = module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing = module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        key = module.generate_key_pair(label="cmp", algorithm=KeyAlgorithm.P256)
        with open_provider(database, root, issuing) as provider:
            provider.clock.moment = LabClock().now().utc  # OpenSSL has the machine's
            provider.issuance.create_root(root, by="ceremony")
            provider.issuance.create_issuing(issuing, by="ceremony")
            server = open_server(provider, key, tmp_path, **{"check-after-seconds": 1})
            provider.clock.moment = LabClock().now().utc
            with served(server) as address:
                yield Judge(server, tmp_path, address)


def test_a_first_certificate_with_explicit_and_with_implicit_confirmation(judge: Judge) -> None:
    out = judge.folder / "anchors.pem"
    judge.enrol("one", "-cacertsout", str(out))
    assert x509.load_pem_x509_certificates(out.read_bytes()) == [
        x509.load_der_x509_certificate(judge.server.provider.issuance.authority("root").certificate)
    ]
    judge.enrol("two", "-implicit_confirm")
    assert len(judge.server.serials()) == 2


@pytest.mark.parametrize(
    "options", [("-digest", "sha384"), ("-mac", "hmacWithSHA256"), ("-days", "30")], ids=str
)
def test_macs_and_wishes_that_clients_have(judge: Judge, options: tuple[str, ...]) -> None:
    judge.enrol("one", *options)


@pytest.mark.parametrize(
    "kind", [("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"), ("-algorithm", "ED25519")], ids=str
)
def test_keys_of_other_kinds(judge: Judge, kind: tuple[str, ...]) -> None:
    key = judge.key("other", *kind)
    out = judge.folder / "other.pem"
    judge.cmp("ir", *judge.secret(), "-subject", "/CN=pump 7 TEST", "-newkey", key, "-certout", out)
    judge.certificate("other")


def test_update_further_certificates_and_revocation_by_signatures(judge: Judge) -> None:
    first = judge.enrol("first")
    second = judge.enrol("second", command="kur", by=judge.signed("first"))
    judge.enrol("third", command="cr", by=judge.signed("second"))
    judge.cmp("rr", *judge.signed("first"), "-oldcert", judge.folder / "first.pem", "-revreason", "4")
    assert judge.reason(first) is RevocationReason.superseded
    code, said = judge.try_cmp(
        "kur", *judge.signed("first"), "-newkey", judge.key("no"), "-certout", "no.pem"
    )
    assert (code, "certRevoked" in said) == (1, True)
    assert judge.reason(second) is None


def test_pkcs10_by_secret_and_by_signature(judge: Judge) -> None:
    judge.enrol("first")
    for name, by in (("a", judge.secret()), ("b", judge.signed("first"))):
        key, csr, out = judge.key(name), judge.folder / f"{name}.csr", judge.folder / f"{name}.pem"
        subprocess.run(
            ["openssl", "req", "-new", "-key", key, "-subj", "/CN=pump 7 TEST", "-out", csr], check=True
        )
        judge.cmp("p10cr", *by, "-csr", csr, "-certout", out)
        judge.certificate(name)


@pytest.mark.parametrize("command", ["ir", "p10cr"])
def test_openssl_asks_again_until_an_officer_decided(judge: Judge, command: str) -> None:
    csr = judge.folder / "slow.csr"
    subject = ("-subj", "/CN=pump 7 TEST")
    subprocess.run(["openssl", "req", "-new", "-key", judge.key("slow"), *subject, "-out", csr], check=True)
    given = (
        ("-csr", csr)
        if command == "p10cr"
        else ("-newkey", judge.folder / "slow.key", "-subject", subject[1])
    )
    with deciding(judge.server):
        said = judge.cmp(
            command, *judge.secret(ask_officer=True), *given, "-certout", judge.folder / "slow.pem"
        )
    judge.certificate("slow")
    assert "pollrep" in said.lower()


def test_revocation_by_the_secret_of_the_enrolment(judge: Judge) -> None:
    secret = judge.secret()
    certificate = judge.enrol("first", by=secret)
    judge.cmp("rr", *secret, "-oldcert", judge.folder / "first.pem", "-revreason", "1")
    assert judge.reason(certificate) is RevocationReason.keyCompromise


@pytest.mark.parametrize("kind", ["caCerts", "certReqTemplate"])
def test_general_messages(judge: Judge, kind: str) -> None:
    judge.enrol("first")
    for by in (judge.secret(), judge.signed("first")):
        judge.cmp("genm", *by, "-infotype", kind)


def test_a_certificate_that_openssl_does_not_want_is_revoked(judge: Judge) -> None:
    strangers = judge.folder / "strangers.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-key", judge.key("stranger"), "-subj", "/CN=Another", "-out", strangers],
        check=True,
    )
    out = ("-newkey", judge.key("first"), "-certout", judge.folder / "first.pem")
    code, said = judge.try_cmp(
        "ir", *judge.secret(), "-subject", "/CN=pump 7 TEST", *out, "-out_trusted", strangers
    )
    assert (code, "pkiconf" in said.lower()) == (1, True), said
    (serial,) = judge.server.serials()
    found = judge.server.provider.issuance.status(serial)
    assert found is not None
    assert found.revocation is not None


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        (("-subject", "/CN=pump 7"), "badCertTemplate"),
        (("-subject", "/CN=pump 7 TEST/O=Another TEST"), "badCertTemplate"),
        (("-subject", "/CN=pump 7 TEST", "-popo", "0"), "badPOP"),
        (("-subject", "/CN=pump 7 TEST", "-popo", "-1"), "badPOP"),
        (("-subject", "/CN=pump 7 TEST", "-sans", "tsp.example.com"), "badCertTemplate"),
        (("-subject", "/CN=pump 7 TEST", "-unprotected_requests"), "badMessageCheck"),
    ],
    ids=str,
)
def test_refusals_are_verified_and_understood(judge: Judge, options: tuple[str, ...], failure: str) -> None:
    out = ("-newkey", judge.key("no"), "-certout", judge.folder / "no.pem")
    code, said = judge.try_cmp("ir", *judge.secret(), *out, *options)
    assert (code, failure in said) == (1, True), said
    assert not judge.server.serials()
