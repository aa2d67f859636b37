"""A product's certificate, as facts of which each keeps where it was read.

One certificate can be told by several sources: the list of its scheme, its own page, a file that a person
typed in. Nobody decides between them: where two differ, the fact is in conflict, and what depends on it is
unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias

from trustworks.core.trace import implements


class CertificateKind(StrEnum):
    """The scheme that a certificate is of."""

    FIPS = "fips"  # the Cryptographic Module Validation Program: FIPS 140-1, 140-2, 140-3
    CC = "cc"  # Common Criteria, ISO/IEC 15408, under a national scheme
    EUCC = "eucc"  # the European scheme of Regulation (EU) 2024/482
    NATIONAL = "national"  # national or international criteria other than those
    QSCD = "qscd"  # the notified list of qualified signature creation devices


class Status(StrEnum):
    """How a scheme says that a certificate stands."""

    ACTIVE = "active"
    HISTORICAL = "historical"  # CMVP: not for new procurements
    ARCHIVED = "archived"  # Common Criteria Portal: its validity has ended
    SUSPENDED = "suspended"
    REVOKED = "revoked"


# Levels of single areas where they differ from the overall one, by their names in FIPS 140 and ISO/IEC 19790,
# such as "Physical Security"; None where the area does not apply.
AreaLevels: TypeAlias = Mapping[str, int | None]
Value: TypeAlias = str | int | date | tuple[str, ...] | AreaLevels | Status


class FactName(StrEnum):
    """What a source can say of a certificate; `FACTS` has the type of each."""

    STANDARD = "standard"  # as printed: "FIPS 140-3", "CC:2022", "ISO/IEC 15408"
    PRODUCT = "product"
    HOLDER = "holder"
    STATUS = "status"
    ISSUED = "issued"
    ENDS = "ends"  # the last day of its validity
    OVERALL_LEVEL = "overall-level"  # FIPS 140: 1 to 4
    AREA_LEVELS = "area-levels"
    # Common Criteria: 1 to 7; 0 where the source says that there is none. Of other criteria the one that
    # their level corresponds to, as a person wrote.
    EAL = "eal"
    AUGMENTED = "augmented"  # its components beyond the level, such as AVA_VAN.5
    AVA_VAN = "ava-van"  # 1 to 5
    PROTECTION_PROFILES = "protection-profiles"  # as the source names them; nobody has verified them
    CAVEAT = (
        "caveat"  # the condition under which the certificate holds, as printed; empty where there is none
    )
    HARDWARE = "hardware"  # versions
    FIRMWARE = "firmware"
    SOFTWARE = "software"
    MODULE_TYPE = "module-type"  # FIPS 140: Hardware, Software, ...
    CATEGORY = "category"  # Common Criteria: the category of product; QSCD: who manages it
    SCHEME = "scheme"  # the country or body
    VERSION = "version"  # of the product as a whole, where its source does not say of what
    ASSURANCE_LEVEL = "assurance-level"  # EUCC: substantial or high
    DEVICE_TYPES = "device-types"  # QSCD: signature, seal
    MAINTENANCE = "maintenance"  # Common Criteria: day and title of each maintenance report
    REPORT = "report"  # the address of the certification report or security policy
    TARGET = "target"  # the address of the security target


FACTS: Final[Mapping[FactName, type]] = {
    FactName.STANDARD: str,
    FactName.PRODUCT: str,
    FactName.HOLDER: str,
    FactName.STATUS: Status,
    FactName.ISSUED: date,
    FactName.ENDS: date,
    FactName.OVERALL_LEVEL: int,
    FactName.AREA_LEVELS: Mapping,
    FactName.EAL: int,
    FactName.AUGMENTED: tuple,
    FactName.AVA_VAN: int,
    FactName.PROTECTION_PROFILES: tuple,
    FactName.CAVEAT: str,
    FactName.HARDWARE: tuple,
    FactName.FIRMWARE: tuple,
    FactName.SOFTWARE: tuple,
    FactName.MODULE_TYPE: str,
    FactName.CATEGORY: str,
    FactName.SCHEME: str,
    FactName.VERSION: str,
    FactName.ASSURANCE_LEVEL: str,
    FactName.DEVICE_TYPES: tuple,
    FactName.MAINTENANCE: tuple,
    FactName.REPORT: str,
    FactName.TARGET: str,
}


class SourceKind(StrEnum):
    """The forms of document that facts are read out of."""

    CMVP_LIST = "cmvp-list"  # the page that lists modules
    CMVP_PAGE = "cmvp-page"  # the page of one certificate
    CMVP_RECORD = "cmvp-record"  # JSON made of those pages by others
    CC_PORTAL = "cc-portal"  # the CSV file of the Common Criteria Portal
    EUCC = "eucc"  # metadata of EUCC certificates
    QSCD_LIST = "qscd-list"  # notified qualified signature creation devices
    TRUSTED_LIST = "trusted-list"
    BY_HAND = "by-hand"  # a person typed it in, from a certificate that is kept as a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a fact was read.

    `document` is the SHA-256 of the file as it was downloaded, in hexadecimal; `retrieved` the moment of the
    download; `place` where in it: a line, a row, a member, a page. `by` is the person who read it there, by
    pseudonym; empty where an importer did.
    """

    kind: SourceKind
    document: str
    name: str
    retrieved: datetime
    place: str
    by: str = ""

    @property
    def is_by_hand(self) -> bool:
        """Whether a person typed it in."""
        return self.kind is SourceKind.BY_HAND

    @property
    def where(self) -> str:
        """The place in the document, and who read it there."""
        return f"{self.place}, read by {self.by}" if self.by else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that one source says."""

    name: FactName
    value: Value
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Missing:
    """No source says it."""

    name: FactName


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources say different things: the facts that differ."""

    name: FactName
    facts: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One certificate, by its scheme and number, with all that sources say of it.

    `number` is what the scheme calls it: ``4962`` (CMVP), ``EUCC-3087-2025-12-0001``, or where a scheme
    publishes none, what tells the certificate apart there. `file` is the SHA-256 of the certificate
    as its owner keeps it, where he has it.
    """

    kind: CertificateKind
    number: str
    facts: tuple[Fact, ...]
    file: str | None = None

    @cached_property
    def id(self) -> str:
        """Scheme and number, such as ``fips:4962``: one in the register."""
        return f"{self.kind}:{self.number}"

    @cached_property
    def _by_name(self) -> dict[FactName, tuple[Fact, ...]]:
        found: dict[FactName, tuple[Fact, ...]] = {}
        for fact in self.facts:
            found[fact.name] = (*found.get(fact.name, ()), fact)
        return found

    def told(self, name: FactName) -> tuple[Fact, ...]:
        """What all sources say of it."""
        return self._by_name.get(name, ())

    def value(self, name: FactName) -> Value | Missing | Conflict:
        """The one value that all sources agree on."""
        found = self._settled.get(name)
        return Missing(name) if found is None else found

    @cached_property
    def _settled(self) -> dict[FactName, Value | Missing | Conflict]:
        return {name: agreed(name, facts) for name, facts in self._by_name.items()}


def _first(name: FactName, facts: tuple[Fact, ...]) -> Value | Missing:
    return facts[0].value if facts else Missing(name)


@implements("TRUSTWORKS:ASSURANCE-CONFLICT", disabled=_first)
def agreed(name: FactName, facts: tuple[Fact, ...]) -> Value | Missing | Conflict:
    """The one value of several facts of one name; where they differ, nobody chooses between them."""
    if not facts:
        return Missing(name)
    first = facts[0].value
    if any(one.value != first for one in facts[1:]):
        return Conflict(name, facts)
    return first


def value_text(value: Value) -> str:
    """A fact's value as people read it; "none" for an empty one that was read."""
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {'N/A' if v is None else v}" for k, v in sorted(value.items())) or "none"
    return str(value) or "none"
