"""Extensions of services in trusted lists, with the criteria of qualifications (TS 119 612, 5.5.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists.markup import (
    SIE,
    TSL,
    TSLX,
    XADES,
    Findings,
    Limits,
    content,
    elements,
    local_name,
    moment,
    text_at,
    texts,
    truth,
)
from trustworks.core.pki.trusted_lists.model import (
    AdditionalServiceInformation,
    CriteriaList,
    Criterion,
    ExpiredCertificatesRevocation,
    ExtendedKeyUsage,
    Extension,
    KeyUsage,
    PolicySet,
    QualificationElement,
    Qualifications,
    SubjectAttributes,
    TakenOverBy,
    Text,
    UnknownCriterion,
    UnknownExtension,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

_OID_PREFIX: Final = "urn:oid:"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
ASSERTIONS: Final = frozenset({"all", "atLeastOne", "none"})


class Extensions:
    """Reads the extensions of services, within what `Limits` allow for a whole list."""

    def __init__(self, findings: Findings, limits: Limits) -> None:
        self._findings = findings
        self._limits = limits
        self._criteria = 0

    def read(self, element: Element | None) -> tuple[Extension, ...]:
        """A ServiceInformationExtensions; an Extension element that has several contents gives several."""
        return tuple(
            self._extension(part, critical=truth(one.get("Critical")))
            for one in elements(element)
            for part in elements(one)
        )

    def unknown(self, element: Element | None) -> tuple[UnknownExtension, ...]:
        """The extensions of a scheme or of a provider, of which TS 119 612 defines none (5.3.17, 5.4.5)."""
        return tuple(
            UnknownExtension(critical=truth(one.get("Critical")), name=str(part.tag))
            for one in elements(element)
            for part in elements(one)
        )

    def _extension(self, part: Element, *, critical: bool) -> Extension:
        if part.tag == SIE + "Qualifications":
            return Qualifications(critical=critical, elements=tuple(self._qualifications(part)))
        if part.tag == TSL + "AdditionalServiceInformation":
            return AdditionalServiceInformation(
                critical=critical,
                uri=text_at(part, TSL + "URI"),
                information=text_at(part, TSL + "InformationValue"),
                other=tuple(
                    content(one) or next((str(inner.tag) for inner in elements(one)), "")
                    for one in part.iterchildren(TSL + "OtherInformation")
                ),
            )
        if part.tag == TSLX + "TakenOverBy":
            return _taken_over_by(part, critical=critical)
        if part.tag == TSL + "ExpiredCertsRevocationInfo":
            since = moment(content(part))
            if since is not None:
                return ExpiredCertificatesRevocation(critical=critical, since=since)
            self._findings.add("extension-no-time", part, "ExpiredCertsRevocationInfo is no date and time.")
        elif critical:
            self._findings.add(
                "extension-critical-unknown", part, f"The critical extension {local_name(part)} is not known."
            )
        return UnknownExtension(critical=critical, name=str(part.tag))

    def _qualifications(self, part: Element) -> Iterator[QualificationElement]:
        for one in part.iterchildren(SIE + "QualificationElement"):
            listed = one.find(SIE + "CriteriaList")
            qualifiers = one.find(SIE + "Qualifiers")
            if listed is None or qualifiers is None:
                # No criteria identify no certificate, and no qualifiers say nothing about one.
                self._findings.add(
                    "qualification-incomplete", one, "A QualificationElement lacks criteria or qualifiers."
                )
                continue
            yield QualificationElement(
                tuple(
                    (qualifier.get("uri") or "").strip()
                    for qualifier in qualifiers.iterchildren(SIE + "Qualifier")
                ),
                self._criteria_list(listed, 1),
            )

    def _criteria_list(self, element: Element, depth: int) -> CriteriaList:
        if depth > self._limits.nested_criteria:
            raise Malformed(
                f"Lists of criteria are nested more than {self._limits.nested_criteria} deep; "
                "get the list from its official location again."
            )
        assertion = element.get("assert") or ""
        if assertion not in ASSERTIONS:
            self._findings.add(
                "criteria-no-assertion", element, "A CriteriaList does not say how many must be met."
            )
        description = ""
        criteria: list[Criterion] = []
        for part in elements(element):
            if part.tag == SIE + "Description":
                description = content(part)
            elif part.tag == SIE + "CriteriaList":
                criteria.append(self._criteria_list(part, depth + 1))
            elif part.tag == SIE + "otherCriteriaList":
                criteria.extend(self._other(one) for one in elements(part))
            else:
                criteria.append(self._criterion(part))
        self._criteria += len(criteria)
        if self._criteria > self._limits.criteria:
            raise Malformed(
                f"There are more than {self._limits.criteria} criteria; "
                "get the list from its official location again."
            )
        return CriteriaList(assertion, tuple(criteria), description)

    def _criterion(self, part: Element) -> Criterion:
        if part.tag == SIE + "KeyUsage":
            return KeyUsage(
                tuple(
                    (bit.get("name") or "", truth(content(bit)))
                    for bit in part.iterchildren(SIE + "KeyUsageBit")
                )
            )
        if part.tag == SIE + "PolicySet":
            return PolicySet(_identifiers(part, SIE + "PolicyIdentifier"))
        return self._other(part)

    def _other(self, part: Element) -> Criterion:
        if part.tag == TSLX + "ExtendedKeyUsage":
            return ExtendedKeyUsage(_identifiers(part, TSLX + "KeyPurposeId"))
        if part.tag == TSLX + "CertSubjectDNAttribute":
            return SubjectAttributes(_identifiers(part, TSLX + "AttributeOID"))
        self._findings.add("criterion-unknown", part, f"The criterion {local_name(part)} is not known.")
        return UnknownCriterion(str(part.tag))


def _identifiers(element: Element, name: str) -> tuple[str, ...]:
    found = []
    for one in element.iterchildren(name):
        text = text_at(one, XADES + "Identifier") or content(one)
        found.append(text[len(_OID_PREFIX) :] if text.lower().startswith(_OID_PREFIX) else text)
    return tuple(found)


def _taken_over_by(part: Element, *, critical: bool) -> TakenOverBy:
    uri = part.find(TSLX + "URI")
    return TakenOverBy(
        critical=critical,
        uri=Text("" if uri is None else uri.get(_LANGUAGE, ""), content(uri)),
        names=texts(part.find(TSLX + "TSPName")),
        operators=texts(part.find(TSL + "SchemeOperatorName")),
        territory=text_at(part, TSL + "SchemeTerritory"),
        other=tuple(
            content(one) or next((str(inner.tag) for inner in elements(one)), "")
            for one in part.iterchildren(TSLX + "OtherQualifier")
        ),
    )
