"""Documents signed by a key that is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.module.algorithms import SignatureScheme
from trustworks.core.values import dataclass
from trustworks.signing.events import signed as signed_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Event
    from trustworks.core.module import Key
    from trustworks.signing.create.process import Creation, Signed
    from trustworks.signing.model import Request, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who signs: a key with its certificate, what makes signatures, and who tells the audit log of them."""

    creation: Creation
    key: Key
    signer: Signer
    tell: Callable[[Event], None]


def sign_one(hand: Hand, request: Request) -> Signed:
    """One signature. The log is told before it is given out, also where nothing came of what the key signed.

    Raises what `Creation.sign` raises.
    """
    asked = []

    def tell(level: str, failed: BaseException | None = None) -> None:
        key = hand.key.spki_sha256
        hand.tell(signed_event(through="command", request=request, key=key, level=level, failed=failed))

    def value(octets: bytes) -> bytes:
        """Asked for once the rules let the scheme pass: before, it is any word."""
        asked.append(octets)
        return hand.key.sign(octets, scheme=SignatureScheme[hand.signer.scheme])

    def value_of_digest(digest: bytes) -> bytes:
        asked.append(digest)
        return hand.key.sign_digest(digest, scheme=SignatureScheme[hand.signer.scheme])

    try:
        made = hand.creation.sign(request, hand.signer, value, sign_digest=value_of_digest, key=hand.key.spki)
    except BaseException as error:
        if asked:
            tell(request.level.value, error)
        raise
    tell(made.level)
    return made
