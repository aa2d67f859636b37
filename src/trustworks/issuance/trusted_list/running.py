"""What runs here, as a trusted list tells it: authorities, the OCSP responder, what `app` adds to them.

Source: TS 119 612 V2.4.1, 5.5.1 (types), 5.5.9.2 (qualifications), 5.5.9.4 (what a service is for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.qc_statements import QC_TYPE_ESEAL, QC_TYPE_ESIGN, QC_TYPE_WEB
from trustworks.core.errors import Malformed
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.certificates import load_pem_file
from trustworks.core.pki.trusted_lists.model import (
    AdditionalServiceInformation,
    CriteriaList,
    PolicySet,
    QualificationElement,
    Qualifications,
    SupplyPoint,
)
from trustworks.core.pki.trusted_lists.uris import (
    CA_QC,
    FOR_SEALS,
    FOR_SIGNATURES,
    FOR_WEB,
    OCSP_QC,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_FOR_WSA,
    QC_NO_QSCD,
    QC_WITH_QSCD,
)
from trustworks.core.values import dataclass
from trustworks.issuance import records
from trustworks.issuance.model import serial_hex
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.records import endings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.core.pki.trusted_lists.model import Extension
    from trustworks.issuance.config import IssuanceSettings

_PURPOSES: Final = {
    QC_TYPE_ESIGN: (FOR_SIGNATURES, QC_FOR_ESIG),
    QC_TYPE_ESEAL: (FOR_SEALS, QC_FOR_ESEAL),
    QC_TYPE_WEB: (FOR_WEB, QC_FOR_WSA),
}
"""What a list says of a service that issues qualified certificates of a type, and of these certificates."""
COMMON_NAME: Final = "2.5.4.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that runs now, by the certificate (DER) of its key; `type` is an address (5.5.1)."""

    type: str
    name: str
    certificate: bytes
    extensions: tuple[Extension, ...] = ()
    supply_points: tuple[SupplyPoint, ...] = ()


def running_here(
    settings: IssuanceSettings, connection: Connection, *, public_url: str, base: Path, now: datetime
) -> list[Running]:
    """The authorities that issue to subjects, and the OCSP responder. Raises `Malformed`.

    Left out are roots (the lists name the authorities that issue), and what ended, is revoked or is not valid
    now: who is on the list and runs no more is withdrawn.
    """
    found = [
        Running(
            type=CA_QC,
            name=named(one.certificate),
            certificate=one.certificate,
            extensions=of_authorities(settings.policy_arc),
        )
        for one in records.list_authorities(connection)
        if one.parent is not None
        and endings.terminated_by_plan(connection, one.name) is None
        and stands(connection, one.certificate, now)
    ]
    file = settings.ocsp.certificate
    if file is not None:
        responder = read_first(base / file)
        if stands(connection, responder, now):
            point = SupplyPoint(uri=f"{public_url}/ocsp", kind=OCSP_QC)
            found.append(
                Running(type=OCSP_QC, name=named(responder), certificate=responder, supply_points=(point,))
            )
    return found


def read_first(file: Path) -> bytes:
    """The first certificate of a file (PEM), in DER. Raises `Malformed`."""
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - seldom asked for

    found = load_pem_file(file)
    if not found:
        raise Malformed(f"There is no certificate in {file}.")
    return found[0].public_bytes(Encoding.DER)


def stands(connection: Connection, certificate: bytes, now: datetime) -> bool:
    """Whether a certificate is valid now, and not revoked if it is one of ours."""
    read = Certificate.read(certificate)
    return read.not_before <= now <= read.not_after and revoked_since(connection, read.serial) is None


def revoked_since(connection: Connection, serial: int) -> str | None:
    """Why and since when a certificate of ours is revoked; None while it stands, or for another's."""
    found = records.status(connection, serial_hex(serial))
    if found is None or found.revocation is None:
        return None
    return f"{found.revocation.reason.name} since {found.revocation.revoked_at:%Y-%m-%d %H:%M} UTC"


def named(certificate: bytes) -> str:
    """The name of a service: the common name of its certificate, else all of the subject's name."""
    subject = Certificate.read(certificate).subject
    return next(iter(subject.values(COMMON_NAME)), subject.text)


def of_authorities(arc: str) -> tuple[Extension, ...]:
    """What is told of an authority: which kinds of qualified certificates it issues, and by which policies.

    Each kind's qualifiers say what its certificates say themselves, by the policy below the provider's `arc`.
    """
    profiles = sorted(
        (one for one in PROFILES.values() if one.qc_type is not None and one.own_policy is not None),
        key=lambda one: one.own_policy or 0,
    )
    elements, purposes = [], set()
    for one in profiles:
        purpose, qualifier = _PURPOSES[one.qc_type or ""]
        purposes.add(purpose)
        # Keys of web sites are in no device of the kind (Regulation (EU) No 910/2014, annex IV).
        device = () if qualifier == QC_FOR_WSA else ((QC_WITH_QSCD if one.qc_sscd else QC_NO_QSCD),)
        policy = PolicySet((f"{arc}.{one.own_policy}",))
        elements.append(QualificationElement((qualifier, *device), CriteriaList("all", (policy,), one.title)))
    return (
        *(
            AdditionalServiceInformation(critical=True, uri=uri)
            for uri, _ in _PURPOSES.values()
            if uri in purposes
        ),
        Qualifications(critical=True, elements=tuple(elements)),
    )
