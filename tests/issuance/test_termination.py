"""The end of an authority: what stands against a step, what a crash leaves, and what is told for good."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from status_provider import NOW, SHA1, Provider, TestClock, der, request, serial_of

from trustworks.app.termination.export import Exporter
from trustworks.core.audit import Recorder
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance import records
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.model import NEVER, RevocationReason
from trustworks.issuance.records.notices import SUBJECT, list_notices
from trustworks.issuance.rules.authorities import check_not_terminated
from trustworks.issuance.status.responders import Responders
from trustworks.issuance.status.signer import authority_signer, open_signer
from trustworks.issuance.termination import SHORT_TERM, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography import x509

    from trustworks.core.module import Module
    from trustworks.core.store import Database

PLAN = "a" * 64
_PEM = Encoding.PEM
CEASED = RevocationReason.cessationOfOperation


@pytest.fixture
def provider(module: Module, database: Database) -> Iterator[Provider]:
    clock = TestClock()
    with Recorder.open(database, "status", now=lambda: clock.utc) as recorder:
        yield Provider(
            module=module,
            database=database,
            recorder=recorder,
            clock=clock,
            settings=IssuanceSettings.model_validate({}),
        ).set_up()


@pytest.fixture
def ending(provider: Provider) -> Ending:
    return ending_of(provider)


def ending_of(provider: Provider, *, plan: str = PLAN, authority: str = "issuing") -> Ending:
    return Ending(
        authority,
        plan=plan,
        by="officer",
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
    )


def seconds_since(clock: TestClock) -> float:
    return (clock.utc - NOW).total_seconds()


def responders(provider: Provider) -> Responders:
    return Responders(
        provider.responder(),
        provider.settings.ocsp,
        key=provider.keys["ocsp"],
        database=provider.database,
        clock=provider.clock,
        monotonic=lambda: seconds_since(provider.clock),
    )


def reason_of(provider: Provider, certificate: x509.Certificate) -> str:
    with provider.database.read() as connection:
        found = records.status(connection, serial_of(certificate))
    assert found is not None
    return "good" if found.revocation is None else found.revocation.reason.name


# What stands against it


def test_an_authority_that_is_not_there_and_one_of_another_plan_do_not_end(provider: Provider) -> None:
    with pytest.raises(Rejected, match="no authority 'other'"):
        ending_of(provider, authority="other").record()
    ending_of(provider).close()
    ending_of(provider).close()
    with pytest.raises(Rejected, match="another plan"):
        ending_of(provider, plan="b" * 64).close()


@pytest.mark.req("TRUSTWORKS:TERMINATION-CLOSED", "EU2025-2530:3.7-d")
def test_an_authority_that_ends_issues_no_more() -> None:
    check_not_terminated("issuing", None)
    with pytest.raises(Refused, match="issues no more"):
        check_not_terminated("issuing", PLAN)


def test_nothing_is_answered_for_good_that_may_still_change(provider: Provider, ending: Ending) -> None:
    provider.issue()
    with pytest.raises(Rejected, match="neither ended nor revoked"):
        ending.answer(provider.keys["issuing"], cert_hash=True)
    with pytest.raises(Rejected, match="is not that of"):
        ending.answer(provider.keys["root"], cert_hash=True)


def test_short_term_certificates_are_waited_for(provider: Provider, ending: Ending) -> None:
    short = provider.unrecorded(life=timedelta(days=11))
    provider.add(short, "issuing", SHORT_TERM[0])
    other = provider.issue()
    with pytest.raises(Unavailable, match="ends at"):
        ending.revoke(CEASED)
    assert (reason_of(provider, short), reason_of(provider, other)) == ("good", CEASED.name)
    provider.clock.utc += timedelta(days=2)
    assert ending.revoke(CEASED) == 0


# What it does


@pytest.mark.req("EU2025-2530:3.7-c", "EN319411-1:OVR-6.4.9-03")
def test_what_has_not_ended_is_revoked_and_a_crash_leaves_whole_batches(
    provider: Provider, ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustworks.issuance.termination.BATCH", 2)
    issued = [provider.issue() for _ in range(5)]
    ended = provider.issue(life=timedelta(days=1))
    lost, held = provider.issue(), provider.issue()
    provider.revoke(lost)
    provider.revoke(held, RevocationReason.certificateHold)
    written = records.set_revocation
    calls = 0

    def killed(*given: object, **named: object) -> bool:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ArithmeticError
        return written(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(records, "set_revocation", killed)
    with pytest.raises(ArithmeticError):
        ending.revoke(CEASED)
    signer = provider.signer_certificate
    assert signer is not None
    done = [one for one in (*issued, held, signer) if reason_of(provider, one) == CEASED.name]
    assert len(done) == 2  # the third and the fourth are one transaction
    assert ending.revoke(CEASED) == 5  # those that were left, and the signer's
    assert [reason_of(provider, one) for one in (*issued, held, lost, ended)] == [CEASED.name] * 6 + [
        "keyCompromise",
        "good",
    ]
    with provider.database.read() as connection:
        assert len(list_notices(connection, SUBJECT, state="waiting")) == 7
        assert not [one for one in verify(DatabaseSource(connection)).findings if one.kind != "notice"]


@pytest.mark.req("EN319411-2:CSS-6.3.10-11", "EN319411-2:CSS-6.3.10-08")
def test_the_last_answers_have_no_end_and_are_given_out_without_a_key(
    provider: Provider, ending: Ending, tmp_path: Path
) -> None:
    revoked, ended = provider.issue(), provider.issue(life=timedelta(days=1))
    never = provider.unrecorded()
    responder = responders(provider)
    issuer = provider.certificates["issuing"]
    ending.close()
    ending.revoke(CEASED)
    assert ending.answer(provider.keys["issuing"], cert_hash=True) == 3
    assert ending.answer(provider.keys["issuing"], cert_hash=True) == 0
    provider.publisher("issuing").publish("issuing", actor="officer", final=True)
    provider.clock.utc += timedelta(days=3650)  # long after, without any key
    for algorithm in (SHA1, hashes.SHA256()):
        for certificate, status in (
            (revoked, ocsp.OCSPCertStatus.REVOKED),
            (ended, ocsp.OCSPCertStatus.GOOD),
        ):
            answer = responder.answer(request(certificate, issuer, algorithm))
            read = ocsp.load_der_ocsp_response(answer.der)
            assert read.certificate_status is status
            assert read.next_update_utc == NEVER
            assert answer.repeatable
    assert responder.answer(request(never, issuer)).result == "unauthorized"
    responder.ping()
    # Whoever looks at it later: openssl, with nothing but the authority's certificate.
    (tmp_path / "issuer.pem").write_bytes(issuer.public_bytes(_PEM))
    (tmp_path / "root.pem").write_bytes(provider.certificates["root"].public_bytes(_PEM))
    (tmp_path / "subject.pem").write_bytes(revoked.public_bytes(_PEM))
    (tmp_path / "answer.der").write_bytes(responder.answer(request(revoked, issuer)).der)
    told = subprocess.run(
        [
            *("openssl", "ocsp", "-issuer", "issuer.pem", "-cert", "subject.pem", "-respin", "answer.der"),
            *("-CAfile", "root.pem", "-verify_other", "issuer.pem", "-no_nonce", "-attime", "1795000000"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "Response verify OK" in told.stderr
    assert "subject.pem: revoked" in told.stdout
    assert "Next Update: Dec 31 23:59:59 9999 GMT" in told.stdout
    # And the last list is among what is handed over.
    with provider.database.inspect() as connection:
        Exporter(tmp_path / "left", key=provider.keys["issuing"]).write(connection, plan=b"{}", documents=[])
    told = subprocess.run(
        [
            *("openssl", "crl", "-inform", "DER", "-in", "left/lists/issuing.crl", "-CAfile", "issuer.pem"),
            *("-noout", "-nextupdate"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "verify OK" in told.stderr
    assert told.stdout == "nextUpdate=Dec 31 23:59:59 9999 GMT\n"


@pytest.mark.req("RFC6960:4.2.2.2")
def test_a_signer_is_of_the_generation_that_signed_its_certificate(
    provider: Provider, make_other: Callable[[], x509.Certificate]
) -> None:
    # Two authorities of one name: the older one comes first among the records, by name.
    newer = make_other()
    assert provider.signer_certificate is not None
    with provider.database.read() as connection:
        authorities = records.list_authorities(connection)
    signer = open_signer(provider.keys["ocsp"], der(provider.signer_certificate), authorities)
    assert signer.authority.certificate == der(provider.certificates["issuing"]) != der(newer)


@pytest.fixture
def make_other(provider: Provider) -> Callable[[], x509.Certificate]:
    def make() -> x509.Certificate:
        key = provider.module.generate_key_pair(label="a-newer", algorithm=provider.keys["root"].algorithm)
        above = provider.certificates["root"]
        made = provider._certify("TEST Issuing", key, above, provider.keys["root"], life=timedelta(3650))
        provider._authority("a-newer", made, key, "root")
        return made

    return make


def test_an_authority_signs_its_own_answers_with_its_own_key_alone(provider: Provider) -> None:
    with provider.database.read() as connection:
        record = records.authority(connection, "issuing")
    assert record is not None
    assert authority_signer(provider.keys["issuing"], record).until == NEVER
    with pytest.raises(Rejected, match="is not that of"):
        authority_signer(provider.keys["ocsp"], record)
