"""What an enrolment is authorised by: as often and as long as was said, for what was said, kept encrypted."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from cmp_client import SignedBy, common_name, new_key
from cmp_foreign import foreign
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from est_testbed import Est, request_of
from issuance_testbed import START
from sqlalchemy import select

from trustworks.core.audit.records import events
from trustworks.core.der.cmp import Body
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, SignatureScheme
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.enrolment import secrets as secrets_module
from trustworks.issuance.enrolment.holders import check_self_service
from trustworks.issuance.enrolment.secret_key import SecretKey, key_file, secret_key
from trustworks.issuance.enrolment.secrets import (
    Evidence,
    check_equals_evidence,
    check_registration_authority,
    check_usable,
    evidence_of,
)
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.profiles.tbs import NAME_OIDS
from trustworks.issuance.records import cmp as records
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_testbed import Server

    from trustworks.core.module import Key

ANNA_NCP = "C=XX, GN=Anna, SN=Muster, serialNumber=TEST-1, CN=Anna Muster TEST"
EE = common_name("pump 1 TEST")


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def test_a_secret_is_good_for_as_many_certificates_as_was_said(server: Server) -> None:
    given = server.secret(uses=2)
    answers = [server.client(**given).enrol(Body.ir, new_key(), EE) for _ in range(3)]
    assert [one.failure for one in answers] == [None, None, "notAuthorized"]
    assert len(server.serials()) == 2
    found = server.credentials.find(given["reference"])
    assert found is not None
    assert found.used == 2


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def test_another_worker_took_the_last_use(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given = server.secret(uses=1)
    found = server.credentials.find(given["reference"])
    server.client(**given).enrol(Body.ir, new_key(), EE)
    monkeypatch.setattr(server.credentials, "find", lambda _: found)  # this worker looked before that
    assert server.client(**given).enrol(Body.ir, new_key(), EE).failure == "notAuthorized"
    assert len(server.serials()) == 1


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def test_a_secret_ends_and_is_withdrawn(server: Server) -> None:
    given, other = server.secret(days=1), server.secret()
    server.provider.clock.advance(days=1)
    assert server.client(**given).enrol(Body.ir, new_key(), EE).failure == "notAuthorized"
    server.credentials.withdraw(other["reference"], by="registration-officer")
    assert server.client(**other).enrol(Body.ir, new_key(), EE).failure == "notAuthorized"
    with pytest.raises(Rejected, match="could be withdrawn"):
        server.credentials.withdraw(other["reference"], by="registration-officer")
    with pytest.raises(Rejected, match="could be withdrawn"):
        server.credentials.withdraw("nobody", by="registration-officer")


def test_a_refused_request_uses_up_nothing(server: Server) -> None:
    given = server.secret(uses=1)
    assert server.client(**given).enrol(Body.ir, new_key(), common_name("no")).failure == "badCertTemplate"
    assert server.client(**given).enrol(Body.ir, new_key(), EE).failure is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile": "sub-ca"}, "not issued on request"),
        ({"profile": "nothing"}, "no certificate profile"),
        ({"uses": 0}, "uses"),
        ({"days": 0}, "days"),
        ({"days": 4000}, "days"),
        ({"by": "a\nb"}, "no role"),
    ],
)
def test_a_credential_that_makes_no_sense(server: Server, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Rejected, match=message):
        server.credentials.create_secret(server.new(**changes))
    with server.provider.database.read() as connection:
        assert not records.list_credentials(connection, limit=1)


def test_a_subject_that_is_none(server: Server) -> None:
    with pytest.raises(Malformed):
        server.credentials.create_secret(server.new(subject="somebody"))


@pytest.mark.parametrize("reference", ["a b", "x" * 49, "-a"])
def test_a_reference_that_is_none(server: Server, reference: str) -> None:
    with pytest.raises(Rejected, match="no reference"):
        server.credentials.create_secret(server.new(), reference=reference)


def test_a_reference_is_taken_once(server: Server) -> None:
    server.credentials.create_secret(server.new(), reference="pump-1")
    with pytest.raises(Rejected, match="already"):
        server.credentials.create_secret(server.new(), reference="pump-1")


def test_the_secret_is_nowhere_in_readable_form(server: Server, tmp_path: Path) -> None:
    given = server.secret()
    with server.provider.database.read() as connection:
        row = connection.execute(select(records.credentials)).one()
    assert given["secret"].encode() not in row.sealed
    file = key_file(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert given["secret"].encode() not in file.read_bytes()


def test_a_secret_counts_under_its_own_reference_alone(tmp_path: Path) -> None:
    key = SecretKey.of_file(key_file(tmp_path))
    key.make()
    sealed = key.seal("one", b"secret")
    assert key.open("one", sealed) == b"secret"
    with pytest.raises(Unavailable, match="was not encrypted"):
        key.open("other", sealed)


def test_secrets_are_encrypted_by_the_key_in_the_module(tmp_path: Path) -> None:
    settings = IssuanceSettings.model_validate({"registration-key": "registration"})
    asked = []

    def service_key(label: str) -> Key:
        asked.append(label)
        return cast("Key", _RsaKey())

    key = secret_key(settings, state_dir=tmp_path, service_key=service_key)
    key.make()
    sealed = key.seal("one", b"secret")
    again = secret_key(settings, state_dir=tmp_path, service_key=service_key)
    assert again.open("one", sealed) == b"secret"
    assert asked == ["registration"] * 2
    assert not any(tmp_path.iterdir())
    of_file = secret_key(IssuanceSettings(), state_dir=tmp_path, service_key=service_key)
    of_file.make()
    with pytest.raises(Unavailable, match=r"was not encrypted by the file .*enrolment\.secret"):
        of_file.open("one", sealed)
    nowhere = secret_key(settings, state_dir=tmp_path, service_key=None)
    with pytest.raises(Unavailable, match="on the token `services`, which is not open here"):
        nowhere.open("one", sealed)


class _RsaKey:
    """What a key of the module is asked for, with a key of this process."""

    algorithm = KeyAlgorithm.RSA_3072
    label = "registration"

    def sign(self, data: bytes, scheme: SignatureScheme) -> bytes:
        assert scheme is SignatureScheme.RSA_PKCS1_SHA256
        return hashlib.sha512(data).digest()


@pytest.mark.parametrize("damage", ["absent", "readable", "short", "another"])
def test_a_key_file_that_cannot_be_used(server: Server, tmp_path: Path, damage: str) -> None:
    given = server.secret()
    file = key_file(tmp_path)
    match damage:
        case "absent":
            file.unlink()
        case "readable":
            file.chmod(0o644)
        case "short":
            file.write_bytes(b"short")
        case _:
            file.write_bytes(b"another secret that is long enough, too")
    vars(server.credentials._key).pop("_key", None)  # another process, which has not read it yet
    client = server.client(**given)
    answer = client.message(Body.ir, b"\x30\x00")
    assert client.post(answer).failure == "systemUnavail"


@pytest.mark.req("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
@pytest.mark.parametrize(
    ("registered", "given", "equal"),
    [
        ("CN=pump 7", "CN=pump 7", True),
        ("CN=pump 7", "CN=pump 77", False),
        ("CN=pump *", "CN=pump 77", True),
        ("CN=*.x", "CN=a.y", False),
        ("CN=a.c", "CN=abc", False),
        ("CN=*, O=Muster TEST", "CN=a, O=Muster TEST", True),
        ("CN=*, O=Muster TEST", "CN=a, O=Another TEST", False),
        ("CN=*, O=Muster TEST", "CN=a", False),
        ("CN=*", "CN=a, O=Muster TEST", False),
    ],
)
def test_what_equals_what_was_registered(registered: str, given: str, *, equal: bool) -> None:
    evidence = Evidence(profile="device", subject=read_subject(registered), names=(), patterns=True)
    try:
        check_equals_evidence(evidence, read_subject(given), ())
    except Refused:
        assert not equal
    else:
        assert equal


@pytest.mark.req("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
def test_a_star_in_a_certificate_is_a_star() -> None:
    subject = (NameAttribute("commonName", "*"),)
    evidence = Evidence(profile="device", subject=subject, names=("DNS:*.example.com",), patterns=False)
    check_equals_evidence(evidence, subject, ("DNS:*.example.com",))
    with pytest.raises(Refused):
        check_equals_evidence(evidence, (NameAttribute("commonName", "a"),), ())
    with pytest.raises(Refused):
        check_equals_evidence(evidence, subject, ("DNS:a.example.com",))


@pytest.mark.req("RFC9483:1.7-02")
def test_a_certificate_that_is_no_registration_authoritys(server: Server) -> None:
    for extensions in ([], [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]):
        signer = foreign(*extensions)
        with pytest.raises(Refused):
            server.credentials.register_certificate(signer.certificate, server.new(), authority=True)
        with pytest.raises(Refused):
            check_registration_authority(x509.load_der_x509_certificate(signer.certificate))


def test_what_a_credential_is_for_survives_its_record(server: Server) -> None:
    given = server.secret("CN=pump *, O=Muster TEST", alternative_names=("DNS:a", "IP:192.0.2.1"))
    found = server.credentials.find(given["reference"])
    assert found is not None
    evidence = evidence_of(found)
    assert evidence.names == ("DNS:a", "IP:192.0.2.1")
    assert [one.type for one in evidence.subject] == ["commonName", "organizationName"]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("natural", "are qualified"),
        ("natural-ncp", "for identified applicants"),
        ("smime-organization", "name mailboxes"),
        ("tls-server-dv", "by ACME"),
        ("ocsp-signer", "of the provider itself"),
    ],
)
def test_no_secret_is_for_those_whom_somebody_has_to_look_at(
    server: Server, profile: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        server.credentials.create_secret(server.new(profile=profile), reference="none")
    assert server.credentials.find("none") is None
    with server.provider.database.read() as connection:
        told = select(events.c.type).where(events.c.type == "enrolment.credential-refused")
        assert len(connection.execute(told).all()) == 1


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
def test_a_secret_of_an_earlier_version_brings_no_certificate_of_an_applicant(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(secrets_module, "check_door", lambda *_, **__: None)
        given = server.secret(ANNA_NCP, profile="natural-ncp")
    named = x509.Name([x509.NameAttribute(NAME_OIDS[one.type], one.value) for one in read_subject(ANNA_NCP)])
    reply = server.client(**given).enrol(Body.ir, new_key(), named.public_bytes())
    assert reply.failure == "notAuthorized", reply.text
    assert "for identified applicants" in reply.text
    answer = Est(server).enrol(request_of(new_key(), named), given)
    assert (answer.status, b"for identified applicants" in answer.body) == (403, True)
    assert server.provider.issuance.list(profile="natural-ncp") == []


@pytest.mark.req("TRUSTWORKS:ENROLMENT-SELF-SERVICE")
def test_who_asks_for_another_certificate_by_itself() -> None:
    for protocol in ("cmp:device", "est:device"):
        check_self_service(protocol)
    for somebody in ("registration-officer", "ceremony", ""):
        with pytest.raises(Rejected, match="was not enrolled by this protocol"):
            check_self_service(somebody)


@pytest.mark.req("TRUSTWORKS:ENROLMENT-SELF-SERVICE")
@pytest.mark.parametrize("body", [Body.kur, Body.cr])
def test_a_certificate_that_an_officer_asked_for_asks_for_no_other(server: Server, body: Body) -> None:
    key = new_key()
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pump 1 TEST")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(named).sign(key, hashes.SHA256())
    issued = server.provider.issuance.issue(
        Request(
            profile="device",
            csr=csr.public_bytes(Encoding.DER),
            subject=(NameAttribute("commonName", "pump 1 TEST"),),
            requested_by="registration-officer",
            door=Door.OFFICER,
        )
    )
    client = server.client(signed_by=SignedBy(key=key, certificate=issued.certificate))
    assert client.enrol(body, new_key(), EE).failure == "notAuthorized"
    assert len(server.serials()) == 1
    client.again()
    assert client.revoke(issued.certificate).failure is None  # which takes trust away


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"used": 1}, "used up"),
        ({"expires_at": START}, "ended on"),
        ({"withdrawn_at": START}, "withdrawn"),
    ],
)
def test_a_credential_that_is_over_is_told_before_anything_is_signed(
    changes: dict[str, Any], words: str
) -> None:
    found = records.Credential(
        reference="pump-1",
        kind="secret",
        profile="device",
        subject="CN=*",
        alternative_names=(),
        uses=1,
        used=0,
        created_at=START,
        created_by="registration-officer",
        expires_at=START + timedelta(days=1),
    )
    check_usable(found, START)
    with pytest.raises(Rejected, match=words):
        check_usable(replace(found, **changes), START)
