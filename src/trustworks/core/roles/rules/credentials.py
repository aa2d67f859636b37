"""What may be registered as an operator's credential, and when it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.roles.model import Credential


@implements("TRUSTWORKS:ROLES-CREDENTIAL-VALID")
def check_credential(credential: Credential, moment: datetime) -> None:
    """Refuse a credential that was removed before `moment`, or a certificate that was not valid then."""
    if credential.removed_at is not None and credential.removed_at <= moment:
        raise Refused(
            "TRUSTWORKS:ROLES-CREDENTIAL-VALID",
            f"The credential {credential.label} of {credential.operator} was removed on "
            f"{credential.removed_at:%Y-%m-%d %H:%M} UTC. Use another one.",
        )
    if credential.kind == "certificate":
        certificate = x509.load_der_x509_certificate(credential.public)
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise Refused(
                "TRUSTWORKS:ROLES-CREDENTIAL-VALID",
                f"The certificate of {credential.operator} is valid from "
                f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
                f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC alone. Register a new one.",
            )
