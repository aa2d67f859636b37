"""How a key that was wrapped gets its place on a token: public half first, private half never extractable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustworks.core.errors import Malformed
from trustworks.core.module.algorithms import DEFAULT_SCHEME, EC_PARAMETERS, algorithm_of
from trustworks.core.module.constants import Attribute, KeyType, ObjectClass, Rv
from trustworks.core.module.objects import SIGNS_ALONE
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism
from trustworks.core.module.signatures import make_plan
from trustworks.core.module.wrapping import damaged

if TYPE_CHECKING:
    from trustworks.core.module.algorithms import KeyAlgorithm, PublicKey
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.constants import Mechanism
    from trustworks.core.module.module import Module
    from trustworks.core.module.pkcs11 import Template

_TYPES = {"ec": KeyType.EC, "rsa": KeyType.RSA, "ed25519": KeyType.EC_EDWARDS}


def spki_from(key: PublicKey) -> bytes:
    """The SubjectPublicKeyInfo of a public key, in DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_key(backup: Backup) -> PublicKey:
    """The public key that a backup says it holds; `Malformed` where it is none, or of another kind."""
    try:
        key = serialization.load_der_public_key(backup.key.spki)
    except ValueError:
        key = None
    if (
        not isinstance(key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey))
        or algorithm_of(key) is not backup.key.algorithm
    ):
        raise Malformed(
            "The backup's public key is not of the kind that it says. Take another copy of the file."
        )
    return key


def place_public(module: Module, session: int, backup: Backup) -> None:
    """Put the public half on the token. Alone it is nobody's key, so that a crash after it leaves none."""
    key = public_key(backup)
    template: Template = {
        Attribute.CLASS: ObjectClass.PUBLIC_KEY,
        Attribute.KEY_TYPE: _TYPES[backup.key.algorithm.family],
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.LABEL: backup.key.label,
        Attribute.ID: backup.key.key_id,
    }
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        template[Attribute.MODULUS] = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        template[Attribute.PUBLIC_EXPONENT] = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
    else:
        template[Attribute.EC_PARAMS] = EC_PARAMETERS[backup.key.algorithm]
        template[Attribute.EC_POINT] = _octet_string(_point(key))
    module.cryptoki.create(session, template)


def _point(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes_raw()
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _octet_string(content: bytes) -> bytes:
    """CKA_EC_POINT is an OCTET STRING around the point (PKCS#11 2.40, 2.3.3)."""
    length = bytes((len(content),)) if len(content) < 0x80 else bytes((0x81, len(content)))
    return b"\x04" + length + content


def place_private(
    module: Module, session: int, kwp: Mechanism, kek: int, backup: Backup, *, on_token: bool
) -> int:
    """Unwrap the private key, which cannot be extracted from then on; answers its handle.

    `Rejected` (keys.damaged) where it is not what was wrapped.
    """
    template: Template = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY,
        Attribute.KEY_TYPE: _TYPES[backup.key.algorithm.family],
        Attribute.TOKEN: on_token,
        Attribute.LABEL: backup.key.label,
        Attribute.ID: backup.key.key_id,
        **SIGNS_ALONE,
    }

    def unwrap(more: Template) -> int:
        mechanism = PreparedMechanism(kwp)
        return module.cryptoki.unwrap_key(session, mechanism, kek, backup.wrapped_key, {**template, **more})

    try:
        return unwrap({})
    except CryptokiError as error:
        key = public_key(backup)
        if error.rv != Rv.TEMPLATE_INCOMPLETE or isinstance(key, rsa.RSAPublicKey):
            raise damaged(error) from error
    try:
        return unwrap({Attribute.NSS_DB: _point(key)})  # NSS does not compute a curve's public value
    except CryptokiError as error:
        raise damaged(error) from error


def verified(  # noqa: PLR0917 - a key, and what it signs
    module: Module,
    session: int,
    handle: int,
    key: PublicKey,
    algorithm: KeyAlgorithm,
    data: bytes = b"shows that what was unwrapped is the private key of the public key",
) -> bytes | None:
    """Sign `data` with a private key object of this session; the signature if the public key verifies it."""
    plan = make_plan(DEFAULT_SCHEME[algorithm], key, module.mechanisms, module.today())
    signed = data if plan.digest is None else plan.digest(data).digest()
    raw = module.cryptoki.sign(session, plan.mechanism, handle, plan.prefix + signed)
    try:
        signature = raw if plan.encode is None else plan.encode(raw)
        plan.verify(signature, signed, *plan.arguments)
    except (InvalidSignature, ValueError):
        return None
    return signature
