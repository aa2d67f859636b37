"""By which schemes a key can sign, and what kind of key it is in the catalogue of agreed mechanisms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.algorithms import RSASSA_PSS
from trustworks.core.der.algorithms import SIGNATURES, SIGNER_DIGESTS, read_signature
from trustworks.core.der.encode import SEQUENCE
from trustworks.core.der.values import only
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module.algorithms import CURVES, KeyAlgorithm, SignatureScheme

if TYPE_CHECKING:
    from trustworks.core.pki.public_keys import PublicKey

_CURVES: Final = {curve().name: algorithm for algorithm, curve in CURVES.items()}
_OF_FAMILY: Final = {
    family: tuple(name for name in SIGNATURES if SignatureScheme[name].family == family)
    for family in {one.family for one in KeyAlgorithm}
}
_RSA: Final = sorted((one for one in KeyAlgorithm if one.family == "rsa"), key=lambda one: one.bits)


def kind_of(key: PublicKey) -> KeyAlgorithm | None:
    """The kind of a key as the catalogue of agreed mechanisms has it; None for one that nothing is said of.

    An RSA key of another length counts as the longest of those named that is not longer than it.
    """
    if key.kind == "rsa":
        return max((one for one in _RSA if one.bits <= key.bits), key=lambda one: one.bits, default=_RSA[0])
    if key.kind == "ed25519":
        return KeyAlgorithm.ED25519
    return _CURVES.get(key.curve or "")


def schemes_of(key: PublicKey) -> tuple[str, ...]:
    """The schemes by which a key can sign, strong enough or not."""
    kind = kind_of(key)
    if kind is None:
        return ()
    found = _OF_FAMILY.get(kind.family, ())
    if key.algorithm != RSASSA_PSS:
        return found
    only_by = _hash_of_pss(key)
    return tuple(
        name for name in found if name.startswith("RSA_PSS") and only_by in {None, SIGNER_DIGESTS[name]}
    )


def _hash_of_pss(key: PublicKey) -> str | None:
    """The hash function that a key for RSASSA-PSS alone is bound to (RFC 4055, 1.2); None: to none."""
    algorithm = only(key.der, SEQUENCE).children()[0]
    if len(algorithm.children()) == 1:
        return None
    try:
        return read_signature(algorithm.octets).hash
    except (Malformed, Rejected):
        return ""
