"""What a certificate by itself is in law: TS 119 615 over it, the list of its issuer's country, and a path.

The path leads to a service of that list, whatever became of the service: its state at a time is what the
procedures ask for. Whether the certificate was revoked is not looked at; no clause of TS 119 615 does.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors, build_paths, partial_path
from trustworks.core.pki.tokens import Certificate
from trustworks.core.pki.trusted_lists.uris import CA_QC
from trustworks.core.pki.validation import validate_path
from trustworks.core.values import dataclass
from trustworks.validation.qualification.certificate import path_members, qualified_content
from trustworks.validation.qualification.certificates import certificate_qualification
from trustworks.validation.qualification.devices import device_qualification
from trustworks.validation.qualification.listed_services import is_of_type
from trustworks.validation.qualification.model import Indication
from trustworks.validation.qualification.names import country_code
from trustworks.validation.qualification.site_names import SiteMatch, read_site, site_match
from trustworks.validation.qualifying import overdue_lists
from trustworks.validation.rules.inputs import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from trustworks.core.pki.building import CertificatePool, Path
    from trustworks.core.pki.trusted_lists.model import ListedCertificate, TrustedList
    from trustworks.validation.qualification.model import (
        CertificateQualification,
        DeviceQualification,
        Lists,
        PathMember,
    )

_MOST_PATHS: Final = 20

_NOT_FOR_SITES: Final = frozenset({Indication.NOT_QUALIFIED, Indication.NOT_QWAC})
_NOT: Final = _NOT_FOR_SITES | {Indication.NOT_FOR_ESIG, Indication.NOT_FOR_ESEAL}


class Answer(StrEnum):
    """Whether the certificate is qualified; where a site is asked about: for that site."""

    QUALIFIED = "qualified"
    NOT_QUALIFIED = "not qualified"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the list says of the certificate, and of where its key is, at one time."""

    time: datetime
    certificate: CertificateQualification
    device: DeviceQualification


@dataclass(frozen=True, slots=True, kw_only=True)
class Determination:
    """A certificate, looked at for a time and for when it was issued.

    `path` are the names of who issued it, the service of the list last. `no_path` is a sentence for why there
    is none that holds; what the procedures say then is of the certificate alone. `overdue` are sentences
    about lists that were asked although new ones were due.
    """

    certificate: Certificate
    asked: Look
    issuance: Look
    path: tuple[str, ...] = ()
    no_path: str = ""
    site: SiteMatch | None = None
    overdue: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        """Whether it is qualified at the time that was asked for, for the site where one was."""
        found = self.asked.certificate
        if self.no_path:
            return Answer.INDETERMINATE
        if self.site is None:
            if found.qualified_for:
                return Answer.QUALIFIED
            is_not = bool(found.results) and found.results <= _NOT
        else:
            if self.site.matching is None:
                return Answer.NOT_QUALIFIED
            if Indication.QWAC in found.qualified_for:
                return Answer.QUALIFIED
            is_not = bool(found.results & _NOT_FOR_SITES)
        return Answer.NOT_QUALIFIED if is_not else Answer.INDETERMINATE


def determined(
    certificate: Certificate, *, pool: CertificatePool, lists: Lists, at: datetime, site: str | None = None
) -> Determination:
    """What the trusted lists make of a certificate at a time. A pure function.

    `pool` has certificates that may be between it and a service of the list. Raises `Malformed` where `site`
    is no name of a web site.
    """
    asked = None if site is None else site_match(certificate, read_site(site))
    content = qualified_content(certificate)
    country = country_code(content.issuer_countries)
    found = lists.authenticated(country).list
    path, why = (None, "") if found is None else _path(certificate, _anchors(found), pool, at)
    members = (content.member,) if path is None else path_members(path)

    def look(time: datetime, members: Sequence[PathMember]) -> Look:
        qualification = certificate_qualification(content, members, time, lists=lists)
        device = device_qualification(content, time, qualification)
        return Look(time=time, certificate=qualification, device=device)

    return Determination(
        certificate=certificate,
        asked=look(at, members),
        issuance=look(certificate.not_before, members),
        path=() if path is None else _issuers(path),
        no_path=why,
        site=asked,
        overdue=tuple(overdue_lists(lists, [country] if country else [])),
    )


def _anchors(found: TrustedList) -> TrustAnchors:
    """Every authority for qualified certificates on a list, also those that are approved no more."""
    listed = {
        one.der: one
        for provider in found.providers
        for service in provider.services
        if is_of_type(service, CA_QC)
        for one in service.current.identity.certificates
    }
    return TrustAnchors(_readable(listed.values()))


def _readable(listed: Iterable[ListedCertificate]) -> Iterator[TrustAnchor]:
    for one in listed:
        try:
            yield TrustAnchor.of(Certificate.read(one.der))
        except Malformed:
            continue


def _path(
    certificate: Certificate, anchors: TrustAnchors, pool: CertificatePool, at: datetime
) -> tuple[Path | None, str]:
    """The first path that holds but for times, which are the procedures'; else a sentence for why not."""
    broken = ""
    candidates = build_paths(certificate, anchors=anchors, pool=pool, at=at, by_name=False)
    for path in islice(candidates, _MOST_PATHS):
        failures = validate_path(path, at=at, settings=SETTINGS).of_chain
        if not failures:
            return path, ""
        broken = broken or failures[0].sentence
    if broken:
        return None, f"Its path to a service of the list does not hold: {broken}"
    highest = partial_path(certificate, pool)[-1]
    if highest.is_self_signed:
        return None, ""  # there is nobody above: the list has no service that has issued it
    return None, (
        f"No service of the list has issued it, and who did is not at hand: {highest.issuer.text}. If "
        "that is an authority below a service of the list, give its certificate with --untrusted."
    )


def _issuers(path: Path) -> tuple[str, ...]:
    between = tuple(one.subject.text for one in path.certificates[1:])
    return between if path.is_anchor_alone else (*between, path.anchor.subject.text)
