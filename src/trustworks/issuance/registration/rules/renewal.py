"""A certificate that takes another's place: what must still be valid, and what is verified anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.trace import implements
from trustworks.issuance.registration.model import Objection, SubjectKind
from trustworks.issuance.registration.rules.names import ALTERNATIVE_FACTS, shows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from trustworks.issuance.model import CertificateRecord, NameAttribute
    from trustworks.issuance.registration.model import Application, Comparison, IdentityEvidence


@implements("EN319411-1:REG-6.3.7-03")
def renewed_is_valid(
    application: Application, old: CertificateRecord | None, now: datetime
) -> tuple[Objection, ...]:
    """What is renewed or re-keyed was issued here, and is valid: neither revoked nor at its end."""
    serial = application.asked.renews
    if serial is None:
        return ()
    if old is None or old.state != "issued":
        why = "was not issued here"
    elif old.revocation is not None:
        why = f"is revoked ({old.revocation.reason.name})"
    elif old.not_after < now:
        why = f"ended on {old.not_after:%Y-%m-%d}"
    else:
        return ()
    return (
        Objection(
            "EN319411-1:REG-6.3.7-03",
            f"The certificate {serial}, in whose place another is asked for, {why}; apply for a new one.",
        ),
    )


@implements("EN319411-1:GEN-6.3.6-10")
def key_serves_on(
    application: Application, old: CertificateRecord | None, *, objection: str | None
) -> tuple[Objection, ...]:
    """A key is certified again only when it is fit for the whole new life (`objection`: why it is not)."""
    if old is None or old.spki_sha256.hex() != application.key_id or objection is None:
        return ()
    return (
        Objection(
            "EN319411-1:GEN-6.3.6-10",
            f"The key of the certificate {old.serial} cannot be certified again: {objection} Make a new key.",
        ),
    )


@implements("EN319411-1:REG-6.3.7-01B")
def changes_are_verified(
    application: Application,
    before: Sequence[NameAttribute] | None,
    comparison: Sequence[Comparison],
    evidence_since: date | None,
) -> tuple[Objection, ...]:
    """What changed in the name since the certificate that is renewed was verified after that one was made.

    `before` is the old certificate's name with its alternative names, by their kinds; `evidence_since` the
    day it was issued.
    """
    if before is None or evidence_since is None:
        return ()
    old = set(before)
    natural = application.asked.kind is SubjectKind.NATURAL
    found = []
    for one in comparison:
        if (one.attribute, one.asked) in old:
            continue
        new = [
            piece
            for piece in _pieces(application, one.attribute, natural=natural)
            if piece.established_on >= evidence_since
            and one.asked in piece.shows(ALTERNATIVE_FACTS.get(one.attribute, one.attribute))
        ]
        if not new and one.attribute != "commonName":
            found.append(
                Objection(
                    "EN319411-1:REG-6.3.7-01B",
                    f"{one.attribute} is another than in the certificate that is renewed; add evidence of it "
                    "that is newer than that certificate.",
                )
            )
    return tuple(found)


def _pieces(application: Application, attribute: str, *, natural: bool) -> tuple[IdentityEvidence, ...]:
    """The evidence that may show an attribute, or an alternative name of that kind."""
    if attribute in ALTERNATIVE_FACTS:
        return application.evidence
    return application.about(*shows(attribute, natural=natural))
