"""From a signature scheme to the module's mechanism and back to a verified signature value.

A plan is made once for each key, scheme and day; the hot path only follows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from trustworks.core.errors import Rejected
from trustworks.core.module.constants import Mechanism
from trustworks.core.module.pkcs11 import PreparedMechanism, pss_mechanism
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from trustworks.core.module.algorithms import Hash, PublicKey, SignatureScheme
    from trustworks.core.module.uri import Pkcs11Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one key makes a signature by one scheme.

    What is signed is `digest` of the data (None: the data, because the module hashes); C_Sign gets it behind
    `prefix`; `encode` turns C_Sign's answer into the signature value (None: it is that already); `verify` is
    called with the value, what is signed, and `arguments`, and raises InvalidSignature.
    """

    day: date
    mechanism: PreparedMechanism
    digest: Callable[[bytes], Any] | None
    prefix: bytes
    encode: Callable[[bytes], bytes] | None
    verify: Callable[..., None]
    arguments: tuple[Any, ...]


def make_plan(scheme: SignatureScheme, public_key: PublicKey, offered: frozenset[int], day: date) -> Plan:
    """Choose the raw mechanism with hashing in software where it is offered, else the module's hashing one.

    SoftHSM2 2.6.1 offers raw ECDSA alone; some modules offer the hashing mechanisms alone.
    Raises `Rejected` (module.mechanism, module.scheme).
    """
    if scheme.hash is None:
        if not isinstance(public_key, ed25519.Ed25519PublicKey):
            raise Rejected("module.scheme", f"{scheme.name} is not a scheme for this key.")
        return Plan(
            day=day,
            mechanism=PreparedMechanism(_choose(scheme, offered, Mechanism.EDDSA)),
            digest=None,
            prefix=b"",
            encode=None,
            verify=public_key.verify,
            arguments=(),
        )
    encode: Callable[[bytes], bytes] | None
    match scheme.padding, public_key:
        case "ecdsa", ec.EllipticCurvePublicKey():
            raw, encode = Mechanism.ECDSA, ecdsa_encoder((public_key.key_size + 7) // 8)
        case "rsa-pss", rsa.RSAPublicKey():
            raw, encode = Mechanism.RSA_PKCS_PSS, None
        case "rsa-pkcs1", rsa.RSAPublicKey():
            raw, encode = Mechanism.RSA_PKCS, None
        case _:
            raise Rejected("module.scheme", f"{scheme.name} is not a scheme for this key.")
    hashing = _HASHING[raw, scheme.hash.name]
    chosen = _choose(scheme, offered, raw, hashing)
    return Plan(
        day=day,
        mechanism=_prepared(chosen, scheme),
        digest=getattr(hashlib, scheme.hash.name) if chosen is raw else None,
        prefix=scheme.hash.digest_info if chosen is Mechanism.RSA_PKCS else b"",
        encode=encode,
        verify=public_key.verify,
        arguments=_verification(scheme, scheme.hash, prehashed=chosen is raw),
    )


@implements("TRUSTWORKS:MODULE-SIGNS-DIGEST")
def check_digest(plan: Plan, digest: bytes, scheme: SignatureScheme, uri: Pkcs11Uri) -> None:
    """A digest can be signed by a plan in place of the data. Raises `Rejected` (module.digest, .mechanism).

    Without it a digest of another length, which some modules sign and others cut, would be taken for one.
    """
    if scheme.hash is None:
        raise Rejected(
            "module.digest",
            f"{scheme.name} signs the data itself, and no digest of it (RFC 8032, 5.1). Give the data, or "
            "sign with a key of another kind.",
        )
    if plan.digest is None:
        raise Rejected(
            "module.mechanism",
            f"The module {uri} computes digests for {scheme.name} itself, and signs none that were made "
            "elsewhere. Give the data.",
        )
    size = scheme.hash.algorithm.digest_size
    if len(digest) != size:
        raise Rejected(
            "module.digest",
            f"{scheme.name} signs a digest of {size} octets, and {len(digest)} were given. Digest the data "
            f"with {scheme.hash.name.upper()}.",
        )


_HASHING = {
    (raw, name): Mechanism[pattern.format(name.upper())]
    for raw, pattern in (
        (Mechanism.ECDSA, "ECDSA_{}"),
        (Mechanism.RSA_PKCS_PSS, "{}_RSA_PKCS_PSS"),
        (Mechanism.RSA_PKCS, "{}_RSA_PKCS"),
    )
    for name in ("sha256", "sha384", "sha512")
}


def _choose(scheme: SignatureScheme, offered: frozenset[int], *mechanisms: Mechanism) -> Mechanism:
    for mechanism in mechanisms:
        if mechanism in offered:
            return mechanism
    names = " or ".join(f"CKM_{mechanism.name}" for mechanism in mechanisms)
    raise Rejected("module.mechanism", f"The module does not offer {names}, which {scheme.name} needs.")


def _prepared(mechanism: Mechanism, scheme: SignatureScheme) -> PreparedMechanism:
    if scheme.padding == "rsa-pss" and scheme.hash is not None:
        # The salt is as long as the digest (RFC 4055, 3.1, and what X.509 parameters are written with).
        return pss_mechanism(
            mechanism, scheme.hash.mechanism, scheme.hash.mask, scheme.hash.algorithm.digest_size
        )
    return PreparedMechanism(mechanism)


def _verification(scheme: SignatureScheme, hashed: Hash, *, prehashed: bool) -> tuple[Any, ...]:
    algorithm = Prehashed(hashed.algorithm) if prehashed else hashed.algorithm
    match scheme.padding:
        case "ecdsa":
            return (ec.ECDSA(algorithm),)
        case "rsa-pss":
            return padding.PSS(padding.MGF1(hashed.algorithm), hashed.algorithm.digest_size), algorithm
        case _:
            return padding.PKCS1v15(), algorithm


def ecdsa_encoder(size: int) -> Callable[[bytes], bytes]:
    """A function from PKCS#11's r || s, each of `size` octets, to the DER Ecdsa-Sig-Value.

    Written out in plain octets: on the way through the library's encoder, integers and all, it costs 5 us a
    signature.
    Source: RFC 3279, 2.2.3.
    """

    def encode(raw: bytes) -> bytes:
        if len(raw) != 2 * size:
            raise ValueError(f"a signature of {len(raw)} octets for a curve of {size}")
        r, s = raw[:size], raw[size:]
        if not 0 < r[0] < 128:
            r = _integer(r)
        if not 0 < s[0] < 128:
            s = _integer(s)
        r_size, s_size = len(r), len(s)
        body = r_size + s_size + 4
        if body < 128:
            return b"0%c\2%c%b\2%c%b" % (body, r_size, r, s_size, s)
        return b"0\x81%c\2%c%b\2%c%b" % (body, r_size, r, s_size, s)

    return encode


def _integer(octets: bytes) -> bytes:
    """The shortest two's complement octets of a non-negative integer."""
    octets = octets.lstrip(b"\0")
    return octets if octets and octets[0] < 128 else b"\0" + octets
