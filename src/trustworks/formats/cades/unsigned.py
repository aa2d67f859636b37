"""Unsigned attributes of one signer: validation data, references, what each time-stamp is over and covers.

Source: EN 319 122-1, 5.3 to 5.5 and annex A.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.cades import archive
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.references import certificate_references, resolved, revocation_references
from trustworks.formats.cms.properties import text
from trustworks.formats.cms.tokens import take_attribute_values
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, TimeStampKind, Weight, Where
from trustworks.formats.time_stamp import ParsedToken, parse_token, read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.core.der import ber
    from trustworks.formats.cms.attributes import SignedAttributes
    from trustworks.formats.cms.structure import CmsAttribute, SignedData, SignerInfo
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import PolicyReference, Reference, Signature, TimeStamp
    from trustworks.formats.limits import Limits

_KINDS: Final = {
    ids.CONTENT_TIME_STAMP: TimeStampKind.CONTENT,
    ids.SIGNATURE_TIME_STAMP: TimeStampKind.SIGNATURE,
    ids.ESC_TIME_STAMP: TimeStampKind.SIGNATURE_AND_REFERENCES,
    ids.CERTS_CRLS_TIME_STAMP: TimeStampKind.REFERENCES,
    ids.LONG_TERM_VALIDATION: TimeStampKind.ARCHIVE,
    ids.ARCHIVE_TIME_STAMP: TimeStampKind.ARCHIVE,
    ids.ARCHIVE_TIME_STAMP_V2: TimeStampKind.ARCHIVE,
    ids.ARCHIVE_TIME_STAMP_V3: TimeStampKind.ARCHIVE,
}


@dataclass(slots=True, kw_only=True)
class Gathering:
    """What is found around one signature, while it is read."""

    data: SignedData
    signer: SignerInfo
    signature: Signature
    content: Data | None
    collector: Collector
    limits: Limits
    file: str | None
    shared: frozenset[str]
    """Ids of certificates and revocation data in the structure itself."""
    budget: archive.Budget
    path: Path | None = None
    """The file in which the structure lies; None: it is in memory."""
    certificates: list[str] = field(default_factory=list)
    revocation: list[str] = field(default_factory=list)
    time_stamps: list[TimeStamp] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    holds: dict[int, set[str]] = field(default_factory=dict)
    """The ids of what each value of an attribute holds, by the place of the value."""

    def held(self, *attributes: CmsAttribute) -> frozenset[str]:
        """The ids of what attributes hold."""
        places = (value.start for one in attributes for value in one.values)
        return frozenset(named for place in places for named in self.holds.get(place, ()))

    def of(self, *kinds: str) -> list[CmsAttribute]:
        """The unsigned attributes of some types, in the order of the file."""
        return [one for one in self.signer.unsigned_attributes if one.type in kinds]

    def base(self) -> frozenset[str]:
        """What everything over the signature's value proves, too: what the signature itself is over.

        The value can only have been computed once all of it was there: the data by its digest, the signing
        certificate by the reference to it, earlier time-stamps of the content.
        """
        signature = self.signature
        first = signature.signing_certificate[0] if signature.signing_certificate else None
        certificate = (
            None
            if first is None
            else self.collector.token_by_digest("C", first.digest_algorithm, first.digest)
        )
        named = {signature.id, *(one.id for one in self.time_stamps if one.kind is TimeStampKind.CONTENT)}
        for reference in signature.references:
            named |= reference.covers
        if certificate is not None:
            named.add(certificate)
        return frozenset(named)

    def parse(self, value: ber.Element, attribute: CmsAttribute) -> ParsedToken | None:
        """A token of an attribute; what is none, is a finding."""
        try:
            return parse_token(value.octets, self.limits)
        except BeyondLimit:
            raise
        except Malformed as error:
            self.findings.append(unreadable(attribute, error))
        return None

    def take(
        self,
        token: ber.Element | ParsedToken,
        attribute: CmsAttribute,
        place: int,
        over: Data | None,
        covers: frozenset[str],
        *,
        references: Sequence[Reference] = (),
        findings: Sequence[Finding] = (),
    ) -> None:
        """Reads one token of an attribute into what is gathered; what is none, is a finding.

        `place` is that of the value which holds it.
        """
        try:
            found = read_time_stamp(
                token if isinstance(token, ParsedToken) else token.octets,
                self.collector,
                kind=_KINDS[attribute.type],
                over=over,
                covers=covers,
                owner=self.signature.id,
                form=ids.FORMS[attribute.type],
                references=tuple(references),
                scopes=self.signature.scopes,
                file=self.file,
                limits=self.limits,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self.findings.append(unreadable(attribute, error))
            return
        if findings:
            found = replace(found, findings=(*found.findings, *findings))
            self.collector.time_stamp(found)
        self.time_stamps.append(found)
        own = {found.id, *found.signature.certificates, *found.signature.revocation}
        self.holds.setdefault(place, set()).update(own)
        self.certificates.extend(found.signature.certificates)
        self.revocation.extend(found.signature.revocation)


def unreadable(attribute: CmsAttribute, error: Exception) -> Finding:
    """The finding about an attribute that ought to hold a time-stamp."""
    return Finding(
        code="cades.time-stamp-unreadable",
        text=f"The attribute {ids.FORMS[attribute.type]} holds no time-stamp that can be read: {error}",
        weight=Weight.NOTE,
    )


def read_content_time_stamps(gathering: Gathering, attributes: SignedAttributes) -> None:
    """Time-stamps of the content before it was signed (EN 319 122-1, 5.2.8)."""
    for attribute in attributes.by_type.get(ids.CONTENT_TIME_STAMP, ()):
        covers = frozenset(named for one in gathering.signature.references for named in one.covers)
        for value in attribute.values:
            gathering.take(value, attribute, value.start, gathering.content, covers)


def read_values_and_references(gathering: Gathering) -> None:
    """certificate-values, revocation-values, and the four kinds of references to such."""
    signature, collector = gathering.signature, gathering.collector
    for attribute in gathering.of(ids.CERTIFICATE_VALUES, ids.REVOCATION_VALUES):
        for value in attribute.values:
            certificates, revocation = take_attribute_values(
                (replace(attribute, values=(value,)),), collector, signature.id, gathering.findings
            )
            gathering.certificates.extend(certificates)
            gathering.revocation.extend(revocation)
            gathering.holds[value.start] = {*certificates, *revocation}
    certificates_ = gathering.of(ids.COMPLETE_CERTIFICATE_REFERENCES, ids.ATTRIBUTE_CERTIFICATE_REFERENCES)
    revocation_ = gathering.of(ids.COMPLETE_REVOCATION_REFERENCES, ids.ATTRIBUTE_REVOCATION_REFERENCES)
    if certificates_ or revocation_:
        gathering.signature = replace(
            signature,
            certificate_references=certificate_references(certificates_, gathering.findings),
            revocation_references=revocation_references(revocation_, gathering.findings),
        )


def read_long_term_validation(gathering: Gathering) -> None:
    """long-term-validation: its time-stamp, and the certificates and revocation data that it brings.

    What the time-stamp is over is a hash tree of its own (TS 101 733 V2.1.1, 6.5), which is not computed: its
    imprint is over what is not at hand. Archive time-stamps came in its place (EN 319 122-1, annex B).
    """
    collector, owner = gathering.collector, gathering.signature.id
    for attribute in gathering.of(ids.LONG_TERM_VALIDATION):
        try:
            for value in attribute.values:
                held = gathering.holds.setdefault(value.start, set())
                for number, part in enumerate(value.children()[1:]):
                    members = part.children()
                    is_poe = (
                        number == 0
                        and len(members) == 1
                        and members[0].children()[0].tag == OBJECT_IDENTIFIER
                    )
                    if part.tag == 0xA0 and is_poe:
                        gathering.take(members[0], attribute, value.start, None, gathering.base())
                    elif part.tag == 0xA0:
                        found = [
                            collector.certificate(one.octets, Where.ANY_VALIDATION_DATA, owner)
                            for one in members
                            if one.tag == SEQUENCE
                        ]
                        gathering.certificates.extend(found)
                        held.update(found)
                    elif part.tag == 0xA1 and number:
                        found = [
                            collector.revocation_list(one.octets, Where.ANY_VALIDATION_DATA, owner)
                            for one in members
                            if one.tag == SEQUENCE
                        ]
                        gathering.revocation.extend(found)
                        held.update(found)
        except BeyondLimit:
            raise
        except (Malformed, IndexError) as error:
            gathering.findings.append(unreadable(attribute, error))


def read_signature_time_stamps(gathering: Gathering) -> None:
    """Time-stamps of the value (EN 319 122-1, 5.3), then those of references (annex A.1.5)."""
    signer = gathering.signer
    value = Octets(gathering.signature.value, "the signature's value")
    for attribute in gathering.of(ids.SIGNATURE_TIME_STAMP):
        for one in attribute.values:
            gathering.take(one, attribute, one.start, value, gathering.base())
    stamps = gathering.held(*gathering.of(ids.SIGNATURE_TIME_STAMP))
    # References to attribute certificates, and about them, are not in what these time-stamps are over.
    referred = resolved(
        certificate_references(gathering.of(ids.COMPLETE_CERTIFICATE_REFERENCES), []),
        revocation_references(gathering.of(ids.COMPLETE_REVOCATION_REFERENCES), []),
        gathering.collector,
    )
    for attribute in gathering.of(ids.ESC_TIME_STAMP, ids.CERTS_CRLS_TIME_STAMP):
        alone = attribute.type == ids.CERTS_CRLS_TIME_STAMP
        covers = referred if alone else referred | stamps | gathering.base()
        for one in attribute.values:
            token = gathering.parse(one, attribute)
            if token is not None:
                info, candidates = token.info, archive.esc_candidates(signer, alone=alone)
                over = archive.matching(candidates, info.imprint_algorithm, info.imprint)
                gathering.take(token, attribute, one.start, over, covers)


def read_archive_time_stamps(gathering: Gathering) -> None:
    """Archive time-stamps of all versions, the earliest first: later ones cover earlier ones."""
    found = [
        (attribute, value.start, token)
        for attribute in gathering.of(*ids.ARCHIVE_TIME_STAMPS)
        for value in attribute.values
        if (token := gathering.parse(value, attribute)) is not None
    ]
    if not found:
        return
    found.sort(key=lambda one: one[2].info.time)
    archived = archive.Archived(
        data=gathering.data,
        signer=gathering.signer,
        content=gathering.content,
        path=gathering.path,
        budget=gathering.budget,
    )
    times = {attribute.element.start: token.info.time for attribute, _, token in reversed(found)}
    earlier: list[CmsAttribute] = []
    for attribute, place, token in found:
        info = token.info
        if attribute.type == ids.ARCHIVE_TIME_STAMP_V3:
            _read_v3(gathering, archived, attribute, place, token)
        elif attribute.type == ids.ARCHIVE_TIME_STAMP:
            # The first version leaves out the certificates and the revocation data of the structure itself.
            covers = gathering.base() | gathering.held(*archive.v1_attributes(gathering.signer, earlier))
            candidates = archive.v1_candidates(archived, earlier)
            over = archived.matching(candidates, info.imprint_algorithm, info.imprint)
            gathering.take(token, attribute, place, over, covers)
        else:
            kept = [
                one
                for one in gathering.signer.unsigned_attributes
                if one.element.start not in times or times[one.element.start] < info.time
            ]
            covers = gathering.base() | gathering.shared | gathering.held(*kept)
            candidates = archive.v2_candidates(archived, kept)
            over = archived.matching(candidates, info.imprint_algorithm, info.imprint)
            gathering.take(token, attribute, place, over, covers)
        earlier.append(attribute)


def _read_v3(
    gathering: Gathering,
    archived: archive.Archived,
    attribute: CmsAttribute,
    place: int,
    token: ParsedToken,
) -> None:
    """An archive-time-stamp-v3 with its index: every entry is resolved to what it is the digest of."""
    why = "the token has no attribute ats-hash-index"
    index = None
    try:
        index = archive.hash_index(token.data.signers[0]) if token.data.signers else None
    except BeyondLimit:
        raise
    except (Malformed, IndexError) as error:
        why = str(error)
    if index is None:
        gathering.take(token, attribute, place, None, gathering.base(), findings=no_index(index, why))
        return
    findings: list[Finding] = []
    references: list[Reference] = []
    # Every index costs as much as what it is of has octets, and there may be very many.
    info = gathering.data.content_info
    archived.budget.pay(info.after - info.start)
    certificates, crls, attributes = _indexed(gathering, archived, index.form)
    for expected, objects, what in (
        (index.certificates, certificates, "a certificate"),
        (index.crls, crls, "revocation data"),
        (index.attributes, attributes, "an unsigned attribute"),
    ):
        resolved_, without = archive.entries(expected, objects, index.algorithm, what)
        references.extend(resolved_)
        own = [one for one in without if attribute.element.start not in one.places]
        if own:
            findings.append(_not_indexed([one.name for one in own]))
    candidates = archive.v3_candidates(archived, index, token.info.imprint_algorithm)
    gathering.take(
        token,
        attribute,
        place,
        archived.matching(candidates, token.info.imprint_algorithm, token.info.imprint),
        gathering.base().union(*(one.covers for one in references)),
        references=references,
        findings=findings,
    )


def _indexed(
    gathering: Gathering, archived: archive.Archived, form: str
) -> tuple[list[archive.Indexed], list[archive.Indexed], list[archive.Indexed]]:
    """What an index has entries for: certificates, revocation data of the structure, attributes."""
    tokens = gathering.collector.token_id
    certificates = [
        archive.Indexed(name="a certificate", octets=(one.octets,), covers=tokens(one.octets))
        for one in gathering.data.certificates
    ]
    crls = [
        archive.Indexed(
            name="revocation data",
            octets=(one.octets,),
            covers=tokens(one.octets if one.tag == 0x30 else one.children()[-1].octets),
        )
        for one in gathering.data.crls
    ]
    attributes = [
        archive.Indexed(
            name=ids.FORMS.get(one.type, one.type),
            octets=octets,
            covers=gathering.held(part),
            places=frozenset({one.element.start}),
        )
        for one in gathering.signer.unsigned_attributes
        for part, octets in archive.attribute_octets(archived, one, form)
    ]
    return certificates, crls, attributes


@implements("EN319122-1:5.5.3-INDEX", disabled=())
def no_index(index: archive.HashIndex | None, why: str) -> tuple[Finding, ...]:
    """An archive-time-stamp-v3 without an index that can be read."""
    if index is not None:
        return ()
    return (
        Finding(
            code="cades.no-hash-index",
            text=f"What the archive time-stamp is over cannot be told: {why}",
            weight=Weight.SUSPICIOUS,
            requirement="EN319122-1:5.5.3-INDEX",
        ),
    )


def _not_indexed(names: Sequence[str]) -> Finding:
    return Finding(
        code="cades.not-in-hash-index",
        text=f"The archive time-stamp does not cover {', '.join(dict.fromkeys(names))}; it may have been "
        "added after it.",
        weight=Weight.NOTE,
    )


def read_policy_store(gathering: Gathering, policy: PolicyReference | None) -> PolicyReference | None:
    """The policy with the document that signature-policy-store has of it (EN 319 122-1, 5.2.10)."""
    if policy is None:
        return None
    for attribute in gathering.of(ids.SIGNATURE_POLICY_STORE):
        try:
            specification, document = attribute.values[0].children()[:2]
            named = specification.oid() if specification.tag == 0x06 else text(specification)
            stored = document.tag & ~0x20 == 0x04
            return replace(
                policy,
                octets=document.string() if stored else None,
                local_uri=None if stored else text(document),
                specification=named,
            )
        except BeyondLimit:
            raise
        except (Malformed, IndexError, ValueError) as error:
            gathering.findings.append(
                Finding(
                    code="cades.policy-store-unreadable",
                    text=f"The attribute signature-policy-store cannot be read: {error}",
                    weight=Weight.NOTE,
                )
            )
    return policy
