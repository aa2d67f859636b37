"""Certificates, revocation data and proofs of existence, in rows."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.core.pages.drawing import spaced
from trustworks.core.pki.tokens import OcspAnswer, RevocationList
from trustworks.validation.model import PoeOrigin
from trustworks.validation.report.page.model import Holder, Proof, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.formats.evidence import Token
    from trustworks.validation.model import Poe
    from trustworks.validation.report.judged import Judged
    from trustworks.validation.report.words import Words


def when(time: datetime) -> str:
    """A moment as people write it, in UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def certificates(judged: Judged, words: Words) -> Iterator[Holder]:
    """Every certificate that was at hand, with what it was used for, as far as it was."""
    roles = _roles(judged)
    for identifier in {**judged.evidence.certificates, **{one.id: one for one in judged.extra.certificates}}:
        certificate = words.certificate(identifier)
        role = ", ".join(roles.get(identifier, {}))
        digest = identifier.partition("-")[2]
        if certificate is None:
            yield Holder(
                name="cannot be read",
                subject="",
                issuer="",
                since="",
                until="",
                serial="",
                digest=digest,
                role=role,
            )
            continue
        yield Holder(
            name=words.holder(identifier) or "without a name",
            subject=spaced(certificate.subject.text),
            issuer=spaced(certificate.issuer.text),
            since=when(certificate.not_before),
            until=when(certificate.not_after),
            serial=f"{certificate.serial:x}",
            digest=digest,
            role=role,
        )


def _roles(judged: Judged) -> dict[str, dict[str, None]]:
    """What each certificate of a path was used for, each use once."""
    found: dict[str, dict[str, None]] = {}
    for what, outcomes in (
        ("signer", judged.outcome.signatures),
        ("time-stamping unit", judged.outcome.time_stamps),
    ):
        for one in outcomes:
            for place, identifier in enumerate(one.chain):
                use = what if place == 0 else f"authority of a {what}"
                found.setdefault(identifier, {})[use] = None
    return found


def revocation(judged: Judged) -> Iterator[Told]:
    """Every revocation list and OCSP answer that was at hand."""
    tokens = {**judged.evidence.revocation, **{one.id: one for one in judged.extra.revocation}}
    for token in tokens.values():
        yield _told(token)


def _told(token: Token) -> Told:
    digest = token.id.partition("-")[2]
    try:
        if token.id.startswith("R-"):
            found = RevocationList.read(token.der)
            due = when(found.next_update) if found.next_update else ""
            issuer, made = spaced(found.issuer.text), when(found.this_update)
            return Told(kind="revocation list", issuer=issuer, made=made, due=due, digest=digest)
        answer = OcspAnswer.read(token.der)
    except Malformed:
        return Told(kind="cannot be read", issuer="", made="", due="", digest=digest)
    who = answer.responder_name.text if answer.responder_name else (answer.responder_key_hash or b"").hex()
    due = next((when(one.next_update) for one in answer.responses if one.next_update), "")
    made = when(answer.produced_at) if answer.produced_at else ""
    return Told(kind="OCSP answer", issuer=who, made=made, due=due, digest=digest)


def proofs(judged: Judged, words: Words) -> Iterator[Proof]:
    """The earliest proof for each object that is known to be older than the validation."""
    earliest: dict[str, Poe] = {}
    for poe in judged.outcome.poes:
        known = earliest.get(poe.object)
        if known is None or poe.time < known.time:
            earliest[poe.object] = poe
    for poe in sorted(earliest.values(), key=lambda one: (one.time, one.object)):
        if poe.origin is PoeOrigin.SERVER:
            continue
        by = "who asked for the validation"
        if poe.origin is PoeOrigin.SIGNATURE:
            by = words.about(poe.by) if poe.by else "the signed file"
        yield Proof(about=words.about(poe.object), time=when(poe.time), by=by)
