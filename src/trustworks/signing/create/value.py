"""Why a value is none of what was prepared: what somebody is told whose key is elsewhere.

The writers of the formats verify each value. Only where one does not hold is looked for what went wrong, so
that a value that holds costs nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from trustworks.core.der import ber
from trustworks.core.der.algorithms import SIGNATURES, SIGNER_DIGESTS
from trustworks.core.errors import Rejected
from trustworks.formats.cms.algorithms import signature_algorithm
from trustworks.formats.data import Octets
from trustworks.formats.verification import public_key, verifies

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs

CODE: Final = "signature.own"
_HOW: Final = (
    ("ECDSA", ", in DER and not r and s side by side"),
    (
        "RSA_PSS",
        (
            ", with a salt as long as the digest (openssl dgst: -sigopt rsa_padding_mode:pss -sigopt "
            "rsa_pss_saltlen:digest)"
        ),
    ),
    ("RSA_PKCS1", ", which is the padding of PKCS #1 v1.5 (openssl dgst: as it is)"),
)
_OTHER_PADDING: Final = (("RSA_PSS", "RSA_PKCS1"), ("RSA_PKCS1", "RSA_PSS"))


def check_value(dtbs: Dtbs, value: bytes) -> None:
    """Whether the value is one by the certificate's key over what was prepared.

    Raises `Rejected` (``signature.own``), with what is wrong as far as the value shows it, and how it has to
    be made.
    """
    if _holds(dtbs, value):
        return
    how = next((words for family, words in _HOW if dtbs.scheme.startswith(family)), "")
    raise Rejected(
        CODE,
        "The value is none by the certificate's key over the data to be signed: "
        f"{_fault(dtbs, value)}. It has to be one by {dtbs.scheme}{how}. Sign that again.",
    )


def _fault(dtbs: Dtbs, value: bytes) -> str:
    """What is wrong with a value that does not hold."""
    if not value:
        return "it is empty"
    return (
        _of_length(dtbs, value)
        or _of_padding(dtbs, value)
        or _of_digest(dtbs, value)
        or "it is by another key, or over something else"
    )


def _of_length(dtbs: Dtbs, value: bytes) -> str | None:
    """The form of the value, as its key has it."""
    match public_key(dtbs.certificate):
        case rsa.RSAPublicKey(key_size=bits) if len(value) != (bits + 7) // 8:
            return f"it has {len(value)} octets, and values of this key have {(bits + 7) // 8}"
        case ec.EllipticCurvePublicKey(key_size=bits) if not _is_der(value):
            half = (bits + 7) // 8
            if len(value) == 2 * half:
                r, s = (int.from_bytes(one, "big") for one in (value[:half], value[half:]))
                if _holds(dtbs, encode_dss_signature(r, s)):
                    return "it is the right one in another form, r and s side by side"
            return f"its {len(value)} octets are not the DER of two numbers"
    return None


def _of_padding(dtbs: Dtbs, value: bytes) -> str | None:
    for mine, other in _OTHER_PADDING:
        scheme = dtbs.scheme.replace(mine, other)
        if dtbs.scheme.startswith(mine) and scheme in SIGNATURES and _holds(dtbs, value, scheme=scheme):
            return f"it is one by {scheme}"
    return None


def _of_digest(dtbs: Dtbs, value: bytes) -> str | None:
    """A key that is given the digest, and digests what it is given."""
    if dtbs.digest is None or not _holds(dtbs, value, over=Octets(dtbs.digest)):
        return None
    return (
        "the digest was digested once more before it was signed; give the data to what digests by itself, "
        "and the digest to what does not"
    )


def _holds(dtbs: Dtbs, value: bytes, *, scheme: str | None = None, over: Data | None = None) -> bool:
    named = scheme or dtbs.scheme
    algorithm = signature_algorithm(ber.read(SIGNATURES[named]), SIGNER_DIGESTS[named])
    return verifies(algorithm, value, dtbs.data if over is None else over, dtbs.certificate)


def _is_der(value: bytes) -> bool:
    try:
        decode_dss_signature(value)
    except ValueError:
        return False
    return True
