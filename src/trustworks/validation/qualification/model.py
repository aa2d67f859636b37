"""What the procedures of TS 119 615 take and answer, with the standard's own tokens as values."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.authenticate import Authenticated
    from trustworks.core.pki.trusted_lists.model import (
        Provider,
        QualificationElement,
        Service,
        ServiceState,
    )


class Status(StrEnum):
    """How a procedure ended; what it found is another matter."""

    PASSED = "PROCESS_PASSED"
    PASSED_WITH_WARNING = "PROCESS_PASSED_WITH_WARNING"
    FAILED = "PROCESS_FAILED"


class Indication(StrEnum):
    """Whether a certificate is a qualified one, and for what (4.4.3)."""

    NOT_QUALIFIED = "Not_Qualified"
    NOT_FOR_ESIG = "Not_Qualified_For_eSig"
    NOT_FOR_ESEAL = "Not_Qualified_For_eSeal"
    NOT_QWAC = "Not_QWAC"
    FOR_ESIG = "QC_For_eSig"
    FOR_ESEAL = "QC_For_eSeal"
    QWAC = "QWAC"
    INDETERMINATE_FOR_ESIG = "INDET_QC_For_eSig"
    INDETERMINATE_FOR_ESEAL = "INDET_QC_For_eSeal"
    INDETERMINATE_QWAC = "INDET_QWAC"
    INDETERMINATE = "INDETERMINATE"


QUALIFIED: Final = frozenset({Indication.FOR_ESIG, Indication.FOR_ESEAL, Indication.QWAC})
UNDETERMINED: Final = frozenset(
    {
        Indication.INDETERMINATE_FOR_ESIG,
        Indication.INDETERMINATE_FOR_ESEAL,
        Indication.INDETERMINATE_QWAC,
    }
)


class Device(StrEnum):
    """Whether a certificate's private key is in a qualified creation device (4.5.3)."""

    YES = "QSCD_YES"
    NO = "QSCD_NO"
    INDETERMINATE = "QSCD_INDETERMINATE"


class Issuer(StrEnum):
    """Whether who signed a token is qualified for the service that gives such tokens (4.6.3)."""

    QUALIFIED = "Qualified"
    NOT_QUALIFIED = "Not_Qualified"
    INDETERMINATE = "Indeterminate"


class Purpose(StrEnum):
    """What services of validation and of preservation are qualified for (4.8.3, 4.9.3)."""

    ESIG = "Qualified_For_eSig"
    ESEAL = "Qualified_For_eSeal"
    NOT_ESIG = "Not_Qualified_For_eSig"
    NOT_ESEAL = "Not_Qualified_For_eSeal"
    INDETERMINATE = "Indeterminate"


class Lists(Protocol):
    """Where procedures get authenticated trusted lists from (4.2)."""

    def authenticated(self, country: str) -> Authenticated:
        """The list of a territory such as ``EL``, or why there is none that can be believed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMember:
    """A certificate of a path, or the trust anchor at its end, by what clause 4.3 compares and checks.

    `subject` is the DER of a Name, `key` of a SubjectPublicKeyInfo. An anchor that is no certificate has no
    times.
    """

    subject: bytes
    key: bytes
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A service that matches, its state at the time asked for, and its provider: a tuple of SI-Results."""

    service: Service
    state: ServiceState
    provider: Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedServices:
    """The outcome of clause 4.3."""

    status: Status
    sub_status: tuple[str, ...] = ()
    results: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateQualification:
    """The outcome of clause 4.4, and what of the list led to it.

    `results` are QC-Results at the time asked for; empty where the process failed before it had any.
    `for_esig` and `for_eseal` are the qualification elements that apply, with whether their extension is
    critical (CHECK_1_SET-OF_QE, CHECK_2_SET-OF_QE).
    """

    status: Status
    sub_status: tuple[str, ...] = ()
    results: frozenset[Indication] = frozenset()
    country: str = ""
    services: tuple[Listed, ...] = ()
    for_esig: tuple[tuple[QualificationElement, bool], ...] = ()
    for_eseal: tuple[tuple[QualificationElement, bool], ...] = ()

    @property
    def qualified_for(self) -> frozenset[Indication]:
        """What the certificate is qualified for; nothing where the process failed."""
        return frozenset() if self.status is Status.FAILED else self.results & QUALIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceQualification:
    """The outcome of clause 4.5; `result` is None where the process failed."""

    status: Status
    sub_status: tuple[str, ...] = ()
    result: Device | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerQualification:
    """The outcome of clauses 4.6, 4.7 and 4.10 to 4.13. `results` has several values in 4.10 alone."""

    status: Status
    results: tuple[Issuer, ...]
    sub_status: tuple[str, ...] = ()
    country: str = ""
    services: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeQualification:
    """The outcome of clauses 4.8 and 4.9."""

    status: Status
    results: tuple[Purpose, ...]
    sub_status: tuple[str, ...] = ()
    country: str = ""
    services: tuple[Listed, ...] = ()


def together(*groups: tuple[str, ...] | str) -> tuple[str, ...]:
    """Sub-statuses of several processes, each once and in the order in which they were found."""
    found: dict[str, None] = {}
    for group in groups:
        found.update(dict.fromkeys((group,) if isinstance(group, str) else group))
    return tuple(found)
