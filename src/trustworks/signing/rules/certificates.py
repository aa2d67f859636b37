"""Whether a certificate and its key may make this signature at this moment.

Each rule takes a `Use`, and raises `Rejected` with a sentence that says what to do; `check` takes them in
their order, and `objections` gives all that there are, for who chooses among certificates.
Sources: RFC 5280, 4.1.2.5 and 4.2.1; EN 319 412-2, 4.3.2; RFC 9336; RFC 4055, 1.2; TS 119 182-1, 5.1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.algorithms import HASH_FUNCTIONS
from trustworks.core.der.algorithms import SIGNER_DIGESTS
from trustworks.core.der.qc_statements import QC_COMPLIANCE, QC_SSCD, read_statement_ids
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module.agreed import check_signature
from trustworks.core.module.algorithms import CURVES, DEFAULT_SCHEME, KeyAlgorithm, SignatureScheme
from trustworks.core.pki import extensions as ext
from trustworks.core.pki.certificate import Certificate
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.jades.creating.headers import algorithm as jose_name
from trustworks.signing.model import Format
from trustworks.signing.rules.schemes import kind_of, schemes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.pki.public_keys import PublicKey

DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"

PURPOSES: Final = frozenset(
    {
        # Any purpose at all.
        ext.ANY_EXTENDED_KEY_USAGE,
        # What certificates of signers had before there was a purpose for documents, and most have today.
        "1.3.6.1.5.5.7.3.4",
        # id-kp-documentSigning (RFC 9336).
        DOCUMENT_SIGNING,
        # Those of two makers of programs for documents, which stand in certificates for that alone.
        "1.3.6.1.4.1.311.10.3.12",
        "1.2.840.113583.1.1.5",
    }
)
"""Extended key usages of which one is enough where a certificate has any.

Others name something else that the key is for: client and server authentication, code, time-stamps, OCSP.
"""

LEAST_RSA_BITS: Final = 3072

_SIGN: Final = frozenset({"digitalSignature", "nonRepudiation"})
_DECIDING: Final = {
    ext.KEY_USAGE: "key usage",
    ext.EXTENDED_KEY_USAGE: "extended key usage",
    ext.BASIC_CONSTRAINTS: "basic constraints",
    ext.PRIVATE_KEY_USAGE_PERIOD: "private key usage period",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A certificate that is to sign: how, when, and what is known beside it.

    `scheme` is a name of `core.module`'s. `key` is the SubjectPublicKeyInfo of the key that will sign; None:
    it is elsewhere, and the value shows it. `revoked` says since when the certificate is revoked, and why;
    None: it is not. `qualified`: a qualified signature or seal is wanted, whose certificate states that it is
    qualified, and that the key commits its holder. `device`: the key is to be in a qualified device, which
    the certificate then states. `purposes` are the extended key usages of which one is enough. `ed25519`:
    the profile of the signature allows that key. `lab`: mechanisms that are not agreed are let pass.
    """

    certificate: Certificate
    at: datetime
    scheme: str
    format: Format
    key: bytes | None = None
    revoked: str | None = None
    qualified: bool = False
    device: bool = False
    purposes: frozenset[str] = PURPOSES
    ed25519: bool = False
    lab: bool = False


@implements("TRUSTWORKS:SIGNING-CERTIFICATE-READ")
def can_be_read(use: Use) -> None:
    """What decides about the use of a certificate can be read: what cannot is not passed over."""
    for oid, fault in use.certificate.faults.items():
        if oid in _DECIDING:
            raise Rejected(
                "signer.damaged",
                f"The {_DECIDING[oid]} of {use.certificate} cannot be read: {fault} Have the certificate "
                "issued anew.",
            )


@implements("TRUSTWORKS:SIGNING-CERTIFICATE-PERIOD", "TS119101:SCP-34")
def is_valid_then(use: Use) -> None:
    """The certificate is valid at the moment of the signature, and so is the use of its key."""
    certificate = use.certificate
    begins, ends = certificate.private_key_usage_period
    if use.at < certificate.not_before or (begins is not None and use.at < begins):
        since = max(one for one in (certificate.not_before, begins) if one is not None)
        raise Rejected(
            "signer.not-yet-valid",
            f"{certificate} may sign from {_when(since)} on, and not at {_when(use.at)}. Wait, or take "
            "another certificate.",
        )
    if use.at > certificate.not_after:
        raise Rejected(
            "signer.expired",
            f"The certificate of {certificate} ended at {_when(certificate.not_after)}, before this "
            f"signature at {_when(use.at)}. Get a new one and sign with that.",
        )
    if ends is not None and use.at > ends:
        raise Rejected(
            "signer.key-period",
            f"The private key of {certificate} was to be used until {_when(ends)}, and not at "
            f"{_when(use.at)}. Get a new key and certificate.",
        )


@implements("TRUSTWORKS:SIGNING-CERTIFICATE-REVOKED", "TS119101:SCP-36")
def is_not_revoked(use: Use) -> None:
    """The certificate is not revoked."""
    if use.revoked is not None:
        raise Rejected(
            "signer.revoked",
            f"The certificate of {use.certificate} is revoked ({use.revoked}). Sign with another one.",
        )


@implements("TRUSTWORKS:SIGNING-CERTIFICATE-SUBJECT")
def is_no_authority(use: Use) -> None:
    """The certificate is of a signer, not of an authority that issues certificates or lists."""
    usage = use.certificate.key_usage or frozenset()
    if use.certificate.is_ca or usage & {"keyCertSign", "cRLSign"}:
        raise Rejected(
            "signer.authority",
            f"The certificate of {use.certificate} is one of an authority, whose key signs certificates and "
            "lists and no documents. Take the certificate of a signer.",
        )


@implements("TRUSTWORKS:SIGNING-KEY-USAGE")
def is_for_signatures(use: Use) -> None:
    """Key usage, where a certificate has it, lets the key sign (RFC 5280, 4.2.1.3)."""
    usage = use.certificate.key_usage
    if usage is not None and not usage & _SIGN:
        raise Rejected(
            "signer.key-usage",
            f"The key of {use.certificate} is for {_listed(usage)} alone. Take a certificate with the key "
            "usage nonRepudiation or digitalSignature.",
        )


@implements("TRUSTWORKS:SIGNING-KEY-USAGE-COMMITS")
def commits(use: Use) -> None:
    """For a qualified signature the key usage says that the key commits (EN 319 412-2, 4.3.2: A, B or F)."""
    usage = use.certificate.key_usage or frozenset()
    if use.qualified and "nonRepudiation" not in usage:
        raise Rejected(
            "signer.key-usage",
            f"The key usage of {use.certificate} is {_listed(usage)}, and a qualified signature asks for "
            "nonRepudiation (contentCommitment). Take the certificate for signatures, not the one to log in.",
        )


@implements("TRUSTWORKS:SIGNING-QUALIFIED")
def is_qualified(use: Use) -> None:
    """For a qualified signature or seal the certificate states that it is qualified (EN 319 412-5, 4.2.1)."""
    if use.qualified and QC_COMPLIANCE not in _statements(use.certificate):
        raise Rejected(
            "signer.not-qualified",
            f"The certificate of {use.certificate} does not state that it is qualified, and a qualified "
            "signature is asked for. Take a qualified certificate.",
        )


@implements("TRUSTWORKS:SIGNING-DEVICE", "TS119101:SCP-86")
def is_in_a_device(use: Use) -> None:
    """Where a qualified device is asked for, the certificate states it (EN 319 412-5, 4.2.2)."""
    if use.device and QC_SSCD not in _statements(use.certificate):
        raise Rejected(
            "signer.device",
            f"The certificate of {use.certificate} does not state that its key is in a qualified signature "
            "creation device. Take one whose key is, or ask for a signature without.",
        )


@implements("TRUSTWORKS:SIGNING-PURPOSE")
def is_for_documents(use: Use) -> None:
    """Extended key usage, where a certificate has it, has a purpose with which documents are signed."""
    found = use.certificate.extended_key_usage
    if found is not None and not use.purposes.intersection(found):
        raise Rejected(
            "signer.purpose",
            f"The certificate of {use.certificate} is for other purposes ({', '.join(found[:8])}) than to "
            f"sign documents. Take one with id-kp-documentSigning ({DOCUMENT_SIGNING}) or without any "
            "extended key usage.",
        )


@implements("TRUSTWORKS:SIGNING-KEY-FITS", "TS119101:SCP-32", "TS119101:SCP-91", "EN419111:2-CERTIFICATE-KEY")
def is_of_the_key(use: Use) -> None:
    """The certificate is that of the key which will sign."""
    if use.key is not None and use.key != use.certificate.key.der:
        raise Rejected(
            "signer.key",
            f"The certificate of {use.certificate} is for another key than the one that is to sign. Give the "
            "certificate that was issued for this key.",
        )


@implements("TRUSTWORKS:SIGNING-KEY-KIND", "TS119101:SCP-59")
def is_of_a_kind(use: Use) -> None:
    """The key is RSA, on a NIST or Brainpool curve, or Ed25519 where the profile allows that."""
    key = use.certificate.key
    found = kind_of(key)
    if found is None or key.why_not is not None:
        raise Rejected(
            "signer.key-kind",
            f"Nothing is signed with the key of {use.certificate}. {key.why_not or _called(key)} Take "
            f"one of {', '.join(one.value for one in CURVES)}, or RSA.",
        )
    if found is KeyAlgorithm.ED25519 and not use.ed25519:
        raise Rejected(
            "signer.key-kind",
            f"The key of {use.certificate} is of Ed25519, by which nothing is signed unless that is allowed: "
            "for clients of the service with ed25519 = true in [signing], by command not at all. Take a key "
            "on P-256 with a certificate of its own.",
        )


@implements("TRUSTWORKS:SIGNING-KEY-SIZE", "TS119101:SCP-59")
def is_long_enough(use: Use) -> None:
    """An RSA key has 3072 bits or more, for PKCS #1 v1.5 and for PSS."""
    key = use.certificate.key
    if key.kind == "rsa" and key.bits < LEAST_RSA_BITS:
        raise Rejected(
            "signer.key-size",
            f"The RSA key of {use.certificate} has {key.bits} bits, and {LEAST_RSA_BITS} are the fewest with "
            "which anything is signed. Get a certificate for a longer key, or for one on P-256.",
        )


@implements("TRUSTWORKS:SIGNING-SCHEME-FITS")
def fits_the_key(use: Use) -> None:
    """The scheme is one of the key; a key for RSASSA-PSS alone signs by nothing else (RFC 4055, 1.2)."""
    key = use.certificate.key
    fitting = schemes_of(key)
    if use.scheme not in fitting:
        raise Rejected(
            "signature.scheme",
            f"{use.scheme[:60]!r} is no scheme of the key of {use.certificate}. Use one of "
            f"{', '.join(fitting) or 'another key'}.",
        )


@implements("TRUSTWORKS:SIGNING-HASH-STRENGTH")
def is_as_strong_as_the_curve(use: Use) -> None:
    """The hash function is not weaker than the curve: P-384 signs by SHA-384, P-521 by SHA-512."""
    key = use.certificate.key
    if key.kind != "ec" or use.scheme not in SIGNER_DIGESTS:
        return
    # No hash function has 521 bits: against collisions SHA-512 is as strong as that curve.
    wanted = min(key.bits, 512)
    if _bits(use.scheme) < wanted:
        raise Rejected(
            "signature.hash",
            f"{use.scheme} signs a digest of {_bits(use.scheme)} bits, which makes less of a key on "
            f"{key.curve} than it is. Use "
            f"{next(one for one in ('ECDSA_SHA256', 'ECDSA_SHA384', 'ECDSA_SHA512') if _bits(one) >= wanted)}"
            ".",
        )


@implements("TRUSTWORKS:SIGNING-SCHEME-NAMED")
def has_a_name(use: Use) -> None:
    """JAdES has a name for the scheme with that key: of curves each has one (TS 119 182-1, 5.1.2)."""
    if use.format is not Format.JADES:
        return
    try:
        jose_name(use.scheme, use.certificate.der)
    except Rejected:
        named = [one for one in schemes_of(use.certificate.key) if _is_named(one, use.certificate.der)]
        raise Rejected(
            "signature.scheme",
            f"JSON has no name for {use.scheme[:60]!r} with the key of {use.certificate}. Use "
            f"{' or '.join(named) or 'another format than JAdES'}.",
        ) from None


@implements("TRUSTWORKS:SIGNING-AGREED", "TS119101:SCP-59", "TS119101:SCP-81", "EN419111:2-CRYPTOGRAPHY")
def is_agreed(use: Use) -> None:
    """Key and scheme are mechanisms that the ECCG agrees to on that day, unless this is a lab."""
    kind = kind_of(use.certificate.key)
    if kind is not None and use.scheme in SignatureScheme.__members__:
        check_signature(kind, SignatureScheme[use.scheme], use.at.date(), lab=use.lab)


RULES: Final[tuple[Callable[[Use], None], ...]] = (
    can_be_read,
    is_of_the_key,
    is_no_authority,
    is_for_signatures,
    commits,
    is_qualified,
    is_in_a_device,
    is_for_documents,
    is_valid_then,
    is_not_revoked,
    is_of_a_kind,
    is_long_enough,
    fits_the_key,
    is_as_strong_as_the_curve,
    has_a_name,
    is_agreed,
)
"""In the order in which they are told: first what another choice of certificate sets right."""


@implements("ART24-2-E:D-1-c", "EN419111:2-CERTIFICATE-RIGHT")
def check(use: Use) -> None:
    """Nothing stands against the use.

    Raises:
        Malformed: the certificate cannot be read.
        Rejected: ``signer.…`` for the certificate and its key, ``signature.scheme``, ``signature.hash``.
        Refused: ``ECCG-ACM:SIGNATURES``: the mechanism is not agreed on that day.
    """
    for rule in RULES:
        rule(use)


def objections(use: Use) -> tuple[Rejected | Refused, ...]:
    """All that stands against the use, each as the error that `check` would raise were it the first."""
    found: list[Rejected | Refused] = []
    for rule in RULES:
        try:
            rule(use)
        except (Rejected, Refused) as error:
            found.append(error)
    return tuple(found)


def usual_scheme(certificate: bytes) -> str:
    """The scheme by which the key of a certificate signs where none is named.

    Raises:
        Malformed: the certificate cannot be read.
        Rejected: ``signer.key``: nothing is signed by keys of that kind.
    """
    kind = kind_of(Certificate.read(certificate).key)
    if kind is None:
        raise Rejected(
            "signer.key-kind", "Nothing is signed by a key of this kind. Take one of RSA or ECDSA."
        )
    return DEFAULT_SCHEME[kind].name


def _statements(certificate: Certificate) -> frozenset[str]:
    """The identifiers of the statements of a certificate; none where they cannot be read."""
    if certificate.qc_statements is None:
        return frozenset()
    try:
        return frozenset(read_statement_ids(certificate.qc_statements)[0])
    except Malformed:
        return frozenset()


def _is_named(scheme: str, certificate: bytes) -> bool:
    try:
        jose_name(scheme, certificate)
    except Rejected:
        return False
    return True


def _bits(scheme: str) -> int:
    return 8 * HASH_FUNCTIONS[SIGNER_DIGESTS[scheme]].size


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _called(key: PublicKey) -> str:
    return f"It is of the kind {key.curve or key.kind}."


def _listed(usage: frozenset[str]) -> str:
    return " and ".join(sorted(usage)) or "nothing"
