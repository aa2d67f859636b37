"""How commitments and signature policies are named: what is neither known nor an identifier says nothing.

Sources: EN 319 122-1 and EN 319 132-1, 5.2.3 and 5.2.9; TS 119 182-1, 5.2.3 and 5.2.7; RFC 5126, 5.11.1;
X.660, 7.6 (arcs); RFC 3986, 3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.signing.model import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.signing.model import Request

COMMITMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "proof-of-origin": ("1.2.840.113549.1.9.16.6.1", "ProofOfOrigin"),
    "proof-of-receipt": ("1.2.840.113549.1.9.16.6.2", "ProofOfReceipt"),
    "proof-of-delivery": ("1.2.840.113549.1.9.16.6.3", "ProofOfDelivery"),
    "proof-of-sender": ("1.2.840.113549.1.9.16.6.4", "ProofOfSender"),
    "proof-of-approval": ("1.2.840.113549.1.9.16.6.5", "ProofOfApproval"),
    "proof-of-creation": ("1.2.840.113549.1.9.16.6.6", "ProofOfCreation"),
}
"""Commitment types by a name: their object identifiers, and the ends of their URIs."""

_ARC: Final = r"(?:0|[1-9][0-9]{0,38})"
_OID: Final = re.compile(rf"(?:[01]\.[1-3]?[0-9]|2\.{_ARC})(?:\.{_ARC}){{0,126}}")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+")
_BY_NUMBER: Final = frozenset({Format.CADES, Format.PADES})


@implements("TRUSTWORKS:SIGNING-REQUEST-IDENTIFIERS")
def names_what_can_be_known(request: Request) -> None:
    """A commitment has a name of `COMMITMENTS`; it, or a policy, an identifier that the format has."""
    by_number = request.format in _BY_NUMBER
    how = "an object identifier such as 1.2.3.4" if by_number else "an object identifier (1.2.3.4) or a URI"
    for one in request.claims.commitments:
        if one not in COMMITMENTS and not _is_identifier(one, by_number=by_number):
            raise Rejected(
                "signing.identifier",
                f"{one!r:.80} is no commitment that is known. Write one of {', '.join(COMMITMENTS)}, or "
                f"{how}.",
            )
    policy = request.claims.policy
    if policy is None or policy.identifier is None:
        return
    if not _is_identifier(policy.identifier, by_number=by_number):
        raise Rejected(
            "signing.identifier",
            f"{policy.identifier!r:.80} names no signature policy. Write {how}, which is in its document.",
        )


def _is_identifier(said: str, *, by_number: bool) -> bool:
    return bool(_OID.fullmatch(said)) or (not by_number and bool(_URI.fullmatch(said)))
