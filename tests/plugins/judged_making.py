"""A house whose signed files we and EU DSS judge: a root, an authority, signers, time-stamping units.

A scenario is a function that makes a file; its name says what the file has been through. Lists of revoked
certificates are those of the root and of the authority.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Entity, crl, entity, key
from signed_stories import KINDS, Signing, token

from trustworks.core.ports import ValidationData

EVERY: Final = ("XAdES", "CAdES", "PAdES", "JAdES", "ASiC")
SOME: Final = ("XAdES", "CAdES")
SIGNED: Final = NOW - 30 * DAY
STAMPED: Final = NOW - 20 * DAY
KEPT: Final = NOW - 15 * DAY
"""When the revocation data inside of signatures was made."""
ARCHIVED: Final = NOW - 10 * DAY
BETWEEN: Final = NOW - 12 * DAY
"""After the time-stamp and before the archive time-stamp."""
BEFORE: Final = NOW - 25 * DAY
"""Before the time-stamp."""
HOLD: Final = x509.ReasonFlags.certificate_hold
Stamp = Callable[[bytes], bytes]
Change = tuple[str, dict[str, str], str | None]
"""A change of the policy; see `dss_judge.changed_policy`."""
ALIKE: Final[tuple[Change, ...]] = (
    # An algorithm that has ended fails, whenever the file was written: here an end is an end.
    ("Cryptographic/AlgoExpirationDate", {"LevelAfterUpdate": "FAIL"}, None),
)
"""What the policy that EU DSS has by default asks otherwise than any policy can ask here."""


def certified(name: str, issuer: Entity | None = None, **given: Any) -> Entity:
    """A certificate with the identifiers of keys that EU DSS asks for."""
    more: list[x509.ExtensionType] = [x509.SubjectKeyIdentifier.from_public_key(key(name).public_key())]
    if issuer is not None:
        more.append(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer.name).public_key()))
    given.setdefault("since", NOW - 10 * YEAR)
    given.setdefault("until", NOW + 10 * YEAR)
    return entity(name, issuer, **{**given, "extensions": [*more, *given.get("extensions", ())]})


@cache
def root() -> Entity:
    return certified("judged root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)


@cache
def authority() -> Entity:
    return certified("judged ca", root(), ca=True)


def signer(issuer: Entity | None = None, **given: Any) -> Entity:
    """A signer, by the authority."""
    return certified("judged signer", issuer or authority(), **given)


def unit(issuer: Entity | None = None, name: str = "judged tsa", **given: Any) -> Entity:
    """A time-stamping unit, by the root."""
    given.setdefault("purposes", (ExtendedKeyUsageOID.TIME_STAMPING,))
    return certified(name, issuer or root(), usage=("digital_signature",), **given)


SIGNER: Final = signer()
UNIT: Final = unit()
SECOND_UNIT: Final = unit(name="judged second tsa")
STRANGER: Final = certified("stranger root", ca=True)
STRANGE_UNIT: Final = unit(STRANGER, "stranger tsa")
ENDED: Final = signer(until=NOW - 5 * DAY)
"""A signer whose certificate has expired."""
ENDED_UNIT: Final = unit(name="judged former tsa", until=NOW - 5 * DAY)
RESPONDER: Final = certified(
    "judged responder",
    authority(),
    usage=("digital_signature",),
    purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,),
    extensions=(x509.OCSPNoCheck(),),
)


def lists(
    *revoked: tuple[Entity, datetime] | tuple[Entity, datetime, x509.ReasonFlags],
    at: datetime = NOW - timedelta(hours=1),
    lasts: timedelta = 2 * DAY,
    **given: Any,
) -> tuple[bytes, ...]:
    """The lists of the authority and of the root of that moment, with what is revoked on them."""
    told = [(one[0], one[1], one[2] if len(one) > 2 else None) for one in revoked]
    return tuple(
        crl(by, at, lasts=lasts, revoked=[one for one in told if one[0].issuer == by], **given)
        for by in (authority(), root())
    )


@dataclass(frozen=True, kw_only=True)
class Told:
    """A signed file, and what it is judged with."""

    octets: bytes
    revocation: tuple[bytes, ...] = ()
    trust: tuple[Entity, ...] = field(default_factory=lambda: (root(),))
    at: datetime = NOW
    detached: tuple[bytes, ...] = ()
    records: tuple[bytes, ...] = ()
    policy: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One path; `path` is what of the algorithm it is about."""

    path: str
    name: str
    formats: tuple[str, ...]
    make: Callable[[Maker], Told]

    def told(self, format_: str) -> Told:
        return self.make(Maker(format_))


SCENARIOS: Final[list[Scenario]] = []
_Makes = Callable[["Maker"], Told]


def scenario(path: str, name: str, *formats: str) -> Callable[[_Makes], _Makes]:
    def take(make: _Makes) -> _Makes:
        SCENARIOS.append(Scenario(path=path, name=name, formats=formats or SOME, make=make))
        return make

    return take


class Maker:
    """Makes files of one format."""

    def __init__(self, format_: str) -> None:
        self.kind = KINDS[format_]
        self.format = format_

    def signed(self, by: Entity = SIGNER, *stamps: Stamp, **given: Any) -> bytes:
        given.setdefault("chain", (authority(),))
        given.setdefault("time", SIGNED)
        return self.kind.sign(Signing(by=by, stamps=stamps, **given))

    def kept(self, by: Entity = SIGNER, *stamps: Stamp, found: tuple[bytes, ...] = (), **given: Any) -> bytes:
        """With validation data: authorities, and lists of `KEPT` where nothing else is given."""
        return self.signed(by, *(stamps or (stamp(),)), values=values(*found), **given)

    def archived(self, octets: bytes, at: datetime = ARCHIVED, by: Entity = UNIT) -> bytes:
        return self.kind.archive(octets, stamp(at, by))

    def more(self, octets: bytes, *found: bytes) -> bytes:
        """With further validation data."""
        assert self.kind.values is not None
        return self.kind.values(octets, values(*found))


def values(*found: bytes) -> ValidationData:
    return ValidationData(
        certificates=(authority().der, root().der), lists=found or lists(at=KEPT, lasts=30 * DAY)
    )


def stamp(at: datetime = STAMPED, by: Entity = UNIT, *more: Entity, **given: Any) -> Stamp:
    return lambda over: token(by, over, at, *more, **given)


def of_signer(name: str, level: str = "FAIL", inside: str = "", **attributes: str) -> Change:
    """A constraint about the signer's certificate."""
    path = f"SignatureConstraints/BasicSignatureConstraints/SigningCertificate/{name}"
    return path, {"Level": level, **attributes}, inside
