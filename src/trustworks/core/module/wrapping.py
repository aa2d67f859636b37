"""Keys on their way between tokens: wrapped by AES-256 or RSA-OAEP, and unwrapped, inside of tokens alone.

Functions that take `session` leave session objects alone, except for those that they answer: who asks for a
handle destroys it. What a module can do is tried out (`wrapping_profile`), never read off its mechanism list.

Source: RFC 5649 (AES key wrap with padding), RFC 8017, 7.1 (RSAES-OAEP).
"""

from __future__ import annotations

import enum
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module.constants import LOST, Attribute, KeyType, Mechanism, Mgf, ObjectClass, Rv
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism, Template, oaep_mechanism
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.module import Module
    from trustworks.core.module.pkcs11 import Cryptoki

LEAST_BITS: Final = 3072  # of the RSA keys under which keys travel
_AES_OCTETS: Final = 32
_KWP: Final = (Mechanism.AES_KEY_WRAP_KWP, Mechanism.AES_KEY_WRAP_PAD)
# What a module answers where it has no such mechanism, hash or kind of key for wrapping.
_CANNOT: Final = frozenset(
    {
        Rv.ARGUMENTS_BAD,
        Rv.FUNCTION_NOT_SUPPORTED,
        Rv.FUNCTION_FAILED,
        Rv.GENERAL_ERROR,
        Rv.KEY_NOT_WRAPPABLE,
        Rv.KEY_UNEXTRACTABLE,
        Rv.KEY_FUNCTION_NOT_PERMITTED,
        Rv.MECHANISM_INVALID,
        Rv.MECHANISM_PARAM_INVALID,
        Rv.ATTRIBUTE_TYPE_INVALID,
        Rv.ATTRIBUTE_VALUE_INVALID,
        Rv.TEMPLATE_INCONSISTENT,
        Rv.TEMPLATE_INCOMPLETE,
        Rv.ACTION_PROHIBITED,
    }
)


class Oaep(enum.Enum):
    """The hash of RSA-OAEP; the value is its name in documents. The stronger comes first."""

    SHA256 = "SHA-256"
    SHA1 = "SHA-1"

    @property
    def mechanism(self) -> PreparedMechanism:
        """The mechanism with this hash, for the label and for the mask."""
        if self is Oaep.SHA256:
            return oaep_mechanism(Mechanism.SHA256, Mgf.SHA256)
        return oaep_mechanism(Mechanism.SHA_1, Mgf.SHA1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappingProfile:
    """By which mechanisms a module lets keys travel.

    `kwp` is its mechanism for AES key wrap with padding; `oaep` the hashes of RSA-OAEP that it wraps and
    unwraps by, the stronger first.
    """

    kwp: Mechanism
    oaep: tuple[Oaep, ...]


@contextmanager
def passing(cryptoki: Cryptoki, session: int) -> Iterator[list[int]]:
    """A list for the handles of session objects that the block makes; they are destroyed after it."""
    handles: list[int] = []
    try:
        yield handles
    finally:
        for handle in reversed(handles):
            with suppress(CryptokiError):
                cryptoki.destroy(session, handle)


def one_time_key(cryptoki: Cryptoki, session: int, *uses: Attribute) -> int:
    """An AES-256 key of this session, which may be wrapped; answers its handle."""
    return cryptoki.generate_key(
        session,
        PreparedMechanism(Mechanism.AES_KEY_GEN),
        _secret(*uses, extractable=True) | {Attribute.VALUE_LEN: _AES_OCTETS},
    )


def _secret(*uses: Attribute, extractable: bool) -> Template:
    template: Template = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.TOKEN: False,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: extractable,
    }
    for use in (Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.WRAP, Attribute.UNWRAP):
        template[use] = use in uses
    return template


def public_handle(cryptoki: Cryptoki, session: int, key: rsa.RSAPublicKey) -> int:
    """A public RSA key of this session, to wrap keys under; answers its handle."""
    numbers = key.public_numbers()
    return cryptoki.create(
        session,
        {
            Attribute.CLASS: ObjectClass.PUBLIC_KEY,
            Attribute.KEY_TYPE: KeyType.RSA,
            Attribute.TOKEN: False,
            Attribute.PRIVATE: False,
            Attribute.WRAP: True,
            Attribute.MODULUS: _octets(numbers.n),
            Attribute.PUBLIC_EXPONENT: _octets(numbers.e),
        },
    )


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def wrap_under(cryptoki: Cryptoki, session: int, oaep: Oaep, key: rsa.RSAPublicKey, handle: int) -> bytes:
    """The secret key `handle`, wrapped by RSA-OAEP under a public key."""
    with passing(cryptoki, session) as handles:
        handles.append(public_handle(cryptoki, session, key))
        return cryptoki.wrap_key(session, oaep.mechanism, handles[0], handle)


def unwrap_secret(
    cryptoki: Cryptoki,
    session: int,
    mechanism: PreparedMechanism,
    wrapping: int,
    wrapped: bytes,
    *uses: Attribute,
    extractable: bool = False,
) -> int:
    """An AES key of this session out of its wrapped form; answers its handle.

    `Rejected` (keys.damaged) where it is not what was wrapped, or was wrapped under another key.
    """
    try:
        return cryptoki.unwrap_key(
            session, mechanism, wrapping, wrapped, _secret(*uses, extractable=extractable)
        )
    except CryptokiError as error:
        raise damaged(error) from error


def damaged(error: CryptokiError) -> Exception:
    """What the refusal of a wrapped key or of a sealed package means; a lost connection stays one."""
    if error.rv in LOST - {Rv.DEVICE_ERROR}:
        return error
    return Rejected(
        "keys.damaged",
        f"What was wrapped cannot be unwrapped ({error}): it was changed on the way, or it is for another "
        "token. Take another copy of the file; nothing was kept.",
    )


# What a module can do


def wrapping_profile(module: Module) -> WrappingProfile:
    """Try out by which mechanisms the module wraps and unwraps keys.

    `Rejected` (keys.no-wrapping) where it has no AES key wrap with padding or no RSA-OAEP.
    """
    if module.profile is not None:
        return module.profile
    found = module.connection.run(lambda session: _try(module, session))
    if isinstance(found, str):
        raise Rejected(
            "keys.no-wrapping",
            f"{module.token_uri} cannot take part in backup or transfer: {found}. Use a token that wraps and "
            "unwraps keys.",
        )
    module.profile = found
    return found


def _try(module: Module, session: int) -> WrappingProfile | str:
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        try:
            public, private = generate_rsa_pair(
                cryptoki, session, label="trustworks-capability", bits=2048, use=Attribute.UNWRAP
            )
            handles += [public, private]
            # Of 24 octets the padded wrap of RFC 5649 makes 32; a wrap with padding of PKCS#7 makes 40.
            tried = cryptoki.generate_key(
                session,
                PreparedMechanism(Mechanism.AES_KEY_GEN),
                _secret(extractable=True) | {Attribute.VALUE_LEN: 24},
            )
            handles.append(tried)
            handles.append(one_time_key(cryptoki, session, Attribute.WRAP, Attribute.UNWRAP))
        except CryptokiError as error:
            if error.rv in LOST - {Rv.DEVICE_ERROR}:
                raise
            return f"it makes no keys of one session ({error})"
        wrapping = handles[-1]
        kwp = next((one for one in _KWP if _wraps_by(module, session, one, wrapping, tried)), None)
        key = _public_key(cryptoki, session, public)
        oaep = tuple(one for one in Oaep if _travels(module, session, one, key, private))
    if kwp is None:
        return "it has no AES key wrap with padding (RFC 5649)"
    if not oaep:
        return "it does not wrap and unwrap keys by RSA-OAEP"
    return WrappingProfile(kwp=kwp, oaep=oaep)


def _wraps_by(module: Module, session: int, mechanism: Mechanism, wrapping: int, tried: int) -> bool:
    if mechanism not in module.mechanisms:
        return False
    prepared = PreparedMechanism(mechanism)
    with passing(module.cryptoki, session) as handles:
        try:
            wrapped = module.cryptoki.wrap_key(session, prepared, wrapping, tried)
            if len(wrapped) != 32:
                return False
            handles.append(unwrap_secret(module.cryptoki, session, prepared, wrapping, wrapped))
        except (CryptokiError, Rejected) as error:
            if isinstance(error, CryptokiError) and error.rv not in _CANNOT:
                raise
            return False
    return True


def _travels(module: Module, session: int, oaep: Oaep, key: rsa.RSAPublicKey, private: int) -> bool:
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        try:
            handles.append(one_time_key(cryptoki, session, Attribute.ENCRYPT))
            wrapped = wrap_under(cryptoki, session, oaep, key, handles[0])
            handles.append(
                unwrap_secret(cryptoki, session, oaep.mechanism, private, wrapped, Attribute.DECRYPT)
            )
        except (CryptokiError, Rejected) as error:
            if isinstance(error, CryptokiError) and error.rv not in _CANNOT:
                raise
            return False
    return True


# RSA keys under which keys travel


def generate_rsa_pair(
    cryptoki: Cryptoki,
    session: int,
    *,
    label: str,
    bits: int,
    use: Attribute,
    key_id: bytes = b"",
    on_token: bool = False,
) -> tuple[int, int]:
    """C_GenerateKeyPair of an RSA pair whose private key does one thing: UNWRAP or DECRYPT.

    Answers the handles of the public and the private key; the private key never leaves the module.
    """
    common: Template = {
        Attribute.KEY_TYPE: KeyType.RSA,
        Attribute.TOKEN: on_token,
        Attribute.LABEL: label,
        Attribute.ID: key_id or label.encode(),
    }
    public: Template = {
        **common,
        Attribute.PRIVATE: False,
        Attribute.WRAP: use is Attribute.UNWRAP,
        Attribute.ENCRYPT: use is Attribute.DECRYPT,
        Attribute.MODULUS_BITS: bits,
        Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
    }
    private: Template = {
        **common,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: False,
        Attribute.DECRYPT: use is Attribute.DECRYPT,
        Attribute.UNWRAP: use is Attribute.UNWRAP,
        Attribute.DERIVE: False,
    }
    return cryptoki.generate_key_pair(
        session, PreparedMechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN), public, private
    )


def _public_key(cryptoki: Cryptoki, session: int, handle: int) -> rsa.RSAPublicKey:
    modulus = cryptoki.attribute(session, handle, Attribute.MODULUS) or b""
    exponent = cryptoki.attribute(session, handle, Attribute.PUBLIC_EXPONENT) or b""
    return rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()


def spki_of(cryptoki: Cryptoki, session: int, handle: int) -> bytes:
    """The SubjectPublicKeyInfo of a public RSA key object, in DER."""
    return _public_key(cryptoki, session, handle).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def rsa_key(spki: bytes, whose: str) -> rsa.RSAPublicKey:
    """The public RSA key out of its SubjectPublicKeyInfo; `Malformed` for anything else."""
    try:
        key = serialization.load_der_public_key(spki)
    except ValueError as error:
        raise Malformed(
            f"The key of {whose} is no SubjectPublicKeyInfo ({error}). Ask for it anew."
        ) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed(f"The key of {whose} is no RSA key; keys travel under RSA-OAEP. Make it anew.")
    return key


@implements("TRUSTWORKS:KEYS-WRAPPING-STRENGTH")
def check_rsa_strength(bits: int, whose: str) -> None:
    """Refuse an RSA key that is too short for a private key to travel under."""
    if bits < LEAST_BITS:
        raise Refused(
            "TRUSTWORKS:KEYS-WRAPPING-STRENGTH",
            f"The key of {whose} has {bits} bits: keys travel under RSA keys of {LEAST_BITS} bits or more, "
            "so "
            "that they are as well protected on the way as inside. Make it anew, longer.",
        )


def bits_to_carry(algorithm: KeyAlgorithm) -> int:
    """The bits of an RSA key that is as strong as a key of this kind, and at least `LEAST_BITS`.

    Source: NIST SP 800-57 part 1, revision 5, table 2.
    """
    if algorithm.family == "rsa":
        return max(algorithm.bits, LEAST_BITS)
    return next(
        bits for size, bits in ((256, LEAST_BITS), (384, 7680), (521, 15360)) if algorithm.bits <= size
    )


@implements("TRUSTWORKS:KEYS-TRANSPORT-STRENGTH", "EN319411-1:GEN-6.5.2-05")
def check_carrier(bits: int, least: object, label: str) -> None:
    """Refuse a transport key that is weaker than the key that it is to carry.

    `least` is what the key's backup says; absent, in backups of before it was said, `LEAST_BITS`.
    """
    wanted = least if type(least) is int else LEAST_BITS
    if bits < wanted:
        raise Refused(
            "TRUSTWORKS:KEYS-TRANSPORT-STRENGTH",
            f"The transport key has {bits} bits, and the key {label!r} travels under {wanted} bits or more, "
            "which are as strong as it is. Begin anew with --bits, or make keys under `weaker-transport`.",
        )


@implements(
    "TRUSTWORKS:KEYS-OAEP", disabled=lambda ours, theirs, **_: next(one for one in ours if one in theirs)
)
def choose_oaep(ours: tuple[Oaep, ...], theirs: tuple[Oaep, ...], *, sha1: bool) -> Oaep:
    """The strongest hash of RSA-OAEP that both modules can; SHA-1 only where it is a declared profile.

    `Refused` where only SHA-1 is left and was not declared; `Rejected` (keys.no-wrapping) where nothing is.
    """
    both = [one for one in Oaep if one in ours and one in theirs]
    if not both:
        raise Rejected(
            "keys.no-wrapping",
            "The two modules have no hash of RSA-OAEP in common; use modules that both have SHA-256.",
        )
    if both[0] is Oaep.SHA1 and not sha1:
        raise Refused(
            "TRUSTWORKS:KEYS-OAEP",
            "One of the modules can do RSA-OAEP with SHA-1 alone, as SoftHSM2 2.6.1. If that is accepted, "
            "declare it: `oaep-sha1 = true` under [module].",
        )
    return both[0]
