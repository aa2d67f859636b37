"""cryptography's own vectors, and NIST's PKITS among them, before our readers and writers.

What `cryptography` reads, ours read to the same values or refuse with a sentence; nothing else comes out of
them, whatever the file.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cryptography_vectors
import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.crl import encode_certificate_list, encode_entries, encode_tbs, issuer_octets
from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.der.ocsp_reading import decode_request, decode_response
from trustworks.core.der.x509 import public_key_info, read_certificate, read_name
from trustworks.core.errors import Malformed, Refused
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.lints import lint
from trustworks.issuance.lints.lint import Surroundings
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.wire import read_csr, read_lost_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning"),
]

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
# What it raises for what it does not read.
UNREAD = (
    ValueError,
    TypeError,
    NotImplementedError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def files(folder: str, *endings: str) -> list[Path]:
    found = [one for one in sorted((VECTORS / folder).iterdir()) if one.suffix in endings]
    assert found
    return found


def read(loaders: tuple[Callable[[bytes], Any], ...], octets: bytes) -> Any:
    """What the first of these makes of it, or None."""
    for load in loaders:
        with suppress(*UNREAD):
            return load(octets)
    return None


def said_in_a_sentence(error: Exception) -> None:
    assert str(error).endswith("."), error


def certificates() -> Iterator[tuple[Path, x509.Certificate]]:
    folders = (".", "custom", "custom/ca", "PKITS_data/certs")
    for file in (one for folder in folders for one in files(folder, ".pem", ".der", ".crt")):
        loaders = (x509.load_pem_x509_certificate, x509.load_der_x509_certificate)
        found = read(loaders, file.read_bytes())
        if found is not None:
            yield file, found


def test_requests_are_read_to_the_same_or_refused() -> None:
    same = 0
    for file in files("requests", ".pem", ".der"):
        octets = file.read_bytes()
        theirs = read((x509.load_pem_x509_csr, x509.load_der_x509_csr), octets)
        try:
            ours = read_csr(octets)
            ours.alternative_names()
        except (Malformed, Refused) as error:
            said_in_a_sentence(error)
            continue
        assert theirs is not None, file
        assert ours.der == theirs.public_bytes(Encoding.DER)
        assert ours.is_signature_valid == theirs.is_signature_valid
        same += 1
    assert same > 10


def test_questions_about_status_are_read_to_the_same_or_refused() -> None:
    same = 0
    for file in files("ocsp", ".der"):
        octets = file.read_bytes()
        theirs = read((ocsp.load_der_ocsp_request,), octets)
        try:
            ours = decode_request(octets)
        except Malformed as error:
            said_in_a_sentence(error)
            continue
        (asked,) = ours.cert_ids[:1]
        if theirs is None:  # it reads those that ask about several, and those by an unknown hash, not at all
            assert len(ours.cert_ids) > 1 or file.name == "req-invalid-hash-alg.der", file
            continue
        assert asked.serial == theirs.serial_number
        assert asked.issuer_key_hash == theirs.issuer_key_hash
        assert asked.issuer_name_hash == theirs.issuer_name_hash
        same += 1
    assert same >= 5


def test_answers_about_status_are_read_to_the_same_or_refused() -> None:
    same = 0
    for file in files("ocsp", ".der"):
        octets = file.read_bytes()
        theirs = read((ocsp.load_der_ocsp_response,), octets)
        try:
            ours = decode_response(octets)
        except Malformed as error:
            said_in_a_sentence(error)
            continue
        assert theirs is not None, file
        if isinstance(ours, ResponseStatus):
            assert ours.value == theirs.response_status.value
            continue
        for mine, single in zip(ours.data.responses, theirs.responses, strict=True):
            assert mine.status == single.certificate_status.name.lower()
            assert mine.this_update == single.this_update_utc
            assert mine.next_update == single.next_update_utc
            assert mine.revoked_at == single.revocation_time_utc
        assert ours.signature == theirs.signature
        assert ours.tbs == theirs.tbs_response_bytes
        same += 1
    assert same >= 1


def test_certificates_are_read_to_the_same_or_refused() -> None:
    same = 0
    for file, theirs in certificates():
        der = theirs.public_bytes(Encoding.DER)
        try:
            ours = read_certificate(der).tbs_certificate
            spki = public_key_info(der)
        except Malformed as error:
            said_in_a_sentence(error)
            continue
        assert ours.serial_number == theirs.serial_number, file
        assert spki in der
        with suppress(*UNREAD, Malformed):
            assert read_name(bytes(ours.subject.data)) == theirs.subject
        extensions = [one.oid for one in ours.extensions or []]
        with suppress(*UNREAD):
            assert extensions == [one.oid for one in theirs.extensions]
        with suppress(Malformed):
            read_lost_key(theirs.public_bytes(Encoding.PEM))
        same += 1
    assert same > 400


@pytest.mark.parametrize("profile", ["natural-qcp-n-qscd", "qevcp-w", "tsu"])
def test_every_lint_judges_every_certificate(profile: str) -> None:
    """They are of other profiles, damaged or old: there is something to say of each, and no lint fails."""
    around = Surroundings(
        profile=profile_named(profile),
        issuer=None,
        settings=IssuanceSettings.model_validate({}),
        public_url="http://lab.example",
        lab=False,
    )
    judged = 0
    for file, found in list(certificates())[::3]:
        try:
            said = lint(found.public_bytes(Encoding.DER), around)
        except Malformed as error:
            said_in_a_sentence(error)
            continue
        assert said, file
        assert all(one.sentence.endswith(".") for one in said)
        judged += 1
    assert judged > 100


def test_lists_that_are_written_again_are_read_to_the_same() -> None:
    """The entries of foreign lists, by our writer: numbers, times and reasons as `cryptography` has them."""
    written = 0
    for file in [*files("custom", ".pem", ".der"), *files("PKITS_data/crls", ".crl")]:
        theirs = read((x509.load_pem_x509_crl, x509.load_der_x509_crl), file.read_bytes())
        if theirs is None or len(theirs) > 20_000:
            continue
        try:
            # Others are no serial numbers (RFC 5280, 4.1.2.2).
            entries = sorted(
                {one.serial_number: entry_of(one) for one in theirs if one.serial_number > 0}.values()
            )
        except UNREAD:
            continue  # `cryptography` itself does not read its entries
        octets, _ = encode_entries(entries)
        algorithm = SIGNATURES["ECDSA_SHA256"]
        tbs = encode_tbs(
            algorithm=algorithm,
            issuer=issuer(theirs),
            this_update=theirs.last_update_utc,
            next_update=theirs.last_update_utc + timedelta(days=1),
            entries=octets,
            extensions=(),
        )
        again = x509.load_der_x509_crl(encode_certificate_list(tbs, algorithm, b"0"))
        assert sorted(map(entry_of, again)) == entries, file
        assert again.issuer == theirs.issuer
        assert issuer_octets(again.public_bytes(Encoding.DER)) == issuer(theirs)
        written += 1
    assert written > 100


def issuer(crl: x509.CertificateRevocationList) -> bytes:
    return crl.issuer.public_bytes()


def entry_of(entry: x509.RevokedCertificate) -> tuple[bytes, int, int, int | None]:
    reason, since = 0, None
    codes = {flag: code for code, flag in enumerate(REASONS) if flag is not None}
    for one in entry.extensions:
        if isinstance(one.value, x509.CRLReason):
            reason = codes[one.value.reason]
        if isinstance(one.value, x509.InvalidityDate):
            since = int((one.value.invalidity_date_utc - LONG_AGO).total_seconds())
    revoked = int((entry.revocation_date_utc - LONG_AGO).total_seconds())
    return entry.serial_number.to_bytes(20, "big"), revoked, reason, since


FLAGS = x509.ReasonFlags
REASONS = (
    FLAGS.unspecified, FLAGS.key_compromise, FLAGS.ca_compromise, FLAGS.affiliation_changed,
    FLAGS.superseded, FLAGS.cessation_of_operation, FLAGS.certificate_hold, None, FLAGS.remove_from_crl,
    FLAGS.privilege_withdrawn, FLAGS.aa_compromise,
)  # fmt: skip
