"""A private key in the module: signs, and lets no signature out that its public key does not verify."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module.agreed import check_signature
from trustworks.core.module.algorithms import DEFAULT_SCHEME, PublicKey, SignatureScheme
from trustworks.core.module.constants import LOST, Attribute, Mechanism
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism, pss_mechanism
from trustworks.core.module.sessions import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from trustworks.core.module.adapters import PrivateKey
    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.module import Module
    from trustworks.core.module.uri import Pkcs11Uri


@dataclass(frozen=True, slots=True)
class _Plan:
    """How this key makes a signature by one scheme, decided for one day."""

    day: date
    mechanism: PreparedMechanism
    prepare: Callable[[bytes], bytes]  # data -> what C_Sign gets
    encode: Callable[[bytes], bytes]  # what C_Sign gave -> the signature value
    verify: Callable[[bytes, bytes], None]  # signature value, data; raises InvalidSignature


class Key:
    """A key pair on the token; made by `Module.key` and `Module.generate_key_pair`."""

    def __init__(
        self,
        module: Module,
        *,
        label: str,
        key_id: bytes,
        algorithm: KeyAlgorithm,
        public_key: PublicKey,
        handle: int,
        generation: int,
    ) -> None:
        self.label = label
        self.key_id = key_id
        self.algorithm = algorithm
        self.public_key = public_key
        self.scheme = DEFAULT_SCHEME[algorithm]
        self.spki = public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.spki_sha256 = hashlib.sha256(self.spki).digest()
        self._module = module
        self._connection = module.connection
        self._today = module.today
        self._handle = (generation, handle)
        self._plans: dict[SignatureScheme | None, _Plan] = {}

    def __repr__(self) -> str:
        return f"<Key {self.label!r} {self.algorithm.value} {self.key_id.hex()}>"

    @property
    def uri(self) -> Pkcs11Uri:
        """The private key's name, without a PIN source."""
        return self._module.token_uri.of_object(label=self.label, key_id=self.key_id)

    @property
    def handle(self) -> int:
        """The private key object's number in the present connection."""
        generation, handle = self._handle
        if generation != self._connection.generation:
            generation = self._connection.generation
            handle = self._module.private_handle(self.key_id)
            self._handle = (generation, handle)
        return handle

    def sign(self, data: bytes, scheme: SignatureScheme | None = None) -> bytes:
        """Sign `data` (not its digest) and answer the signature value that certificates and CMS carry.

        ECDSA: the DER sequence of r and s. RSA: as many octets as the modulus. The scheme must be agreed today;
        the signature was verified with the public key before it is returned.
        Raises `Refused` (ECCG-ACM:...), `Rejected` (a scheme of another kind of key), `Unavailable` (module.*; a
        signature that does not verify is module.bad-signature).
        """
        plan = self._plans.get(scheme)
        if plan is None or plan.day != self._today():
            plan = self._plan(scheme)
        prepared = plan.prepare(data)
        seen = self._connection.generation
        try:
            raw = self._connection.sign(plan.mechanism, self.handle, prepared)
        except CryptokiError as error:
            raw = self._again(plan, prepared, error, seen)
        try:
            signature = plan.encode(raw)
            plan.verify(signature, data)
        except (InvalidSignature, ValueError):
            raise Unavailable(
                "module.bad-signature",
                f"The module made a signature with {self.uri} that the public key does not verify; it was thrown "
                "away. Take the module out of service and find the cause.",
            ) from None
        return signature

    def _again(self, plan: _Plan, prepared: bytes, error: CryptokiError, seen: int) -> bytes:
        if error.rv not in LOST:
            raise unavailable(error, self._module.uri) from error
        self._connection.reopen(seen)
        try:
            return self._connection.sign(plan.mechanism, self.handle, prepared)
        except CryptokiError as second:
            raise unavailable(second, self._module.uri) from second

    def _plan(self, scheme: SignatureScheme | None) -> _Plan:
        chosen = scheme or self.scheme
        if chosen.family != self.algorithm.family:
            raise Rejected(
                "module.scheme",
                f"{chosen.name} is not a scheme for the {self.algorithm.value} key {self.label!r}.",
            )
        day = self._today()
        check_signature(self.algorithm, chosen, day, lab=self._module.lab)
        plan = _make_plan(chosen, self.public_key, self._module.mechanisms, day)
        self._plans[scheme] = plan
        return plan

    def private_key(self, scheme: SignatureScheme | None = None) -> PrivateKey:
        """A private key object that the builders of `cryptography` accept; the key stays in the module.

        With a `scheme`, the object refuses to sign by another one.
        """
        from trustworks.core.module.adapters import adapt  # noqa: PLC0415 - adapters are built over Key

        return adapt(self, scheme)

    def attributes(self) -> dict[str, bool | None]:
        """What the module says about the private key's protection; None where it does not answer."""
        names = (
            Attribute.TOKEN,
            Attribute.PRIVATE,
            Attribute.SENSITIVE,
            Attribute.ALWAYS_SENSITIVE,
            Attribute.EXTRACTABLE,
            Attribute.NEVER_EXTRACTABLE,
            Attribute.LOCAL,
            Attribute.SIGN,
            Attribute.DECRYPT,
            Attribute.UNWRAP,
            Attribute.DERIVE,
        )

        def read(session: int) -> dict[str, bool | None]:
            values = {}
            for name in names:
                number = self._module.cryptoki.number(session, self.handle, name)
                values[name.name.lower()] = None if number is None else bool(number)
            return values

        return self._connection.run(read)


def _identity(data: bytes) -> bytes:
    return data


def _make_plan(scheme: SignatureScheme, public_key: PublicKey, offered: frozenset[int], day: date) -> _Plan:
    """Choose the mechanism: the raw one with software hashing where offered, else the module's hashing one."""
    if scheme.hash is None:
        assert isinstance(public_key, ed25519.Ed25519PublicKey)  # noqa: S101 - the family was compared before
        _need(scheme, offered, Mechanism.EDDSA)
        return _Plan(day, PreparedMechanism(Mechanism.EDDSA), _identity, _identity, public_key.verify)
    digest = scheme.hash
    construct = getattr(hashlib, digest.name)

    def hashed(data: bytes) -> bytes:
        value: bytes = construct(data).digest()
        return value

    upper = digest.name.upper()
    salt = digest.algorithm.digest_size
    raw: Mechanism
    combined: Mechanism
    prepare: Callable[[bytes], bytes] = hashed
    encode: Callable[[bytes], bytes] = _identity
    verify: Callable[[bytes, bytes], None]
    match scheme.padding, public_key:
        case "ecdsa", ec.EllipticCurvePublicKey():
            raw, combined = Mechanism.ECDSA, Mechanism[f"ECDSA_{upper}"]
            encode = _dss_encoder((public_key.key_size + 7) // 8)
            verify = _ec_verifier(public_key, ec.ECDSA(digest.algorithm))
        case "rsa-pss", rsa.RSAPublicKey():
            raw, combined = Mechanism.RSA_PKCS_PSS, Mechanism[f"{upper}_RSA_PKCS_PSS"]
            verify = _rsa_verifier(
                public_key, padding.PSS(padding.MGF1(digest.algorithm), salt), digest.algorithm
            )
        case _, rsa.RSAPublicKey():
            raw, combined = Mechanism.RSA_PKCS, Mechanism[f"{upper}_RSA_PKCS"]
            verify = _rsa_verifier(public_key, padding.PKCS1v15(), digest.algorithm)

            def prepare(data: bytes) -> bytes:
                return digest.digest_info + hashed(data)

        case _:
            raise Rejected("module.scheme", f"{scheme.name} is not a scheme for this key.")
    chosen = _need(scheme, offered, raw, combined)
    if chosen is combined:
        prepare = _identity
    if scheme.padding == "rsa-pss":
        return _Plan(day, pss_mechanism(chosen, digest.mechanism, digest.mask, salt), prepare, encode, verify)
    return _Plan(day, PreparedMechanism(chosen), prepare, encode, verify)


def _need(scheme: SignatureScheme, offered: frozenset[int], *mechanisms: Mechanism) -> Mechanism:
    for mechanism in mechanisms:
        if mechanism in offered:
            return mechanism
    names = " nor ".join(f"CKM_{mechanism.name}" for mechanism in mechanisms)
    raise Rejected("module.mechanism", f"The module offers neither {names}, which {scheme.name} needs.")


def _dss_encoder(size: int) -> Callable[[bytes], bytes]:
    """PKCS#11's r || s of equal lengths to the DER Ecdsa-Sig-Value (RFC 3279, 2.2.3)."""

    def encode(raw: bytes) -> bytes:
        if len(raw) != 2 * size:
            raise ValueError(f"{len(raw)} octets of signature for a curve of {size}")
        return encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))

    return encode


def _ec_verifier(key: ec.EllipticCurvePublicKey, algorithm: ec.ECDSA) -> Callable[[bytes, bytes], None]:
    verify = key.verify

    def verifier(signature: bytes, data: bytes) -> None:
        verify(signature, data, algorithm)

    return verifier


def _rsa_verifier(key: rsa.RSAPublicKey, scheme: Any, algorithm: Any) -> Callable[[bytes, bytes], None]:
    verify = key.verify

    def verifier(signature: bytes, data: bytes) -> None:
        verify(signature, data, scheme, algorithm)

    return verifier
