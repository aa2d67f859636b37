"""Reads the constraint file of EU DSS as a policy, and says what of it is not taken over.

Constraints that the file does not have are not asked, as there. Some of its constraints always hold here
(that certificates form a path by RFC 5280, that revocation data is signed by who may); those are told only
where the file would let them be.

Source: the XML schema of DSS 6 (http://dss.esig.europa.eu/validation/policy).
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.xml.parse import Limits, parse
from trustworks.validation.model import Level
from trustworks.validation.policies import suites
from trustworks.validation.policies.constraints import TABLE, UNSWITCHABLE, Context, Kind, Section
from trustworks.validation.policies.policy import Constraint, Model, Policy
from trustworks.validation.policies.suite_files import suite_of_constraints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from trustworks.validation.policies.constraints import Known
    from trustworks.validation.policies.policy import Key

NAMESPACE: Final = "http://dss.esig.europa.eu/validation/policy"
_LIMITS: Final = Limits(octets=4 * 1024 * 1024, depth=32, elements=20_000)

_CONTEXTS: Final = {
    "ContainerConstraints": Context.CONTAINER,
    "SignatureConstraints": Context.SIGNATURE,
    "CounterSignatureConstraints": Context.COUNTER_SIGNATURE,
    "Timestamp": Context.TIME_STAMP,
    "Revocation": Context.REVOCATION,
    "EvidenceRecord": Context.EVIDENCE_RECORD,
}
_SECTIONS: Final = {
    "BasicSignatureConstraints": Section.OWN,
    "SigningCertificate": Section.SIGNING_CERTIFICATE,
    "CACertificate": Section.CA_CERTIFICATE,
    "SignedAttributes": Section.SIGNED_ATTRIBUTES,
    "UnsignedAttributes": Section.UNSIGNED_ATTRIBUTES,
}
_ALWAYS: Final = frozenset(
    {
        *("Recognition", "Signature", "SunsetDate", "CA", "MaxPathLength", "IssuerName", "PolicyTree"),
        *("NameConstraints", "UnknownStatus", "ThisUpdatePresent", "RevocationIssuerKnown"),
        *("RevocationIssuerValidAtProductionTime", "RevocationAfterCertificateIssuance"),
        *("RevocationHasInformationAboutCertificate", "OCSPResponderIdMatch", "OCSPCertHashMatch"),
        *("ManifestEntryObjectIntact",),
    }
)
"""What fails here whatever a policy says."""
_FINDINGS: Final[dict[str, tuple[str, ...]]] = {
    "ByteRange": ("pades.byte-range", "pades.no-byte-range"),
    "ByteRangeCollision": ("pades.byte-range-collision",),
    "SignerInformationStore": ("pades.signers",),
    "PdfPageDifference": ("pades.page-count",),
    "PdfAnnotationOverlap": ("pades.annotated", "pades.annotated-unpermitted"),
    "DocMDP": ("pades.doc-mdp",),
    "FieldMDP": ("pades.field-mdp",),
    "UndefinedChanges": ("pades.undefined-change",),
    "FormFillChanges": ("pades.form-changed",),
    "ManifestFilePresent": ("asic.manifest-missing",),
}
"""Constraints about structure, by the findings of our readers."""
_BY_DURATION: Final = "RevocationFreshness"
_BY_NEXT_UPDATE: Final = "RevocationFreshnessNextUpdate"
"""DSS asks this only where the other is not there, whatever the level of the other is."""
_NO_ASIC: Final = ("none", "OpenDocument")
"""DSS asks of ASiC alone what type a container has: what is none, or an OpenDocument, is never refused."""
_VALUES: Final = {
    "ANY_POLICY": "any",
    "NO_POLICY": "none",
    "IMPLICIT_POLICY": "implied",
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "ocspSigning": "1.3.6.1.5.5.7.3.9",
}
_UNITS: Final = {
    "MILLISECONDS": timedelta(milliseconds=1),
    "SECONDS": timedelta(seconds=1),
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "DAYS": timedelta(days=1),
}
_MOST: Final = timedelta(days=36_500)


def read_dss_policy(octets: bytes) -> Policy:
    """A constraint file of EU DSS as a policy, with a sentence for each constraint that is not taken over.

    Raises:
        Malformed: the octets are no such file, or have a level, number or model that there is not.
    """
    root = parse(octets, _LIMITS)
    if root.tag != f"{{{NAMESPACE}}}ConstraintsParameters":
        raise Malformed(
            f"The root element is {_local(root)}; a constraint file of DSS begins with ConstraintsParameters "
            f"of the namespace {NAMESPACE}."
        )
    return _Import(root).result()


class _Import:
    def __init__(self, root: _Element) -> None:
        self.root = root
        self.constraints: dict[Key, Constraint] = {
            (context, section, name): Constraint(Level.IGNORE)
            for context, sections in TABLE.items()
            for section, names in sections.items()
            for name in names
        }
        # DSS takes every responder that a trust anchor vouches for.
        self.constraints[Context.REVOCATION, Section.OWN, "responder-authorised"] = Constraint(Level.WARN)
        self.findings: dict[str, Level] = {}
        self.not_taken: list[str] = []
        self.model = Model.SHELL
        self.suite = suites.Suite(name="none", digests={}, signatures={})
        self.algorithms = Level.IGNORE

    def result(self) -> Policy:
        name = self.root.get("Name", "imported")
        description = ""
        for child in _elements(self.root):
            tag = _local(child)
            if tag in _CONTEXTS:
                continue
            match tag:
                case "Description":
                    description = " ".join((child.text or "").split())
                case "Cryptographic":
                    self._cryptographic(child)
                case "Model":
                    self.model = self._model(child.get("Value", ""))
                case _:
                    self._not(child, tag)
        # After the algorithms, whose level they go on from.
        for child in _elements(self.root):
            if _local(child) in _CONTEXTS:
                self._context(_CONTEXTS[_local(child)], Section.OWN, child, _local(child))
        return Policy(
            name=name,
            identifier=f"urn:trustworks:validation-policy:imported:{name.replace(' ', '-')}",
            description=description,
            model=self.model,
            suite=self.suite,
            constraints=MappingProxyType(self.constraints),
            findings=MappingProxyType(self.findings),
            not_taken=tuple(self.not_taken),
        )

    def _context(self, context: Context, section: Section, parent: _Element, path: str) -> None:
        known = {one.dss: one for one in TABLE[context].get(section, {}).values()}
        if "algorithms" in TABLE[context].get(section, {}):
            self.constraints[context, section, "algorithms"] = Constraint(self.algorithms)
        tags = {_local(one) for one in _elements(parent)}
        for child in _elements(parent):
            tag = _local(child)
            place = f"{path}/{tag}"
            if tag == _BY_NEXT_UPDATE and _BY_DURATION in tags:
                continue
            if tag in _SECTIONS and _SECTIONS[tag] in TABLE[context]:
                self._context(context, _SECTIONS[tag], child, place)
            elif tag == "Cryptographic":
                self._own_algorithms(context, section, child, place)
            elif tag in known:
                self._constraint(context, section, known[tag], child, place)
            elif tag in _FINDINGS:
                level = self._level(child, place)
                self.findings.update(dict.fromkeys(_FINDINGS[tag], level))
            elif tag in _ALWAYS:
                if self._level(child, place) is not Level.FAIL:
                    self.not_taken.append(f"{place}: what it lets be always fails here.")
            else:
                self._not(child, place)

    def _own_algorithms(self, context: Context, section: Section, child: _Element, place: str) -> None:
        if "algorithms" in TABLE[context].get(section, {}) and child.get("Level"):
            self.constraints[context, section, "algorithms"] = Constraint(self._level(child, place))
        if len(child):
            self.not_taken.append(f"{place}: there is one suite of algorithms for all contexts here.")

    def _constraint(
        self, context: Context, section: Section, known: Known, child: _Element, place: str
    ) -> None:
        level = self._level(child, place)
        if known.name in UNSWITCHABLE and level is not Level.FAIL:
            self.not_taken.append(f"{place}: what it lets be always fails here.")
        values: tuple[str, ...] = ()
        limit = None
        if known.kind is Kind.VALUES:
            values = tuple(self._values(child, place))
            if not values and level is not Level.IGNORE:
                self.not_taken.append(f"{place}: it names no values.")
                level = Level.IGNORE
        if context is Context.CONTAINER:
            values += _NO_ASIC
        if known.kind is Kind.DURATION:
            limit = self._duration(child, place)
        self.constraints[context, section, known.name] = Constraint(level, values, limit)

    def _values(self, child: _Element, place: str) -> Iterator[str]:
        given = child.get("value") or child.get("Value")
        if given is not None:
            yield _VALUES.get(given, given)
        for one in _elements(child):
            tag = _local(one)
            if tag == "Id":
                text = (one.text or "").strip()
                yield _VALUES.get(text, text.replace("_", "-") if "AdES" in text else text)
            elif tag == "CertificateExtensions":
                yield from self._values(one, place)
            else:
                self.not_taken.append(f"{place}/{tag}: it is not asked here.")

    def _duration(self, child: _Element, place: str) -> timedelta:
        unit, number = child.get("Unit", "DAYS"), child.get("Value", "0")
        if unit not in _UNITS or not number.isascii() or not number.isdigit() or len(number) > 12:
            raise Malformed(f"{place} is of {number} {unit}, which is no duration.")
        return min(int(number) * _UNITS[unit], _MOST)

    def _level(self, child: _Element, place: str) -> Level:
        try:
            return Level(child.get("Level", "IGNORE").lower())
        except ValueError:
            raise Malformed(
                f"{place} has the level {child.get('Level')}; there are FAIL, WARN, INFORM and IGNORE."
            ) from None

    def _model(self, value: str) -> Model:
        try:
            return Model(value.lower())
        except ValueError:
            raise Malformed(f"The model is {value}; there are SHELL, CHAIN and HYBRID.") from None

    def _cryptographic(self, child: _Element) -> None:
        self.algorithms = self._level(child, "Cryptographic")
        self.suite, notes = suite_of_constraints(child)
        self.not_taken.extend(notes)

    def _not(self, child: _Element, place: str) -> None:
        if child.get("Level", "").upper() != "IGNORE":
            self.not_taken.append(f"{place}: it is not asked here.")


def _elements(parent: _Element) -> Iterator[_Element]:
    return (one for one in parent if isinstance(one.tag, str))


def _local(one: _Element) -> str:
    return str(one.tag).rpartition("}")[2]
