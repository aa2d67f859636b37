"""Each rule of OCSP objects to what it forbids, and to nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from trustworks.core.der.ocsp import (
    EXTENDED_REVOKE,
    NONCE,
    BasicResponse,
    CertId,
    ResponseData,
    SingleResponse,
    archive_cutoff_extension,
    cert_hash_extension,
)
from trustworks.core.errors import Malformed
from trustworks.issuance.model import CertificateStatus, Revocation, RevocationReason
from trustworks.issuance.status import ocsp_rules as rules

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
END = NOW + timedelta(days=30)
STATUS = CertificateStatus(serial="05", authority="issuing", state="issued", not_after=END, revocation=None)
REVOKED = Revocation(revoked_at=NOW, reason=RevocationReason.superseded, recorded_at=NOW)
GOOD = SingleResponse(cert_id=b"id", status="good", this_update=NOW, next_update=NOW + HOUR)
NEVER = SingleResponse(
    cert_id=b"id",
    status="revoked",
    this_update=NOW,
    next_update=NOW + HOUR,
    revoked_at=datetime(1970, 1, 1, tzinfo=UTC),
    reason=6,
)
KEY_HASH = b"k" * 20


def response(*singles: SingleResponse, **changes: Any) -> BasicResponse:
    data = ResponseData(responder_key_hash=KEY_HASH, produced_at=NOW, responses=singles or (GOOD,))
    found = BasicResponse(
        tbs=b"",
        data=data,
        nonce=None,
        extension_oids=(),
        algorithm=b"",
        signature=b"",
        certificates=(b"certificate",),
    )
    return replace(found, **changes)


def cert_id(der: bytes = b"id") -> CertId:
    return CertId(der=der, hash_algorithm="", issuer_name_hash=b"", issuer_key_hash=b"", serial=5)


@pytest.mark.req("RFC9654:2.1-01")
def test_nonces_have_1_to_128_octets() -> None:
    for wrong in (b"", b"n" * 129):
        with pytest.raises(Malformed, match="1 to 128 octets"):
            rules.check_nonce(wrong)
    for right in (None, b"n", b"n" * 128):
        rules.check_nonce(right)


@pytest.mark.req("RFC6960:4.1.2-01")
def test_critical_extensions_that_nobody_understands_are_malformed() -> None:
    with pytest.raises(Malformed, match=r"1\.2\.3"):
        rules.check_critical([NONCE, "1.2.3"])
    rules.check_critical([NONCE])
    rules.check_critical([])


@pytest.mark.req("EN319411-1:OVR-6.6.3-02")
@pytest.mark.parametrize(
    "found",
    [
        None,
        replace(STATUS, authority="root"),
        replace(STATUS, state="issuing"),
        replace(STATUS, state="abandoned"),
        replace(STATUS, revocation=REVOKED),
    ],
)
def test_nothing_but_an_issued_certificate_may_be_good(found: CertificateStatus | None) -> None:
    assert not rules.may_be_good(found, "issuing")
    assert rules.may_be_good(STATUS, "issuing")


@pytest.mark.req("RFC6960:2.2-01")
@pytest.mark.parametrize(
    "wrong",
    [
        replace(NEVER, reason=1),
        replace(NEVER, revoked_at=NOW),
        replace(NEVER, extensions=(archive_cutoff_extension(NOW),)),
    ],
)
def test_revoked_because_never_issued_has_one_form(wrong: SingleResponse) -> None:
    assert rules.never_issued_objections([wrong], [False], [EXTENDED_REVOKE])
    assert rules.never_issued_objections([NEVER], [False], [])
    assert not rules.never_issued_objections([NEVER], [False], [EXTENDED_REVOKE])
    assert not rules.never_issued_objections([wrong], [True], [])


@pytest.mark.req("RFC6960:4.2.1-01", "EN319411-1:OVR-6.6.3-01")
def test_every_certificate_asked_about_is_answered_and_no_other() -> None:
    assert rules.coverage_objections(response(), [cert_id(), cert_id(b"other")])
    assert rules.coverage_objections(response(), [cert_id(b"other")])
    assert not rules.coverage_objections(response(), [cert_id()])


@pytest.mark.req("RFC9654:2.1-02")
def test_the_nonce_is_the_requests() -> None:
    assert rules.nonce_objections(response(nonce=b"n"), None)
    assert rules.nonce_objections(response(), b"n")
    assert not rules.nonce_objections(response(nonce=b"n"), b"n")


@pytest.mark.req("RFC6960:4.2.2.1-01")
@pytest.mark.parametrize(
    ("this_update", "next_update", "produced_at", "good"),
    [
        (NOW, NOW + HOUR, NOW, True),
        (NOW - HOUR, NOW + HOUR, NOW, True),
        (NOW, END, NOW, True),
        (NOW, NOW, NOW, False),
        (NOW, None, NOW, False),
        (NOW - 2 * HOUR, NOW - HOUR, NOW, False),
        (NOW, END + HOUR, NOW, False),
        (NOW + HOUR, NOW + 2 * HOUR, NOW, False),
        (NOW, NOW + 2 * HOUR, NOW + HOUR, False),
    ],
)
def test_times_follow_each_other(
    this_update: datetime, next_update: datetime | None, produced_at: datetime, *, good: bool
) -> None:
    single = replace(GOOD, this_update=this_update, next_update=next_update)
    data = ResponseData(responder_key_hash=KEY_HASH, produced_at=produced_at, responses=(single,))
    assert bool(rules.time_objections(response(data=data), NOW, END)) is not good


@pytest.mark.req("RFC6960:4.2.2.3-01")
def test_the_responder_is_named_by_its_key_and_sends_its_certificate() -> None:
    assert rules.responder_objections(response(), b"x" * 20, b"certificate")
    assert rules.responder_objections(response(), KEY_HASH, b"another")
    assert not rules.responder_objections(response(), KEY_HASH, b"certificate")


@pytest.mark.req("EN319411-2:CSS-6.3.10-10")
def test_every_issued_certificate_says_how_far_back_we_remember() -> None:
    expected = archive_cutoff_extension(NOW)
    right = replace(GOOD, extensions=(expected,))
    assert rules.archive_cutoff_objections([GOOD], [True], expected)
    assert not rules.archive_cutoff_objections([right], [True], expected)
    assert not rules.archive_cutoff_objections([NEVER], [False], expected)


@pytest.mark.req("RFC5019:6.2-01")
def test_caches_keep_nothing_beyond_the_next_update() -> None:
    assert rules.max_age(NOW, NOW + HOUR, 60) == 60
    assert rules.max_age(NOW, NOW + timedelta(seconds=30), 60) == 30
    assert rules.max_age(NOW, NOW - HOUR, 60) == 0


# The responder's certificate

AUTHORITY_KEY = ec.derive_private_key(21, ec.SECP256R1())
SIGNER_KEY = ec.derive_private_key(22, ec.SECP256R1())
PURPOSE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
SELF_REFERENCE = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.test")
        )
    ]
)


def certificate(
    *extensions: x509.ExtensionType,
    subject: str = "signer",
    issuer: str = "authority",
    key: ec.EllipticCurvePrivateKey = AUTHORITY_KEY,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key((AUTHORITY_KEY if subject == "authority" else SIGNER_KEY).public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(END)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


AUTHORITY = certificate(subject="authority")


@pytest.mark.req("RFC6960:4.2.2.2")
def test_a_responder_is_certified_directly_by_the_authority_for_ocsp() -> None:
    for wrong in (
        certificate(),
        certificate(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
        certificate(PURPOSE, issuer="another"),
        certificate(PURPOSE, key=SIGNER_KEY),
    ):
        assert rules.delegation_objections(wrong, AUTHORITY)
    assert not rules.delegation_objections(certificate(PURPOSE), AUTHORITY)


@pytest.mark.req("RFC6960:4.2.2.2.1")
def test_a_responder_says_that_its_own_status_is_not_asked() -> None:
    assert rules.nocheck_objections(certificate(PURPOSE))
    assert not rules.nocheck_objections(certificate(PURPOSE, x509.OCSPNoCheck()))


@pytest.mark.req("EN319411-1:CSS-6.6.3-01B")
def test_a_responder_names_no_responder_for_itself() -> None:
    assert rules.self_reference_objections(certificate(PURPOSE, SELF_REFERENCE))
    assert not rules.self_reference_objections(certificate(PURPOSE))
    issuers = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.test")
            )
        ]
    )
    assert not rules.self_reference_objections(certificate(issuers))


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-BOUNDED")
def test_twenty_certificates_may_be_asked_about_at_once() -> None:
    rules.check_size(20)
    with pytest.raises(Malformed, match="asks about 21"):
        rules.check_size(21)


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-BOUNDED")
def test_answers_about_one_issued_certificate_are_kept_alone() -> None:
    assert rules.may_be_kept((STATUS,), b"i" * 300)
    assert rules.may_be_kept((replace(STATUS, revocation=REVOKED),), b"id")
    assert not rules.may_be_kept((STATUS,), b"i" * 301)
    for found in ((), (None,), (STATUS, STATUS), (replace(STATUS, state="abandoned"),)):
        assert not rules.may_be_kept(found, b"id")


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-CERT-HASH")
def test_the_hash_of_a_certificate_is_told_where_one_is_on_record() -> None:
    own, other = cert_hash_extension(b"c" * 32), cert_hash_extension(b"d" * 32)

    def found(extensions: tuple[bytes, ...], expected: bytes) -> int:
        return len(rules.cert_hash_objections([replace(GOOD, extensions=extensions)], [expected]))

    assert found((own,), own) == 0
    assert found((), b"") == 0
    assert found((), own) == 1
    assert found((other,), own) == 1
    assert found((own,), b"") == 1
