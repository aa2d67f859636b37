"""Whether a revocation list is about a certificate, for which reasons, and which delta list goes with it.

Source: RFC 5280, 6.3.3 (b) to (e) and (c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.crl import ISSUING_DISTRIBUTION_POINT
from trustworks.core.errors import Malformed
from trustworks.core.pki.extensions import DistributionPoint, DistributionPointName, relative_to
from trustworks.core.pki.names import DistinguishedName, GeneralName, read_distinguished_name
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.extensions import IssuingDistributionPoint
    from trustworks.core.pki.revocation_list import RevocationList

ALL_REASONS: Final = frozenset(range(1, 9))
"""The bits of ReasonFlags that are in use (RFC 5280, 4.2.1.13)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A distribution point of a certificate, whose list has one of some issuers.

    `own` says that this is the certificate's issuer and not another that the point names.
    """

    point: DistributionPoint
    issuers: tuple[DistinguishedName, ...]
    own: bool


def points_of(certificate: Certificate) -> tuple[Point, ...]:
    """The distribution points of a certificate, and behind them the one that every certificate has.

    That is any list of its own issuer, as if the point were the issuer's name (RFC 5280, 6.3.3, at the end).
    """
    found: list[Point] = []
    for point in certificate.crl_distribution_points:
        others = tuple(one.value for one in point.crl_issuer if isinstance(one.value, DistinguishedName))
        found.append(Point(point, others or (certificate.issuer,), not others))
    name = DistributionPointName(full=(GeneralName("directory", certificate.issuer),))
    everyones = DistributionPoint(name=name, reasons=None, crl_issuer=())
    return (*found, Point(everyones, (certificate.issuer,), own=True))


def covered_reasons(certificate: Certificate, revocation_list: RevocationList) -> frozenset[int]:
    """The reasons for which a list tells of a certificate, by their bits; none: it is not about it."""
    covered: set[int] = set()
    scope = revocation_list.issuing_distribution_point
    for point in points_of(certificate):
        if is_within_scope(point, certificate, revocation_list):
            listed = ALL_REASONS if scope is None else scope.only_some_reasons
            reasons = ALL_REASONS if point.point.reasons is None else point.point.reasons
            covered |= (ALL_REASONS if listed is None else listed) & reasons & ALL_REASONS
    return frozenset(covered)


@implements("RFC5280:6.3.3-SCOPE", disabled=lambda *_: True)
def is_within_scope(point: Point, certificate: Certificate, revocation_list: RevocationList) -> bool:
    """Issuer, kind of certificate and distribution point are those of the list (RFC 5280, 6.3.3 (b))."""
    if revocation_list.issuer not in point.issuers:
        return False
    scope = revocation_list.issuing_distribution_point
    if scope is None:
        return point.own
    other_kind = scope.only_user_certificates if certificate.is_ca else scope.only_ca_certificates
    if other_kind or scope.only_attribute_certificates or not (point.own or scope.indirect):
        return False
    return _has_place(point, scope, revocation_list)


def _has_place(point: Point, scope: IssuingDistributionPoint, revocation_list: RevocationList) -> bool:
    """Whether the list's place is one of the point's: of its names, or where it has none, of its issuers."""
    if scope.name is None:
        return True
    places = _names(scope.name, (revocation_list.issuer,))
    wanted = point.point.crl_issuer if point.point.name is None else _names(point.point.name, point.issuers)
    return any(one in places for one in wanted)


def _names(name: DistributionPointName, issuers: tuple[DistinguishedName, ...]) -> tuple[GeneralName, ...]:
    """The full names of a distribution point; a relative one is completed by the issuer's."""
    if name.relative is None:
        return name.full
    completed: list[GeneralName] = []
    for issuer in issuers:
        try:
            whole = read_distinguished_name(relative_to(issuer, name.relative))
        except Malformed:
            continue
        completed.append(GeneralName("directory", whole))
    return tuple(completed)


@implements("RFC5280:6.3.3-DELTA", disabled=lambda *_: True)
def goes_with(delta: RevocationList, complete: RevocationList) -> bool:
    """Whether a delta list goes on from a complete one (RFC 5280, 5.2.4 and 6.3.3 (c)).

    The issuer, the scope and the key are the same, the complete list is not older than the base, and not
    newer than the delta list.
    """
    if delta.base_number is None or complete.number is None or delta.number is None:
        return False
    return (
        delta.issuer == complete.issuer
        and delta.value(ISSUING_DISTRIBUTION_POINT) == complete.value(ISSUING_DISTRIBUTION_POINT)
        and delta.authority_key_identifier == complete.authority_key_identifier
        and delta.base_number <= complete.number < delta.number
    )
