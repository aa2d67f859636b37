"""Packages: a key for each group of custodians that may bring it back, closed once for each of them.

Each member of a group has a one-time key (AES-256), which only their own token unwraps. The key is wrapped
(AES key wrap) under that of the last one; what comes of it, which is no plaintext, is encrypted (AES-GCM)
under those of the others, the last but one first. To open it each custodian's token hands its one-time key on
to the target, wrapped for the target alone, and only there do all of them come together. So no custodian ever
has more than a key of their own, whoever opened before and whatever their token would give out; and outside
of tokens there never is a key in the clear. No secret sharing, which PKCS#11 modules do not offer inside, is
needed. The price is a package for each group, C(n, m) of them.

Each one-time key also closes a proof: a constant, bound to the rest of the backup. By it a custodian's token
knows that the file is as it was made, before it hands anything on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, Final

from trustworks.core.errors import Malformed, Rejected
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

    from cryptography.hazmat.primitives.asymmetric import rsa

    from trustworks.core.module.constants import Mechanism
    from trustworks.core.module.module import Module
    from trustworks.core.module.pkcs11 import Cryptoki

_NONCE: Final = 12
_PROOF: Final = b"trustworks-proof"  # what is closed is no secret: that it opens is what shows something


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A custodian as a backup knows them: name, public key of their token, hash of RSA-OAEP."""

    __pydantic_config__: ClassVar = documents.CONFIG

    name: str
    spki: bytes
    oaep: Oaep


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one custodian of a group opens: their one-time key, wrapped for their token, and its proof."""

    __pydantic_config__: ClassVar = documents.CONFIG

    wrapped: bytes
    proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A key, closed for one group; `parts` are in the order of the names."""

    __pydantic_config__: ClassVar = documents.CONFIG

    custodians: tuple[str, ...]
    parts: tuple[Part, ...]
    content: bytes

    def part(self, name: str) -> Part:
        """The part of one custodian. Raises `Malformed` where the package has none for them."""
        if len(self.parts) != len(self.custodians) or name not in self.custodians:
            raise Malformed(f"A package has no part for {name}. Take another copy of the file.")
        return self.parts[self.custodians.index(name)]


def groups(recipients: Sequence[Recipient], threshold: int) -> Iterator[tuple[Recipient, ...]]:
    """Every group of `threshold` recipients."""
    yield from combinations(recipients, threshold)


def close(  # noqa: PLR0917 - what C_WrapKey takes, and who for
    module: Module, session: int, key: int, kwp: Mechanism, group: Sequence[Recipient], bound: bytes
) -> Package:
    """Close the secret key of this session for a group. `bound`: what all of it is bound to."""
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        handles += [one_time_key(cryptoki, session, Attribute.ENCRYPT) for _ in group[1:]]
        # The proof and the wrap are the same AES key's work; of the one the other says nothing.
        handles.append(one_time_key(cryptoki, session, Attribute.ENCRYPT, Attribute.WRAP))
        content = cryptoki.wrap_key(session, PreparedMechanism(kwp), handles[-1], key)
        for one in reversed(handles[:-1]):
            content = _sealed(cryptoki, session, one, content, bound)
        parts = tuple(
            Part(
                wrapped=wrap_under(
                    cryptoki, session, recipient.oaep, rsa_key(recipient.spki, recipient.name), one
                ),
                proof=_sealed(cryptoki, session, one, _PROOF, bound),
            )
            for recipient, one in zip(group, handles, strict=True)
        )
    return Package(custodians=tuple(one.name for one in group), parts=parts, content=content)


def _sealed(cryptoki: Cryptoki, session: int, key: int, content: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cryptoki.encrypt(session, gcm_mechanism(nonce, bound), key, content)


def _unsealed(cryptoki: Cryptoki, session: int, key: int, sealed: bytes, bound: bytes) -> bytes:
    if len(sealed) <= _NONCE:
        raise Malformed("A package is cut short. Take another copy of the file.")
    try:
        return cryptoki.decrypt(session, gcm_mechanism(sealed[:_NONCE], bound), key, sealed[_NONCE:])
    except CryptokiError as error:
        raise damaged(error) from error


def hand_on(  # noqa: PLR0917 - one step of a protocol
    module: Module,
    session: int,
    private: int,
    recipient: Recipient,
    part: Part,
    bound: bytes,
    onward: Oaep,
    target: rsa.RSAPublicKey,
) -> bytes:
    """In a custodian's token: their one-time key out of its part, wrapped under the target's key.

    `Rejected` (keys.damaged) where one bit of it, or of what it is bound to, is another.
    """
    cryptoki = module.cryptoki
    with passing(cryptoki, session) as handles:
        handles.append(
            unwrap_secret(
                cryptoki,
                session,
                recipient.oaep.mechanism,
                private,
                part.wrapped,
                Attribute.DECRYPT,
                extractable=True,  # in this session alone, to be wrapped for the target
            )
        )
        if _unsealed(cryptoki, session, handles[-1], part.proof, bound) != _PROOF:
            raise Rejected("keys.damaged", "The backup is not as it was made. Take another copy of its file.")
        return wrap_under(cryptoki, session, onward, target, handles[-1])


def put_together(  # noqa: PLR0917 - one step of a protocol
    module: Module,
    session: int,
    private: int,
    shares: Sequence[tuple[Oaep, bytes]],
    package: Package,
    kwp: Mechanism,
    bound: bytes,
) -> int:
    """At the target: the handle of the key, which may only unwrap. `shares` are in the package's order.

    `Rejected` (keys.damaged) where they do not open the package.
    """
    cryptoki, content = module.cryptoki, package.content
    *before, (oaep, last) = shares
    with passing(cryptoki, session) as handles:
        for hashed, share in before:
            handles.append(
                unwrap_secret(cryptoki, session, hashed.mechanism, private, share, Attribute.DECRYPT)
            )
            content = _unsealed(cryptoki, session, handles[-1], content, bound)
        handles.append(unwrap_secret(cryptoki, session, oaep.mechanism, private, last, Attribute.UNWRAP))
        mechanism = PreparedMechanism(kwp)
        return unwrap_secret(cryptoki, session, mechanism, handles[-1], content, Attribute.UNWRAP)
