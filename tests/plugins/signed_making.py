"""Keys, certificates, revocation lists and tokens for signatures that are built here; all throw-away.

A root, an authority below it, signers of each kind of key by the authority, a time-stamping unit by the root.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Entity, crl, entity, key
from foreign_tokens import ForeignAuthority, tst_info

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import GENERALIZED_TIME, OCTET_STRING, SEQUENCE, integer, tlv
from trustworks.formats.verification import signing_certificate
from trustworks.validation import Trust
from trustworks.validation.rules.inputs import NOTHING, Extra, token
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from trustworks.formats.dtbs import Dtbs
    from trustworks.formats.evidence import Evidence

SIGNING_TIME: Final = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
AT: Final = NOW
"""The time of validation: within the validity of all, and of the revocation lists."""
SCHEMES: Final = {
    "ECDSA_SHA256": "p256",
    "ECDSA_SHA384": "p384",
    "ECDSA_SHA512": "p521",
    "RSA_PKCS1_SHA256": "rsa",
    "RSA_PSS_SHA256": "rsa",
    "RSA_PSS_SHA512": "rsa",
    "ED25519": "ed25519",
}


@cache
def private_key(kind: str) -> Any:
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 3072)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p521":
            return ec.generate_private_key(ec.SECP521R1())
        case _:
            return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class House:
    """The authorities and the unit."""

    root: Entity
    ca: Entity
    tsa: Entity

    @property
    def trust(self) -> Trust:
        return Trust.of([self.root.der])

    @property
    def authorities(self) -> tuple[bytes, ...]:
        return (self.ca.der, self.root.der)

    @property
    def lists(self) -> tuple[bytes, ...]:
        """Revocation lists of both authorities, fresh at `AT`."""
        return (crl(self.ca), crl(self.root))


@cache
def house() -> House:
    root = entity("making root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
    return House(
        root=root,
        ca=entity("making ca", root, ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR),
        tsa=entity(
            "making tsa",
            root,
            since=NOW - 10 * YEAR,
            until=NOW + 10 * YEAR,
            usage=("digital_signature",),
            purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
        ),
    )


@cache
def certificate(scheme: str = "ECDSA_SHA256") -> bytes:
    """A signer's certificate, for the kind of key that goes with a scheme."""
    return certify(private_key(SCHEMES[scheme]).public_key(), 4711 + list(SCHEMES).index(scheme))


def certify(public_key: Any, serial: int) -> bytes:
    """A signer's certificate for any key, such as one of a module."""
    issuer = house().ca
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=Somebody\\, who signs"))
        .issuer_name(issuer.certificate.subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(NOW - 2 * YEAR)
        .not_valid_after(NOW + 2 * YEAR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key(issuer.name), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def sign(dtbs: Dtbs) -> bytes:
    """What a module's key answers: the value as certificates and CMS have it."""
    private = private_key(SCHEMES[dtbs.scheme])
    name: Any = {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
        None: None,
    }[dtbs.hash_name]
    if dtbs.scheme == "ED25519":
        return bytes(private.sign(dtbs.octets))
    if dtbs.scheme.startswith("ECDSA"):
        return bytes(private.sign(dtbs.octets, ec.ECDSA(name)))
    if dtbs.scheme.startswith("RSA_PSS"):
        return bytes(private.sign(dtbs.octets, padding.PSS(padding.MGF1(name), name.digest_size), name))
    return bytes(private.sign(dtbs.octets, padding.PKCS1v15(), name))


def stamp(
    over: bytes, time: datetime = NOW - 20 * DAY, hash_name: str = "sha256", *, digest: bytes | None = None
) -> bytes:
    """A token of the house's unit, over octets or their digest."""
    digest = digest or hashlib.new(hash_name, over).digest()
    unit = house().tsa
    imprint = tlv(SEQUENCE, hash_identifier(hash_name), tlv(OCTET_STRING, digest))
    tst = tst_info(imprint=imprint, time=time.strftime("%Y%m%d%H%M%SZ").encode())
    assert tst[0] == SEQUENCE
    assert GENERALIZED_TIME in tst
    authority = ForeignAuthority(ca_key=key("making root"), key=key("making tsa"))
    sid = tlv(
        SEQUENCE,
        unit.certificate.issuer.public_bytes(),
        integer(unit.certificate.serial_number),
    )
    signer = authority.signer(tst, unit.der, sid=sid)
    return authority.token(tst, certificate=unit.der, signers=[signer])


def holds(evidence: Evidence) -> list[bool]:
    """Of each signature: whether value, references and structure are right, by a certificate beside it."""
    found = []
    for one in evidence.signatures:
        chosen = signing_certificate(one, evidence)
        by_it = chosen is not None and chosen.verifies is True and chosen.identified is not False
        named = chosen is not None and chosen.reference is not None and chosen.reference.holds
        found.append(by_it and named and all(part.intact for part in one.references) and not one.findings)
    return found


def judged(evidence: Evidence, *, outside: bool = True) -> list[str]:
    """The verdict of each signature at `AT`; `outside`: with revocation data that is not in the file."""
    lists = tuple(token("R", one) for one in house().lists)
    outcome = validate(
        evidence, at=AT, trust=house().trust, extra=Extra(revocation=lists) if outside else NOTHING
    )
    return [str(one.sub_indication or one.indication) for one in outcome.signatures]
