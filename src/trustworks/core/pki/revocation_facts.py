"""What revocation data says about a certificate, or why it says nothing: as values."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.pki.crl_scope import ALL_REASONS
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.ocsp_answer import OcspAnswer
    from trustworks.core.pki.revocation_list import RevocationList

CERTIFICATE_HOLD: Final = 6


Authority = Literal["issuer", "delegated", "by-path"]


class RefusalCode(enum.StrEnum):
    """Why revocation data says nothing about a certificate."""

    UNREADABLE = "unreadable"
    NOT_ABOUT = "not-about"  # another issuer, another certificate, another scope
    UNKNOWN_CRITICAL = "unknown-critical"
    NO_BASE = "no-base"  # a delta list without its complete list
    SIGNATURE = "signature"  # nobody who may have signed did
    NOT_AUTHORISED = "not-authorised"  # who signed may not
    NO_STATUS = "no-status"  # the responder does not know, or gave no answer
    CERT_HASH = "cert-hash"  # the responder knows another certificate by that number


@dataclass(frozen=True, slots=True)
class Refusal:
    """A list or an answer that is not accepted, and why."""

    token: RevocationList | OcspAnswer
    code: RefusalCode
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationFact:
    """What a list (with a delta list) or an answer says about a certificate.

    `status` is ``revoked`` whatever the time of revocation is. `signers` are certificates of the key that
    signed, None among them for the certificate's own issuer; whether one of them is trusted is not said.
    `authority` is why who signed an answer may: as the ``issuer``, as one whom that ``delegated`` or who is
    trusted for itself, or ``by-path``: it is for OCSP, by a certificate of another CA. RFC 6960, 4.2.2.2
    leaves the last to local configuration; central responders under a common root are such. The signer of a
    list is always known ``by-path``, if he is not the issuer.

    `reasons` are those that the data is about, by their bits. `keeps_expired_since`: certificates that
    expired since then are still told of. `knows_certificate`: the responder gave the certificate's hash.
    """

    tokens: tuple[RevocationList | OcspAnswer, ...]
    signers: tuple[Certificate | None, ...]
    status: Literal["good", "revoked"]
    this_update: datetime
    next_update: datetime | None
    produced_at: datetime
    revoked_at: datetime | None = None
    reason: int | None = None
    invalidity_date: datetime | None = None
    reasons: frozenset[int] = ALL_REASONS
    keeps_expired_since: datetime | None = None
    knows_certificate: bool = False
    authority: Authority = "issuer"

    @property
    def order(self) -> tuple[datetime, datetime, bool, bytes]:
        """What facts are sorted by. Of those of the same second the greatest is a revocation.

        The digest makes the order complete, so that it never is that in which data came.
        """
        return self.this_update, self.produced_at, self.status == "revoked", self.tokens[-1].sha256

    @property
    def is_on_hold(self) -> bool:
        """Whether the certificate is suspended, not revoked for good."""
        return self.status == "revoked" and self.reason == CERTIFICATE_HOLD

    def is_revoked_at(self, time: datetime) -> bool:
        """Whether the data says that the certificate was revoked or suspended by then."""
        return self.status == "revoked" and (self.revoked_at is None or self.revoked_at <= time)

    @implements("EN319102-1:5.2.5-FRESH", disabled=lambda *_: True)
    def is_fresh(self, at: datetime, limit: timedelta | None = None) -> bool:
        """Whether the data is not older at a time than the limit (EN 319 102-1, 5.2.5).

        Without a limit it may be as old as the time between this update and the next; without a next, it is
        not fresh.
        """
        if limit is None:
            if self.next_update is None:
                return False
            limit = self.next_update - self.this_update
        return at - self.this_update <= limit  # and not at - limit, which may be before the year 1

    def tells_of_expired(self, certificate: Certificate) -> bool:
        """Whether the data would tell of a revocation, though the certificate expired before it was issued.

        Source: EN 319 102-1, 5.2.6; X.509, 9.5.2.8; RFC 6960, 4.4.4.
        """
        if self.this_update <= certificate.not_after or self.knows_certificate:
            return True
        return self.keeps_expired_since is not None and self.keeps_expired_since <= certificate.not_after


def capital(token: RevocationList | OcspAnswer) -> str:
    """What the token is called at the beginning of a sentence."""
    text = str(token)
    return text[:1].upper() + text[1:]
