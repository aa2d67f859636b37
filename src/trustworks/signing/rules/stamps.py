"""Whether a time-stamp that was fetched can be relied on: whose it is, before a signature leaves with it.

Each rule takes a `Fetched`, and raises `Unavailable` (``signing.time-stamp``): another authority may do.
Sources: RFC 3161, 2.3 (a key for time-stamps alone) and 2.4.2; RFC 5280, 4.2.1.12; EN 319 102-1, 4.3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.building import CertificatePool, build_paths
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.extensions import EXTENDED_KEY_USAGE
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.collector import Collector
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.time_stamp import parse_token, read_time_stamp
from trustworks.formats.verification import candidates_among, is_of_any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.pki.building import TrustAnchors

TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_CODE: Final = "signing.time-stamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A token that an authority gave, with the certificates in it, in DER.

    `unit` is that of the unit which signed it, None: it is not among them. `holds`: its value verifies with
    that. `anchors` are trusted; None: nobody says whom to trust.
    """

    time: datetime
    unit: bytes | None
    certificates: tuple[bytes, ...]
    holds: bool
    anchors: TrustAnchors | None

    @classmethod
    def of(cls, token: bytes, anchors: TrustAnchors | None) -> Fetched:
        """What a token is. Raises `Malformed` for what is none."""
        collector = Collector()
        stamp = read_time_stamp(
            parse_token(token), collector, kind=TimeStampKind.DETACHED, over=None, covers=frozenset()
        )
        found = collector.certificates()
        there = [found[one.id] for one in candidates_among(stamp.signature, found)]
        by = next((one for one in there if is_of_any(stamp.signature, {one.id: one})), None)
        first = by or next(iter(there), None)
        return cls(
            time=stamp.time,
            unit=None if first is None else first.der,
            certificates=tuple(one.der for one in found.values()),
            holds=by is not None,
            anchors=anchors,
        )


@implements("TRUSTWORKS:SIGNING-STAMP-SIGNED")
def is_signed(fetched: Fetched) -> None:
    """The token brings the certificate of its unit, as it was asked to, and its value is by that."""
    if fetched.unit is None:
        raise Unavailable(
            _CODE,
            "The time-stamp has not the certificate of its unit, for which it was asked (RFC 3161, 2.4.1). "
            "Ask another authority.",
        )
    if not fetched.holds:
        raise Unavailable(
            _CODE, "The value of the time-stamp is not by the certificate in it. Ask another authority."
        )


@implements("TRUSTWORKS:SIGNING-STAMP-UNIT")
def is_of_a_unit(fetched: Fetched) -> None:
    """The certificate is for time-stamps alone, by a critical extended key usage, and valid at that time."""
    if fetched.unit is not None:
        fault = _fault(fetched.unit, fetched.time)
        if fault:
            raise Unavailable(_CODE, fault)


def _fault(der: bytes, time: datetime) -> str:
    unit = _read(der)
    if unit is None:
        return "The certificate in the time-stamp cannot be read. Ask another authority."
    if unit.extended_key_usage != (TIME_STAMPING,) or not unit.is_critical(EXTENDED_KEY_USAGE):
        return (
            f"The time-stamp is by {unit}, whose certificate is not for time-stamps alone: its extended key "
            "usage has to be id-kp-timeStamping, nothing else, and critical (RFC 3161, 2.3). Ask another "
            "authority."
        )
    if not unit.not_before <= time <= unit.not_after:
        return (
            f"The time-stamp of {time:%Y-%m-%d %H:%M:%S} UTC is by {unit}, whose certificate is not valid "
            "then. Ask another authority."
        )
    return ""


@implements("TRUSTWORKS:SIGNING-STAMP-ANCHOR")
def is_anchored(fetched: Fetched) -> None:
    """Where it is known whom to trust, a path of signatures leads from the unit to one of those.

    Whether each certificate of it stands is told by revocation data, from level B-LT on.
    """
    if fetched.anchors is None or fetched.unit is None:
        return
    unit = _read(fetched.unit)
    if unit is None or fetched.anchors.being(unit):
        return
    others = [found for one in fetched.certificates if (found := _read(one)) is not None]
    paths = build_paths(
        unit,
        anchors=fetched.anchors,
        pool=CertificatePool(others),
        at=fetched.time,
        by_name=False,
    )
    if next(paths, None) is None:
        raise Unavailable(
            _CODE,
            f"The time-stamp is by {unit}, from which no path leads to a trust anchor (its issuer is "
            f"{unit.issuer.text}). Name the anchor of the time-stamping authority among those that are "
            "trusted, or ask another authority.",
        )


@lru_cache(maxsize=64)
def _read(der: bytes) -> Certificate | None:
    try:
        return Certificate.read(der)
    except Malformed:
        return None


RULES: Final[tuple[Callable[[Fetched], None], ...]] = (is_signed, is_of_a_unit, is_anchored)


def check(token: bytes, anchors: TrustAnchors | None) -> None:
    """All rules about a token that was fetched. Raises as they do, and `Malformed`."""
    fetched = Fetched.of(token, anchors)
    for rule in RULES:
        rule(fetched)
