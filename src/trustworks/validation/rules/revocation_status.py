"""What acceptable revocation data says of a certificate, as values.

Source: EN 319 102-1, 5.2.5 and 5.2.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.pki.tokens import OcspAnswer
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.revocation import RevocationFact
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.model import Conclusion, Need
    from trustworks.validation.policies.suites import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What acceptable revocation data says of a certificate.

    `token` is its id; `signer` who signed it, None for a trust anchor without certificate; `trusted`: the
    signer is an anchor itself; `signer_revoked_at`: when he was revoked, where he was by now; `self_told`:
    the key that signed is that of the certificate. `uses` are the algorithms of the token and of its signer's
    certificates. `parts`: where lists about some reasons count together, what each of them says; this is then
    the oldest.
    """

    fact: RevocationFact
    token: str
    signer: Certificate | None
    trusted: bool
    uses: tuple[Use, ...]
    signer_revoked_at: datetime | None = None
    self_told: bool = False
    parts: tuple[Status, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether it says good by the word of one who was revoked since, who may have dated it back."""
        return self.signer_revoked_at is not None and self.fact.status == "good"

    @property
    def authorised(self) -> bool:
        """Whether who told it may for this issuer; else it is a responder that another CA authorised.

        Of a list, that its signer has the issuer's name and anchor is enough (RFC 5280, 6.3.3 (f)).
        """
        return self.fact.authority != "by-path" or not isinstance(self.fact.tokens[-1], OcspAnswer)

    @property
    def issued(self) -> datetime:
        """When it was issued (thisUpdate)."""
        return self.fact.this_update

    @property
    def next_update(self) -> datetime | None:
        """When the next is issued at the latest."""
        return self.fact.next_update

    @property
    def shown(self) -> str:
        """What it is, at the beginning of a sentence."""
        text = str(self.fact.tokens[-1])
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Acceptable revocation data about a certificate, the newest first; the conclusion says what was not.

    `found` is whether any data about the certificate was at hand, acceptable or not.
    """

    conclusion: Conclusion
    statuses: tuple[Status, ...]
    found: bool
    needs: tuple[Need, ...] = ()
    """What would make some of it acceptable: revocation data about who signed it."""
