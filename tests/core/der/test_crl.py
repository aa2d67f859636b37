"""The list is what `cryptography`'s own builder writes, to the octet; wrong entries do not become one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der.crl import (
    RevokedEntry,
    authority_key_identifier_extension,
    crl_number_extension,
    encode_certificate_list,
    encode_entries,
    encode_tbs,
    expired_certs_on_crl_extension,
)

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
KEY = ec.derive_private_key(11, ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST")])
REASONS = {
    1: x509.ReasonFlags.key_compromise,
    2: x509.ReasonFlags.ca_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    6: x509.ReasonFlags.certificate_hold,
    8: x509.ReasonFlags.remove_from_crl,
    9: x509.ReasonFlags.privilege_withdrawn,
    10: x509.ReasonFlags.aa_compromise,
}


def octets(serial: int) -> bytes:
    return serial.to_bytes(20, "big")


moments = st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
seconds = st.integers(86_400, 4_000_000_000)  # into 2096
entry_lists = st.lists(
    st.builds(
        RevokedEntry,
        serial=st.integers(1, 2**159 - 1).map(octets),
        revoked_at=seconds,
        reason=st.sampled_from((0, *REASONS)),
        invalid_since=st.none() | seconds,
    ),
    unique_by=lambda entry: entry.serial,
    max_size=12,
).map(sorted)


def moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def revoked(entry: RevokedEntry) -> x509.RevokedCertificate:
    serial = int.from_bytes(entry.serial, "big")
    builder = x509.RevokedCertificateBuilder().serial_number(serial)
    builder = builder.revocation_date(moment(entry.revoked_at))
    if entry.reason:
        builder = builder.add_extension(x509.CRLReason(REASONS[entry.reason]), critical=False)
    if entry.invalid_since is not None:
        date = x509.InvalidityDate(moment(entry.invalid_since))
        builder = builder.add_extension(date, critical=False)
    return builder.build()


@given(entry_lists, st.integers(1, 2**64), moments)
def test_the_list_is_what_cryptography_writes(
    entries: list[RevokedEntry], number: int, this_update: datetime
) -> None:
    next_update = this_update + timedelta(days=1)
    builder = x509.CertificateRevocationListBuilder(
        NAME, this_update, next_update, revoked_certificates=[revoked(entry) for entry in entries]
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key())
    assert identifier.key_identifier is not None
    theirs = (
        builder.add_extension(identifier, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    written, count = encode_entries(entries)
    tbs = encode_tbs(
        algorithm=ECDSA_SHA256,
        issuer=NAME.public_bytes(),
        this_update=this_update,
        next_update=next_update,
        entries=written,
        extensions=(
            authority_key_identifier_extension(identifier.key_identifier),
            crl_number_extension(number),
        ),
    )
    assert count == len(entries)
    assert tbs == theirs.tbs_certlist_bytes
    ours = encode_certificate_list(tbs, ECDSA_SHA256, theirs.signature)
    assert ours == theirs.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "serials", [[2, 1], [5, 5], [0], [1 << 159]], ids=["unsorted", "twice", "zero", "long"]
)
def test_wrong_serials_do_not_become_a_list(serials: list[int]) -> None:
    with pytest.raises(ValueError, match="serial"):
        encode_entries(RevokedEntry(octets(serial), 0) for serial in serials)


def test_a_serial_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="serial"):
        encode_entries([RevokedEntry(b"\1" * 21, 0)])


def test_a_reason_that_the_standard_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        encode_entries([RevokedEntry(octets(1), 0, 7)])


def test_expired_certs_on_crl_says_since_when_in_generalized_time() -> None:
    read = x509.load_der_x509_crl(
        encode_certificate_list(
            encode_tbs(
                algorithm=ECDSA_SHA256,
                issuer=NAME.public_bytes(),
                this_update=NOW,
                next_update=NOW,
                entries=b"",
                extensions=(expired_certs_on_crl_extension(NOW),),
            ),
            ECDSA_SHA256,
            b"",
        )
    )
    extension = read.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.5.29.60"))
    assert not extension.critical
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    assert extension.value.value == b"\x18\x0f20261124120000Z"
