"""OpenSSL asks over HTTP, verifies our answers, and finds what was changed in them."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.core.http import RawRequest
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.http.status import routes
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.x509 import Certificate

    from trustworks.core.module import Module
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]


class Judge:
    """A provider that is served over HTTP, and OpenSSL with its certificates in files."""

    def __init__(self, provider: Provider, folder: Path, address: str) -> None:
        self.provider = provider
        self.folder = folder
        self.address = address
        for name, certificate in provider.certificates.items():
            self.write(name, certificate)

    def write(self, name: str, certificate: Certificate) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def ocsp(self, certificate: Certificate, *options: str, digest: str = "-sha1") -> tuple[int, str]:
        """`openssl ocsp`: its exit code and everything that it printed."""
        run = subprocess.run(
            [
                "openssl",
                "ocsp",
                "-issuer",
                self.folder / "issuing.pem",
                digest,
                "-cert",
                self.write("asked", certificate),
                "-CAfile",
                self.folder / "root.pem",
                "-verify_other",
                self.folder / "issuing.pem",
                *options,
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return run.returncode, run.stdout + run.stderr


@contextmanager
def served(provider: Provider) -> Iterator[str]:
    """The routes of the status services on a port of this machine."""
    found = routes(provider.services())

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            route = next(
                r
                for r in found
                if r.method == self.command
                and (path == r.path or (r.path.endswith("/") and path.startswith(r.path)))
            )
            if route.content_types:
                assert self.headers["content-type"] in route.content_types
            request = RawRequest(
                method=self.command, path=path, raw_path=self.path.encode(), headers={}, body=body
            )

            async def call() -> Any:
                return await route.handler(request)

            answer = asyncio.run(call())
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(answer.body)))
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def make_judge(module: Module, database: Database, tmp_path: Path) -> Iterator[Callable[..., Judge]]:
    """A function that sets up a provider now, by this machine's clock, because OpenSSL judges by that."""
    clock = TestClock(utc=datetime.now(UTC))
    with Recorder.open(database, "status") as recorder:

        def make(algorithm: KeyAlgorithm = KeyAlgorithm.P256, address: str = "") -> Judge:
            provider = Provider(
                module=module,
                database=database,
                recorder=recorder,
                clock=clock,
                settings=IssuanceSettings.model_validate({}),
            ).set_up(algorithm)
            return Judge(provider, tmp_path, address)

        yield make


@pytest.mark.req("RFC6960:2.2-01", "EN319411-1:OVR-6.6.3-02")
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA_3072])
def test_openssl_accepts_good_revoked_and_never_issued(
    make_judge: Callable[..., Judge], algorithm: KeyAlgorithm
) -> None:
    judge = make_judge(algorithm)
    provider = judge.provider
    good, revoked, never = provider.issue(), provider.issue(), provider.unrecorded()
    provider.revoke(revoked, RevocationReason.superseded)
    expected = (
        (good, "good", ""),
        (revoked, "revoked", "superseded"),
        (never, "revoked", "certificateHold"),
    )
    with served(provider) as address:
        for certificate, status, reason in expected:
            for nonce, digest in (
                ("-nonce", "-sha1"),
                ("-no_nonce", "-sha256"),
                ("-nonce", "-sha384"),
                ("-no_nonce", "-sha512"),
            ):
                code, said = judge.ocsp(certificate, nonce, "-url", f"{address}/ocsp", digest=digest)
                assert code == 0, said
                assert "Response verify OK" in said
                assert f"asked.pem: {status}" in said
                assert reason in said
                assert "Nonce Verify error" not in said


def test_openssl_asks_about_several_certificates_at_once(make_judge: Callable[..., Judge]) -> None:
    judge = make_judge()
    provider = judge.provider
    second = provider.issue()
    provider.revoke(second)
    with served(provider) as address:
        code, said = judge.ocsp(
            provider.issue(), "-cert", str(judge.write("second", second)), "-url", f"{address}/ocsp"
        )
    assert code == 0
    assert "Response verify OK" in said
    assert "asked.pem: good" in said
    assert "second.pem: revoked" in said


@pytest.mark.req("RFC6960:A.1-01", "RFC5019:6.2-02")
def test_openssl_accepts_what_a_get_brings(make_judge: Callable[..., Judge], tmp_path: Path) -> None:
    judge = make_judge()
    certificate = judge.provider.issue()
    asked, answered = tmp_path / "request.der", tmp_path / "answer.der"
    judge.ocsp(certificate, "-no_nonce", "-reqout", str(asked))
    path = quote(base64.b64encode(asked.read_bytes()).decode(), safe="")
    with served(judge.provider) as address:
        response = httpx.get(f"{address}/ocsp/{path}", timeout=30)
    answered.write_bytes(response.content)
    assert response.headers["content-type"] == "application/ocsp-response"
    assert response.headers["etag"]
    code, said = judge.ocsp(certificate, "-no_nonce", "-respin", str(answered))
    assert code == 0, said
    assert "Response verify OK" in said
    assert "asked.pem: good" in said


def test_openssl_finds_a_changed_answer_and_another_authority(
    make_judge: Callable[..., Judge], tmp_path: Path
) -> None:
    judge = make_judge()
    certificate = judge.provider.issue()
    asked, answered = tmp_path / "request.der", tmp_path / "answer.der"
    judge.ocsp(certificate, "-no_nonce", "-reqout", str(asked))
    der = bytearray(judge.provider.responder().answer(asked.read_bytes()).der)
    good = der.index(b"\x80\x00\x18\x0f")  # the status good, before thisUpdate
    der[good] = 0x82  # unknown
    answered.write_bytes(der)
    code, said = judge.ocsp(certificate, "-no_nonce", "-respin", str(answered))
    assert "Response Verify Failure" in said
    assert "Response verify OK" not in said
    with served(judge.provider) as address:
        code, said = judge.ocsp(
            certificate, "-issuer", str(tmp_path / "root.pem"), "-cert", str(tmp_path / "issuing.pem"),
            "-url", f"{address}/ocsp",
        )  # fmt: skip
    assert code in {0, 1}
    assert "unauthorized" in said or "issuing.pem: unknown" in said
