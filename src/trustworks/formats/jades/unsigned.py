"""What etsiU adds to a signature: validation data, references to it, and time-stamps.

Source: TS 119 182-1, 5.3 and annex A.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.data import Joined, Octets
from trustworks.formats.evidence import (
    CertificateReference,
    Finding,
    RevocationReference,
    TimeStampKind,
    Weight,
    Where,
)
from trustworks.formats.jades.headers import certificate_reference
from trustworks.formats.jades.values import digest_name, items, members, octets, text
from trustworks.formats.time_stamp import read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Scope
    from trustworks.formats.jades.components import Component
    from trustworks.formats.jades.jws import Jws
    from trustworks.formats.limits import Limits

REFERENCES: Final = frozenset({"xRefs", "rRefs", "axRefs", "arRefs"})
STAMPS: Final = {
    "sigTst": TimeStampKind.SIGNATURE,
    "rfsTst": TimeStampKind.REFERENCES,
    "sigRTst": TimeStampKind.SIGNATURE_AND_REFERENCES,
    "arcTst": TimeStampKind.ARCHIVE,
}
_OTHERS: Final = frozenset({"xVals", "rVals", "axVals", "arVals", "tstVD", "anyValData", "sigPSt", "cSig"})
_DER: Final = "http://uri.etsi.org/01903/v1.2.2#DER"


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What was found for one signature so far.

    `before` are the ids of all that stands before the component that is read: what an archive time-stamp
    there proves; `now` those of what is read at the moment, `by_place` those of each component's values.
    `signed` is that of the signature and what it signs, without unsigned properties.
    """

    jws: Jws
    named: str
    collector: Collector
    limits: Limits
    data: Data | None
    scopes: tuple[Scope, ...]
    signed: frozenset[str]
    file: str | None
    before: set[str] = field(default_factory=set)
    now: set[str] = field(default_factory=set)
    by_place: dict[int, set[str]] = field(default_factory=dict)
    tokens: dict[str, bytes] = field(default_factory=dict)
    certificates: list[str] = field(default_factory=list)
    revocation: list[str] = field(default_factory=list)
    certificate_references: list[CertificateReference] = field(default_factory=list)
    revocation_references: list[RevocationReference] = field(default_factory=list)
    time_stamps: list[str] = field(default_factory=list)
    counter_signatures: list[str] = field(default_factory=list)
    over_value: set[str] = field(default_factory=set)
    """Ids of what came with the time-stamps over the signature's value alone."""
    signature_stamps: list[list[datetime]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def certificate(self, der: bytes, where: Where) -> str:
        """Takes a certificate."""
        named = self.collector.certificate(der, where, self.named)
        return self._token(named, der, self.certificates)

    def _token(self, named: str, der: bytes, found: list[str]) -> str:
        if named not in self.tokens:
            self.tokens[named] = der
            found.append(named)
        self.now.add(named)
        return named

    def _revocation(self, der: bytes, where: Where, *, ocsp: bool) -> None:
        take = self.collector.ocsp_answer if ocsp else self.collector.revocation_list
        self._token(take(der, where, self.named), der, self.revocation)

    def values(self, value: Any, where: Where) -> None:
        """Takes xVals and its likes: certificates (5.3.5.1)."""
        for item in items(value):
            der = self._pki_object(members(item).get("x509Cert"), "certificate")
            if der is not None:
                self.certificate(der, where)

    def revocation_values(self, value: Any, where: Where) -> None:
        """Takes rVals and its likes: revocation lists and OCSP answers (5.3.5.2)."""
        for name, ocsp in (("crlVals", False), ("ocspVals", True)):
            for item in items(members(value).get(name)):
                der = self._pki_object(item, "OCSP answer" if ocsp else "revocation list")
                if der is not None:
                    self._revocation(der, where, ocsp=ocsp)

    def _pki_object(self, value: Any, what: str) -> bytes | None:
        """The octets of a pkiOb (5.4.3.2): DER where it names no encoding."""
        object_ = members(value)
        if not object_:
            return None
        encoding = object_.get("encoding", _DER)
        der = octets(object_.get("val"), what)
        if der is not None and encoding == _DER:
            return der
        self.note(
            "jades.unreadable-value",
            f"A {what} in the signature is not in base64, or in an encoding that is not read here.",
        )
        return None

    def note(self, code: str, sentence: str, weight: Weight = Weight.NOTE) -> None:
        """Adds a finding."""
        self.findings.append(Finding(code=code, text=sentence, weight=weight))

    def references(self, name: str, value: Any) -> None:
        """Takes xRefs, rRefs and those of attributes: digests of validation data (A.1)."""
        if name in {"xRefs", "axRefs"}:
            found = (certificate_reference(item) for item in items(value))
            self.certificate_references.extend(reference for reference in found if reference is not None)
            return
        for member, kind in (("crlRefs", "crl"), ("ocspRefs", "ocsp")):
            for item in items(members(value).get(member)):
                parts = members(item)
                digest = octets(parts.get("digVal"), "A digest")
                algorithm = digest_name(parts.get("digAlg"))
                if digest is not None and algorithm is not None:
                    self.revocation_references.append(
                        RevocationReference(kind=kind, digest_algorithm=algorithm, digest=digest)
                    )

    def stamp(
        self,
        container: Any,
        kind: TimeStampKind,
        *,
        over: Data | None,
        covers: frozenset[str],
        form: str,
        scopes: tuple[Scope, ...] = (),
    ) -> None:
        """The tokens of a tstContainer (5.4.3.3), all over the same octets."""
        moments: list[datetime] = []
        ids: set[str] = set()
        for item in items(members(container).get("tstTokens")):
            der = self._pki_object(item, "time-stamp")
            if der is None:
                continue
            if len(self.collector.time_stamps) >= self.limits.time_stamps:
                raise BeyondLimit(
                    f"There are more than the {self.limits.time_stamps} time-stamps that are read.",
                    "time_stamps",
                )
            try:
                stamp = read_time_stamp(
                    der,
                    self.collector,
                    kind=kind,
                    over=over,
                    covers=covers,
                    owner=self.named,
                    form=form,
                    scopes=scopes,
                    file=self.file,
                    limits=self.limits,
                )
            except BeyondLimit:
                raise
            except Malformed as error:
                self.note("jades.unreadable-time-stamp", f"A token in {form} cannot be read: {error}")
                continue
            moments.append(stamp.time)
            self.time_stamps.append(stamp.id)
            ids |= {stamp.id, *stamp.signature.certificates, *stamp.signature.revocation}
            for found, all_ in (
                (stamp.signature.certificates, self.certificates),
                (stamp.signature.revocation, self.revocation),
            ):
                all_.extend(named for named in found if named not in all_)
        # Only now: tokens of one container do not cover each other.
        self.before |= ids
        if kind is TimeStampKind.SIGNATURE:
            self.signature_stamps.append(moments)
            self.over_value |= ids

    def take_values(self, all_: Sequence[Component]) -> None:
        """Takes the validation data of all components: references may be to what stands later."""
        for place, component in enumerate(all_):
            self.now = set()
            match component.name:
                case "xVals":
                    self.values(component.value, Where.CERTIFICATE_VALUES)
                case "rVals":
                    self.revocation_values(component.value, Where.REVOCATION_VALUES)
                case "axVals":
                    self.values(component.value, Where.ATTRIBUTE_CERTIFICATES)
                case "arVals":
                    self.revocation_values(component.value, Where.ATTRIBUTE_CERTIFICATES)
                case "tstVD" | "anyValData":
                    stamped = component.name == "tstVD"
                    where = Where.TIME_STAMP_VALIDATION_DATA if stamped else Where.ANY_VALIDATION_DATA
                    parts = members(component.value)
                    self.values(parts.get("xVals"), where)
                    self.revocation_values(parts.get("rVals"), where)
            self.by_place[place] = self.now

    def component(self, place: int, all_: Sequence[Component]) -> None:
        """Reads one component; time-stamps go by what stands before it."""
        component = all_[place]
        self.before |= self.by_place.get(place, set())
        if component.name in STAMPS:
            self._stamped(place, all_)
        elif component.name in REFERENCES:
            self.references(component.name, component.value)
        elif component.name not in _OTHERS:
            self.note(
                "jades.unknown-component", f"The component {component.name!r:.60} of etsiU is not known here."
            )

    def _stamped(self, place: int, all_: Sequence[Component]) -> None:
        component = all_[place]
        kind = STAMPS[component.name]
        canonicalization = text(members(component.value).get("canonAlg"))
        covers, taken = self._share(component.name, place, all_)
        over: Data | None = None
        if kind is TimeStampKind.SIGNATURE or len({item.sent is None for item in all_}) <= 1:
            # Where components of both kinds are mixed nothing says how they come together (5.3.1).
            over = joined(kind, self.jws, self.data, [item.stamped(canonicalization) for item in taken])
        self.stamp(
            component.value, kind, over=over, covers=covers, form=component.name, scopes=self._scopes(kind)
        )

    def _scopes(self, kind: TimeStampKind) -> tuple[Scope, ...]:
        return () if kind is TimeStampKind.REFERENCES else self.scopes

    def _share(
        self, name: str, place: int, all_: Sequence[Component]
    ) -> tuple[frozenset[str], list[Component]]:
        """The ids that a time-stamp covers, and the components that go into its imprint."""
        taken = taken_by(name, all_[:place])
        if name == "sigTst":
            return self.signed, taken
        if name == "arcTst":
            return self.signed | self.before, taken
        referenced = self._referenced()
        return referenced if name == "rfsTst" else self.signed | referenced | self.over_value, taken

    def _referenced(self) -> frozenset[str]:
        """Ids of the tokens at hand whose digests the references hold."""
        certificates = (
            self.collector.token_by_digest("C", one.digest_algorithm, one.digest)
            for one in self.certificate_references
        )
        revocation = (
            self.collector.token_by_digest(
                "O" if one.kind == "ocsp" else "R", one.digest_algorithm, one.digest
            )
            for one in self.revocation_references
        )
        return frozenset(named for named in (*certificates, *revocation) if named is not None)


def taken_by(name: str, earlier: Sequence[Component]) -> list[Component]:
    """Which of the components before it a time-stamp is over.

    Sources: 5.3.4 (sigTst), 5.3.6.3 (arcTst), A.1.5.1 (sigRTst), A.1.5.2 (rfsTst).
    """
    match name:
        case "sigTst":
            return []
        case "arcTst":
            return list(earlier)
        case "rfsTst":
            return [item for item in earlier if item.name in REFERENCES]
        case _:
            return [item for item in earlier if item.name in REFERENCES | {"sigTst"}]


def joined(kind: TimeStampKind, jws: Jws, data: Data | None, shares: Sequence[bytes | None]) -> Data | None:
    """What a time-stamp of a kind is over, from the shares of the components that it takes.

    None where the data is not at hand, or a component has no octets that are known here.
    """
    if any(share is None for share in shares):
        return None
    tail = b"".join(share for share in shares if share is not None)
    if kind is TimeStampKind.SIGNATURE:
        return Octets(jws.value_sent)
    if kind is TimeStampKind.REFERENCES:
        return Octets(tail)
    if kind is TimeStampKind.SIGNATURE_AND_REFERENCES:
        return Octets(jws.value_sent + b"." + tail)
    # The data, the signature, and all components before it (5.3.6.3).
    head = b"." + jws.header_sent + b"." + jws.value_sent + b"."
    return None if data is None else Joined((data, Octets(head + tail)))
