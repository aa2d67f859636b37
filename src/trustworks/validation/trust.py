"""Who is trusted: the anchors that paths must lead to, for signers, time-stamps and revocation data.

Source: EN 319 102-1, 5.1.4.2.2 (X.509 validation constraints: trust anchors).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Trust:
    """Trust anchors. Each may have a label, such as a service of a trusted list, and a sunset date."""

    anchors: TrustAnchors = field(default_factory=TrustAnchors)

    @classmethod
    def of(cls, certificates: Iterable[bytes]) -> Trust:
        """Certificates in DER that are trusted as they are. Raises `Malformed`."""
        return cls(TrustAnchors(TrustAnchor.of(Certificate.read(der)) for der in certificates))


NOBODY: Final = Trust()
"""No trust anchors: cryptography and structure are judged, and no chain is found."""
