"""Packages: a key for each group of custodians that may bring it back, closed once for each of them.

For a group of m out of n, innermost first: the key is wrapped (AES key wrap) under a one-time key that only
the last custodian's token can unwrap; that, which is no plaintext, is encrypted (AES-GCM) under a one-time
key for the one before, and so on. To open it, the tokens act in the group's order. No token gets the key
before all the others acted, and outside of tokens there never is one in the clear: no secret sharing, which
PKCS#11 modules do not offer inside, is needed. The price is a package for each group, C(n, m) of them.

A layer is: two octets with the length of the one-time key's wrapped form, that form, a nonce of 12 octets
(all zero in the innermost, which needs none), and what is closed in it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, Final

from trustworks.core.errors import Malformed
from trustworks.core.module import documents
from trustworks.core.module.constants import Attribute
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism, gcm_mechanism
from trustworks.core.module.wrapping import (
    Oaep,
    damaged,
    one_time_key,
    passing,
    rsa_key,
    unwrap_secret,
    wrap_under,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.core.module.constants import Mechanism
    from trustworks.core.module.module import Module

_NONCE: Final = 12
_LENGTH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who a layer is for: the custodian's name, the public key of their token, the hash of RSA-OAEP."""

    __pydantic_config__: ClassVar = documents.CONFIG

    name: str
    spki: bytes
    oaep: Oaep


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A key, closed for one group, whose names stand in the order in which they open it."""

    __pydantic_config__: ClassVar = documents.CONFIG

    custodians: tuple[str, ...]
    content: bytes


def groups(recipients: Sequence[Recipient], threshold: int) -> Iterator[tuple[Recipient, ...]]:
    """Every group of `threshold` recipients, in the order in which they open."""
    yield from combinations(recipients, threshold)


def close(  # noqa: PLR0917 - what C_WrapKey takes, and who for
    module: Module, session: int, key: int, kwp: Mechanism, group: Sequence[Recipient], bound: bytes
) -> Package:
    """Close the secret key of this session for a group. `bound`: what the layers are bound to."""
    cryptoki = module.cryptoki
    *before, last = group
    with passing(cryptoki, session) as handles:
        handles.append(one_time_key(cryptoki, session, Attribute.WRAP))
        content = _layer(
            _addressed(module, session, last, handles[-1]),
            bytes(_NONCE),
            cryptoki.wrap_key(session, PreparedMechanism(kwp), handles[-1], key),
        )
        for recipient in reversed(before):
            handles.append(one_time_key(cryptoki, session, Attribute.ENCRYPT))
            nonce = secrets.token_bytes(_NONCE)
            sealed = cryptoki.encrypt(session, gcm_mechanism(nonce, bound), handles[-1], content)
            content = _layer(_addressed(module, session, recipient, handles[-1]), nonce, sealed)
    return Package(custodians=tuple(one.name for one in group), content=content)


def _addressed(module: Module, session: int, recipient: Recipient, key: int) -> bytes:
    return wrap_under(module.cryptoki, session, recipient.oaep, rsa_key(recipient.spki, recipient.name), key)


def _layer(wrapped: bytes, nonce: bytes, closed: bytes) -> bytes:
    return len(wrapped).to_bytes(_LENGTH, "big") + wrapped + nonce + closed


def _parts(layer: bytes) -> tuple[bytes, bytes, bytes]:
    """Wrapped one-time key, nonce, what is closed. Raises `Malformed`."""
    start = _LENGTH + int.from_bytes(layer[:_LENGTH], "big")
    if len(layer) <= start + _NONCE:
        raise Malformed("A package is cut short. Take another copy of the file.")
    return layer[_LENGTH:start], layer[start : start + _NONCE], layer[start + _NONCE :]


def open_outer(module: Module, session: int, private: int, oaep: Oaep, layer: bytes, bound: bytes) -> bytes:  # noqa: PLR0917 - one step of a protocol
    """Open a layer that is not the innermost: what the next custodian goes on with.

    `Rejected` (keys.damaged) where one bit of it, or what it is bound to, is another.
    """
    wrapped, nonce, closed = _parts(layer)
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        handles.append(unwrap_secret(cryptoki, session, oaep.mechanism, private, wrapped, Attribute.DECRYPT))
        try:
            return cryptoki.decrypt(session, gcm_mechanism(nonce, bound), handles[-1], closed)
        except CryptokiError as error:
            raise damaged(error) from error


def open_innermost(  # noqa: PLR0917 - one step of a protocol
    module: Module, session: int, private: int, oaep: Oaep, layer: bytes, kwp: Mechanism
) -> int:
    """Open the innermost layer: the handle of the key, a session object that may only be wrapped."""
    wrapped, _, closed = _parts(layer)
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        handles.append(unwrap_secret(cryptoki, session, oaep.mechanism, private, wrapped, Attribute.UNWRAP))
        return unwrap_secret(cryptoki, session, PreparedMechanism(kwp), handles[-1], closed, extractable=True)
