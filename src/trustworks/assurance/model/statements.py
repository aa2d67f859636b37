"""What persons state: documents that they wrote, checks that they made, things that they confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DocumentKind(StrEnum):
    """What a document is evidence of."""

    RISK_ANALYSIS = "risk-analysis"
    # Requirement by requirement, how the product covers what the standard asks of it.
    COVERAGE = "coverage-demonstration"
    ISO_19790 = "iso19790-demonstration"
    EQUIVALENCE = "equivalence-evidence"  # of other criteria to ISO/IEC 15408
    CONFORMITY = "conformity-demonstration"  # of a system to the standard that its process names
    ANNEX_II = "annex-ii-mapping"  # Annex II of Regulation (EU) 910/2014, point by point
    DESIGN = "design-evidence"
    TEST = "test-evidence"
    VENDOR_GUIDANCE = "vendor-guidance"
    PRACTICE_STATEMENT = "practice-statement"  # with the reference to the device's certification
    QSCD_NOTIFICATION = "qscd-notification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document about a product.

    `sha256` is of its file, in hexadecimal. `standard` is what a demonstration is against. `argued` are the
    requirements (or areas of FIPS 140 and ISO/IEC 19790) that no certificate covers and of each of which the
    document argues why it is met, or not needed; `open` are those of which it says that they are not.
    `functions` are those of the product that a demonstration is about, and `version` is the version of the
    product of which it speaks. `reviewed_until` is the day on which it has to be looked at again.
    `names_persons` is what who entered it said of it, None where he said nothing.
    """

    product: str
    kind: DocumentKind
    title: str
    sha256: str
    written: date
    standard: str = ""
    argued: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    version: str = ""
    reviewed_until: date | None = None
    names_persons: bool | None = None


class CheckKind(StrEnum):
    """What was looked at, by persons, on a day."""

    SHIPMENT = "shipment"  # seals whole, two receivers (EN 319 411-1, 6.5.2)
    STORAGE = "storage"  # seals whole in storage and in use; due again
    FUNCTION = "function"  # works correctly; due again
    GUIDANCE_FOLLOWED = "vendor-guidance-followed"
    DEFAULT_CREDENTIALS = "default-credentials-changed"
    LIFE_CYCLE = "life-cycle"  # design, production and delivery protected, as the vendor shows
    DUAL_CONTROL = "dual-control"  # backup and recovery under dual control, in a secured place


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look at a product. `persons` are pseudonyms; `due` is when it has to be made again."""

    product: str
    kind: CheckKind
    on: date
    passed: bool
    persons: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    due: date | None = None
    note: str = ""


class ConfirmationKind(StrEnum):
    """What a person has read in a certificate's documents, and answers for."""

    PROFILE = "protection-profile"  # the product conforms to the profile in `values`
    SCOPE = "evaluated-scope"  # the functions in `values` were evaluated
    IDENTITY = "identity"  # this instance is the evaluated variant and version
    CONDITION = "condition"  # the caveat's condition is kept (mode, installation)
    CONFIGURED = "configured-as-certified"  # every item of the certificate's guidance, in `values`
    # Though it names another product or holder, the certificate is the product's: why, in `values`.
    OTHER_NAME = "other-name"
    # The target, the profile or the module's documents fit the standard, by a risk analysis.
    TARGET_FITS = "target-fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A person read it there: `by` a pseudonym, `page` the document and page.

    `complete` is False for a checklist with items that are still open.
    """

    product: str
    certificate: str
    kind: ConfirmationKind
    values: tuple[str, ...] = ()
    by: str
    on: date
    page: str
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A key went from one module into another, or into a backup and back.

    `equal_protection` is what was found about the way between: outside a module a key has the same protection
    as inside it; None where nobody has looked. `dual_control` says whether two persons did it.
    """

    source: str
    target: str
    on: date
    equal_protection: bool | None
    allowed_by_certificates: bool | None = None
    dual_control: bool
    checksum_matched: bool
    backup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Headcount:
    """How many persons may do something with a product, and how many the practice statement allows."""

    product: str
    act: str
    persons: int
    allowed: int | None
    on: date
