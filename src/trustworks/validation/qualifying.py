"""What validated signatures and time-stamps are in law: TS 119 615 over the outcome and the trusted lists.

The certificate is looked at for the best signature time; that the signature is valid is the outcome's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import Certificate
from trustworks.core.pki.trusted_lists.authenticate import EU, EUTL_OVERDUE, LOTL_OVERDUE
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.model import Indication
from trustworks.validation.qualification.certificate import path_member, qualified_content
from trustworks.validation.qualification.certificates import certificate_qualification
from trustworks.validation.qualification.devices import device_qualification
from trustworks.validation.qualification.signatures import (
    SignatureQualification,
    Validity,
    signature_qualification,
)
from trustworks.validation.qualification.trust_services import time_stamp_qualification

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from trustworks.formats.evidence import Evidence, Token
    from trustworks.validation.model import Outcome, SignatureOutcome, TimeStampOutcome
    from trustworks.validation.qualification.model import (
        CertificateQualification,
        DeviceQualification,
        IssuerQualification,
        Lists,
        PathMember,
    )
    from trustworks.validation.rules.inputs import Extra
    from trustworks.validation.trust import Trust

_VALIDITY = {
    Indication.TOTAL_PASSED: Validity.PASSED,
    Indication.TOTAL_FAILED: Validity.FAILED,
    Indication.INDETERMINATE: Validity.INDETERMINATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLevel:
    """What a signature is, and what its certificate and the device of its key are, as the lists say."""

    level: SignatureQualification
    certificate: CertificateQualification
    device: DeviceQualification


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualifications:
    """Signatures and time-stamps by id; those without a path to a trust anchor are left out.

    `overdue` are sentences about lists that were asked although new ones were due.
    """

    signatures: Mapping[str, SignatureLevel]
    time_stamps: Mapping[str, IssuerQualification]
    overdue: tuple[str, ...] = ()


def qualifications(
    evidence: Evidence, outcome: Outcome, *, extra: Extra, trust: Trust, lists: Lists
) -> Qualifications:
    """What the trusted lists make of every signature and time-stamp. A pure function."""
    tokens = {**evidence.certificates, **{one.id: one for one in extra.certificates}}
    look = _Look(tokens, trust, lists)
    signatures = {one.id: look.signature(one) for one in outcome.signatures}
    stamps = {one.id: look.time_stamp(one) for one in outcome.time_stamps}
    signed = {named: one for named, one in signatures.items() if one is not None}
    stamped = {named: one for named, one in stamps.items() if one is not None}
    countries = {one.certificate.country for one in signed.values()}
    countries.update(one.country for one in stamped.values())
    return Qualifications(
        signatures=signed, time_stamps=stamped, overdue=tuple(overdue_lists(lists, sorted(countries - {""})))
    )


@implements("TS119172-4:REQ-4.4.2-01", disabled=lambda one: one.signing_time)
def looked_at_for(one: SignatureOutcome) -> datetime:
    """The time for which the signer's certificate is looked at: when the signature is proven to exist."""
    return one.best_signature_time


def overdue_lists(lists: Lists, countries: Sequence[str]) -> Iterator[str]:
    """A sentence for each list that was asked after its next update: they count, and a reader has to know."""
    found = lists.authenticated(EU)
    if LOTL_OVERDUE in found.sub_status:
        yield from found.words
    for country in countries:
        found = lists.authenticated(country)
        if EUTL_OVERDUE in found.sub_status and found.list is not None:
            due = found.list.scheme.next_update
            since = f" on {due:%Y-%m-%d}" if due is not None else ""
            yield f"A new trusted list of {country} was due{since}; run `trustworks trust refresh`."


@dataclass(frozen=True, slots=True)
class _Look:
    tokens: Mapping[str, Token]
    trust: Trust
    lists: Lists

    def signature(self, one: SignatureOutcome) -> SignatureLevel | None:
        path = self._path(one.chain)
        if not path:
            return None
        content = qualified_content(path[0])
        members = self._members(path)
        at = looked_at_for(one)
        certificate = certificate_qualification(content, members, at, lists=self.lists)
        device = device_qualification(content, at, certificate)
        level = signature_qualification(_VALIDITY[one.indication], certificate, device)
        return SignatureLevel(level=level, certificate=certificate, device=device)

    def time_stamp(self, one: TimeStampOutcome) -> IssuerQualification | None:
        path = self._path(one.chain)
        if not path:
            return None
        content, members = qualified_content(path[0]), self._members(path)
        return time_stamp_qualification(content, members, one.time, made=one.time, lists=self.lists)

    def _path(self, chain: Sequence[str]) -> list[Certificate]:
        """The certificates of a path as far as they are at hand; none where the path reaches no anchor."""
        found = []
        for named in chain:
            token = self.tokens.get(named)
            if token is None:
                break
            try:
                found.append(Certificate.read(token.der))
            except Malformed:
                return []
        return found

    def _members(self, path: Sequence[Certificate]) -> tuple[PathMember, ...]:
        """As the procedures take it: up to and including the trust anchor."""
        members = tuple(path_member(one) for one in path)
        last = path[-1]
        if self.trust.anchors.being(last):
            return members
        for anchor in self.trust.anchors.named(last.issuer):
            if last.signed.check(anchor.key) == "ok":
                return (*members, path_member(anchor))
        return members
