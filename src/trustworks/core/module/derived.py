"""Secrets that come of a key in the module, for what a processor has to encrypt or to authenticate fast.

The secret is the hash of a signature by RSASSA-PKCS1-v1_5, which is deterministic: the same key makes the
same secret in each process, and nobody else can make it, before or after a restart. It is what RSA-FDH-VRF
(RFC 9381, 4) does with the signature that is its proof. The key signs nothing else.

Source: RFC 8017, 8.2; RFC 9381, 4.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.key import Key

_SIGNED: Final = b"trustworks secret of a key\x00"
_DETERMINISTIC: Final = frozenset({KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096})


@implements("TRUSTWORKS:SECRETS-FROM-MODULE")
def algorithm_objection(algorithm: KeyAlgorithm) -> str | None:
    """Why a key makes no secrets; None where it does. A curve's signatures are others each time."""
    if algorithm in _DETERMINISTIC:
        return None
    return (
        f"is {algorithm.value}, and secrets come of RSA keys of 3072 or 4096 bits alone, whose signatures "
        "are always the same. Make one: trustworks module generate-key --algorithm RSA-3072."
    )


def secret_of(key: Key) -> bytes:
    """32 octets that come of the key and are always the same.

    Raises `Rejected` (module.secret-key) for a key of another algorithm, and what `Key.sign` raises.
    """
    objection = algorithm_objection(key.algorithm)
    if objection is not None:
        raise Rejected("module.secret-key", f"The key {key.label} {objection}")
    return hashlib.sha256(key.sign(_SIGNED, SignatureScheme.RSA_PKCS1_SHA256)).digest()
