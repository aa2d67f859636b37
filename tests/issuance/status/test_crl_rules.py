"""Each rule of revocation lists objects to what it forbids, and to nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from trustworks.issuance.model import NEVER, CertificateStatus, CrlHead, Revocation, RevocationReason
from trustworks.issuance.status import crl_rules as rules

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEY = ec.derive_private_key(31, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(32, ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
NUMBER = x509.CRLNumber(7)
SINCE = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), b"\x18\x0f20260101000000Z")
SINCE_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = CrlHead(authority="issuing", number=6, this_update=NOW, next_update=NOW + DAY, entries=2, changes=5)
STATUS = CertificateStatus(
    serial="05", authority="issuing", state="issued", not_after=NOW + DAY, revocation=None
)
REVOKED = replace(
    STATUS,
    revocation=Revocation(revoked_at=NOW, reason=RevocationReason.superseded, recorded_at=NOW),
)


def authority(*, crl_sign: bool = True, usage: bool = True, identifier: bool = True) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 100 * DAY)
    )
    if usage:
        flags = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
                "digital_signature",
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=crl_sign, **flags), critical=True
        )
    if identifier:
        subject_key = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
        builder = builder.add_extension(subject_key, critical=False)
    return builder.sign(KEY, hashes.SHA256())


def a_list(
    *extensions: x509.ExtensionType,
    serials: tuple[int, ...] = (),
    key: ec.EllipticCurvePrivateKey = KEY,
    since: datetime = NOW,
    until: datetime = NOW + DAY,
    name: x509.Name = NAME,
    critical: bool = False,
) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder(name, since, until)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
        builder = builder.add_revoked_certificate(entry)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


def octets(crl: x509.CertificateRevocationList) -> bytes:
    return crl.public_bytes(serialization.Encoding.DER)


@pytest.mark.req("RFC5280:5.1.2.3-01")
def test_the_issuer_is_the_authoritys_name_octet_for_octet() -> None:
    printable = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "authority", x509.name._ASN1Type.PrintableString)]
    )
    assert rules.issuer_objections(octets(a_list(name=printable)), NAME.public_bytes())
    assert not rules.issuer_objections(octets(a_list()), NAME.public_bytes())


@pytest.mark.req("EN319411-1:CSS-6.3.9-08", "CENTS419261:STATUS-SIGNED", "EN319411-1:CSS-6.3.10-03")
def test_the_authoritys_key_verifies_the_signature() -> None:
    right, wrong, longer = a_list(), a_list(key=OTHER_KEY), a_list(serials=(1,))
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    by_rsa = x509.CertificateRevocationListBuilder(NAME, NOW, NOW + DAY).sign(rsa_key, hashes.SHA256())
    assert rules.signature_objections(wrong, octets(wrong), authority())
    assert rules.signature_objections(right, octets(longer), authority())
    assert rules.signature_objections(by_rsa, octets(by_rsa), authority())
    assert not rules.signature_objections(right, octets(right), authority())


@pytest.mark.req("RFC5280:4.2.1.3-crl")
def test_an_authority_without_crl_sign_signs_no_list() -> None:
    assert rules.key_usage_objections(authority(crl_sign=False))
    assert not rules.key_usage_objections(authority())
    assert not rules.key_usage_objections(authority(usage=False))


@pytest.mark.req("RFC5280:5.2.1-01")
def test_the_key_identifier_is_the_authoritys() -> None:
    own = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key())
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(OTHER_KEY.public_key())
    assert rules.key_identifier_objections(a_list(), authority())
    assert rules.key_identifier_objections(a_list(other), authority())
    assert rules.key_identifier_objections(a_list(own), authority(identifier=False))
    assert not rules.key_identifier_objections(a_list(own), authority())


@pytest.mark.req("RFC5280:5.2.3-01")
def test_the_number_is_there_and_grows() -> None:
    assert rules.number_objections(a_list(), 7, 6)
    assert rules.number_objections(a_list(NUMBER, critical=True), 7, 6)
    assert rules.number_objections(a_list(NUMBER), 8, 6)
    assert rules.number_objections(a_list(NUMBER), 7, 7)
    assert rules.number_objections(a_list(x509.CRLNumber(2**160)), 2**160, None)
    assert not rules.number_objections(a_list(NUMBER), 7, 6)
    assert not rules.number_objections(a_list(NUMBER), 7, None)


@pytest.mark.req("EN319411-1:CSS-6.3.9-06")
def test_the_last_list_and_no_other_ends_with_time_itself() -> None:
    assert rules.next_update_objections(a_list(), last=True)
    assert rules.next_update_objections(a_list(until=NEVER), last=False)
    assert not rules.next_update_objections(a_list(), last=False)
    assert not rules.next_update_objections(a_list(until=NEVER), last=True)


@pytest.mark.req("RFC5280:5.1.2.5-01")
def test_the_next_list_comes_later() -> None:
    assert rules.time_objections(a_list(since=NOW + HOUR), NOW)
    assert rules.time_objections(a_list(since=NOW - DAY, until=NOW - HOUR), NOW)
    assert not rules.time_objections(a_list(), NOW)


@pytest.mark.req("EN319411-1:CSS-6.3.9-12")
def test_a_list_of_authorities_lives_at_most_a_year() -> None:
    long, short = a_list(until=NOW + 367 * DAY), a_list(until=NOW + 365 * DAY)
    assert rules.authority_list_objections(long, of_authorities=True, last=False)
    assert not rules.authority_list_objections(short, of_authorities=True, last=False)
    assert not rules.authority_list_objections(long, of_authorities=False, last=False)
    assert not rules.authority_list_objections(a_list(until=NEVER), of_authorities=True, last=True)


@pytest.mark.req("RFC5280:5.1.2.6-01", "EN319411-1:OVR-6.6.2-01")
def test_the_entries_are_the_revoked_certificates() -> None:
    def octets(*serials: int) -> bytes:
        return b"".join(serial.to_bytes(20, "big") for serial in serials)

    assert rules.entries_objections(a_list(serials=(1, 2)), octets(1, 2, 3))
    assert rules.entries_objections(a_list(serials=(1, 2)), octets(1))
    assert rules.entries_objections(a_list(serials=(1, 1)), octets(1))
    assert not rules.entries_objections(a_list(serials=(1, 2)), octets(1, 2))
    assert not rules.entries_objections(a_list(), b"")


@pytest.mark.req("EN319411-2:CSS-6.3.10-05", "EN319411-2:CSS-6.3.10-06")
def test_keeping_expired_certificates_is_said_if_and_only_if_it_is_done() -> None:
    assert rules.expired_certs_objections(a_list(), SINCE_MOMENT)
    assert rules.expired_certs_objections(a_list(SINCE), None)
    assert rules.expired_certs_objections(a_list(SINCE), SINCE_MOMENT + DAY)
    assert not rules.expired_certs_objections(a_list(SINCE), SINCE_MOMENT)
    assert not rules.expired_certs_objections(a_list(), None)


@pytest.mark.req("EN319411-2:CSS-6.3.10-03", "EN319411-2:CSS-6.3.10-04")
def test_revoked_certificates_are_listed_before_and_after_they_expire() -> None:
    assert not rules.is_listed("issued", None)
    assert not rules.is_listed("issuing", NOW)
    assert rules.is_listed("issued", NOW)


@pytest.mark.req("EN319411-1:CSS-6.3.9-05")
@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({}, False),
        ({"now": NOW + HOUR}, True),
        ({"now": NOW + 2 * DAY, "every": 9 * DAY}, True),
        ({"last": None}, True),
        ({"last": replace(HEAD, next_update=NEVER), "now": NOW + 9 * DAY, "changes": 6}, False),
    ],
)
def test_a_list_is_due_by_the_clock_until_the_last(change: dict[str, Any], *, due: bool) -> None:
    assert is_due(**change) is due


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED")
def test_a_list_is_due_while_the_newest_was_made_from_other_changes() -> None:
    assert not is_due(changes=5)
    assert is_due(changes=6)
    assert is_due(changes=4)  # somebody set the counter back by hand
    assert is_due(last=replace(HEAD, changes=-1), changes=0)  # made before changes were counted


def is_due(
    *, last: CrlHead | None = HEAD, now: datetime = NOW + HOUR / 2, every: timedelta = HOUR, changes: int = 5
) -> bool:
    return rules.is_due(last, now, every, changes=changes)


@pytest.mark.req("EN319411-1:CSS-6.3.9-13")
@pytest.mark.parametrize(
    ("change", "overdue"),
    [
        ({}, False),
        ({"changes": 6, "since": NOW + timedelta(minutes=20)}, True),
        ({"changes": 6, "since": NOW + timedelta(minutes=21)}, False),
        ({"changes": 6, "since": NOW + HOUR}, True),  # dated by a clock that was ahead
        ({"changes": 6}, False),  # from before changes were counted
        ({"now": NOW + timedelta(minutes=69)}, False),
        ({"now": NOW + timedelta(minutes=70)}, True),
        ({"last": None}, False),
        ({"last": replace(HEAD, next_update=NEVER), "changes": 6, "since": NOW}, False),
    ],
)
def test_a_list_is_overdue_ten_minutes_after_it_was_due(change: dict[str, Any], *, overdue: bool) -> None:
    given: dict[str, Any] = {"last": HEAD, "now": NOW + HOUR / 2, "changes": 5, "since": None} | change
    answer = rules.is_overdue(
        given["last"], given["now"], HOUR, changes=given["changes"], since=given["since"]
    )
    assert answer is overdue


@pytest.mark.req("EN319411-1:CSS-6.3.9-05")
def test_a_list_is_fresh_until_its_next_update() -> None:
    assert not rules.is_fresh(None, NOW)
    assert not rules.is_fresh(HEAD, NOW + DAY)
    assert rules.is_fresh(HEAD, NOW + DAY - HOUR)


@pytest.mark.req("EN319411-2:CSS-6.3.10-07", "EN319411-2:CSS-6.3.10-09")
def test_the_last_list_waits_for_every_certificate() -> None:
    assert rules.last_list_objections([REVOKED, STATUS], NOW) == (
        "1 certificates are neither expired nor revoked",
    )
    assert not rules.last_list_objections([REVOKED], NOW)
    assert not rules.last_list_objections([STATUS], NOW + 2 * DAY)


@pytest.mark.req("EN319411-2:CSS-6.3.10-07", "EN319411-2:CSS-6.3.10-09")
def test_a_held_certificate_is_not_revoked_for_the_last_list() -> None:
    hold = Revocation(revoked_at=NOW, reason=RevocationReason.certificateHold, recorded_at=NOW)
    (said,) = rules.last_list_objections([replace(STATUS, revocation=hold), STATUS, REVOKED], NOW)
    assert said.startswith("2 certificates are neither expired nor revoked")
    assert said.endswith("release or revoke the held ones (1)")
    assert not rules.last_list_objections([replace(STATUS, revocation=hold)], NOW + 2 * DAY)


URL = "http://tsp.example.com/crl/issuing/3.crl"


def point(*urls: str, user: bool = True, ca: bool = False, indirect: bool = False) -> Any:
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url) for url in urls],
        relative_name=None,
        only_contains_user_certs=user,
        only_contains_ca_certs=ca,
        only_some_reasons=None,
        indirect_crl=indirect,
        only_contains_attribute_certs=False,
    )


@pytest.mark.req("RFC5280:5.2.5-01")
def test_the_list_of_a_shard_says_which_and_another_says_nothing() -> None:
    def found(crl: x509.CertificateRevocationList, url: str | None = URL, *, user: bool = True) -> int:
        return len(rules.distribution_point_objections(crl, url, only_user_certificates=user))

    assert found(a_list(), None) == 0
    assert found(a_list(point(URL), critical=True)) == 0
    assert found(a_list(point("http://old.example.com/3.crl", URL), critical=True)) == 0
    assert found(a_list()) == 1
    assert found(a_list(point(URL), critical=True), None) == 1
    assert found(a_list(point(URL))) == 1
    assert found(a_list(point("http://tsp.example.com/crl/issuing/4.crl"), critical=True)) == 1
    assert found(a_list(point(URL), critical=True), user=False) == 1
    assert found(a_list(point(URL, user=False, indirect=True), critical=True), user=False) == 1


@pytest.mark.req("RFC5280:5.2.4-01")
def test_a_delta_list_says_what_it_goes_on_from_and_another_says_nothing() -> None:
    delta = x509.DeltaCRLIndicator(7)
    assert rules.delta_objections(a_list(), None) == ()
    assert rules.delta_objections(a_list(delta, critical=True), 7) == ()
    assert len(rules.delta_objections(a_list(), 7)) == 1
    assert len(rules.delta_objections(a_list(delta, critical=True), None)) == 1
    assert len(rules.delta_objections(a_list(delta, critical=True), 6)) == 1
    assert len(rules.delta_objections(a_list(delta), 7)) == 1
