"""What core asks of a service, where two adapters really exist; `app` wires them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Stamper(Protocol):
    """Gets time-stamps: from our own time-stamping authority, or from another one over HTTP."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A DER TimeStampToken over `digest`. Raises `Unavailable`, or `Rejected` with the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """Certificates, revocation lists and OCSP answers (OCSPResponse), in DER."""

    certificates: Sequence[bytes] = ()
    lists: Sequence[bytes] = ()
    answers: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.certificates or self.lists or self.answers)

    def __or__(self, other: ValidationData) -> ValidationData:
        """All of both, each once."""
        return ValidationData(
            certificates=tuple(dict.fromkeys((*self.certificates, *other.certificates))),
            lists=tuple(dict.fromkeys((*self.lists, *other.lists))),
            answers=tuple(dict.fromkeys((*self.answers, *other.answers))),
        )


NOTHING = ValidationData()


class EvidenceSource(Protocol):
    """Finds what shows that a certificate stood at a time: for level LT of a signature."""

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        """Certificates of a path from `certificate` (DER) to a trust anchor, and the status of each at `at`.

        Where another anchor is above that one and the certificates between are at hand, the path goes up to
        the furthest whose evidence can be had: what is enough for it, is enough for who trusts any of them.

        The certificates begin with `certificate`; that of the anchor is among them where it has one, and so
        are those of who signed revocation data, unless the OCSP answer brings it, up to an anchor and with
        the status of each. A trust anchor itself, and a certificate that says that nobody tells its status,
        has none.

        `at_hand` is what may be used of evidence that is there already; the answer has what of it was used,
        and what was found elsewhere. Revocation data about `certificate` is issued at `since` or later; None,
        and for all other certificates: as fresh as the policy asks, also where it only warns. `time_stamp`:
        it is the certificate of a time-stamping unit.

        Raises:
            Malformed: the certificate cannot be read.
            Rejected: ``evidence.revoked``, ``evidence.suspended``, ``evidence.expired``,
                ``evidence.not-yet-valid``, ``evidence.no-path``, ``evidence.constraints``,
                ``evidence.algorithms``: the certificate, or one above it, does not stand at `at`.
            Unavailable: ``evidence.missing``: something was not to be had, the sentence says what and from
                where; ``evidence.not-fresh``: nothing new enough is issued yet, the sentence says when the
                next is due, and so does `again` of the error where anybody says.
        """
