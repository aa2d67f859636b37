"""What a responder keeps never outlives a change of status, whichever process made that."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import status_revoker
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from sqlalchemy import event
from status_provider import SHA1, request

from trustworks.core.errors import Unavailable
from trustworks.issuance.model import RevocationReason, serial_hex
from trustworks.issuance.status import kept
from trustworks.issuance.status.ocsp import LOOK_EVERY

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from status_provider import Provider

    from trustworks.issuance.status import Responder

GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
ASKED_IN = 1.0  # seconds from the commit; the requirement


class Clock:
    """Seconds that stand where they are put."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(responder: Responder, asked: bytes) -> ocsp.OCSPCertStatus:
    return ocsp.load_der_ocsp_response(responder.answer(asked).der).certificate_status


def asked_about(provider: Provider, certificate: Certificate, nonce: bytes | None = None) -> bytes:
    return request(certificate, provider.certificates["issuing"], nonce=nonce)


@pytest.fixture
def statements(provider: Provider) -> list[str]:
    """What is sent to the database from now on."""
    found: list[str] = []
    event.listen(provider.database.engine, "before_cursor_execute", lambda *given: found.append(given[2]))
    return found


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-KEPT", "EN319411-1:REV-6.2.4-03C")
def test_a_revocation_by_another_process_is_told_within_a_second(provider: Provider) -> None:
    certificate = provider.issue()
    plain, nonced = asked_about(provider, certificate), asked_about(provider, certificate, b"n" * 16)
    responder = provider.responder(look_every=LOOK_EVERY, monotonic=time.monotonic, reuse_seconds=60)
    given = {
        "database": provider.database.settings.url,
        "serial": serial_hex(certificate.serial_number),
    }
    with subprocess.Popen(
        [sys.executable, Path(status_revoker.__file__), json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert {told(responder, plain), told(responder, nonced)} == {GOOD}
        other.stdin.write("now\n")
        other.stdin.flush()
        assert other.stdout.readline() == "revoked\n"
        committed = time.monotonic()
        seen = [GOOD]
        while seen[-1] is GOOD and time.monotonic() < committed + ASKED_IN:
            seen.append(told(responder, plain))
        assert seen[-1] is REVOKED
        assert told(responder, nonced) is REVOKED
        assert told(responder, plain) is REVOKED


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-KEPT")
@pytest.mark.parametrize("many", [1, 3])
def test_what_changed_is_dropped_and_the_rest_is_kept(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(kept, "_MOST_CHANGES", 3)
    clock = Clock()
    responder = provider.responder(look_every=0.2, monotonic=clock, reuse_seconds=60)
    certificates = [provider.issue() for _ in range(4)]
    asked = [asked_about(provider, one) for one in certificates]
    first = [responder.answer(one) for one in asked]
    for one in certificates[:many]:
        provider.revoke(one)
    assert [responder.answer(one) for one in asked] == first  # no look is due
    clock.now = 0.2
    assert [told(responder, one) for one in asked] == [REVOKED] * many + [GOOD] * (4 - many)
    again = responder.answer(asked[3])
    assert (again is first[3]) == (many < 3)  # too many changes: everything is dropped


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-KEPT")
def test_a_change_between_reading_and_keeping_is_not_lost(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    responder = provider.responder(look_every=0.2, monotonic=clock, reuse_seconds=60)
    certificate, other = provider.issue(), provider.issue()
    asked = asked_about(provider, certificate)
    told(responder, asked_about(provider, other))
    sign = responder._sign

    def revoked_meanwhile(*given: object) -> object:
        monkeypatch.undo()
        provider.revoke(certificate)
        clock.now = 0.2
        told(responder, asked_about(provider, other))  # another thread's request looks before this is kept
        return sign(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(responder, "_sign", revoked_meanwhile)
    responder.answer(asked)
    assert told(responder, asked) is REVOKED


def test_a_hold_and_its_end_are_told(provider: Provider) -> None:
    responder = provider.responder(reuse_seconds=60)
    certificate = provider.issue()
    asked = asked_about(provider, certificate)
    assert told(responder, asked) is GOOD
    provider.revoke(certificate, RevocationReason.certificateHold)
    assert told(responder, asked) is REVOKED
    provider.release(certificate)
    assert told(responder, asked) is GOOD


def test_what_is_kept_needs_no_statement_until_the_next_look(
    provider: Provider, statements: list[str]
) -> None:
    clock = Clock()
    responder = provider.responder(look_every=0.2, monotonic=clock, reuse_seconds=10)
    certificate = provider.issue()
    plain, nonced = asked_about(provider, certificate), asked_about(provider, certificate, b"n" * 16)
    first = responder.answer(plain)
    statements.clear()
    assert responder.answer(plain) is first
    assert told(responder, nonced) is GOOD
    assert statements == []
    clock.now = 0.2
    assert responder.answer(plain) is first
    assert 0 < len(statements) < 5
    clock.now = 10
    assert responder.answer(plain) is not first


@pytest.mark.req("RFC6960:2.3-01")
def test_nothing_that_is_kept_is_used_when_the_database_cannot_be_looked_at(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    responder = provider.responder(look_every=0.2, monotonic=clock, reuse_seconds=60)
    asked = asked_about(provider, provider.issue())
    first = responder.answer(asked)

    def fails() -> None:
        raise Unavailable("store.stopped", "the database is stopped")

    monkeypatch.setattr(provider.database, "read", fails)
    assert responder.answer(asked) is first
    clock.now = 0.2
    assert responder.answer(asked).result == "tryLater"
    monkeypatch.undo()
    assert responder.answer(asked) is first


def test_spellings_of_a_request_do_not_fill_the_memory(provider: Provider) -> None:
    responder = provider.responder(reuse_seconds=60)
    certificate, issuer = provider.issue(), provider.certificates["issuing"]
    for number in range(10):
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\4\1%c" % number)
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1)
        asked = builder.add_extension(strange, critical=False).build()
        assert told(responder, asked.public_bytes(serialization.Encoding.DER)) is GOOD
    assert len(responder._memory.answers) == 4
