"""May this certificate sign this, now: every refusal by a certificate that is wrong in one way alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustworks.core.algorithms import RSASSA_PSS
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.encode import BIT_STRING, INTEGER, SEQUENCE, tlv
from trustworks.core.der.encode import oid as der_oid
from trustworks.core.der.qc_statements import QC_COMPLIANCE, QC_SSCD, QC_STATEMENTS
from trustworks.core.der.values import only
from trustworks.core.errors import Refused, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.public_keys import read_public_key
from trustworks.core.trace import rule_of
from trustworks.signing.model import Format
from trustworks.signing.rules.certificates import PURPOSES, Use, check, is_agreed, objections
from trustworks.signing.rules.schemes import kind_of, schemes_of

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip

KEYS: Final[dict[str, Callable[[], Any]]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "other P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "brainpoolP512r1": lambda: ec.generate_private_key(ec.BrainpoolP512R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


RSA: Final = {"RSA-2048": 2048, "RSA-3072": 3072}
RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"


def rsa_key(bits: int, oid: str = RSA_ENCRYPTION, *parameters: bytes) -> bytes:
    """An RSA key of that length as it stands in certificates; nobody has the private one."""
    modulus = tlv(INTEGER, b"\0" + (1 << (bits - 1) | 1).to_bytes(bits // 8, "big"))
    plain = tlv(SEQUENCE, modulus, tlv(INTEGER, b"\x01\0\x01"))
    return tlv(SEQUENCE, tlv(SEQUENCE, der_oid(oid), *parameters), tlv(BIT_STRING, b"\0", plain))


@cache
def key(name: str) -> Any:
    return KEYS[name]()


@cache
def made(
    kind: str = "P-256",
    *,
    usage: frozenset[str] | None = frozenset({"content_commitment"}),
    purposes: tuple[str, ...] = (),
    ca: bool | None = False,
    since: datetime = NOW - DAY,
    until: datetime = NOW + DAY,
    key_period: tuple[datetime, datetime] | None = None,
    damaged: str | None = None,
    states: tuple[str, ...] = (),
) -> Certificate:
    """A certificate, signed by its own key; of `damaged` the value is no DER of that extension.

    Those of RSA have their key put in afterwards: nothing here looks at the signature.
    """
    if kind in RSA:
        other = made(usage=usage, purposes=purposes, ca=ca, since=since, until=until, states=states)
        return replace(other, _key=rsa_key(RSA[kind]))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Signer TEST")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(kind).public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    extensions: list[x509.ExtensionType] = []
    if usage is not None:
        extensions.append(x509.KeyUsage(**{one: one in usage for one in USAGES}))
    if purposes:
        extensions.append(x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in purposes]))
    if ca is not None:
        extensions.append(x509.BasicConstraints(ca=ca, path_length=None))
    if key_period is not None:
        extensions.append(x509.PrivateKeyUsagePeriod(*key_period))
    if damaged is not None:
        extensions.append(x509.UnrecognizedExtension(x509.ObjectIdentifier(damaged), b"\x05\x00"))
    if states:
        listed = tlv(SEQUENCE, *(tlv(SEQUENCE, der_oid(one)) for one in states))
        extensions.append(x509.UnrecognizedExtension(x509.ObjectIdentifier(QC_STATEMENTS), listed))
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    digest = None if kind == "Ed25519" else hashes.SHA256()
    return Certificate.read(builder.sign(key(kind), digest).public_bytes(Encoding.DER))


def use(certificate: Certificate | None = None, **changed: Any) -> Use:
    given: dict[str, Any] = {
        "certificate": certificate or made(),
        "at": NOW,
        "scheme": "ECDSA_SHA256",
        "format": Format.CADES,
    }
    return Use(**(given | changed))


def refused(wanted: Use, code: str, requirement: str, *words: str) -> None:
    """It is refused for that alone, by that rule, in a sentence with these words."""
    with pytest.raises(Rejected) as caught:
        check(wanted)
    assert caught.value.code == code
    assert rule_of(caught.value) == requirement
    for one in words:
        assert one in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("P-256", "ECDSA_SHA256"),
        ("P-256", "ECDSA_SHA512"),
        ("P-384", "ECDSA_SHA384"),
        ("P-521", "ECDSA_SHA512"),
        ("brainpoolP256r1", "ECDSA_SHA256"),
        ("brainpoolP512r1", "ECDSA_SHA512"),
        ("RSA-3072", "RSA_PSS_SHA256"),
        ("RSA-3072", "RSA_PKCS1_SHA512"),
    ],
)
def test_a_certificate_that_stands_may_sign(kind: str, scheme: str) -> None:
    certificate = made(kind, states=(QC_COMPLIANCE, QC_SSCD))
    wanted = use(certificate, scheme=scheme, key=certificate.key.der, qualified=True, device=True)
    assert objections(wanted) == ()


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-PERIOD", "TS119101:SCP-34")
def test_before_and_after_its_validity_nothing_is_signed() -> None:
    period = "TRUSTWORKS:SIGNING-CERTIFICATE-PERIOD"
    refused(use(at=NOW - 2 * DAY), "signer.not-yet-valid", period, "2026-05-31 12:00 UTC", "Wait")
    refused(use(at=NOW + 2 * DAY), "signer.expired", period, "2026-06-02 12:00 UTC", "new one")
    # The first and the last second are part of it (RFC 5280, 4.1.2.5).
    check(use(at=NOW - DAY))
    check(use(at=NOW + DAY))


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-PERIOD")
def test_the_private_key_has_a_period_of_its_own() -> None:
    hour = timedelta(hours=1)
    certificate = made(key_period=(NOW - hour, NOW + hour))
    check(use(certificate))
    period = "TRUSTWORKS:SIGNING-CERTIFICATE-PERIOD"
    refused(use(certificate, at=NOW + 2 * hour), "signer.key-period", period, "2026-06-01 13:00 UTC")
    refused(use(certificate, at=NOW - 2 * hour), "signer.not-yet-valid", period, "2026-06-01 11:00 UTC")


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-REVOKED", "TS119101:SCP-36")
def test_a_revoked_certificate_does_not_sign() -> None:
    why = "since 2026-05-01, keyCompromise"
    refused(use(revoked=why), "signer.revoked", "TRUSTWORKS:SIGNING-CERTIFICATE-REVOKED", why)


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-SUBJECT")
@pytest.mark.parametrize(
    "certificate",
    [
        {"ca": True},
        {"ca": None, "usage": frozenset({"content_commitment", "key_cert_sign"})},
        {"usage": frozenset({"digital_signature", "crl_sign"})},
    ],
)
def test_an_authority_signs_no_documents(certificate: dict[str, Any]) -> None:
    refused(use(made(**certificate)), "signer.authority", "TRUSTWORKS:SIGNING-CERTIFICATE-SUBJECT")


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-USAGE")
def test_a_key_for_encryption_does_not_sign() -> None:
    certificate = made("RSA-3072", usage=frozenset({"key_encipherment"}))
    wanted = use(certificate, scheme="RSA_PSS_SHA256")
    refused(wanted, "signer.key-usage", "TRUSTWORKS:SIGNING-KEY-USAGE", "keyEncipherment", "nonRepudiation")
    # RFC 5280, 4.2.1.3: without the extension the key is not restricted.
    check(use(made(usage=None)))
    check(use(made(usage=frozenset({"digital_signature"}))))


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-USAGE-COMMITS")
@pytest.mark.parametrize("usage", [None, frozenset({"digital_signature"})])
def test_a_qualified_signature_asks_for_a_key_that_commits(usage: frozenset[str] | None) -> None:
    commits = "TRUSTWORKS:SIGNING-KEY-USAGE-COMMITS"
    refused(use(made(usage=usage), qualified=True), "signer.key-usage", commits, "contentCommitment")
    # Types B and F mix usages, and commit (EN 319 412-2, 4.3.2).
    both = frozenset({"digital_signature", "content_commitment"})
    check(use(made(usage=both, states=(QC_COMPLIANCE,)), qualified=True))


@pytest.mark.req("TRUSTWORKS:SIGNING-QUALIFIED")
@pytest.mark.parametrize("states", [(), (QC_SSCD,)])
def test_a_qualified_signature_asks_for_a_qualified_certificate(states: tuple[str, ...]) -> None:
    wanted = use(made(states=states), qualified=True)
    refused(wanted, "signer.not-qualified", "TRUSTWORKS:SIGNING-QUALIFIED", "Take a qualified certificate")
    check(use(made(states=states)))


@pytest.mark.req("TRUSTWORKS:SIGNING-DEVICE", "TS119101:SCP-86")
def test_a_device_that_is_asked_for_is_stated() -> None:
    wanted = use(made(states=(QC_COMPLIANCE,)), qualified=True, device=True)
    refused(wanted, "signer.device", "TRUSTWORKS:SIGNING-DEVICE", "signature creation device")
    check(use(made(states=(QC_SSCD,)), device=True))


def test_statements_that_cannot_be_read_state_nothing() -> None:
    damaged = made(damaged=QC_STATEMENTS)
    assert [one.code for one in objections(use(damaged, device=True)) if isinstance(one, Rejected)] == [
        "signer.device"
    ]


@pytest.mark.req("TRUSTWORKS:SIGNING-PURPOSE")
@pytest.mark.parametrize(
    "purpose",
    [
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
    ],
)
def test_a_certificate_for_other_purposes_signs_no_documents(purpose: x509.ObjectIdentifier) -> None:
    dotted = purpose.dotted_string
    refused(use(made(purposes=(dotted,))), "signer.purpose", "TRUSTWORKS:SIGNING-PURPOSE", dotted)


@pytest.mark.req("TRUSTWORKS:SIGNING-PURPOSE")
@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_one_purpose_for_documents_is_enough(purpose: str) -> None:
    check(use(made(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string, purpose))))


@pytest.mark.req("TRUSTWORKS:SIGNING-PURPOSE")
def test_which_purposes_are_for_documents_can_be_configured() -> None:
    own = "1.3.6.1.4.1.99999.1"
    check(use(made(purposes=(own,)), purposes=frozenset({own})))
    document = use(made(purposes=("1.3.6.1.5.5.7.3.36",)), purposes=frozenset({own}))
    refused(document, "signer.purpose", "TRUSTWORKS:SIGNING-PURPOSE")


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-FITS", "TS119101:SCP-32", "TS119101:SCP-91")
@pytest.mark.req("EN419111:2-CERTIFICATE-KEY", "EN419111:2-CERTIFICATE-RIGHT", "ART24-2-E:D-1-c")
def test_the_certificate_of_another_key_is_refused() -> None:
    other = made("other P-256").key.der
    refused(use(key=other), "signer.key", "TRUSTWORKS:SIGNING-KEY-FITS", "issued for this key")


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-KIND", "TS119101:SCP-59")
def test_a_curve_that_nobody_agreed_to_is_refused() -> None:
    refused(use(made("secp256k1")), "signer.key-kind", "TRUSTWORKS:SIGNING-KEY-KIND", "secp256k1", "P-256")


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-KIND", "TS119101:SCP-59")
def test_ed25519_signs_only_where_the_profile_allows_it() -> None:
    wanted = use(made("Ed25519"), scheme="ED25519", lab=True)
    refused(wanted, "signer.key-kind", "TRUSTWORKS:SIGNING-KEY-KIND", "ed25519 = true")
    check(use(made("Ed25519"), scheme="ED25519", lab=True, ed25519=True))
    check(use(made("Ed25519"), scheme="ED25519", lab=True, ed25519=True, format=Format.JADES))


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-SIZE", "TS119101:SCP-59")
@pytest.mark.parametrize("scheme", ["RSA_PSS_SHA256", "RSA_PKCS1_SHA256"])
def test_a_short_rsa_key_does_not_sign_in_a_lab_either(scheme: str) -> None:
    wanted = use(made("RSA-2048"), scheme=scheme, lab=True)
    refused(wanted, "signer.key-size", "TRUSTWORKS:SIGNING-KEY-SIZE", "2048", "3072")


@pytest.mark.req("TRUSTWORKS:SIGNING-SCHEME-FITS")
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("P-256", "RSA_PSS_SHA256"), ("RSA-3072", "ECDSA_SHA256"), ("P-256", "ED25519"), ("P-256", "no such")],
)
def test_a_scheme_is_one_of_the_key(kind: str, scheme: str) -> None:
    fits = "TRUSTWORKS:SIGNING-SCHEME-FITS"
    refused(use(made(kind), scheme=scheme), "signature.scheme", fits, schemes_of(made(kind).key)[0])


@pytest.mark.req("TRUSTWORKS:SIGNING-SCHEME-FITS")
def test_a_key_for_pss_alone_signs_by_nothing_else() -> None:
    certificate = replace(made(), _key=rsa_key(3072, RSASSA_PSS))
    assert schemes_of(certificate.key) == ("RSA_PSS_SHA256", "RSA_PSS_SHA384", "RSA_PSS_SHA512")
    fits = "TRUSTWORKS:SIGNING-SCHEME-FITS"
    refused(use(certificate, scheme="RSA_PKCS1_SHA256"), "signature.scheme", fits, "RSA_PSS_SHA256")
    check(use(certificate, scheme="RSA_PSS_SHA384"))


@pytest.mark.req("TRUSTWORKS:SIGNING-SCHEME-FITS")
def test_a_key_for_pss_with_one_hash_function_signs_by_that() -> None:
    _, parameters = (one.octets for one in only(SIGNATURES["RSA_PSS_SHA384"], SEQUENCE).children())
    bound = replace(made(), _key=rsa_key(3072, RSASSA_PSS, parameters))
    assert schemes_of(bound.key) == ("RSA_PSS_SHA384",)
    # Parameters that say nothing that is written here.
    unread = replace(made(), _key=rsa_key(3072, RSASSA_PSS, tlv(SEQUENCE)))
    fits = "TRUSTWORKS:SIGNING-SCHEME-FITS"
    refused(use(unread, scheme="RSA_PSS_SHA256"), "signature.scheme", fits, "another key")


@pytest.mark.req("TRUSTWORKS:SIGNING-HASH-STRENGTH")
@pytest.mark.parametrize(
    ("kind", "curve", "scheme", "instead"),
    [
        ("P-384", "secp384r1", "ECDSA_SHA256", "ECDSA_SHA384"),
        ("P-521", "secp521r1", "ECDSA_SHA384", "ECDSA_SHA512"),
        ("brainpoolP512r1", "brainpoolP512r1", "ECDSA_SHA384", "ECDSA_SHA512"),
    ],
)
def test_a_hash_weaker_than_the_curve_is_refused(kind: str, curve: str, scheme: str, instead: str) -> None:
    strength = "TRUSTWORKS:SIGNING-HASH-STRENGTH"
    refused(use(made(kind), scheme=scheme), "signature.hash", strength, curve, f"Use {instead}.")


@pytest.mark.req("TRUSTWORKS:SIGNING-SCHEME-NAMED")
def test_json_has_one_name_for_each_curve() -> None:
    wanted = use(scheme="ECDSA_SHA512", format=Format.JADES)
    refused(wanted, "signature.scheme", "TRUSTWORKS:SIGNING-SCHEME-NAMED", "Use ECDSA_SHA256.")
    check(use(scheme="ECDSA_SHA512", format=Format.XADES))
    check(use(format=Format.JADES))


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREED", "TS119101:SCP-59", "TS119101:SCP-81", "EN419111:2-CRYPTOGRAPHY")
def test_what_is_not_agreed_signs_in_a_lab_alone() -> None:
    wanted = use(made("Ed25519"), scheme="ED25519", ed25519=True)
    with pytest.raises(Refused, match="not an agreed mechanism") as caught:
        check(wanted)
    assert caught.value.requirement == "ECCG-ACM:SIGNATURES"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREED", "TS119101:SCP-59", "TS119101:SCP-81", "EN419111:2-CRYPTOGRAPHY")
def test_what_is_agreed_no_longer_is_refused_from_that_day_on() -> None:
    certificate = made("RSA-2048")
    last = datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    is_agreed(use(certificate, scheme="RSA_PSS_SHA256", at=last))
    with pytest.raises(Refused, match="was agreed until 2025-12-31"):
        is_agreed(use(certificate, scheme="RSA_PSS_SHA256", at=last + DAY))


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-READ")
@pytest.mark.parametrize("extension", ["2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.16"])
def test_an_extension_that_decides_is_not_passed_over(extension: str) -> None:
    certificate = made(usage=None, ca=None, damaged=extension)
    refused(use(certificate), "signer.damaged", "TRUSTWORKS:SIGNING-CERTIFICATE-READ", "cannot be read")


def test_all_objections_are_told_at_once() -> None:
    certificate = made("RSA-2048", usage=frozenset({"key_encipherment"}))
    found = objections(use(certificate, at=NOW + 2 * DAY, scheme="RSA_PSS_SHA256", revoked="since today"))
    assert [one.code for one in found if isinstance(one, Rejected)] == [
        "signer.key-usage",
        "signer.expired",
        "signer.revoked",
        "signer.key-size",
    ]
    assert [one.requirement for one in found if isinstance(one, Refused)] == ["ECCG-ACM:SIGNATURES"]


@pytest.mark.parametrize(
    ("bits", "name"),
    [(2048, "RSA-2048"), (3072, "RSA-3072"), (3584, "RSA-3072"), (4096, "RSA-4096"), (8192, "RSA-4096")],
)
def test_a_longer_rsa_key_counts_as_the_longest_that_is_named(bits: int, name: str) -> None:
    found = kind_of(read_public_key(rsa_key(bits)))
    assert found is not None
    assert found.value == name
