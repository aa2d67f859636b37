"""What importers give: certificates as facts with their provenance, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import Certificate, CertificateKind, Fact, FactName, Provenance, SourceKind
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.pki.trusted_lists.uris import GRANTED
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.assurance.model import Value
    from trustworks.core.pki.trusted_lists.anchors import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a document is read; each bound is checked before, or while, memory is spent.

    The largest real ones: some 4 million octets and 5,000 rows (the list of historical modules of CMVP).
    """

    octets: int = 32 * 1024 * 1024
    rows: int = 50_000
    columns: int = 100
    text: int = 20_000  # characters of one value
    elements: int = 1_000_000  # of HTML and JSON; lines
    problems: int = 500


DEFAULT: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A document as somebody downloaded it: what its file is called, and when he did (UTC)."""

    name: str
    retrieved: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What was not read, where (a line, a row, a member), and why, in a sentence."""

    place: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedService:
    """A service on a trusted list (TS 119 612), as far as the list says it; nobody verified its signature.

    `type` and `status` are the addresses that the list gives, `granted` the times in which it was granted,
    latest first. `purposes` are the ends of the addresses that say what it is for (ForeSignatures, ...),
    `qualifiers` those that it gives to certificates (QCWithQSCD, QCQSCDManagedOnBehalf, ...). `keys` are the
    SHA-256 of its certificates, `public_keys` those of their SubjectPublicKeyInfo, `key_identifiers` the
    identifiers that the list names beside them; all in hexadecimal. The register keeps the list's file: who
    needs its services reads it again.
    """

    territory: str
    provider: str
    name: str
    type: str
    status: str
    since: datetime
    granted: tuple[Period, ...]
    purposes: tuple[str, ...]
    qualifiers: tuple[str, ...]
    keys: tuple[str, ...]
    provenance: Provenance
    public_keys: tuple[str, ...] = ()
    key_identifiers: tuple[str, ...] = ()

    @property
    def is_granted(self) -> bool:
        """Whether the list says that it is granted now; recognised nationally is something else."""
        return self.status == GRANTED and bool(self.granted) and self.granted[0].until is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """All that one document says; what has a problem is left out, the rest is here."""

    kind: SourceKind
    certificates: tuple[Certificate, ...]
    problems: tuple[Problem, ...]
    services: tuple[ListedService, ...] = ()


@dataclass(slots=True)
class Reading:
    """One document while it is read: where its facts come from, and what is wrong with it."""

    kind: SourceKind
    data: bytes
    download: Download
    limits: Limits
    problems: list[Problem] = field(default_factory=list)
    document: str = ""
    certificates: dict[str, Certificate] = field(default_factory=dict)
    _places: dict[str, Provenance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.download.retrieved.tzinfo is None:
            raise Malformed(f"{self.download.name}: the moment of its download needs a time zone.")
        if len(self.data) > self.limits.octets:
            raise BeyondLimit(
                f"{self.download.name} has {len(self.data)} octets, more than the {self.limits.octets} that "
                "are read. Download the list in parts.",
                "octets",
            )
        self.document = sha256(self.data).hexdigest()

    def problem(self, place: str, sentence: str) -> None:
        """Keeps what is wrong in one place; after too many of them, only that there are more."""
        if len(self.problems) < self.limits.problems:
            self.problems.append(Problem(place=place, sentence=sentence))
        elif len(self.problems) == self.limits.problems:
            self.problems.append(
                Problem(place="", sentence="There are more problems than are told; solve these first.")
            )

    def provenance(self, place: str) -> Provenance:
        """Where a fact of this document was read."""
        found = self._places.get(place)
        if found is None:
            found = self._places[place] = Provenance(
                kind=self.kind,
                document=self.document,
                name=self.download.name,
                retrieved=self.download.retrieved.astimezone(UTC),
                place=place,
            )
        return found

    def add(
        self, kind: CertificateKind, number: str, place: str, values: Mapping[FactName, Value | None]
    ) -> None:
        """Keeps a certificate with the values that are told (None: not told), joined with those it has.

        What is the same is kept once; what differs is kept beside it, so that it is seen to be in conflict.
        """
        provenance = self.provenance(place)
        facts = tuple(
            Fact(name=name, value=value, provenance=provenance)
            for name, value in values.items()
            if value is not None
        )
        key = f"{kind}:{number}"
        known = self.certificates.get(key)
        if known is not None:
            told = [(one.name, one.value) for one in known.facts]
            facts = (*known.facts, *(one for one in facts if (one.name, one.value) not in told))
        elif len(self.certificates) >= self.limits.rows:
            raise BeyondLimit(
                f"{self.download.name} has more than the {self.limits.rows} certificates that are read.",
                "rows",
            )
        self.certificates[key] = Certificate(kind=kind, number=number, facts=facts)

    def imported(self, services: tuple[ListedService, ...] = ()) -> Imported:
        """All that was read, and what was not."""
        return Imported(
            kind=self.kind,
            certificates=tuple(self.certificates.values()),
            problems=tuple(self.problems),
            services=services,
        )

    @implements("TRUSTWORKS:ASSURANCE-SOURCE-COLUMNS", disabled=None)
    def unknown(self, place: str, column: str) -> None:
        """A column, label or member that this reader does not know, and does not guess at."""
        self.problem(
            place,
            f"The column {column!a:.80} is not known here, and is not read. Its source may have changed.",
        )


def nothing(_: object, reading: Reading) -> Imported:
    """What a reader gives that reads nothing: for the check that its tests notice."""
    return reading.imported()
