"""Key objects on the token: the templates they are made from, and how public keys are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module.algorithms import CURVES, EC_PARAMETERS, KeyAlgorithm, PublicKey, algorithm_of
from trustworks.core.module.constants import UNSUPPORTED_KEY, Attribute, KeyType, Mechanism, ObjectClass, Rv
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism, Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustworks.core.module.pkcs11 import Cryptoki

_GENERATORS = {
    "ec": (Mechanism.EC_KEY_PAIR_GEN, KeyType.EC),
    "rsa": (Mechanism.RSA_PKCS_KEY_PAIR_GEN, KeyType.RSA),
    "ed25519": (Mechanism.EC_EDWARDS_KEY_PAIR_GEN, KeyType.EC_EDWARDS),
}
# What every private key of ours is: sensitive, staying inside, for signatures alone.
SIGNS_ALONE: Template = {
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
# Why a private key on the token is none of those that Trustworks uses.
NOT_OURS = frozenset({"module.key-algorithm", "module.key-ambiguous", "module.public-key-absent"})
# The same curve as OBJECT IDENTIFIER, which PKCS#11 3.0 allows too.
_ED25519_NAMES = (EC_PARAMETERS[KeyAlgorithm.ED25519], bytes.fromhex("06032b6570"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is read of a private key object and its public key."""

    label: str
    key_id: bytes
    algorithm: KeyAlgorithm
    public_key: PublicKey


def generate(
    cryptoki: Cryptoki,
    session: int,
    offered: frozenset[int],
    *,
    algorithm: KeyAlgorithm,
    label: str,
    key_id: bytes,
    on_token: bool = True,
    extractable: bool = False,
) -> tuple[int, int]:
    """C_GenerateKeyPair with a private key that is sensitive, not extractable, and for signatures alone.

    Answers the numbers of the public and the private key object. A key that is not `on_token` ends with the
    session; such a one alone may be `extractable`, to be wrapped for a backup before it gets its place.
    """
    mechanism, key_type = _GENERATORS[algorithm.family]
    if mechanism not in offered:
        raise Rejected(
            "module.mechanism",
            f"The module offers no CKM_{mechanism.name}, which {algorithm.value} keys need.",
        )
    common: Template = {
        Attribute.KEY_TYPE: key_type,
        Attribute.TOKEN: on_token,
        Attribute.LABEL: label,
        Attribute.ID: key_id,
    }
    # Nothing about CKA_VERIFY: signatures are verified outside of the module, and tpm2-pkcs11 1.9.0 fails on
    # it.
    public: Template = {**common, Attribute.PRIVATE: False}
    if algorithm.family == "rsa":
        public[Attribute.MODULUS_BITS] = algorithm.bits
        public[Attribute.PUBLIC_EXPONENT] = b"\x01\x00\x01"
    else:
        public[Attribute.EC_PARAMS] = EC_PARAMETERS[algorithm]
    private: Template = {**common, **SIGNS_ALONE, Attribute.EXTRACTABLE: extractable and not on_token}
    try:
        return cryptoki.generate_key_pair(session, PreparedMechanism(mechanism), public, private)
    except CryptokiError as error:
        if error.rv not in UNSUPPORTED_KEY:
            raise
        raise Rejected(
            "module.mechanism", f"The module makes no {algorithm.value} keys ({error}); choose another kind."
        ) from error


def read(cryptoki: Cryptoki, session: int, handle: int) -> Found:
    """Label, id and public key of a private key object.

    The public key comes from the public key object with the same id; for RSA, where that is missing, from the
    private key object, which holds modulus and exponent as well.
    """
    label = (cryptoki.attribute(session, handle, Attribute.LABEL) or b"").decode(errors="replace")
    key_id = cryptoki.attribute(session, handle, Attribute.ID) or b""
    key_type = cryptoki.number(session, handle, Attribute.KEY_TYPE)
    if key_type is None or key_type not in _READERS:
        raise Rejected(
            "module.key-algorithm", f"The key {label!r} is of a type that Trustworks does not use."
        )
    public = cryptoki.find(
        session,
        {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: key_id, Attribute.KEY_TYPE: key_type},
    )
    found = [_READERS[key_type](cryptoki, session, source) for source in public or [handle]]
    key = found[0]
    if any(other != key for other in found):
        raise Unavailable(
            "module.key-ambiguous",
            f"{len(public)} public keys have the id {key_id.hex()} of {label!r}; keep the right one.",
        )
    if key is None:
        raise Unavailable(
            "module.public-key-absent",
            f"The token holds no public key object with the id {key_id.hex()} of {label!r}; import it, so "
            "that signatures can be verified.",
        )
    return Found(label=label, key_id=key_id, algorithm=algorithm_of(key), public_key=key)


def unique(found: Iterable[Found]) -> list[Found]:
    """Without what is there twice: SoftHSM2 can list one object twice while another process makes objects."""
    single: list[Found] = []
    for each in found:
        if each not in single:
            single.append(each)
    return single


def read_public(cryptoki: Cryptoki, session: int, handle: int, algorithm: KeyAlgorithm) -> PublicKey | None:
    """The public key of a public key object."""
    return (_rsa if algorithm.family == "rsa" else _ec)(cryptoki, session, handle)


def _rsa(cryptoki: Cryptoki, session: int, handle: int) -> rsa.RSAPublicKey | None:
    modulus = cryptoki.attribute(session, handle, Attribute.MODULUS)
    exponent = cryptoki.attribute(session, handle, Attribute.PUBLIC_EXPONENT)
    if not modulus or not exponent:
        return None
    return rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()


def _ec(cryptoki: Cryptoki, session: int, handle: int) -> PublicKey | None:
    parameters = cryptoki.attribute(session, handle, Attribute.EC_PARAMS)
    point = cryptoki.attribute(session, handle, Attribute.EC_POINT)
    if not parameters or not point:
        return None
    if parameters in _ED25519_NAMES:
        return ed25519.Ed25519PublicKey.from_public_bytes(point[-32:])
    algorithm = next((known for known in CURVES if EC_PARAMETERS[known] == parameters), None)
    if algorithm is None:
        raise Rejected(
            "module.key-algorithm", f"The curve {parameters.hex()} is not one that Trustworks uses."
        )
    # CKA_EC_POINT is an OCTET STRING around the point (PKCS#11 2.40, 2.3.3); some modules give the bare
    # point.
    size = 1 + 2 * ((algorithm.bits + 7) // 8)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[algorithm](), point[-size:])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected(
            "module.key-algorithm", f"The public key's point on {algorithm.value} cannot be used: {error}."
        ) from error


_READERS: dict[int, Callable[[Cryptoki, int, int], PublicKey | None]] = {
    KeyType.RSA: _rsa,
    KeyType.EC: _ec,
    KeyType.EC_EDWARDS: _ec,
}


def destroy(cryptoki: Cryptoki, session: int, key_id: bytes) -> None:
    """Destroy the private key object first, then the public one."""
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        for handle in cryptoki.find(session, {Attribute.CLASS: kind, Attribute.ID: key_id}):
            try:
                cryptoki.destroy(session, handle)
            except CryptokiError as error:
                if error.rv != Rv.OBJECT_HANDLE_INVALID:  # listed twice, see `unique`
                    raise


def object_name(label: str, key_id: bytes) -> str:
    """How an inventory names a private key."""
    return f"private:{label}:{key_id.hex()}"


def inventory(cryptoki: Cryptoki, session: int) -> frozenset[str]:
    """The private and secret key objects on the token, by class, label and id.

    Without the private keys that can do nothing but unwrap or decrypt: transport keys come and go.
    """
    found = set()
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY):
        for handle in cryptoki.find(session, {Attribute.CLASS: kind, Attribute.TOKEN: True}):
            if kind is ObjectClass.PRIVATE_KEY and cryptoki.number(session, handle, Attribute.SIGN) == 0:
                continue
            label = (cryptoki.attribute(session, handle, Attribute.LABEL) or b"").decode(errors="replace")
            key_id = cryptoki.attribute(session, handle, Attribute.ID) or b""
            if kind is ObjectClass.PRIVATE_KEY:
                found.add(object_name(label, key_id))
            else:
                found.add(f"secret:{label}:{key_id.hex()}")
    return frozenset(found)
