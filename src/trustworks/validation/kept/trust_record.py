"""The trust anchors to which one file's paths could lead, out of all there were, as data; and back again."""

from __future__ import annotations

import binascii
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.pki.trusted_lists.anchors import ListedAnchor
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from trustworks.core.pki.tokens import DistinguishedName
    from trustworks.formats.evidence import Evidence, Token
    from trustworks.validation.rules.inputs import Extra


class KeptAnchor(BaseModel):
    """One trust anchor in DER, in hexadecimal: its certificate, or where there is none its name and key.

    `label` says for people whose service it is, where a trusted list named it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: str | None = None
    subject: str | None = None
    key: str | None = None
    label: str | None = None
    since: AwareDatetime | None = None
    sunset: AwareDatetime | None = None

    @classmethod
    def of(cls, anchor: TrustAnchor) -> KeptAnchor:
        """An anchor as data."""
        label = anchor.label.label if isinstance(anchor.label, ListedAnchor) else anchor.label
        certificate = anchor.certificate
        return cls(
            certificate=None if certificate is None else certificate.der.hex(),
            subject=anchor.subject.der.hex() if certificate is None else None,
            key=anchor.key.der.hex() if certificate is None else None,
            label=None if label is None else str(label),
            since=anchor.since,
            sunset=anchor.sunset,
        )

    def anchor(self) -> TrustAnchor:
        """The anchor. Raises `Malformed`."""
        try:
            if self.certificate is not None:
                return TrustAnchor.of(
                    Certificate.read(bytes.fromhex(self.certificate)),
                    label=self.label,
                    since=self.since,
                    sunset=self.sunset,
                )
            return TrustAnchor.named(
                bytes.fromhex(self.subject or ""),
                bytes.fromhex(self.key or ""),
                label=self.label,
                since=self.since,
                sunset=self.sunset,
            )
        except (ValueError, binascii.Error) as error:
            raise Malformed("A trust anchor that was kept is not in hexadecimal.") from error


class KeptTrust(BaseModel):
    """`trust.json` of a bundle; see `Trust`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchors: tuple[KeptAnchor, ...]
    for_signers: tuple[KeptAnchor, ...] | None = None

    @classmethod
    def of(cls, trust: Trust, evidence: Evidence, extra: Extra) -> KeptTrust:
        """Those anchors that have a name which a certificate at hand has, or its issuer, or who answered.

        No path can lead to another: a path is built from name to name. Who answered by OCSP may be named by
        his key alone, and may be an anchor whose certificate was not sent (`validation_data.AtHand`).
        """
        names = tuple(_names(evidence, extra))
        keys = frozenset(filter(None, (one.responder_key_hash for one in _answers(evidence, extra))))
        signers = trust.for_signers
        return cls(
            anchors=tuple(map(KeptAnchor.of, _led_to(trust.anchors, names, keys))),
            for_signers=None if signers is None else tuple(map(KeptAnchor.of, _led_to(signers, names, keys))),
        )

    def trust(self) -> Trust:
        """The anchors. Raises `Malformed`."""
        anchors = TrustAnchors(one.anchor() for one in self.anchors)
        if self.for_signers is None:
            return Trust(anchors)
        return Trust(anchors, for_signers=TrustAnchors(one.anchor() for one in self.for_signers))


def _led_to(
    anchors: TrustAnchors, names: Iterable[DistinguishedName], keys: Collection[bytes]
) -> Iterator[TrustAnchor]:
    """The anchors of these names, and of the issuers of those, in the order of the names.

    `keys` are the SHA-1 of keys, by which an anchor is found as by its name.
    """
    by_key = (one.subject for one in anchors.anchors if keys and one.key.sha1 in keys)
    waiting = list(dict.fromkeys((*names, *by_key)))
    seen = set(waiting)
    while waiting:
        name = waiting.pop(0)
        for one in anchors.named(name):
            yield one
            if one.certificate is not None and one.certificate.issuer not in seen:
                seen.add(one.certificate.issuer)
                waiting.append(one.certificate.issuer)


def _names(evidence: Evidence, extra: Extra) -> Iterator[DistinguishedName]:
    """Subjects and issuers of all that can be read, each perhaps several times."""
    tokens = (*evidence.certificates.values(), *extra.certificates)
    for certificate in filter(None, map(_certificate, tokens)):
        yield from (certificate.subject, certificate.issuer)
    for token in (*evidence.revocation.values(), *extra.revocation):
        if token.id.startswith("R-"):
            with suppress(Malformed):
                yield RevocationList.read(token.der).issuer
    for answer in _answers(evidence, extra):
        if answer.responder_name is not None:
            yield answer.responder_name
        for one in answer.certificates:
            yield from (one.subject, one.issuer)


def _answers(evidence: Evidence, extra: Extra) -> Iterator[OcspAnswer]:
    """The answers that can be read."""
    for token in (*evidence.revocation.values(), *extra.revocation):
        if not token.id.startswith("R-"):
            with suppress(Malformed):
                yield OcspAnswer.read(token.der)


def _certificate(token: Token) -> Certificate | None:
    try:
        return Certificate.read(token.der)
    except Malformed:
        return None
